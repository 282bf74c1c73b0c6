//! What a supposed customer would pay: of an example beside the prices, or of what `farthing price` is asked.
//!
//! The customer holds what an example says, by the same rules as any other: there is no other way to a price.

use std::collections::BTreeMap;
use std::sync::Arc;

use pricing::{
    Amount, Currency, Decimal, ExampleSpec, Existing, Given, Jurisdiction, Plan, PlanSpec, RatedLine, Scenario,
    SpecError, TaxDays, TaxpayerSpec, Term, Treatment, by_treatment,
};
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::life::{Life, Payer, Piece, Shelf, Version, add_on_term, within, wrong};
use crate::numbers::renumbered;
use crate::party::Seller;
use crate::spec::{Day, SubscriptionSpec};

/// The customer that messages name.
const CUSTOMER: &str = "example";

/// What is priced.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// The latest version of the plan.
    Plan(&'a str),
    /// The component by itself.
    Component(&'a str),
}

/// What a supposed customer would pay.
#[derive(Clone, Debug)]
pub struct Supposed {
    /// What is held, at its list prices.
    pub plan: Arc<Plan>,
    /// As an invoice would have them.
    pub lines: Vec<RatedLine>,
    /// Each treatment with the sum of its lines and the tax on it; none where nothing is said of taxes.
    pub taxes: Option<Vec<(Treatment, Amount, Amount)>>,
}

/// A version of a plan of which an example is.
#[derive(Clone, Copy)]
pub(crate) struct Supposing<'a> {
    pub(crate) shelf: Shelf<'a>,
    pub(crate) seller: &'a Seller,
    pub(crate) taxes: &'a BTreeMap<String, Arc<Jurisdiction>>,
}

impl Catalogue {
    /// What a supposed customer would pay: for what `example` says that is held, and what `given` says that is used. What
    /// the example expects makes no difference.
    ///
    /// # Errors
    /// What is wrong with what is supposed, with paths such as `set.recurring.fee.amount`.
    pub fn suppose(&self, of: Of<'_>, example: &ExampleSpec, given: &Given) -> Result<Supposed, Vec<SpecError>> {
        let Self { components, streams, versions, coupons, seller, taxes, .. } = self;
        let renumber = |version: &Version, plan: &Arc<Plan>, numbers: &BTreeMap<String, Decimal>| {
            renumbered(version, plan, numbers, components, streams)
        };
        let shelf = Shelf { versions, components, streams, coupons, renumber: &renumber, shown: None };
        Supposing { shelf, seller, taxes }.of(of, example, given)
    }
}

