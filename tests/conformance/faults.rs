//! What the adapters say, and what is stored, when calls fail: asked of every call and every fault.

use std::collections::BTreeSet;
use std::sync::Arc;

use ledger::ports::{
    Blobs, Bucket, Condition, Effect, Item, Key, Queue, StoreError, Table, Tables, Transacted, Write, Written,
};
use store::aws::{self, Aws, AwsConfig};
use tokio::task::JoinSet;

use super::unreliable::{Fault, Unreliable};

/// From the address of a server to the names that are used there.
pub type Local = fn(&str) -> AwsConfig;

/// Every call that the adapters make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Get,
    Create,
    Replace,
    Put,
    Delete,
    Query,
    Transact,
    Head,
    Read,
    PutOnce,
    List,
}

const CALLS: [Call; 11] = [
    Call::Get,
    Call::Create,
    Call::Replace,
    Call::Put,
    Call::Delete,
    Call::Query,
    Call::Transact,
    Call::Head,
    Call::Read,
    Call::PutOnce,
    Call::List,
];

const FAULTS: [Fault; 7] = [
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::CutShort,
    Fault::Throttled,
    Fault::Internal,
    Fault::Conflict,
    Fault::ShortPage,
];

/// More often than a call is made.
const FOR_EVER: usize = 8;

