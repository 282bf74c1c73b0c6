#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new("format: csv\ndeployment: {field: c}\ntime: {field: t, format: rfc3339, zone: Europe/Berlin}\nusage: [{stream: calls, quantity: n}]\nreject-limit: 1");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
