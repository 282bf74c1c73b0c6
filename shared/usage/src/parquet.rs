//! Rows of a Parquet file as JSON, one object a row, exact: decimals with all their digits, binary
//! floats as the shortest decimal text that gives them, times as RFC 3339.
//!
//! What the columns are stands at the end of the file, so its bytes are held until it ends.

use std::fmt::Write;

use bytes::Bytes;
use chrono::DateTime;
use parquet::basic::LogicalType;
use parquet::data_type::Decimal;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

use crate::error::Unreadable;
use crate::limits::Limits;
use crate::split::{Raw, RecordSink};

/// The bytes of a file that has not ended.
pub(crate) struct Spool {
    held: Vec<u8>,
    limits: Limits,
    /// The columns in use.
    roots: Vec<String>,
}

impl Spool {
    pub(crate) fn new(roots: &[String], limits: Limits) -> Self {
        Self { held: Vec::new(), limits, roots: roots.to_vec() }
    }

    /// Holds the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        if self.held.len().saturating_add(bytes.len()) > self.limits.parquet_bytes {
            return Err(Unreadable::new(format!(
                "the Parquet file has more than {} bytes, which is as much as is held of one; write several smaller ones",
                self.limits.parquet_bytes
            )));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads the rows of the file, which ends here.
    pub(crate) fn finish(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return Ok(());
        }
        if !held.starts_with(b"PAR1") {
            return Err(Unreadable::new("it is no Parquet: it does not begin with PAR1"));
        }
        let reader = guarded(|| SerializedFileReader::new(Bytes::from(held)))?;
        self.check_size(&reader)?;
        let schema = projected(reader.metadata().file_metadata().schema(), &self.roots)?;
        let mut rows = guarded(|| reader.get_row_iter(Some(schema.clone())))?;
        let mut text = String::new();
        for line in 1.. {
            let Some(row) = guarded(|| rows.next().transpose())? else { break };
            text.clear();
            put_row(&mut text, &row, Some(&schema)).map_err(|_| Unreadable::new("a row cannot be written as text"))?;
            sink.record(Raw { bytes: text.as_bytes(), line, offset: 0 })?;
        }
        Ok(())
    }

    /// What the file says of its size is not to be believed without bound.
    fn check_size(&self, reader: &SerializedFileReader<Bytes>) -> Result<(), Unreadable> {
        let groups = reader.metadata().row_groups();
        let bytes =
            groups.iter().try_fold(0_u64, |all, group| all.checked_add(u64::try_from(group.total_byte_size()).ok()?));
        match bytes.filter(|bytes| *bytes <= self.limits.decoded_bytes) {
            Some(_) => Ok(()),
            None => Err(Unreadable::new(format!(
                "the Parquet file holds more than {} bytes, which is as much as is read from one object",
                self.limits.decoded_bytes
            ))),
        }
    }
}

/// The first rows of a whole file with all their columns, as JSON.
///
/// # Errors
/// [`Unreadable`] where it is damaged, or ends before its end.
pub(crate) fn first_rows(bytes: &[u8], most: usize) -> Result<Vec<serde_json::Value>, Unreadable> {
    let held = bytes.to_owned();
    let reader = guarded(|| SerializedFileReader::new(Bytes::from(held)))?;
    let schema = reader.metadata().file_metadata().schema().clone();
    let mut rows = guarded(|| reader.get_row_iter(None))?;
    let (mut values, mut text) = (Vec::new(), String::new());
    while values.len() < most {
        let Some(row) = guarded(|| rows.next().transpose())? else { break };
        text.clear();
        put_row(&mut text, &row, Some(&schema)).map_err(|_| Unreadable::new("a row cannot be written as text"))?;
        values.extend(serde_json::from_str::<serde_json::Value>(&text));
    }
    Ok(values)
}

/// The library panics over some damaged files; that is the file's fault and not the process's.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Unreadable> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(broken),
        Err(_) => Err(Unreadable::new("the Parquet file cannot be read: it is damaged")),
    }
}

fn broken(error: ParquetError) -> Unreadable {
    Unreadable::new(format!("the Parquet file cannot be read: {error}"))
}

/// The schema with the columns in use alone; with the first one where none is.
fn projected(schema: &Type, roots: &[String]) -> Result<Type, Unreadable> {
    let used = |field: &&parquet::schema::types::TypePtr| roots.iter().any(|root| root == field.name());
    let mut fields: Vec<_> = schema.get_fields().iter().filter(used).cloned().collect();
    if fields.is_empty() {
        fields.extend(schema.get_fields().first().cloned());
    }
    Type::group_type_builder(schema.name()).with_fields(fields).build().map_err(broken)
}

fn put_row(text: &mut String, row: &Row, schema: Option<&Type>) -> std::fmt::Result {
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
