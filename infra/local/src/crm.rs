//! Salesforce as the command line reaches it: credentials from a file, over the network; in the demo, an organisation
//! in this process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use catalog::Catalogue;
use ledger::correlate::{Published, publish};
use ledger::error::LedgerError;
use ledger::ports::{Clock, Ports};
use metering::time::Instant;
use salesforce::Secrets;
use salesforce::correlate::{Options, Told, correlate};
use salesforce::http::{Answer, Given, Http};
use salesforce::transport::{Pace, Request, Response, Transport};
use serde_json::Value;
use store::SystemClock;

use crate::failure::Failure;
use crate::report::say;

/// How long an organisation may be read.
const READING_MS: i64 = 30 * 60_000;

/// An organisation, at the host that the catalogue names or at one that stands for it.
pub struct Reached {
    http: Http<SystemClock, Given>,
    /// What the catalogue says, and where it is instead.
    instead: Option<(String, String)>,
}

impl Reached {
    /// An organisation with its credential.
    pub fn new(secret: String, instead: Option<(String, String)>) -> Result<Self, Failure> {
        let clock = SystemClock::new().map_err(|error| Failure::Salesforce(error.to_string()))?;
        let http = Http::new(clock, Given::new(secret)).map_err(Failure::Salesforce)?;
        Ok(Self { http, instead })
    }
}

impl Transport for Reached {
    type Body = Answer;

    async fn open(&self, mut request: Request) -> Result<(Response, Answer), String> {
        if let Some((named, instead)) = &self.instead
            && let Some(rest) = request.url.strip_prefix(named.as_str())
        {
            request.url = format!("{instead}{rest}");
        }
        self.http.open(request).await
    }
}

impl Pace for Reached {
    fn now(&self) -> Instant {
        self.http.now()
    }

    async fn sleep(&self, ms: u64) {
        self.http.sleep(ms).await;
    }

    fn chance(&self) -> u64 {
        self.http.chance()
    }
}

impl Secrets for Reached {
    async fn secret(&self, fresh: bool) -> Result<String, String> {
        self.http.secret(fresh).await
    }

    async fn sign(&self, key: &str, digest: [u8; 32]) -> Result<Vec<u8>, String> {
        self.http.sign(key, digest).await
    }
}

/// The organisations of a catalogue with the credentials of a file: `{"crm": {"client_id": …, "client_secret": …}}`.
pub fn reach(catalogue: &Catalogue, credentials: Option<&Path>) -> Result<BTreeMap<String, Reached>, Failure> {
    let Some(path) = credentials else { return Ok(BTreeMap::new()) };
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    let all: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut reached = BTreeMap::new();
    for name in catalogue.salesforce.keys() {
        let part = all.get(name).filter(|part| part.is_object()).ok_or_else(|| {
            let shape = format!("it must be JSON with `{name}`: {{\"client_id\": …, \"client_secret\": …}}");
            Failure::Salesforce(format!("{}: {shape}", path.display()))
        })?;
        reached.insert(name.clone(), Reached::new(part.to_string(), None)?);
    }
    Ok(reached)
}

/// Publishes the directory; without credentials, what the organisations said last stays in force.
pub async fn published<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    reached: &BTreeMap<String, Reached>,
    accept: Option<String>,
) -> Result<Published, LedgerError> {
    if !catalogue.has_organisations() {
        return publish(ports, catalogue).await;
    }
    let deadline = Instant(Clock::now(ports).0.saturating_add(READING_MS));
    let report = correlate(ports, catalogue, reached, &Options { deadline, accept, changed: None }).await?;
    for (name, told) in &report.organisations {
        match told {
            Told::Read { rows, calls } => say(&format!("Salesforce {name}: {rows} records read with {calls} calls")),
            Told::Waiting(objects) => {
                say(&format!("Salesforce {name}: still at {}; run it again", objects.join(" and ")));
            }
            Told::Kept(reason, _) => say(&format!("Salesforce {name}: stays as it was read last: {reason}")),
        }
    }
    Ok(report.published)
}
