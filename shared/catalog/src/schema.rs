//! The shape of a catalogue's files as JSON Schema, for editors: made from the types that read them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use metering::stream::Stream;
use pricing::{ComponentSpec, CouponSpec, JurisdictionSpec, PlanSpec};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use usage::SourceSpec;

use crate::salesforce::{Id, OrganisationSpec};
use crate::spec::{BillingSpec, CustomerSpec, SellerSpec};

/// A file of a Farthing catalogue: any of these sections, spread over files as you like.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Catalogue {
    /// Who sends the invoices, in which currency, in which billing zone.
    seller: Option<SellerSpec>,
    /// When periods are closed.
    billing: Option<BillingSpec>,
    /// What is taxed, where, at which rates.
    taxes: Option<Vec<JurisdictionSpec>>,
    /// What is metered.
    streams: Option<Vec<Stream>>,
    /// The kinds of usage files.
    sources: Option<Vec<SourceSpec>>,
    /// What prices a stream or an attribute.
    components: Option<Vec<ComponentSpec>>,
    /// What can be subscribed to.
    plans: Option<Vec<PlanSpec>>,
    /// What can be redeemed.
    coupons: Option<Vec<CouponSpec>>,
    /// Who is billed.
    customers: Option<Vec<CustomerSpec>>,
    /// Organisations that know customers too.
    salesforce: Option<Vec<OrganisationSpec>>,
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("SalesforceId")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "An id of 15 or 18 characters.", "type": "string"})
    }
}

/// The schema of a catalogue's file, as text that ends with a line feed.
#[must_use]
pub fn schema() -> String {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<Catalogue>().to_value();
    any_text(&mut schema);
    also_called(&mut schema);
    described(&mut schema);
    format!("{:#}\n", sorted(schema))
}

/// Fields in the order of their names, whatever order the library keeps them in.
fn sorted(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            fields.into_iter().map(|(name, value)| (name, sorted(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// Words that have a second name, which the library leaves out: the one that it has, and the other.
const ALSO_CALLED: [(&str, &str); 3] = [("key-value", "logfmt"), ("30d", "720h"), ("31d", "744h")];

/// Allows second names, as reading does.
fn also_called(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(also_called),
        Value::Object(fields) => {
            let other = |word: &Value| ALSO_CALLED.iter().find(|(name, _)| word == name).map(|(_, other)| *other);
            if let Some((word, other)) = fields.get("const").and_then(|word| Some((word.clone(), other(word)?))) {
                fields.remove("const");
                fields.insert("enum".to_owned(), Value::from(vec![word, Value::from(other)]));
            }
            fields.values_mut().for_each(also_called);
        }
        _ => {}
    }
}

/// A choice that is written as its one field is described there too.
fn described(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(described),
        Value::Object(fields) => {
            let description = fields.get("description").cloned();
            let only = fields.get_mut("properties").and_then(Value::as_object_mut).filter(|fields| fields.len() == 1);
            let only = only.and_then(|fields| fields.values_mut().next()).and_then(Value::as_object_mut);
            if let (Some(only), Some(description)) = (only, description) {
                only.entry("description").or_insert(description);
            }
            fields.values_mut().for_each(described);
        }
        _ => {}
    }
}

/// Text needs no quotes in a catalogue: what looks like a number or a truth is text where text is expected.
fn any_text(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(any_text),
        Value::Object(fields) => {
            if !fields.contains_key("enum") && !fields.contains_key("const") {
                let wider = match fields.get("type") {
                    Some(Value::String(kind)) if kind == "string" => Some(vec!["string", "number", "boolean"]),
                    Some(Value::Array(kinds)) if *kinds == ["string", "null"] => {
                        Some(vec!["string", "number", "boolean", "null"])
                    }
                    _ => None,
                };
                if let Some(wider) = wider {
                    fields.insert("type".to_owned(), Value::from(wider));
                }
            }
            fields.values_mut().for_each(any_text);
        }
        _ => {}
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    const FILE: &str = "docs/catalogue.schema.json";

    fn in_repository(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
    }

    #[test]
    fn the_file_for_editors_is_the_schema_of_today() {
        let written = fs::read_to_string(in_repository(FILE)).unwrap_or_default();
        assert!(written == schema(), "write it anew: farthing schema > {FILE}");
    }

    #[test]
    #[ignore = "writes the file"]
    fn write_the_file_for_editors() {
        fs::write(in_repository(FILE), schema()).unwrap();
    }

    /// What is told of a field when an editor shows it.
    #[test]
    fn every_field_and_every_type_is_described() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let mut bare = Vec::new();
        collect_bare(&schema, "", &mut bare);
        let types = schema["$defs"].as_object().unwrap().iter();
        bare.extend(types.filter(|(_, kind)| kind["description"].is_null()).map(|(name, _)| name.clone()));
        assert!(bare.is_empty(), "without a description: {bare:?}");
    }

    fn collect_bare(schema: &Value, place: &str, bare: &mut Vec<String>) {
        if let Some(fields) = schema["properties"].as_object() {
            let without = fields.iter().filter(|(_, field)| field["description"].is_null());
            bare.extend(without.map(|(name, _)| format!("{place}/{name}")));
        }
        match schema {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| collect_bare(field, &format!("{place}/{name}"), bare));
            }
            Value::Array(items) => items.iter().for_each(|item| collect_bare(item, place, bare)),
            _ => {}
        }
    }

    /// The second names are written at the types, where the library does not see them.
    #[test]
    fn second_names_are_allowed_wherever_they_are_read() {
        let mut read = Vec::new();
        for file in ["usage/src/spec/formats.rs", "pricing/src/price_spec.rs"] {
            let text = fs::read_to_string(in_repository("shared").join(file)).unwrap();
            read.extend(text.split("alias = \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
        assert!(read.iter().eq(ALSO_CALLED.iter().map(|(_, other)| other)), "{read:?}");
        let schema = schema();
        ALSO_CALLED.iter().for_each(|(name, other)| {
            assert!(schema.contains(&format!("\"{name}\",\n")) && schema.contains(&format!("\"{other}\"\n")));
        });
    }

    #[test]
    fn it_has_the_sections_that_are_read() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let mut sections = crate::load::SECTIONS;
        sections.sort_unstable();
        assert!(schema["properties"].as_object().unwrap().keys().eq(sections));
    }
}
