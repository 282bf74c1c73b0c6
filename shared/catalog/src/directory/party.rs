//! Accounts as a customer directory knows them, and how they become customers of the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use pricing::{Currency, Decimal, PriceSpec, Term};
use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::check::taxes;
use crate::life::{Life, Payer, Piece, Shelf};
use crate::numbers::renumbered;
use crate::party::{Customer, Subscription};

/// A plan that an account holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// The plan's name in the catalogue.
    pub plan: String,
    /// The first day.
    pub from: NaiveDate,
    /// The first day that no longer counts.
    pub until: Option<NaiveDate>,
    /// Prices per unit that were agreed with this account, by component.
    #[serde(default)]
    pub prices: BTreeMap<String, String>,
    /// Numbers that were agreed with this account, by their paths in the plan.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// How many there are of what fees are charged for each of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quantities: BTreeMap<String, String>,
    /// Where it is written.
    pub source: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The customer's id: the source's name and the record's id, as in `crm-001…`.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Who pays, where that is another account.
    pub bill_to: Option<String>,
    /// The address of who pays, line by line.
    pub address: Vec<String>,
    /// Where its deployments are, line by line.
    pub ship_to: Vec<String>,
    /// Labelled numbers.
    pub ids: BTreeMap<String, String>,
    /// What prices look at.
    pub attributes: BTreeMap<String, String>,
    /// The seller's if there is none.
    pub currency: Option<String>,
    /// The billing zone.
    pub zone: String,
    /// The accounts above it, nearest first.
    pub parents: Vec<String>,
    /// The account that it was merged into.
    pub merged_into: Option<String>,
    /// What it holds.
    pub subscriptions: Vec<Holding>,
    /// What was strange about it, a sentence each.
    pub notes: Vec<String>,
}

