//! How the objects of a source are packed, where their first bytes do not say it.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Files of a bundle that are read: a pattern, or a pattern and what is different for these files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemberSpec {
    /// The pattern of their names: of the last segment, unless it has a `/` itself.
    pub files: String,
    /// Whether a bundle without such a file is fine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Keys of the source, with other values for these files.
    #[serde(flatten)]
    pub overrides: BTreeMap<String, Value>,
}

impl<'de> Deserialize<'de> for MemberSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut overrides = match Value::deserialize(deserializer)? {
            Value::String(files) => return Ok(Self { files, ..Self::default() }),
            Value::Object(overrides) => overrides.into_iter().collect::<BTreeMap<_, _>>(),
            _ => return Err(D::Error::custom("a pattern of names is expected, or `files` with a pattern")),
        };
        let Some(Value::String(files)) = overrides.remove("files") else {
            return Err(D::Error::custom("`files` is missing: the pattern of the names, as in `files: \"*.csv\"`"));
        };
        let optional = match overrides.remove("optional") {
            None => false,
            Some(Value::Bool(optional)) => optional,
            Some(_) => return Err(D::Error::custom("`optional` is `true` or `false`")),
        };
        Ok(Self { files, optional, overrides })
    }
}

/// The file of a bundle that says what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ManifestSpec {
    /// The pattern of its name.
    pub file: String,
    /// How it is written.
    #[serde(default)]
    pub format: ManifestFormat,
    /// `format: json`: the list of the files that the bundle must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<String>,
    /// `format: json`: what it says of all of them, as `$tag.name`: name and field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// How a manifest is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ManifestFormat {
    /// One JSON value.
    #[default]
    Json,
    /// One name of a file a line, with or without a checksum before it, as `sha256sum` writes.
    Lines,
}

/// What is wrapped around the text of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvelopeSpec {
    /// The field of a JSON value that holds it; without one the object as a whole is it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How it is written there.
    #[serde(default)]
    pub holds: Held,
}

/// How an envelope holds what is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// In base64; what comes out may be packed.
    #[default]
    Base64,
    /// As it is.
    Text,
}
