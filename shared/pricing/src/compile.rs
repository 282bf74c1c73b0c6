//! Checks of single values on the way from the catalogue to a plan. Nothing is clamped or guessed:
//! what makes no sense is refused where it stands.

mod attribute;
mod model;
mod price;
mod quantity;
mod rules;
mod tiers;

use metering::exact::Exact;

use crate::decimal::Decimal;
use crate::money::{Amount, Currency, MoneyError};
use crate::spec::SpecError;

pub(crate) use price::{Source, check, price};
pub(crate) use quantity::units;

/// A name becomes part of keys: letters, digits, `-`, `_` and `.`.
pub(crate) fn name(name: &str) -> Vec<SpecError> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.chars().all(allowed) {
        return Vec::new();
    }
    let problem = SpecError::new("name", format!("“{name}” is not a name"));
    vec![problem.hint("use letters, digits, “-”, “_” and “.”, at least one")]
}

/// The name that a title suggests: “Platform fee” is `platform-fee`.
#[must_use]
pub fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// Adds “did you mean” where a known name is close.
pub(crate) fn hint_near<'a>(problem: SpecError, name: &str, known: impl IntoIterator<Item = &'a String>) -> SpecError {
    match near(name, known) {
        Some(near) => problem.hint(format!("did you mean “{near}”?")),
        None => problem,
    }
}

/// The known name that a misspelt one is probably meant to be.
pub(crate) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a String>) -> Option<&'a String> {
    let ranked = known.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    let limit = name.chars().count().div_ceil(3);
    ranked.min().filter(|(distance, _)| *distance <= limit).map(|(_, near)| near)
}

pub(crate) fn currency(code: &str) -> Result<Currency, SpecError> {
    Currency::parse(code).map_err(|error| {
        let problem = SpecError::new("currency", error.to_string());
        match error {
            MoneyError::UnknownCurrency { near: Some(near), .. } => problem.hint(format!("did you mean “{near}”?")),
            _ => problem,
        }
    })
}

/// An amount of the currency: not negative, with no more digits than it has.
pub(crate) fn amount(path: &str, decimal: Decimal, currency: Currency) -> Result<Amount, SpecError> {
    not_negative(path, decimal)?;
    let digits = currency.digits();
    decimal.value().to_scaled(digits).map(Amount).map_err(|_| {
        SpecError::new(path, format!("{decimal} has more than the {digits} digits after the point that {currency} has"))
    })
}

fn not_negative(path: &str, decimal: Decimal) -> Result<Exact, SpecError> {
    if decimal.value().is_negative() {
        return Err(SpecError::new(path, format!("{decimal} is negative: prices and quantities start at 0")));
    }
    Ok(decimal.value())
}

pub(crate) fn positive(path: &str, decimal: Decimal) -> Result<Exact, SpecError> {
    if decimal.value() <= Exact::ZERO {
        return Err(SpecError::new(path, format!("{decimal} is not above 0")));
    }
    Ok(decimal.value())
}

/// Values on the way, and everything that is wrong with them.
#[derive(Default)]
pub(crate) struct Keep {
    pub(crate) problems: Vec<SpecError>,
}

impl Keep {
    pub(crate) fn error(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(SpecError::new(path, message));
    }

    pub(crate) fn hinted(&mut self, path: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(SpecError::new(path, message).hint(hint));
    }

    fn keep(&mut self, value: Result<Exact, SpecError>, instead: Exact) -> Exact {
        value.unwrap_or_else(|problem| {
            self.problems.push(problem);
            instead
        })
    }

    /// Not negative; nought where absent.
    pub(crate) fn not_negative(&mut self, path: &str, decimal: Option<Decimal>) -> Exact {
        self.keep(decimal.map_or(Ok(Exact::ZERO), |decimal| not_negative(path, decimal)), Exact::ZERO)
    }

    /// Above nought; one where absent.
    pub(crate) fn positive(&mut self, path: &str, decimal: Option<Decimal>) -> Exact {
        self.keep(decimal.map_or(Ok(Exact::ONE), |decimal| positive(path, decimal)), Exact::ONE)
    }

    /// Takes the problems of something inside over, and its value if it has one.
    pub(crate) fn inside<T>(&mut self, path: &str, outcome: Result<T, Vec<SpecError>>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(problems) => {
                self.problems.extend(problems.into_iter().map(|problem| problem.within(path)));
                None
            }
        }
    }

    /// The value, unless something was wrong.
    pub(crate) fn done<T>(self, value: Option<T>) -> Result<T, Vec<SpecError>> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}
