//! The words of the small expressions in a mapping.

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A field: what is looked up, segment by segment.
    Field(Reference),
    /// `'text'`.
    Literal(String),
    /// `1000000000`.
    Number(String),
    /// `??`
    Or,
    /// `*`
    Times,
    /// `/`
    Over,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `+`, with blanks around it.
    Plus,
    /// `-`, with blanks around it.
    Minus,
    /// `,`
    Comma,
}

/// A field as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// As written, for messages.
    pub(crate) written: String,
    /// Whether it begins with `^`: from the whole record rather than the element.
    pub(crate) from_root: bool,
    pub(crate) segments: Vec<Segment>,
}

/// A step of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// A name; whether it was quoted.
    Name(String, bool),
    /// `[3]`.
    At(usize),
    /// `[key='text']`: the element of an array that has this text under this key.
    With(String, String),
    /// `?` behind a name of `each`: where it is not there, there are no parts.
    Perhaps,
    /// `*`: every value of a map.
    EveryValue,
    /// `[*]`: every element of an array.
    EveryElement,
}

/// Which signs are operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Quantities: `*`, `/`, brackets, and `+` and `-` with blanks around them calculate.
    Arithmetic,
    /// Fields: only `??` is an operator, so that `lineItem/UsageType` needs no quotes.
    Plain,
    /// What `each` takes: `*` stands for every member.
    Each,
}

