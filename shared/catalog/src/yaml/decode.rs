//! Reading a marked tree into a typed value.

use std::rc::Rc;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::fault::Fault;
use super::tree::{Key, Node, Scalar, Value};

/// Reads `node` as a `T`; the complaint about the first thing that does not fit carries its place.
pub(crate) fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, Fault> {
    T::deserialize(Reader { node })
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
}

impl<'a> Reader<'a> {
    /// Gives the complaint this value's place if it has none.
    fn placed<T>(self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        outcome.map_err(|fault| fault.at(self.node.span))
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar(scalar) => visit_scalar(scalar, visitor),
            Value::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Value::Map(entries) => visitor.visit_map(Fields { entries: entries.iter(), value: None }),
        }
    }

    fn visit_text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.text() {
            Some(text) => visitor.visit_str(text),
            None => self.visit(visitor),
        }
    }

    fn visit_wide<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.text().and_then(|text| text.parse().ok()) {
            Some(number) => visitor.visit_i128(number),
            None => self.visit(visitor),
        }
    }

    fn visit_enum<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Scalar(scalar) => visitor.visit_enum(Choice { name: &scalar.text, at: self.node, content: None }),
            Value::Map(entries) => match entries.as_slice() {
                [(key, node)] => visitor.visit_enum(Choice { name: &key.text, at: node, content: Some(node) }),
                _ => Err(Fault::custom("expected exactly one field here")),
            },
            _ => self.visit(visitor),
        }
    }
}

/// Only truth values and whole numbers in their plainest form are more than text.
fn visit_scalar<'de, V: Visitor<'de>>(scalar: &Scalar, visitor: V) -> Result<V::Value, Fault> {
    let text = scalar.text.as_str();
    if scalar.plain {
        match text {
            "true" | "True" | "TRUE" => return visitor.visit_bool(true),
            "false" | "False" | "FALSE" => return visitor.visit_bool(false),
            _ => {}
        }
        if is_whole(text) {
            if let Ok(number) = text.parse::<u64>() {
                return visitor.visit_u64(number);
            }
            if let Ok(number) = text.parse::<i64>() {
                return visitor.visit_i64(number);
            }
        }
    }
    visitor.visit_str(text)
}

/// A whole number as a person writes it: no plus, no leading zero, no separators.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && (text == "0" || !digits.starts_with('0'))
}

macro_rules! read {
    ($($method:ident => $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.placed(self.$visit(visitor))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    read! {
        deserialize_any => visit;
        deserialize_str => visit_text;
        deserialize_string => visit_text;
        deserialize_char => visit_text;
        deserialize_identifier => visit_text;
        deserialize_i128 => visit_wide;
        deserialize_u128 => visit_wide;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.placed(match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.placed(visitor.visit_newtype_struct(self))
    }

    /// Never from a list: fields by position would change their meaning silently.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.placed(match self.node.value {
            Value::List(_) => Err(Fault::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.visit(visitor),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.placed(self.visit_enum(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 bytes byte_buf unit unit_struct seq tuple tuple_struct map ignored_any
    }
}

struct Items<'a> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Rc<Node>>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader { node }).map(Some).map_err(|fault| fault.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Fields<'a> {
    entries: std::slice::Iter<'a, (Key, Rc<Node>)>,
    value: Option<(&'a Key, &'a Node)>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, node)) = self.entries.next() else { return Ok(None) };
        self.value = Some((key, node));
        let name: StrDeserializer<'_, Fault> = key.text.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|fault| fault.at(key.span).in_field(&key.text))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (key, node) = self.value.take().ok_or_else(|| Fault::custom("a value was read before its field"))?;
        seed.deserialize(Reader { node }).map_err(|fault| fault.at(key.span).in_field(&key.text))
    }
}

/// One of several forms: a word, or a single field whose name is the word.
struct Choice<'a> {
    name: &'a str,
    at: &'a Node,
    content: Option<&'a Node>,
}

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let name: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        let variant = seed.deserialize(name).map_err(|fault| fault.at(self.at.span))?;
        Ok((variant, self))
    }
}

impl<'a> Choice<'a> {
    fn content(&self) -> Result<Reader<'a>, Fault> {
        let missing = || Fault::custom(format!("`{0}` needs a value: `{0}: …`", self.name)).at(self.at.span);
        self.content.map(|node| Reader { node }).ok_or_else(missing)
    }

    fn inside<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        outcome.map_err(|fault| fault.in_field(self.name))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content.map(|node| (node, &node.value)) {
            None | Some((_, Value::Null)) => Ok(()),
            Some((node, _)) => {
                self.inside(Err(Fault::invalid_type(Unexpected::Other("a value"), &"no value").at(node.span)))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.inside(seed.deserialize(self.content()?))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.inside(self.content()?.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.inside(self.content()?.deserialize_struct("", &[], visitor))
    }
}
