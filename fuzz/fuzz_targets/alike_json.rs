#![no_main]

static TARGET: fuzz::Target = fuzz::Target::new(include_str!("../sources/alike_json.yaml"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check_alike(bytes));
