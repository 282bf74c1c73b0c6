//! What can be wrong with a mapping and with an object as a whole.

use crate::near::nearest;

/// Something in a source's YAML that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// Where it stands, relative to the source: `usage[0].quantity`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SpecError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Points to the known name that `name` is probably meant to be, or lists what there is.
    pub(crate) fn hint_near<'a>(self, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
        match nearest(name, known.clone()) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => match listed(known) {
                Some(list) => self.hint(format!("there are: {list}")),
                None => self,
            },
        }
    }
}

/// At most a dozen names for a message; `None` when there are none.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.take(13).collect();
    let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 12 { ", …" } else { "" };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

/// The object as a whole cannot be read: nothing of it may count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// What is wrong with it and what to do, as a sentence without a full stop.
    pub reason: String,
}

impl Unreadable {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
