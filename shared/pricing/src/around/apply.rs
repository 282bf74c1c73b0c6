//! Applies what stands around the lines of a plan, in its fixed order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metering::exact::{Exact, ExactError};
use metering::measure::MeasureError;
use metering::select::{Condition, Query, Selected};

use super::{Bound, Commitment, Counts, Discount, Off};
use crate::allocate::allocate;
use crate::line::{RatedKind, RatedLine, RatedStep};
use crate::model::Steps;
use crate::money::{Amount, MoneyError};
use crate::plan::{PLAN_GROUP, Plan};
use crate::price_spec::Unspent;
use crate::prorate::{Share, prorated};
use crate::prorate_spec::Prorate;
use crate::rate::{Place, RateError, RatingInput, number, rounded};
use crate::recurrence::{Anchor, Cycle, Every};
use crate::sentence::said;
use crate::tax::STANDARD;
use crate::text;
use crate::usage::{Usage, UsageError};

/// The heading of what is taken off.
const DISCOUNTS: &str = "Discounts";

fn large(_: MoneyError) -> ExactError {
    ExactError::TooLarge
}

/// Adds the lines of the plan's discounts, commitment, minimum and maximum to the plan's own.
pub(crate) fn apply(
    plan: &Plan,
    input: &RatingInput<'_>,
    share: &Share,
    lines: Vec<RatedLine>,
) -> Result<Vec<RatedLine>, RateError> {
    let around = &plan.around;
    let net = lines.iter().map(|line| line.amount).collect();
    let mut applied = Applied { plan, input, share, lines, net };
    for discount in around.discounts.iter().filter(|discount| discount.holds(share)) {
        applied.discount(discount)?;
    }
    if let Some(commitment) = &around.commitment {
        applied.commitment(commitment).map_err(number(input.customer, &commitment.key))?;
    }
    if let Some(minimum) = &around.minimum {
        applied.bound(minimum, RatedKind::Minimum).map_err(number(input.customer, &minimum.key))?;
    }
    if let Some(maximum) = &around.maximum {
        applied.bound(maximum, RatedKind::Maximum).map_err(number(input.customer, &maximum.key))?;
    }
    Ok(applied.lines)
}

/// Whether a line is the component's own, or that of its minimum or maximum.
fn of_component(line: &RatedLine, name: &str) -> bool {
    line.component.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The same usage with some units fewer of each stream; nothing below nought that was not so before.
#[derive(Debug)]
struct Fewer<'a> {
    usage: &'a dyn Usage,
    units: Exact,
}

impl Usage for Fewer<'_> {
    fn select(&self, stream: &str, query: &Query) -> Result<Vec<Selected>, UsageError> {
        let mut selected = self.usage.select(stream, query)?;
        for part in &mut selected {
            let total = part.measured.total;
            let left = total.sub(&self.units).map_err(MeasureError::from)?;
            part.measured.total = left.max(Exact::ZERO.min(total));
        }
        Ok(selected)
    }

    fn combinations(
        &self,
        stream: &str,
        only: &Condition,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<BTreeMap<String, String>>, UsageError> {
        self.usage.combinations(stream, only, names)
    }
}

impl Discount {
    /// A month is discounted where the discount holds on the first day of it that the plan is held.
    fn holds(&self, share: &Share) -> bool {
        let first = share.first();
        self.from.is_none_or(|from| from <= first) && self.until.is_none_or(|until| first < until)
    }
}

/// The lines so far, and what of each is left after discounts.
struct Applied<'a> {
    plan: &'a Plan,
    input: &'a RatingInput<'a>,
    share: &'a Share,
    lines: Vec<RatedLine>,
    net: Vec<Amount>,
}

