//! An organisation that answers as Salesforce does: login, descriptions, `query` and `queryAll` in pages, bulk
//! queries, collections of upserts. For tests and the demo; its records, clock and misfortunes are a script.
//!
//! [`Peer::answer`] is a function of the request and the script; [`serve()`] puts it behind HTTP on this machine.

mod answer;
mod bearer;
mod bulk;
mod org;
mod query;
mod serve;

pub use answer::{Answer, Asked};
pub use bearer::USER;
pub use org::{Field, Kind, Object, Org, id};
pub use serve::{Served, serve, serve_at};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use metering::time::Instant;

/// The client id and secret that the peer knows.
pub const CLIENT: (&str, &str) = ("peer-client", "peer-secret");

/// Something that goes wrong, once, at some calls.
#[derive(Clone, Debug)]
struct Misfortune {
    /// Part of the address.
    at: String,
    /// Calls to it that still go well.
    after: usize,
    /// Calls that go wrong.
    times: usize,
    /// What is answered instead; the right answer, broken off, where there is none.
    answer: Option<Answer>,
}

/// What a query still has to give.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    pub(crate) rows: Vec<String>,
    pub(crate) total: usize,
    pub(crate) size: usize,
}

/// A bulk query.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) object: String,
    pub(crate) query: String,
    /// Looks until it is done.
    pub(crate) looks: usize,
    pub(crate) head: String,
    pub(crate) rows: Vec<String>,
    pub(crate) failed: Option<String>,
    pub(crate) aborted: bool,
    pub(crate) version: String,
}

pub(crate) struct State {
    pub(crate) org: Org,
    pub(crate) host: String,
    pub(crate) now: Instant,
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) issued: usize,
    pub(crate) cursors: BTreeMap<String, Cursor>,
    pub(crate) jobs: BTreeMap<String, Job>,
    pub(crate) made: usize,
    pub(crate) used: u64,
    pub(crate) limit: u64,
    pub(crate) page: usize,
    pub(crate) part: usize,
    pub(crate) looks: usize,
    /// The public key of the app's certificate.
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) secret: String,
    misfortunes: Vec<Misfortune>,
    log: Vec<String>,
}

/// The peer.
pub struct Peer {
    state: Mutex<State>,
}

impl Peer {
    /// A peer for an organisation, by a clock that stands until it is set.
    #[must_use]
    pub fn new(org: Org, now: Instant) -> Self {
        let state = State {
            org,
            host: "https://peer.my.salesforce.com".to_owned(),
            now,
            tokens: BTreeSet::new(),
            issued: 0,
            cursors: BTreeMap::new(),
            jobs: BTreeMap::new(),
            made: 0,
            used: 100,
            limit: 100_000,
            page: 2000,
            part: usize::MAX,
            looks: 1,
            certificate: None,
            secret: CLIENT.1.to_owned(),
            misfortunes: Vec::new(),
            log: Vec::new(),
        };
        Self { state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes records.
    pub fn change<T>(&self, change: impl FnOnce(&mut Org, Instant) -> T) -> T {
        let mut state = self.lock();
        let now = state.now;
        change(&mut state.org, now)
    }

    /// Gives the app a certificate; the private key that belongs to it, as PEM.
    #[must_use]
    pub fn certify(&self) -> Option<String> {
        let (private, public) = bearer::key()?;
        self.lock().certificate = Some(public);
        Some(private)
    }

    /// Gives the app the certificate of a public key that lies elsewhere, as DER.
    pub fn trust(&self, public: &[u8]) {
        self.lock().certificate = Some(public.to_vec());
    }

    /// Gives the app another secret; the one before is good no more.
    pub fn set_secret(&self, secret: &str) {
        secret.clone_into(&mut self.lock().secret);
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Instant) {
        self.lock().now = now;
    }

    /// The host that it says it is.
    pub fn set_host(&self, host: &str) {
        host.clone_into(&mut self.lock().host);
    }

    /// Records to a page, whatever is asked for, and to a part of a job's results.
    pub fn set_pages(&self, page: usize, part: usize) {
        let mut state = self.lock();
        (state.page, state.part) = (page, part);
    }

    /// Looks at a job until it is done.
    pub fn set_looks(&self, looks: usize) {
        self.lock().looks = looks;
    }

    /// Calls of the day, and how many are allowed.
    pub fn set_usage(&self, used: u64, limit: u64) {
        let mut state = self.lock();
        (state.used, state.limit) = (used, limit);
    }

    /// No token that was given is good any more.
    pub fn expire_tokens(&self) {
        self.lock().tokens.clear();
    }

    /// No page that was promised can be had any more.
    pub fn forget_cursors(&self) {
        self.lock().cursors.clear();
    }

    /// Gives `answer` to `times` calls whose address contains `at`, after so many that go well.
    pub fn go_wrong(&self, at: &str, after: usize, times: usize, answer: Answer) {
        self.lock().misfortunes.push(Misfortune { at: at.to_owned(), after, times, answer: Some(answer) });
    }

    /// Breaks the connection off within `times` answers to calls whose address contains `at`.
    pub fn break_off(&self, at: &str, after: usize, times: usize) {
        self.lock().misfortunes.push(Misfortune { at: at.to_owned(), after, times, answer: None });
    }

    /// The calls so far: verb and path, without what was asked or sent.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.lock().log.clone()
    }

    /// Jobs that were not removed.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Answers a request.
    #[must_use]
    pub fn answer(&self, asked: &Asked) -> Answer {
        let mut state = self.lock();
        let path = asked.url.split('?').next().unwrap_or_default().to_owned();
        state.log.push(format!("{} {path}", asked.method));
        match state.misfortune(&asked.url) {
            Some(Some(answer)) => answer,
            Some(None) => Answer { cut: true, ..state.answer(asked) },
            None => state.answer(asked),
        }
    }
}

impl State {
    fn misfortune(&mut self, url: &str) -> Option<Option<Answer>> {
        let due = self.misfortunes.iter_mut().find(|one| one.times > 0 && url.contains(&one.at))?;
        if due.after > 0 {
            due.after = due.after.saturating_sub(1);
            return None;
        }
        due.times = due.times.saturating_sub(1);
        Some(due.answer.clone())
    }
}
