//! On two threads an object comes to what it comes to on one, also what is wrong with it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::fmt::Write as _;

use common::{gzip, source, tar};
use usage::{Limits, ObjectContext, Source, Translation, Translator, Unreadable};

const MAPPING: &str = "{name: j, objects: '**', format: json-lines, deployment: {field: c}, time: {field: at, format: rfc3339}, usage: [{stream: calls, quantity: n}]}";

fn lines(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let (cluster, minute) = (number % 7, number % 60);
        writeln!(text, "{{\"c\":\"c{cluster}\",\"at\":\"2026-02-01T07:{minute:02}:00Z\",\"n\":{number}}}").unwrap();
    }
    text
}

fn run(mut translator: Translator<'_>, bytes: &[u8], piece: usize) -> Result<Translation, Unreadable> {
    bytes.chunks(piece).try_for_each(|piece| translator.push(piece))?;
    translator.finish()
}

/// What comes of it, the same on one thread and on two, in pieces of any size.
fn both(source: &Source, bytes: &[u8], limits: Limits) -> Result<Translation, Unreadable> {
    let context = ObjectContext { key: "usage/a".to_owned(), ..ObjectContext::default() };
    let one = run(Translator::with_limits(source, context.clone(), limits), bytes, 4096);
    for piece in [1000, 300_000, bytes.len().max(1)] {
        let two = run(Translator::on_two_threads(source, context.clone(), limits), bytes, piece);
        assert_eq!(two, one, "in pieces of {piece}");
    }
    one
}

#[test]
fn what_is_sound_is_the_same() {
    let source = source(MAPPING);
    let text = lines(30_000);
    let usual = Limits::default();
    assert_eq!(both(&source, text.as_bytes(), usual).unwrap().tally.counts.tallied, 30_000);
    assert_eq!(both(&source, &gzip(text.as_bytes()), usual).unwrap().tally.counts.tallied, 30_000);
    let bundle = tar(&[("a", &text), ("b", &lines(10))]);
    assert_eq!(both(&source, &gzip(&bundle), usual).unwrap().tally.counts.tallied, 30_010);
    assert_eq!(both(&source, b"", usual).unwrap().tally.counts.records, 0);
    let rejects = text.replace("\"n\":29", "\"n\":\"?\", \"m\":29");
    let rejected = both(&source, &gzip(rejects.as_bytes()), usual).unwrap();
    assert!(rejected.quarantine.is_some() && rejected.tally.counts.rejected > 1000);
}

#[test]
fn what_is_wrong_first_is_told_in_both() {
    let source = source(MAPPING);
    let long = Limits { record_bytes: 1000, ..Limits::default() };
    let text = format!("{}{}\n{}", lines(20_000), "x".repeat(2000), lines(20_000));
    let packed = gzip(text.as_bytes());
    let of_record = both(&source, &packed, long).unwrap_err();
    assert!(of_record.reason.contains("1000 bytes"), "{of_record}");
    // Behind the record that is too long the packing is damaged, too: that comes second.
    let cut = &packed[..packed.len() - 100];
    assert_eq!(both(&source, cut, long).unwrap_err(), of_record);
    let of_packing = both(&source, cut, Limits::default()).unwrap_err();
    assert!(of_packing.reason.contains("truncated"), "{of_packing}");
    let few = Limits { decoded_bytes: 100_000, ..Limits::default() };
    assert!(both(&source, &packed, few).unwrap_err().reason.contains("more than 100000 bytes"));
    let cells = Limits { cells: 3, ..Limits::default() };
    assert!(both(&source, &packed, cells).is_err());
}

#[test]
fn a_translation_that_is_given_up_ends() {
    let source = source(MAPPING);
    let mut translator = Translator::on_two_threads(&source, ObjectContext::default(), Limits::default());
    translator.push(lines(10_000).as_bytes()).unwrap();
    drop(translator);
}
