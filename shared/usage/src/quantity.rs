//! Quantities: fields and numbers that calculate, with units and declared roundings.
//!
//! `??` binds tightest, then `*` and `/`, then `+` and `-`: `a ?? b * c + d` is `((a ?? b) * c) + d`.
//! Exact arithmetic throughout; a rounding is one that the mapping declares, and the last step.

mod parse;

use std::sync::Arc;

use metering::exact::{Exact, Rounding};

use crate::duration::duration;
use crate::expression::{Outcome, TextExpression, plain, weaker, wrong};
use crate::field::{Field, Scope, View};
use crate::moment::{Clock, Nanos};
use crate::number;
use crate::numeral::Numerals;
use crate::spec::RoundSpec;
use crate::unit::{Spellings, Unit};

/// How a usage reads its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    pub(crate) numerals: Numerals,
    pub(crate) spellings: Spellings,
    /// What `between( )` reads times with.
    pub(crate) clock: Option<Arc<Clock>>,
}

/// A quantity.
#[derive(Clone, Debug)]
pub(crate) struct Quantity {
    written: String,
    node: Node,
    reads: Reads,
    /// What one of the quantity's units is in the stream's.
    factor: Option<Exact>,
    /// The field that names the quantity's unit, and the stream's.
    named: Option<(TextExpression, Unit)>,
    /// The digits that are kept, and what happens to the rest.
    round: Option<(u32, Rounding)>,
}

#[derive(Clone, Debug)]
enum Node {
    Number(Exact),
    Field(Field),
    /// `duration(field)`: seconds.
    Duration(Field),
    /// `amount(field, 'unit')`: a value that names its unit.
    Amount(Field, Unit),
    /// `between(from, until)`: the seconds from one time to another.
    Between(Field, Field, Arc<Clock>),
    /// The first that is present.
    Or(Vec<Node>),
    /// The first, and what is done with the others in turn.
    Chain(Box<Node>, Vec<(Operator, Node)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

/// What a record is asked.
#[derive(Clone, Copy)]
struct Question<'m> {
    view: View<'m>,
    absent: &'m [String],
    reads: &'m Reads,
}

impl Quantity {
    /// Compiles `amount * stepSize / 1000000000`.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn compile(text: &str, scope: &mut Scope<'_>, reads: Reads) -> Result<Self, String> {
        let node = parse::parse(text, scope, reads.clock.as_ref())?;
        Ok(Self { written: text.to_owned(), node, reads, factor: None, named: None, round: None })
    }

