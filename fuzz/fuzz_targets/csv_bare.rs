#![no_main]

static TARGET: fuzz::Target = fuzz::Target::new(include_str!("../sources/csv_bare.yaml"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
