//! The tables on DynamoDB: strongly consistent reads, conditional writes that return the old item.
#![expect(clippy::disallowed_types, reason = "the SDK takes names and values as HashMap; nothing here iterates")]

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use ledger::ports::{Clock, Effect, Item, Key, Page, StoreError, Table, Tables, Transacted, Write, Written};

use super::TableNames;
use super::failure::{is_retryable, store_error};
use super::items::{self, Attributes, PARTITION, SORT, Test};
use crate::SystemClock;
use crate::limits::{check_key, check_transaction, check_write, item_subject};

const SECONDS_PER_DAY: i64 = 86_400;

/// The tables on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoTables {
    client: Client,
    names: TableNames,
    ledger_days: u32,
    clock: SystemClock,
}

impl DynamoTables {
    /// Tables of these names, reached through `client`. Items of the ledger table expire
    /// `ledger_days` after they were written.
    pub fn new(client: Client, names: TableNames, ledger_days: u32, clock: SystemClock) -> Self {
        Self { client, names, ledger_days, clock }
    }

    fn name(&self, table: Table) -> &str {
        match table {
            Table::Ledger => &self.names.ledger,
            Table::Rollup => &self.names.rollup,
            Table::Billing => &self.names.billing,
        }
    }

    /// When an item written now may be removed, in seconds since the epoch.
    /// Claims never expire: a file whose claim were gone could be counted in a second slot.
    fn expires(&self, table: Table, key: &Key) -> Option<i64> {
        let now = self.clock.now().0.div_euclid(1000);
        let horizon = i64::from(self.ledger_days).saturating_mul(SECONDS_PER_DAY);
        let is_claim = key.partition.starts_with("F#");
        (matches!(table, Table::Ledger) && !is_claim).then(|| now.saturating_add(horizon))
    }

    fn encode(&self, write: &Write, item: &Item) -> Attributes {
        items::encode(&write.key, item, self.expires(write.table, &write.key))
    }

    async fn put(&self, write: &Write, item: &Item) -> Result<Written, StoreError> {
        let test = Test::of(&write.condition);
        let sent = self
            .client
            .put_item()
            .table_name(self.name(write.table))
            .set_item(Some(self.encode(write, item)))
            .set_condition_expression(test.expression)
            .set_expression_attribute_names(test.names)
            .set_expression_attribute_values(test.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Written::Done),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => refused("PutItem", write, refusal),
                _ => Err(store_error("PutItem", subject(write), &error)),
            },
        }
    }

    async fn delete(&self, write: &Write) -> Result<Written, StoreError> {
        let test = Test::of(&write.condition);
        let sent = self
            .client
            .delete_item()
            .table_name(self.name(write.table))
            .set_key(Some(items::key_attributes(&write.key)))
            .set_condition_expression(test.expression)
            .set_expression_attribute_names(test.names)
            .set_expression_attribute_values(test.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Written::Done),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(refusal)) => {
                    refused("DeleteItem", write, refusal)
                }
                _ => Err(store_error("DeleteItem", subject(write), &error)),
            },
        }
    }

    async fn query_once(
        &self,
        table: Table,
        partition: &str,
        from: &From<'_>,
        limit: usize,
    ) -> Result<QueryOutput, StoreError> {
        let mut names = HashMap::from([("#p".to_owned(), PARTITION.to_owned())]);
        let mut values = HashMap::from([(":p".to_owned(), AttributeValue::S(partition.to_owned()))]);
        let mut condition = "#p = :p";
        if let Some(after) = from.after {
            names.insert("#s".to_owned(), SORT.to_owned());
            values.insert(":s".to_owned(), AttributeValue::S(after.to_owned()));
            condition = "#p = :p AND #s > :s";
        }
        self.client
            .query()
            .table_name(self.name(table))
            .consistent_read(true)
            .key_condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from.start.clone())
            .send()
            .await
            .map_err(|error| store_error("Query", item_subject(table, partition, "*"), &error))
    }

    fn transact_item(&self, write: &Write) -> Result<TransactWriteItem, StoreError> {
        let test = Test::of(&write.condition);
        let name = self.name(write.table);
        let item = TransactWriteItem::builder();
        let built = match &write.effect {
            Effect::Put(new) => Put::builder()
                .table_name(name)
                .set_item(Some(self.encode(write, new)))
                .set_condition_expression(test.expression)
                .set_expression_attribute_names(test.names)
                .set_expression_attribute_values(test.values)
                .build()
                .map(|put| item.put(put)),
            Effect::Delete => Delete::builder()
                .table_name(name)
                .set_key(Some(items::key_attributes(&write.key)))
                .set_condition_expression(test.expression)
                .set_expression_attribute_names(test.names)
                .set_expression_attribute_values(test.values)
                .build()
                .map(|delete| item.delete(delete)),
        };
        let unbuildable = |error: aws_sdk_dynamodb::error::BuildError| StoreError {
            operation: TRANSACT,
            subject: subject(write),
            reason: error.to_string(),
            retryable: false,
        };
        built.map(|item| item.build()).map_err(unbuildable)
    }
}

