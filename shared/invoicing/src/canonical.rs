//! One spelling for one JSON value: keys sorted by their bytes, no optional white space.

use serde_json::Value;

/// The canonical text with a line feed at its end.
///
/// Sorts the keys itself: whether `serde_json` keeps maps sorted depends on features that any crate of
/// the build can switch on.
#[must_use]
pub fn json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => write_object(members, out),
        Value::Array(items) => write_array(items, out),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn write_object(members: &serde_json::Map<String, Value>, out: &mut String) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    out.push('{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        separate(index, out);
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

fn write_array(items: &[Value], out: &mut String) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        separate(index, out);
        write(item, out);
    }
    out.push(']');
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}
