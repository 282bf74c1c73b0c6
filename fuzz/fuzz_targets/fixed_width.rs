#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new(
    r#"
format: fixed-width
fixed-width: {columns: {c: 1-4, t: 6-13, n: 15-}}
deployment: {field: c}
time: {field: t, format: "%Y%m%d", zone: UTC}
usage: [{stream: calls, quantity: n}]
reject-limit: 1
"#,
);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
