//! How values are read: numbers, units, names and times.

use std::collections::BTreeMap;

use metering::exact::Rounding;
use serde::{Deserialize, Serialize};

use super::scalars::{Scalar, Shorthand};

/// How numbers are written in texts. Numbers of JSON need none of this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NumberSpec {
    /// What stands before the decimals: `.` or `,`. A point unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Scalar>,
    /// What stands between groups of three digits: `,`, `.`, `'`, `_` or a blank. Nothing unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Scalar>,
}

/// A declared rounding of a calculated quantity. Written as a rule alone it rounds to the stream's scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RoundSpec {
    /// How many digits after the point are kept: as many as the stream has, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<u32>,
    /// What happens to the rest.
    pub rule: Rounding,
}

impl Shorthand for RoundSpec {
    const EXPECTED: &'static str = "a rounding rule, or its `digits` and `rule`";

    fn from_text(text: &str) -> Result<Self, String> {
        let rule = Rounding::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text));
        rule.map(|rule| Self { digits: None, rule })
            .map_err(|_| format!("`{text}` is no rounding rule: there are half-away-from-zero, half-even, up and down"))
    }
}

/// A unit. Written as a text it is its name, or `written`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnitSpec {
    /// A unit such as GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The field that names it; `units` of the source says what its texts mean that are no usual units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Shorthand for UnitSpec {
    const EXPECTED: &'static str = "a unit, or the `field` that names it";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { name: Some(text.to_owned()), field: None })
    }
}

/// A text that is cut out of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CutSpec {
    /// The field.
    pub field: String,
    /// A regular expression: what its first group matched is taken, all that it matched if it has none.
    #[serde(rename = "match")]
    pub pattern: String,
}

/// A text of the record and how it is made a name. Written as a field alone it is taken as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LabelSpec {
    /// The field.
    pub field: String,
    /// A regular expression: what its first group matched is taken, all that it matched if it has none.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
    /// Whether blanks around it are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trim: bool,
    /// In which letters it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Case>,
    /// What stands for what.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, Scalar>,
    /// What is taken where `match` does not match and `map` does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Scalar>,
}

/// Small or capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Small letters.
    Lower,
    /// Capital letters.
    Upper,
}

impl Shorthand for LabelSpec {
    const EXPECTED: &'static str = "a field, or `field` with `match`, `map` and others";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { field: text.to_owned(), ..Self::default() })
    }
}
