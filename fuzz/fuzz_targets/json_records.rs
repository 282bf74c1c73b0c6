#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new(
    r#"
format: json
json: {records: "pages[*].Records[*]", carry: {account: account.id}}
deployment: {field: $carried.account}
time: {field: t, format: rfc3339}
usage: [{stream: calls, quantity: 1}]
reject-limit: 1
"#,
);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
