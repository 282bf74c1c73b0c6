//! How records are written, as YAML says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConditionSpec, OneOrMany, Scalar};

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FormatName {
    /// One JSON value a line.
    JsonLines,
    /// One JSON array whose elements are the records.
    JsonArray,
    /// JSON values one after another, or records within them.
    Json,
    /// Columns.
    Csv,
    /// Lines that a regular expression takes apart.
    Text,
    /// Pairs of keys and values; logfmt unless said otherwise.
    #[serde(alias = "logfmt")]
    KeyValue,
    /// Columns that begin and end at fixed places.
    FixedWidth,
    /// The text of a metrics endpoint: Prometheus, OpenMetrics.
    Prometheus,
    /// Elements of an XML document.
    Xml,
    /// The rows of a Parquet file.
    Parquet,
}

/// Where the records of a JSON text are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JsonSpec {
    /// The way to the records within each value: `[*]`, `Records[*]`. The values themselves
    /// unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// Single values that stand around the records and before them: name and path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carry: BTreeMap<String, String>,
}

/// The dialect of a CSV file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TextSpec {
    /// A regular expression with named groups; they are the fields.
    pub pattern: String,
}

/// How pairs of keys and values are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyValueSpec {
    /// What stands between a key and its value. `=` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// What stands between pairs: a text, `tab`, `newline`, or `whitespace` for any run of blanks,
    /// which it is unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<String>,
    /// A regular expression for what stands before the pairs; its named groups are fields, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// A regular expression for what stands behind the pairs: where it matches, there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<String>,
}

/// Where columns lie in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FixedWidthSpec {
    /// Name and place: `1-10`, `11`, `12-`, in characters from 1.
    pub columns: BTreeMap<String, Scalar>,
}

/// Which lines are records, or make one up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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

/// Where the records of an XML document are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct XmlSpec {
    /// The names of the elements from the outermost to the record, joined by `/`.
    pub records: String,
    /// Attributes and texts that stand around the records and before them: name and path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carry: BTreeMap<String, String>,
}

/// Which records say something for those behind them, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
