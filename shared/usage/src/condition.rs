//! Conditions: which records count for a stream.

use metering::exact::Exact;
use regex::Regex;

use crate::expression::{Outcome, Plain, TextExpression, wrong};
use crate::field::{Shape, View};
use crate::numeral::Numerals;

/// A compiled condition.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// The field passes the test.
    One(TextExpression, Test),
    /// One of these holds.
    Any(Vec<Condition>),
    /// All of these hold.
    All(Vec<Condition>),
}

/// What is asked of the field.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// It is one of these.
    In(Vec<String>),
    /// It is none of these; a field that is not there is none.
    NotIn(Vec<String>),
    /// It is there and not absent, or the contrary.
    Present(bool),
    /// It matches somewhere.
    Pattern(Regex),
    /// It is a number within all of these bounds, written as declared.
    Within(Vec<(Bound, Exact)>, Numerals),
}

/// A side of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Condition {
    /// Whether it asks for something of a part, rather than of the whole record.
    pub(crate) fn looks_at_parts(&self) -> bool {
        match self {
            Self::One(field, _) => field.looks_at_parts(),
            Self::Any(conditions) | Self::All(conditions) => conditions.iter().any(Self::looks_at_parts),
        }
    }

    /// Adds the places that the answer depends on in records that look like this one.
    pub(crate) fn depends(&self, shape: Shape<'_>, on: &mut Vec<usize>) -> Option<()> {
        match self {
            Self::One(field, _) => field.depends(shape, on),
            Self::Any(conditions) | Self::All(conditions) => {
                conditions.iter().try_for_each(|condition| condition.depends(shape, on))
            }
        }
    }

    /// Whether the record meets it.
    ///
    /// # Errors
    /// In words, where the field is an object or an array, or no number where one is asked for.
    pub(crate) fn holds(&self, view: View<'_>, absent: &[String]) -> Result<bool, String> {
        match self {
            Self::One(field, test) => test.passes(field, view, absent),
            Self::Any(conditions) => one_is(conditions, view, absent, true),
            Self::All(conditions) => one_is(conditions, view, absent, false).map(|found| !found),
        }
    }
}

/// Whether one of the conditions holds, or does not; all behind it are not looked at.
fn one_is(conditions: &[Condition], view: View<'_>, absent: &[String], wanted: bool) -> Result<bool, String> {
    for condition in conditions {
        if condition.holds(view, absent)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Test {
    fn passes(&self, field: &TextExpression, view: View<'_>, absent: &[String]) -> Result<bool, String> {
        // Texts that mean nothing elsewhere are texts here: `not: "-"` must be able to name them.
        let found = || match field.find(view, &[])? {
            Outcome::Present(found) => Ok(Some(found)),
            Outcome::Absent(_) | Outcome::Missing(_) => Ok::<_, String>(None),
        };
        Ok(match self {
            Self::Present(wanted) => is_present(field, view, absent) == *wanted,
            Self::In(texts) => found()?.is_some_and(|found| texts.iter().any(|text| equal(found, text))),
            Self::NotIn(texts) => !found()?.is_some_and(|found| texts.iter().any(|text| equal(found, text))),
            Self::Pattern(pattern) => found()?.is_some_and(|found| pattern.is_match(found.text)),
            Self::Within(bounds, numerals) => match field.find(view, absent)? {
                Outcome::Present(found) => within(bounds, &number(field, found, *numerals)?)?,
                Outcome::Absent(_) | Outcome::Missing(_) => false,
            },
        })
    }
}

fn number(field: &TextExpression, found: Plain<'_>, numerals: Numerals) -> Result<Exact, String> {
    let numerals = if found.number { Numerals::PLAIN } else { numerals };
    let number = numerals.plain(found.text).and_then(|text| Exact::parse(&text).map_err(|error| error.to_string()));
    number.map_err(|why| wrong(field.written(), found.text, &why))
}

fn within(bounds: &[(Bound, Exact)], number: &Exact) -> Result<bool, String> {
    for (bound, limit) in bounds {
        let above = number.sub(limit).map_err(|error| error.to_string())?;
        let holds = match bound {
            Bound::Above => !above.is_negative() && !above.is_zero(),
            Bound::AtLeast => !above.is_negative(),
            Bound::Below => above.is_negative(),
            Bound::AtMost => above.is_negative() || above.is_zero(),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An object or an array is there, too.
fn is_present(field: &TextExpression, view: View<'_>, absent: &[String]) -> bool {
    !matches!(field.find(view, absent), Ok(Outcome::Absent(_) | Outcome::Missing(_)))
}

/// Numbers of JSON are compared by value, so that 1.0 is 1; everything else by its text.
fn equal(found: Plain<'_>, text: &str) -> bool {
    let by_value = || matches!((Exact::parse(found.text), Exact::parse(text)), (Ok(a), Ok(b)) if a == b);
    found.text == text || (found.number && by_value())
}
