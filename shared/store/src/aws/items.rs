//! Items and conditions as DynamoDB has them.
//!
//! Attributes: `pk` and `sk` (text, the key), `rev` (number), `body` (text), and on the ledger
//! table `ttl` (number, seconds since the epoch when the item may be removed).
#![expect(clippy::disallowed_types, reason = "the SDK takes and gives attributes as HashMap; nothing here iterates")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use ledger::ports::{Condition, Item, Key};

pub(super) const PARTITION: &str = "pk";
pub(super) const SORT: &str = "sk";
const REVISION: &str = "rev";
const BODY: &str = "body";
pub(super) const EXPIRES: &str = "ttl";

/// The attributes of an item, by name.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// The attributes that are the key.
pub(super) fn key_attributes(key: &Key) -> Attributes {
    HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S(key.partition.clone())),
        (SORT.to_owned(), AttributeValue::S(key.sort.clone())),
    ])
}

/// All the attributes of an item. `expires` is in seconds since the epoch.
pub(super) fn encode(key: &Key, item: &Item, expires: Option<i64>) -> Attributes {
    let mut attributes = key_attributes(key);
    attributes.insert(REVISION.to_owned(), AttributeValue::N(item.revision.to_string()));
    attributes.insert(BODY.to_owned(), AttributeValue::S(item.body.clone()));
    if let Some(seconds) = expires {
        attributes.insert(EXPIRES.to_owned(), AttributeValue::N(seconds.to_string()));
    }
    attributes
}

/// The item in these attributes, or what is wrong with them.
pub(super) fn decode(attributes: &Attributes) -> Result<Item, &'static str> {
    let revision = attributes.get(REVISION).and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok());
    let body = attributes.get(BODY).and_then(|v| v.as_s().ok());
    match (revision, body) {
        (None, _) => Err("an item whose `rev` is not a whole number: not written by Farthing"),
        (_, None) => Err("an item without a `body` of text: not written by Farthing"),
        (Some(revision), Some(body)) => Ok(Item { revision, body: body.clone() }),
    }
}

/// The sort key in these attributes.
pub(super) fn sort_key(attributes: &Attributes) -> Result<String, &'static str> {
    let sort = attributes.get(SORT).and_then(|v| v.as_s().ok());
    sort.cloned().ok_or("an item without a sort key of text: not Farthing's table")
}

/// A condition as an expression with its names and values; all `None` when there is none.
#[derive(Default)]
pub(super) struct Test {
    pub(super) expression: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<Attributes>,
}

impl Test {
    pub(super) fn of(condition: &Condition) -> Self {
        match condition {
            Condition::Always => Self::default(),
            Condition::Absent => Self {
                expression: Some("attribute_not_exists(#f)".to_owned()),
                names: Some(HashMap::from([("#f".to_owned(), PARTITION.to_owned())])),
                values: None,
            },
            Condition::Revision(revision) => Self::equal(REVISION, AttributeValue::N(revision.to_string())),
            Condition::Body(body) => Self::equal(BODY, AttributeValue::S(body.clone())),
        }
    }

    fn equal(name: &str, value: AttributeValue) -> Self {
        Self {
            expression: Some("#f = :v".to_owned()),
            names: Some(HashMap::from([("#f".to_owned(), name.to_owned())])),
            values: Some(HashMap::from([(":v".to_owned(), value)])),
        }
    }
}
