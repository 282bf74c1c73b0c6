//! Reading by REST: pages of a `queryAll`, which also tells what was deleted or merged.

use std::collections::BTreeSet;

use metering::time::Instant;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::client::{Call, Client, Edge};
use crate::complaint::Action;
use crate::fault::Fault;
use crate::row::{Columns, Raw, Row};
use crate::soql::Which;

/// A walk is begun anew at most this often.
const RESTARTS: u32 = 3;
/// More pages than this are a loop.
const MOST_PAGES: usize = 100_000;
/// A window is not halved below this.
const SHORTEST_MS: i64 = 1_000;
/// Before any organisation: where a window begins that asks for everything.
const BEGINNING: Instant = Instant(915_148_800_000);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    total_size: u64,
    #[serde(default)]
    next_records_url: Option<String>,
    records: Vec<Raw>,
}

/// A walk through the pages of a query. A page may repeat rows that an earlier one gave, with newer values: whoever
/// takes them keeps the last of each id.
pub struct Walk<'c, 'e, E> {
    client: &'c Client<'e, E>,
    columns: &'c Columns,
    /// Windows still to be asked for; the last is next.
    windows: Vec<Which>,
    /// The page to come of the window under way.
    next: Option<String>,
    visited: BTreeSet<String>,
    /// Rows of the window under way.
    rows: u64,
    restarts: u32,
    size: u32,
}

impl<'c, 'e, E: Edge> Walk<'c, 'e, E> {
    /// A walk through the records that `which` names, `size` (200 to 2000) to a page.
    pub fn new(client: &'c Client<'e, E>, columns: &'c Columns, which: Which, size: u32) -> Self {
        let windows = vec![which];
        Self { client, columns, windows, next: None, visited: BTreeSet::new(), rows: 0, restarts: 0, size }
    }

    /// The next page's rows; nothing after the last.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn page(&mut self) -> Result<Option<Vec<Row>>, Fault> {
        loop {
            let Some(which) = self.windows.last().cloned() else { return Ok(None) };
            match self.fetch(&which).await {
                Ok(page) => return self.take(page).map(Some),
                Err(fault) => match fault.action() {
                    Action::RestartWalk if self.restarts < RESTARTS => {
                        self.restarts = self.restarts.saturating_add(1);
                        self.begin_window();
                    }
                    Action::HalveWindow => self.halve(&which, fault)?,
                    _ => return Err(fault),
                },
            }
        }
    }

    fn what(&self) -> String {
        format!("the query of {}", self.columns.select.object())
    }

    fn begin_window(&mut self) {
        self.next = None;
        self.rows = 0;
        self.visited.clear();
    }

    async fn fetch(&self, which: &Which) -> Result<Page, Fault> {
        let path = match &self.next {
            Some(next) => next.clone(),
            None => {
                let query = self.columns.select.text(which)?;
                self.client.path(&format!("/queryAll?q={}", utf8_percent_encode(&query, NON_ALPHANUMERIC)))
            }
        };
        let call = Call::get(path).with("sforce-query-options", format!("batchSize={}", self.size));
        let response = self.client.call(&self.what(), &call).await?;
        serde_json::from_slice(&response.body).map_err(|error| Fault::broken(self.what(), error))
    }

    fn take(&mut self, page: Page) -> Result<Vec<Row>, Fault> {
        let rows = page.records.iter().map(|record| self.columns.of_json(record)).collect::<Result<Vec<Row>, _>>()?;
        self.rows = self.rows.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        if let Some(next) = page.next_records_url {
            self.follow(next)?;
            return Ok(rows);
        }
        if self.rows != page.total_size {
            let reason = format!("it has {} rows, and says it has {}", self.rows, page.total_size);
            return Err(Fault::broken(self.what(), reason));
        }
        self.windows.pop();
        self.begin_window();
        Ok(rows)
    }

    /// The next page's path: opaque, on the same host, and not one that was there before.
    fn follow(&mut self, next: String) -> Result<(), Fault> {
        if !next.starts_with("/services/data/") || next.contains("..") || next.contains(['@', '\\', ' ', '\r', '\n']) {
            return Err(Fault::broken(self.what(), "the next page is not on the same host"));
        }
        if self.visited.len() >= MOST_PAGES || !self.visited.insert(next.clone()) {
            return Err(Fault::broken(self.what(), "its pages go round in a circle"));
        }
        self.next = Some(next);
        Ok(())
    }

    /// Two windows in the place of one that takes too long.
    fn halve(&mut self, which: &Which, fault: Fault) -> Result<(), Fault> {
        let (from, until) = match which {
            Which::All => (BEGINNING, self.client.now()),
            Which::Changed(from, until) => (*from, *until),
            Which::Ids(_) => return Err(fault),
        };
        let length = until.0.saturating_sub(from.0);
        if length < SHORTEST_MS.saturating_mul(2) {
            return Err(fault);
        }
        let middle = Instant(from.0.saturating_add(length.div_euclid(2)));
        self.windows.pop();
        self.windows.push(Which::Changed(middle, until));
        self.windows.push(Which::Changed(from, middle));
        self.begin_window();
        Ok(())
    }
}
