#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new(
    r#"
format: key-value
deployment: {field: c}
time: {field: t, format: rfc3339}
usage: [{stream: calls, quantity: n ?? 1, dimensions: {p: p}}]
reject-limit: 1
"#,
);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
