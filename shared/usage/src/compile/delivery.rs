//! `delivery` and `replaces`.

use crate::error::SpecError;
use crate::source::Replaces;
use crate::spec::{Delivery, DeploymentSpec, SourceSpec};

/// Compiles what files take the place of.
pub(super) fn compile(spec: &SourceSpec, tags: &[&str]) -> Result<Option<Replaces>, SpecError> {
    match (spec.delivery, &spec.replaces) {
        (Delivery::Append, None) => Ok(None),
        (Delivery::Append, Some(_)) => Err(SpecError::new("replaces", "`replaces` belongs to `delivery: replace`")
            .hint("write `delivery: replace`, or remove it")),
        (Delivery::Replace, None) => {
            Err(SpecError::new("delivery", "`delivery: replace` needs `replaces`: which files take each other's place")
                .hint("name the captures of the key in which they agree, as in `replaces: {same: [site, month]}`"))
        }
        (Delivery::Replace, Some(replaces)) => {
            if replaces.same.is_empty() {
                return Err(SpecError::new(
                    "replaces.same",
                    "no capture is named: every file would replace all others",
                )
                .hint("name at least one, as in `replaces: {same: [site, month]}`"));
            }
            replaces.same.0.iter().try_for_each(|tag| check("replaces.same", tag, tags))?;
            replaces.latest.iter().try_for_each(|tag| check("replaces.latest", tag, tags))?;
            check_deployment(&spec.deployment, &replaces.same.0, tags)?;
            Ok(Some(Replaces { same: replaces.same.0.clone(), latest: replaces.latest.clone() }))
        }
    }
}

fn check(path: &str, tag: &str, tags: &[&str]) -> Result<(), SpecError> {
    if tags.contains(&tag) {
        return Ok(());
    }
    let problem = SpecError::new(path, format!("the pattern in `objects` has no capture `{{{tag}}}`"));
    Err(problem.hint_near(tag, tags.iter().copied()))
}

/// Files that say in their keys whose they are must not take the place of those of others.
fn check_deployment(deployment: &DeploymentSpec, same: &[String], tags: &[&str]) -> Result<(), SpecError> {
    match &deployment.tag {
        Some(tag) if tags.contains(&tag.as_str()) && deployment.cut.is_none() && !same.contains(tag) => {
            let all = same.iter().chain([tag]).map(String::as_str).collect::<Vec<_>>().join(", ");
            Err(SpecError::new("replaces.same", "a file would take the place of those of other deployments")
                .hint(format!("name the deployment's capture too, as in `replaces: {{same: [{all}]}}`")))
        }
        _ => Ok(()),
    }
}
