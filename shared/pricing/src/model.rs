//! From a quantity to an amount, model by model: exact, not rounded, step by step.

mod percent;
mod quantity;
mod tiers;
mod unit;

use metering::exact::{Exact, ExactError};

use crate::line::RatedStep;
use crate::price::{Limits, Model, RowPrice};
use crate::sentence::said;
use crate::text::prose;

pub(crate) use quantity::Measured;

/// Why a quantity has no amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelError {
    /// A number that does not fit.
    Number(ExactError),
    /// The quantity lies above the last tier.
    Beyond { quantity: Exact, bound: Exact },
}

impl From<ExactError> for ModelError {
    fn from(error: ExactError) -> Self {
        Self::Number(error)
    }
}

/// The steps of a line, or nothing where nobody asks for them: words cost more than numbers.
pub(crate) struct Steps {
    list: Option<Vec<RatedStep>>,
    /// Digits of the currency, for amounts in words.
    pub(crate) digits: u32,
}

impl Steps {
    pub(crate) fn new(digits: u32, explain: bool) -> Self {
        Self { list: explain.then(Vec::new), digits }
    }

    /// The same place without words.
    pub(crate) fn silent(&self) -> Self {
        Self { list: None, digits: self.digits }
    }

    pub(crate) fn push(&mut self, step: impl FnOnce() -> RatedStep) {
        if let Some(list) = &mut self.list {
            list.push(step());
        }
    }

    pub(crate) fn done(self) -> Vec<RatedStep> {
        self.list.unwrap_or_default()
    }
}

impl RowPrice {
    /// The amount of one quantity of one line, or of one bucket of it.
    pub(crate) fn amount(&self, measured: &Measured<'_>, steps: &mut Steps) -> Result<Exact, ModelError> {
        let unit = &self.quantity.unit;
        match &self.model {
            Model::PerUnit(price) => {
                let charged = self.quantity.charged(measured, steps)?;
                Ok(price.amount(charged, unit, steps)?)
            }
            Model::Graduated(tiers) => {
                let charged = self.quantity.charged(measured, steps)?;
                tiers.graduated(charged, unit, steps)
            }
            Model::Volume(tiers, by) => {
                let charged = self.quantity.charged(measured, steps)?;
                let decides = self.quantity.deciding(measured, *by, charged)?;
                tiers.volume(charged, decides, unit, steps)
            }
            Model::Percent(percent) => percent.amount(measured, &self.quantity, steps),
        }
    }
}

impl Limits {
    /// The amount within the limits, with a step where they change it.
    pub(crate) fn apply(&self, raw: Exact, steps: &mut Steps) -> Exact {
        let digits = steps.digits;
        if let Some(least) = self.minimum.filter(|least| raw < *least) {
            steps.push(|| RatedStep {
                amount: Some(least),
                ..RatedStep::new(said!("raised to the minimum of {}", prose(&least, digits)))
            });
            return least;
        }
        if let Some(most) = self.maximum.filter(|most| raw > *most) {
            steps.push(|| RatedStep {
                amount: Some(most),
                ..RatedStep::new(said!("lowered to the maximum of {}", prose(&most, digits)))
            });
            return most;
        }
        raw
    }

    /// The share of both that is due in a part of a period.
    pub(crate) fn map(&self, share: impl Fn(Exact) -> Result<Exact, ExactError>) -> Result<Self, ExactError> {
        let minimum = self.minimum.map(&share).transpose()?;
        Ok(Self { minimum, maximum: self.maximum.map(&share).transpose()? })
    }

    pub(crate) fn is_none(&self) -> bool {
        self.minimum.is_none() && self.maximum.is_none()
    }
}
