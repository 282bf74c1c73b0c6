//! A compiled source: a mapping that makes sense, ready to translate objects.

use std::sync::Arc;

use metering::stream::{Kind, Negative};
use regex::Regex;

use crate::carry::Carry;
use crate::column::{Header, Slots};
use crate::condition::Condition;
use crate::label::Label;
use crate::lex::Segment;
use crate::moment::When;
use crate::packing::Packing;
use crate::pairs::Pairs;
use crate::pattern::{KeyPattern, Tags};
use crate::quantity::Quantity;
use crate::row::Dialect;
use crate::spec::{Cadence, OnChange};
use crate::split::{Lines, Way, XmlWay};

/// A compiled source. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source {
    pub(crate) inner: Arc<Mapping>,
}

#[derive(Debug)]
pub(crate) struct Mapping {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) objects: KeyPattern,
    pub(crate) format: Format,
    pub(crate) lines: Lines,
    pub(crate) carry: Vec<Carry>,
    /// How many values are carried from record to record.
    pub(crate) carried: usize,
    pub(crate) packing: Packing,
    /// For the files of a bundle that the second and further entries of `members` choose.
    pub(crate) others: Vec<Mapping>,
    pub(crate) absent: Vec<String>,
    pub(crate) fans: Vec<Fan>,
    pub(crate) reject_limit: RejectLimit,
    pub(crate) on_change: OnChange,
    pub(crate) expect: Option<Cadence>,
    pub(crate) replaces: Option<Replaces>,
    /// Whether events carry ids.
    pub(crate) identified: bool,
}

/// Which files take each other's place: the captures in which they agree, and the one that orders them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaces {
    pub(crate) same: Vec<String>,
    pub(crate) latest: Option<String>,
}

/// What a file of a source with `delivery: replace` is the whole of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WholeOf {
    /// Of the files of a source that say the same here one counts, the latest.
    pub group: Vec<String>,
    /// What makes one later than another: greater texts, compared byte by byte, come later. Empty
    /// where the time of arrival (and then the key) decides.
    pub order: String,
}

/// How records are written.
#[derive(Debug)]
pub(crate) enum Format {
    JsonLines,
    JsonArray,
    Json(Way),
    Csv(Csv),
    Text(Text),
    KeyValue(Pairs),
    FixedWidth(FixedWidth),
    Prometheus,
    Xml(XmlWay),
    /// The columns in use.
    Parquet(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct Csv {
    pub(crate) dialect: Dialect,
    pub(crate) heading: Heading,
    /// How many columns a row has, where the mapping says so.
    pub(crate) width: Option<usize>,
    /// Whether rows may have any number of columns.
    pub(crate) ragged: bool,
    /// The columns in use.
    pub(crate) slots: Slots,
    /// Their places, where there is no header to say them.
    pub(crate) declared: Header,
}

/// What names the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heading {
    /// No row does.
    None,
    /// The first row.
    First,
    /// The first row that names all columns in use; what stands before it is no record.
    Found,
    /// Every row that names all columns in use.
    Repeated,
    /// Every row that begins with this text.
    Marked(String),
}

#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) pattern: Regex,
    /// The group of each slot.
    pub(crate) groups: Header,
}

/// Where the columns in use lie.
#[derive(Debug)]
pub(crate) struct FixedWidth {
    /// The first character of each slot, and the one behind its last; none where it goes on to the end.
    pub(crate) places: Vec<(usize, Option<usize>)>,
    pub(crate) header: Header,
}

/// The usages that look at the same parts of a record.
#[derive(Debug)]
pub(crate) struct Fan {
    pub(crate) each: Option<Each>,
    /// How many parts there have to be.
    pub(crate) parts: Option<Quantity>,
    /// Whose they are, which may stand around the parts.
    pub(crate) deployment: Label,
    /// When they were.
    pub(crate) when: When,
    pub(crate) usages: Vec<Usage>,
}

/// The way to the parts of a record.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    pub(crate) written: String,
    pub(crate) way: Leads,
}

