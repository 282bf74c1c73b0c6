//! Columns of flat records: which ones a mapping uses, and where a header puts them.

use crate::error::{Unreadable, listed};
use crate::near::nearest;
use crate::part::Ordinal;

/// The place of a column that the header has not and that the mapping can do without.
pub(crate) const NOWHERE: usize = usize::MAX;

/// The columns that a mapping uses, in the order of their slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    pub(crate) names: Vec<String>,
    /// Slots of which at least one has to be there.
    pub(crate) needed: Vec<Vec<usize>>,
    /// The highest column that is named by number, from 1.
    pub(crate) highest: usize,
    /// The stretches of columns that `each` looks at.
    pub(crate) stretches: Vec<Stretch>,
}

impl Slots {
    pub(crate) fn slot(&mut self, name: &str) -> usize {
        let known = self.names.iter().position(|known| known == name);
        let slot = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.needed.push(vec![slot]);
        slot
    }

    /// Of all that was needed since then one will do, or none.
    pub(crate) fn need_one_since(&mut self, before: usize, none: bool) {
        let since: Vec<usize> = self.needed.drain(before.min(self.needed.len())..).flatten().collect();
        if !none && !since.is_empty() {
            self.needed.push(since);
        }
    }
}

/// Columns that lie side by side, or whose names look alike.
#[derive(Clone, Debug)]
pub(crate) enum Stretch {
    /// From one to another, both included; to the last of the row where none is named.
    Between(Bound, Option<Bound>),
    /// Those whose names begin and end with these texts.
    Named(String, String),
}

/// A column by its number, from 1, or by its name.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    Number(usize),
    Name(String),
}

impl Stretch {
    /// Whether it takes a header to know where it lies.
    pub(crate) fn is_named(&self) -> bool {
        match self {
            Self::Named(..) => true,
            Self::Between(from, to) => matches!(from, Bound::Name(_)) || matches!(to, Some(Bound::Name(_))),
        }
    }

    fn place(&self, names: &[String]) -> Result<Run, Unreadable> {
        let place = |bound: &Bound| match bound {
            Bound::Number(number) => Ok(number.saturating_sub(1)),
            Bound::Name(name) => place(name, names),
        };
        match self {
            Self::Between(from, None) => Ok(Run::From(place(from)?)),
            Self::Between(from, Some(to)) => Ok(Run::Cells((place(from)?..=place(to)?).collect())),
            Self::Named(begin, end) => {
                let like =
                    |name: &str| name.strip_prefix(begin.as_str()).is_some_and(|rest| rest.ends_with(end.as_str()));
                let cells = names.iter().enumerate().filter(|(_, name)| like(name)).map(|(place, _)| place);
                let cells: Vec<usize> = cells.collect();
                if cells.is_empty() {
                    let known = listed(names.iter().map(String::as_str)).unwrap_or_default();
                    return Err(Unreadable::new(format!(
                        "there is no column like `{begin}*{end}`; there are: {known}"
                    )));
                }
                Ok(Run::Cells(cells))
            }
        }
    }
}

/// Where the columns lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    /// The place of each slot.
    pub(crate) columns: Vec<usize>,
    /// The places of each stretch.
    pub(crate) runs: Vec<Run>,
    /// The names of all columns, where they are known.
    pub(crate) names: Vec<String>,
}

/// The places of a stretch.
#[derive(Clone, Debug)]
pub(crate) enum Run {
    Cells(Vec<usize>),
    /// All from here to the end of the row.
    From(usize),
}

/// A column that `each` looks at.
pub(crate) struct Column {
    /// Its place in the row, from 0.
    pub(crate) number: usize,
    /// Its place in its stretch.
    pub(crate) ordinal: Ordinal,
}

impl Header {
    /// Finds the columns in use among the names of a header.
    ///
    /// # Errors
    /// [`Unreadable`] where one that is needed is missing or there twice.
    pub(crate) fn find(slots: &Slots, names: Vec<String>) -> Result<Self, Unreadable> {
        let has = |slot: &usize| slots.names.get(*slot).is_some_and(|name| names.contains(name));
        if let Some(any) = slots.needed.iter().find(|any| !any.iter().any(has)) {
            let wanted = any.iter().filter_map(|slot| slots.names.get(*slot));
            return Err(missing(wanted.map(String::as_str).collect::<Vec<_>>().as_slice(), &names));
        }
        let column = |name: &String| if names.contains(name) { place(name, &names) } else { Ok(NOWHERE) };
        let columns = slots.names.iter().map(column).collect::<Result<_, _>>()?;
        let runs = slots.stretches.iter().map(|stretch| stretch.place(&names)).collect::<Result<_, _>>()?;
        Ok(Self { columns, runs, names })
    }

    /// The name of a column.
    pub(crate) fn name(&self, column: usize) -> Option<&str> {
        self.names.get(column).map(String::as_str)
    }
}

fn place(name: &str, names: &[String]) -> Result<usize, Unreadable> {
    let mut places = names.iter().enumerate().filter(|(_, column)| *column == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => {
            Err(Unreadable::new(format!("the header names the column `{name}` twice: which one counts is not known")))
        }
        (None, _) => Err(missing(&[name], names)),
    }
}

fn missing(wanted: &[&str], names: &[String]) -> Unreadable {
    let known = || names.iter().map(String::as_str);
    let hint = match wanted.iter().find_map(|name| nearest(name, known())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", listed(known()).unwrap_or_default()),
    };
    let wanted = wanted.join("` or `");
    Unreadable::new(format!("the header has no column `{wanted}`, which the mapping uses; {hint}"))
}
