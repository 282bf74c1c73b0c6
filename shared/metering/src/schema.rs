//! How streams are written, for editors.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::stream::Interval;

impl JsonSchema for Interval {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Interval")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Minutes or hours that are a multiple of 15 minutes, at most a day: 15m, 1h, 24h.",
            "type": "string",
            "pattern": "^[0-9]+[mh]$"
        })
    }
}
