//! A subscription over its life: stretches of days with a plan each, priced together.
//!
//! What is the same before and after a change is priced once over both, so that a change that concerns one fee
//! restarts no tier, no included quantity and no minimum. What differs is priced apart: fees by their proration,
//! usage by the plan in force.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use metering::period::Period;

use crate::around::{self, Off};
use crate::fee::fee_lines;
use crate::history::History;
use crate::line::RatedLine;
use crate::plan::{Component, Plan};
use crate::prorate::Share;
use crate::rate::{Place, RateError, RatingInput, Term, fees_in_advance, rate};
use crate::usage::{Usage, UsageError};

/// The days of a subscription on which its plan does not change.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// The plan as it is agreed for these days.
    pub plan: &'a Plan,
    /// The days; each stretch begins where the one before ends.
    pub term: Term,
    /// The day on which it has ended, where that became known later.
    pub ended: Option<NaiveDate>,
}

/// Usage that can be cut to the days that a price is for.
pub trait UsageWithin: Debug {
    /// The usage of the period within some days.
    ///
    /// # Errors
    /// [`UsageError`].
    fn within<'a>(&'a self, term: Term) -> Result<Box<dyn Usage + 'a>, UsageError>;
}

/// A subscription, about to be priced for a month.
#[derive(Clone, Copy, Debug)]
pub struct Agreement<'a> {
    /// For messages.
    pub customer: &'a str,
    /// The month.
    pub period: &'a Period,
    /// In order, without gaps; not empty.
    pub stretches: &'a [Stretch<'a>],
    /// The customer's attributes.
    pub attributes: &'a BTreeMap<String, String>,
    /// What was used.
    pub usage: &'a dyn UsageWithin,
    /// What earlier months drew.
    pub history: &'a History,
}

/// Prices one month of a subscription, whatever plans it had in it.
///
/// # Errors
/// [`RateError`]; nothing is rated then.
pub fn rate_agreement(agreement: &Agreement<'_>) -> Result<Vec<RatedLine>, RateError> {
    let mut lines = Vec::new();
    for block in agreement.blocks() {
        lines.extend(agreement.block(block)?);
    }
    Ok(lines)
}

/// The fees of a subscription that the invoice before the month charges for it.
///
/// # Errors
/// [`RateError`].
pub fn agreement_in_advance(agreement: &Agreement<'_>) -> Result<Vec<RatedLine>, RateError> {
    let nothing = BTreeMap::new();
    let mut lines = Vec::new();
    for (index, stretch) in agreement.stretches.iter().enumerate() {
        lines.extend(fees_in_advance(stretch.plan, &agreement.input(index, stretch.term, &nothing))?);
    }
    Ok(lines)
}

impl<'a> Agreement<'a> {
    fn stretch(&self, index: usize) -> Option<&'a Stretch<'a>> {
        self.stretches.get(index)
    }

    fn input<'b>(&'b self, index: usize, term: Term, usage: &'b dyn Usage) -> RatingInput<'b> {
        let begun = self.stretches.first().map_or(term.from, |first| first.term.from);
        let ends = self.stretches.last().and_then(|last| last.term.until);
        RatingInput {
            customer: self.customer,
            period: self.period,
            term,
            begun,
            ends,
            ended: self.stretch(index).and_then(|stretch| stretch.ended),
            before: self.stretches.get(..index).unwrap_or_default(),
            attributes: self.attributes,
            usage,
            history: self.history,
        }
    }

    /// The stretches that the month touches, those together that have the same around their lines.
    fn blocks(&self) -> Vec<RangeInclusive<usize>> {
        let mut blocks: Vec<RangeInclusive<usize>> = Vec::new();
        for (index, stretch) in self.stretches.iter().enumerate() {
            if Share::of(stretch.term, self.period).is_none() {
                continue;
            }
            let before = blocks.last().and_then(|block| self.stretch(*block.end()));
            match blocks.last_mut() {
                Some(block) if before.is_some_and(|before| go_together(before.plan, stretch.plan)) => {
                    *block = *block.start()..=index;
                }
                _ => blocks.push(index..=index),
            }
        }
        blocks
    }

    /// The days of some stretches in a row.
    fn term(&self, range: &RangeInclusive<usize>) -> Option<Term> {
        let (first, last) = (self.stretch(*range.start())?, self.stretch(*range.end())?);
        Some(Term { from: first.term.from, until: last.term.until })
    }

    fn usage(&self, term: Term, component: &str) -> Result<Box<dyn Usage + 'a>, RateError> {
        self.usage.within(term).map_err(|source| RateError::Usage {
            customer: self.customer.to_owned(),
            component: component.to_owned(),
            source: Box::new(source),
        })
    }

    fn block(&self, block: RangeInclusive<usize>) -> Result<Vec<RatedLine>, RateError> {
        let (Some(term), Some(last)) = (self.term(&block), self.stretch(*block.end())) else { return Ok(Vec::new()) };
        let usage = self.usage(term, &last.plan.name)?;
        let input = self.input(*block.end(), term, &*usage);
        if block.start() == block.end() {
            return rate(last.plan, &input);
        }
        let Some(share) = Share::of(term, self.period) else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        for index in block.clone() {
            let Some(stretch) = self.stretch(index) else { continue };
            let fees = self.input(index, stretch.term, &*usage);
            for (position, fee) in stretch.plan.fees.iter().enumerate() {
                lines.extend(fee_lines(stretch.plan, &fees, position, fee)?);
            }
        }
        for index in block.clone() {
            lines.extend(self.components(&block, index)?);
        }
        around::apply(last.plan, &input, &share, lines)
    }

    /// The components that begin with a stretch, each over all stretches of the block in which it stays the same.
    fn components(&self, block: &RangeInclusive<usize>, index: usize) -> Result<Vec<RatedLine>, RateError> {
        let Some(stretch) = self.stretch(index) else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        for component in &stretch.plan.components {
            let has = |index: usize| self.stretch(index).and_then(|stretch| position(stretch.plan, component));
            if index > *block.start() && has(index.saturating_sub(1)).is_some() {
                continue;
            }
            let end = (index..=*block.end()).take_while(|index| has(*index).is_some()).last().unwrap_or(index);
            let Some(term) = self.term(&(index..=end)) else { continue };
            let (Some(share), Some(last)) = (Share::of(term, self.period), self.stretch(end)) else { continue };
            let usage = self.usage(term, &component.name)?;
            let input = self.input(end, term, &*usage);
            let position = has(end).unwrap_or_default().saturating_add(last.plan.fees.len());
            let (plan, input, month) = (last.plan, &input, &self.period.label().into());
            Place { plan, input, share: &share, month, position, component, explain: true }.lines(&mut lines)?;
        }
        Ok(lines)
    }
}

/// Where a plan has the very same component.
fn position(plan: &Plan, component: &Component) -> Option<usize> {
    plan.components.iter().position(|other| other == component)
}

/// Whether what stands around the lines can look at those of both plans together.
fn go_together(before: &Plan, after: &Plan) -> bool {
    let units = after.around.discounts.iter().any(|discount| matches!(discount.off, Off::Units(_)));
    before.currency == after.currency
        && before.rounding == after.rounding
        && before.tax == after.tax
        && before.around == after.around
        && (!units || before.components == after.components)
}