const TRANSACT: &str = "TransactWriteItems";

/// Where a page of a query begins.
struct From<'a> {
    after: Option<&'a str>,
    start: Option<Attributes>,
}

impl Tables for DynamoTables {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        check_key("GetItem", table, key)?;
        let subject = || item_subject(table, &key.partition, &key.sort);
        let sent = self
            .client
            .get_item()
            .table_name(self.name(table))
            .set_key(Some(items::key_attributes(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| store_error("GetItem", subject(), &error))?;
        let item = sent.item.as_ref().map(items::decode).transpose();
        item.map_err(|reason| foreign("GetItem", subject(), reason))
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        check_write("write", &write)?;
        match &write.effect {
            Effect::Put(item) => self.put(&write, item).await,
            Effect::Delete => self.delete(&write).await,
        }
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        // DynamoDB refuses to compare with an empty text; every sort key is greater than it.
        let mut from = From { after: after.filter(|text| !text.is_empty()), start: None };
        let mut page = Page::default();
        while page.items.len() < limit {
            let wanted = limit - page.items.len();
            let answer = self.query_once(table, partition, &from, wanted).await?;
            for attributes in answer.items.unwrap_or_default() {
                let found = items::sort_key(&attributes).and_then(|sort| Ok((sort, items::decode(&attributes)?)));
                let named = |reason| foreign("Query", item_subject(table, partition, "*"), reason);
                page.items.push(found.map_err(named)?);
            }
            match answer.last_evaluated_key {
                None => return Ok(page),
                start => from.start = start,
            }
        }
        page.more = true;
        Ok(page)
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        check_transaction(TRANSACT, &writes)?;
        if writes.is_empty() {
            return Ok(Transacted::Done);
        }
        let built: Result<Vec<_>, _> = writes.iter().map(|write| self.transact_item(write)).collect();
        // The SDK adds a token of its own, the same on each repetition of the call, so a repetition
        // of a transaction that has happened is answered as the first was.
        match self.client.transact_write_items().set_transact_items(Some(built?)).send().await {
            Ok(_) => Ok(Transacted::Done),
            Err(error) => cancelled(&error, writes.first().map(subject).unwrap_or_default()),
        }
    }
}

fn subject(write: &Write) -> String {
    item_subject(write.table, &write.key.partition, &write.key.sort)
}

fn foreign(operation: &'static str, subject: String, reason: &str) -> StoreError {
    StoreError { operation, subject, reason: reason.to_owned(), retryable: false }
}

fn refused(
    operation: &'static str,
    write: &Write,
    refusal: &ConditionalCheckFailedException,
) -> Result<Written, StoreError> {
    let present = refusal.item().filter(|attributes| !attributes.is_empty()).map(items::decode).transpose();
    present.map(Written::Refused).map_err(|reason| foreign(operation, subject(write), reason))
}

/// A cancelled transaction is a refusal if a condition failed or another writer was there; if it
/// was only throttled, it may be tried again.
fn cancelled(
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
    subject: String,
) -> Result<Transacted, StoreError> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return Err(store_error(TRANSACT, subject, error));
    };
    let codes: Vec<&str> = cancelled.cancellation_reasons().iter().filter_map(CancellationReason::code).collect();
    if codes.iter().any(|code| matches!(*code, "ConditionalCheckFailed" | "TransactionConflict")) {
        return Ok(Transacted::Refused);
    }
    let retryable = codes.iter().any(|code| is_retryable(code));
    let reason = format!("cancelled: {}", codes.join(", "));
    Err(StoreError { operation: TRANSACT, subject, reason, retryable })
}
