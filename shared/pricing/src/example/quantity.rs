//! A quantity as people write it, in the unit of its stream.

use metering::exact::Exact;
use metering::stream::Stream;

use crate::compile;
use crate::decimal::Decimal;
use crate::spec::SpecError;

/// `12.5 TB` in the stream's unit and digits: exactly, or an error.
pub(super) fn read(text: &str, stream: &Stream, path: &str) -> Result<i128, SpecError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let example = || format!("write a number with or without a unit, such as `12.5 {}`", stream.unit);
    let number: Decimal =
        number.parse().map_err(|_| SpecError::new(path, format!("“{text}” is no quantity")).hint(example()))?;
    let quantity = converted(number.value(), unit.trim(), stream).map_err(|problem| at(path, problem))?;
    quantity.to_scaled(stream.scale).map_err(|_| {
        let (shown, unit, scale) = (crate::text::prose(&quantity, 0), &stream.unit, stream.scale);
        let problem = SpecError::new(path, format!("“{text}” is {shown} {unit}, with more than {scale} digits"));
        problem.hint(format!("the stream “{}” has `scale: {scale}`: a file that says so is rejected too", stream.name))
    })
}

fn converted(number: Exact, unit: &str, stream: &Stream) -> Result<Exact, SpecError> {
    if unit.is_empty() || same(unit, &stream.unit) {
        return Ok(number);
    }
    let one = compile::units(&stream.name, &stream.unit, unit)?;
    number.mul(&one).map_err(|error| SpecError::new("unit", error.to_string()))
}

/// `calls` is as good as `call`.
fn same(one: &str, other: &str) -> bool {
    let stem = |text: &str| text.strip_suffix('s').filter(|stem| stem.len() > 1).unwrap_or(text).to_owned();
    one == other || stem(one) == stem(other)
}

fn at(path: &str, problem: SpecError) -> SpecError {
    SpecError { path: path.to_owned(), ..problem }
}
