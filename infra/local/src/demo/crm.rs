//! The demo's Salesforce: two accounts and a deployment that moves from one to the other in the middle of the month.
//! It answers over HTTP in this process; the client that reads it is the one that reads Salesforce.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::Catalogue;
use metering::time::Instant;
use salesforce_peer::{CLIENT, Org, Peer, Served, id, serve};

use crate::crm::Reached;
use crate::failure::Failure;

/// The number of the organisation that `salesforce.yaml` names.
const ORGANISATION: u64 = 2026;
/// When its records were written, and when the deployment moved: 2025-11-03 and 2026-02-15T05:00:00Z.
const WRITTEN: Instant = Instant(1_762_128_000_000);
const MOVED: &str = "1771131600000";

/// The deployments that only Salesforce knows.
pub const DEPLOYMENTS: [&str; 3] = ["meridian-sea-01", "meridian-sea-02", "cobalt-sea-01"];

/// The organisation.
fn organisation() -> Org {
    let mut org = Org::new(ORGANISATION).with_deployments();
    let accounts =
        [(1, "Meridian Foods, Inc.", "77 Pike Street", "Seattle"), (2, "Cobalt Shipping LLC", "9 Dock Road", "Tacoma")];
    for (number, name, street, city) in accounts {
        let values = [
            ("Name", name),
            ("Type", "Customer"),
            ("Tier__c", "silver"),
            ("CurrencyIsoCode", "USD"),
            ("Billing_Zone__c", "America/Los_Angeles"),
            ("BillingStreet", street),
            ("BillingPostalCode", "98101"),
            ("BillingCity", city),
            ("BillingCountry", "United States"),
        ];
        org.put("Account", number, WRITTEN, &values);
    }
    let (from, meridian, cobalt) = (WRITTEN.0.to_string(), id("001", 1), id("001", 2));
    let [stays, moves, joins] = DEPLOYMENTS;
    for (number, key, owner, from, until) in [
        (1, stays, &meridian, from.as_str(), ""),
        (2, moves, &meridian, from.as_str(), MOVED),
        (3, moves, &cobalt, MOVED, ""),
        (4, joins, &cobalt, from.as_str(), ""),
    ] {
        let values = [
            ("Deployment_Key__c", key),
            ("Account__c", owner.as_str()),
            ("Effective_From__c", from),
            ("Effective_To__c", until),
            ("Status__c", "Active"),
        ];
        org.put("Deployment__c", number, WRITTEN, &values);
    }
    org
}

/// The organisation behind HTTP, and how it is reached instead of the host that the catalogue names.
pub struct Crm {
    /// By the catalogue's name.
    pub reached: BTreeMap<String, Reached>,
    _served: Served,
}

/// Starts the organisation.
pub async fn start(catalogue: &Catalogue, now: Instant) -> Result<Crm, Failure> {
    let peer = Arc::new(Peer::new(organisation(), now));
    let served = serve(Arc::clone(&peer)).await.map_err(|error| Failure::file("a port of 127.0.0.1", error))?;
    let mut reached = BTreeMap::new();
    for (name, organisation) in &catalogue.salesforce {
        peer.set_host(&organisation.host);
        let secret = serde_json::json!({"client_id": CLIENT.0, "client_secret": CLIENT.1}).to_string();
        let instead = Some((organisation.host.clone(), served.host()));
        reached.insert(name.clone(), Reached::new(secret, instead)?);
    }
    Ok(Crm { reached, _served: served })
}
