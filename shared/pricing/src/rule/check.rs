//! From the text of a condition to one that can be evaluated: every name exists, every operation has the types it
//! takes, and the whole is true or false.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, ListExpr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::parser::{Expression, Parser};
use metering::exact::Exact;

use crate::compile::near;
use crate::decimal::Decimal;
use crate::rule::{Condition, Name};

/// Characters of a condition, at most.
const LONGEST: usize = 1_000;
/// Brackets within brackets, at most.
const DEEPEST: u16 = 32;

/// Operations within operations, at most: evaluating takes a place on the stack for each.
const TALLEST: usize = 100;

/// What a condition may name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    /// Streams with their units.
    pub(crate) streams: &'a BTreeMap<String, String>,
}

/// What is wrong, and what to do.
pub(crate) type Wrong = (String, Option<String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Truth,
    Text,
    Number,
    Texts,
    Numbers,
}

impl Type {
    fn said(self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Texts => "a list of texts",
            Self::Numbers => "a list of numbers",
        }
    }
}

/// The variable of a number that stands in the text.
pub(super) fn constant(index: usize) -> String {
    format!("#{index}")
}

impl Condition {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// The first thing that is wrong, and what to do about it.
    pub(crate) fn compile(text: &str, names: &Names<'_>) -> Result<Self, Wrong> {
        if text.chars().count() > LONGEST {
            return Err((format!("the condition has more than {LONGEST} characters"), None));
        }
        let parsed = Parser::new().max_recursion_depth(DEEPEST).parse_with_source_info(text);
        let (mut expression, source) = parsed.map_err(|errors| unread(&errors))?;
        let mut check = Check { names, source: &source, found: BTreeSet::new(), constants: Vec::new(), depth: 0 };
        match check.expression(&mut expression)? {
            Type::Truth => {}
            other => {
                let hint = "compare it with something, as in `customer.tier == \"gold\"`".to_owned();
                return Err((format!("the condition is {}, and has to be true or false", other.said()), Some(hint)));
            }
        }
        let Check { found: names, constants, .. } = check;
        Ok(Self { text: text.to_owned(), names, expression: Arc::new(expression), constants })
    }
}

fn unread(errors: &cel::parser::ParseErrors) -> Wrong {
    let hint = "write such as `customer.tier == \"gold\" && stream.storage > 100`".to_owned();
    match errors.errors.first() {
        Some(error) => {
            // What is expected instead is a list of the grammar's words.
            let message = error.msg.split(" expecting").next().unwrap_or_default().replace(['\n', '\r'], " ");
            (format!("the condition cannot be read at character {}: {message}", error.pos.1), Some(hint))
        }
        None => ("the condition cannot be read".to_owned(), Some(hint)),
    }
}

struct Check<'a> {
    names: &'a Names<'a>,
    source: &'a SourceInfo,
    found: BTreeSet<Name>,
    constants: Vec<Exact>,
    depth: usize,
}

