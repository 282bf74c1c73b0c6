//! The identity of a catalogue: a hash over what it says, not over how it is written.
//!
//! The canonical form is one line of JSON per entry, made of its section and its contents with fields in
//! alphabetical order, and the lines sorted. So the name and the number of the files, comments, blanks, quotes,
//! aliases, the order of fields, the order of entries within a section, and the order of a customer's deployments
//! and subscriptions make no difference. Fields without a value (`until:`) count as absent. The order of other
//! lists does make one, because it shows on the invoice (a plan's components, address lines) or in the reading of
//! files (a source's mappings). Values count as written: `50` and `50.00`, or a default given or left out, are
//! different catalogues.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::yaml::{Node, Value};

/// The hash of a catalogue's entries, each with the name of its section.
pub(crate) fn of_entries<'a>(entries: impl IntoIterator<Item = (&'a str, &'a Node)>) -> String {
    let mut lines: Vec<String> = entries.into_iter().map(|(section, node)| line(section, node)).collect();
    lines.sort_unstable();
    of_text(&format!("farthing.catalogue/1\n{}\n", lines.join("\n")))
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn of_text(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn line(section: &str, node: &Node) -> String {
    Json::from(vec![Json::from(section), canonical(node, section == "customers")]).to_string()
}

/// The contents with sorted fields; `unordered` sorts the lists directly inside as well.
fn canonical(node: &Node, unordered: bool) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(scalar) => Json::from(scalar.text.as_str()),
        Value::List(items) => Json::Array(items.iter().map(|item| canonical(item, false)).collect()),
        Value::Map(entries) => {
            let fields = entries.iter().filter(|(_, node)| !matches!(node.value, Value::Null));
            let sorted: BTreeMap<String, Json> = fields
                .map(|(key, node)| {
                    let value = canonical(node, false);
                    let free = unordered && matches!(key.text.as_str(), "deployments" | "subscriptions");
                    (key.text.clone(), if free { sorted(value) } else { value })
                })
                .collect();
            Json::Object(sorted.into_iter().collect())
        }
    }
}

fn sorted(list: Json) -> Json {
    match list {
        Json::Array(mut items) => {
            items.sort_by_cached_key(Json::to_string);
            Json::Array(items)
        }
        other => other,
    }
}
