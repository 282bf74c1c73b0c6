#![no_main]
use fuzz::json_lines;

static TARGET: fuzz::Target = json_lines!("members: '{node}.jsonl'\nmanifest: {file: manifest.json, lists: files, tags: {from: start}}");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
