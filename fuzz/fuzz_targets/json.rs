#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new(
    r#"
format: json
deployment: {field: c}
time: {field: t, format: epoch-s}
usage: [{stream: calls, quantity: n}]
reject-limit: 1
"#,
);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
