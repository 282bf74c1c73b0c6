//! The models: their names, what belongs to each, and how each is read.

use metering::exact::Exact;
use metering::stream::Kind;

use crate::compile::price::{is_level, limits};
use crate::compile::{Keep, tiers};
use crate::decimal::Decimal;
use crate::price::{Meter, Model as Compiled, Percent, ShareName, UnitPrice};
use crate::price_spec::PriceSpec;

/// A model of price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    PerUnit,
    Graduated,
    Volume,
    Percent,
    Markup,
    Matrix,
    Rules,
    ByAttribute,
}

/// What any price of a row may say.
const ROW: [&str; 5] = ["round-quantity", "included", "line-minimum", "line-maximum", "prorate-included"];

impl Model {
    pub(crate) const ALL: [Self; 8] = [
        Self::PerUnit,
        Self::Graduated,
        Self::Volume,
        Self::Percent,
        Self::Markup,
        Self::Matrix,
        Self::Rules,
        Self::ByAttribute,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PerUnit => "per-unit",
            Self::Graduated => "graduated",
            Self::Volume => "volume",
            Self::Percent => "percent",
            Self::Markup => "markup",
            Self::Matrix => "matrix",
            Self::Rules => "rules",
            Self::ByAttribute => "by-attribute",
        }
    }

    /// What a component's price may say besides: what a price of a row may, and what is said for all rows.
    pub(crate) fn fields(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Self::PerUnit | Self::Graduated | Self::Volume => &["unit", "month"],
            Self::Matrix | Self::Rules => &["otherwise", "unit", "month"],
            Self::ByAttribute => &["amounts", "otherwise"],
            Self::Percent | Self::Markup => &[],
        };
        let around: &[&str] = match self {
            Self::ByAttribute => &["prorate"],
            _ => &["per", "bucket", "minimum", "maximum", "prorate"],
        };
        [self.row_fields(), own, around].concat()
    }

    /// Whether nothing but limits of this price is prorated.
    pub(crate) fn has_limits_only(self) -> bool {
        !matches!(self, Self::Matrix | Self::Rules | Self::ByAttribute)
    }

    /// What a price in a matrix may say besides; the rest is said for all rows.
    pub(crate) fn row_fields(self) -> &'static [&'static str] {
        match self {
            Self::PerUnit => &["unit-size", "packages", ROW[0], ROW[1], ROW[2], ROW[3], ROW[4]],
            Self::Graduated => {
                &["unit-size", "packages", "beyond", "zero-usage", ROW[0], ROW[1], ROW[2], ROW[3], ROW[4]]
            }
            Self::Volume => {
                &["unit-size", "packages", "beyond", "zero-usage", "tier-by", ROW[0], ROW[1], ROW[2], ROW[3], ROW[4]]
            }
            Self::Percent => &[
                "per-event",
                "free-events",
                "minimum-per-event",
                "maximum-per-event",
                "included",
                "line-minimum",
                "line-maximum",
            ],
            Self::Markup => &["included", "line-minimum", "line-maximum"],
            Self::Matrix | Self::Rules | Self::ByAttribute => &[],
        }
    }
}

/// The models that a price names; one, if it is right.
pub(crate) fn models(spec: &PriceSpec) -> Vec<Model> {
    let named = fields(spec);
    Model::ALL.into_iter().filter(|model| named.contains(&model.name())).collect()
}

