//! What earlier months drew on commitments and credits: read off their lines, never counted up.

use std::collections::BTreeMap;

use metering::exact::{Exact, ExactError};

use crate::credit::credit_of;
use crate::line::{RatedKind, RatedLine};
use crate::money::{Amount, MoneyError};

/// What was drawn, by the key of the line and the month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(BTreeMap<(String, String), Drawn>);

/// Nothing drawn.
pub(crate) static NOTHING: History = History(BTreeMap::new());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drawn {
    /// What a month spent towards a commitment.
    spent: Exact,
    /// What the lines charged, negative for credits.
    charged: Amount,
}

impl History {
    /// Takes note of what the lines of a month draw.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`].
    pub fn record(&mut self, lines: &[RatedLine]) -> Result<(), ExactError> {
        for line in lines.iter().filter(|line| matches!(line.kind, RatedKind::Commitment | RatedKind::Credit)) {
            self.add(&line.component, &line.period, line.quantity.unwrap_or(Exact::ZERO), line.amount)?;
        }
        Ok(())
    }

    /// Takes note of what an issued invoice charged under a key for a month that is not priced again.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`].
    pub fn charged(&mut self, key: &str, month: &str, amount: Amount) -> Result<(), ExactError> {
        self.add(key, month, Exact::ZERO, amount)
    }

    fn add(&mut self, component: &str, month: &str, spent: Exact, charged: Amount) -> Result<(), ExactError> {
        let key = credit_of(component).unwrap_or(component);
        let nothing = Drawn { spent: Exact::ZERO, charged: Amount::ZERO };
        let drawn = self.0.entry((key.to_owned(), month.to_owned())).or_insert(nothing);
        drawn.spent = drawn.spent.add(&spent)?;
        drawn.charged = drawn.charged.add(charged).map_err(|_| ExactError::TooLarge)?;
        Ok(())
    }

    /// What the months `[from, until]` spent towards a commitment.
    pub(crate) fn spent(&self, key: &str, from: &str, until: &str) -> Result<Exact, ExactError> {
        Exact::sum(self.months(key, from, until).map(|drawn| &drawn.spent))
    }

    /// What the months `[from, until]` were charged under a key.
    pub(crate) fn amount(&self, key: &str, from: &str, until: &str) -> Result<Amount, MoneyError> {
        Amount::sum(self.months(key, from, until).map(|drawn| drawn.charged))
    }

    fn months<'a>(&'a self, key: &str, from: &str, until: &str) -> impl Iterator<Item = &'a Drawn> {
        let bound = |month: &str| (key.to_owned(), month.to_owned());
        let empty = from > until;
        self.0
            .range(bound(from)..=bound(if empty { from } else { until }))
            .filter(move |_| !empty)
            .map(|(_, drawn)| drawn)
    }
}