    /// The same, converted from `unit` to the stream's; `written` is the unit that each value names.
    ///
    /// # Errors
    /// In words, and a hint.
    pub(crate) fn in_unit(mut self, unit: &str, stream_unit: &str) -> Result<Self, (String, String)> {
        let target = of_stream(stream_unit)?;
        if unit == "written" {
            self.node = self.node.with_written_units(&target).ok_or_else(|| {
                let hint =
                    "write `amount(field, 'GB')` for each field that names its unit, and leave `unit` out".to_owned();
                ("`unit: written` is for a field alone; this is a calculation".to_owned(), hint)
            })?;
            return Ok(self);
        }
        let own =
            Unit::parse(unit).map_err(|message| (message, "write a unit such as GiB, s or core-second".to_owned()))?;
        let factor = own.in_terms_of(&target).ok_or_else(|| {
            let message = format!("`{unit}` does not convert into `{stream_unit}`, the stream's unit: one measures {}, the other {}", own.measures(), target.measures());
            let hint = match crate::unit::near(unit).filter(|near| *near != unit) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "both have to be made of the same base units; a quantity may be multiplied or divided to get there, as in `quantity: bytes * seconds`".to_owned(),
            };
            (message, hint)
        })?;
        self.factor = (factor != Exact::ONE).then_some(factor);
        Ok(self)
    }

    /// The same, converted to the stream's unit from the one that `field` of each record names.
    ///
    /// # Errors
    /// In words, and a hint.
    pub(crate) fn in_unit_of(mut self, field: TextExpression, stream_unit: &str) -> Result<Self, (String, String)> {
        self.named = Some((field, of_stream(stream_unit)?));
        Ok(self)
    }

    /// The same with a declared rounding.
    ///
    /// # Errors
    /// In words, where more digits are kept than the stream has.
    pub(crate) fn rounded(mut self, spec: &RoundSpec, scale: u32) -> Result<Self, String> {
        let digits = spec.digits.unwrap_or(scale);
        if digits > scale {
            return Err(format!("{digits} digits are kept, but the stream has only {scale}"));
        }
        self.round = Some((digits, spec.rule));
        Ok(self)
    }

    /// As written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// The value at `scale`, exact but for the declared rounding.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn find<'m>(
        &'m self,
        view: View<'m>,
        absent: &'m [String],
        scale: u32,
    ) -> Result<Outcome<'m, i128>, String> {
        if let Some(field) = self.plain() {
            return plain_field(field, view, absent, scale);
        }
        let question = Question { view, absent, reads: &self.reads };
        match self.node.find(question)? {
            Outcome::Present(value) => {
                let factor = self.factor(question)?;
                let scaled = self.scaled(value, factor, scale).and_then(within_reason);
                scaled
                    .map(Outcome::Present)
                    .map_err(|error| format!("the quantity `{}` cannot be used: {error}", self.written))
            }
            Outcome::Absent(field) => Ok(Outcome::Absent(field)),
            Outcome::Missing(field) => Ok(Outcome::Missing(field)),
        }
    }

    /// The field, where the quantity is nothing but a plain number in one.
    pub(crate) fn plain(&self) -> Option<&Field> {
        match (&self.node, &self.factor, &self.named, &self.round, self.reads.numerals) {
            (Node::Field(field), None, None, None, Numerals::PLAIN) => Some(field),
            _ => None,
        }
    }

    /// What the quantity's unit is of the stream's, where it is another.
    fn factor(&self, question: Question<'_>) -> Result<Option<Exact>, String> {
        let Some((field, target)) = &self.named else { return Ok(self.factor) };
        match field.find(question.view, question.absent)? {
            Outcome::Present(unit) => {
                let factor = self.reads.spellings.factor(unit.text.trim(), target);
                factor.map(Some).map_err(|why| wrong(field.written(), unit.text, &why))
            }
            Outcome::Absent(_) => Err(format!("the unit `{}` has no value", field.written())),
            Outcome::Missing(missed) => Err(format!("the unit is missing: there is no `{}`", missed.written)),
        }
    }

    fn scaled(&self, value: Exact, factor: Option<Exact>, scale: u32) -> Result<i128, String> {
        let words = |error: metering::exact::ExactError| error.to_string();
        let value = factor.map_or(Ok(value), |factor| value.mul(&factor)).map_err(words)?;
        let Some((digits, rule)) = self.round else { return value.to_scaled(scale).map_err(words) };
        let kept = value.round(digits, rule).map_err(words)?;
        Exact::decimal(kept, digits).and_then(|kept| kept.to_scaled(scale)).map_err(words)
    }
}

/// The unit that quantities are converted into.
fn of_stream(unit: &str) -> Result<Unit, (String, String)> {
    Unit::parse(unit).map_err(|message| {
        let hint = "give the stream a unit such as GB, hour or core-hour, or leave `unit` out".to_owned();
        (format!("nothing converts into the stream's unit: {message}"), hint)
    })
}

/// The short way for what most mappings have: a plain number in one field.
fn plain_field<'m>(
    field: &'m Field,
    view: View<'m>,
    absent: &[String],
    scale: u32,
) -> Result<Outcome<'m, i128>, String> {
    Ok(match plain(field, view, absent)? {
        Outcome::Present(found) => {
            let value = number::scaled(found.text.trim(), scale).map_err(|error| error.to_string());
            let value = value.and_then(within_reason);
            Outcome::Present(value.map_err(|error| wrong(&field.written, found.text, &error))?)
        }
        Outcome::Absent(field) => Outcome::Absent(field),
        Outcome::Missing(field) => Outcome::Missing(field),
    })
}