impl Applied<'_> {
    fn digits(&self) -> u32 {
        self.plan.currency.digits()
    }

    fn money(&self, amount: Amount) -> String {
        text::grouped(&amount.format(self.digits()))
    }

    fn rounded(&self, raw: Exact, before: Vec<RatedStep>) -> Result<(Amount, Vec<RatedStep>), ExactError> {
        let mut steps = Steps::new(self.digits(), true);
        before.into_iter().for_each(|step| steps.push(|| step));
        let amount = rounded(self.plan, raw, &mut steps)?;
        Ok((amount, steps.done()))
    }

    /// The places of the lines that a discount applies to; what was added around them is none of its business.
    fn scope(&self, discount: &Discount) -> Vec<usize> {
        let applies = |line: &RatedLine| {
            let own = !matches!(line.kind, RatedKind::Discount);
            own && discount.components.as_ref().is_none_or(|keys| keys.iter().any(|key| of_component(line, key)))
        };
        self.lines.iter().enumerate().filter(|(_, line)| applies(line)).map(|(index, _)| index).collect()
    }

    fn net_of(&self, places: &[usize]) -> Vec<Amount> {
        places.iter().filter_map(|place| self.net.get(*place).copied()).collect()
    }

    fn discount(&mut self, discount: &Discount) -> Result<(), RateError> {
        let fails = number(self.input.customer, &discount.key);
        let scope = self.scope(discount);
        let weights = self.net_of(&scope);
        let base = Amount::sum(weights.iter().copied()).map_err(large).map_err(&fails)?;
        if base <= Amount::ZERO {
            return Ok(());
        }
        let (off, steps) = match &discount.off {
            Off::Percent(percent) => self.percentage(*percent, base).map_err(&fails)?,
            Off::Amount(amount) => self.lump(*amount, base),
            Off::Units(units) => self.units(*units, discount, base)?,
        };
        self.take_off(discount, &scope, &weights, off, &steps).map_err(&fails)
    }

    fn percentage(&self, percent: Exact, base: Amount) -> Result<(Amount, Vec<RatedStep>), ExactError> {
        let digits = self.digits();
        let raw = Exact::decimal(base.0, digits)?.mul(&percent)?.div(&Exact::integer(100))?;
        let (share, shown) = (text::prose(&percent, 0), text::prose(&raw, digits));
        let step = RatedStep::new(said!("{} % of {} = {}", share, self.money(base), shown));
        self.rounded(raw, vec![RatedStep { amount: Some(raw), ..step }])
    }

    fn lump(&self, amount: Amount, base: Amount) -> (Amount, Vec<RatedStep>) {
        let off = amount.min(base);
        let of = if off < amount { ", all that there is to take it off" } else { "" };
        (off, vec![RatedStep::new(said!("{} off {}{}", self.money(amount), self.money(base), of))])
    }

    /// What the component costs, less what it would cost with fewer units.
    fn units(&self, units: Exact, discount: &Discount, base: Amount) -> Result<(Amount, Vec<RatedStep>), RateError> {
        let fails = number(self.input.customer, &discount.key);
        let named = |name: &str| discount.components.as_ref().is_some_and(|keys| keys.iter().any(|key| key == name));
        let usage = Fewer { usage: self.input.usage, units };
        let input = RatingInput { usage: &usage, ..*self.input };
        let (mut without, mut before) = (Amount::ZERO, Amount::ZERO);
        let month = self.input.period.label().into();
        for (position, component) in (self.plan.fees.len()..).zip(&self.plan.components) {
            if !named(&component.name) {
                continue;
            }
            let (plan, input, share) = (self.plan, &input, self.share);
            let mut lines = Vec::new();
            Place { plan, input, share, month: &month, position, component, explain: false }.lines(&mut lines)?;
            for line in lines {
                without = without.add(line.amount).map_err(large).map_err(&fails)?;
            }
            for line in self.lines.iter().filter(|line| of_component(line, &component.name)) {
                before = before.add(line.amount).map_err(large).map_err(&fails)?;
            }
        }
        let saved = before.sub(without).map_err(large).map_err(&fails)?.min(base).max(Amount::ZERO);
        let text = said!(
            "without {} units it is {} instead of {}",
            text::prose(&units, 0),
            self.money(without),
            self.money(before)
        );
        Ok((saved, vec![RatedStep { quantity: Some(units), ..RatedStep::new(text) }]))
    }

    /// Takes an amount off some lines in proportion, with a line for each category of tax.
    fn take_off(
        &mut self,
        discount: &Discount,
        scope: &[usize],
        weights: &[Amount],
        off: Amount,
        steps: &[RatedStep],
    ) -> Result<(), ExactError> {
        let parts = allocate(off, weights).map_err(large)?;
        let mut by_tax: BTreeMap<Option<Arc<str>>, Amount> = BTreeMap::new();
        for (place, part) in scope.iter().zip(&parts) {
            let (Some(net), Some(line)) = (self.net.get_mut(*place), self.lines.get(*place)) else { continue };
            *net = net.sub(*part).map_err(large)?;
            let of_tax = by_tax.entry(line.tax.clone()).or_insert(Amount::ZERO);
            *of_tax = of_tax.add(*part).map_err(large)?;
        }
        by_tax.retain(|_, part| *part != Amount::ZERO);
        let several = by_tax.len() > 1;
        for (tax, part) in by_tax {
            let mut steps = steps.to_vec();
            if several {
                let category = tax.as_deref().unwrap_or(STANDARD).to_owned();
                steps.push(RatedStep::new(said!("{} of it is taxed as {}", self.money(part), category)));
            }
            let amount = part.neg().map_err(large)?;
            let key = self.key_for(&discount.key, tax.as_ref());
            let line = RatedLine {
                component: key,
                group: DISCOUNTS.into(),
                tax,
                ..self.line(RatedKind::Discount, &discount.title, amount, steps)
            };
            self.lines.push(line);
            // What is taken off is taken off the lines themselves.
            self.net.push(Amount::ZERO);
        }
        Ok(())
    }

    /// Lines of different tax are corrected apart.
    fn key_for(&self, key: &str, tax: Option<&Arc<str>>) -> Arc<str> {
        if tax == self.plan.tax_of(None).as_ref() {
            return key.into();
        }
        format!("{key}/{}", tax.map_or(STANDARD, |tax| &**tax)).into()
    }

    fn counted(&self, counts: Counts) -> Result<Amount, ExactError> {
        // The minimum and maximum of a component belong to its usage.
        let counted = |line: &RatedLine| {
            let metered = matches!(line.kind, RatedKind::Usage | RatedKind::Minimum | RatedKind::Maximum);
            counts == Counts::Everything || metered
        };
        let net = self.lines.iter().zip(&self.net).filter(|(line, _)| counted(line)).map(|(_, net)| *net);
        Amount::sum(net).map_err(large)
    }

    /// A minimum charges what is missing, a maximum takes off what is too much.
    fn bound(&mut self, bound: &Bound, kind: RatedKind) -> Result<(), ExactError> {
        let digits = self.digits();
        let counted = self.counted(bound.counts)?;
        let whole = Exact::decimal(bound.amount.0, digits)?;
        let limit = prorated(whole, digits, self.share, bound.prorate, "month")?;
        let raw = limit.raw.sub(&Exact::decimal(counted.0, digits)?)?;
        let outside = if kind == RatedKind::Minimum { raw > Exact::ZERO } else { raw.is_negative() };
        if !outside {
            return Ok(());
        }
        let (limit_text, shown) = (text::prose(&limit.raw, digits), text::prose(&raw, digits));
        let step = RatedStep::new(said!("{} − {} charged = {}", limit_text, self.money(counted), shown));
        let steps = vec![limit.step, RatedStep { amount: Some(raw), ..step }];
        let (amount, steps) = self.rounded(raw, steps)?;
        let line = self.line(kind, &bound.title, amount, steps);
        self.push(RatedLine { component: bound.key.as_str().into(), ..line });
        Ok(())
    }

    fn push(&mut self, line: RatedLine) {
        self.net.push(line.amount);
        self.lines.push(line);
    }

    fn commitment(&mut self, commitment: &Commitment) -> Result<(), ExactError> {
        let digits = self.digits();
        let spent = Exact::decimal(self.counted(commitment.counts)?.0, digits)?;
        let window = Window::of(commitment, self.input, self.share)?;
        let (agreed, mut steps) = window.agreed(commitment, digits)?;
        let (key, month) = (&commitment.key, self.input.period.label());
        let before = match &window.first {
            Some(first) => self.input.history.spent(key, first, &month)?,
            None => Exact::ZERO,
        };
        let so_far = before.add(&spent)?;
        let (shown, total) = (text::prose(&spent, digits), text::prose(&so_far, digits));
        let drawn = said!("{} spent, {} so far", shown, total);
        steps.push(RatedStep { amount: Some(spent), ..RatedStep::new(drawn) });
        let beyond = so_far.sub(&agreed)?;
        let raw = if beyond > Exact::ZERO {
            self.overage(commitment, beyond, window.first.as_deref(), &mut steps)?
        } else if window.ends {
            let missing = beyond.neg()?;
            let text = said!("{} of it not spent", text::prose(&missing, digits));
            match commitment.unspent {
                Unspent::Charged => {
                    steps.push(RatedStep { amount: Some(missing), ..RatedStep::new(text) });
                    missing
                }
                Unspent::Free => {
                    steps.push(RatedStep::new(said!("{}, which is free", text)));
                    Exact::ZERO
                }
            }
        } else {
            Exact::ZERO
        };
        let (amount, steps) = self.rounded(raw, steps)?;
        let line = RatedLine {
            component: commitment.key.as_str().into(),
            quantity: Some(spent),
            unit: Some(self.plan.currency.code().into()),
            detail: window.detail(commitment, digits)?,
            ..self.line(RatedKind::Commitment, &commitment.title, amount, steps)
        };
        self.push(line);
        Ok(())
    }

    /// The surcharge on all that the window spent beyond the commitment, less what its earlier months were charged.
    fn overage(
        &self,
        commitment: &Commitment,
        beyond: Exact,
        first: Option<&str>,
        steps: &mut Vec<RatedStep>,
    ) -> Result<Exact, ExactError> {
        let digits = self.digits();
        let extra = commitment.overage.sub(&Exact::ONE)?;
        let all = beyond.mul(&extra)?;
        let (over, by) = (text::prose(&beyond, digits), text::prose(&extra, 0));
        let text = said!("{} beyond the commitment × {} on top = {}", over, by, text::prose(&all, digits));
        steps.push(RatedStep { amount: Some(all), ..RatedStep::new(text) });
        let month = self.input.period.label();
        let earlier = first.map(|first| self.input.history.amount(&commitment.key, first, &month)).transpose();
        let charged = earlier.map_err(large)?.unwrap_or_default();
        if charged == Amount::ZERO {
            return Ok(all);
        }
        let raw = all.sub(&Exact::decimal(charged.0, digits)?)?;
        let text = said!("− {} charged for earlier months", self.money(charged));
        steps.push(RatedStep { amount: Some(raw), ..RatedStep::new(text) });
        Ok(raw)
    }

    fn line(&self, kind: RatedKind, title: &str, amount: Amount, steps: Vec<RatedStep>) -> RatedLine {
        let own = self.plan.fees.len().saturating_add(self.plan.components.len());
        RatedLine {
            kind,
            position: own.saturating_add(self.lines.len()),
            group: PLAN_GROUP.into(),
            component: "".into(),
            deployment: None,
            title: title.into(),
            detail: None,
            period: self.input.period.label().into(),
            quantity: None,
            unit: None,
            unit_price: None,
            unit_size: None,
            tax: self.plan.tax_of(None),
            currency: self.plan.currency,
            amount,
            days: Vec::new(),
            steps,
        }
    }
}

