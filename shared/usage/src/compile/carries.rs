//! `carry`.

use super::{Problems, conditions, keep, text, usages};
use crate::carry::Carry;
use crate::error::SpecError;
use crate::field::Scope;
use crate::spec::{CarrySpec, SourceSpec};

/// The names of all that is carried, in the order of their slots.
pub(super) fn names(spec: &SourceSpec) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let json = spec.json.iter().flat_map(|json| json.carry.keys());
    let xml = spec.xml.iter().flat_map(|xml| xml.carry.keys());
    for name in json.chain(xml).chain(spec.carry.0.iter().flat_map(|carry| carry.fields.keys())) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Compiles the records that say something for those behind them.
pub(super) fn compile(spec: &SourceSpec, scope: &mut Scope<'_>, problems: &mut Problems) -> Vec<Carry> {
    let single = spec.carry.0.len() == 1;
    let path = |i: usize| if single { "carry".to_owned() } else { format!("carry[{i}]") };
    let compile = |(i, carry): (usize, &CarrySpec)| keep(self::carry(&path(i), carry, spec, scope), problems);
    spec.carry.0.iter().enumerate().filter_map(compile).collect()
}

fn carry(path: &str, spec: &CarrySpec, source: &SourceSpec, scope: &mut Scope<'_>) -> Result<Carry, SpecError> {
    if spec.fields.is_empty() {
        return Err(SpecError::new(format!("{path}.fields"), "nothing is carried")
            .hint("write for example `fields: {meter: $2}`; it is then `$carried.meter`"));
    }
    let numerals = usages::reads(source, None)?.numerals;
    let conditions = conditions::compile(&format!("{path}.where"), &spec.conditions.0, numerals, scope)?;
    let mut fields = Vec::new();
    for (name, field) in &spec.fields {
        let slot = scope.carried.iter().position(|known| known == name).unwrap_or(usize::MAX);
        fields.push((slot, text(&format!("{path}.fields.{name}"), field, scope)?));
    }
    Ok(Carry { conditions, fields })
}