/// Splits `text` into words.
///
/// # Errors
/// In words.
pub(crate) fn tokens(text: &str, grammar: Grammar) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { text, at: 0, grammar };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    grammar: Grammar,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    fn next(&mut self) -> Result<Option<Token>, String> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        if self.rest().is_empty() {
            return Ok(None);
        }
        if self.take("??") {
            return Ok(Some(Token::Or));
        }
        if self.grammar == Grammar::Arithmetic
            && let Some(sign) = self.sign()?
        {
            return Ok(Some(sign));
        }
        if self.take("'") {
            return self.quoted('\'').map(|text| Some(Token::Literal(text)));
        }
        self.field().map(Some)
    }

    /// An operator. Names may hold `-`: what has no blanks around it is part of one.
    fn sign(&mut self) -> Result<Option<Token>, String> {
        let blank_before = self.text.get(..self.at).is_some_and(|before| before.ends_with(char::is_whitespace));
        for (sign, token) in [("+", Token::Plus), ("-", Token::Minus)] {
            if let Some(behind) = self.rest().strip_prefix(sign) {
                // A number alone, as where a stop is one less.
                if sign == "-" && self.at == 0 && is_number(behind) {
                    self.at = self.text.len();
                    return Ok(Some(Token::Number(self.text.to_owned())));
                }
                if !blank_before || !behind.starts_with(char::is_whitespace) {
                    return Err(format!(
                        "`{}`: `{sign}` needs a blank on both sides, because names may hold it",
                        self.text
                    ));
                }
                self.at += sign.len();
                return Ok(Some(token));
            }
        }
        let signs =
            [("*", Token::Times), ("/", Token::Over), ("(", Token::Open), (")", Token::Close), (",", Token::Comma)];
        Ok(signs.into_iter().find_map(|(sign, token)| self.take(sign).then_some(token)))
    }

    /// The text up to the closing quote, which stands for itself when doubled.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        while let Some(next) = self.peek() {
            self.at += next.len_utf8();
            if next != quote {
                text.push(next);
            } else if self.peek() == Some(quote) {
                self.at += 1;
                text.push(quote);
            } else {
                return Ok(text);
            }
        }
        Err(format!("`{}` has a quote that is not closed", self.text))
    }

    fn field(&mut self) -> Result<Token, String> {
        let start = self.at;
        let from_root = self.take("^");
        let every = from_root || self.grammar == Grammar::Each;
        let first = if self.take("[") { self.index(every)? } else { self.segment(every)? };
        let mut segments = vec![first];
        loop {
            if self.take(".") {
                segments.push(self.segment(every)?);
            } else if self.take("[") {
                segments.push(self.index(every)?);
            } else if self.grammar == Grammar::Each && self.take("?") {
                segments.push(Segment::Perhaps);
            } else {
                break;
            }
        }
        let written = self.text.get(start..self.at).unwrap_or_default().to_owned();
        if !from_root && is_number(&written) {
            return Ok(Token::Number(written));
        }
        Ok(Token::Field(Reference { written, from_root, segments }))
    }

    fn segment(&mut self, every: bool) -> Result<Segment, String> {
        if self.take("\"") {
            return self.quoted('"').map(|name| Segment::Name(name, true));
        }
        if every && self.take("*") {
            return Ok(Segment::EveryValue);
        }
        let length = self.rest().find(|c| !self.is_bare(c)).unwrap_or(self.rest().len());
        let name = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        if name.is_empty() {
            let found = self.peek().map_or("the end".to_owned(), |c| format!("`{c}`"));
            return Err(format!("a name is expected in `{}`, but there is {found}", self.text));
        }
        Ok(Segment::Name(name, false))
    }

    fn is_bare(&self, c: char) -> bool {
        let operator = match self.grammar {
            Grammar::Arithmetic => "*/(),",
            Grammar::Each => "*",
            Grammar::Plain => "",
        };
        !(c.is_whitespace() || ".[]\"'?^".contains(c) || operator.contains(c))
    }

    /// What stands in brackets; `at` is behind the opening one.
    fn index(&mut self, every: bool) -> Result<Segment, String> {
        let wrong = format!("`{}` has brackets that hold no index, as in `items[0]` or `tags[name='x']`", self.text);
        let length = self.rest().find([']', '=']).unwrap_or(self.rest().len());
        let inside = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        if self.take("=") {
            let text = if self.take("'") { self.quoted('\'')? } else { return Err(wrong) };
            return if self.take("]") { Ok(Segment::With(inside, text)) } else { Err(wrong) };
        }
        if !self.take("]") {
            return Err(wrong);
        }
        match inside.as_str() {
            "*" if every => Ok(Segment::EveryElement),
            "*" => Err(format!("`{}` takes every element, which only `each` can do", self.text)),
            digits => digits.parse().map(Segment::At).map_err(|_| wrong),
        }
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn show(text: &str, grammar: Grammar) -> String {
        let word = |token: &Token| match token {
            Token::Field(field) => format!("field {:?}", field.segments.len()),
            other => format!("{other:?}"),
        };
        match tokens(text, grammar) {
            Ok(tokens) => tokens.iter().map(word).collect::<Vec<_>>().join(" "),
            Err(error) => error,
        }
    }

    #[test]
    fn words_are_told_apart() {
        for (text, grammar, expected) in [
            ("a*b/2.5", Grammar::Arithmetic, r#"field 1 Times field 1 Over Number("2.5")"#),
            ("labels.a ?? labels.b[0]", Grammar::Arithmetic, "field 2 Or field 3"),
            ("lineItem/UsageType", Grammar::Plain, "field 1"),
            (r#""a b".c"#, Grammar::Arithmetic, "field 2"),
            ("x ?? 'it''s'", Grammar::Plain, r#"field 1 Or Literal("it's")"#),
            ("zones.*", Grammar::Each, "field 2"),
            ("a?.b[*]", Grammar::Each, "field 4"),
            ("^a[*].b.*.c * 2", Grammar::Arithmetic, r#"field 5 Times Number("2")"#),
            ("[1] * [0]", Grammar::Arithmetic, "field 1 Times field 1"),
            ("tags[name='a]=''b'].value", Grammar::Plain, "field 3"),
            (
                "tags[name=a]",
                Grammar::Plain,
                "`tags[name=a]` has brackets that hold no index, as in `items[0]` or `tags[name='x']`",
            ),
            ("items[*].x", Grammar::Each, "field 3"),
            ("duration(a)", Grammar::Arithmetic, "field 1 Open field 1 Close"),
            ("items[*]", Grammar::Plain, "`items[*]` takes every element, which only `each` can do"),
            ("a.", Grammar::Plain, "a name is expected in `a.`, but there is the end"),
            ("a + b - c-d", Grammar::Arithmetic, "field 1 Plus field 1 Minus field 1"),
            ("-1.5", Grammar::Arithmetic, r#"Number("-1.5")"#),
            ("-1 * a", Grammar::Arithmetic, "`-1 * a`: `-` needs a blank on both sides, because names may hold it"),
            ("a -b", Grammar::Arithmetic, "`a -b`: `-` needs a blank on both sides, because names may hold it"),
            ("f(a, 'x')", Grammar::Arithmetic, r#"field 1 Open field 1 Comma Literal("x") Close"#),
            ("a ? b", Grammar::Plain, "a name is expected in `a ? b`, but there is `?`"),
            ("'a", Grammar::Plain, "`'a` has a quote that is not closed"),
        ] {
            assert_eq!(show(text, grammar), expected, "{text}");
        }
    }

    #[test]
    fn a_quoted_name_keeps_dots_and_blanks() {
        let Token::Field(field) = tokens(r#"labels."app.io/name""#, Grammar::Plain).unwrap().remove(0) else {
            unreachable!("a field")
        };
        assert_eq!(field.segments[1], Segment::Name("app.io/name".to_owned(), true));
    }
}
