//! How records are written, as YAML says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConditionSpec, OneOrMany, Scalar};

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormatName {
    /// One JSON value a line.
    JsonLines,
    /// One JSON array whose elements are the records.
    JsonArray,
    /// Columns.
    Csv,
    /// Lines that a regular expression takes apart.
    Text,
}

/// The dialect of a CSV file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CsvSpec {
    /// What separates columns: a text of up to eight bytes, `tab`, or `whitespace` for any run of
    /// blanks. A comma unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// What encloses columns: one ASCII character, or `none`. `"` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// What takes the meaning from the character behind it: one ASCII character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<String>,
    /// `true`: the first row names the columns. `false`: none does. `find`: the first row that
    /// names all columns in use. `repeated`: every such row. Another text: rows that begin with it.
    /// `true`, unless `columns` names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Scalar>,
    /// The names of the columns, for files that have no header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Whether rows may have any number of columns.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ragged: bool,
    /// Whether blanks around columns are no part of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trim: bool,
    /// What ends rows: `cr`, or one ASCII character. A line feed, behind which a carriage return
    /// may stand, unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_end: Option<String>,
}

/// What a record of text looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TextSpec {
    /// A regular expression with named groups; they are the fields.
    pub pattern: String,
}

/// Which lines are records, or make one up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LinesSpec {
    /// How many lines, or rows of CSV, stand before the header or the first record.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// How many stand behind the last record.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip_last: u64,
    /// A regular expression: lines that it matches are no records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// A regular expression: a line that it matches begins a record, which goes on to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// A regular expression: a line that it matches ends a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// Which records say something for those behind them, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CarrySpec {
    /// Conditions that such a record meets.
    #[serde(default, rename = "where", skip_serializing_if = "OneOrMany::is_empty")]
    pub conditions: OneOrMany<ConditionSpec>,
    /// Names and fields.
    pub fields: BTreeMap<String, String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
