//! The contents of a cell: states that merge in any order to the same result.
//!
//! Values are whole numbers at the stream's scale. Additions are checked; equal inputs give equal
//! bytes whatever the order or grouping of the merges.

use std::fmt;

use crate::exact::power_of_ten;
use crate::stream::Kind;
use crate::time::Instant;

/// More samples of one counter in one quarter-hour than this are refused: a cell is bounded.
const MAX_COUNTER_SAMPLES: usize = 10_000;

/// A value and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// How much, at the stream's scale.
    pub value: i128,
}

impl Sample {
    /// The larger one; of equal ones the earlier.
    #[inline]
    fn peak(self, other: Self) -> Self {
        let other_wins = other.value > self.value || (other.value == self.value && other.at < self.at);
        if other_wins { other } else { self }
    }

    /// The later one; of two at the same instant the larger, so that order does not matter.
    fn last(self, other: Self) -> Self {
        self.max(other)
    }
}

/// How many samples there were, their sum, largest and smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// All added.
    pub sum: i128,
    /// The largest and when it was first reached.
    pub peak: Sample,
    /// The smallest.
    pub least: i128,
}

impl Summary {
    /// Of a single sample.
    #[inline]
    pub fn of(sample: Sample) -> Self {
        Self { count: 1, sum: sample.value, peak: sample, least: sample.value }
    }

    /// Of both.
    ///
    /// # Errors
    /// [`StateError::Overflow`].
    #[inline]
    pub fn merge(&mut self, other: &Self) -> Result<(), StateError> {
        *self = Self {
            count: self.count.checked_add(other.count).ok_or(StateError::Overflow)?,
            sum: self.sum.checked_add(other.sum).ok_or(StateError::Overflow)?,
            peak: self.peak.peak(other.peak),
            least: self.least.min(other.least),
        };
        Ok(())
    }
}

/// What the samples of one cell amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Amounts used.
    Delta(Summary),
    /// Levels: the last one besides the summary.
    Gauge(Summary, Sample),
    /// Readings of a counter in time order. All of them: what was used between two readings
    /// depends on their neighbours, which may come in another file.
    Counter(Vec<Sample>),
    /// By how much a level changed, in time order; changes at one instant are added.
    Change(Vec<Sample>),
}

/// Why states do not merge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A sum passes 127 bits.
    #[error("the sum of a cell does not fit 127 bits; declare a smaller scale for the stream")]
    Overflow,
    /// The same cell holds states of two kinds.
    #[error("a cell holds samples of two kinds; the stream's kind was changed without a restatement")]
    MixedKinds,
    /// A counter reports too often.
    #[error("a counter or a level has more than {MAX_COUNTER_SAMPLES} readings in a quarter-hour")]
    TooManySamples,
    /// Text that `State` did not write.
    #[error("`{0}` is no state of a cell")]
    Malformed(String),
}

impl State {
    /// The state of a single sample.
    pub fn sample(kind: Kind, at: Instant, value: i128) -> Self {
        let sample = Sample { at, value };
        match kind {
            Kind::Delta => Self::Delta(Summary::of(sample)),
            Kind::Gauge => Self::Gauge(Summary::of(sample), sample),
            Kind::Cumulative => Self::Counter(vec![sample]),
            Kind::Change => Self::Change(vec![sample]),
        }
    }

    /// Takes the other's samples in. Commutative and associative.
    ///
    /// # Errors
    /// [`StateError`]; `self` is then unchanged or of no further use.
    pub fn merge(&mut self, other: &Self) -> Result<(), StateError> {
        match (self, other) {
            (Self::Delta(mine), Self::Delta(theirs)) => mine.merge(theirs),
            (Self::Gauge(mine, last), Self::Gauge(theirs, other_last)) => {
                *last = last.last(*other_last);
                mine.merge(theirs)
            }
            (Self::Counter(mine), Self::Counter(theirs)) => merge_samples(mine, theirs, later_reading),
            (Self::Change(mine), Self::Change(theirs)) => merge_samples(mine, theirs, both_changes),
            _ => Err(StateError::MixedKinds),
        }
    }

    /// Adds one sample of the same kind.
    ///
    /// # Errors
    /// [`StateError`].
    #[inline]
    pub fn push(&mut self, at: Instant, value: i128) -> Result<(), StateError> {
        let sample = Sample { at, value };
        match self {
            Self::Delta(summary) => summary.merge(&Summary::of(sample)),
            Self::Gauge(summary, last) => {
                *last = last.last(sample);
                summary.merge(&Summary::of(sample))
            }
            Self::Counter(samples) => push_sample(samples, sample, later_reading),
            Self::Change(samples) => push_sample(samples, sample, both_changes),
        }
    }

