#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new(
    r#"
format: prometheus
deployment: {value: a}
time: {field: timestamp, format: epoch-ms}
usage: [{stream: calls, quantity: value, series: labels.d, dimensions: {name: name}}]
reject-limit: 1
"#,
);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
