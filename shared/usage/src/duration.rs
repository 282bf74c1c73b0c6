//! Durations as records write them, exact.

use metering::exact::{Exact, ExactError};

/// Reads `[D-]HH:MM:SS[.fff]`, also `MM:SS`; `PT1H30M`; `1h30m`, as seconds.
///
/// # Errors
/// In words.
pub(crate) fn duration(text: &str) -> Result<Exact, String> {
    if text.contains(':') {
        return clock(text);
    }
    let designated = text.strip_prefix('P').map(iso8601).unwrap_or_else(|| lettered(text, LETTERS));
    designated.ok_or_else(wrong)?.map_err(|error| error.to_string())
}

fn wrong() -> String {
    "it is not a duration; [days-]hours:minutes:seconds, PT1H30M or 1h30m is expected".to_owned()
}

/// Letters and how many seconds they stand for, in the order in which they have to come.
type Letters = &'static [(&'static str, i128)];
const LETTERS: Letters = &[("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
const ISO_DATE: Letters = &[("W", 604_800), ("D", 86_400)];
const ISO_TIME: Letters = &[("H", 3_600), ("M", 60), ("S", 1)];

/// What follows the P of ISO 8601. Years and months have no fixed length: they are no durations.
fn iso8601(text: &str) -> Option<Result<Exact, ExactError>> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let parts = match (date, time) {
        ("", Some(time)) => return lettered(time, ISO_TIME),
        (date, None) => return lettered(date, ISO_DATE),
        (date, Some(time)) => (lettered(date, ISO_DATE)?, lettered(time, ISO_TIME)?),
    };
    Some(parts.0.and_then(|days| days.add(&parts.1?)))
}

/// Numbers with letters behind them, the larger units first, each at most once; decimals in the last.
fn lettered(text: &str, letters: Letters) -> Option<Result<Exact, ExactError>> {
    let (mut rest, mut letters) = (text, letters.iter());
    let mut total = Ok(Exact::ZERO);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at_checked(end)?;
        let (letter, seconds) = letters.find(|(letter, _)| behind.starts_with(letter))?;
        rest = behind.get(letter.len()..)?;
        if number.contains('.') && !rest.is_empty() {
            return None;
        }
        let part = Exact::parse(number).and_then(|number| number.mul(&Exact::integer(*seconds)));
        total = total.and_then(|total| total.add(&part?));
    }
    (!text.is_empty()).then_some(total)
}

fn clock(text: &str) -> Result<Exact, String> {
    let (days, clock) = text.split_once('-').map_or((None, text), |(days, clock)| (Some(days), clock));
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match (parts.as_slice(), days) {
        ([hours, minutes, seconds], _) => (*hours, *minutes, *seconds),
        ([minutes, seconds], None) => ("0", *minutes, *seconds),
        _ => return Err(wrong()),
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let whole = |text: &str, below: u32| {
        let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten().filter(|value| *value < below).ok_or_else(wrong)
    };
    // With days before them hours end at 24; minutes without hours are Slurm's short form.
    let hours = whole(hours, if days.is_some() { 24 } else { u32::MAX })?;
    let (minutes, seconds) = (whole(minutes, 60)?, whole(seconds, 60)?);
    let days = days.map_or(Ok(0), |days| whole(days, u32::MAX))?;
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let total = i128::from(days) * 86_400 + i128::from(hours) * 3_600 + i128::from(minutes) * 60 + i128::from(seconds);
    let fraction = Exact::parse(&format!("0.{fraction}")).map_err(|error| error.to_string())?;
    Exact::integer(total).add(&fraction).map_err(|error| error.to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds() {
        for (text, seconds) in [
            ("00:00:26", "26"),
            ("10-13:27:06", "912426"),
            ("5-00:00:26", "432026"),
            ("100:00:00", "360000"),
            ("01:30", "90"),
            ("00:00:01.250", "1.25"),
            ("PT1H30M", "5400"),
            ("P1DT0.5S", "86400.5"),
            ("P2W", "1209600"),
            ("1h30m", "5400"),
            ("1d2h3m4.5s", "93784.5"),
            ("90s", "90"),
        ] {
            assert_eq!(duration(text).unwrap(), Exact::parse(seconds).unwrap(), "{text}");
        }
        for text in [
            "",
            "26",
            "1:2:3:4",
            "00:60:00",
            "00:00:60",
            "1-24:00:00",
            "-00:00:01",
            "1-01:00",
            "a:b:c",
            "00:00:1.",
            "UNLIMITED",
            "P1M",
            "P1Y",
            "P",
            "PT",
            "P1H",
            "1m1h",
            "1.5h30m",
            "1h1h",
            "5 m",
            "h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