/// The fields that a price has, in the order of the documentation.
pub(crate) fn fields(spec: &PriceSpec) -> Vec<&'static str> {
    let all = [
        ("per-unit", spec.per_unit.is_some()),
        ("graduated", spec.graduated.is_some()),
        ("volume", spec.volume.is_some()),
        ("percent", spec.percent.is_some()),
        ("markup", spec.markup.is_some()),
        ("matrix", spec.matrix.is_some()),
        ("rules", spec.rules.is_some()),
        ("by-attribute", spec.by_attribute.is_some()),
        ("unit", spec.unit.is_some()),
        ("month", spec.month.is_some()),
        ("round-quantity", spec.round_quantity.is_some()),
        ("unit-size", spec.unit_size.is_some()),
        ("included", spec.included.is_some()),
        ("prorate-included", spec.prorate_included.is_some()),
        ("per", spec.per.is_some()),
        ("bucket", spec.bucket.is_some()),
        ("packages", spec.packages.is_some()),
        ("beyond", spec.beyond.is_some()),
        ("zero-usage", spec.zero_usage.is_some()),
        ("tier-by", spec.tier_by.is_some()),
        ("per-event", spec.per_event.is_some()),
        ("free-events", spec.free_events.is_some()),
        ("minimum-per-event", spec.minimum_per_event.is_some()),
        ("maximum-per-event", spec.maximum_per_event.is_some()),
        ("line-minimum", spec.line_minimum.is_some()),
        ("line-maximum", spec.line_maximum.is_some()),
        ("minimum", spec.minimum.is_some()),
        ("maximum", spec.maximum.is_some()),
        ("amounts", spec.amounts.is_some()),
        ("otherwise", spec.otherwise.is_some()),
        ("prorate", spec.prorate.is_some()),
    ];
    all.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
}

/// Reads the model; `None` where it cannot be read.
pub(super) fn compile(spec: &PriceSpec, model: Model, meter: &Meter, keep: &mut Keep) -> Option<Compiled> {
    match model {
        Model::PerUnit => Some(Compiled::PerUnit(UnitPrice {
            price: keep.not_negative("per-unit", spec.per_unit),
            size: keep.positive("unit-size", spec.unit_size),
            packages: spec.packages.unwrap_or_default(),
            share: None,
        })),
        Model::Graduated => {
            tiers::compile("graduated", spec, spec.graduated.as_deref()?, keep).map(Compiled::Graduated)
        }
        Model::Volume => {
            let tiers = tiers::compile("volume", spec, spec.volume.as_deref()?, keep)?;
            Some(Compiled::Volume(tiers, spec.tier_by.unwrap_or_default()))
        }
        Model::Percent => Some(percent(spec, meter, keep)),
        Model::Markup => Some(Compiled::PerUnit(markup(spec.markup?, keep))),
        Model::Matrix | Model::Rules | Model::ByAttribute => None,
    }
}

/// A percentage as what one unit of money costs.
pub(super) fn share(path: &str, percent: Decimal, keep: &mut Keep) -> UnitPrice {
    let price = keep.not_negative(path, Some(percent));
    UnitPrice { price, size: Exact::integer(100), packages: Default::default(), share: Some(ShareName::Percent) }
}

/// The cost itself, and the percentage of it. Below nought it is a reduction, of the whole at most.
fn markup(percent: Decimal, keep: &mut Keep) -> UnitPrice {
    let hundred = Exact::integer(100);
    let price = percent.value().add(&hundred).unwrap_or(hundred);
    if price.is_negative() {
        keep.error("markup", format!("{percent} % takes off more than the cost"));
    }
    UnitPrice { price, size: hundred, packages: Default::default(), share: Some(ShareName::Markup) }
}

fn percent(spec: &PriceSpec, meter: &Meter, keep: &mut Keep) -> Compiled {
    let (least, most) = (spec.minimum_per_event, spec.maximum_per_event);
    let by_event = [("per-event", spec.per_event.is_some()), ("free-events", spec.free_events.is_some())];
    let limited = [("minimum-per-event", least.is_some()), ("maximum-per-event", most.is_some())];
    if meter.kind != Kind::Delta
        && let Some((field, _)) = by_event.into_iter().chain(limited).find(|(_, present)| *present)
    {
        let message = format!("`{field}` counts events, and the stream “{}” has none", meter.stream);
        keep.hinted(field, message, "only a stream of `kind: delta` has events");
    }
    if is_level(meter) {
        let message = format!("a percentage is taken of a sum, and a month of “{}” is a level", meter.stream);
        keep.hinted("percent", message, "give the stream `month: sum`");
    }
    Compiled::Percent(Percent {
        rate: share("percent", spec.percent.unwrap_or_else(|| Decimal::from(0)), keep),
        per_event: keep.not_negative("per-event", spec.per_event),
        free_events: spec.free_events,
        limits: limits(keep, ("minimum-per-event", least), ("maximum-per-event", most)),
    })
}
