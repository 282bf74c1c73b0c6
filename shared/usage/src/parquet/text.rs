//! A row of Parquet as JSON, exact.

use std::fmt::Write;

use chrono::DateTime;
use parquet::basic::LogicalType;
use parquet::data_type::Decimal;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

/// Writes a row as an object. `schema` says what its columns mean.
pub(super) fn put_row(text: &mut String, row: &Row, schema: Option<&Type>) -> std::fmt::Result {
    text.push('{');
    for (at, (name, field)) in row.get_column_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        put_text(text, name)?;
        text.push(':');
        let of_field = schema.and_then(|schema| schema.get_fields().iter().find(|field| field.name() == name.as_str()));
        put_field(text, field, of_field.map(AsRef::as_ref))?;
    }
    text.push('}');
    Ok(())
}

fn put_field(text: &mut String, field: &Field, schema: Option<&Type>) -> std::fmt::Result {
    match field {
        Field::Null => text.write_str("null"),
        Field::Bool(value) => write!(text, "{value}"),
        Field::Byte(value) => write!(text, "{value}"),
        Field::Short(value) => write!(text, "{value}"),
        Field::Int(value) => write!(text, "{value}"),
        Field::Long(value) => write!(text, "{value}"),
        Field::UByte(value) => write!(text, "{value}"),
        Field::UShort(value) => write!(text, "{value}"),
        Field::UInt(value) => write!(text, "{value}"),
        Field::ULong(value) => write!(text, "{value}"),
        Field::Float16(value) => put_float(text, &f32::from(*value), f32::from(*value).is_finite()),
        Field::Float(value) => put_float(text, value, value.is_finite()),
        Field::Double(value) => put_float(text, value, value.is_finite()),
        Field::Decimal(value) => put_decimal(text, value),
        Field::Str(value) => put_text(text, value),
        Field::Bytes(value) => put_bytes(text, value.data()),
        Field::Date(days) => put_date(text, *days),
        Field::TimeMillis(value) => write!(text, "{value}"),
        Field::TimeMicros(value) => write!(text, "{value}"),
        Field::TimestampMillis(value) => put_time(text, DateTime::from_timestamp_millis(*value), schema),
        Field::TimestampMicros(value) => put_time(text, DateTime::from_timestamp_micros(*value), schema),
        Field::Group(row) => put_row(text, row, schema.filter(|schema| schema.is_group())),
        Field::ListInternal(list) => {
            text.push('[');
            for (at, element) in list.elements().iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                put_field(text, element, None)?;
            }
            text.write_char(']')
        }
        Field::MapInternal(map) => put_map(text, map.entries()),
    }
}

/// Keys that are no texts are written as they would be as values.
fn put_map(text: &mut String, entries: &[(Field, Field)]) -> std::fmt::Result {
    text.push('{');
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match key {
            Field::Str(key) => put_text(text, key)?,
            key => {
                let mut written = String::new();
                put_field(&mut written, key, None)?;
                put_text(text, written.trim_matches('"'))?;
            }
        }
        text.push(':');
        put_field(text, value, None)?;
    }
    text.write_char('}')
}

/// The shortest decimal text that gives the float; what is no number is a text.
fn put_float(text: &mut String, value: &impl std::fmt::Display, finite: bool) -> std::fmt::Result {
    if finite { write!(text, "{value}") } else { write!(text, "\"{value}\"") }
}

fn put_text(text: &mut String, value: &str) -> std::fmt::Result {
    text.write_str(&serde_json::to_string(value).map_err(|_| std::fmt::Error)?)
}

/// Many writers do not say that bytes are a text; what is none is hexadecimal.
fn put_bytes(text: &mut String, bytes: &[u8]) -> std::fmt::Result {
    match std::str::from_utf8(bytes) {
        Ok(value) => put_text(text, value),
        Err(_) => {
            text.push('"');
            bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
            text.write_char('"')
        }
    }
}

/// The unscaled number, most significant byte first, with its point.
fn put_decimal(text: &mut String, decimal: &Decimal) -> std::fmt::Result {
    let bytes = decimal.data();
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let scale = usize::try_from(decimal.scale()).map_err(|_| std::fmt::Error)?;
    // More than 16 bytes are the sign's unless the number is larger than any quantity.
    let (sign, rest) = bytes.split_at(bytes.len().saturating_sub(16));
    let filler = if negative { 0xff } else { 0 };
    let mut whole = [filler; 16];
    for (to, from) in whole.iter_mut().rev().zip(rest.iter().rev()) {
        *to = *from;
    }
    let fits =
        sign.iter().all(|byte| *byte == filler) && whole.first().is_some_and(|first| (*first >= 0x80) == negative);
    if !fits {
        return text.write_str("\"a decimal of more than 128 bits\"");
    }
    let value = i128::from_be_bytes(whole);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (before, behind) = digits.split_at(digits.len() - scale);
    let (sign, point) = (if negative { "-" } else { "" }, if behind.is_empty() { "" } else { "." });
    write!(text, "{sign}{before}{point}{behind}")
}

fn put_date(text: &mut String, days: i32) -> std::fmt::Result {
    match DateTime::from_timestamp(i64::from(days) * 86_400, 0) {
        Some(date) => write!(text, "\"{}\"", date.format("%Y-%m-%d")),
        None => write!(text, "\"day {days}\""),
    }
}

/// A time that is said to be in UTC ends in Z; another is local, in a zone that the mapping has to
/// name.
fn put_time(text: &mut String, time: Option<DateTime<chrono::Utc>>, schema: Option<&Type>) -> std::fmt::Result {
    let Some(time) = time else { return text.write_str("\"a time out of range\"") };
    let info = schema.map(Type::get_basic_info);
    let adjusted = info.is_some_and(|info| match info.logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => timestamp.is_adjusted_to_u_t_c,
        // The older way to say it is defined as UTC.
        _ => matches!(
            info.converted_type(),
            parquet::basic::ConvertedType::TIMESTAMP_MILLIS | parquet::basic::ConvertedType::TIMESTAMP_MICROS
        ),
    });
    let zone = if adjusted { "Z" } else { "" };
    write!(text, "\"{}{zone}\"", time.format("%Y-%m-%dT%H:%M:%S%.6f"))
}
