//! Fields: what a mapping looks up in a record, and what a record has there.

mod stands;

use crate::carry::Carried;
use crate::column::{Column, Header, Slots};
use crate::cut::{Cut, Cuts};
use crate::json::{Kind, Value};
use crate::lex::{Reference, Segment};
use crate::part::Level;
use crate::pattern::Tags;
use crate::row::Row;
use crate::source::{Each, Leads};
pub(crate) use stands::Stands;

/// Elements that hold something themselves are counted up to this place: to find one among them
/// takes as long as the place is high.
const MAX_COUNTED: usize = 10_000;

/// A compiled field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// As it is written in the mapping.
    pub(crate) written: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// Steps from somewhere in the record.
    Path { from: From, steps: Vec<Step> },
    /// `$value`: the part itself.
    Value,
    /// `$key`: the key that the part stands under, or the name of the column; also of an outer `*`.
    Key(Option<usize>),
    /// `$index`: the place of the part among its neighbours, from 0; also of an outer `*`.
    Index(Option<usize>),
    /// `$tag.name`: what the object's key says.
    Tag(String),
    /// `$carried.name`: what a record before said.
    Carried(usize),
    /// `$cut.name`: a part of a text.
    Cut(Box<Cut>),
    /// A cell, by what the reader's header says about this slot.
    Slot(usize),
    /// `$3`: a cell by its number.
    Cell(usize),
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Part,
    Root,
    /// At what the `*` of `each` with this number stands for.
    Level(usize),
}

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Element(usize),
    With(String, String),
    /// The element or value in the place of the `*` of `each` with this number.
    Same(usize),
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
    /// What is there cannot be told, for this reason.
    Unclear(&'r str),
}

/// A record as fields see it.
#[derive(Clone, Copy)]
pub(crate) struct View<'r> {
    pub(crate) shape: Shape<'r>,
    pub(crate) tags: &'r Tags,
    pub(crate) carried: &'r Carried,
}

/// How the record is laid out.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'r> {
    /// A tree of values, the part of it that is looked at, and where that stands.
    Tree { root: Value<'r>, element: Value<'r>, level: Option<&'r Level<'r>> },
    /// Cells, what is known of their columns, and the one that is looked at.
    Flat { row: &'r Row, text: &'r str, header: &'r Header, column: Option<&'r Column> },
}

impl<'r> Shape<'r> {
    /// All of a tree.
    pub(crate) fn tree(root: Value<'r>) -> Self {
        Self::Tree { root, element: root, level: None }
    }

    /// All of a row.
    pub(crate) fn flat(row: &'r Row, text: &'r str, header: &'r Header) -> Self {
        Self::Flat { row, text, header, column: None }
    }
}

/// What fields of a source may refer to.
pub(crate) struct Scope<'s> {
    /// The captures of the key pattern.
    pub(crate) tags: Vec<&'s str>,
    /// For flat formats the columns in use; `None` for JSON.
    pub(crate) slots: Option<Slots>,
    /// Whether dots are part of names, as records hold no objects.
    pub(crate) dotted: bool,
    /// Whether cells have numbers.
    pub(crate) numbered: bool,
    /// What `each` leads to, where fields are looked up in parts.
    pub(crate) each: Option<Each>,
    /// The names of what is carried from record to record.
    pub(crate) carried: Vec<String>,
    /// The names that fields of trees begin with.
    pub(crate) roots: Vec<String>,
    /// The texts that are cut out of fields.
    pub(crate) cuts: Cuts<'s>,
}

impl Scope<'_> {
    /// Notes the name that a field begins with.
    pub(crate) fn begins(&mut self, segments: &[Segment]) {
        if let Some(Segment::Name(name, _)) = segments.first() {
            self.roots.push(name.clone());
        }
    }

    /// How many columns a record needs so far.
    pub(crate) fn needs(&self) -> usize {
        self.slots.as_ref().map_or(0, |slots| slots.needed.len())
    }

    /// Of the columns that were needed since then one will do; none where there is a `fallback`.
    pub(crate) fn need_one_since(&mut self, before: usize, fallback: bool) {
        if let Some(slots) = &mut self.slots {
            slots.need_one_since(before, fallback);
        }
    }
}

