#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new("format: json-lines\neach: 'p.*'\ndeployment: {field: ^c}\ntime: {field: ^t, format: epoch-ms}\nusage: [{stream: calls, quantity: n, series: $key}]\nreject-limit: 1");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
