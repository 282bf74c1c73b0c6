#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new("format: csv\ncsv: {header: false, delimiter: tab, quote: none}\ndeployment: {field: $1}\ntime: {field: $2, format: '%d/%b/%Y:%H:%M:%S %z'}\nusage: [{stream: calls, quantity: duration($3) * $4}]\nreject-limit: 1");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
