//! Tiers: the parts of a quantity by their tiers, or the whole by the one in which it ends.

use std::sync::Arc;

use metering::exact::{Exact, ExactError};

use crate::line::RatedStep;
use crate::model::{ModelError, Steps};
use crate::price::{Bound, Tier, Tiers};
use crate::price_spec::{Beyond, ZeroUsage};
use crate::sentence::{Sentence, said};
use crate::text::prose;

impl Tiers {
    /// Each part of the quantity at the price of its tier; the flat fee of each tier reached.
    ///
    /// A quantity below nought is a credit: at the price of the first tier, without flat fees.
    pub(crate) fn graduated(&self, quantity: Exact, unit: &Arc<str>, steps: &mut Steps) -> Result<Exact, ModelError> {
        if quantity.is_negative() {
            return self.credit(quantity, unit, steps);
        }
        let (mut lower, mut total, mut reached) = (Exact::ZERO, Exact::ZERO, 0_usize);
        for (index, tier) in self.tiers.iter().enumerate() {
            if !self.is_reached(index, quantity) {
                break;
            }
            let upper = self.upper(index, quantity)?;
            let part = upper.sub(&lower)?;
            total = total.add(&tier.amount(part, &Named { tiers: self, index, unit }, steps)?)?;
            reached = reached.saturating_add(1);
            lower = upper;
        }
        self.check_beyond(quantity, lower, unit, steps)?;
        self.sum_step(total, reached, steps);
        Ok(total)
    }

    /// The whole quantity at the price of the tier in which `decides` lies.
    pub(crate) fn volume(
        &self,
        quantity: Exact,
        decides: Exact,
        unit: &Arc<str>,
        steps: &mut Steps,
    ) -> Result<Exact, ModelError> {
        if quantity.is_negative() {
            return self.credit(quantity, unit, steps);
        }
        if decides.is_zero() && self.zero == ZeroUsage::Free {
            self.nothing_step(steps);
            return Ok(Exact::ZERO);
        }
        let holds = |tier: &&Tier| tier.bound.is_none_or(|bound| bound.holds(decides));
        let found = self.tiers.iter().position(|tier| holds(&tier));
        let last = self.tiers.len().saturating_sub(1);
        let capped = match (found, self.beyond, self.tiers.last().and_then(|tier| tier.bound)) {
            (None, Beyond::Error, Some(bound)) => {
                return Err(ModelError::Beyond { quantity: decides, bound: bound.at });
            }
            (None, Beyond::Free, Some(bound)) => quantity.min(bound.at),
            _ => quantity,
        };
        let index = found.unwrap_or(last);
        match self.tiers.get(index) {
            Some(tier) => Ok(tier.amount(capped, &Named { tiers: self, index, unit }, steps)?),
            None => Ok(Exact::ZERO),
        }
    }

    /// A tier is reached by what lies above the bound of the one before, the first by any usage.
    fn is_reached(&self, index: usize, quantity: Exact) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.tiers.get(before));
        match before {
            None => !quantity.is_zero() || self.zero == ZeroUsage::FirstTier,
            Some(before) => before.bound.is_some_and(|bound| !bound.holds(quantity)),
        }
    }

    /// How far the quantity fills a tier.
    fn upper(&self, index: usize, quantity: Exact) -> Result<Exact, ExactError> {
        let is_last = index.checked_add(1) == Some(self.tiers.len());
        let bound = self.tiers.get(index).and_then(|tier| tier.bound);
        Ok(match bound {
            Some(_) if is_last && self.beyond == Beyond::LastTier => quantity,
            Some(bound) => quantity.min(bound.at),
            None => quantity,
        })
    }

    fn check_beyond(
        &self,
        quantity: Exact,
        filled: Exact,
        unit: &Arc<str>,
        steps: &mut Steps,
    ) -> Result<(), ModelError> {
        let Some(bound) = self.tiers.last().and_then(|tier| tier.bound) else { return Ok(()) };
        match self.beyond {
            Beyond::Error if !bound.holds(quantity) => Err(ModelError::Beyond { quantity, bound: bound.at }),
            Beyond::Free if quantity > filled && filled == bound.at => {
                let rest = quantity.sub(&filled)?;
                steps.push(|| {
                    let (bound, rest) = (prose(&bound.at, 0), prose(&rest, 0));
                    RatedStep::new(said!("above {} {}: {} {} free", bound, unit, rest, unit))
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn credit(&self, quantity: Exact, unit: &Arc<str>, steps: &mut Steps) -> Result<Exact, ModelError> {
        match self.tiers.first().and_then(|tier| tier.price.as_ref()) {
            Some(price) => Ok(price.amount(quantity, unit, steps)?),
            None => Ok(Exact::ZERO),
        }
    }

    fn nothing_step(&self, steps: &mut Steps) {
        steps.push(|| RatedStep { amount: Some(Exact::ZERO), ..RatedStep::new("nothing used, nothing due") });
    }

    fn sum_step(&self, total: Exact, reached: usize, steps: &mut Steps) {
        let digits = steps.digits;
        match reached {
            0 => self.nothing_step(steps),
            1 => {}
            _ => steps.push(|| {
                let text = said!("{} tiers together: {}", reached, prose(&total, digits));
                RatedStep { amount: Some(total), ..RatedStep::new(text) }
            }),
        }
    }
}

impl Bound {
    fn holds(self, quantity: Exact) -> bool {
        quantity < self.at || (self.inclusive && quantity == self.at)
    }
}

/// A tier in its place, for words.
struct Named<'a> {
    tiers: &'a Tiers,
    index: usize,
    unit: &'a Arc<str>,
}

impl Named<'_> {
    /// `up to 100 TB`, `above 100 TB`, `100 to 200 TB`.
    fn range(&self) -> Sentence {
        let bound = |index: usize| self.tiers.tiers.get(index).and_then(|tier| tier.bound);
        let (before, own) = (self.index.checked_sub(1).and_then(bound), bound(self.index));
        let number = |bound: Bound| prose(&bound.at, 0);
        match (before, own) {
            (None, None) => "all".into(),
            (None, Some(own)) if own.inclusive => said!("up to {} {}", number(own), self.unit),
            (None, Some(own)) => said!("below {} {}", number(own), self.unit),
            (Some(before), None) if before.inclusive => said!("above {} {}", number(before), self.unit),
            (Some(before), None) => said!("from {} {}", number(before), self.unit),
            (Some(before), Some(own)) => said!("{} to {} {}", number(before), number(own), self.unit),
        }
    }
}

impl Tier {
    /// The amount of what lies in the tier, with its flat fee and within its limits.
    fn amount(&self, quantity: Exact, named: &Named<'_>, steps: &mut Steps) -> Result<Exact, ExactError> {
        let (priced, packages) = match &self.price {
            Some(price) => price.raw(quantity)?,
            None => (Exact::ZERO, None),
        };
        let raw = priced.add(&self.flat)?;
        let digits = steps.digits;
        steps.push(|| {
            let of_price =
                self.price.as_ref().map(|price| price.formula(&quantity, packages.as_ref(), named.unit, digits));
            let flat = said!("{} flat", prose(&self.flat, digits));
            let formula = match of_price {
                None => flat,
                Some(formula) if self.flat.is_zero() => formula,
                Some(formula) => said!("{} + {}", formula, flat),
            };
            let unit_price = self.price.as_ref().map(|price| price.price);
            let text = said!("{}: {} = {}", named.range(), formula, prose(&raw, digits));
            RatedStep { text, quantity: Some(quantity), unit_price, amount: Some(raw) }
        });
        Ok(self.limits.apply(raw, steps))
    }
}