/// The months over which a commitment is drawn.
struct Window {
    /// The label of its first month, where it has several.
    first: Option<String>,
    /// What the plan covers of it.
    share: Option<Share>,
    /// What a whole one is called.
    unit: &'static str,
    /// Whether what was not spent is charged with this month.
    ends: bool,
}

impl Window {
    fn of(commitment: &Commitment, input: &RatingInput<'_>, share: &Share) -> Result<Self, ExactError> {
        let (month, term) = (input.period, input.whole_term());
        let unit = commitment.every.unit();
        if commitment.every == Every::Month {
            let part = Share::of(input.term, month);
            return Ok(Self { first: None, share: part, unit, ends: true });
        }
        let begun = chrono::Datelike::with_day(&input.begun, 1).unwrap_or(input.begun);
        let cycle = Cycle { every: commitment.every, anchor: Anchor::Date(begun) };
        let periods = cycle.periods(begun, month.start, month.end).map_err(|_| ExactError::TooLarge)?;
        let (start, end) = periods.first().copied().unwrap_or((month.start, month.end));
        let ends = share.until() == end || term.until == Some(share.until());
        let part = Share::within(term, (start, end), month.zone);
        Ok(Self { first: Some(start.format("%Y-%m").to_string()), share: part, unit, ends })
    }

    /// The commitment of this window, with the step that says so.
    fn agreed(&self, commitment: &Commitment, digits: u32) -> Result<(Exact, Vec<RatedStep>), ExactError> {
        let whole = Exact::decimal(commitment.amount.0, digits)?;
        let Some(share) = &self.share else { return Ok((whole, Vec::new())) };
        let part = prorated(whole, digits, share, commitment.prorate, self.unit)?;
        Ok((part.raw, vec![part.step]))
    }

    fn detail(&self, commitment: &Commitment, digits: u32) -> Result<Option<String>, ExactError> {
        let amount = text::prose(&Exact::decimal(commitment.amount.0, digits)?, digits);
        let of = format!("{amount} a {}", self.unit);
        let from = self.first.as_ref().map(|first| format!(", from {first}"));
        let part = self.share.as_ref().and_then(|share| share.detail(commitment.prorate));
        let part = part.filter(|_| commitment.prorate != Prorate::None).map(|part| format!(", {part}"));
        Ok(Some([Some(of), from, part].into_iter().flatten().collect()))
    }
}
