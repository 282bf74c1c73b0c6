//! Months that were closed before: whose usage turned out to be an account's only later has no invoice for them yet,
//! and gets it by itself.

use std::collections::{BTreeMap, BTreeSet};

use catalog::Customer;
use chrono_tz::Tz;
use metering::period::Period;

use super::{HORIZON_MONTHS, Options, Outcome, Run};
use crate::error::LedgerError;
use crate::ownership::owns_usage;
use crate::ports::Ports;

/// Which months each account was invoiced for.
pub(super) type Invoiced = BTreeMap<String, BTreeSet<String>>;

/// The months before `month`, as far back as the horizon, that somebody was invoiced for.
fn closed(invoiced: &Invoiced, month: &str) -> Result<BTreeSet<String>, LedgerError> {
    let oldest = Period::parse_month(month, Tz::UTC)?.month_after(HORIZON_MONTHS.saturating_neg())?.label();
    let all = invoiced.values().flatten();
    Ok(all.filter(|label| oldest.as_str() <= label.as_str() && label.as_str() < month).cloned().collect())
}

impl<P: Ports> Run<'_, P> {
    /// What came of closed months for accounts that own usage of them and have no invoice, oldest month first. Fees
    /// alone are no reason: whoever only holds a plan since then may have been billed for it elsewhere.
    pub(super) async fn late(&self, invoiced: &Invoiced) -> Result<BTreeMap<(String, String), Outcome>, LedgerError> {
        let mut outcomes = BTreeMap::new();
        for month in closed(invoiced, &self.options.month)? {
            let options = Options { month: month.clone(), ..self.options.clone() };
            let run = Run { options: &options, blocked: self.blocked.clone(), ..*self };
            for customer in self.catalogue.customers.values() {
                let has = invoiced.get(&customer.id).is_some_and(|months| months.contains(&month));
                if has || !run.owns_usage(customer)? {
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

    fn owns_usage(&self, customer: &Customer) -> Result<bool, LedgerError> {
        let period = Period::parse_month(&self.options.month, customer.zone)?;
        Ok(owns_usage(&self.counted.cells, self.directory, &customer.id, period.span()?))
    }
}