/// An account that cannot be billed as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbillable {
    /// The account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Catalogue {
    /// The catalogue with the directory's accounts among its customers, and those that it does not fit: their usage is
    /// held until they are mended, and keeps nobody else waiting.
    #[must_use]
    pub fn joined(&self, parties: &[Party]) -> (Self, Vec<Unbillable>) {
        let (mut whole, mut unbillable) = (self.clone(), Vec::new());
        for party in parties {
            let known = whole.customers.contains_key(&party.account);
            let customer = if known {
                Err("the catalogue has a customer of this id too".to_owned())
            } else {
                self.customer_of(party)
            };
            match customer {
                Ok(customer) => drop(whole.customers.insert(party.account.clone(), customer)),
                Err(reason) => {
                    unbillable.push(Unbillable { account: party.account.clone(), name: party.name.clone(), reason });
                }
            }
        }
        (whole, unbillable)
    }

    fn customer_of(&self, party: &Party) -> Result<Customer, String> {
        let currency = match &party.currency {
            Some(code) => Currency::parse(code).map_err(|error| error.to_string())?,
            None => self.seller.currency,
        };
        let zone: Tz = party.zone.parse().map_err(|_| format!("there is no time zone `{}`", party.zone))?;
        let mut subscriptions = Vec::new();
        for holding in &party.subscriptions {
            let agreement = subscriptions.len();
            subscriptions.extend(self.held(party, holding, currency, agreement)?);
        }
        let tax = taxes::of_attributes(&party.attributes, &self.taxes)?;
        for (tax, held) in tax.iter().flat_map(|tax| subscriptions.iter().map(move |held| (tax, held))) {
            tax.check(&held.plan).map_err(|error| format!("the plan `{}`: {error}", held.plan.name))?;
        }
        Ok(Customer {
            id: party.account.clone(),
            name: party.name.clone(),
            address: party.address.clone(),
            ids: party.ids.clone(),
            zone,
            currency,
            attributes: party.attributes.clone(),
            deployments: Vec::new(),
            subscriptions,
            credits: Vec::new(),
            tax,
        })
    }

    /// The stretches of a holding: several where its plan has versions to which subscriptions move.
    fn held(
        &self,
        party: &Party,
        holding: &Holding,
        currency: Currency,
        agreement: usize,
    ) -> Result<Vec<Subscription>, String> {
        let name = &holding.plan;
        let versions = self
            .versions
            .get(name)
            .ok_or_else(|| format!("{} holds `{name}`, which is no plan of the catalogue", holding.source))?;
        if let Some(version) = versions.last().filter(|version| version.plan_in(currency).is_none()) {
            return Err(format!("it pays in {currency}, and the plan `{name}` is in {}", version.currencies()));
        }
        if holding.until.is_some_and(|until| until <= holding.from) {
            return Err(format!("{} ends before it begins", holding.source));
        }
        let term = Term { from: holding.from, until: holding.until };
        let earlier = party.subscriptions.iter().take_while(|other| *other != holding);
        let overlaps = |other: &Holding| {
            other.plan == *name
                && other.until.is_none_or(|until| holding.from < until)
                && holding.until.is_none_or(|until| other.from < until)
        };
        if let Some(other) = earlier.into_iter().find(|other| overlaps(other)) {
            return Err(format!("it holds `{name}` twice on the same days: {} and {}", other.source, holding.source));
        }
        let prices = holding.prices.iter().map(|(component, amount)| {
            let price: Result<PriceSpec, _> = serde_json::from_value(serde_json::json!({ "per-unit": amount }));
            price
                .map(|price| (component.clone(), price))
                .map_err(|error| format!("the price of `{component}`: {error}"))
        });
        let prices = prices.collect::<Result<BTreeMap<_, _>, _>>()?;
        let shelf = Shelf {
            versions: &self.versions,
            components: &self.components,
            streams: &self.streams,
            coupons: &self.coupons,
            renumber: &|version, plan, numbers| renumbered(version, plan, numbers, &self.components, &self.streams),
            shown: None,
        };
        let (set, quantities) = (numbers(holding, &holding.set)?, self.counted(holding)?);
        let payer = Payer { customer: &party.account, currency };
        let life = Life::plain(shelf, payer, name, prices, term).agreed(set, quantities);
        let pieces = life.pieces().map_err(|errors| {
            errors.first().map_or_else(String::new, |error| format!("{}: {}", holding.source, error.message))
        })?;
        let source: Arc<str> = holding.source.as_str().into();
        let of_piece = |(piece, plan): Piece| Subscription {
            agreement,
            plan,
            term: piece,
            begun: term.from,
            ends: term.until,
            ended: None,
            source: Some(Arc::clone(&source)),
        };
        Ok(pieces.into_iter().map(of_piece).collect())
    }

    /// How many there are of what the plan's fees are charged for each of. One of something that no fee asks for is the
    /// subscription itself; more of it would be charged once only, which nobody has said.
    fn counted(&self, holding: &Holding) -> Result<BTreeMap<String, Decimal>, String> {
        let versions = self.versions.get(&holding.plan).into_iter().flatten();
        let fees = versions.flat_map(|version| &version.plans).flat_map(|plan| &plan.fees);
        let asked: BTreeSet<&str> = fees.filter_map(|fee| Some(&*fee.per.as_ref()?.name)).collect();
        let beyond = holding.quantities.iter().find(|(name, number)| !asked.contains(name.as_str()) && *number != "1");
        if let Some((name, number)) = beyond {
            let (source, plan) = (&holding.source, &holding.plan);
            return Err(format!(
                "{source} says {number} of `{name}`, and no fee of the plan `{plan}` is charged for each of them: write \
                 `per: {name}` at the fee, or map the field to what the fee is charged for"
            ));
        }
        let counted = holding.quantities.iter().filter(|(name, _)| asked.contains(name.as_str()));
        numbers(holding, &counted.map(|(name, number)| (name.clone(), number.clone())).collect())
    }
}

fn numbers(holding: &Holding, written: &BTreeMap<String, String>) -> Result<BTreeMap<String, Decimal>, String> {
    let read = |(name, text): (&String, &String)| {
        let number = text.parse().map_err(|_| format!("{}: `{text}` for `{name}` is no number", holding.source));
        number.map(|number| (name.clone(), number))
    };
    written.iter().map(read).collect()
}
