//! Parquet files whose end is known beforehand: of any size, with the same outcome as whole ones.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::sync::Arc;

use common::source;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use usage::{Limits, ObjectContext, Source, Translation, Translator, Unreadable};

const SCHEMA: &str = "message usage {
  required binary cluster (UTF8);
  required int64 at (TIMESTAMP(MILLIS,true));
  required binary unused;
  required int64 n;
}";

const ROWS: usize = 100;

/// So many groups of a hundred rows, each with ten thousand bytes that no mapping uses.
fn file(groups: usize) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for group in 0..groups {
        let mut rows = writer.next_row_group().unwrap();
        let numbers: Vec<i64> = (0..ROWS).map(|row| i64::try_from(group * ROWS + row).unwrap()).collect();
        let mut number = 0;
        while let Some(mut column) = rows.next_column().unwrap() {
            match number {
                0 => {
                    let texts: Vec<_> = numbers.iter().map(|n| ByteArray::from(&*format!("c{}", n % 3))).collect();
                    column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
                }
                1 => {
                    let at: Vec<_> = numbers.iter().map(|n| 1_769_929_200_000 + n * 10_000).collect();
                    column.typed::<Int64Type>().write_batch(&at, None, None).unwrap();
                }
                2 => {
                    let noise = |n: &i64| -> Vec<u8> {
                        (0..100_u64).map(|at| (n.unsigned_abs() * 7919 + at * at * 31).to_le_bytes()[1]).collect()
                    };
                    let noise: Vec<_> = numbers.iter().map(|n| ByteArray::from(noise(n))).collect();
                    column.typed::<ByteArrayType>().write_batch(&noise, None, None).unwrap();
                }
                _ => {
                    column.typed::<Int64Type>().write_batch(&numbers, None, None).unwrap();
                }
            }
            number += 1;
            column.close().unwrap();
        }
        rows.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn mapping(quantity: &str) -> Source {
    source(&format!(
        "{{name: p, objects: '**', format: parquet, deployment: {{field: cluster}}, time: {{field: at, format: rfc3339}}, usage: [{{stream: calls, quantity: {quantity}}}]}}"
    ))
}

/// Translates in pieces what ends as `end`.
fn foreseen(
    source: &Source,
    bytes: &[u8],
    end: &[u8],
    piece: usize,
    limits: Limits,
) -> Result<Translation, Unreadable> {
    let size = u64::try_from(bytes.len()).unwrap();
    let mut translator = Translator::with_limits(source, ObjectContext::default(), limits);
    assert_eq!(translator.foresee(end, size), None, "the end is whole");
    bytes.chunks(piece).try_for_each(|piece| translator.push(piece))?;
    translator.finish()
}

fn limits(parquet_bytes: usize) -> Limits {
    Limits { parquet_bytes, ..Limits::default() }
}

#[test]
fn a_file_whose_end_is_known_gives_what_it_gives_whole() {
    let source = mapping("n");
    let bytes = file(7);
    let whole = common::translate(&source, &bytes).unwrap();
    assert_eq!(whole.tally.counts.tallied, 700);
    for piece in [1, 7, 1000, 4096, bytes.len()] {
        let known = foreseen(&source, &bytes, &bytes, piece, Limits::default()).unwrap();
        assert_eq!(known, whole, "in pieces of {piece}");
    }
    let last = &bytes[bytes.len() - 4096..];
    assert_eq!(foreseen(&source, &bytes, last, 4096, Limits::default()).unwrap(), whole, "its last bytes are enough");
}

#[test]
fn as_much_of_the_end_is_asked_for_as_describes_the_file() {
    let source = mapping("n");
    let bytes = file(7);
    let size = u64::try_from(bytes.len()).unwrap();
    let mut translator = Translator::new(&source, ObjectContext::default());
    let wanted = translator.foresee(&bytes[bytes.len() - 8..], size).unwrap();
    let begin = bytes.len() - usize::try_from(wanted).unwrap();
    assert_eq!(translator.foresee(&bytes[begin + 1..], size), Some(wanted), "one byte is missing");
    assert_eq!(translator.foresee(&bytes[begin..], size), None);
    bytes.chunks(512).for_each(|piece| translator.push(piece).unwrap());
    assert_eq!(translator.finish().unwrap().tally.counts.tallied, 700);
    assert_eq!(Translator::new(&source, ObjectContext::default()).foresee(b"no Parquet", 10), None);
}

/// Ten times what may be held of a file whose end is not known: one group after the other is read, and
/// what no mapping uses is not held.
#[test]
fn a_file_may_be_larger_than_what_is_held_but_not_a_group_of_it() {
    let source = mapping("n");
    let bytes = file(10);
    assert!(bytes.len() > 100_000, "{}", bytes.len());
    let held = foreseen(&source, &bytes, &bytes, 1000, limits(3_000)).unwrap();
    assert_eq!(held.tally.counts.tallied, 1000);
    let mut unforeseen = Translator::with_limits(&source, ObjectContext::default(), limits(3_000));
    let error = bytes.chunks(1000).try_for_each(|piece| unforeseen.push(piece)).unwrap_err();
    assert!(error.reason.contains("more than 3000 bytes"), "{error}");
    let error = foreseen(&source, &bytes, &bytes, 1000, limits(1_000)).unwrap_err();
    assert!(error.reason.contains("group 1 of the rows") && error.reason.contains("smaller row groups"), "{error}");
    let error = foreseen(&mapping("unused"), &bytes, &bytes, 1000, limits(3_000)).unwrap_err();
    assert!(error.reason.contains("group 1 of the rows"), "the columns in use count: {error}");
}

#[test]
fn a_file_that_is_not_what_its_end_said_is_unreadable() {
    let source = mapping("n");
    let bytes = file(3);
    let wrong = |bytes: &[u8], end: &[u8]| foreseen(&source, bytes, end, 999, Limits::default()).unwrap_err().reason;
    let mut longer = Translator::new(&source, ObjectContext::default());
    let size = u64::try_from(bytes.len()).unwrap();
    assert_eq!(longer.foresee(&bytes, size), None);
    longer.push(&bytes).unwrap();
    assert!(longer.push(b"x").unwrap_err().reason.contains("does not end as it was said"));
    let mut shorter = Translator::new(&source, ObjectContext::default());
    assert_eq!(shorter.foresee(&bytes, size), None);
    shorter.push(&bytes[..bytes.len() - 1]).unwrap();
    assert!(shorter.finish().unwrap_err().reason.contains("does not end as it was said"));
    let mut changed = bytes.clone();
    let last = changed.len() - 12;
    changed[last] ^= 1;
    assert!(wrong(&changed, &bytes).contains("does not end as it was said"));
    let mut no_parquet = bytes.clone();
    no_parquet[0] = b'X';
    assert!(wrong(&no_parquet, &bytes).contains("does not begin with PAR1"));
}

/// A file that somebody damaged is refused or read, and no more; and as it is when it is held whole.
#[test]
fn any_damage_is_survived() {
    let source = mapping("n");
    let whole = file(2);
    let size = u64::try_from(whole.len()).unwrap();
    for at in whole.len() - 2_000..whole.len() {
        let flip = [0x01, 0x80, 0xff][at % 3];
        let mut damaged = whole.clone();
        damaged[at] ^= flip;
        let mut translator = Translator::new(&source, ObjectContext::default());
        let _more = translator.foresee(&damaged, size);
        let read = damaged.chunks(4096).try_for_each(|piece| translator.push(piece));
        let known = read.and_then(|()| translator.finish());
        if let (Ok(known), Ok(held)) = (known, common::translate(&source, &damaged)) {
            assert_eq!(known, held, "byte {at} with {flip:x}");
        }
    }
}
