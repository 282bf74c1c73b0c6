//! Fields: what a mapping looks up in a record, and what a record has there.

use crate::json::{Kind, Value};
use crate::lex::{Reference, Segment};
use crate::pattern::Tags;
use crate::row::Row;

/// A compiled field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// As it is written in the mapping.
    pub(crate) written: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// Steps into the element (of a fan-out, else the record), or into the whole record.
    Path { from_root: bool, steps: Vec<Step> },
    /// `$key`: the key that the element stands under.
    Key,
    /// `$tag.name`: what the object's key says.
    Tag(String),
    /// A cell, by what the reader's header says about this slot.
    Slot(usize),
    /// `$3`: a cell by its number.
    Cell(usize),
}

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Element(usize),
}

/// What a record has at a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'r> {
    /// Nothing: no such key, column or group.
    Missing,
    /// JSON null.
    Null,
    /// A text, also true and false.
    Text(&'r str),
    /// A JSON number.
    Number(&'r str),
    /// An object or an array.
    Nested,
}

/// A record as fields see it.
#[derive(Clone, Copy)]
pub(crate) struct View<'r> {
    pub(crate) shape: Shape<'r>,
    pub(crate) tags: &'r Tags,
}

/// How the record is laid out.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'r> {
    /// A JSON value, and the part of it that is looked at.
    Tree { root: Value<'r>, element: Value<'r> },
    /// Cells; `columns` says which one each slot of the mapping is.
    Flat { row: &'r Row, text: &'r str, columns: &'r [usize] },
}

/// The columns of a flat format that a mapping uses, in the order of their slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    pub(crate) names: Vec<String>,
    /// The highest column that is named by number, from 1.
    pub(crate) highest: usize,
}

impl Slots {
    fn slot(&mut self, name: &str) -> usize {
        match self.names.iter().position(|known| known == name) {
            Some(slot) => slot,
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        }
    }
}

/// What fields of a source may refer to.
pub(crate) struct Scope<'s> {
    /// The captures of the key pattern.
    pub(crate) tags: Vec<&'s str>,
    /// For flat formats the columns in use; `None` for JSON.
    pub(crate) slots: Option<Slots>,
    /// Whether cells have numbers.
    pub(crate) numbered: bool,
    /// Whether the element stands under a key.
    pub(crate) keyed: bool,
}

impl Field {
    /// Compiles a field as written.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn compile(reference: &Reference, scope: &mut Scope<'_>) -> Result<Self, String> {
        let written = reference.written.clone();
        let place = match reference.segments.first() {
            Some(Segment::Name(name, false)) if name.starts_with('$') => special(reference, name, scope)?,
            _ => match &mut scope.slots {
                Some(slots) => Place::Slot(slots.slot(&column_name(reference)?)),
                None => Place::Path { from_root: reference.from_root, steps: steps(reference)? },
            },
        };
        Ok(Self { written, place })
    }

    /// What the record has there.
    pub(crate) fn find<'r>(&'r self, view: View<'r>) -> Found<'r> {
        match (&self.place, view.shape) {
            (Place::Tag(name), _) => view.tags.get(name).map_or(Found::Missing, |text| Found::Text(text)),
            (Place::Key, Shape::Tree { element, .. }) => Found::Text(element.key()),
            (Place::Path { from_root, steps }, Shape::Tree { root, element }) => {
                walk(if *from_root { root } else { element }, steps)
            }
            (Place::Slot(slot), Shape::Flat { row, text, columns }) => {
                columns.get(*slot).map_or(Found::Missing, |column| cell(row, text, *column))
            }
            (Place::Cell(column), Shape::Flat { row, text, .. }) => cell(row, text, *column),
            _ => Found::Missing,
        }
    }
}

/// The reader has seen to it that every column is there: only an optional group can be unused, and
/// then it is as absent as null.
fn cell<'r>(row: &'r Row, text: &'r str, column: usize) -> Found<'r> {
    row.cell(text, column).map_or(Found::Null, Found::Text)
}

/// A name that begins with `$`.
fn special(reference: &Reference, name: &str, scope: &mut Scope<'_>) -> Result<Place, String> {
    let written = &reference.written;
    match (name, reference.segments.get(1..).unwrap_or_default()) {
        ("$key", []) if scope.keyed => Ok(Place::Key),
        ("$key", []) => Err("`$key` is the key of a map's value: it needs an `each` that ends in `.*`".to_owned()),
        ("$tag", [Segment::Name(tag, _)]) => {
            if scope.tags.contains(&tag.as_str()) {
                return Ok(Place::Tag(tag.clone()));
            }
            Err(format!("the pattern in `objects` has no capture `{{{tag}}}`"))
        }
        (number, []) if scope.numbered => {
            let number = number.trim_start_matches('$').parse::<usize>().ok().filter(|number| *number > 0);
            let number = number.ok_or_else(|| format!("`{written}` is no column: they are numbered from `$1`"))?;
            let slots = scope.slots.get_or_insert_default();
            slots.highest = slots.highest.max(number);
            Ok(Place::Cell(number - 1))
        }
        _ => Err(format!("there is no `{written}`; `$key` and `$tag.name` exist, and in CSV `$1`, `$2`, …")),
    }
}

/// The name of a column: all of it, dots included.
fn column_name(reference: &Reference) -> Result<String, String> {
    match reference.segments.as_slice() {
        _ if reference.from_root => Err(format!("`{}`: only records of JSON have a root", reference.written)),
        [Segment::Name(name, _)] => Ok(name.clone()),
        segments if segments.iter().all(|s| matches!(s, Segment::Name(_, false))) => Ok(reference.written.clone()),
        _ => Err(format!("`{}` is no column name; put the whole name in double quotes", reference.written)),
    }
}

fn steps(reference: &Reference) -> Result<Vec<Step>, String> {
    let step = |segment: &Segment| match segment {
        Segment::Name(name, _) => Ok(Step::Member(name.clone())),
        Segment::At(index) => Ok(Step::Element(*index)),
        Segment::EveryValue | Segment::EveryElement => Err(format!("`{}` is not a single field", reference.written)),
    };
    reference.segments.iter().map(step).collect()
}

fn walk<'r>(from: Value<'r>, steps: &[Step]) -> Found<'r> {
    let mut value = from;
    for step in steps {
        let next = match step {
            Step::Member(key) => value.member(key),
            Step::Element(index) => value.element(*index),
        };
        match next {
            Some(next) => value = next,
            // What null would hold is as absent as null itself.
            None if value.kind() == Kind::Null => return Found::Null,
            None => return Found::Missing,
        }
    }
    match value.kind() {
        Kind::Null => Found::Null,
        Kind::Number => Found::Number(value.text()),
        Kind::String | Kind::True | Kind::False => Found::Text(value.text()),
        Kind::Array | Kind::Object => Found::Nested,
    }
}

/// The names that a record has where a field looks: for the message about one that it has not.
pub(crate) fn neighbours<'r>(view: View<'r>) -> Vec<&'r str> {
    match view.shape {
        Shape::Tree { element, .. } => {
            element.children().map(|child| child.key()).filter(|key| !key.is_empty()).collect()
        }
        Shape::Flat { .. } => Vec::new(),
    }
}
