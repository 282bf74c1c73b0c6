//! Quantity × price ÷ size, in proportion or in whole packages.

use std::sync::Arc;

use metering::exact::{Exact, ExactError, Rounding};

use crate::line::RatedStep;
use crate::model::Steps;
use crate::price::{ShareName, UnitPrice};
use crate::price_spec::Packages;
use crate::sentence::{Sentence, said};
use crate::text::prose;

impl UnitPrice {
    /// Multiplied first, divided last; below nought as above it.
    pub(crate) fn amount(&self, quantity: Exact, unit: &Arc<str>, steps: &mut Steps) -> Result<Exact, ExactError> {
        let (raw, packages) = self.raw(quantity)?;
        let digits = steps.digits;
        steps.push(|| {
            let formula = self.formula(&quantity, packages.as_ref(), unit, digits);
            let text = said!("{} = {}", formula, prose(&raw, digits));
            RatedStep { text, quantity: Some(quantity), unit_price: Some(self.price), amount: Some(raw) }
        });
        Ok(raw)
    }

    /// The amount, and how many packages where they are whole.
    pub(crate) fn raw(&self, quantity: Exact) -> Result<(Exact, Option<Exact>), ExactError> {
        let rule = match self.packages {
            Packages::Exact if self.size == Exact::ONE => return Ok((quantity.mul(&self.price)?, None)),
            Packages::Exact => return Ok((quantity.mul(&self.price)?.div(&self.size)?, None)),
            Packages::Up => Rounding::Up,
            Packages::Down => Rounding::Down,
        };
        let packages = Exact::integer(quantity.div(&self.size)?.round(0, rule)?);
        Ok((packages.mul(&self.price)?, Some(packages)))
    }

    /// `3 packages of 100 calls × 0.20`, without the result.
    pub(crate) fn formula(&self, quantity: &Exact, packages: Option<&Exact>, unit: &Arc<str>, digits: u32) -> Sentence {
        let (shown, price) = (prose(quantity, 0), prose(&self.price, digits));
        match (self.share, packages) {
            (Some(ShareName::Percent | ShareName::Markup), _) => {
                said!("{} {} × {} %", shown, unit, prose(&self.price, 0))
            }
            (None, Some(packages)) => {
                let (packages, size) = (prose(packages, 0), prose(&self.size, 0));
                said!("{} {} are {} × {} {}: {} × {}", shown, unit, packages, size, unit, packages, price)
            }
            (None, None) if self.size == Exact::ONE => said!("{} {} × {}", shown, unit, price),
            (None, None) => said!("{} {} × {} ÷ {} {}", shown, unit, price, prose(&self.size, 0), unit),
        }
    }
}