impl Field {
    /// Compiles a field as written.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn compile(reference: &Reference, scope: &mut Scope<'_>) -> Result<Self, String> {
        let written = reference.written.clone();
        scope.begins(&reference.segments);
        let place = match reference.segments.first() {
            Some(Segment::Name(name, false)) if name.starts_with('$') && !reference.from_root => {
                special(reference, name, scope)?
            }
            _ => match &mut scope.slots {
                Some(slots) => Place::Slot(slots.slot(&column_name(reference)?)),
                None if scope.dotted => {
                    let steps = vec![Step::Member(column_name(reference)?)];
                    Place::Path { from: From::Root, steps }
                }
                None => path(reference, scope.each.as_ref())?,
            },
        };
        Ok(Self { written, place })
    }

    /// Whether it looks at a part through the `*` of `each`.
    pub(crate) fn follows_each(&self) -> bool {
        match &self.place {
            Place::Cut(cut) => cut.field.follows_each(),
            Place::Path { from: From::Level(_), .. } | Place::Key(Some(_)) | Place::Index(Some(_)) => true,
            Place::Path { steps, .. } => steps.iter().any(|step| matches!(step, Step::Same(_))),
            _ => false,
        }
    }

    /// Whether it is that of a part, rather than of the whole record.
    pub(crate) fn looks_at_parts(&self) -> bool {
        let of_part = matches!(
            &self.place,
            Place::Path { from: From::Part, .. } | Place::Value | Place::Key(_) | Place::Index(_)
        );
        of_part || self.follows_each() || matches!(&self.place, Place::Cut(cut) if cut.field.looks_at_parts())
    }

    /// The same field of the whole record, where this one is that of a part.
    pub(crate) fn at_root(&self) -> Option<Self> {
        let Place::Path { from: From::Part, steps } = &self.place else { return None };
        Some(Self { written: self.written.clone(), place: Place::Path { from: From::Root, steps: steps.clone() } })
    }

    /// Whether it is cut out of another field, which may be there although this is not.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(&self.place, Place::Cut(_))
    }

    /// What the record has there.
    pub(crate) fn find<'r>(&'r self, view: View<'r>) -> Found<'r> {
        match (&self.place, view.shape) {
            (Place::Tag(name), _) => view.tags.get(name).map_or(Found::Missing, |text| Found::Text(text)),
            (Place::Carried(slot), _) => view.carried.find(*slot),
            (Place::Cut(cut), _) => cut.find(view),
            (Place::Path { from, steps }, Shape::Tree { root, element, level }) => {
                let start = match from {
                    From::Part => Some(element),
                    From::Root => Some(root),
                    From::Level(number) => level.and_then(|level| level.at(*number)).map(|level| level.value),
                };
                start.map_or(Found::Missing, |start| walk(start, steps, level))
            }
            (Place::Slot(slot), Shape::Flat { row, text, header, .. }) => {
                header.columns.get(*slot).map_or(Found::Missing, |column| cell(row, text, *column))
            }
            (Place::Cell(column), Shape::Flat { row, text, .. }) => cell(row, text, *column),
            (place, shape) => within(place, shape),
        }
    }
}

/// What is known of a part besides its fields.
fn within<'r>(place: &Place, shape: Shape<'r>) -> Found<'r> {
    let found = match (place, shape) {
        (Place::Value, Shape::Tree { element, .. }) => return found(element),
        (Place::Value, Shape::Flat { row, text, column: Some(column), .. }) => return cell(row, text, column.number),
        (Place::Key(number), Shape::Tree { level: Some(level), .. }) => {
            number.map_or(Some(level), |number| level.at(number)).map(|level| level.value.key())
        }
        (Place::Key(_), Shape::Flat { header, column: Some(column), .. }) => header.name(column.number),
        (Place::Index(number), Shape::Tree { level: Some(level), .. }) => {
            number.map_or(Some(level), |number| level.at(number)).map(|level| level.ordinal.text())
        }
        (Place::Index(_), Shape::Flat { column: Some(column), .. }) => Some(column.ordinal.text()),
        _ => None,
    };
    found.map_or(Found::Missing, Found::Text)
}

/// A column that the row has not is missing; a group that took no part is as absent as null.
fn cell<'r>(row: &'r Row, text: &'r str, column: usize) -> Found<'r> {
    if column >= row.width() {
        return Found::Missing;
    }
    row.cell(text, column).map_or(Found::Null, Found::Text)
}

/// A name that begins with `$`.
fn special(reference: &Reference, name: &str, scope: &mut Scope<'_>) -> Result<Place, String> {
    let written = &reference.written;
    let needs = |what: &str| Err(format!("`{written}` needs {what}"));
    match (name, reference.segments.get(1..).unwrap_or_default()) {
        ("$key", []) => match &scope.each {
            Some(each) if each.is_keyed() => Ok(Place::Key(None)),
            _ => needs("an `each` whose last `*` stands for the values of a map, as in `zones.*`"),
        },
        ("$value", []) if scope.each.is_some() => Ok(Place::Value),
        ("$index", []) if scope.each.is_some() => Ok(Place::Index(None)),
        ("$value" | "$index", []) => needs("an `each`, whose part it is"),
        ("$carried", [Segment::Name(name, _)]) => match scope.carried.iter().position(|known| known == name) {
            Some(slot) => Ok(Place::Carried(slot)),
            None => Err(format!("nothing is carried under the name `{name}`; declare it under `carry`")),
        },
        ("$cut", [Segment::Name(name, _)]) => Cut::compile(name, scope).map(|cut| Place::Cut(Box::new(cut))),
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
        _ => Err(format!(
            "there is no `{written}`; `$key`, `$value`, `$index`, `$tag.name`, `$carried.name` and `$cut.name` exist, and in CSV `$1`, `$2`, …"
        )),
    }
}

