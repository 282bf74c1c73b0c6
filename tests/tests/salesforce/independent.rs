//! The peer's pages and jobs, step by step, as a client that knows nothing of ours sees them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use metering::time::Instant;
use salesforce_peer::{Asked, CLIENT, Peer, serve};
use serde_json::{Value, json};

use crate::network::{NAMES, peer};
use crate::world::FEBRUARY;

/// Walks pages and looks at jobs, and prints what it saw as JSON.
const STEPS: &str = r#"
import json, sys
import requests
from simple_salesforce import Salesforce
from simple_salesforce.bulk2 import Operation
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceOperationError, SalesforceResourceNotFound
host, key, secret, failed = sys.argv[1:5]
class Plain(requests.adapters.HTTPAdapter):
    """The client speaks only https; the peer on this machine has no certificate."""
    def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)
session = requests.Session()
session.mount("https://127.0.0.1", Plain())
token = requests.post(host + "/services/oauth2/token", data={
    "grant_type": "client_credentials", "client_id": key, "client_secret": secret}).json()
sf = Salesforce(session_id=token["access_token"], instance_url=host, version="67.0", session=session)

page, pages = sf.query("SELECT Id, Name FROM Account", include_deleted=True), []
while True:
    pages.append({"size": page["totalSize"], "done": page["done"], "next": "nextRecordsUrl" in page,
                  "names": [record["Name"] for record in page["records"]],
                  "types": sorted({record["attributes"]["type"] for record in page["records"]})})
    if page["done"]:
        break
    page = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
try:
    sf.query_more("/services/data/v67.0/query/0r8xx0000000099-2", identifier_is_url=True)
    locator = "a page that nobody promised was given"
except SalesforceMalformedRequest as error:
    locator = error.content[0]["errorCode"]

client = sf.bulk2.Account._client
job = client.create_job(Operation.query_all, "SELECT Id, Name FROM Account")
states, info = [job["state"]], {}
while info.get("state") != "JobComplete":
    info = client.get_job(job["id"], True)
    states.append(info["state"])
parts, at = [], ""
while True:
    part = client.get_query_results(job["id"], at, 4)
    parts.append([part["number_of_records"], part["records"]])
    at = part["locator"]
    if not at:
        break
# Its own way of removing a job expects a body, which a 204 has not.
removed = session.delete(host + "/services/data/v67.0/jobs/query/" + job["id"],
                         headers={"Authorization": "Bearer " + token["access_token"]}).status_code
try:
    client.get_job(job["id"], True)
    gone = "a job that was removed is there"
except SalesforceResourceNotFound:
    gone = removed
def ends(job):
    try:
        return client.wait_for_job(job, True, 0.0)
    except SalesforceOperationError as error:
        return str(error)
stopped = client.create_job(Operation.query, "SELECT Id FROM Account")["id"]
answered = client.abort_job(stopped, True)["state"]
print(json.dumps({
    "pages": pages, "locator": locator, "states": states, "parts": parts, "gone": gone,
    "processed": info["numberRecordsProcessed"], "failed": [client.get_job(failed, True)["state"], ends(failed)],
    "aborted": [answered, client.get_job(stopped, True)["state"], ends(stopped)]}))
"#;

/// A job that comes to nothing.
fn failed(peer: &Peer) -> String {
    let ask = |url: &str, authorization: String, body: String| {
        let asked = Asked { method: "POST".to_owned(), url: url.to_owned(), authorization, body };
        serde_json::from_slice::<Value>(&peer.answer(&asked).body).unwrap()
    };
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", CLIENT.0, CLIENT.1);
    let token = ask("/services/oauth2/token", String::new(), form)["access_token"].as_str().unwrap().to_owned();
    let query = json!({ "operation": "query", "query": "SELECT Id FROM Account" }).to_string();
    let job = ask("/services/data/v67.0/jobs/query", format!("Bearer {token}"), query);
    peer.fail_jobs("InvalidBatch : Failed to process query");
    job["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_walks_the_pages_and_sees_every_state_of_a_job() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    let here = Command::new(&python).args(["-c", "import simple_salesforce"]).output();
    if !here.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: simple-salesforce is not installed; `make tools` installs it");
        return;
    }
    let peer = peer(Instant(FEBRUARY));
    let served = serve(Arc::clone(&peer)).await.unwrap();
    peer.set_looks(0);
    let (host, failed) = (served.host(), failed(&peer));
    peer.set_looks(2);
    let run = move || Command::new(python).args(["-c", STEPS, &host, CLIENT.0, CLIENT.1, &failed]).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();

    // Five accounts and one that was deleted, two to a page.
    let page = |names: [&str; 2], last: bool| json!({"size": 6, "done": last, "next": !last, "names": names, "types": ["Account"]});
    let [one, two, three, four, five] = NAMES;
    assert_eq!(seen["pages"], json!([page([one, two], false), page([three, four], false), page([five, "Gone"], true)]));
    assert_eq!(seen["locator"], "INVALID_QUERY_LOCATOR");

    assert_eq!(seen["states"], json!(["UploadComplete", "InProgress", "InProgress", "JobComplete"]));
    assert_eq!(seen["processed"], 6);
    let parts = seen["parts"].as_array().unwrap();
    // However many it asks for, the peer gives two, each part with its heading.
    assert_eq!(parts.iter().map(|part| part[0].as_u64().unwrap()).collect::<Vec<_>>(), [2, 2, 2]);
    for part in parts {
        assert!(part[1].as_str().unwrap().starts_with("\"Id\",\"Name\"\n"), "{part}");
    }
    assert_eq!(seen["gone"], 204);
    let nothing = "Job failure. Response content: ";
    assert_eq!(seen["failed"][0], "Failed");
    assert_eq!(seen["failed"][1], format!("{nothing}InvalidBatch : Failed to process query"));
    assert_eq!((&seen["aborted"][0], &seen["aborted"][1]), (&json!("Aborted"), &json!("Aborted")));
    assert!(seen["aborted"][2].as_str().unwrap().starts_with(nothing), "{}", seen["aborted"]);
}
