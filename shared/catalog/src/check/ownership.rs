//! A deployment has one owner at a time.

use std::collections::BTreeMap;

use metering::time::Instant;

use super::Findings;
use super::parties::Draft;
use crate::load::Place;
use crate::party::{Customer, instants};

/// One claim to a deployment.
struct Claim<'a> {
    customer: &'a Customer,
    place: &'a Place,
    /// The claim's position among the customer's deployments as written.
    index: usize,
    from: Instant,
    until: Option<Instant>,
}

impl Claim<'_> {
    /// Compared as instants: the days of two customers may begin at different hours.
    fn overlaps(&self, other: &Self) -> bool {
        self.until.is_none_or(|until| other.from < until) && other.until.is_none_or(|until| self.from < until)
    }
}

/// Reports deployments with two owners at once.
pub(super) fn check(drafts: &BTreeMap<&str, Draft<'_>>, findings: &mut Findings) {
    let mut claims: BTreeMap<&str, Vec<Claim<'_>>> = BTreeMap::new();
    for draft in drafts.values() {
        let Draft { customer, place, .. } = draft;
        for (index, deployment) in customer.deployments.iter().enumerate() {
            let Ok((from, until)) = instants(&deployment.term, customer.zone) else { continue };
            claims.entry(&deployment.id).or_default().push(Claim { customer, place, index, from, until });
        }
    }
    for (deployment, mut claims) in claims {
        claims.sort_by_key(|claim| claim.from);
        conflicts(deployment, &claims, findings);
    }
}

fn conflicts(deployment: &str, claims: &[Claim<'_>], findings: &mut Findings) {
    let mut longest: Option<&Claim<'_>> = None;
    for claim in claims {
        if let Some(earlier) = longest.filter(|earlier| earlier.overlaps(claim)) {
            report(deployment, earlier, claim, findings);
        }
        let ends = |claim: &Claim<'_>| claim.until.map_or(i64::MAX, |until| until.0);
        longest = Some(longest.filter(|earlier| ends(earlier) >= ends(claim)).unwrap_or(claim));
    }
}

fn report(deployment: &str, earlier: &Claim<'_>, claim: &Claim<'_>, findings: &mut Findings) {
    let field = format!("deployments[{}].from", claim.index);
    let (other, zone, theirs) = (&earlier.customer.id, claim.customer.zone, earlier.customer.zone);
    if other == &claim.customer.id {
        let message = format!("deployment `{deployment}` is listed twice for the same days");
        let hint = "remove one, or end the first with `until`".to_owned();
        return findings.error(claim.place, &field, message, Some(hint));
    }
    let origin = earlier.place.origin();
    let message = format!("deployment `{deployment}` belongs to customer `{other}` at the same time, see {origin}");
    let hint = if zone == theirs {
        format!("end it there with `until`, or begin here once `{other}` has left")
    } else {
        format!("end it there with `until`; days begin at different instants in {theirs} and {zone}")
    };
    findings.error(claim.place, &field, message, Some(hint));
}
