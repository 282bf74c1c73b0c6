//! Coupons: what is taken off, for how long, and that their plans exist.

use std::collections::BTreeMap;

use pricing::{CouponSpec, Money};

use super::Findings;
use crate::load::{Entry, Sections};
use crate::near;

/// The coupons by name. What they take off is checked against each plan that they are redeemed on.
pub(super) fn check(sections: &Sections, findings: &mut Findings) -> BTreeMap<String, CouponSpec> {
    let declared = sections.names("plans");
    let mut sound = BTreeMap::new();
    for Entry { spec, place } in &sections.coupons {
        for (index, plan) in spec.plans.iter().flatten().enumerate() {
            if !declared.contains(&plan.as_str()) {
                let hint = near::hint(plan, "plans", declared.iter().copied());
                findings.error(place, &format!("plans[{index}]"), format!("there is no plan `{plan}`"), hint);
            }
        }
        if spec.percent.is_some() == spec.amount.is_some() {
            let message = "a coupon has either `percent` or `amount`".to_owned();
            findings.error(place, "percent", message, None);
        }
        if matches!(spec.amount, Some(Money::One(_))) != spec.currency.is_some() {
            let hint =
                "write `amount: 10.00, currency: USD`, or `amount: {USD: 10.00, EUR: 9.00}`; a `percent` has none"
                    .to_owned();
            findings.error(place, "currency", "a coupon names the currency of its amount".to_owned(), Some(hint));
        }
        if spec.per_customer == Some(0) {
            findings.error(place, "per-customer", "nobody could redeem it".to_owned(), None);
        }
        sound.entry(spec.name.clone()).or_insert_with(|| spec.clone());
    }
    sound
}
