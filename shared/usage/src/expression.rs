//! The small expressions of a mapping: texts with fallbacks, and quantities that calculate.
//!
//! `??` binds tightest: `a ?? b * c` is `(a ?? b) * c`. Exact arithmetic throughout.

use metering::exact::Exact;

use crate::field::{Field, Found, Scope, View};
use crate::lex::{Grammar, Token, tokens};
use crate::number;

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
            (Some(text), _) => Ok(Outcome::Present(Plain { text, number: false })),
            (None, Some(none)) => Ok(none),
            (None, None) => Err("nothing to look up".to_owned()),
        }
    }
}

/// Of several that are not there one that is absent says more than one that is missing.
fn weaker<'m, T>(earlier: Option<Outcome<'m, T>>, later: Outcome<'m, T>) -> Outcome<'m, T> {
    match (earlier, later) {
        (Some(Outcome::Absent(field)), Outcome::Missing(_)) => Outcome::Absent(field),
        (_, later) => later,
    }
}

fn plain<'r>(field: &'r Field, view: View<'r>, absent: &[String]) -> Result<Outcome<'r, Plain<'r>>, String> {
    Ok(match field.find(view) {
        Found::Missing => Outcome::Missing(field),
        Found::Null => Outcome::Absent(field),
        Found::Nested => return Err(format!("`{}` is an object or an array, not a single value", field.written)),
        Found::Number(text) => Outcome::Present(Plain { text, number: true }),
        Found::Text(text) if absent.iter().any(|none| none == text) => Outcome::Absent(field),
        Found::Text(text) => Outcome::Present(Plain { text, number: false }),
    })
}

/// A quantity.
#[derive(Clone, Debug)]
pub(crate) struct Quantity {
    written: String,
    node: Node,
}

#[derive(Clone, Debug)]
enum Node {
    Number(Exact),
    Field(Field),
    Duration(Field),
    /// The first that is present.
    Or(Vec<Node>),
    /// The first, times or over the others in turn.
    Product(Box<Node>, Vec<(bool, Node)>),
}

impl Quantity {
    /// Compiles `amount * stepSize / 1000000000`.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn compile(text: &str, scope: &mut Scope<'_>) -> Result<Self, String> {
        let words = tokens(text, Grammar::Arithmetic)?;
        let mut parser = Parser { words: &words, at: 0, scope };
        let node = parser.product()?;
        match parser.words.get(parser.at) {
            None => Ok(Self { written: text.to_owned(), node }),
            Some(_) => Err(format!(
                "`{text}` goes on where it should end; quantities are fields and numbers joined by `*`, `/` and `??`, and a name with blanks or signs is put in double quotes"
            )),
        }
    }

    /// As written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// The value at `scale`, exact.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn find<'m>(
        &'m self,
        view: View<'m>,
        absent: &[String],
        scale: u32,
    ) -> Result<Outcome<'m, i128>, String> {
        if let Node::Field(field) = &self.node {
            return Ok(match plain(field, view, absent)? {
                Outcome::Present(found) => {
                    let value = number::scaled(found.text.trim(), scale).map_err(|error| error.to_string());
                    let value = value.and_then(within_reason);
                    Outcome::Present(value.map_err(|error| wrong(&field.written, found.text, &error))?)
                }
                Outcome::Absent(field) => Outcome::Absent(field),
                Outcome::Missing(field) => Outcome::Missing(field),
            });
        }
        match self.node.find(view, absent)? {
            Outcome::Present(value) => {
                let value = value.to_scaled(scale).map_err(|error| error.to_string()).and_then(within_reason);
                value
                    .map(Outcome::Present)
                    .map_err(|error| format!("the quantity `{}` cannot be used: {error}", self.written))
            }
            Outcome::Absent(field) => Ok(Outcome::Absent(field)),
            Outcome::Missing(field) => Ok(Outcome::Missing(field)),
        }
    }
}

fn wrong(field: &str, text: &str, why: &str) -> String {
    format!("`{field}` is `{}`: {why}", shorten(text))
}

