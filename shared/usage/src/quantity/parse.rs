//! The grammar of quantities.

use std::sync::Arc;

use metering::exact::Exact;

use super::{Node, Operator};
use crate::field::{Field, Scope};
use crate::lex::{Grammar, Token, tokens};
use crate::moment::{Clock, TimeFormat};
use crate::unit::Unit;

/// Reads a quantity.
///
/// # Errors
/// In words.
pub(super) fn parse(text: &str, scope: &mut Scope<'_>, clock: Option<&Arc<Clock>>) -> Result<Node, String> {
    let words = tokens(text, Grammar::Arithmetic)?;
    let mut parser = Parser { words: &words, at: 0, scope, clock };
    let node = parser.sum()?;
    match parser.words.get(parser.at) {
        None => Ok(node),
        Some(_) => Err(format!(
            "`{text}` goes on where it should end; quantities are fields and numbers joined by `*`, `/`, `+`, `-` and `??`, and a name with blanks or signs is put in double quotes"
        )),
    }
}

struct Parser<'p, 's> {
    words: &'p [Token],
    at: usize,
    scope: &'p mut Scope<'s>,
    clock: Option<&'p Arc<Clock>>,
}

impl Parser<'_, '_> {
    fn take(&mut self, token: &Token) -> bool {
        let found = self.words.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn sum(&mut self) -> Result<Node, String> {
        self.chain(&[(Token::Plus, Operator::Plus), (Token::Minus, Operator::Minus)], Self::product)
    }

    fn product(&mut self) -> Result<Node, String> {
        self.chain(&[(Token::Times, Operator::Times), (Token::Over, Operator::Over)], Self::fallback)
    }

    /// Parts joined by some operators, from left to right.
    fn chain(
        &mut self,
        operators: &[(Token, Operator)],
        part: fn(&mut Self) -> Result<Node, String>,
    ) -> Result<Node, String> {
        let first = part(self)?;
        let mut others = Vec::new();
        while let Some((_, operator)) = operators.iter().find(|(token, _)| self.take(token)) {
            others.push((*operator, part(self)?));
        }
        Ok(if others.is_empty() { first } else { Node::Chain(Box::new(first), others) })
    }

    fn fallback(&mut self) -> Result<Node, String> {
        let before = self.scope.needs();
        let first = self.atom()?;
        let mut nodes = Vec::new();
        while self.take(&Token::Or) {
            nodes.push(self.atom()?);
        }
        if nodes.is_empty() {
            return Ok(first);
        }
        let number = matches!(nodes.last(), Some(Node::Number(_)));
        self.scope.need_one_since(before, number);
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
            Some(Token::Field(reference)) if self.take(&Token::Open) => self.function(&reference.written),
            Some(Token::Field(reference)) => Field::compile(reference, self.scope).map(Node::Field),
            Some(Token::Open) => {
                let inner = self.sum()?;
                if self.take(&Token::Close) { Ok(inner) } else { Err("a bracket is not closed".to_owned()) }
            }
            _ => Err("a field or a number is expected".to_owned()),
        }
    }

    /// A function behind its opening bracket.
    fn function(&mut self, name: &str) -> Result<Node, String> {
        let node = match name {
            "duration" => self.field("`duration( )` takes one field").map(Node::Duration)?,
            "amount" => {
                let wrong = "`amount( )` takes a field and a unit, as in `amount(size, 'GB')`";
                let field = self.field(wrong)?;
                let unit = self.literal(wrong)?;
                Node::Amount(field, Unit::parse(&unit)?)
            }
            "between" => self.between()?,
            other => return Err(format!("there is no function `{other}( )`; there are duration, amount, between")),
        };
        if self.take(&Token::Close) { Ok(node) } else { Err(format!("the bracket of `{name}( )` is not closed")) }
    }

    fn between(&mut self) -> Result<Node, String> {
        let wrong =
            "`between( )` takes two fields that hold times, and perhaps their format, as in `between(start, end)`";
        let from = self.field(wrong)?;
        if !self.take(&Token::Comma) {
            return Err(wrong.to_owned());
        }
        let until = self.field(wrong)?;
        let clock = self.clock.ok_or("the source's `time` cannot be read")?;
        if self.words.get(self.at) != Some(&Token::Comma) {
            return Ok(Node::Between(from, until, Arc::clone(clock)));
        }
        let written = self.literal(wrong)?;
        let format = TimeFormat::compile(&written, false).map_err(|(message, hint)| format!("{message}; {hint}"))?;
        if format.needs_zone() && !clock.has_zone() {
            return Err(format!("times like `{written}` name no zone; declare it in the source's `time`"));
        }
        Ok(Node::Between(from, until, Arc::new(clock.with_format(format))))
    }

    fn field(&mut self, wrong: &str) -> Result<Field, String> {
        let Some(Token::Field(reference)) = self.words.get(self.at) else { return Err(wrong.to_owned()) };
        self.at += 1;
        Field::compile(reference, self.scope)
    }

    /// A comma, and a text in single quotes.
    fn literal(&mut self, wrong: &str) -> Result<String, String> {
        match (self.take(&Token::Comma), self.words.get(self.at)) {
            (true, Some(Token::Literal(text))) => {
                self.at += 1;
                Ok(text.clone())
            }
            _ => Err(wrong.to_owned()),
        }
    }
}
