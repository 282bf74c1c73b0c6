//! The file of a bundle that says what is in it.

use crate::error::{Unreadable, listed};
use crate::json::{Kind, Tree, Value};
use crate::lex::Segment;
use crate::packing::{Listing, Manifest, Way};
use crate::pattern::Tags;

/// The manifest of an object, before and after it has come.
pub(super) struct Lookup {
    /// Whether it is looked for before anything else is read.
    pub(super) is_first: bool,
    pub(super) found: Option<Contents>,
}

/// What a manifest says.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    /// The name of its own file.
    name: String,
    files: Vec<String>,
    pub(super) tags: Tags,
}

impl Lookup {
    pub(super) fn new(is_first: bool) -> Self {
        Self { is_first, found: None }
    }
}

impl Contents {
    pub(super) fn read(manifest: &Manifest, name: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = bytes.strip_prefix(super::BYTE_ORDER_MARK).unwrap_or(bytes);
        let text = std::str::from_utf8(text).map_err(|_| Unreadable::new("the manifest is not UTF-8 text"))?;
        let name = name.to_owned();
        if matches!(manifest.lists, Listing::Lines) {
            return Ok(Self { name, files: lines(text), tags: Tags::new() });
        }
        let mut tree = Tree::default();
        let root = tree.read(text.trim()).map_err(|error| Unreadable::new(format!("the manifest: {error}")))?;
        let files = match &manifest.lists {
            Listing::Json(way) => names(root, way)?,
            Listing::None | Listing::Lines => Vec::new(),
        };
        let tag = |(tag, way): &(String, Way)| {
            let mut found = texts(root, way)?;
            match (found.pop(), found.is_empty()) {
                (Some(text), true) => Ok((tag.clone(), text)),
                _ => Err(Unreadable::new(format!("the manifest has not exactly one value `{}`", way.written))),
            }
        };
        Ok(Self { name, files, tags: manifest.tags.iter().map(tag).collect::<Result<_, _>>()? })
    }

    /// Every file that is listed must be among those that the bundle holds, under the listed name
    /// or beside the manifest.
    pub(super) fn check(&self, held: &[String]) -> Result<(), Unreadable> {
        let folder = self.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_there = |listed: &&String| {
            let listed = listed.trim_start_matches("./");
            held.iter().any(|name| {
                let beside = name.strip_prefix(folder).map(|rest| rest.trim_start_matches('/'));
                name == listed || (!folder.is_empty() && beside == Some(listed))
            })
        };
        let missing: Vec<&str> = self.files.iter().filter(|file| !is_there(file)).map(String::as_str).collect();
        match listed(missing.iter().copied()) {
            None => Ok(()),
            Some(names) => Err(Unreadable::new(format!(
                "the manifest `{}` lists {names}, which the bundle lacks ({} of {} files): it is incomplete; upload it again with all of them",
                self.name,
                missing.len(),
                self.files.len()
            ))),
        }
    }
}

/// The names in lines, as `sha256sum` and its kin write them or alone.
fn lines(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let is_sum = first.len() >= 8 && first.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = if is_sum && !rest.is_empty() { rest.trim_start().trim_start_matches('*') } else { line };
        name.to_owned()
    };
    text.lines().map(name).filter(|name| !name.is_empty()).collect()
}

/// The names in a list, or what the way leads to one by one.
fn names(root: Value<'_>, way: &Way) -> Result<Vec<String>, Unreadable> {
    let mut found = Vec::new();
    let mut steps = way.steps.clone();
    if !steps.iter().any(|step| matches!(step, Segment::EveryElement | Segment::EveryValue)) {
        steps.push(Segment::EveryElement);
    }
    walk(root, &steps, &mut |value| found.push(value)).ok_or_else(|| nowhere(way))?;
    let text = |value: Value<'_>| match value.kind() {
        Kind::String => Ok(value.text().to_owned()),
        _ => Err(Unreadable::new(format!("the manifest lists something under `{}` that is no name", way.written))),
    };
    found.into_iter().map(text).collect()
}

fn texts(root: Value<'_>, way: &Way) -> Result<Vec<String>, Unreadable> {
    let mut found = Vec::new();
    walk(root, &way.steps, &mut |value| found.push(value)).ok_or_else(|| nowhere(way))?;
    let is_text = |value: &Value<'_>| matches!(value.kind(), Kind::String | Kind::Number | Kind::True | Kind::False);
    Ok(found.into_iter().filter(is_text).map(|value| value.text().to_owned()).collect())
}

fn nowhere(way: &Way) -> Unreadable {
    Unreadable::new(format!("the manifest has no `{}`", way.written))
}

/// Calls `visit` for all that the steps lead to; `None` if one of them leads nowhere.
pub(super) fn walk<'r>(value: Value<'r>, steps: &[Segment], visit: &mut dyn FnMut(Value<'r>)) -> Option<()> {
    let Some((step, rest)) = steps.split_first() else {
        visit(value);
        return Some(());
    };
    let next = match step {
        Segment::Name(name, _) => value.member(name),
        Segment::At(index) => value.element(*index),
        Segment::With(key, text) => value.with(key, text).ok(),
        Segment::Perhaps => Some(value),
        Segment::EveryValue | Segment::EveryElement => {
            let kind = if *step == Segment::EveryValue { Kind::Object } else { Kind::Array };
            return (value.kind() == kind)
                .then(|| value.children().try_for_each(|child| walk(child, rest, visit)))
                .flatten();
        }
    };
    match next {
        Some(next) => walk(next, rest, visit),
        None if rest.first() == Some(&Segment::Perhaps) => Some(()),
        None => None,
    }
}
