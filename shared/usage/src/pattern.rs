//! Key patterns: which objects a source reads, and what their keys say.
//!
//! `{name}` captures a path segment or a part of one, `*` stands for any run without `/`, `**` for
//! any run. Compiled to an automaton, so that no key takes more than linear time.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::error::SpecError;

/// What the captures of a key pattern hold for one key.
pub type Tags = BTreeMap<String, String>;

/// A compiled key pattern.
#[derive(Clone, Debug)]
pub(crate) struct KeyPattern {
    regex: Regex,
    prefix: String,
    captures: Vec<String>,
}

impl KeyPattern {
    /// Compiles a pattern.
    pub(crate) fn compile(pattern: &str) -> Result<Self, SpecError> {
        let wrong = |message: String| SpecError::new("objects", message);
        if pattern.is_empty() {
            return Err(wrong("the pattern is empty".to_owned()).hint("write for example `usage/{site}/**`"));
        }
        let mut regex = String::from(r"\A");
        let mut captures = Vec::new();
        let mut rest = pattern;
        while let Some(at) = rest.find(['{', '}', '*']) {
            let (literal, wild) = rest.split_at(at);
            regex.push_str(&regex::escape(literal));
            rest = if let Some(after) = wild.strip_prefix("**") {
                regex.push_str(".*");
                after
            } else if let Some(after) = wild.strip_prefix('*') {
                regex.push_str("[^/]*");
                after
            } else {
                let (name, after) = capture(wild).map_err(wrong)?;
                if captures.iter().any(|known| known == name) {
                    return Err(wrong(format!("the pattern captures `{name}` twice"))
                        .hint("give each capture a name of its own"));
                }
                captures.push(name.to_owned());
                regex.push_str("([^/]+)");
                after
            };
        }
        regex.push_str(&regex::escape(rest));
        regex.push_str(r"\z");
        let regex = RegexBuilder::new(&regex).dot_matches_new_line(true).build();
        let regex = regex.map_err(|_| wrong("the pattern is too long".to_owned()))?;
        let prefix = pattern.split(['{', '*']).next().unwrap_or_default().to_owned();
        Ok(Self { regex, prefix, captures })
    }

    /// The literal text that all matching keys begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The names of its captures.
    pub(crate) fn captures(&self) -> impl Iterator<Item = &str> + Clone {
        self.captures.iter().map(String::as_str)
    }

    /// What the key says, if the pattern matches all of it. A key that ends in `/` is a folder
    /// marker, never a usage file.
    pub(crate) fn matches(&self, key: &str) -> Option<Tags> {
        if key.ends_with('/') {
            return None;
        }
        let found = self.regex.captures(key)?;
        let texts = found.iter().skip(1).map(|group| group.map_or("", |group| group.as_str()).to_owned());
        Some(self.captures.iter().cloned().zip(texts).collect())
    }
}

/// The name in the braces that `text` begins with, and what follows them.
fn capture(text: &str) -> Result<(&str, &str), String> {
    let inner = text.strip_prefix('{').and_then(|inner| inner.split_once('}'));
    let (name, after) = inner.ok_or_else(|| "a brace has no partner; a capture is written `{name}`".to_owned())?;
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if name.is_empty() || !name.bytes().all(letters) {
        return Err(format!("`{{{name}}}` is no capture: its name is made of letters, digits, `-` and `_`"));
    }
    Ok((name, after))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn tags(pattern: &str, key: &str) -> Option<String> {
        let tags = KeyPattern::compile(pattern).unwrap().matches(key)?;
        Some(tags.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_pattern_matches_whole_keys() {
        let hourly = "usage/{site}/{date}/{hour}.jsonl*";
        for (pattern, key, expected) in [
            (hourly, "usage/berlin/2026-02-01/07.jsonl.gz", Some("date=2026-02-01 hour=07 site=berlin")),
            (hourly, "usage/berlin/2026-02-01/07.jsonl", Some("date=2026-02-01 hour=07 site=berlin")),
            (hourly, "usage/berlin/2026-02-01/x/07.jsonl", None),
            (hourly, "other/usage/berlin/2026-02-01/07.jsonl", None),
            (hourly, "usage//2026-02-01/07.jsonl", None),
            ("a/*/c", "a/b/c", Some("")),
            ("a/*/c", "a/b/b/c", None),
            ("a/**/c", "a/b/b/c", Some("")),
            ("a/**", "a/", None),
            ("a/**", "a/b/", None),
            ("a/{x}_{y}.csv", "a/1_2.csv", Some("x=1 y=2")),
            ("a.b/+*", "a.b/+zä\n", Some("")),
            ("a.b/+*", "axb/+z", None),
            ("ümlaut/{stadt}", "ümlaut/Köln 日本", Some("stadt=Köln 日本")),
        ] {
            assert_eq!(tags(pattern, key).as_deref(), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn the_prefix_ends_where_the_first_wildcard_begins() {
        for (pattern, prefix) in [("usage/{site}/x", "usage/"), ("a/b*", "a/b"), ("a/b", "a/b"), ("**", "")] {
            assert_eq!(KeyPattern::compile(pattern).unwrap().prefix(), prefix);
        }
    }

    #[test]
    fn a_hostile_key_takes_no_longer_than_its_length() {
        let pattern = KeyPattern::compile("*a*a*a*a*a*a*a*a*a*a*b").unwrap();
        assert_eq!(pattern.matches(&"a".repeat(100_000)), None);
    }

    #[test]
    fn broken_patterns_are_refused() {
        for pattern in ["", "a/{", "a/{}", "a/}b", "a/{b c}", "{a}/{a}"] {
            assert_eq!(KeyPattern::compile(pattern).unwrap_err().path, "objects", "{pattern}");
        }
    }
}
