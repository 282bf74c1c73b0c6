//! From a source's YAML to a source, with every mistake found at once.

mod carries;
mod conditions;
mod delivery;
mod format;
mod packing;
mod usages;

use std::collections::BTreeMap;

use metering::exact::Exact;
use metering::stream::Stream;
use sha2::{Digest, Sha256};

use crate::column::Slots;
use crate::cut::Cuts;
use crate::error::SpecError;
use crate::expression::TextExpression;
use crate::field::Scope;
use crate::label::Label;
use crate::pattern::KeyPattern;
use crate::source::{Mapping, RejectLimit, Source};
use crate::spec::{DeploymentSpec, FormatName, LabelSpec, SourceSpec};

/// Mistakes found so far.
pub(crate) type Problems = Vec<SpecError>;

/// Keeps the value or the mistake.
pub(crate) fn keep<T>(result: Result<T, SpecError>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

impl SourceSpec {
    /// Compiles the source against the catalogue's streams.
    ///
    /// # Errors
    /// Every mistake, each with its place in the YAML.
    pub fn compile(&self, streams: &BTreeMap<String, Stream>) -> Result<Source, Vec<SpecError>> {
        let mut problems = Problems::new();
        let mapping = if self.members.is_empty() {
            self.mapping(None, streams, &mut problems)
        } else {
            self.bundle(streams, &mut problems)
        };
        match mapping {
            Some(mapping) if problems.is_empty() => Ok(Source { inner: std::sync::Arc::new(mapping) }),
            _ => Err(problems),
        }
    }

    /// One mapping for each entry of `members`; the first one is the source's.
    fn bundle(&self, streams: &BTreeMap<String, Stream>, problems: &mut Problems) -> Option<Mapping> {
        let mut mappings = Vec::new();
        for (i, member) in self.members.0.iter().enumerate() {
            let Some(spec) = keep(packing::for_member(self, i, member), problems) else { continue };
            let mut found = Problems::new();
            mappings.extend(spec.mapping(Some(i), streams, &mut found));
            for problem in packing::place(found, i, member) {
                // What is wrong for all of them is said once.
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        let hashes: Vec<_> = mappings.iter().map(|mapping| mapping.hash.as_str()).collect();
        let hash = hex(&Sha256::digest(hashes.concat()));
        let identified = mappings.iter().any(|mapping| mapping.identified);
        let mut mappings = mappings.into_iter();
        let first = mappings.next()?;
        Some(Mapping { hash, identified, others: mappings.collect(), ..first })
    }

    fn mapping(
        &self,
        member: Option<usize>,
        streams: &BTreeMap<String, Stream>,
        problems: &mut Problems,
    ) -> Option<Mapping> {
        keep(check_name(&self.name), problems);
        let objects = keep(KeyPattern::compile(&self.objects), problems);
        let of_key: Vec<&str> = objects.iter().flat_map(KeyPattern::captures).collect();
        let packing = keep(packing::compile(self), problems);
        let files = packing.iter().find_map(|packing| packing.members.get(member?));
        let of_bundle = packing::tags(packing.as_ref(), files);
        keep(packing::check_tags(&of_key, &of_bundle), problems);
        let tags = of_key.iter().copied().chain(of_bundle.iter().map(String::as_str)).collect();
        let is_flat = matches!(self.format, FormatName::Csv | FormatName::Text | FormatName::FixedWidth);
        let mut scope = Scope {
            tags,
            slots: is_flat.then(Slots::default),
            dotted: self.format == FormatName::KeyValue,
            numbered: self.format == FormatName::Csv,
            each: None,
            carried: carries::names(self),
            roots: Vec::new(),
            cuts: Cuts { specs: Some(&self.cut), absent: &self.absent },
        };
        cuts(self, problems);
        let carry = carries::compile(self, &mut scope, problems);
        let reject_limit = keep(self.limit(), problems);
        let fans = usages::compile(self, streams, &mut scope, problems);
        let replaces = keep(delivery::compile(self, &of_key), problems);
        let carried = scope.carried.len();
        let format = keep(format::compile(self, scope), problems);
        let lines = keep(format::lines(self, format.as_ref()), problems);
        Some(Mapping {
            name: self.name.clone(),
            hash: self.hash(streams, problems),
            objects: objects?,
            format: format?,
            lines: lines?,
            carry,
            carried,
            packing: packing?,
            others: Vec::new(),
            absent: self.absent.iter().map(|text| text.0.clone()).collect(),
            fans,
            reject_limit: reject_limit?,
            on_change: self.on_change,
            expect: self.expect,
            replaces: replaces?,
            identified: !self.event_id.is_empty(),
        })
    }

    fn limit(&self) -> Result<RejectLimit, SpecError> {
        let written = &self.reject_limit.0;
        let wrong = || {
            SpecError::new("reject-limit", format!("`{written}` is no share of the records"))
                .hint("write a number from 0 to 1 with at most 9 decimals, such as 0.001 for one in a thousand")
        };
        let share = Exact::parse(written).and_then(|share| share.to_scaled(9)).map_err(|_| wrong())?;
        let numerator = u128::try_from(share).ok().filter(|share| *share <= 1_000_000_000).ok_or_else(wrong)?;
        Ok(RejectLimit { numerator, denominator: 1_000_000_000 })
    }

    /// Over the mapping as it is understood, so that comments and layout do not matter, and over
    /// the rules of its streams that decide what a record says.
    fn hash(&self, streams: &BTreeMap<String, Stream>, problems: &mut Problems) -> String {
        let rules = self.usage.iter().filter_map(|usage| {
            let Stream { scale, kind, negative, unit, .. } = streams.get(&usage.stream)?;
            Some((scale, kind, negative, usage.unit.as_ref().map(|_| unit)))
        });
        let rules: Vec<_> = rules.collect();
        // How often files come says nothing of what is in them.
        let said = Self { expect: None, ..self.clone() };
        match serde_json::to_vec(&(said, rules)) {
            Ok(text) => hex(&Sha256::digest(text)),
            Err(error) => {
                problems.push(SpecError::new("", format!("the source cannot be written as JSON: {error}")));
                String::new()
            }
        }
    }
}

/// What is wrong with cuts that nothing uses is said, too.
fn cuts(spec: &SourceSpec, problems: &mut Problems) {
    let wrong = spec.cut.iter().filter_map(|(name, cut)| Some((name, crate::cut::pattern(cut).err()?)));
    problems.extend(wrong.map(|(name, message)| SpecError::new(format!("cut.{name}.match"), message)));
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_name(name: &str) -> Result<(), SpecError> {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.is_empty() || !name.bytes().all(letters) {
        return Err(SpecError::new("name", "a source's name is made of letters, digits, `-`, `_` and `.`"));
    }
    Ok(())
}

/// Compiles a field that stands at `path` of the source.
pub(crate) fn text(path: &str, written: &str, scope: &mut Scope<'_>) -> Result<TextExpression, SpecError> {
    TextExpression::compile(written, scope).map_err(|message| SpecError::new(path, message))
}

/// Compiles a name that stands at `path` of the source.
pub(crate) fn label(path: &str, spec: &LabelSpec, scope: &mut Scope<'_>) -> Result<Label, SpecError> {
    Label::compile(spec, scope).map_err(|(field, message)| {
        let path = field.map_or(path.to_owned(), |field| format!("{path}.{field}"));
        SpecError::new(path, message)
    })
}

/// Compiles the field, the capture or the text that says whose usage it is.
pub(crate) fn deployment(spec: &DeploymentSpec, scope: &mut Scope<'_>) -> Result<Label, SpecError> {
    let (path, field) = match (&spec.field, &spec.tag, &spec.value) {
        (Some(field), None, None) => ("deployment.field", field.clone()),
        (None, None, Some(value)) if !value.0.is_empty() => {
            ("deployment.value", format!("'{}'", value.0.replace('\'', "''")))
        }
        (None, Some(tag), None) => ("deployment.tag", captured(tag, scope)?),
        _ => {
            return Err(SpecError::new(
                "deployment",
                "exactly one of `field`, `tag` and `value` says which deployment it is",
            )
            .hint("write for example `deployment: {tag: site}` for the part of the key that `{site}` captures"));
        }
    };
    let DeploymentSpec { cut, trim, case, map, otherwise, .. } = spec.clone();
    Label::compile(&LabelSpec { field, cut, trim, case, map, otherwise }, scope).map_err(|(field, message)| {
        SpecError::new(field.map_or(path.to_owned(), |field| format!("deployment.{field}")), message)
    })
}

/// The capture `tag` as a field.
fn captured(tag: &str, scope: &Scope<'_>) -> Result<String, SpecError> {
    if scope.tags.contains(&tag) {
        return Ok(format!("$tag.\"{tag}\""));
    }
    let problem = SpecError::new("deployment.tag", format!("the pattern in `objects` has no capture `{{{tag}}}`"));
    Err(problem.hint_near(tag, scope.tags.iter().copied()))
}