impl Check<'_> {
    /// The type of an expression. Names and numbers become variables on the way.
    fn expression(&mut self, node: &mut Expression) -> Result<Type, Wrong> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > TALLEST {
            return Err(("the condition is nested too deeply".to_owned(), Some("write several rules".to_owned())));
        }
        let kind = self.typed(node)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(kind)
    }

    fn typed(&mut self, node: &mut Expression) -> Result<Type, Wrong> {
        if let Some(name) = self.name(&node.expr)? {
            let (found, variable, is_test) = name;
            let kind = match (&found, is_test) {
                (_, true) => Type::Truth,
                (Name::Customer(_) | Name::Dimension(_), false) => Type::Text,
                (Name::Stream(_) | Name::Hour | Name::Weekday, false) => Type::Number,
            };
            self.found.insert(found);
            node.expr = Expr::Ident(variable);
            return Ok(kind);
        }
        let id = node.id;
        match &mut node.expr {
            Expr::Literal(LiteralValue::Boolean(_)) => Ok(Type::Truth),
            Expr::Literal(LiteralValue::String(_)) => Ok(Type::Text),
            Expr::Literal(literal) => {
                let number = self.number(literal, id)?;
                node.expr = Expr::Ident(constant(self.constants.len()));
                self.constants.push(number);
                Ok(Type::Number)
            }
            Expr::List(list) => self.list(list),
            Expr::Call(call) => self.call(call),
            Expr::Ident(name) => Err(unknown_root(name)),
            _ => Err((
                "the condition uses what conditions of prices do not have".to_owned(),
                Some(
                    "there are &&, ||, !, ==, !=, <, <=, >, >=, in, +, -, *, has(), startsWith, endsWith and contains"
                        .to_owned(),
                ),
            )),
        }
    }

    /// A number as it stands in the text.
    fn number(&self, literal: &LiteralValue, id: u64) -> Result<Exact, Wrong> {
        match literal {
            LiteralValue::Int(whole) => Ok(Exact::integer(i128::from(*whole.inner()))),
            LiteralValue::UInt(whole) => Ok(Exact::integer(i128::from(*whole.inner()))),
            LiteralValue::Double(double) => {
                let text = self.source.offset_for(id).and_then(|(from, until)| {
                    let from = usize::try_from(from).ok()?;
                    let count = usize::try_from(until).ok()?.checked_sub(from)?.checked_add(1)?;
                    Some(self.source.source.chars().skip(from).take(count).collect::<String>())
                });
                let wrong = |error: &dyn std::fmt::Display| (error.to_string(), None);
                let read = text.unwrap_or_default().parse::<Decimal>().map_err(|error| wrong(&error))?;
                // The place of a literal may begin behind its sign.
                if double.inner().is_sign_negative() == read.value().is_negative() {
                    return Ok(read.value());
                }
                read.value().neg().map_err(|error| wrong(&error))
            }
            _ => Err(("the condition compares with what is no text, number or truth".to_owned(), None)),
        }
    }

    /// Something that is asked for: what, its variable, and whether only its presence is.
    fn name(&self, expression: &Expr) -> Result<Option<(Name, String, bool)>, Wrong> {
        let (root, member, is_test) = match expression {
            Expr::Select(SelectExpr { operand, field, test }) => match &operand.expr {
                Expr::Ident(root) => (root, field.clone(), *test),
                _ => return Ok(None),
            },
            Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
                match args.as_slice() {
                    [of, index] => match (&of.expr, &index.expr) {
                        (Expr::Ident(root), Expr::Literal(LiteralValue::String(name))) => {
                            (root, name.inner().to_owned(), false)
                        }
                        _ => return Ok(None),
                    },
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let name = self.member(root, member)?;
        let variable = if is_test { name.presence() } else { name.written() };
        Ok(Some((name, variable, is_test)))
    }

    fn member(&self, root: &str, member: String) -> Result<Name, Wrong> {
        match (root, member.as_str()) {
            ("customer", _) => Ok(Name::Customer(member)),
            ("dimension", _) => Ok(Name::Dimension(member)),
            ("stream", _) if self.names.streams.contains_key(&member) => Ok(Name::Stream(member)),
            ("stream", _) => {
                let (message, known) = (format!("there is no stream “{member}”"), self.names.streams.keys());
                let begins = known.clone().find(|name| name.starts_with(&format!("{member}-")));
                let hint = match (begins, near(&member, known.clone())) {
                    (Some(name), _) => Some(format!("a name with “-” is written `stream[\"{name}\"]`")),
                    (None, Some(near)) => Some(format!("did you mean “{near}”?")),
                    (None, None) => Some(format!("streams: {}", known.cloned().collect::<Vec<_>>().join(", "))),
                };
                Err((message, hint))
            }
            ("time", "hour") => Ok(Name::Hour),
            ("time", "weekday") => Ok(Name::Weekday),
            ("time", _) => {
                let hint = "there are `time.hour`, 0 to 23, and `time.weekday`, 1 for Monday to 7 for Sunday";
                Err((format!("there is no “time.{member}”"), Some(hint.to_owned())))
            }
            _ => Err(unknown_root(root)),
        }
    }

    fn list(&mut self, list: &mut ListExpr) -> Result<Type, Wrong> {
        let mut kind = None;
        for element in &mut list.elements {
            let found = self.expression(element)?;
            if kind.is_some_and(|kind| kind != found) {
                return Err(("the values of a list have to be all texts or all numbers".to_owned(), None));
            }
            kind = Some(found);
        }
        match kind {
            Some(Type::Text) => Ok(Type::Texts),
            Some(Type::Number) => Ok(Type::Numbers),
            Some(_) => Err(("a list has texts or numbers".to_owned(), None)),
            None => Err(("the list is empty: nothing is in it".to_owned(), None)),
        }
    }

    fn call(&mut self, call: &mut CallExpr) -> Result<Type, Wrong> {
        let mut kinds = Vec::new();
        for operand in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
            kinds.push(self.expression(operand)?);
        }
        let name = call.func_name.as_str();
        let result = match (name, call.target.is_some(), kinds.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, false, [Type::Truth, Type::Truth]) => Type::Truth,
            (operators::LOGICAL_NOT, false, [Type::Truth]) => Type::Truth,
            (operators::EQUALS | operators::NOT_EQUALS, false, [one, other]) if one == other => Type::Truth,
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                false,
                [Type::Number, Type::Number],
            ) => Type::Truth,
            (operators::IN, false, [Type::Text, Type::Texts] | [Type::Number, Type::Numbers]) => Type::Truth,
            (operators::ADD | operators::SUBSTRACT | operators::MULTIPLY, false, [Type::Number, Type::Number]) => {
                Type::Number
            }
            (operators::NEGATE, false, [Type::Number]) => Type::Number,
            ("startsWith" | "endsWith" | "contains", true, [Type::Text, Type::Text]) => Type::Truth,
            _ => return Err(mismatch(name, &kinds)),
        };
        Ok(result)
    }
}