#[derive(Clone, Debug)]
pub(crate) enum Leads {
    /// Steps through a tree.
    Steps(Vec<Segment>),
    /// A stretch of columns, by its number; whether the names of its columns are known.
    Columns { stretch: usize, named: bool },
}

impl Each {
    /// Whether parts stand under keys.
    pub(crate) fn is_keyed(&self) -> bool {
        match &self.way {
            Leads::Steps(steps) => {
                let every = |step: &&Segment| matches!(step, Segment::EveryValue | Segment::EveryElement);
                steps.iter().rev().find(every) == Some(&Segment::EveryValue)
            }
            Leads::Columns { named, .. } => *named,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) stream: String,
    pub(crate) kind: Kind,
    pub(crate) scale: u32,
    pub(crate) negative: Negative,
    pub(crate) quantity: Quantity,
    pub(crate) series: Vec<Label>,
    pub(crate) dimensions: Vec<(String, Label)>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) absent: Vec<String>,
    pub(crate) optional: bool,
    /// What tells its events apart; none where the source declares no ids.
    pub(crate) id: Vec<Label>,
    /// How many usages of the same stream come before it: their events share ids.
    pub(crate) nth: usize,
}

/// A share of records as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RejectLimit {
    pub(crate) numerator: u128,
    pub(crate) denominator: u128,
}

impl RejectLimit {
    /// Whether it is above the one in a thousand that holds where nothing is said.
    pub(crate) fn is_raised(&self) -> bool {
        self.numerator.saturating_mul(1000) > self.denominator
    }

    /// How many of `records` may be rejected: the share rounded down, but one, so that a small file
    /// is not held back for a single line; none where the share is nought.
    pub(crate) fn tolerated(&self, records: u64) -> u64 {
        if self.numerator == 0 {
            return 0;
        }
        let share = u128::from(records).saturating_mul(self.numerator).checked_div(self.denominator).unwrap_or(0);
        u64::try_from(share).unwrap_or(u64::MAX).max(1)
    }
}

impl Mapping {
    /// The mapping for the files that an entry of `members` chooses.
    pub(crate) fn of_choice(&self, choice: usize) -> &Self {
        choice.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(self)
    }
}

impl Source {
    /// How the catalogue calls it.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// SHA-256 in hexadecimal of the mapping and of the rules of its streams that it depends on:
    /// equal hashes translate equal bytes into equal tallies.
    pub fn hash(&self) -> &str {
        &self.inner.hash
    }

    /// The literal text that the keys of all of its objects begin with: what to list.
    pub fn prefix(&self) -> &str {
        self.inner.objects.prefix()
    }

    /// What the key says, if it is that of one of its objects. Takes time linear in the key.
    pub fn matches(&self, key: &str) -> Option<Tags> {
        self.inner.objects.matches(key)
    }

    /// How many of the last bytes of an object are worth reading before its first, to be told to
    /// [`Translator::foresee`](crate::Translator::foresee); `None` where its records are read as they come.
    pub fn asks_for_end(&self) -> Option<u64> {
        matches!(self.inner.format, Format::Parquet(_)).then_some(64 << 10)
    }

    /// What another content under a known key means.
    pub fn on_change(&self) -> OnChange {
        self.inner.on_change
    }

    /// What a file with these captures is the whole of, so that it takes the place of earlier files
    /// that say the same; `None` where files add up.
    pub fn whole_of(&self, tags: &Tags) -> Option<WholeOf> {
        let replaces = self.inner.replaces.as_ref()?;
        let text = |tag: &String| tags.get(tag).cloned().unwrap_or_default();
        let order = replaces.latest.as_ref().map_or(String::new(), text);
        Some(WholeOf { group: replaces.same.iter().map(text).collect(), order })
    }

    /// Whether its events carry ids, so that one that is sent again counts once.
    pub fn has_event_ids(&self) -> bool {
        self.inner.identified
    }

    /// Within how many hours of the one before a file of each deployment is expected, where that is said.
    pub fn expected_hours(&self) -> Option<i64> {
        self.inner.expect.map(Cadence::hours)
    }

    /// Whether another content under a known key counts instead of the old one.
    pub fn supersedes(&self) -> bool {
        self.inner.on_change == OnChange::Supersede
    }
}
