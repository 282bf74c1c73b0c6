//! What an organisation says of its objects: held against the mapping before anything is read.

use std::collections::BTreeMap;

use catalog::salesforce::is_name;
use serde::Deserialize;

use crate::client::{Call, Client, Edge};
use crate::fault::Fault;
use crate::row::Columns;
use crate::soql::{Select, SoqlError};
use crate::value::Kind;

#[derive(Deserialize)]
struct Described {
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    relationship_name: Option<String>,
    #[serde(default)]
    reference_to: Vec<String>,
}

/// Objects that were described, by name.
#[derive(Default)]
pub struct Descriptions(BTreeMap<String, Vec<Field>>);

/// Why a mapping does not fit the organisation.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The organisation cannot be asked.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// A field that is not there, or that the permission set hides.
    #[error(
        "the mapping asks for {object}.{field}, which this user does not see: the field does not exist{}, or the \
         permission set of the integration user does not let it read the field", near.as_ref().map_or_else(String::new, |near| format!(" (did you mean {near}?)"))
    )]
    Field {
        /// The object.
        object: String,
        /// The field.
        field: String,
        /// One that is spelt almost so.
        near: Option<String>,
    },
}

impl Descriptions {
    /// What to ask of an object for some fields, once all of them are there.
    ///
    /// # Errors
    /// [`Unfit`], naming the first field that is not there.
    pub async fn columns<E: Edge>(
        &mut self,
        client: &Client<'_, E>,
        object: &str,
        fields: &[String],
    ) -> Result<Columns, Unfit> {
        let select = Select::new(object, fields).map_err(Fault::from)?;
        let mut kinds = Vec::with_capacity(fields.len());
        for field in fields {
            kinds.push(self.kind(client, object, field).await?);
        }
        Ok(Columns { select, kinds })
    }

    async fn kind<E: Edge>(&mut self, client: &Client<'_, E>, object: &str, field: &str) -> Result<Kind, Unfit> {
        let (mut object, mut rest) = (object.to_owned(), field);
        // A name has at most six parts.
        loop {
            let known = self.of(client, &object).await?;
            let Some((parent, further)) = rest.split_once('.') else {
                let found = known.iter().find(|known| known.name.eq_ignore_ascii_case(rest));
                return found.map(|found| Kind::of(&found.kind)).ok_or_else(|| unknown(&object, rest, known));
            };
            let relation =
                |field: &&Field| field.relationship_name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(parent));
            let next = known.iter().find(relation).and_then(|field| field.reference_to.first());
            object = next.cloned().ok_or_else(|| unknown(&object, parent, known))?;
            rest = further;
        }
    }

    async fn of<E: Edge>(&mut self, client: &Client<'_, E>, object: &str) -> Result<&[Field], Unfit> {
        if !self.0.contains_key(object) {
            if !is_name(object) {
                return Err(Fault::from(SoqlError::Name(object.to_owned())).into());
            }
            let what = format!("the description of {object}");
            let response = client.call(&what, &Call::get(client.path(&format!("/sobjects/{object}/describe")))).await?;
            let described: Described =
                serde_json::from_slice(&response.body).map_err(|error| Fault::broken(what, error))?;
            self.0.insert(object.to_owned(), described.fields);
        }
        Ok(self.0.get(object).map(Vec::as_slice).unwrap_or_default())
    }
}

fn unknown(object: &str, field: &str, known: &[Field]) -> Unfit {
    let folded = |name: &str| name.to_ascii_lowercase().replace("__c", "").replace('_', "");
    let near = known.iter().find(|known| folded(&known.name) == folded(field)).map(|known| known.name.clone());
    Unfit::Field { object: object.to_owned(), field: field.to_owned(), near }
}