/// Each call meets each fault, once and for ever. Whatever happens, it is done once or not at all, and
/// the answer is true.
pub async fn each_call_with_each_fault(server: &str, local: Local) {
    let all = |calls: &[Call], times| -> JoinSet<_> {
        let pairs = calls.iter().flat_map(|call| FAULTS.map(|fault| (*call, fault)));
        pairs.map(|(call, fault)| meets(call, fault, times, server.to_owned(), local)).collect()
    };
    // Those that pass at once come first, a few at a time: what fails uses up what the SDK grants a
    // process for repetitions, and then a call fails at its first fault.
    let mut wrong = Vec::new();
    for few in CALLS.chunks(4) {
        wrong.extend(all(few, 1).join_all().await);
    }
    wrong.extend(all(&CALLS, FOR_EVER).join_all().await);
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong, if anything.
async fn meets(call: Call, fault: Fault, times: usize, server: String, local: Local) -> Option<String> {
    let case = format!("{call:?}-{fault:?}-{times}");
    let direct = aws::connect(local(&server)).await.unwrap();
    let usual = prepared(&direct, &format!("{case}-usual")).await;
    let before = stored(&direct, &usual).await;
    let answer = act(&direct, &usual, call).await.unwrap();
    let after = stored(&direct, &usual).await;

    let name = prepared(&direct, &case).await;
    let way = Unreliable::scripted(&server, &vec![fault; times]).await;
    let ports = aws::connect(local(&way.endpoint)).await.unwrap();
    let found = act(&ports, &name, call).await;
    if way.counted().1 == 0 {
        return Some(format!("{case}: nothing failed"));
    }
    let done = stored(&direct, &name).await;
    let expected = match expected(call, fault, times) {
        Expected::Usual => (Some(answer), after),
        Expected::Other(other) => (Some(other.to_owned()), after),
        Expected::Refused => (Some(format!("{:?}", Transacted::Refused)), before),
        Expected::ErrorUndone => (None, before),
        Expected::ErrorDone => (None, after),
    };
    if let Err(error) = &found {
        assert!(error.retryable, "{case}: {error}");
        assert!(!error.to_string().contains("secret"), "{case}: {error}");
    }
    let found = (found.ok(), done);
    (found != expected).then(|| format!("{case}:\n  found    {found:?}\n  expected {expected:?}"))
}

/// What a call comes to.
enum Expected {
    /// What it comes to without a fault.
    Usual,
    /// It is done, and says something else.
    Other(&'static str),
    /// It is not done, and says so.
    Refused,
    /// An error, and it is not done.
    ErrorUndone,
    /// An error, and it is done.
    ErrorDone,
}

fn expected(call: Call, fault: Fault, times: usize) -> Expected {
    let for_ever = times > 1;
    match (fault, call) {
        (Fault::ShortPage | Fault::None, _) => Expected::Usual,
        // Conflicts are not repeated by the SDK: the protocol reads anew and decides anew.
        (Fault::Conflict, Call::Transact) => Expected::Refused,
        (Fault::Conflict, Call::Create | Call::Replace | Call::Put | Call::Delete | Call::PutOnce) => {
            Expected::ErrorUndone
        }
        (Fault::Conflict, Call::Head | Call::Read | Call::List) => Expected::Usual,
        // The head of the refusal is enough.
        (Fault::CutShort, Call::PutOnce) => Expected::Other("Exists"),
        (Fault::LostAfter | Fault::CutShort, _) if for_ever => Expected::ErrorDone,
        // The body of an object is read by the caller, after the SDK has seen the answer.
        (Fault::CutShort, Call::Read) => Expected::ErrorDone,
        (Fault::LostBefore | Fault::Throttled | Fault::Internal | Fault::Conflict, _) if for_ever => {
            Expected::ErrorUndone
        }
        (Fault::LostBefore | Fault::Throttled | Fault::Internal | Fault::Conflict, _) => Expected::Usual,
        // Repeated by the SDK, and refused by its own result.
        (Fault::LostAfter | Fault::CutShort, Call::Create) => {
            Expected::Other(r#"Refused(Some(Item { revision: 1, body: "secret" }))"#)
        }
        (Fault::LostAfter | Fault::CutShort, Call::Replace) => {
            Expected::Other(r#"Refused(Some(Item { revision: 2, body: "secret" }))"#)
        }
        (Fault::LostAfter | Fault::CutShort, Call::Delete) => Expected::Other("Refused(None)"),
        (Fault::LostAfter, Call::PutOnce) => Expected::Other("Exists"),
        (Fault::LostAfter | Fault::CutShort, _) => Expected::Usual,
    }
}

/// A partition of three items and a folder of three objects.
async fn prepared(ports: &Aws, name: &str) -> String {
    for sort in ["a", "b", "c"] {
        ports.write(Write::create(Table::Billing, Key::new(name, sort), "seen")).await.unwrap();
        let key = format!("{name}/{sort}");
        ports.put_once(Bucket::Work, &key, b"0123456789".to_vec(), "text/plain").await.unwrap();
    }
    name.to_owned()
}

/// Makes a call; what it says, without what differs from case to case.
async fn act(ports: &Aws, name: &str, call: Call) -> Result<String, StoreError> {
    let key = |sort: &str| Key::new(name, sort);
    let said = match call {
        Call::Get => format!("{:?}", ports.get(Table::Billing, &key("a")).await?),
        Call::Create => write(ports, Write::create(Table::Billing, key("new"), "secret")).await?,
        Call::Replace => write(ports, Write::replace(Table::Billing, key("a"), 1, "secret")).await?,
        Call::Put => write(ports, Write::put(Table::Billing, key("a"), "secret")).await?,
        Call::Delete => write(ports, Write::delete_unchanged(Table::Billing, key("a"), "seen")).await?,
        Call::Query => format!("{:?}", ports.query(Table::Billing, name, None, 100).await?),
        Call::Transact => format!("{:?}", ports.transact(transaction(name)).await?),
        Call::Head => format!("{:?}", ports.head(Bucket::Work, &format!("{name}/a")).await?.map(|meta| meta.size)),
        Call::Read => {
            let key = format!("{name}/a");
            // What the object is, was known before.
            format!("{:?}", ports.read(Bucket::Work, &key, "781e5e245d69b566979b86e28d23f2c7", 2, 5).await?)
        }
        Call::PutOnce => {
            let put = ports.put_once(Bucket::Work, &format!("{name}/new"), b"secret".to_vec(), "text/plain").await?;
            format!("{put:?}")
        }
        Call::List => {
            let listed = ports.list(Bucket::Work, &format!("{name}/"), None, 100).await?;
            let keys = listed.objects.iter().map(|meta| meta.key.replacen(name, "", 1));
            format!("{:?} {}", keys.collect::<Vec<_>>(), listed.more)
        }
    };
    Ok(said)
}

async fn write(ports: &Aws, write: Write) -> Result<String, StoreError> {
    ports.write(write).await.map(|written| format!("{written:?}"))
}

fn transaction(name: &str) -> Vec<Write> {
    vec![
        Write::replace(Table::Billing, Key::new(name, "a"), 1, "secret"),
        Write::create(Table::Billing, Key::new(name, "new"), "secret"),
    ]
}

/// What is there: sort keys and items, names and etags of objects.
async fn stored(ports: &Aws, name: &str) -> String {
    let page = ports.query(Table::Billing, name, None, 100).await.unwrap();
    let listed = ports.list(Bucket::Work, &format!("{name}/"), None, 100).await.unwrap();
    let objects: Vec<_> =
        listed.objects.into_iter().map(|meta| (meta.key.replacen(name, "", 1), meta.etag, meta.size)).collect();
    format!("{:?} {objects:?}", page.items)
}

/// Writers that read again after every answer but their own success, and after every error.
pub async fn many_at_once_on_a_bad_network(server: &str, local: Local) {
    let way = Unreliable::random(server, 11).await;
    let ports = Arc::new(aws::connect(local(&way.endpoint)).await.unwrap());
    let direct = aws::connect(local(server)).await.unwrap();
    every_addition_is_there_once(&ports, &direct).await;
    every_number_is_given_once(&ports, &direct).await;
    every_file_is_asked_for(&way, server, local).await;
    let (seen, failed) = way.counted();
    assert!(failed * 12 > seen, "{failed} of {seen} calls failed: too few to mean anything");
}

const WRITERS: usize = 6;
const EACH: usize = 4;
const TRIES: usize = 1000;

async fn every_addition_is_there_once(ports: &Arc<Aws>, direct: &Aws) {
    let key = Key::new("bad network", "list");
    direct.write(Write::create(Table::Rollup, key.clone(), "")).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (ports, key) = (Arc::clone(ports), key.clone());
        writers.spawn(async move {
            for number in 0..EACH {
                add(ports.as_ref(), &key, &format!("{writer}-{number}")).await;
            }
        });
    }
    writers.join_all().await;
    let item = direct.get(Table::Rollup, &key).await.unwrap().unwrap();
    let there: Vec<&str> = item.body.split_terminator(',').collect();
    assert_eq!(there.iter().collect::<BTreeSet<_>>().len(), WRITERS * EACH, "{there:?}");
    assert_eq!(there.len(), WRITERS * EACH, "{there:?}");
    assert_eq!(item.revision, u64::try_from(WRITERS * EACH + 1).unwrap(), "one write for each");
}

async fn add(ports: &Aws, key: &Key, name: &str) {
    for _ in 0..TRIES {
        let Some(seen) = tried(ports.get(Table::Rollup, key).await).flatten() else { continue };
        if seen.body.split_terminator(',').any(|there| there == name) {
            return;
        }
        let write = Write::replace(Table::Rollup, key.clone(), seen.revision, format!("{}{name},", seen.body));
        if tried(ports.write(write).await) == Some(Written::Done) {
            return;
        }
    }
    panic!("{name} was never added");
}

/// What was answered; nothing after an error, which must be of the kind that passes.
fn tried<T>(answered: Result<T, StoreError>) -> Option<T> {
    answered.map_err(|error| assert!(error.retryable, "{error}")).ok()
}

async fn every_number_is_given_once(ports: &Arc<Aws>, direct: &Aws) {
    const INVOICES: usize = 10;
    let mut issuers = JoinSet::new();
    for issuer in 0..INVOICES * 2 {
        let ports = Arc::clone(ports);
        issuers.spawn(async move { issue(ports.as_ref(), issuer % INVOICES).await });
    }
    issuers.join_all().await;
    let numbers = direct.query(Table::Billing, "bad network/numbers", None, 100).await.unwrap().items;
    let given: Vec<String> = numbers.iter().map(|(number, _)| number.clone()).collect();
    assert_eq!(given, (1..=INVOICES).map(|number| format!("{number:06}")).collect::<Vec<_>>(), "exactly 1..n");
    let invoices: BTreeSet<&str> = numbers.iter().map(|(_, item)| item.body.as_str()).collect();
    assert_eq!(invoices.len(), INVOICES, "one for each invoice");
}

async fn issue(ports: &Aws, invoice: usize) {
    let (document, series) = (format!("invoice {invoice}"), Key::new("bad network/series", "2026"));
    let issued = Key::new("bad network/issued", document.clone());
    for _ in 0..TRIES {
        match tried(ports.get(Table::Billing, &issued).await) {
            Some(Some(_)) => return,
            Some(None) => {}
            None => continue,
        }
        let Some(last) = tried(ports.get(Table::Billing, &series).await) else { continue };
        let next = last.as_ref().map_or(1, |item| item.revision + 1);
        let number = Key::new("bad network/numbers", format!("{next:06}"));
        let condition = last.as_ref().map_or(Condition::Absent, |item| Condition::Revision(item.revision));
        let effect = Effect::Put(Item { revision: next, body: next.to_string() });
        let writes = vec![
            Write { table: Table::Billing, key: series.clone(), condition, effect },
            Write::create(Table::Billing, number, document.clone()),
            Write::create(Table::Billing, issued.clone(), next.to_string()),
        ];
        if tried(ports.transact(writes).await) == Some(Transacted::Done) {
            return;
        }
    }
    panic!("{document} was never issued");
}

/// Each is delivered at least once, and nothing that was not asked for.
async fn every_file_is_asked_for(way: &Unreliable, server: &str, local: Local) {
    let client = aws_sdk_sqs::Client::new(&aws::sdk_config(Some(server)).await);
    let url = client.create_queue().queue_name("bad-network").send().await.unwrap().queue_url.unwrap();
    let ports = aws::connect(AwsConfig { queue_url: Some(url.clone()), ..local(&way.endpoint) }).await.unwrap();
    let asked: BTreeSet<String> = (0..20).map(|number| format!("file-{number:02}")).collect();
    for key in &asked {
        let mut tries = 0..TRIES;
        while tried(ports.enqueue(key).await).is_none() {
            assert!(tries.next().is_some(), "{key} was never asked for");
        }
    }
    let mut delivered = BTreeSet::new();
    for _ in 0..TRIES {
        let received = client.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
        if received.messages().is_empty() {
            break;
        }
        for message in received.messages() {
            let event: serde_json::Value = serde_json::from_str(message.body().unwrap()).unwrap();
            delivered.insert(event["Records"][0]["s3"]["object"]["key"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(delivered, asked);
}
