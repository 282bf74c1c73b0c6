//! The sweep: finds what no event told, and seals the hours of which everything is counted.

use catalog::Catalogue;
use metering::rollup::Standing;
use metering::time::Instant;

use crate::attention::{self, Kind};
use crate::audit::{Audit, Rules, compare};
use crate::error::LedgerError;
use crate::inputs::Inputs;
use crate::names;
use crate::ports::{Bucket, Ports};
use crate::restate::Restatements;
use crate::seal::{Seals, is_over, rules, seal};

/// Asks for every object that no rollup counts to be translated (again): those whose event was
/// lost, and those whose event was handled but whose hint was not written. Hours of which every object counts, and
/// which were over `before`, are sealed: the next sweep compares their sum only.
///
/// # Errors
/// [`LedgerError`].
pub async fn sweep<P: Ports>(ports: &P, catalogue: &Catalogue, before: Instant) -> Result<Audit, LedgerError> {
    let restated = Restatements::read(ports).await?;
    let rules = rules(catalogue, &restated);
    // The seals first: they vouch for rollups that are read later.
    let seals = Seals::read(ports, &rules).await?;
    let mut inputs = Inputs::present(ports).await?;
    forget_resolved(ports, catalogue, &mut inputs).await?;
    let (audit, settled) =
        compare(ports, &Rules { catalogue, restated: &restated }, &mut inputs, &seals, before).await?;
    for key in &audit.missing {
        ports.enqueue(key).await?;
    }
    let over = before.min(ports.now());
    for (hour, sum) in settled.into_iter().filter(|(hour, _)| is_over(*hour, over)) {
        seal(ports, hour, sum, &rules).await?;
    }
    Ok(audit)
}

/// Takes off the list what is mended by now.
async fn forget_resolved<P: Ports>(ports: &P, catalogue: &Catalogue, inputs: &mut Inputs) -> Result<(), LedgerError> {
    for notice in attention::list(ports).await? {
        let file = names::file_id(&notice.key);
        let now = ports.head(Bucket::Usage, &notice.key).await?;
        let input = match notice.kind {
            Kind::Quarantined | Kind::Conflict => {
                inputs.get(ports, &file, notice.arrived.hour()).await?.map(|(_, input)| input)
            }
            Kind::NoSource | Kind::TwoSources | Kind::Rejects => None,
        };
        let mended = match notice.kind {
            Kind::NoSource | Kind::TwoSources => matches!(catalogue.source_for(&notice.key), Ok(Some(_))),
            Kind::Quarantined => input.is_some_and(|input| !matches!(input.standing, Standing::Quarantined(_))),
            Kind::Conflict => match (&now, input) {
                (Some(now), Some(input)) => input.etags.contains(&now.etag),
                (Some(_) | None, _) => false,
            },
            Kind::Rejects => false,
        };
        // An object that was moved away is nobody's any more.
        if mended || now.is_none() {
            attention::clear(ports, &file).await?;
        }
    }
    Ok(())
}
