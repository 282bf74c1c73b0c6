//! A price by an attribute of the customer.

use crate::compile::{Keep, amount};
use crate::decimal::Decimal;
use crate::money::Currency;
use crate::price::ByAttribute;
use crate::price::Meter;
use crate::price_spec::PriceSpec;
use crate::spec::SpecError;

/// Everything that is wrong whatever the currency.
pub(super) fn check(spec: &PriceSpec, attribute: &str, meter: Option<&Meter>, keep: &mut Keep) {
    if attribute.is_empty() {
        keep.error("by-attribute", "the attribute has no name");
    }
    if let Some(meter) = meter {
        let message = format!("a price by attribute counts no stream, but the component names “{}”", meter.stream);
        keep.hinted("by-attribute", message, "remove `stream` from the component");
    }
    for (value, amount) in spec.amounts.iter().flatten() {
        keep.not_negative(&amount_path(value), Some(*amount));
    }
    if spec.amounts.as_ref().is_none_or(|amounts| amounts.is_empty()) {
        let hint = "write one per value, such as `amounts: {gold: 100.00}`";
        keep.hinted("amounts", "no value of the attribute has an amount", hint);
    }
}

pub(super) fn compile(spec: &PriceSpec, attribute: &str, currency: Currency) -> Result<ByAttribute, Vec<SpecError>> {
    let mut keep = Keep::default();
    let mut read = |(value, decimal): (&String, &Decimal)| match amount(&amount_path(value), *decimal, currency) {
        Ok(amount) => Some((value.clone(), amount)),
        Err(problem) => {
            keep.problems.push(problem);
            None
        }
    };
    let amounts = spec.amounts.iter().flatten().filter_map(&mut read).collect();
    let (otherwise, prorate) = (spec.otherwise.unwrap_or_default(), spec.prorate.unwrap_or_default());
    keep.done(Some(ByAttribute { attribute: attribute.to_owned(), amounts, otherwise, prorate }))
}

fn amount_path(value: &str) -> String {
    format!("amounts.{value}")
}
