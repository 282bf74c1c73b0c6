//! The small expressions of a mapping that look texts up, with fallbacks.

use crate::field::{Field, Found, Scope, Shape, Stands, View};
use crate::lex::{Grammar, Token, tokens};

/// What an expression comes to.
#[derive(Debug)]
pub(crate) enum Outcome<'m, T> {
    /// A value.
    Present(T),
    /// The record says that there is none: JSON null, or a text declared as absent.
    Absent(&'m Field),
    /// The record has no such field at all.
    Missing(&'m Field),
}

/// A field's text as a record has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plain<'r> {
    pub(crate) text: &'r str,
    /// Whether it is a number of JSON.
    pub(crate) number: bool,
    /// Whether it stands in the mapping rather than in the record.
    pub(crate) literal: bool,
}

/// A text: the first of several fields that is present, or a literal.
#[derive(Clone, Debug)]
pub(crate) struct TextExpression {
    written: String,
    alternatives: Vec<Field>,
    last: Option<String>,
}

impl TextExpression {
    /// Compiles `field ?? other.field ?? 'literal'`.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn compile(text: &str, scope: &mut Scope<'_>) -> Result<Self, String> {
        let before = scope.needs();
        let compiled = Self::parse(text, scope)?;
        scope.need_one_since(before, compiled.last.is_some());
        Ok(compiled)
    }

    fn parse(text: &str, scope: &mut Scope<'_>) -> Result<Self, String> {
        let mut compiled = Self { written: text.to_owned(), alternatives: Vec::new(), last: None };
        let words = tokens(text, Grammar::Plain)?;
        for (i, token) in words.iter().enumerate() {
            match (i % 2, token) {
                (1, Token::Or) if i + 1 < words.len() && compiled.last.is_none() => {}
                (0, Token::Field(reference)) => compiled.alternatives.push(Field::compile(reference, scope)?),
                (0, Token::Literal(literal)) => compiled.last = Some(literal.clone()),
                _ => {
                    return Err(format!(
                        "`{text}` is no field; a name with blanks is put in double quotes, alternatives are joined by `??`, and a text in single quotes comes last"
                    ));
                }
            }
        }
        if compiled.alternatives.is_empty() && compiled.last.is_none() {
            return Err("a field is expected".to_owned());
        }
        Ok(compiled)
    }

    /// As written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// Whether one of its fields is that of a part, rather than of the whole record.
    pub(crate) fn looks_at_parts(&self) -> bool {
        self.alternatives.iter().any(Field::looks_at_parts)
    }

    /// Whether one of its fields looks at a part through the `*` of `each`.
    pub(crate) fn follows_each(&self) -> bool {
        self.alternatives.iter().any(Field::follows_each)
    }

    /// Adds the places of all strings and numbers that it depends on in records that look like this
    /// one; `None` where looks do not say which.
    pub(crate) fn depends(&self, shape: Shape<'_>, on: &mut Vec<usize>) -> Option<()> {
        for field in &self.alternatives {
            if let Stands::At(place, _) = field.stands(shape)? {
                on.push(place);
            }
        }
        Some(())
    }

    /// The one that is found first, unless it is absent, in records that look like this one.
    pub(crate) fn stands(&self, shape: Shape<'_>) -> Option<Stands> {
        for field in &self.alternatives {
            match field.stands(shape)? {
                Stands::Nothing => {}
                found => return Some(found),
            }
        }
        None
    }

    /// The text that the record has there.
    ///
    /// # Errors
    /// In words, where it is an object or an array.
    pub(crate) fn find<'r>(&'r self, view: View<'r>, absent: &[String]) -> Result<Outcome<'r, Plain<'r>>, String> {
        let mut none = None;
        for field in &self.alternatives {
            match plain(field, view, absent)? {
                Outcome::Present(found) => return Ok(Outcome::Present(found)),
                other => none = Some(weaker(none, other)),
            }
        }
        match (&self.last, none) {
            (Some(text), _) => Ok(Outcome::Present(Plain { text, number: false, literal: true })),
            (None, Some(none)) => Ok(none),
            (None, None) => Err("nothing to look up".to_owned()),
        }
    }
}

/// Of several that are not there one that is absent says more than one that is missing.
pub(crate) fn weaker<'m, T>(earlier: Option<Outcome<'m, T>>, later: Outcome<'m, T>) -> Outcome<'m, T> {
    match (earlier, later) {
        (Some(Outcome::Absent(field)), Outcome::Missing(_)) => Outcome::Absent(field),
        (_, later) => later,
    }
}

pub(crate) fn plain<'r>(field: &'r Field, view: View<'r>, absent: &[String]) -> Result<Outcome<'r, Plain<'r>>, String> {
    Ok(match field.find(view) {
        Found::Missing => Outcome::Missing(field),
        Found::Null => Outcome::Absent(field),
        Found::Unclear(why) => return Err(format!("`{}` is not known: {why}", field.written)),
        Found::Nested => return Err(format!("`{}` is an object or an array, not a single value", field.written)),
        Found::Number(text) => Outcome::Present(Plain { text, number: true, literal: false }),
        Found::Text(text) if absent.iter().any(|none| none == text) => Outcome::Absent(field),
        Found::Text(text) => Outcome::Present(Plain { text, number: false, literal: false }),
    })
}

pub(crate) fn wrong(field: &str, text: &str, why: &str) -> String {
    format!("`{field}` is `{}`: {why}", shorten(text))
}

/// At most 60 characters, for messages.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
