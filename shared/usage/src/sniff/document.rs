//! JSON that is more than a value a line: one after the other, or records within one value.

use serde_json::Value;

use super::layout::{Layout, RECORDS, of_json, quoted};

/// Objects in objects are looked into so deep for the records.
const DEPTH: usize = 6;

/// Values one after another, or the records within a single one, which the sample may cut off.
pub(super) fn find(text: &str) -> Option<Layout> {
    let values: Vec<Value> =
        serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok).take(RECORDS).collect();
    match values.as_slice() {
        [] => within(&serde_json::from_str(&closed(text)?).ok()?),
        [one] => within(one).or_else(|| of_json("format: json\n", &values)),
        _ => of_json("format: json\n", &values),
    }
}

/// Whether the value holds records in a list, of which there are several.
pub(super) fn holds_records(value: &Value) -> bool {
    let mut lists = Vec::new();
    collect(value, "", DEPTH, &mut lists);
    lists.iter().any(|(_, list)| list.len() > 1)
}

/// The longest list of objects in the value, and the way to it.
fn within(value: &Value) -> Option<Layout> {
    let mut lists = Vec::new();
    collect(value, "", DEPTH, &mut lists);
    let (way, list) = lists.into_iter().max_by_key(|(_, list)| list.len())?;
    of_json(&format!("format: json\njson: {{records: {}}}\n", serde_json::to_string(&way).ok()?), list)
}

fn collect<'v>(value: &'v Value, way: &str, depth: usize, lists: &mut Vec<(String, &'v [Value])>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Array(items) if items.first().is_some_and(Value::is_object) => {
            let way = format!("{way}[*]");
            items.iter().take(1).for_each(|item| collect(item, &way, depth, lists));
            lists.push((way, items));
        }
        Value::Object(members) => {
            for (key, member) in members {
                let way = if way.is_empty() { quoted(key) } else { format!("{way}.{}", quoted(key)) };
                collect(member, &way, depth, lists);
            }
        }
        _ => {}
    }
}

/// A value that was cut off, ended behind the last whole object or list in it.
fn closed(text: &str) -> Option<String> {
    let (mut open, mut last) = (Vec::new(), None);
    let (mut inside, mut escaped) = (false, false);
    for (at, sign) in text.char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ if inside => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
                last = Some((at + 1, open.clone()));
            }
            _ => {}
        }
    }
    let (end, open) = last?;
    Some(text.get(..end)?.chars().chain(open.into_iter().rev()).collect())
}
