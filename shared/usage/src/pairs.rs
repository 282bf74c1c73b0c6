//! Records that are pairs of keys and values: logfmt and its neighbours.

use regex::Regex;

use crate::json::{Builder, Kind, Span};

/// How pairs are written.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    /// What stands between a key and its value.
    pub(crate) pair: String,
    /// What stands between pairs; any run of blanks where there is nothing.
    pub(crate) between: Option<String>,
    /// What stands before the pairs; its named groups are values, too.
    pub(crate) before: Option<Regex>,
    /// What stands behind the pairs, from where a pair could begin or a closing quote ends.
    pub(crate) behind: Option<Regex>,
}

impl Pairs {
    /// Reads a record as an object.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn read(&self, text: &str, builder: &mut Builder<'_>) -> Result<(), String> {
        builder.open(Kind::Object, Span::default(), Span::default())?;
        let mut at = self.before(text, builder)?;
        loop {
            at += self.separator(text, at);
            if at >= text.len() || self.is_behind(text, at) {
                break;
            }
            at = self.pair(text, at, builder)?;
        }
        builder.refuse_repeated()?;
        builder.close();
        Ok(())
    }

    /// Whether what stands behind the pairs begins here.
    fn is_behind(&self, text: &str, at: usize) -> bool {
        self.behind.as_ref().is_some_and(|behind| behind.is_match(text.get(at..).unwrap_or_default()))
    }

    /// Reads what stands before the pairs; returns where they begin.
    fn before(&self, text: &str, builder: &mut Builder<'_>) -> Result<usize, String> {
        let Some(before) = &self.before else { return Ok(0) };
        let captures = before.captures(text).filter(|captures| captures.get(0).is_some_and(|all| all.start() == 0));
        let captures = captures.ok_or("it does not begin as `before` says")?;
        for name in before.capture_names().flatten() {
            let key = builder.keep(name);
            match captures.name(name) {
                Some(group) => {
                    let text = builder.stretch(group.start(), group.end());
                    builder.leaf(Kind::String, key, text)?;
                }
                None => builder.leaf(Kind::Null, key, Span::default())?,
            }
        }
        Ok(captures.get(0).map_or(0, |all| all.end()))
    }

    /// How many bytes of separators, and of blanks around them, begin at `at`.
    fn separator(&self, text: &str, at: usize) -> usize {
        let rest = text.get(at..).unwrap_or_default();
        let Some(between) = &self.between else { return rest.len() - rest.trim_start().len() };
        let mut left = rest;
        loop {
            // The separator may be a blank itself.
            left = match left.strip_prefix(between.as_str()) {
                Some(next) => next,
                None => match left.strip_prefix(|c: char| c.is_whitespace()) {
                    Some(next) => next,
                    None => return rest.len() - left.len(),
                },
            };
        }
    }

    /// Reads the pair that begins at `at`; returns the place behind it.
    fn pair(&self, text: &str, at: usize, builder: &mut Builder<'_>) -> Result<usize, String> {
        let rest = text.get(at..).unwrap_or_default();
        let end = self.end(rest);
        let Some(length) = rest.get(..end).and_then(|word| word.find(self.pair.as_str())) else {
            let key = builder.stretch(at, at + rest.get(..end).unwrap_or_default().trim_end().len());
            let truth = builder.keep("true");
            builder.leaf(Kind::True, key, truth)?;
            return Ok(at + end);
        };
        let name = rest.get(..length).unwrap_or_default().trim_end();
        if name.is_empty() {
            return Err(format!("there is no key before `{}` at its byte {at}", self.pair));
        }
        let key = builder.stretch(at, at + name.len());
        let behind = at + length + self.pair.len();
        let value = text.get(behind..).unwrap_or_default();
        let blanks = if self.between.is_some() { self.blanks(value) } else { 0 };
        let start = behind + blanks;
        let value = text.get(start..).unwrap_or_default();
        if value.starts_with('"') {
            return self.quoted(text, start, key, builder);
        }
        let end = start + self.end(value);
        let length = text.get(start..end).unwrap_or_default().trim_end().len();
        let span = builder.stretch(start, start + length);
        builder.leaf(Kind::String, key, span)?;
        Ok(end)
    }

    /// How many blanks begin here that are no separator.
    fn blanks(&self, text: &str) -> usize {
        let between = self.between.as_deref().unwrap_or_default();
        let mut rest = text;
        while !rest.starts_with(between) || between.is_empty() {
            match rest.strip_prefix(|c: char| c.is_whitespace()) {
                Some(next) => rest = next,
                None => break,
            }
        }
        text.len() - rest.len()
    }

    /// Where the next separator begins.
    fn end(&self, text: &str) -> usize {
        let found = match &self.between {
            None => text.find(char::is_whitespace),
            Some(between) => text.find(between.as_str()),
        };
        found.unwrap_or(text.len())
    }

    /// Reads a value in quotes, in which a backslash takes the meaning from the sign behind it.
    fn quoted(&self, text: &str, start: usize, key: Span, builder: &mut Builder<'_>) -> Result<usize, String> {
        let inside = text.get(start + 1..).unwrap_or_default();
        let mut value = String::new();
        let mut signs = inside.char_indices();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' => {
                    let span = builder.keep(&value);
                    builder.leaf(Kind::String, key, span)?;
                    let end = start + 1 + at + 1;
                    let ended = end >= text.len() || self.separator(text, end) > 0 || self.is_behind(text, end);
                    return if ended {
                        Ok(end)
                    } else {
                        Err(format!("a value goes on after its closing quote at its byte {end}"))
                    };
                }
                '\\' => match signs.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, 'r')) => value.push('\r'),
                    Some((_, sign)) => value.push(sign),
                    None => break,
                },
                sign => value.push(sign),
            }
        }
        Err(format!("the quote at its byte {start} is not closed"))
    }
}
