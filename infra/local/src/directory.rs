//! `farthing directory` and `farthing correlate`: who owned what when, why, and what changed.

use catalog::directory::{Claim, Owner, Standing, difference};
use chrono::{DateTime, NaiveDate, NaiveTime};
use ledger::snapshot::{DirectoryHead, about, history, recall};
use metering::time::Instant;
use store::embedded::Embedded;

use crate::failure::Failure;
use crate::report::say;

/// Lists the versions, oldest first.
pub async fn versions(ports: &Embedded) -> Result<(), Failure> {
    for head in history(ports).await? {
        let accepted = head.accepted.map_or_else(String::new, |why| format!("  accepted: {why}"));
        say(&format!("{:>6}  {}  {}{accepted}", head.count, head.recorded_at, short(&head.version)));
    }
    Ok(())
}

fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}

/// Tells which deployments differ between two versions, given by number or by the beginning of their hash.
pub async fn diff(ports: &Embedded, older: &str, newer: &str) -> Result<(), Failure> {
    let heads = history(ports).await?;
    let older = recall(ports, &find(&heads, older)?.version).await?;
    let newer = recall(ports, &find(&heads, newer)?.version).await?;
    let moved = difference(&older, &newer);
    for one in &moved {
        say(&one.deployment);
        one.gone.iter().for_each(|claim| say(&format!("  - {}", told(claim))));
        one.new.iter().for_each(|claim| say(&format!("  + {}", told(claim))));
    }
    say(&format!("{} deployments differ", moved.len()));
    Ok(())
}

fn find<'h>(heads: &'h [DirectoryHead], named: &str) -> Result<&'h DirectoryHead, Failure> {
    let by_number = named.parse().ok().and_then(|count: u64| heads.iter().find(|head| head.count == count));
    let by_hash = || heads.iter().find(|head| named.len() >= 4 && head.version.starts_with(named));
    by_number.or_else(by_hash).ok_or_else(|| {
        Failure::Salesforce(format!(
            "there is no version `{named}` of the directory; `farthing directory versions` lists them"
        ))
    })
}

/// A fact in words.
fn told(claim: &Claim) -> String {
    let account = claim.account.as_deref().unwrap_or("no account");
    let mark = |inferred: bool| if inferred { " (inferred)" } else { "" };
    let until =
        claim.until.map_or_else(|| "now on".to_owned(), |until| format!("until {until}{}", mark(claim.inferred.1)));
    let standing = match claim.standing {
        Standing::Active => "",
        Standing::Inactive => ", not in use",
        Standing::Suspended => ", not in use and held",
        Standing::Excluded => ", never billed",
        Standing::WrittenOff => ", written off",
    };
    format!("{account} from {}{} {until}{standing}, by {}", claim.from, mark(claim.inferred.0), claim.source)
}

/// Explains whose a deployment was: `DEPLOYMENT@TIME`, the time as a day or an instant in UTC.
pub async fn explain(ports: &Embedded, asked: &str) -> Result<(), Failure> {
    let (deployment, time) = asked.rsplit_once('@').unwrap_or((asked, ""));
    let Some((head, directory)) = about(ports, deployment).await? else {
        say("there is no directory yet: `farthing correlate` makes one");
        return Ok(());
    };
    let at = instant(time).unwrap_or_else(|| directory.recorded_at());
    say(&format!("directory {} of {}, version {}", short(&head.version), head.recorded_at, head.count));
    let answer = match directory.owner(deployment, at) {
        Owner::Matched(account) => format!("it belongs to {account}"),
        Owner::Inactive(account) => {
            format!("it belongs to {account}, whose record says that it is not in use: billed all the same")
        }
        Owner::Suspended(account) => format!("it belongs to {account}, whose record says that it is not in use: held"),
        Owner::Excluded => "it is never billed: a trial, a test, or our own".to_owned(),
        Owner::WrittenOff => "nobody owned it, and it was written off: never billed".to_owned(),
        Owner::NoAccount => "a record knows it and names no account: held".to_owned(),
        Owner::Unknown => "no record knows it: held until one does".to_owned(),
        Owner::NotEffective => "it belongs to somebody, but not at that time: held".to_owned(),
        Owner::Ambiguous => "two accounts claim it: held until one of them gives way".to_owned(),
        Owner::MissingTag => "the usage names no deployment: held".to_owned(),
    };
    say(&format!("{deployment} at {at}: {answer}"));
    for seen in directory.claims(deployment) {
        let here = if seen.covers(at) { "=>" } else { "  " };
        say(&format!("  {here} rule {}: {}", seen.rule, told(&seen.owned(deployment))));
    }
    for seen in directory.conflicts(deployment, at) {
        say(&format!("  conflict: by a later rule it would be {}", told(&seen.owned(deployment))));
    }
    Ok(())
}

fn instant(text: &str) -> Option<Instant> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc().into());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc().into())
}
