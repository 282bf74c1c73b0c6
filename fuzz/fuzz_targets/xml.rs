#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new(
    r#"
format: xml
xml: {records: r/c/i, carry: {c: r/c/@id}}
each: "v[*]"
deployment: {field: $carried.c}
time: {field: "^@t", format: rfc3339}
usage: [{stream: calls, quantity: "@n"}]
reject-limit: 1
"#,
);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
