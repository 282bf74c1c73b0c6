//! `encoding`, `envelope`, `members` and `manifest`.

use encoding_rs::Encoding;
use serde_json::Value;

use super::Problems;
use crate::error::SpecError;
use crate::lex::{Grammar, Token, tokens};
use crate::packing::{Envelope, FilePattern, Listing, Manifest, MemberChoice, Packing, Way};
use crate::pattern::KeyPattern;
use crate::spec::{EnvelopeSpec, Held, ManifestFormat, ManifestSpec, MemberSpec, SourceSpec};

/// What is the source's and cannot differ from file to file of a bundle.
const OF_THE_SOURCE: [&str; 10] = [
    "name",
    "objects",
    "members",
    "manifest",
    "envelope",
    "encoding",
    "on-change",
    "delivery",
    "replaces",
    "reject-limit",
];

/// Compiles what is declared of the packing.
pub(super) fn compile(spec: &SourceSpec) -> Result<Packing, SpecError> {
    Ok(Packing {
        encoding: spec.encoding.as_deref().map(encoding).transpose()?,
        envelope: spec.envelope.as_ref().map(envelope).transpose()?,
        members: choices(&spec.members.0)?,
        manifest: spec.manifest.as_ref().map(manifest).transpose()?,
    })
}

/// The source as it is for the files of one entry of `members`.
pub(super) fn for_member(spec: &SourceSpec, index: usize, member: &MemberSpec) -> Result<SourceSpec, SpecError> {
    let place = format!("members[{index}]");
    if let Some(key) = member.overrides.keys().find(|key| OF_THE_SOURCE.contains(&key.as_str())) {
        return Err(SpecError::new(format!("{place}.{key}"), format!("`{key}` is the same for all files of a bundle"))
            .hint("write it beside `members`"));
    }
    if member.overrides.is_empty() {
        return Ok(spec.clone());
    }
    let wrong = |error: serde_json::Error| SpecError::new(place.clone(), error.to_string());
    let mut whole = serde_json::to_value(spec).map_err(wrong)?;
    if let Value::Object(whole) = &mut whole {
        whole.extend(member.overrides.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    serde_json::from_value(whole).map_err(wrong)
}

/// Moves mistakes in what an entry of `members` says to their place there.
pub(super) fn place(problems: Problems, index: usize, member: &MemberSpec) -> Problems {
    let moved = |mut problem: SpecError| {
        let key = problem.path.split(['.', '[']).next().unwrap_or_default();
        if member.overrides.contains_key(key) {
            problem.path = format!("members[{index}].{}", problem.path);
        }
        problem
    };
    problems.into_iter().map(moved).collect()
}

/// What else than the key gives tags: the names of the files, and the manifest.
pub(super) fn tags(packing: Option<&Packing>, files: Option<&MemberChoice>) -> Vec<String> {
    let of_files = files.into_iter().flat_map(|choice| choice.files.pattern.captures().map(str::to_owned));
    let manifest = packing.and_then(|packing| packing.manifest.as_ref());
    of_files
        .chain(manifest.into_iter().flat_map(|manifest| manifest.tags.iter().map(|(name, _)| name.clone())))
        .collect()
}

/// No tag may come from two places.
pub(super) fn check_tags(of_key: &[&str], of_bundle: &[String]) -> Result<(), SpecError> {
    let known = |at: usize, tag: &String| of_key.contains(&tag.as_str()) || of_bundle.iter().take(at).any(|t| t == tag);
    match of_bundle.iter().enumerate().find(|(at, tag)| known(*at, tag)) {
        Some((_, tag)) => Err(SpecError::new("members", format!("`$tag.{tag}` would come from two places"))
            .hint("name the captures of `objects`, `members` and the tags of the manifest differently")),
        None => Ok(()),
    }
}

fn encoding(label: &str) -> Result<&'static Encoding, SpecError> {
    Encoding::for_label_no_replacement(label.replace("latin-", "latin").as_bytes()).ok_or_else(|| {
        SpecError::new("encoding", format!("`{label}` is no encoding that is known"))
            .hint("write for example utf-16le, latin-1, windows-1252 or shift_jis; UTF-8 needs no word")
    })
}

fn envelope(spec: &EnvelopeSpec) -> Result<Envelope, SpecError> {
    match (&spec.field, spec.holds) {
        (None, Held::Base64) => Ok(Envelope::Base64),
        (None, Held::Text) => Err(SpecError::new("envelope", "text that is in no field is in no envelope")
            .hint("name the field, or remove `envelope`")),
        (Some(field), holds) => {
            Ok(Envelope::Json { field: way("envelope.field", field)?, base64: holds == Held::Base64 })
        }
    }
}

fn choices(members: &[MemberSpec]) -> Result<Vec<MemberChoice>, SpecError> {
    let single = members.len() == 1;
    let choice = |(i, member): (usize, &MemberSpec)| {
        let path = if single { "members".to_owned() } else { format!("members[{i}]") };
        let files = files(&path, &member.files)?;
        Ok(MemberChoice { files, optional: member.optional })
    };
    members.iter().enumerate().map(choice).collect()
}

fn files(path: &str, written: &str) -> Result<FilePattern, SpecError> {
    let pattern =
        KeyPattern::compile(written).map_err(|problem| SpecError { path: path.to_owned(), hint: None, ..problem })?;
    Ok(FilePattern { written: written.to_owned(), pattern })
}

fn manifest(spec: &ManifestSpec) -> Result<Manifest, SpecError> {
    let lists = match (spec.format, &spec.lists) {
        (ManifestFormat::Json, Some(lists)) => Listing::Json(way("manifest.lists", lists)?),
        (ManifestFormat::Json, None) if spec.tags.is_empty() => {
            return Err(SpecError::new("manifest", "the manifest is used for nothing")
                .hint("say with `lists` where it names the files, or with `tags` what else it says"));
        }
        (ManifestFormat::Json, None) => Listing::None,
        (ManifestFormat::Lines, None) if spec.tags.is_empty() => Listing::Lines,
        (ManifestFormat::Lines, _) => {
            return Err(SpecError::new("manifest.format", "a manifest of lines has no fields")
                .hint("remove `lists` and `tags`, or write `format: json`"));
        }
    };
    let tag = |(name, field): (&String, &String)| Ok((name.clone(), way(&format!("manifest.tags.{name}"), field)?));
    let tags = spec.tags.iter().map(tag).collect::<Result<_, SpecError>>()?;
    Ok(Manifest { file: files("manifest.file", &spec.file)?, lists, tags })
}

fn way(path: &str, written: &str) -> Result<Way, SpecError> {
    let wrong = |message| SpecError::new(path, message).hint("write for example `files`, `parts[*].name` or `a.b`");
    match tokens(written, Grammar::Each).map_err(wrong)?.as_slice() {
        [Token::Field(reference)] if !reference.from_root => {
            Ok(Way { written: written.to_owned(), steps: reference.segments.clone() })
        }
        _ => Err(wrong(format!("`{written}` is no field"))),
    }
}
