//! A source as it is written in YAML. Plain data: [`SourceSpec::compile`] says whether it makes sense.

mod formats;
mod meaning;
mod packing;
mod scalars;
mod schema;
mod time;

use serde::{Deserialize, Serialize};

pub use formats::{
    CarrySpec, CsvSpec, FixedWidthSpec, FormatName, JsonSpec, KeyValueSpec, LinesSpec, TextSpec, XmlSpec,
};
pub use meaning::{Case, CutSpec, LabelSpec, NumberSpec, RoundSpec, UnitSpec};
pub use packing::{EnvelopeSpec, Held, ManifestFormat, ManifestSpec, MemberSpec};
pub use scalars::{OneOrMany, Scalar, Short, Shorthand};
pub use time::{Ambiguous, At, IntervalSpec, LengthSpec, TimeSpec, ZoneSpec};

/// A kind of usage file: which objects, how to read them, what they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SourceSpec {
    /// How the rest of the catalogue calls it.
    pub name: String,
    /// The pattern of the keys of its objects.
    pub objects: String,
    /// How text is encoded that has no byte order mark and is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What is wrapped around the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<EnvelopeSpec>,
    /// Which files of a bundle are read.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub members: OneOrMany<MemberSpec>,
    /// The file of a bundle that says what is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestSpec>,
    /// How records are written.
    pub format: FormatName,
    /// Which lines are records, or make one up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<LinesSpec>,
    /// `format: json`: where the records are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonSpec>,
    /// `format: csv`: the dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<CsvSpec>,
    /// `format: text`: what a line looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextSpec>,
    /// `format: key-value`: how pairs are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_value: Option<KeyValueSpec>,
    /// `format: fixed-width`: where columns lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_width: Option<FixedWidthSpec>,
    /// `format: xml`: where the records are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml: Option<XmlSpec>,
    /// What some records say for those behind them.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub carry: OneOrMany<CarrySpec>,
    /// Texts that are cut out of fields, as `$cut.name`.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub cut: std::collections::BTreeMap<String, CutSpec>,
    /// The part of a record that is looked at, when it holds several: `zones.*`, `items[*]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// How many parts there have to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Scalar>,
    /// Which installation the usage is of.
    pub deployment: DeploymentSpec,
    /// When it was.
    pub time: TimeSpec,
    /// Texts that mean that there is no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Scalar>,
    /// How numbers are written in texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberSpec>,
    /// Units as this source writes them, and what they are: `K: KiB`.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub units: std::collections::BTreeMap<String, Scalar>,
    /// Conditions that every record has to meet to count.
    #[serde(default, rename = "where", skip_serializing_if = "OneOrMany::is_empty")]
    pub conditions: OneOrMany<ConditionSpec>,
    /// What is taken from a record.
    #[serde(default)]
    pub usage: Vec<UsageSpec>,
    /// The share of records that may be rejected before the file is held back.
    #[serde(default = "default_reject_limit")]
    pub reject_limit: Scalar,
    /// What another content under the same key means.
    #[serde(default)]
    pub on_change: OnChange,
    /// Whether files add up or take each other's place.
    #[serde(default, skip_serializing_if = "Delivery::is_append")]
    pub delivery: Delivery,
    /// `delivery: replace`: which files take each other's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ReplacesSpec>,
    /// What tells an event from every other, so that one that is sent again counts once.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub event_id: OneOrMany<Short<LabelSpec>>,
    /// How often a file of each deployment comes; learnt from those that came where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Cadence>,
}

/// How often files come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cadence {
    /// At least every hour.
    Hourly,
    /// At least every day.
    Daily,
    /// At least every week.
    Weekly,
    /// At least every 31 days.
    Monthly,
}

impl Cadence {
    /// In hours.
    pub fn hours(self) -> i64 {
        match self {
            Self::Hourly => 1,
            Self::Daily => 24,
            Self::Weekly => 7 * 24,
            Self::Monthly => 31 * 24,
        }
    }
}

fn default_reject_limit() -> Scalar {
    Scalar("0.001".to_owned())
}

/// Which installation the usage is of. Exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeploymentSpec {
    /// A field of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A capture of the key pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Always this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Scalar>,
    /// As in [`LabelSpec`].
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
    /// As in [`LabelSpec`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trim: bool,
    /// As in [`LabelSpec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Case>,
    /// As in [`LabelSpec`].
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub map: std::collections::BTreeMap<String, Scalar>,
    /// As in [`LabelSpec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Scalar>,
}

/// What is taken from a record for one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UsageSpec {
    /// The stream.
    pub stream: String,
    /// How much: a field, a number, or a small calculation.
    pub quantity: Scalar,
    /// The unit that the quantity is in, `written` where its values say so themselves, or the field that
    /// names it. That of the stream unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Short<UnitSpec>>,
    /// How a quantity with more digits than the stream's is rounded. It is rejected unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<Short<RoundSpec>>,
    /// What tells reporters of one deployment apart: fields, joined by `/`.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub series: OneOrMany<Short<LabelSpec>>,
    /// Further properties that a price may depend on: name and field.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub dimensions: std::collections::BTreeMap<String, Short<LabelSpec>>,
    /// Conditions that a record has to meet to count for this stream.
    #[serde(default, rename = "where", skip_serializing_if = "OneOrMany::is_empty")]
    pub conditions: OneOrMany<ConditionSpec>,
    /// Texts that mean that there is no value, besides those of the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Scalar>,
    /// Whether a record without the quantity is fine and gives nothing for this stream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Instead of the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// How many parts that has to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Scalar>,
}

/// A condition: a field and exactly one question, or several conditions of which one or all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConditionSpec {
    /// The field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Does one of these hold?
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<ConditionSpec>,
    /// Do all of these hold?
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<ConditionSpec>,
    /// Is it a number above this one?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Scalar>,
    /// Is it this number or one above?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Scalar>,
    /// Is it a number below this one?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Scalar>,
    /// Is it this number or one below?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Scalar>,
    /// Is it this?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Scalar>,
    /// Is it something else?
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub not: OneOrMany<Scalar>,
    /// Is it one of these?
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Scalar>>,
    /// Is it there?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// Is it not there, null, or declared as absent?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<bool>,
    /// Does this regular expression match somewhere in it?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// How the files of a source relate to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Each brings further usage.
    #[default]
    Append,
    /// Each brings all there is of something, in the place of what earlier ones said of it.
    Replace,
}

impl Delivery {
    fn is_append(&self) -> bool {
        *self == Self::Append
    }
}

/// Which files take each other's place, by what their keys say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReplacesSpec {
    /// The captures of the key in which they agree: a site and a month, for example.
    pub same: OneOrMany<String>,
    /// The capture whose greatest text is the latest file's; without it the latest to arrive is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
}

/// What another content under the key of an object that was tallied means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnChange {
    /// A mistake that somebody has to look at.
    #[default]
    Immutable,
    /// The new content counts instead of the old one.
    Supersede,
}
