//! Names made of a record's texts: deployments, series, dimensions, ids of events.

use std::borrow::Cow;
use std::collections::BTreeMap;

use regex::Regex;

use crate::cut::first_group;
use crate::expression::{Outcome, Plain, TextExpression, shorten};
use crate::field::{Scope, Shape, View};
use crate::spec::{Case, LabelSpec};

/// A text of the record, and how it is made a name.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    field: TextExpression,
    /// Nothing where the text is taken as it is.
    reading: Option<Box<Reading>>,
}

/// How a text is made a name, in this order.
#[derive(Clone, Debug)]
struct Reading {
    trim: bool,
    cut: Option<Regex>,
    case: Option<Case>,
    map: BTreeMap<String, String>,
    otherwise: Option<String>,
}

impl Label {
    /// Compiles a name.
    ///
    /// # Errors
    /// The field at fault (`match`, or none for the field itself), and in words.
    pub(crate) fn compile(spec: &LabelSpec, scope: &mut Scope<'_>) -> Result<Self, (Option<&'static str>, String)> {
        let field = TextExpression::compile(&spec.field, scope).map_err(|message| (None, message))?;
        let plain = LabelSpec { field: spec.field.clone(), ..LabelSpec::default() };
        if *spec == plain {
            return Ok(Self { field, reading: None });
        }
        let cut = spec.cut.as_deref().map(Regex::new).transpose();
        let reading = Reading {
            trim: spec.trim,
            cut: cut.map_err(|error| (Some("match"), format!("it is no regular expression: {error}")))?,
            case: spec.case,
            map: spec.map.iter().map(|(from, to)| (from.clone(), to.0.clone())).collect(),
            otherwise: spec.otherwise.as_ref().map(|text| text.0.clone()),
        };
        if reading.otherwise.is_some() && reading.cut.is_none() && reading.map.is_empty() {
            let message =
                "`otherwise` belongs to `match` or `map`; for a field that is not there write `field ?? 'text'`";
            return Err((Some("otherwise"), message.to_owned()));
        }
        Ok(Self { field, reading: Some(Box::new(reading)) })
    }

    /// As written.
    pub(crate) fn written(&self) -> &str {
        self.field.written()
    }

    /// Adds the places that the name depends on in records that look like this one.
    pub(crate) fn depends(&self, shape: Shape<'_>, on: &mut Vec<usize>) -> Option<()> {
        self.field.depends(shape, on)
    }

    /// The name that the record gives.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn find<'r>(&'r self, view: View<'r>, absent: &[String]) -> Result<Outcome<'r, Cow<'r, str>>, String> {
        Ok(match (self.field.find(view, absent)?, &self.reading) {
            (Outcome::Present(Plain { text, literal: false, .. }), Some(reading)) => {
                let name = reading.read(text);
                Outcome::Present(name.map_err(|why| format!("`{}` is `{}`: {why}", self.written(), shorten(text)))?)
            }
            (Outcome::Present(Plain { text, .. }), _) => Outcome::Present(Cow::Borrowed(text)),
            (Outcome::Absent(field), _) => Outcome::Absent(field),
            (Outcome::Missing(field), _) => Outcome::Missing(field),
        })
    }
}

impl Reading {
    fn read<'r>(&'r self, text: &'r str) -> Result<Cow<'r, str>, String> {
        let text = if self.trim { text.trim() } else { text };
        let text = match (&self.cut, &self.otherwise) {
            (None, _) => text,
            (Some(cut), otherwise) => match (first_group(cut, text), otherwise) {
                (Some(found), _) => found,
                (None, Some(otherwise)) => return Ok(Cow::Borrowed(otherwise)),
                (None, None) => {
                    return Err("its `match` does not match; what else there is, `otherwise` can name".to_owned());
                }
            },
        };
        let text = match self.case {
            None => Cow::Borrowed(text),
            Some(Case::Lower) => Cow::Owned(text.to_lowercase()),
            Some(Case::Upper) => Cow::Owned(text.to_uppercase()),
        };
        if self.map.is_empty() {
            return Ok(text);
        }
        match (self.map.get(text.as_ref()), &self.otherwise) {
            (Some(name), _) | (None, Some(name)) => Ok(Cow::Borrowed(name)),
            (None, None) => Err("its `map` does not name it; what else there is, `otherwise` can name".to_owned()),
        }
    }
}
