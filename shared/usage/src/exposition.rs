//! The text of a metrics endpoint: Prometheus and OpenMetrics.
//!
//! A sample is an object: `name`, `labels`, `value`, `timestamp` where there is one, and `type` where
//! a comment before it says one.

use crate::json::{Builder, Kind, Span};

/// What comments have said.
#[derive(Default)]
pub(crate) struct Exposition {
    family: String,
    kind: String,
}

impl Exposition {
    /// Whether the line is a comment; keeps the type that it says.
    pub(crate) fn is_comment(&mut self, line: &[u8]) -> bool {
        let Some(comment) = line.trim_ascii_start().strip_prefix(b"#") else { return false };
        let mut words = std::str::from_utf8(comment).unwrap_or_default().split_ascii_whitespace();
        if words.next() == Some("TYPE")
            && let (Some(family), Some(kind)) = (words.next(), words.next())
        {
            (self.family, self.kind) = (family.to_owned(), kind.to_owned());
        }
        true
    }

    /// The type of the metric `name`, whose samples may be named after it with `_total`, `_bucket` …
    fn kind(&self, name: &str) -> Option<&str> {
        let rest = name.strip_prefix(self.family.as_str()).filter(|_| !self.family.is_empty())?;
        (rest.is_empty() || rest.starts_with('_')).then_some(&self.kind)
    }

    /// Reads a sample.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn read(&self, text: &str, builder: &mut Builder<'_>) -> Result<(), String> {
        let mut scan = Scan { text, at: 0 };
        scan.blanks();
        let own = scan.name();
        builder.open(Kind::Object, Span::default(), Span::default())?;
        let key = builder.keep("labels");
        builder.open(Kind::Object, key, Span::default())?;
        let quoted = if scan.take('{') { scan.labels(builder)? } else { None };
        builder.refuse_repeated()?;
        builder.close();
        let name = match (own, quoted) {
            ("", Some(name)) => name,
            (name, None) if !name.is_empty() => name.to_owned(),
            _ => return Err("it does not begin with the name of a metric".to_owned()),
        };
        let key = builder.keep("name");
        let span = builder.keep(&name);
        builder.leaf(Kind::String, key, span)?;
        if let Some(kind) = self.kind(&name) {
            let (key, span) = (builder.keep("type"), builder.keep(kind));
            builder.leaf(Kind::String, key, span)?;
        }
        scan.numbers(builder)?;
        builder.close();
        Ok(())
    }
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, sign: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_:.".contains(c))).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Reads labels up to the closing brace; returns the name of the metric if it stands among them.
    fn labels(&mut self, builder: &mut Builder<'_>) -> Result<Option<String>, String> {
        let mut metric = None;
        loop {
            if self.take('}') {
                return Ok(metric);
            }
            self.blanks();
            let quoted = self.rest().starts_with('"');
            let name = if quoted { self.quoted()? } else { self.name().to_owned() };
            if quoted && metric.is_none() && !self.take('=') {
                metric = Some(name);
            } else if name.is_empty() || (!quoted && !self.take('=')) {
                return Err(format!("a label is expected at its byte {}", self.at));
            } else {
                self.blanks();
                let value = self.quoted()?;
                let (key, span) = (builder.keep(&name), builder.keep(&value));
                builder.leaf(Kind::String, key, span)?;
            }
            if !self.take(',') && !self.rest().starts_with('}') {
                return Err(format!("`,` or `}}` is expected behind a label at its byte {}", self.at));
            }
        }
    }

    fn quoted(&mut self) -> Result<String, String> {
        let start = self.at;
        let Some(inside) = self.rest().strip_prefix('"') else {
            return Err(format!("a text in quotes is expected at its byte {start}"));
        };
        let mut value = String::new();
        let mut signs = inside.char_indices();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' => {
                    self.at = start + 1 + at + 1;
                    return Ok(value);
                }
                '\\' => match signs.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, sign)) => value.push(sign),
                    None => break,
                },
                sign => value.push(sign),
            }
        }
        Err(format!("the quote at its byte {start} is not closed"))
    }

    /// Reads the value, and the time if there is one; what stands behind a `#` is an example.
    fn numbers(&mut self, builder: &mut Builder<'_>) -> Result<(), String> {
        let rest = self.rest().split(" #").next().unwrap_or_default();
        let mut words = rest.split_ascii_whitespace();
        let value = words.next().ok_or("there is no value behind the metric")?;
        let number = value.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
        // What is no number is a text as it is written, so that `+Inf` can be declared absent.
        let written = if number { value.trim_start_matches('+') } else { value };
        let (key, span) = (builder.keep("value"), builder.keep(written));
        // NaN and infinity are texts, so that they can be declared absent.
        builder.leaf(if number { Kind::Number } else { Kind::String }, key, span)?;
        if let Some(time) = words.next() {
            let (key, span) = (builder.keep("timestamp"), builder.keep(time));
            builder.leaf(Kind::Number, key, span)?;
        }
        match words.next() {
            None => Ok(()),
            Some(_) => Err("there is more text behind the value and the time".to_owned()),
        }
    }
}