impl Node {
    fn find<'m>(&'m self, question: Question<'m>) -> Result<Outcome<'m, Exact>, String> {
        match self {
            Self::Number(value) => Ok(Outcome::Present(*value)),
            Self::Field(field) => read(field, question, |text, number| {
                let numerals = if number { Numerals::PLAIN } else { question.reads.numerals };
                Exact::parse(&numerals.plain(text)?).map_err(|error| error.to_string())
            }),
            Self::Duration(field) => read(field, question, |text, _| duration(text)),
            Self::Amount(field, unit) => read(field, question, |text, _| amount(text, unit, question.reads)),
            Self::Between(from, until, clock) => between(from, until, clock, question),
            Self::Or(nodes) => {
                let mut none = None;
                for node in nodes {
                    match node.find(question)? {
                        Outcome::Present(value) => return Ok(Outcome::Present(value)),
                        other => none = Some(weaker(none, other)),
                    }
                }
                none.ok_or_else(|| "nothing to look up".to_owned())
            }
            Self::Chain(first, others) => chain(first, others, question),
        }
    }

    /// The same with every field read as a value that names its unit; `None` for calculations.
    fn with_written_units(self, target: &Unit) -> Option<Self> {
        match self {
            Self::Field(field) => Some(Self::Amount(field, target.clone())),
            Self::Or(nodes) => {
                let nodes: Option<Vec<Self>> = nodes.into_iter().map(|node| node.with_written_units(target)).collect();
                nodes.map(Self::Or)
            }
            Self::Number(_) | Self::Duration(_) | Self::Amount(..) | Self::Between(..) | Self::Chain(..) => None,
        }
    }
}

fn amount(text: &str, target: &Unit, reads: &Reads) -> Result<Exact, String> {
    let (number, unit) = reads.numerals.split(text);
    let value = Exact::parse(&reads.numerals.plain(number)?).map_err(|error| error.to_string())?;
    let factor = reads.spellings.factor(unit, target)?;
    value.mul(&factor).map_err(|error| error.to_string())
}

fn between<'m>(
    from: &'m Field,
    until: &'m Field,
    clock: &Clock,
    question: Question<'m>,
) -> Result<Outcome<'m, Exact>, String> {
    let seconds = |field| {
        read(field, question, |text, _| {
            let Nanos(at) = clock.read(text, question.view, question.absent)?;
            Exact::decimal(at, 9).map_err(|error| error.to_string())
        })
    };
    Ok(match (seconds(from)?, seconds(until)?) {
        (Outcome::Present(from), Outcome::Present(until)) => {
            Outcome::Present(until.sub(&from).map_err(|error| error.to_string())?)
        }
        (Outcome::Present(_), none) => none,
        (none, Outcome::Present(_)) => none,
        (one, other) => weaker_of(one, other),
    })
}

/// One that is missing is an error, whatever else is absent.
fn weaker_of<'m>(one: Outcome<'m, Exact>, other: Outcome<'m, Exact>) -> Outcome<'m, Exact> {
    if matches!(one, Outcome::Missing(_)) { one } else { other }
}

fn chain<'m>(
    first: &'m Node,
    others: &'m [(Operator, Node)],
    question: Question<'m>,
) -> Result<Outcome<'m, Exact>, String> {
    let mut none = None;
    let mut total = match first.find(question)? {
        Outcome::Present(value) => value,
        other => {
            none = Some(other);
            Exact::ONE
        }
    };
    for (operator, node) in others {
        match node.find(question)? {
            Outcome::Present(value) => {
                let next = match operator {
                    Operator::Plus => total.add(&value),
                    Operator::Minus => total.sub(&value),
                    Operator::Times => total.mul(&value),
                    Operator::Over => total.div(&value),
                };
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
    question: Question<'m>,
    parse: impl Fn(&str, bool) -> Result<Exact, String>,
) -> Result<Outcome<'m, Exact>, String> {
    Ok(match plain(field, question.view, question.absent)? {
        Outcome::Present(found) => {
            let value = parse(found.text.trim(), found.number);
            Outcome::Present(value.map_err(|why| wrong(&field.written, found.text, &why))?)
        }
        Outcome::Absent(field) => Outcome::Absent(field),
        Outcome::Missing(field) => Outcome::Missing(field),
    })
}

/// A quantity with more digits than 28, those after the point included, is no usage but a fault of
/// whoever wrote it; and ten thousand million of the largest still add up within 127 bits.
pub(crate) fn within_reason(scaled: i128) -> Result<i128, String> {
    const LARGEST: u128 = 10_u128.pow(28);
    if scaled.unsigned_abs() < LARGEST { Ok(scaled) } else { Err("it has more than 28 digits".to_owned()) }
}
