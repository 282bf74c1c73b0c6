//! What is carried from one record to those behind it: a meter's number to its readings, a
//! document's identity to its entries.

use crate::condition::Condition;
use crate::expression::{Outcome, TextExpression};
use crate::field::{Found, Shape, View};
use crate::pattern::Tags;

/// A value that is carried has at most so many bytes.
const MAX_CARRIED: usize = 4_096;

/// A compiled entry of `carry`: which records say something for others, and what.
#[derive(Clone, Debug)]
pub(crate) struct Carry {
    pub(crate) conditions: Vec<Condition>,
    /// Slots and their fields.
    pub(crate) fields: Vec<(usize, TextExpression)>,
}

/// What records so far have said.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    values: Vec<Value>,
}

#[derive(Clone, Debug, Default)]
enum Value {
    /// No record has said it.
    #[default]
    Unsaid,
    /// It was said to be absent.
    Null,
    Text(String),
    /// A record that may have said it could not be read; why it is not known.
    Lost(String),
}

impl Carried {
    pub(crate) fn new(slots: usize) -> Self {
        Self { values: vec![Value::Unsaid; slots] }
    }

    pub(crate) fn find(&self, slot: usize) -> Found<'_> {
        match self.values.get(slot) {
            None | Some(Value::Unsaid) => Found::Missing,
            Some(Value::Null) => Found::Null,
            Some(Value::Text(text)) => Found::Text(text),
            Some(Value::Lost(why)) => Found::Unclear(why),
        }
    }

    /// Keeps what stands around the records behind it; none where nothing stands there any longer.
    ///
    /// # Errors
    /// In words, where it is too long.
    pub(crate) fn set(&mut self, slot: usize, text: Option<String>) -> Result<(), String> {
        if text.as_ref().is_some_and(|text| text.len() > MAX_CARRIED) {
            return Err(format!("a value that is carried is longer than {MAX_CARRIED} bytes"));
        }
        self.put(slot, text.map_or(Value::Unsaid, Value::Text));
        Ok(())
    }

    /// Keeps what the record says for those behind it.
    ///
    /// # Errors
    /// In words, where it should say something and does not; what is carried is then lost.
    pub(crate) fn keep(
        &mut self,
        carries: &[Carry],
        shape: Shape<'_>,
        tags: &Tags,
        absent: &[String],
        line: u64,
    ) -> Result<(), String> {
        for carry in carries {
            match said(carry, View { shape, tags, carried: self }, absent) {
                Ok(said) => said.into_iter().for_each(|(slot, value)| self.put(slot, value)),
                Err(why) => {
                    self.lose(carries, line);
                    return Err(why);
                }
            }
        }
        Ok(())
    }

    /// Forgets everything: the record on this line could not be read, and may have said otherwise.
    pub(crate) fn lose(&mut self, carries: &[Carry], line: u64) {
        let why = format!("the record on line {line}, which may have said it anew, was rejected");
        for slot in carries.iter().flat_map(|carry| &carry.fields).map(|(slot, _)| *slot) {
            self.put(slot, Value::Lost(why.clone()));
        }
    }

    fn put(&mut self, slot: usize, value: Value) {
        if let Some(place) = self.values.get_mut(slot) {
            *place = value;
        }
    }
}

fn said(carry: &Carry, view: View<'_>, absent: &[String]) -> Result<Vec<(usize, Value)>, String> {
    for condition in &carry.conditions {
        if !condition.holds(view, &[])? {
            return Ok(Vec::new());
        }
    }
    let read = |(slot, field): &(usize, TextExpression)| {
        let value = match field.find(view, absent)? {
            Outcome::Present(found) if found.text.len() > MAX_CARRIED => {
                return Err(format!(
                    "`{}` is longer than {MAX_CARRIED} bytes: too long to be carried",
                    field.written()
                ));
            }
            Outcome::Present(found) => Value::Text(found.text.to_owned()),
            Outcome::Absent(_) => Value::Null,
            Outcome::Missing(missed) => return Err(format!("there is no `{}` to carry", missed.written)),
        };
        Ok((*slot, value))
    };
    carry.fields.iter().map(read).collect()
}
