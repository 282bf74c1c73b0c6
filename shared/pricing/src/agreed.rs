//! A plan as it is agreed with one customer for some days: how many of what, a trial, what is added or taken off.

use std::collections::{BTreeMap, BTreeSet};

use metering::exact::Exact;
use metering::stream::Stream;

use crate::around::{Discount, Off};
use crate::compile;
use crate::decimal::Decimal;
use crate::offer::TrialUsage;
use crate::plan::Plan;
use crate::price::Price;
use crate::price_list::Sold;
use crate::spec::{ComponentSpec, SpecError};

impl Plan {
    /// The plan with the number of everything that its fees are charged for each of.
    ///
    /// # Errors
    /// A number that the plan does not ask for, one that is missing, one that is negative; with paths such as
    /// `quantities.seats`.
    pub fn with_quantities(&self, quantities: &BTreeMap<String, Decimal>) -> Result<Self, Vec<SpecError>> {
        let (mut plan, mut problems) = (self.clone(), Vec::new());
        let asked: BTreeSet<String> =
            self.fees.iter().filter_map(|fee| Some(fee.per.as_ref()?.name.to_string())).collect();
        for (name, quantity) in quantities {
            let path = format!("quantities.{name}");
            if !asked.contains(name) {
                let message = format!("no fee of the plan “{}” is charged per “{name}”", self.name);
                problems.push(compile::hint_near(SpecError::new(&path, message), name, &asked));
            } else if quantity.value().is_negative() {
                problems.push(SpecError::new(&path, format!("{quantity} is negative")));
            }
        }
        for name in asked.iter().filter(|name| !quantities.contains_key(*name)) {
            let message =
                format!("the plan “{}” has a fee per “{name}”, and nothing says how many there are", self.name);
            problems.push(SpecError::new("quantities", message).hint(format!("write `quantities: {{{name}: 1}}`")));
        }
        for per in plan.fees.iter_mut().filter_map(|fee| fee.per.as_mut()) {
            per.quantity = quantities.get(&*per.name).map(Decimal::value);
        }
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }

    /// The plan with one more component.
    ///
    /// # Errors
    /// A component that the plan has already, or that does not fit its currency.
    pub fn with_component(
        &self,
        component: &ComponentSpec,
        streams: &BTreeMap<String, Stream>,
    ) -> Result<Self, Vec<SpecError>> {
        if self.components.iter().any(|own| *own.name == *component.name) {
            let message = format!("the plan “{}” has the component “{}” already", self.name, component.name);
            return Err(vec![SpecError::new("component", message)]);
        }
        let mut plan = self.clone();
        let sold = Sold { currency: self.currency, all: &self.currencies };
        plan.components.push(component.sold(streams, sold)?);
        Ok(plan)
    }

    /// The plan with discounts after its own.
    #[must_use]
    pub fn with_discounts(&self, discounts: impl IntoIterator<Item = Discount>) -> Self {
        let mut plan = self.clone();
        plan.around.discounts.extend(discounts);
        plan
    }

    /// The plan during a trial: its recurring fees are free, fees that are charged once wait until the trial is over,
    /// and there is no commitment and no minimum. What attributes cost is free, and usage where it says so.
    #[must_use]
    pub fn in_trial(&self, title: &str, usage: TrialUsage) -> Self {
        let free = |price: &Price| usage == TrialUsage::Free || matches!(price, Price::ByAttribute(_));
        let components = self.components.iter().filter(|component| free(&component.price));
        let components: BTreeSet<String> = components.map(|component| component.name.to_string()).collect();
        let mut plan = Self { trial: true, ..self.clone() };
        (plan.around.commitment, plan.around.minimum) = (None, None);
        if !components.is_empty() {
            let off = Discount {
                key: format!("{}/{}", self.name, compile::slug(title)),
                title: title.to_owned(),
                off: Off::Percent(Exact::integer(100)),
                components: Some(components),
                from: None,
                until: None,
            };
            plan.around.discounts.push(off);
        }
        plan
    }
}
