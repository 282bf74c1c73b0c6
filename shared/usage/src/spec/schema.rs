//! How values that are written in more than one way are written, for editors.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::spec::packing::MemberSpec;
use crate::spec::scalars::{OneOrMany, Scalar, Short};

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Scalar")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "A text, a number or a truth.", "type": ["string", "number", "boolean"]})
    }
}

impl JsonSchema for MemberSpec {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Member")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The pattern of the names of files in a bundle, or `files` with what is different for them.",
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "description": "The pattern of their names: of the last segment, unless it has a `/` itself.",
                            "type": "string"
                        },
                        "optional": {"description": "Whether a bundle without such a file is fine.", "type": "boolean"}
                    }
                }
            ]
        })
    }
}

impl<T: JsonSchema> JsonSchema for Short<T> {
    fn schema_name() -> Cow<'static, str> {
        Cow::Owned(format!("Short{}", T::schema_name()))
    }

    fn schema_id() -> Cow<'static, str> {
        Cow::Owned(format!("usage::Short<{}>", T::schema_id()))
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "In short as one text, or in full.",
            "anyOf": [{"type": ["string", "number", "boolean"]}, generator.subschema_for::<T>()]
        })
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}OrList", T::schema_name()))
    }

    fn schema_id() -> Cow<'static, str> {
        Cow::Owned(format!("usage::OneOrMany<{}>", T::schema_id()))
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"description": "One, or a list of them.", "anyOf": [one, {"type": "array", "items": one}]})
    }
}
