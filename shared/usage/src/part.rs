//! The parts of a record that `each` leads to, and where a part stands.

use crate::json::{Kind, Value};
use crate::lex::Segment;

/// Where a part stands: one level for each `*` on the way to it, the innermost first.
#[derive(Clone, Copy)]
pub(crate) struct Level<'r> {
    /// The element or value that the `*` stands for.
    pub(crate) value: Value<'r>,
    /// Its place among its neighbours, from 0.
    pub(crate) ordinal: Ordinal,
    /// Which `*` of `each` it is, from 0.
    number: usize,
    above: Option<&'r Level<'r>>,
}

impl<'r> Level<'r> {
    /// The level of the `*` with this number.
    pub(crate) fn at(&'r self, number: usize) -> Option<&'r Level<'r>> {
        let mut level = self;
        while level.number != number {
            level = level.above?;
        }
        Some(level)
    }
}

/// A small number that can be read as a text.
#[derive(Clone, Copy)]
pub(crate) struct Ordinal {
    value: usize,
    digits: [u8; 20],
    start: usize,
}

impl Ordinal {
    pub(crate) fn new(value: usize) -> Self {
        let mut ordinal = Self { value, digits: [b'0'; 20], start: 20 };
        let mut rest = value;
        while let Some(start) = ordinal.start.checked_sub(1) {
            if let Some(digit) = ordinal.digits.get_mut(start) {
                *digit = u8::try_from(rest % 10).map_or(b'0', |digit| b'0' + digit);
            }
            (ordinal.start, rest) = (start, rest / 10);
            if rest == 0 {
                break;
            }
        }
        ordinal
    }

    pub(crate) fn value(&self) -> usize {
        self.value
    }

    pub(crate) fn text(&self) -> &str {
        self.digits.get(self.start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

/// Takes parts: what `each` leads to, and the level of its last `*`.
pub(crate) type Visit<'v> = dyn FnMut(Value<'_>, &Level<'_>) -> Result<(), String> + 'v;

/// Calls `visit` for every part of `root` that the steps lead to.
///
/// # Errors
/// In words, where the record has no such parts, and what `visit` says.
pub(crate) fn walk(root: Value<'_>, steps: &[Segment], written: &str, visit: &mut Visit<'_>) -> Result<(), String> {
    Walk { written, visit }.go(root, steps, None)
}

struct Walk<'w, 'v> {
    written: &'w str,
    visit: &'w mut Visit<'v>,
}

impl Walk<'_, '_> {
    fn go(&mut self, value: Value<'_>, steps: &[Segment], above: Option<&Level<'_>>) -> Result<(), String> {
        let Some((step, rest)) = steps.split_first() else {
            return above.map_or(Ok(()), |level| (self.visit)(value, level));
        };
        // Null holds no parts, as an empty list does.
        if value.kind() == Kind::Null {
            return Ok(());
        }
        let next = match step {
            Segment::Name(name, _) => value.member(name),
            Segment::At(index) => value.element(*index),
            Segment::With(key, text) => value.with(key, text).ok(),
            Segment::Perhaps => Some(value),
            Segment::EveryValue if value.kind() == Kind::Object => return self.all(value, rest, above),
            Segment::EveryElement if value.kind() == Kind::Array => return self.all(value, rest, above),
            Segment::EveryElement if value.is_list_of_one() => return self.one(value, 0, rest, above),
            Segment::EveryValue | Segment::EveryElement => None,
        };
        match next {
            Some(next) => self.go(next, rest, above),
            None if rest.first() == Some(&Segment::Perhaps) => Ok(()),
            None if rest.first() == Some(&Segment::EveryElement) && value.may_lack_lists() => Ok(()),
            None => Err(format!("the record has no parts `{}`", self.written)),
        }
    }

    fn all(&mut self, value: Value<'_>, rest: &[Segment], above: Option<&Level<'_>>) -> Result<(), String> {
        value.children().enumerate().try_for_each(|(place, child)| self.one(child, place, rest, above))
    }

    fn one(
        &mut self,
        value: Value<'_>,
        place: usize,
        rest: &[Segment],
        above: Option<&Level<'_>>,
    ) -> Result<(), String> {
        let number = above.map_or(0, |level| level.number + 1);
        self.go(value, rest, Some(&Level { value, ordinal: Ordinal::new(place), number, above }))
    }
}
