//! Tiers: in order, without gaps, each of them reachable.

use metering::exact::Exact;

use crate::compile::Keep;
use crate::compile::model::share;
use crate::compile::price::limits;
use crate::price::{Bound, Tier, Tiers, UnitPrice};
use crate::price_spec::{Beyond, PriceSpec, TierSpec};
use crate::spec::SpecError;

/// Reads the tiers of `field`; problems have paths such as `graduated[1].up-to`.
pub(super) fn compile(field: &str, spec: &PriceSpec, tiers: &[TierSpec], keep: &mut Keep) -> Option<Tiers> {
    if tiers.is_empty() {
        keep.hinted(
            field,
            "there are no tiers",
            "write them in order: `[{up-to: 100, per-unit: 1.00}, {per-unit: 0.80}]`",
        );
        return None;
    }
    let mut compiled = Vec::new();
    for (index, tier) in tiers.iter().enumerate() {
        compiled.extend(keep.inside(&format!("{field}[{index}]"), one(spec, tier)));
    }
    if compiled.len() < tiers.len() {
        return None;
    }
    bounds(field, spec, &compiled, keep);
    let (beyond, zero) = (spec.beyond.unwrap_or_default(), spec.zero_usage.unwrap_or_default());
    Some(Tiers { tiers: compiled, beyond, zero })
}

fn one(spec: &PriceSpec, tier: &TierSpec) -> Result<Tier, Vec<SpecError>> {
    let mut keep = Keep::default();
    let price = match (tier.per_unit, tier.percent) {
        (Some(_), Some(_)) => {
            keep.error("percent", "a tier is either `per-unit` or `percent`, not both");
            None
        }
        (None, Some(percent)) => Some(share("percent", percent, &mut keep)),
        (Some(_), None) => Some(UnitPrice {
            price: keep.not_negative("per-unit", tier.per_unit),
            size: keep.positive("unit-size", tier.unit_size.or(spec.unit_size)),
            packages: spec.packages.unwrap_or_default(),
            share: None,
        }),
        (None, None) => None,
    };
    if tier.per_unit.is_none() && tier.percent.is_none() && tier.flat.is_none() {
        keep.hinted(
            "per-unit",
            "the tier has no price",
            "write `per-unit`, `percent` or `flat`; `per-unit: 0` is free",
        );
    }
    if tier.unit_size.is_some() && tier.per_unit.is_none() {
        keep.error("unit-size", "`unit-size` belongs to `per-unit`");
    }
    let tier = Tier {
        bound: bound(tier, &mut keep),
        price,
        flat: keep.not_negative("flat", tier.flat),
        limits: limits(&mut keep, ("minimum", tier.minimum), ("maximum", tier.maximum)),
    };
    keep.done(Some(tier))
}

fn bound(tier: &TierSpec, keep: &mut Keep) -> Option<Bound> {
    if tier.up_to.is_some() && tier.below.is_some() {
        keep.error("below", "a tier ends at `up-to`, which belongs to it, or `below`, which does not; not both");
    }
    let inclusive = tier.up_to.map(|at| ("up-to", at, true));
    let (path, at, inclusive) = inclusive.or(tier.below.map(|at| ("below", at, false)))?;
    Some(Bound { at: keep.positive(path, Some(at)), inclusive })
}

/// Each bound above the one before; no bound at the end only.
fn bounds(field: &str, spec: &PriceSpec, tiers: &[Tier], keep: &mut Keep) {
    let mut lower = Exact::ZERO;
    for (index, tier) in tiers.iter().enumerate() {
        let path = |name: &str| format!("{field}[{index}].{name}");
        let is_last = index.checked_add(1) == Some(tiers.len());
        match tier.bound {
            None if is_last => {}
            None => {
                let hint = "give this tier `up-to`, or remove those after it";
                keep.hinted(&path("up-to"), "the tiers after this one are never reached", hint);
            }
            Some(bound) if bound.at <= lower => {
                let name = if bound.inclusive { "up-to" } else { "below" };
                let message =
                    format!("the tier is never reached: it ends at {}, and the one before at {lower}", bound.at);
                keep.hinted(
                    &path(name),
                    message,
                    "write tiers in order; bounds count from 0, not from the tier before",
                );
            }
            Some(bound) => lower = bound.at,
        }
    }
    let bounded = tiers.last().is_some_and(|tier| tier.bound.is_some());
    if bounded && spec.beyond.is_none() {
        let message = format!("nothing is said of a quantity above {lower}");
        let hint = "remove the last `up-to`, or write `beyond: last-tier`, `beyond: free` or `beyond: error`";
        keep.hinted(field, message, hint);
    }
    if !bounded && spec.beyond.is_some_and(|beyond| beyond != Beyond::Error) {
        keep.error("beyond", "nothing lies beyond the last tier: it has no bound");
    }
}
