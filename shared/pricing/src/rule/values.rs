//! What conditions are told when a line is rated.

use std::collections::BTreeMap;

use metering::exact::Exact;

use crate::rule::Name;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Known {
    Text(String),
    Number(Exact),
}

/// An hour of a day of the week, in the billing zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clock {
    pub(crate) weekday: u32,
    pub(crate) hour: u32,
}

/// What is known of the usage of one line.
#[derive(Clone, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) customer: &'a BTreeMap<String, String>,
    /// The quantities of streams, as far as a rule asks for them.
    pub(crate) streams: &'a BTreeMap<String, Exact>,
    pub(crate) dimensions: &'a BTreeMap<String, String>,
    pub(crate) clock: Option<Clock>,
}

impl Values<'_> {
    pub(crate) fn get(&self, name: &Name) -> Option<Known> {
        let whole = |number: u32| Known::Number(Exact::integer(i128::from(number)));
        match name {
            Name::Customer(name) => self.customer.get(name).cloned().map(Known::Text),
            Name::Stream(name) => self.streams.get(name).copied().map(Known::Number),
            Name::Dimension(name) => self.dimensions.get(name).cloned().map(Known::Text),
            Name::Hour => self.clock.map(|clock| whole(clock.hour)),
            Name::Weekday => self.clock.map(|clock| whole(clock.weekday)),
        }
    }
}