    /// The same samples with so many more digits after the decimal point.
    ///
    /// # Errors
    /// [`StateError::Overflow`].
    pub fn with_digits(&self, digits: u32) -> Result<Self, StateError> {
        let factor = power_of_ten(digits).map_err(|_| StateError::Overflow)?;
        let scaled = |value: i128| value.checked_mul(factor).ok_or(StateError::Overflow);
        let sample = |old: &Sample| Ok(Sample { at: old.at, value: scaled(old.value)? });
        let summary = |old: &Summary| {
            let (sum, peak, least) = (scaled(old.sum)?, sample(&old.peak)?, scaled(old.least)?);
            Ok::<_, StateError>(Summary { count: old.count, sum, peak, least })
        };
        match self {
            Self::Delta(old) => Ok(Self::Delta(summary(old)?)),
            Self::Gauge(old, last) => Ok(Self::Gauge(summary(old)?, sample(last)?)),
            Self::Counter(samples) => Ok(Self::Counter(samples.iter().map(sample).collect::<Result<_, StateError>>()?)),
            Self::Change(samples) => Ok(Self::Change(samples.iter().map(sample).collect::<Result<_, StateError>>()?)),
        }
    }

    /// Count, sum, peak and smallest of the raw samples.
    ///
    /// # Errors
    /// [`StateError::Overflow`] for counters whose readings do not add up within 127 bits.
    pub fn summary(&self) -> Result<Option<Summary>, StateError> {
        match self {
            Self::Delta(summary) | Self::Gauge(summary, _) => Ok(Some(*summary)),
            Self::Counter(samples) | Self::Change(samples) => summarise(samples.iter().copied()),
        }
    }
}

/// The summary of some samples; `None` of none.
///
/// # Errors
/// [`StateError::Overflow`].
pub fn summarise(samples: impl Iterator<Item = Sample>) -> Result<Option<Summary>, StateError> {
    let mut total: Option<Summary> = None;
    for sample in samples {
        match &mut total {
            Some(total) => total.merge(&Summary::of(sample))?,
            None => total = Some(Summary::of(sample)),
        }
    }
    Ok(total)
}

/// A counter only grows: of two readings at one instant the larger is the later.
fn later_reading(a: i128, b: i128) -> Option<i128> {
    Some(a.max(b))
}

/// Two changes at one instant have both happened.
fn both_changes(a: i128, b: i128) -> Option<i128> {
    a.checked_add(b)
}

type Combine = fn(i128, i128) -> Option<i128>;

/// Samples come in order nearly always: appending is the common case.
fn push_sample(samples: &mut Vec<Sample>, sample: Sample, combine: Combine) -> Result<(), StateError> {
    if samples.last().is_none_or(|last| last.at < sample.at) {
        samples.push(sample);
    } else {
        match samples.binary_search_by_key(&sample.at, |s| s.at) {
            Ok(found) => {
                if let Some(same) = samples.get_mut(found) {
                    same.value = combine(same.value, sample.value).ok_or(StateError::Overflow)?;
                }
            }
            Err(place) => samples.insert(place, sample),
        }
    }
    if samples.len() > MAX_COUNTER_SAMPLES { Err(StateError::TooManySamples) } else { Ok(()) }
}

fn merge_samples(mine: &mut Vec<Sample>, theirs: &[Sample], combine: Combine) -> Result<(), StateError> {
    theirs.iter().try_for_each(|sample| push_sample(mine, *sample, combine))
}

impl fmt::Display for State {
    /// The canonical text: `d` or `g` with count, sum, peak, its time, smallest (and for gauges
    /// the last value and its time); of a single sample just value and time; `c` with the readings, `l` with the
    /// changes of a level.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delta(summary) => {
                f.write_str("d")?;
                write_summary(f, summary)
            }
            Self::Gauge(summary, _) if summary.count == 1 => {
                f.write_str("g")?;
                write_summary(f, summary)
            }
            Self::Gauge(summary, last) => {
                f.write_str("g")?;
                write_summary(f, summary)?;
                write!(f, ",{},{}", last.value, last.at.0)
            }
            Self::Counter(samples) | Self::Change(samples) => {
                f.write_str(if matches!(self, Self::Counter(_)) { "c" } else { "l" })?;
                for (i, sample) in samples.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{},{}", sample.value, sample.at.0)?;
                }
                Ok(())
            }
        }
    }
}

