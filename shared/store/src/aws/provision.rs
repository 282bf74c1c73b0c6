//! Tables and buckets on a local server that stands for AWS. On AWS the template makes them.

use std::error::Error;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_s3::error::ProvideErrorMetadata;
use ledger::ports::StoreError;

use super::failure::store_error;
use super::items::{PARTITION, SORT};
use super::{AwsConfig, sdk_config};

/// What was made and what was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provision {
    /// Tables and buckets that were made.
    pub created: usize,
    /// Those that were there already.
    pub present: usize,
}

impl Provision {
    fn count(&mut self, created: bool) {
        if created { self.created += 1 } else { self.present += 1 }
    }
}

/// Makes the tables and buckets of `config` that are not there yet.
///
/// # Errors
/// When the server refuses for another reason than that they exist.
pub async fn provision(config: &AwsConfig) -> Result<Provision, StoreError> {
    let sdk = sdk_config(config.endpoint.as_deref()).await;
    let dynamo = aws_sdk_dynamodb::Client::new(&sdk);
    let path_style = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(path_style);
    let mut made = Provision::default();
    for name in [&config.tables.ledger, &config.tables.rollup, &config.tables.billing] {
        made.count(create_table(&dynamo, name).await?);
    }
    for name in [&config.buckets.usage, &config.buckets.work, &config.buckets.invoices] {
        made.count(create_bucket(&s3, name).await?);
    }
    Ok(made)
}

async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<bool, StoreError> {
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [(PARTITION, KeyType::Hash), (SORT, KeyType::Range)] {
        let text = ScalarAttributeType::S;
        let defined = AttributeDefinition::builder().attribute_name(attribute).attribute_type(text).build();
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build();
        let unbuildable = |error: aws_sdk_dynamodb::error::BuildError| StoreError {
            operation: "CreateTable",
            subject: name.to_owned(),
            reason: error.to_string(),
            retryable: false,
        };
        request = request
            .attribute_definitions(defined.map_err(unbuildable)?)
            .key_schema(key.map_err(unbuildable)?);
    }
    created("CreateTable", name, request.send().await)
}

async fn create_bucket(client: &aws_sdk_s3::Client, name: &str) -> Result<bool, StoreError> {
    created("CreateBucket", name, client.create_bucket().bucket(name).send().await)
}

fn created<T, E>(
    operation: &'static str,
    name: &str,
    sent: Result<T, aws_sdk_s3::error::SdkError<E>>,
) -> Result<bool, StoreError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    const THERE: [&str; 3] = ["ResourceInUseException", "BucketAlreadyOwnedByYou", "BucketAlreadyExists"];
    let Err(error) = sent else { return Ok(true) };
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    if code.is_some_and(|code| THERE.contains(&code)) {
        return Ok(false);
    }
    Err(store_error(operation, name.to_owned(), &error))
}