fn unknown_root(name: &str) -> Wrong {
    let hint = "there are `customer.ATTRIBUTE`, `stream.NAME`, `dimension.NAME`, `time.hour` and `time.weekday`";
    (format!("the condition names “{name}”, which is nothing"), Some(hint.to_owned()))
}

fn mismatch(name: &str, kinds: &[Type]) -> Wrong {
    let shown = match name {
        operators::DIVIDE | operators::MODULO => {
            let hint = "multiply the other side instead: numbers are exact, and a quotient may have no end";
            return ("conditions do not divide".to_owned(), Some(hint.to_owned()));
        }
        operators::CONDITIONAL => {
            return ("conditions have no `? :`".to_owned(), Some("write two rules, or `&&` and `||`".to_owned()));
        }
        operators::NEGATE => "-",
        operators::LOGICAL_NOT => "!",
        operators::IN => "in",
        name => sign(name),
    };
    let said: Vec<&str> = kinds.iter().map(|kind| kind.said()).collect();
    let known =
        ["==", "!=", "<", "<=", ">", ">=", "&&", "||", "in", "+", "-", "*", "!", "startsWith", "endsWith", "contains"];
    if !known.contains(&shown) {
        let hint = format!("there are {}", known.join(", "));
        return (format!("conditions have no “{shown}”"), Some(hint));
    }
    let hint = match shown {
        "==" | "!=" | "<" | "<=" | ">" | ">=" => {
            "attributes and dimensions are texts (`\"gold\"`), quantities and times are numbers"
        }
        "in" => "write such as `dimension.region in [\"eu\", \"ch\"]`",
        _ => "`&&`, `||` and `!` take conditions; `+`, `-` and `*` take numbers",
    };
    (format!("“{shown}” does not go with {}", said.join(" and ")), Some(hint.to_owned()))
}

/// The operator as it is written: `_&&_` is `&&`.
fn sign(name: &str) -> &str {
    name.strip_prefix('_').and_then(|rest| rest.strip_suffix('_')).unwrap_or(name)
}
