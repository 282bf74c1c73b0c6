//! Months that were closed before: who turns out only later to have had something in them has no invoice for them yet,
//! and gets it by itself.

use std::collections::{BTreeMap, BTreeSet};

use catalog::Customer;
use metering::period::Period;
use metering::time::Instant;
use pricing::Amount;

use super::horizon::before;
use super::{Options, Outcome, Run};
use crate::document::held_in;
use crate::error::LedgerError;
use crate::ownership::{deployments, owns_usage};
use crate::ports::Ports;

/// Which months each account was invoiced for.
pub(super) type Invoiced = BTreeMap<String, BTreeSet<String>>;

impl<P: Ports> Run<'_, P> {
    /// What came of closed months for accounts that have no invoice for them: because they own usage of them, or
    /// because a record that came late says that they held a plan. Oldest month first.
    pub(super) async fn late(&self, invoiced: &Invoiced) -> Result<BTreeMap<(String, String), Outcome>, LedgerError> {
        let since = self.since();
        let mut outcomes = BTreeMap::new();
        for month in before(&self.options.month)? {
            let options = Options { month: month.clone(), ..self.options.clone() };
            let run = Run { options: &options, blocked: self.blocked.clone(), ..*self };
            let closed = invoiced.values().any(|months| months.contains(&month));
            for customer in self.catalogue.customers.values() {
                let has = invoiced.get(&customer.id).is_some_and(|months| months.contains(&month));
                let since = since.get(customer.id.as_str()).copied();
                if has || !(closed && run.owns_usage(customer).await? || run.owes_fees(customer, since).await?) {
                    continue;
                }
                match run.account(customer).await? {
                    // Told with the month that is being closed: the reasons are the same.
                    None | Some(Outcome::Waiting(_)) => {}
                    Some(outcome) => drop(outcomes.insert((month.clone(), customer.id.clone()), outcome)),
                }
            }
        }
        Ok(outcomes)
    }

    /// Since when the organisation of each account has been read. The catalogue's own customers have none.
    fn since(&self) -> BTreeMap<&str, Instant> {
        let known = |account: &str| {
            let (organisation, _) = account.rsplit_once('-')?;
            self.organisations.get(organisation).copied()
        };
        let parties = self.directory.parties().iter().map(|party| party.account.as_str());
        parties.filter_map(|account| Some((account, known(account)?))).collect()
    }

    async fn owns_usage(&self, customer: &Customer) -> Result<bool, LedgerError> {
        let span = Period::parse_month(&self.options.month, customer.zone)?.span()?;
        let deployments = deployments(self.directory, &customer.id);
        let cells = self.counted.usage.of(self.ports, deployments, span).await?;
        Ok(owns_usage(&cells, self.directory, &customer.id, span))
    }

    /// Whether an account without usage would be charged something for a month in which its organisation was read
    /// already. Months that ended before were billed by other means: nobody is charged for them again.
    async fn owes_fees(&self, customer: &Customer, since: Option<Instant>) -> Result<bool, LedgerError> {
        let period = Period::parse_month(&self.options.month, customer.zone)?;
        let until = period.span()?.until;
        if since.is_none_or(|since| until <= since) || held_in(customer, &period).next().is_none() {
            return Ok(false);
        }
        let past = self.past(customer).await?;
        match self.charges(customer, &period, &past).await {
            // Told where it is priced.
            Err(LedgerError::Billing { .. } | LedgerError::Measure(_)) => Ok(true),
            charged => Ok(charged?.settled.lines.iter().any(|line| line.amount != Amount::ZERO)),
        }
    }
}
