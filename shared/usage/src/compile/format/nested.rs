//! `format: json` and `format: xml`: the way to the records, and what is carried from around them.

use std::collections::BTreeMap;

use crate::error::SpecError;
use crate::lex::{Grammar, Segment, Token, tokens};
use crate::spec::{JsonSpec, XmlSpec};
use crate::split::{Step, Way, XmlWay};

pub(super) fn json(spec: &JsonSpec, carried: &[String]) -> Result<Way, SpecError> {
    let written = spec.records.clone().unwrap_or_default();
    let steps = match written.as_str() {
        "" => Vec::new(),
        written => {
            segments("json.records", written)?.iter().map(|segment| step(written, segment)).collect::<Result<_, _>>()?
        }
    };
    let mut carry = Vec::new();
    for (name, path) in &spec.carry {
        let at = format!("json.carry.{name}");
        let segments = segments(&at, path)?;
        let names = segments.iter().map(|segment| match segment {
            Segment::Name(name, _) => Ok(name.clone()),
            _ => Err(SpecError::new(at.clone(), format!("`{path}` is not made of names alone"))
                .hint("lists on the way are left out, as in `page.account`")),
        });
        carry.push((slot(name, carried), names.collect::<Result<_, _>>()?));
    }
    Ok(Way { written, steps, carry })
}

fn slot(name: &str, carried: &[String]) -> usize {
    carried.iter().position(|known| known == name).unwrap_or(usize::MAX)
}

fn segments(path: &str, written: &str) -> Result<Vec<Segment>, SpecError> {
    let wrong = |message: String| {
        SpecError::new(path, message).hint("write for example `Records[*]`, or `[*]` where the values are lists")
    };
    match tokens(written, Grammar::Each).map_err(wrong)?.as_slice() {
        [Token::Field(reference)] if !reference.from_root => Ok(reference.segments.clone()),
        _ => Err(wrong(format!("`{written}` is no way through JSON"))),
    }
}

fn step(written: &str, segment: &Segment) -> Result<Step, SpecError> {
    match segment {
        Segment::Name(name, _) => Ok(Step::Member(name.clone())),
        Segment::EveryValue => Ok(Step::EveryValue),
        Segment::EveryElement => Ok(Step::EveryElement),
        _ => Err(SpecError::new("json.records", format!("`{written}` is made of names, `.*` and `[*]`"))),
    }
}

pub(super) fn xml(spec: Option<&XmlSpec>, carried: &[String]) -> Result<XmlWay, SpecError> {
    let spec = spec.ok_or_else(|| {
        SpecError::new("format", "`format: xml` needs `xml` with the way to its `records`")
            .hint("write for example `xml: {records: report/usage/record}`")
    })?;
    let names = names("xml.records", &spec.records)?;
    if names.iter().any(|name| name.starts_with('@')) {
        return Err(SpecError::new("xml.records", "records are elements, not attributes"));
    }
    Ok(XmlWay { names, carry: carries(&spec.carry, carried)? })
}

fn carries(spec: &BTreeMap<String, String>, carried: &[String]) -> Result<Vec<(usize, Vec<String>)>, SpecError> {
    spec.iter().map(|(name, path)| Ok((slot(name, carried), names(&format!("xml.carry.{name}"), path)?))).collect()
}

fn names(path: &str, written: &str) -> Result<Vec<String>, SpecError> {
    let names: Vec<String> = written.trim_matches('/').split('/').map(str::to_owned).collect();
    if names.iter().any(|name| name.is_empty() || name.contains([' ', ':', '*', '['])) {
        return Err(SpecError::new(path, format!("`{written}` is no way through XML")).hint(
            "join the names of elements, without their namespaces, by `/`; the name of an attribute begins with `@`",
        ));
    }
    Ok(names)
}
