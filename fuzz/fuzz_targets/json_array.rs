#![no_main]
static TARGET: fuzz::Target = fuzz::Target::new("format: json-array\ndeployment: {field: c}\ntime: {field: t, format: rfc3339, zone: UTC}\nusage: [{stream: calls, quantity: a ?? b * 2, series: x.y, dimensions: {z: 'z[0]'}}]\nreject-limit: 1");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
