//! Rows of Parquet files, exact.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::sync::Arc;

use common::{source, translate, translate_error, translate_pieces};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

const SCHEMA: &str = "message usage {
  required binary cluster (UTF8);
  required int64 at (TIMESTAMP(MICROS,true));
  required int64 here (TIMESTAMP(MILLIS,false));
  required int32 day (DATE);
  optional double cost;
  required int64 amount (DECIMAL(18,4));
  required fixed_len_byte_array(16) big (DECIMAL(38,10));
  required binary unused;
}";

/// Two groups of two rows.
fn file(compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for group in 0..2_i64 {
        let mut rows = writer.next_row_group().unwrap();
        let at = 1_769_929_200_000_000 + group * 900_000_000;
        let mut number = 0;
        while let Some(mut column) = rows.next_column().unwrap() {
            match number {
                0 => {
                    let texts = [ByteArray::from("c1"), ByteArray::from("c\"2")];
                    column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
                }
                1 => {
                    column.typed::<Int64Type>().write_batch(&[at, at + 123_456], None, None).unwrap();
                }
                2 => {
                    column.typed::<Int64Type>().write_batch(&[at / 1_000, at / 1_000], None, None).unwrap();
                }
                3 => {
                    column.typed::<Int32Type>().write_batch(&[20_485, 20_486], None, None).unwrap();
                }
                4 => {
                    // 0.1 + 0.2, as a program with binary floats adds it up; the second one is null.
                    let cost = [0.300_000_000_000_000_04];
                    column.typed::<DoubleType>().write_batch(&cost, Some(&[1, 0]), None).unwrap();
                }
                5 => {
                    column.typed::<Int64Type>().write_batch(&[12_345, -5], None, None).unwrap();
                }
                6 => {
                    let big = [170_141_183_460_469_i128, -1]
                        .map(|value| FixedLenByteArray::from(ByteArray::from(value.to_be_bytes().to_vec())));
                    column.typed::<FixedLenByteArrayType>().write_batch(&big, None, None).unwrap();
                }
                _ => {
                    let bytes = [ByteArray::from(vec![0xff, 0xfe]), ByteArray::from(vec![])];
                    column.typed::<ByteArrayType>().write_batch(&bytes, None, None).unwrap();
                }
            }
            number += 1;
            column.close().unwrap();
        }
        rows.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn mapping(usage: &str) -> String {
    format!(
        "{{name: p, objects: '**', format: parquet, deployment: {{field: cluster}}, time: {{field: at, format: rfc3339}}, usage: [{usage}]}}"
    )
}

#[test]
fn decimals_and_floats_keep_all_their_digits() {
    let streams = r#"
- {name: amount, title: A, unit: x, scale: 4, kind: delta, day: sum, month: sum, negative: allow}
- {name: big, title: B, unit: x, scale: 10, kind: delta, day: sum, month: sum, negative: allow}
- {name: cost, title: C, unit: x, scale: 17, kind: delta, day: sum, month: sum}
"#;
    let spec: usage::SourceSpec = serde_yaml_ng::from_str(&mapping(
        "{stream: amount, quantity: amount}, {stream: big, quantity: big}, {stream: cost, quantity: cost, dimensions: {day: day}}",
    ))
    .unwrap();
    let source = spec.compile(&common::streams(streams)).unwrap();
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())] {
        let translation = translate(&source, &file(compression)).unwrap();
        assert_eq!(translation.tally.counts.records, 4);
        assert_eq!(
            (translation.tally.counts.tallied, translation.tally.counts.events),
            (4, 10),
            "{:?}",
            translation.rejects
        );
        let mut sums = std::collections::BTreeMap::new();
        for (series, quarters) in &translation.tally.cells.0 {
            for state in quarters.values() {
                *sums.entry(format!("{} {}", series.deployment, series.stream)).or_insert(0_i128) +=
                    state.summary().unwrap().unwrap().sum;
            }
        }
        let expected = [
            ("c\"2 amount", -10),
            ("c\"2 big", -2),
            ("c1 amount", 24_690),
            ("c1 big", 340_282_366_920_938),
            ("c1 cost", 60_000_000_000_000_008),
        ];
        assert!(sums.iter().map(|(key, sum)| (key.as_str(), *sum)).eq(expected), "{sums:?}");
        let cost = translation.tally.cells.0.iter().find(|(series, _)| series.stream == "cost").unwrap();
        assert_eq!(cost.0.dimensions["day"], "2026-02-01");
        assert_eq!(cost.1.len(), 2, "each group of rows has a quarter-hour of its own");
    }
}

#[test]
fn a_local_time_needs_a_zone() {
    let local = mapping("{stream: calls, quantity: 1}").replace("field: at", "field: here");
    let rejected = translate(&source(&local), &file(Compression::UNCOMPRESSED)).unwrap();
    assert_eq!(rejected.tally.counts.rejected, 4);
    assert!(rejected.rejects[0].reason.contains("it names no zone"), "{}", rejected.rejects[0].reason);
    let zoned = local.replace("format: rfc3339", "format: rfc3339, zone: UTC");
    assert_eq!(translate(&source(&zoned), &file(Compression::UNCOMPRESSED)).unwrap().tally.counts.tallied, 4);
}

#[test]
fn pieces_change_nothing_and_damage_is_found() {
    let source = source(&mapping("{stream: calls, quantity: 1, series: cluster}"));
    let whole = file(Compression::SNAPPY);
    let expected = translate(&source, &whole).unwrap();
    let pieces = translate_pieces(&source, "usage/a", whole.chunks(7)).unwrap();
    assert_eq!(pieces, expected);
    assert!(translate_error(&source, &whole[..whole.len() - 1]).contains("cannot be read"));
    assert!(translate_error(&source, b"cluster,at").contains("no Parquet"));
    assert_eq!(translate(&source, b"").unwrap().tally.counts.records, 0);
    let lines = common::source(
        "{name: j, objects: '**', format: json-lines, deployment: {field: c}, time: {field: at, format: rfc3339}, usage: [{stream: calls, quantity: 1}]}",
    );
    assert!(translate_error(&lines, &whole).contains("format: parquet"));
}

/// A file that somebody damaged is refused or read, and no more.
#[test]
fn any_damage_is_survived() {
    let source = source(&mapping("{stream: calls, quantity: 1, series: cluster}"));
    let whole = file(Compression::UNCOMPRESSED);
    for at in 4..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            let _ = translate(&source, &damaged);
        }
    }
}
