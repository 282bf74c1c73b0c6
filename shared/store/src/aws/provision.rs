//! Tables and buckets on a local server that stands for AWS. On AWS the template makes them.

use std::error::Error;

use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use aws_sdk_s3::error::ProvideErrorMetadata;
use ledger::ports::StoreError;

use super::failure::store_error;
use super::items::{PARTITION, SORT};
use super::{AwsConfig, sdk_config};

/// Makes the tables and buckets of `config` that are not there yet.
///
/// # Errors
/// When the server refuses for another reason than that they exist.
pub async fn provision(config: &AwsConfig) -> Result<(), StoreError> {
    let sdk = sdk_config(config.endpoint.as_deref()).await;
    let dynamo = aws_sdk_dynamodb::Client::new(&sdk);
    let path_style = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(path_style);
    for name in [&config.tables.ledger, &config.tables.rollup, &config.tables.billing] {
        create_table(&dynamo, name).await?;
    }
    for name in [&config.buckets.usage, &config.buckets.work, &config.buckets.invoices] {
        unless_there("CreateBucket", name, s3.create_bucket().bucket(name).send().await)?;
    }
    Ok(())
}

async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<(), StoreError> {
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
        request = request.attribute_definitions(defined.map_err(unbuildable)?).key_schema(key.map_err(unbuildable)?);
    }
    unless_there("CreateTable", name, request.send().await)
}

fn unless_there<T, E>(
    operation: &'static str,
    name: &str,
    sent: Result<T, aws_sdk_s3::error::SdkError<E>>,
) -> Result<(), StoreError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    const THERE: [&str; 3] = ["ResourceInUseException", "BucketAlreadyOwnedByYou", "BucketAlreadyExists"];
    let Err(error) = sent else { return Ok(()) };
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    if code.is_some_and(|code| THERE.contains(&code)) {
        return Ok(());
    }
    Err(store_error(operation, name.to_owned(), &error))
}
