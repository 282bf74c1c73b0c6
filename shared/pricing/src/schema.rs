//! How values that are written in more than one way are written, for editors.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::day::Day;
use crate::decimal::Decimal;
use crate::example::{Amounts, GivenUsage, GivenUsages, Moment, Written};
use crate::money::Currency;
use crate::offer::CouponMonths;
use crate::price_list::Money;
use crate::price_spec::{PriceSpec, Texts};
use crate::prorate_spec::Prorate;
use crate::recurrence::Anchor;
use crate::spec::PlanComponentSpec;

/// A type that is written in several ways, with the schema of all of them.
macro_rules! written {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

written!(Day, "Day", {"description": "A day such as 2026-01-31.", "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"});

written!(Moment, "Moment", {
    "description": "A day, an hour or a quarter-hour such as 2026-02-03T14:15.",
    "type": "string",
    "pattern": "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}(:\\d{2})?)?$"
});

written!(Decimal, "Decimal", {
    "description": "A number such as 50 or 0.0004, exact.",
    "type": ["number", "string"],
    "pattern": "^-?[0-9]+(\\.[0-9]+)?$"
});

written!(Currency, "Currency", {
    "description": "An ISO 4217 code such as USD.",
    "type": "string",
    "pattern": "^[A-Z]{3}$"
});

written!(Texts, "Texts", {
    "description": "One text or several.",
    "anyOf": [{"type": ["string", "number", "boolean"]}, {"type": "array", "items": {"type": "string"}}]
});

written!(Written, "Quantity", {"description": "A quantity such as 12.5 TB.", "type": ["string", "number"]});

written!(Prorate, "Prorate", {
    "description": "What a part of a period costs.",
    "anyOf": [
        {"type": "string", "enum": ["day", "second", "none"]},
        {
            "type": "object",
            "additionalProperties": false,
            "required": ["by"],
            "properties": {
                "by": {"description": "Whole days are counted.", "type": "string", "enum": ["day"]},
                "of": {"description": "The denominator, such as 30 or 365.", "type": "integer", "minimum": 1},
                "count": {
                    "description": "Whether the last day counts: not with `half-open`, with `both-ends` it does.",
                    "type": "string",
                    "enum": ["half-open", "both-ends"]
                }
            }
        }
    ]
});

written!(CouponMonths, "CouponMonths", {
    "description": "How long a coupon holds: `once`, a number of months, or `forever`.",
    "anyOf": [{"type": "string", "enum": ["once", "forever"]}, {"type": "integer", "minimum": 1}]
});

written!(Anchor, "Anchor", {
    "description": "From which day the periods of a fee are counted.",
    "anyOf": [
        {"type": "string", "enum": ["calendar", "subscription"]},
        {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"},
        {"type": "integer", "minimum": 1, "maximum": 31}
    ]
});

impl JsonSchema for PlanComponentSpec {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("PlanComponent")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (price, prices) =
            (generator.subschema_for::<PriceSpec>(), generator.subschema_for::<BTreeMap<Currency, PriceSpec>>());
        json_schema!({
            "description": "A component in a plan: its name, or its name with a price of this plan.",
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["name"],
                    "properties": {
                        "name": {"description": "The component.", "type": "string"},
                        "price": {"description": "What it costs in this plan.", "allOf": [price]},
                        "prices": {"description": "What it costs in this plan, by currency.", "allOf": [prices]}
                    }
                }
            ]
        })
    }
}

impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Money")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (one, each) =
            (generator.subschema_for::<Decimal>(), generator.subschema_for::<BTreeMap<Currency, Decimal>>());
        json_schema!({"description": "An amount, or one for each currency.", "anyOf": [one, each]})
    }
}

impl JsonSchema for GivenUsages {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Usages")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (text, used) = (generator.subschema_for::<Written>(), generator.subschema_for::<GivenUsage>());
        json_schema!({
            "description": "What is used: a quantity, one with its dimensions, or a list of them.",
            "anyOf": [text, used, {"type": "array", "items": {"anyOf": [text, used]}}]
        })
    }
}

impl JsonSchema for Amounts {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Amounts")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let amount = generator.subschema_for::<Decimal>();
        json_schema!({
            "description": "One amount, or those of several periods.",
            "anyOf": [amount, {"type": "array", "items": amount}]
        })
    }
}
