//! Why a period cannot be closed yet, a sentence each: what is wrong, where, and what to do.

use std::fmt;

use catalog::Catalogue;
use metering::period::{Period, PeriodError};
use metering::time::Instant;

use crate::audit::{Audit, OVERWRITTEN, RESTATED};
use crate::configuration::Configuration;
use crate::translate::CONFLICT;

/// Why a period waits. Each but the first keeps every period open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is not over, or files of it are still awaited.
    NotOver {
        /// Its label.
        period: String,
        /// Its end.
        end: Instant,
        /// For how long files are awaited after it.
        grace_hours: i64,
    },
    /// Files lie in the bucket that no rollup has as they are.
    Uncounted {
        /// How many.
        count: usize,
        /// The first of them.
        first: String,
    },
    /// A file cannot be read, or too much of it cannot.
    Quarantined {
        /// The object's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two sources of the catalogue read a file.
    TwoSources {
        /// The object's key.
        key: String,
        /// Which.
        reason: String,
    },
    /// A file was overwritten though its source says that files never change.
    Overwritten {
        /// The object's key.
        key: String,
    },
    /// A file is to be read by a mapping that the catalogue does not have.
    MappingGone {
        /// The object's key.
        key: String,
    },
    /// A file is to be read once more, and the content that counts was overwritten.
    ContentGone {
        /// The object's key.
        key: String,
    },
    /// A slot's files cannot be added up.
    NotAddedUp {
        /// Which, and why.
        reason: String,
    },
    /// An example beside the prices comes out otherwise than it says.
    Example {
        /// Where, and what it is.
        problem: String,
    },
    /// The directory was not made from the customers that the catalogue has now.
    Unpublished,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOver { period, end, grace_hours } => {
                write!(f, "the period {period} ends at {end}, and files are awaited for another {grace_hours} hours")
            }
            Self::Uncounted { count, first } => write!(
                f,
                "{count} files of the bucket are not counted yet, the first is {first}; the next sweep asks for them"
            ),
            Self::Quarantined { key, reason } => write!(
                f,
                "{key}: {reason}. Write it anew, mend its source, or let it not count: `farthing waive {key}`"
            ),
            Self::TwoSources { key, reason } => write!(f, "{key}: {reason}"),
            Self::Overwritten { key } => write!(f, "{key}: {CONFLICT}"),
            Self::MappingGone { key } => write!(f, "{key}: {RESTATED}"),
            Self::ContentGone { key } => write!(f, "{key}: {OVERWRITTEN}"),
            Self::NotAddedUp { reason } => {
                write!(f, "{reason}. Mend what is said there and restate the range: `farthing restate`")
            }
            Self::Example { problem } => {
                write!(f, "an example beside the prices comes out otherwise: {problem}. Mend the example or the price")
            }
            Self::Unpublished => {
                f.write_str("the customers of the catalogue are not published yet; `correlate` does that")
            }
        }
    }
}

/// What keeps every period open: what an audit found, whether the directory is of this catalogue, and why some slot
/// cannot be added up.
pub fn of_all(catalogue: &Catalogue, audit: &Audit, published: bool, broken: Option<String>) -> Vec<Reason> {
    let mut reasons = of_audit(catalogue, audit);
    reasons.extend((!published).then_some(Reason::Unpublished));
    reasons.extend(broken.map(|reason| Reason::NotAddedUp { reason }));
    reasons
}

/// Examples of the catalogue that come out otherwise than they say: nobody can tell whether they or the prices are wrong.
pub fn of_examples(configuration: &Configuration) -> impl Iterator<Item = Reason> {
    configuration.unlike.iter().map(|problem| Reason::Example { problem: problem.line() })
}

/// Why a period waits by itself: it is not over, or files of it are still awaited.
///
/// # Errors
/// [`PeriodError`].
pub fn not_over(catalogue: &Catalogue, period: &Period, now: Instant) -> Result<Option<Reason>, PeriodError> {
    let grace_hours = i64::from(catalogue.billing.grace_hours);
    let end = period.span()?.until;
    let open = end.plus_hours(grace_hours).is_none_or(|opens| now < opens);
    Ok(open.then(|| Reason::NotOver { period: period.label(), end, grace_hours }))
}

fn of_audit(catalogue: &Catalogue, audit: &Audit) -> Vec<Reason> {
    let uncounted =
        audit.missing.first().map(|first| Reason::Uncounted { count: audit.missing.len(), first: first.clone() });
    uncounted.into_iter().chain(audit.held.iter().map(|(key, reason)| held(catalogue, key, reason))).collect()
}

fn held(catalogue: &Catalogue, key: &str, reason: &str) -> Reason {
    let (key, said) = (key.to_owned(), reason.to_owned());
    match reason {
        CONFLICT => Reason::Overwritten { key },
        RESTATED => Reason::MappingGone { key },
        OVERWRITTEN => Reason::ContentGone { key },
        _ if catalogue.source_for(&key).is_err() => Reason::TwoSources { key, reason: said },
        _ => Reason::Quarantined { key, reason: said },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind; a kind that is added has to be added here, or this does not compile.
    fn all() -> Vec<(Reason, &'static str)> {
        let key = || "a/b.csv".to_owned();
        let all = [
            Reason::NotOver { period: "2026-02".to_owned(), end: Instant(0), grace_hours: 24 },
            Reason::Uncounted { count: 3, first: key() },
            Reason::Quarantined { key: key(), reason: "the gzip data ends".to_owned() },
            Reason::TwoSources {
                key: key(),
                reason: "the sources `a` and `b` match; narrow the `objects` of one".to_owned(),
            },
            Reason::Overwritten { key: key() },
            Reason::MappingGone { key: key() },
            Reason::ContentGone { key: key() },
            Reason::NotAddedUp { reason: "slot s#1: a cell holds samples of two kinds".to_owned() },
            Reason::Example { problem: "plans.yaml:3:5: it is 5.00 USD".to_owned() },
            Reason::Unpublished,
        ];
        let what_to_do = |reason: &Reason| match reason {
            Reason::NotOver { .. } => "awaited for another 24 hours",
            Reason::Uncounted { .. } => "the next sweep asks for them",
            Reason::Quarantined { .. } => "`farthing waive a/b.csv`",
            Reason::TwoSources { .. } => "narrow the `objects`",
            Reason::Overwritten { .. } => "put the first content back",
            Reason::MappingGone { .. } => "restate the range once more",
            Reason::ContentGone { .. } => "put that content back",
            Reason::NotAddedUp { .. } => "`farthing restate`",
            Reason::Example { .. } => "Mend the example or the price",
            Reason::Unpublished => "`correlate` does that",
        };
        all.into_iter()
            .map(|reason| {
                let told = what_to_do(&reason);
                (reason, told)
            })
            .collect()
    }

    #[test]
    fn every_reason_has_a_sentence_of_its_own_that_says_what_to_do() {
        let all = all();
        let kinds: std::collections::BTreeSet<_> =
            all.iter().map(|(reason, _)| format!("{:?}", std::mem::discriminant(reason))).collect();
        assert_eq!(kinds.len(), all.len());
        for (reason, what_to_do) in all {
            let sentence = reason.to_string();
            assert!(sentence.contains(what_to_do), "{sentence}");
            if let Reason::Quarantined { key, .. } | Reason::Overwritten { key } | Reason::MappingGone { key } = reason
            {
                assert!(sentence.starts_with(&key), "{sentence}");
            }
        }
    }
}
