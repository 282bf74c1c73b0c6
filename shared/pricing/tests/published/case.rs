use metering::exact::{Exact, Rounding};
use pricing::{Amount, Currency, RatedKind, RatedLine};
use serde_json::Value;

/// A published case.
pub struct Case(pub Value);

impl Case {
    pub fn id(&self) -> &str {
        text(&self.0["id"])
    }

    pub fn model(&self) -> &str {
        text(&self.0["model"])
    }

    pub fn config(&self) -> &Value {
        &self.0["config"]
    }

    pub fn usage(&self) -> &Value {
        &self.0["usage"]
    }

    /// US dollars where the case does not say.
    pub fn currency(&self) -> &str {
        self.0["currency"].as_str().unwrap_or("USD")
    }

    /// The first day that the period names.
    pub fn first_day(&self) -> Option<chrono::NaiveDate> {
        self.0["period"].as_str()?.get(..10)?.parse().ok()
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A number that may be written as one or as a text.
pub fn number(value: &Value) -> Exact {
    value.as_str().map_or_else(|| Exact::integer(i128::from(value.as_i64().unwrap())), |text| text.parse().unwrap())
}

pub fn list(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}

pub fn days(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

/// What a translated case comes out to.
pub enum Outcome {
    /// Lines that have to add up to the expected amount.
    Lines(Vec<RatedLine>),
    /// An amount that is already rounded.
    Amount(Amount, Currency),
    /// A number that has to be the expected one once it is rounded to the digits of that.
    Number(Exact),
}

impl Outcome {
    /// What is wrong, if something is.
    pub fn difference(&self, case: &Case) -> Option<String> {
        let expected = text(&case.0["expected_amount"]);
        let said = match self {
            Self::Lines(lines) => return lines_differ(lines, expected),
            Self::Amount(amount, currency) => {
                let wanted = Exact::decimal(rounded(expected, currency.digits()), currency.digits()).unwrap();
                (Exact::decimal(amount.0, currency.digits()).unwrap(), wanted)
            }
            Self::Number(number) => {
                let digits = digits_of(expected);
                let found = number.round(digits, Rounding::HalfAwayFromZero).unwrap();
                (Exact::decimal(found, digits).unwrap(), expected.parse().unwrap())
            }
        };
        (said.0 != said.1).then(|| format!("{} instead of {expected}", said.0))
    }
}

/// Amounts are compared to the minor unit; where more digits are published, what was not rounded
/// yet is compared to as many of them as well.
fn lines_differ(lines: &[RatedLine], expected: &str) -> Option<String> {
    let digits = lines.first().map_or(2, |line| line.currency.digits());
    let total = Amount::sum(lines.iter().map(|line| line.amount)).unwrap();
    if total.0 != rounded(expected, digits) {
        return Some(format!("{} instead of {expected}\n{}", total.format(digits), explained(lines)));
    }
    let raw = Exact::sum(&lines.iter().map(unrounded).collect::<Vec<_>>()).unwrap();
    let published = digits_of(expected);
    let wanted = expected.parse::<Exact>().unwrap().to_scaled(published).unwrap();
    let same = published <= digits || raw.round(published, Rounding::HalfAwayFromZero).unwrap() == wanted;
    (!same).then(|| format!("{raw} instead of {expected} before rounding"))
}

/// Digits after the point.
fn digits_of(number: &str) -> u32 {
    number.split_once('.').map_or(0, |(_, digits)| u32::try_from(digits.len()).unwrap())
}

fn rounded(expected: &str, digits: u32) -> i128 {
    expected.parse::<Exact>().unwrap().round(digits, Rounding::HalfAwayFromZero).unwrap()
}

/// The amount of the last step before rounding.
pub fn unrounded(line: &RatedLine) -> Exact {
    let steps = line.steps.iter().rev().filter(|step| !step.text.to_string().starts_with("rounded half"));
    steps.filter_map(|step| step.amount).next().unwrap()
}

fn explained(lines: &[RatedLine]) -> String {
    let steps = |line: &RatedLine| line.steps.iter().map(|step| format!("    {}\n", step.text)).collect::<String>();
    lines.iter().map(|line| format!("  {} {:?}\n{}", line.title, line.amount, steps(line))).collect()
}

/// The lines that make up for a minimum.
pub fn minimum_only(lines: Vec<RatedLine>) -> Outcome {
    Outcome::Lines(lines.into_iter().filter(|line| line.kind == RatedKind::Minimum).collect())
}
