//! The configuration in force: everything named, resolved and checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::period::PeriodError;
use metering::stream::Stream;
use metering::time::Instant;
use pricing::{ComponentSpec, CouponSpec, Currency, Jurisdiction, Plan};
use usage::{Source, Tags};

use crate::directory::Directory;
use crate::life::Version;
use crate::party::{Billing, Customer, Seller};
use crate::salesforce::Organisation;

/// A sound catalogue. It never changes; share it behind an [`Arc`].
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Identifies what the catalogue says: SHA-256 in lower-case hexadecimal over its canonical form. The names
    /// and number of the files, comments, quotes and aliases, the order of fields, of entries within a section,
    /// and of a customer's deployments and subscriptions make no difference; everything else does.
    pub hash: String,
    /// Who sends the invoices.
    pub seller: Seller,
    /// When periods are closed.
    pub billing: Billing,
    /// Who takes a tax, by name; none where invoices bear no taxes.
    pub taxes: BTreeMap<String, Arc<Jurisdiction>>,
    /// The metered quantities, by name.
    pub streams: BTreeMap<String, Stream>,
    /// The kinds of usage files, by name.
    pub sources: BTreeMap<String, Source>,
    /// What prices a stream or an attribute, by name.
    pub components: BTreeMap<String, ComponentSpec>,
    /// What can be subscribed to, by name: the latest version of each, in the first of its currencies.
    pub plans: BTreeMap<String, Arc<Plan>>,
    /// All versions of the plans, in the order of their days.
    pub versions: BTreeMap<String, Vec<Version>>,
    /// What can be redeemed, by name.
    pub coupons: BTreeMap<String, CouponSpec>,
    /// Where customers are known besides, by name.
    pub salesforce: BTreeMap<String, Organisation>,
    /// Who is billed, by id.
    pub customers: BTreeMap<String, Customer>,
}

/// Two sources claim one object, so that nobody can say how to read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sources `{first}` and `{second}` both match `{key}`; narrow the `objects` of one of them")]
pub struct TwoSources {
    /// The object's key.
    pub key: String,
    /// The first source by name.
    pub first: String,
    /// The second.
    pub second: String,
}

impl Catalogue {
    /// The stream called `name`.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(name)
    }

    /// The plan called `name`, at its list prices.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&Arc<Plan>> {
        self.plans.get(name)
    }

    /// The latest version of the plan called `name` in a currency, if it is sold in it.
    #[must_use]
    pub fn plan_in(&self, name: &str, currency: Currency) -> Option<&Arc<Plan>> {
        self.versions.get(name)?.last()?.plan_in(currency)
    }

    /// The customer with this id.
    #[must_use]
    pub fn customer(&self, id: &str) -> Option<&Customer> {
        self.customers.get(id)
    }

    /// The source that reads the object `key`, with what its pattern captured; none if the key is nobody's.
    ///
    /// # Errors
    /// [`TwoSources`] if more than one source matches.
    pub fn source_for(&self, key: &str) -> Result<Option<(&Source, Tags)>, TwoSources> {
        let mut matching = self.sources.iter().filter_map(|(name, source)| Some((name, source, source.matches(key)?)));
        let Some((first, source, tags)) = matching.next() else { return Ok(None) };
        match matching.next() {
            None => Ok(Some((source, tags))),
            Some((second, ..)) => {
                let (first, second) = (first.clone(), second.clone());
                Err(TwoSources { key: key.to_owned(), first, second })
            }
        }
    }

    /// Who owns which deployment when, as recorded at `recorded_at`.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`]; checked catalogues have none.
    pub fn directory(&self, recorded_at: Instant) -> Result<Directory, PeriodError> {
        Directory::of(&self.customers, recorded_at)
    }
}