/// The name of a column: all of it, dots included.
fn column_name(reference: &Reference) -> Result<String, String> {
    match reference.segments.as_slice() {
        [Segment::Name(name, _)] => Ok(name.clone()),
        segments if segments.iter().all(|s| matches!(s, Segment::Name(_, false))) => {
            Ok(reference.written.trim_start_matches('^').to_owned())
        }
        _ => Err(format!("`{}` is no column name; put the whole name in double quotes", reference.written)),
    }
}

/// A field of a tree. A `*` in it stands for what the `*` of `each` in the same place stands for.
fn path(reference: &Reference, each: Option<&Each>) -> Result<Place, String> {
    if !reference.segments.iter().any(is_wild) {
        let from = if reference.from_root { From::Root } else { From::Part };
        return Ok(Place::Path { from, steps: steps(reference, &reference.segments, 0)? });
    }
    let Some(Each { way: Leads::Steps(way), .. }) = each else {
        return Err(format!("`{}` needs an `each`, whose `*` it follows", reference.written));
    };
    let way: Vec<&Segment> = way.iter().filter(|segment| **segment != Segment::Perhaps).collect();
    let wild = |segments: &[Segment]| segments.iter().filter(|segment| is_wild(segment)).count();
    if wild(&reference.segments) > way.iter().filter(|segment| is_wild(segment)).count() {
        return Err(format!("`{}` has more `*` than `each`", reference.written));
    }
    // As far as it goes the same way as `each`, it need not be walked again.
    let same = reference.segments.iter().zip(way).take_while(|(a, b)| alike(a, b)).count();
    let shared = reference.segments.get(..same).unwrap_or_default();
    let shared = shared.iter().rposition(is_wild).map_or(0, |last| last + 1);
    let (before, rest) = reference.segments.split_at(shared);
    let levels = wild(before);
    if let Some(level) = levels.checked_sub(1) {
        return match rest {
            [Segment::Name(name, false)] if name == "$key" => Ok(Place::Key(Some(level))),
            [Segment::Name(name, false)] if name == "$index" => Ok(Place::Index(Some(level))),
            rest => Ok(Place::Path { from: From::Level(level), steps: steps(reference, rest, levels)? }),
        };
    }
    Ok(Place::Path { from: From::Root, steps: steps(reference, rest, 0)? })
}

fn is_wild(segment: &Segment) -> bool {
    matches!(segment, Segment::EveryValue | Segment::EveryElement)
}

/// Whether two steps lead to the same place; whether a name was quoted does not matter.
fn alike(a: &Segment, b: &Segment) -> bool {
    match (a, b) {
        (Segment::Name(a, _), Segment::Name(b, _)) => a == b,
        (a, b) => a == b,
    }
}

/// The steps of some segments, before which there were so many `*`.
fn steps(reference: &Reference, segments: &[Segment], wild: usize) -> Result<Vec<Step>, String> {
    let mut wild = wild;
    let mut step = |segment: &Segment| match segment {
        Segment::Name(name, _) => Ok(Step::Member(name.clone())),
        Segment::At(index) => Ok(Step::Element(*index)),
        Segment::With(key, text) => Ok(Step::With(key.clone(), text.clone())),
        Segment::EveryValue | Segment::EveryElement => {
            wild += 1;
            Ok(Step::Same(wild - 1))
        }
        Segment::Perhaps => Err(format!("`{}` is not a single field", reference.written)),
    };
    segments.iter().map(&mut step).collect()
}

fn walk<'r>(from: Value<'r>, steps: &[Step], level: Option<&Level<'r>>) -> Found<'r> {
    let mut value = from;
    for step in steps {
        let next = match step {
            Step::Member(key) => value.member(key),
            Step::Element(index) => value.element(*index),
            Step::With(key, text) => match value.with(key, text) {
                Err(true) => return Found::Unclear("more than one element of the list has this text under this key"),
                found => found.ok(),
            },
            Step::Same(number) => match level.and_then(|level| level.at(*number)) {
                Some(level)
                    if value.kind() == Kind::Array && !value.is_flat() && level.ordinal.value() > MAX_COUNTED =>
                {
                    return Found::Unclear("the list is too long to look up in it what stands in the same place");
                }
                Some(level) if value.kind() == Kind::Array => value.element(level.ordinal.value()),
                Some(level) => value.member(level.value.key()),
                None => None,
            },
        };
        match next {
            Some(next) => value = next,
            // What null would hold is as absent as null itself.
            None if value.kind() == Kind::Null => return Found::Null,
            None => return Found::Missing,
        }
    }
    found(value)
}

fn found(value: Value<'_>) -> Found<'_> {
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