/// At most 60 characters, for messages.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Node {
    fn find<'m>(&'m self, view: View<'m>, absent: &[String]) -> Result<Outcome<'m, Exact>, String> {
        match self {
            Self::Number(value) => Ok(Outcome::Present(*value)),
            Self::Field(field) => {
                read(field, view, absent, |text| Exact::parse(text).map_err(|error| error.to_string()))
            }
            Self::Duration(field) => read(field, view, absent, number::duration),
            Self::Or(nodes) => {
                let mut none = None;
                for node in nodes {
                    match node.find(view, absent)? {
                        Outcome::Present(value) => return Ok(Outcome::Present(value)),
                        other => none = Some(weaker(none, other)),
                    }
                }
                none.ok_or_else(|| "nothing to look up".to_owned())
            }
            Self::Product(first, others) => product(first, others, view, absent),
        }
    }
}

fn product<'m>(
    first: &'m Node,
    others: &'m [(bool, Node)],
    view: View<'m>,
    absent: &[String],
) -> Result<Outcome<'m, Exact>, String> {
    let mut none = None;
    let mut total = match first.find(view, absent)? {
        Outcome::Present(value) => value,
        other => {
            none = Some(other);
            Exact::ONE
        }
    };
    for (over, node) in others {
        match node.find(view, absent)? {
            Outcome::Present(value) => {
                let next = if *over { total.div(&value) } else { total.mul(&value) };
                total = next.map_err(|error| format!("the quantity cannot be calculated: {error}"))?;
            }
            // One that is missing is an error, whatever else is absent.
            other => match none {
                Some(Outcome::Missing(_)) => {}
                _ => none = Some(other),
            },
        }
    }
    Ok(none.unwrap_or(Outcome::Present(total)))
}

fn read<'m>(
    field: &'m Field,
    view: View<'m>,
    absent: &[String],
    parse: impl Fn(&str) -> Result<Exact, String>,
) -> Result<Outcome<'m, Exact>, String> {
    Ok(match plain(field, view, absent)? {
        Outcome::Present(found) => {
            let value = parse(found.text.trim()).map_err(|why| wrong(&field.written, found.text, &why))?;
            Outcome::Present(value)
        }
        Outcome::Absent(field) => Outcome::Absent(field),
        Outcome::Missing(field) => Outcome::Missing(field),
    })
}

struct Parser<'p, 's> {
    words: &'p [Token],
    at: usize,
    scope: &'p mut Scope<'s>,
}

impl Parser<'_, '_> {
    fn take(&mut self, token: &Token) -> bool {
        let found = self.words.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn product(&mut self) -> Result<Node, String> {
        let first = self.fallback()?;
        let mut others = Vec::new();
        loop {
            let over = if self.take(&Token::Times) {
                false
            } else if self.take(&Token::Over) {
                true
            } else {
                break;
            };
            others.push((over, self.fallback()?));
        }
        Ok(if others.is_empty() { first } else { Node::Product(Box::new(first), others) })
    }

    fn fallback(&mut self) -> Result<Node, String> {
        let first = self.atom()?;
        let mut nodes = Vec::new();
        while self.take(&Token::Or) {
            nodes.push(self.atom()?);
        }
        if nodes.is_empty() {
            return Ok(first);
        }
        nodes.insert(0, first);
        Ok(Node::Or(nodes))
    }

    fn atom(&mut self) -> Result<Node, String> {
        let word = self.words.get(self.at);
        self.at += 1;
        match word {
            Some(Token::Number(text)) => {
                Exact::parse(text).map(Node::Number).map_err(|error| format!("`{text}` cannot be used: {error}"))
            }
            Some(Token::Field(reference)) if reference.written == "duration" && self.take(&Token::Open) => {
                let Some(Token::Field(inner)) = self.words.get(self.at) else {
                    return Err("`duration( )` takes one field".to_owned());
                };
                self.at += 1;
                let field = Field::compile(inner, self.scope)?;
                if self.take(&Token::Close) {
                    Ok(Node::Duration(field))
                } else {
                    Err("`duration( )` takes one field".to_owned())
                }
            }
            Some(Token::Field(reference)) => Field::compile(reference, self.scope).map(Node::Field),
            Some(Token::Open) => {
                let inner = self.product()?;
                if self.take(&Token::Close) { Ok(inner) } else { Err("a bracket is not closed".to_owned()) }
            }
            _ => Err("a field or a number is expected".to_owned()),
        }
    }
}

/// A quantity with more digits than 28, those after the point included, is no usage but a fault of
/// whoever wrote it; and ten thousand million of the largest still add up within 127 bits.
fn within_reason(scaled: i128) -> Result<i128, String> {
    const LARGEST: u128 = 10_u128.pow(28);
    if scaled.unsigned_abs() < LARGEST { Ok(scaled) } else { Err("it has more than 28 digits".to_owned()) }
}
