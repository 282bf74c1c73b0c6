//! Acknowledged means on the disk: a process is killed while it writes, again and again.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ledger::ports::{Blobs, Bucket, Item, Key, PutOnce, Table, Tables, Write, Written};
use store::embedded::{self, Embedded, Places};

/// Tells the child where to write.
const FOLDER: &str = "FARTHING_KILL_FOLDER";
/// How many acknowledgements are read before the kill.
const ACKNOWLEDGED: usize = 1500;
const WRITERS: u64 = 24;

/// Starts this very program as a child that writes, kills it, and looks for what it acknowledged.
pub fn nothing_acknowledged_is_lost(runtime: &tokio::runtime::Runtime, child: &str) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for round in 0..3 {
        let acknowledged = write_until_killed(folder.path(), child);
        assert!(acknowledged.len() >= ACKNOWLEDGED, "round {round}: {}", acknowledged.len());
        let store = open(folder.path());
        runtime.block_on(async {
            for name in acknowledged {
                expect(&store, &name).await;
            }
        });
    }
}

fn open(folder: &Path) -> Embedded {
    embedded::open(&Places::within(folder)).unwrap()
}

fn write_until_killed(folder: &Path, child: &str) -> Vec<String> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let name = |line: String| line.strip_prefix("ack ").map(str::to_owned);
    let mut acknowledged: Vec<String> =
        lines.by_ref().map_while(Result::ok).filter_map(name).take(ACKNOWLEDGED).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    // What was still in the pipe was acknowledged too; the last line may be cut.
    let mut rest: Vec<String> = lines.map_while(Result::ok).filter_map(name).collect();
    rest.pop();
    acknowledged.append(&mut rest);
    acknowledged
}

async fn expect(store: &Embedded, name: &str) {
    let key = Key::new("kill", name);
    let item = store.get(Table::Billing, &key).await.unwrap();
    assert_eq!(item, Some(Item { revision: 1, body: name.repeat(20) }), "{name}");
    if name.starts_with("0-") {
        let meta = store.head(Bucket::Work, name).await.unwrap();
        assert!(meta.is_some_and(|meta| meta.size == 9000), "{name}");
    }
}

/// The child: writes until it is killed. Does nothing when nobody asked for it.
pub fn write_for_ever(runtime: &tokio::runtime::Runtime) {
    #[expect(clippy::disallowed_methods, reason = "how the parent reaches its child")]
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Arc::new(open(Path::new(&folder)));
    runtime.block_on(async {
        let round = std::process::id();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let store = Arc::clone(&store);
            writers.spawn(async move {
                for number in 0..u64::MAX {
                    write(&store, format!("{writer}-{round}-{number}")).await;
                }
            });
        }
        writers.join_all().await;
    });
}

/// An item, for the first writer an object too, and then a line that says so.
async fn write(store: &Embedded, name: String) {
    if name.starts_with("0-") {
        let put = store.put_once(Bucket::Work, &name, vec![b'x'; 9000], "text/plain").await.unwrap();
        assert_eq!(put, PutOnce::Written);
    }
    let create = Write::create(Table::Billing, Key::new("kill", name.clone()), name.repeat(20));
    assert_eq!(store.write(create).await.unwrap(), Written::Done);
    let mut output = std::io::stdout().lock();
    output.write_all(format!("ack {name}\n").as_bytes()).and_then(|()| output.flush()).unwrap();
}
