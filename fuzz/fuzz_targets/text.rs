#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new("format: text\ntext: {pattern: '^(?<c>[a-z]+) (?<t>\\S+)(?: (?<n>.+))?$'}\ndeployment: {field: c}\ntime: {field: t, format: rfc3339}\nusage: [{stream: calls, quantity: n}]\nreject-limit: 1");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