fn write_summary(f: &mut fmt::Formatter<'_>, summary: &Summary) -> fmt::Result {
    let Summary { count, sum, peak, least } = summary;
    if *count == 1 {
        write!(f, "{},{}", peak.value, peak.at.0)
    } else {
        write!(f, "{count},{sum},{},{},{least}", peak.value, peak.at.0)
    }
}

impl std::str::FromStr for State {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || StateError::Malformed(text.chars().take(40).collect());
        let kind = text.get(..1).ok_or_else(malformed)?;
        let numbers: Vec<i128> = match text.get(1..) {
            Some("") | None => Vec::new(),
            Some(rest) => rest.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| malformed())?,
        };
        let state = match kind {
            "d" => read_summary(&numbers).map(Self::Delta),
            "g" => read_gauge(&numbers),
            "c" => read_samples(&numbers).map(Self::Counter),
            "l" => read_samples(&numbers).map(Self::Change),
            _ => None,
        };
        state.ok_or_else(malformed)
    }
}

fn read_sample(value: i128, at: i128) -> Option<Sample> {
    Some(Sample { at: Instant(i64::try_from(at).ok()?), value })
}

fn read_summary(numbers: &[i128]) -> Option<Summary> {
    match *numbers {
        [value, at] => Some(Summary::of(read_sample(value, at)?)),
        [count, sum, peak, at, least] => {
            Some(Summary { count: u64::try_from(count).ok()?, sum, peak: read_sample(peak, at)?, least })
        }
        _ => None,
    }
}

fn read_gauge(numbers: &[i128]) -> Option<State> {
    match *numbers {
        [value, at] => read_sample(value, at).map(|sample| State::Gauge(Summary::of(sample), sample)),
        [.., value, at] => {
            let summary = read_summary(numbers.get(..5)?)?;
            (numbers.len() == 7).then_some(State::Gauge(summary, read_sample(value, at)?))
        }
        _ => None,
    }
}

fn read_samples(numbers: &[i128]) -> Option<Vec<Sample>> {
    numbers
        .chunks(2)
        .map(|pair| match *pair {
            [value, at] => read_sample(value, at),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Delta), Just(Kind::Gauge), Just(Kind::Cumulative), Just(Kind::Change)]
    }

    fn samples() -> impl Strategy<Value = Vec<(i64, i128)>> {
        proptest::collection::vec((0_i64..20, -50_i128..50), 1..12)
    }

    fn fold(kind: Kind, samples: &[(i64, i128)]) -> State {
        let mut states = samples.iter().map(|(at, value)| State::sample(kind, Instant(*at), *value));
        let mut first = states.next().unwrap();
        states.for_each(|state| first.merge(&state).unwrap());
        first
    }

    proptest! {
        #[test]
        fn any_order_and_grouping_gives_the_same_state(
            kind in kinds(), (samples, shuffled) in samples().prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle())), cut in 0_usize..12,
        ) {
            let whole = fold(kind, &samples);
            prop_assert_eq!(&fold(kind, &shuffled), &whole);
            let cut = cut % samples.len();
            if cut > 0 {
                let mut right = fold(kind, &shuffled[cut..]);
                right.merge(&fold(kind, &shuffled[..cut])).unwrap();
                prop_assert_eq!(&right, &whole);
            }
            let mut pushed = State::sample(kind, Instant(samples[0].0), samples[0].1);
            samples[1..].iter().for_each(|(at, value)| pushed.push(Instant(*at), *value).unwrap());
            prop_assert_eq!(pushed, whole);
        }

        #[test]
        fn text_and_back_is_the_same(kind in kinds(), samples in samples()) {
            let state = fold(kind, &samples);
            prop_assert_eq!(state.to_string().parse::<State>().unwrap(), state);
        }
    }

    #[test]
    fn kinds_do_not_mix() {
        let mut delta = State::sample(Kind::Delta, Instant(0), 1);
        assert_eq!(delta.merge(&State::sample(Kind::Gauge, Instant(0), 1)), Err(StateError::MixedKinds));
    }

    #[test]
    fn an_overflow_is_an_error() {
        let mut state = State::sample(Kind::Delta, Instant(0), i128::MAX);
        assert_eq!(state.push(Instant(1), 1), Err(StateError::Overflow));
    }

    #[test]
    fn a_peak_names_the_earliest_time_it_was_reached() {
        let state = fold(Kind::Delta, &[(7, 5), (3, 5), (9, 4)]);
        assert_eq!(state.summary().unwrap().unwrap().peak, Sample { at: Instant(3), value: 5 });
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "x1,2", "d1", "d1,2,3", "g1,2,3", "c1", "d1,x", "é"] {
            assert!(text.parse::<State>().is_err(), "{text}");
        }
    }
}
