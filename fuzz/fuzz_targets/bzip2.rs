#![no_main]
use fuzz::json_lines;

static TARGET: fuzz::Target = json_lines!("");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
