//! The price by quantity, and how its amount is explained.

use metering::exact::{Exact, ExactError};
use metering::stream::Aggregation;

use crate::line::RatedStep;
use crate::plan::PerUnit;
use crate::text::prose;

impl PerUnit {
    /// The amount before rounding, with the steps that lead to it.
    pub(crate) fn explain(&self, measured: Exact, digits: u32) -> Result<(Exact, Vec<RatedStep>), ExactError> {
        let charged = self.charged(measured)?;
        let raw = charged.mul(&self.price)?.div(&self.unit_size)?;
        Ok((raw, vec![self.quantity_step(measured, charged), self.price_step(charged, raw, digits)]))
    }

    /// What is left once the included quantity is taken off. A quantity below nought, which only a
    /// stream that allows it can have, is credited in full: nothing is included in it.
    fn charged(&self, measured: Exact) -> Result<Exact, ExactError> {
        if measured.is_negative() {
            return Ok(measured);
        }
        if measured <= self.included { Ok(Exact::ZERO) } else { measured.sub(&self.included) }
    }

    fn quantity_step(&self, measured: Exact, charged: Exact) -> RatedStep {
        let (unit, of) = (&self.meter.unit, measured_as(self.meter.month));
        let (quantity, included) = (prose(&measured, 0), prose(&self.included, 0));
        let text = if self.included.is_zero() || measured.is_negative() {
            format!("{quantity} {unit} {of}")
        } else if charged.is_zero() {
            format!("{quantity} {unit} {of}, all of it within the {included} {unit} included")
        } else {
            format!("{quantity} {unit} {of} − {included} {unit} included = {} {unit}", prose(&charged, 0))
        };
        RatedStep { quantity: Some(charged), ..RatedStep::new(text) }
    }

    fn price_step(&self, charged: Exact, raw: Exact, digits: u32) -> RatedStep {
        let (unit, quantity, price) = (&self.meter.unit, prose(&charged, 0), prose(&self.price, digits));
        let amount = prose(&raw, digits);
        let text = if self.unit_size == Exact::ONE {
            format!("{quantity} {unit} × {price} = {amount}")
        } else {
            format!("{quantity} {unit} × {price} ÷ {} {unit} = {amount}", prose(&self.unit_size, 0))
        };
        RatedStep { text, quantity: Some(charged), unit_price: Some(self.price), amount: Some(raw) }
    }
}

fn measured_as(month: Aggregation) -> &'static str {
    match month {
        Aggregation::Sum => "measured",
        Aggregation::Average => "measured on average",
        Aggregation::Peak => "measured at the peak",
        Aggregation::Count => "counted",
    }
}

/// The second line of a charge: whose, how it was measured, what is included.
pub(crate) fn usage_detail(price: &PerUnit, deployment: Option<&str>) -> Option<String> {
    let measured = match price.meter.month {
        Aggregation::Average => Some("average of the month".to_owned()),
        Aggregation::Peak => Some("peak of the month".to_owned()),
        Aggregation::Sum | Aggregation::Count => None,
    };
    let included = || format!("{} {} included", prose(&price.included, 0), price.meter.unit);
    let included = (!price.included.is_zero()).then(included);
    let parts: Vec<_> = [deployment.map(str::to_owned), measured, included].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
