//! Where fields stand in records that look alike.

use super::{Field, From, Place, Shape, Step};
use crate::json::{Kind, Value};
use crate::row::Row;

/// What records that look alike have at a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Nothing, or null.
    Nothing,
    /// The same in all of them.
    Same,
    /// The string or number in this place; whether it is a number of JSON.
    At(usize, bool),
}

impl Field {
    /// What the records have there that look like this one; `None` where looks do not say.
    pub(crate) fn stands(&self, shape: Shape<'_>) -> Option<Stands> {
        match (&self.place, shape) {
            (Place::Tag(_), _) => Some(Stands::Same),
            (Place::Path { from: From::Root, steps }, Shape::Tree { root, .. }) => standing(root, steps),
            (Place::Path { from: From::Part, steps }, Shape::Tree { element, .. }) => standing(element, steps),
            (Place::Slot(slot), Shape::Flat { row, header, .. }) => {
                Some(header.columns.get(*slot).map_or(Stands::Nothing, |column| standing_cell(row, *column)))
            }
            (Place::Cell(column), Shape::Flat { row, .. }) => Some(standing_cell(row, *column)),
            _ => None,
        }
    }
}

fn standing(from: Value<'_>, steps: &[Step]) -> Option<Stands> {
    let mut value = from;
    for step in steps {
        let next = match step {
            Step::Member(key) => value.member(key),
            Step::Element(index) => value.element(*index),
            // What they lead to depends on texts and parts.
            Step::With(..) | Step::Same(_) => return None,
        };
        match next {
            Some(next) => value = next,
            None => return Some(Stands::Nothing),
        }
    }
    match value.kind() {
        Kind::Null => Some(Stands::Nothing),
        Kind::String => Some(Stands::At(value.place()?, false)),
        Kind::Number => Some(Stands::At(value.place()?, true)),
        Kind::True | Kind::False | Kind::Array | Kind::Object => Some(Stands::Same),
    }
}

fn standing_cell(row: &Row, column: usize) -> Stands {
    if column < row.width() { Stands::At(column, false) } else { Stands::Nothing }
}
