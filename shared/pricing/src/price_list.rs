//! Amounts and prices in several currencies. The currency in which a customer pays decides which of them holds;
//! nothing is ever converted, and what has no amount in a currency cannot be charged in it.

use std::collections::BTreeMap;
use std::fmt;

use metering::exact::Exact;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::compile;
use crate::decimal::Decimal;
use crate::money::{Amount, Currency};
use crate::price_spec::{PriceSpec, Texts};
use crate::spec::{ComponentSpec, PlanComponentSpec, SpecError};

/// An amount as it is written: in the plan's only currency, or in each of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Money {
    /// In the only currency there is.
    One(Decimal),
    /// `{USD: 500.00, EUR: 460.00}`.
    In(BTreeMap<Currency, Decimal>),
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MoneyVisitor)
    }
}

struct MoneyVisitor;

impl<'de> Visitor<'de> for MoneyVisitor {
    type Value = Money;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number such as 50 or 0.0004, or one for each currency such as {USD: 50.00, EUR: 46.00}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
        text.parse().map(Money::One).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Money, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Money, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Money, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Money::In)
    }
}

/// What is written of the price of a component: one, or one for each currency.
#[derive(Clone, Copy, Debug)]
pub struct Prices<'a> {
    one: Option<&'a PriceSpec>,
    by: &'a BTreeMap<Currency, PriceSpec>,
}

impl ComponentSpec {
    /// Its own prices.
    #[must_use]
    pub fn prices(&self) -> Prices<'_> {
        Prices { one: self.price.as_ref(), by: &self.prices }
    }
}

impl PlanComponentSpec {
    /// The prices of this plan; the component's where there are none.
    #[must_use]
    pub fn prices(&self) -> Option<Prices<'_>> {
        let prices = Prices { one: self.price.as_ref(), by: &self.prices };
        prices.each().next().is_some().then_some(prices)
    }
}

impl<'a> Prices<'a> {
    /// Every price, with the field in which it stands, and its currency if that is said there.
    pub fn each(self) -> impl Iterator<Item = (String, Option<Currency>, &'a PriceSpec)> {
        let one = self.one.map(|price| ("price".to_owned(), None, price));
        one.into_iter()
            .chain(self.by.iter().map(|(currency, price)| (format!("prices.{currency}"), Some(*currency), price)))
    }

    /// One price, or one by currency.
    pub(crate) fn check(self) -> Option<SpecError> {
        match (self.one, self.by.is_empty()) {
            (Some(_), true) | (None, false) => None,
            (None, true) => {
                let problem = SpecError::new("price", "the component has no price");
                Some(problem.hint("write `price: {…}`, or `prices: {USD: {…}, EUR: {…}}` for several currencies"))
            }
            (Some(_), false) => {
                let problem = SpecError::new("prices", "there is a `price` already, whatever the currency");
                Some(problem.hint("move it into `prices` under its currency"))
            }
        }
    }

    /// The currencies in which there are prices, in words.
    fn known(self) -> String {
        listed(self.by.keys().copied())
    }
}

/// `EUR, USD`
pub(crate) fn listed(currencies: impl IntoIterator<Item = Currency>) -> String {
    currencies.into_iter().map(Currency::code).collect::<Vec<_>>().join(", ")
}

/// One of the currencies in which a plan is sold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sold<'a> {
    pub(crate) currency: Currency,
    /// All of them.
    pub(crate) all: &'a [Currency],
}

impl Sold<'_> {
    /// The amount in this currency: not negative, with no more digits than it has.
    pub(crate) fn amount(self, path: &str, money: &Money) -> Result<Amount, SpecError> {
        compile::amount(path, self.decimal(path, money)?, self.currency)
    }

    fn decimal(self, path: &str, money: &Money) -> Result<Decimal, SpecError> {
        match money {
            // Nothing is the same in every currency.
            Money::One(amount) if self.all.len() < 2 || amount.value() == Exact::ZERO => Ok(*amount),
            Money::One(amount) => {
                let message = format!("{amount} has no currency, and the plan is sold in {}", self.sold());
                Err(SpecError::new(path, message).hint(format!("write an amount for each: `{}`", self.example(amount))))
            }
            Money::In(amounts) => {
                if let Some(other) = amounts.keys().find(|currency| !self.all.contains(currency)) {
                    let message = format!("the plan is not sold in {other}");
                    let hint = format!("add {other} to the plan's `currency`, or remove the amount");
                    return Err(SpecError::new(format!("{path}.{other}"), message).hint(hint));
                }
                amounts.get(&self.currency).copied().ok_or_else(|| {
                    let given = listed(amounts.keys().copied());
                    let given = if given.is_empty() { "none at all".to_owned() } else { format!("given are {given}") };
                    let message = format!("there is no amount in {}: {given}", self.currency);
                    SpecError::new(path, message).hint(format!("add `{}: …`: nothing is converted", self.currency))
                })
            }
        }
    }

    /// The price of a component in this currency, and the field in which it stands.
    pub(crate) fn price<'p>(self, component: &str, prices: Prices<'p>) -> Result<(String, &'p PriceSpec), SpecError> {
        if let Some(problem) = prices.check() {
            return Err(problem);
        }
        match prices.one {
            Some(price) if self.all.len() < 2 => Ok(("price".to_owned(), price)),
            Some(_) => {
                let message =
                    format!("“{component}” has one price for all currencies, and the plan is sold in {}", self.sold());
                let hint = self.all.iter().map(|currency| format!("{currency}: {{…}}")).collect::<Vec<_>>().join(", ");
                Err(SpecError::new("price", message).hint(format!("write `prices: {{{hint}}}`")))
            }
            None => prices.by.get(&self.currency).map(|price| (format!("prices.{}", self.currency), price)).ok_or_else(
                || {
                    let (currency, known) = (self.currency, prices.known());
                    let message = format!("“{component}” has no price in {currency}, only in {known}");
                    let hint = format!("add `{currency}: {{…}}` to its `prices`: nothing is converted");
                    SpecError::new("prices", message).hint(hint)
                },
            ),
        }
    }

    fn sold(self) -> String {
        listed(self.all.iter().copied())
    }

    fn example(self, amount: &Decimal) -> String {
        let rest = self.all.iter().skip(1).map(|currency| format!(", {currency}: …")).collect::<String>();
        let first = self.all.first().map_or_else(String::new, |currency| format!("{currency}: {amount}"));
        format!("{{{first}{rest}}}")
    }
}

/// The currencies in which a plan is sold, in the order written.
pub(crate) fn currencies(Texts(written): &Texts, problems: &mut Vec<SpecError>) -> Vec<Currency> {
    let mut all = Vec::new();
    if written.is_empty() {
        problems.push(SpecError::new("currency", "the plan has no currency").hint("write such as `currency: USD`"));
    }
    for code in written {
        match compile::currency(code) {
            Ok(currency) if all.contains(&currency) => {
                problems.push(SpecError::new("currency", format!("{currency} is given twice")));
            }
            Ok(currency) => all.push(currency),
            Err(problem) => problems.push(problem),
        }
    }
    all
}