impl Supposing<'_> {
    fn of(&self, of: Of<'_>, example: &ExampleSpec, given: &Given) -> Result<Supposed, Vec<SpecError>> {
        match of {
            Of::Plan(name) => {
                let version = self.shelf.versions.get(name).and_then(|versions| versions.last());
                let version = version.ok_or_else(|| vec![wrong("", format!("there is no plan `{name}`"), None)])?;
                self.version(version, example, given)
            }
            Of::Component(name) => self.component(name, example, given),
        }
    }

    /// A component by itself, in a plan of nothing else.
    pub(crate) fn component(
        &self,
        name: &str,
        example: &ExampleSpec,
        given: &Given,
    ) -> Result<Supposed, Vec<SpecError>> {
        if !example.set.is_empty() {
            return Err(vec![wrong(
                "set",
                "a component by itself has no other numbers",
                Some("set them in a plan".to_owned()),
            )]);
        }
        let component = self.shelf.components.get(name);
        let component = component.ok_or_else(|| vec![wrong("", format!("there is no component `{name}`"), None)])?;
        let currency = example.currency.as_deref().map_or(Ok(self.seller.currency), Currency::parse);
        let at_currency = |message: String| wrong("currency", message, None);
        let currency = currency.map_err(|error| vec![at_currency(error.to_string())])?;
        let plan = PlanSpec::of_component(component, currency);
        let plan = Plan::compile(&plan, self.shelf.components, self.shelf.streams);
        let of_currency =
            |found: Vec<SpecError>| found.into_iter().map(|found| at_currency(found.message)).collect::<Vec<_>>();
        let plans = vec![Arc::new(plan.map_err(of_currency)?)];
        let written = Arc::new(Value::Null);
        self.version(&Version { from: None, until: None, existing: Existing::Stay, plans, written }, example, given)
    }

    pub(crate) fn version(
        &self,
        version: &Version,
        example: &ExampleSpec,
        given: &Given,
    ) -> Result<Supposed, Vec<SpecError>> {
        let plan = self.currency(&version.plans, example).map_err(|problem| vec![problem])?;
        let scenario = Scenario::build(given, self.shelf.streams, self.seller.zone)?;
        let held = subscription(&plan.name, scenario.term(), example);
        let payer = Payer { customer: CUSTOMER, currency: plan.currency };
        let agreements =
            self.agreements(Shelf { shown: Some(version), ..self.shelf }, payer, &held, scenario.term())?;
        let lines = scenario.rate_held(&agreements, self.shelf.streams);
        let lines = lines.map_err(|error| vec![wrong("", format!("it cannot be priced: {error}"), None)])?;
        let last = scenario.period.end.pred_opt().unwrap_or(scenario.period.end);
        let days = TaxDays { period_end: last, issue: scenario.period.end };
        let tax = example.tax.as_ref();
        let taxes = tax.map(|tax| self.taxed(tax, &lines, days, plan.currency)).transpose()?;
        Ok(Supposed { plan: Arc::clone(plan), lines, taxes })
    }

    /// What is held, and the plans that are added to it.
    fn agreements(
        &self,
        shelf: Shelf<'_>,
        payer: Payer<'_>,
        held: &SubscriptionSpec,
        term: Term,
    ) -> Result<Vec<Vec<Piece>>, Vec<SpecError>> {
        let mut agreements = vec![Life::read(shelf, payer, held, term)?.pieces()?];
        for (index, written) in held.add_ons.iter().enumerate() {
            let Some(plan) = &written.plan else { continue };
            let of_item = |found| within(&format!("add-ons[{index}]"), found);
            let term = add_on_term(written, term).map_err(|problem| of_item(vec![problem]))?;
            let life = Life::plain(self.shelf, payer, plan, BTreeMap::new(), term);
            agreements.push(life.pieces().map_err(of_item)?);
        }
        Ok(agreements)
    }

    /// The plan in the example's currency: the only one, the seller's, or one that is said.
    fn currency<'p>(&self, plans: &'p [Arc<Plan>], example: &ExampleSpec) -> Result<&'p Arc<Plan>, SpecError> {
        let code = match (&example.currency, plans) {
            (Some(code), _) => code.as_str(),
            (None, [only]) => only.currency.code(),
            (None, _) => self.seller.currency.code(),
        };
        plans.iter().find(|plan| plan.currency.code() == code).ok_or_else(|| {
            let sold = plans.iter().map(|plan| plan.currency.code()).collect::<Vec<_>>().join(", ");
            let name = plans.first().map_or("", |plan| plan.name.as_str());
            wrong("currency", format!("the plan “{name}” is in {sold}, not in {code}"), Some("say which".to_owned()))
        })
    }

    fn taxed(
        &self,
        tax: &TaxpayerSpec,
        lines: &[RatedLine],
        days: TaxDays,
        currency: Currency,
    ) -> Result<Vec<(Treatment, Amount, Amount)>, Vec<SpecError>> {
        let at = |error: &dyn std::fmt::Display| vec![wrong("tax", error.to_string(), None)];
        let taxpayer = tax.compile(self.taxes).map_err(|found| within("tax", found))?;
        let treat = |line: &RatedLine| taxpayer.treatments(line.tax.as_deref(), days).map_err(|error| at(&error));
        let treatments = lines.iter().map(treat).collect::<Result<Vec<_>, _>>()?;
        let amounts = lines.iter().map(|line| line.amount);
        let sums = by_treatment(amounts.zip(treatments.iter().map(Vec::as_slice))).map_err(|error| at(&error))?;
        let tax = |(treatment, base): (Treatment, Amount)| {
            let amount = treatment.amount_of(base, currency.digits()).map_err(|error| at(&error))?;
            Ok((treatment, base, amount))
        };
        sums.into_iter().map(tax).collect()
    }
}

/// The subscription that an example says.
fn subscription(plan: &str, term: Term, example: &ExampleSpec) -> SubscriptionSpec {
    let ExampleSpec { prices, set, quantities, changes, add_ons, coupons, .. } = example.clone();
    let (from, until) = (Day(term.from), term.until.map(Day));
    SubscriptionSpec { plan: plan.to_owned(), from, until, prices, set, quantities, changes, add_ons, coupons }
}
