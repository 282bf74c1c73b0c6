//! From records to facts: who owned which deployment when, and who is billed how. Pure; the same records give the
//! same facts, whatever order they come in.

use std::collections::{BTreeMap, BTreeSet};

use catalog::directory::{Claim, Holding, Party, Standing};
use catalog::salesforce::{Id, Inactive, Organisation};
use chrono::{NaiveDate, TimeZone};
use chrono_tz::Tz;
use metering::period::start_of_day;
use metering::time::Instant;

use crate::records::Stored;
use crate::value::{day, moment};

/// A chain of merges, or of parents, longer than this is broken off.
const CHAIN: usize = 10;
const PARENTS: usize = 20;

/// Places of named fields among the values of a record.
#[derive(Clone, Debug)]
pub struct Places(BTreeMap<String, usize>);

impl Places {
    /// The places of fields in this order.
    #[must_use]
    pub fn new(fields: &[String]) -> Self {
        Self(fields.iter().enumerate().map(|(place, field)| (field.clone(), place)).collect())
    }

    /// The place of a field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<usize> {
        self.0.get(field).copied()
    }

    fn value<'r>(&self, record: &'r Stored, field: &str) -> Option<&'r str> {
        record.value(self.of(field)?)
    }

    fn optional<'r>(&self, record: &'r Stored, field: Option<&String>) -> Option<&'r str> {
        self.value(record, field?)
    }
}

/// An account: what facts about deployments need of it, and the rest as its line, which takes less memory.
#[derive(Clone, Debug)]
struct Account {
    line: Box<str>,
    excluded: bool,
    /// The account that it was merged into.
    master: Option<Box<str>>,
    parent: Option<Box<str>>,
    stamp: Instant,
    gone: Option<Instant>,
}

impl Account {
    /// The record; an empty one if the line is none, which cannot be: it was written from one.
    fn record(&self) -> Stored {
        serde_json::from_str(&self.line).unwrap_or_else(|_| Stored::new(Vec::new()))
    }
}

/// Facts of one organisation, record by record.
pub struct Resolver<'a> {
    organisation: &'a Organisation,
    zone: Tz,
    accounts: BTreeMap<String, Account>,
    account_places: Places,
    held: BTreeMap<String, Vec<Holding>>,
    /// Accounts with a deployment, and the first instant of it.
    seen: BTreeMap<String, Instant>,
}

impl<'a> Resolver<'a> {
    /// A resolver that is told the accounts first, with these fields; then deployments and subscriptions.
    #[must_use]
    pub fn new(organisation: &'a Organisation, fields: &[String]) -> Self {
        let (account_places, accounts) = (Places::new(fields), BTreeMap::new());
        let zone = organisation.zone.parse().unwrap_or(Tz::UTC);
        Self { organisation, zone, accounts, account_places, held: BTreeMap::new(), seen: BTreeMap::new() }
    }

    /// Takes down an account's record.
    ///
    /// # Errors
    /// Where it cannot be written as a line.
    pub fn account(&mut self, record: &Stored) -> Result<(), serde_json::Error> {
        let (places, mapping) = (&self.account_places, &self.organisation.accounts);
        let account = Account {
            line: serde_json::to_string(record)?.into(),
            excluded: has_any(places, record, &mapping.excluded),
            master: places.value(record, "MasterRecordId").map(Into::into),
            parent: places.optional(record, mapping.parent.as_ref()).map(Into::into),
            stamp: record.stamp(),
            gone: record.gone(),
        };
        self.accounts.insert(record.id().to_owned(), account);
        Ok(())
    }

    fn name(&self, id: &str) -> String {
        format!("{}-{id}", self.organisation.name)
    }

    /// Where an account went by being merged: each account on the way with the instant at which it was left, and the
    /// last. Broken off where the chain is a circle or too long.
    fn merged(&self, id: &str) -> (Vec<(String, Instant)>, String) {
        let (mut left, mut at) = (Vec::new(), id.to_owned());
        let mut visited = BTreeSet::new();
        while left.len() < CHAIN && visited.insert(at.clone()) {
            let Some(account) = self.accounts.get(&at) else { break };
            let Some(master) = &account.master else { break };
            left.push((at, account.stamp));
            at = master.to_string();
        }
        (left, at)
    }

    /// The facts of a deployment's record.
    pub fn deployment(&mut self, places: &Places, record: &Stored, recorded_at: Instant) -> Vec<Claim> {
        let mapping = &self.organisation.deployments;
        let stated = self.start(places, record, mapping.from.as_ref());
        let from = stated.unwrap_or_else(|| record.created());
        let end = places.optional(record, mapping.until.as_ref()).and_then(|text| self.end(text));
        let gone = record.gone();
        let until = match (end, gone) {
            (Some(end), Some(gone)) => Some(end.min(gone)),
            (end, gone) => end.or(gone),
        };
        let end_inferred = gone.is_some() && until == gone && until != end;
        let standing = self.standing(places, record);
        let mut claims = Vec::new();
        for piece in self.pieces(places, record, stated.is_some()) {
            let from_piece = piece.from.map_or(from, |at| at.max(from));
            let until_piece = match (piece.until, until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if until_piece.is_some_and(|until| until <= from_piece) {
                continue;
            }
            let inferred_from = stated.is_none() || piece.from.is_some_and(|at| at > from);
            let inferred_until =
                piece.until.is_some() && until_piece == piece.until || end_inferred && until_piece == until;
            let excluded =
                piece.account.as_ref().and_then(|id| self.accounts.get(id)).is_some_and(|account| account.excluded);
            let standing = if excluded { Standing::Excluded } else { standing };
            if let Some(id) = &piece.account {
                let first = self.seen.entry(id.clone()).or_insert(from_piece);
                *first = (*first).min(from_piece);
            }
            for (rule, key) in &piece.keys {
                claims.push(Claim {
                    deployment: key.clone(),
                    rule: *rule,
                    from: from_piece,
                    until: until_piece,
                    account: piece.account.as_ref().map(|id| self.name(id)),
                    standing,
                    inferred: (inferred_from, inferred_until),
                    source: format!("{}/{}/{}", self.organisation.name, mapping.object, record.id()),
                    recorded_at,
                });
            }
        }
        claims
    }

    /// Whose a deployment was, one owner after the other, without its own first and last instant.
    fn pieces(&self, places: &Places, record: &Stored, dated: bool) -> Vec<Piece> {
        let mapping = &self.organisation.deployments;
        let account = places.value(record, &mapping.account).map(str::to_owned);
        let keys =
            mapping.keys.iter().filter_map(|field| Some((field.clone(), places.value(record, field)?.to_owned())));
        let keys: BTreeMap<String, String> = keys.collect();
        let mut spans: Vec<Owned> = Vec::new();
        for was in &record.was {
            // Where days are stated, a change in place corrects what was wrong from the beginning; only a merge moves.
            let old = was.values.get(&mapping.account).cloned();
            let merged = |old: &String| Some(old) != account.as_ref() && Some(self.merged(old).1) == account;
            if !dated || old.as_ref().is_some_and(merged) {
                spans.push((old, was.values.clone(), Some(was.until)));
            }
        }
        spans.push((account, keys, None));
        let mut pieces = Vec::new();
        let mut from = None;
        for (account, values, until) in spans {
            self.follow(account, from, until, &self.keys(&values), &mut pieces);
            from = until;
        }
        pieces
    }

    /// One span of an account, cut where the account was merged or deleted.
    fn follow(
        &self,
        account: Option<String>,
        from: Option<Instant>,
        until: Option<Instant>,
        keys: &[(u8, String)],
        pieces: &mut Vec<Piece>,
    ) {
        let keys = keys.to_vec();
        let Some(id) = account.filter(|id| self.accounts.contains_key(id)) else {
            return pieces.push(Piece { account: None, from, until, keys });
        };
        let (left, last) = self.merged(&id);
        let mut from = from;
        for (id, at) in left {
            if from.is_none_or(|from| from < at) && until.is_none_or(|until| at < until) {
                pieces.push(Piece { account: Some(id), from, until: Some(at), keys: keys.clone() });
                from = Some(at);
            } else if until.is_some_and(|until| until <= at) {
                return pieces.push(Piece { account: Some(id), from, until, keys });
            }
        }
        let gone = self.accounts.get(&last).and_then(|account| account.gone);
        let merged_away = self.accounts.get(&last).is_some_and(|account| account.master.is_some());
        let until = match gone.filter(|_| !merged_away) {
            Some(gone) => Some(until.map_or(gone, |until| until.min(gone))),
            None => until,
        };
        let account = self.accounts.contains_key(&last).then_some(last);
        pieces.push(Piece { account, from, until, keys });
    }

    /// By which rule which name finds the record. An id is found by 18 characters and by 15.
    fn keys(&self, values: &BTreeMap<String, String>) -> Vec<(u8, String)> {
        let mut keys = Vec::new();
        for (field, rule) in self.organisation.deployments.keys.iter().zip(0_u8..) {
            let Some(key) = values.get(field).map(|key| key.trim()).filter(|key| !key.is_empty()) else { continue };
            keys.push((rule, key.to_owned()));
            if field == "Id"
                && let Ok(id) = Id::parse(key)
            {
                keys.push((rule, id.short().to_owned()));
            }
        }
        keys
    }

    fn standing(&self, places: &Places, record: &Stored) -> Standing {
        let mapping = &self.organisation.deployments;
        if has_any(places, record, &mapping.excluded) {
            return Standing::Excluded;
        }
        let status = places.optional(record, mapping.status.as_ref());
        let active = mapping.status.is_none()
            || mapping.active.is_empty()
            || status.is_some_and(|status| mapping.active.iter().any(|word| word == status));
        match (active, mapping.inactive) {
            (true, _) => Standing::Active,
            (false, Inactive::Bill) => Standing::Inactive,
            (false, Inactive::Hold) => Standing::Suspended,
        }
    }

    fn start(&self, places: &Places, record: &Stored, field: Option<&String>) -> Option<Instant> {
        let text = places.optional(record, field)?;
        moment(text).or_else(|| start_of_day(self.zone, day(text)?).ok())
    }

    /// An end that is a day counts that day.
    fn end(&self, text: &str) -> Option<Instant> {
        moment(text).or_else(|| start_of_day(self.zone, day(text)?.succ_opt()?).ok())
    }

    /// Takes down a subscription's record.
    pub fn subscription(&mut self, places: &Places, record: &Stored) {
        let Some(mapping) = &self.organisation.subscriptions else { return };
        let status = places.optional(record, mapping.status.as_ref());
        let counts =
            mapping.active.is_empty() || status.is_some_and(|status| mapping.active.iter().any(|word| word == status));
        let deleted = record.gone().is_some();
        let account = places.value(record, &mapping.account);
        let (Some(account), true, false) = (account, counts, deleted) else { return };
        let (_, account) = self.merged(account);
        let Some(from) = places.value(record, &mapping.from).and_then(|text| self.local_day(text)) else { return };
        let plan = places.value(record, &mapping.plan).unwrap_or_default();
        let last = places.optional(record, mapping.until.as_ref()).and_then(|text| self.local_day(text));
        let terminated = places.optional(record, mapping.terminated.as_ref()).and_then(|text| self.local_day(text));
        let until = match (last.and_then(|last| last.succ_opt()), terminated) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if until.is_some_and(|until| until <= from) {
            return;
        }
        let mapped = |fields: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let stated =
                |(name, field): (&String, &String)| Some((name.clone(), places.value(record, field)?.to_owned()));
            fields.iter().filter_map(stated).collect()
        };
        self.held.entry(account).or_default().push(Holding {
            plan: called(&mapping.plans, plan).to_owned(),
            from,
            until,
            prices: mapped(&mapping.prices),
            set: mapped(&mapping.set),
            quantities: mapped(&mapping.quantities),
            source: format!("{}/{}/{}", self.organisation.name, mapping.object, record.id()),
        });
    }

    fn local_day(&self, text: &str) -> Option<NaiveDate> {
        day(text).or_else(|| moment(text).and_then(|at| self.day_of(at)))
    }

    fn day_of(&self, at: Instant) -> Option<NaiveDate> {
        at.to_utc().map(|at| self.zone.from_utc_datetime(&at.naive_utc()).date_naive())
    }

    /// The accounts that have deployments or subscriptions, or were `known` by having had some: what they were billed
    /// may have to be trued up. By id; to be asked last.
    #[must_use]
    pub fn parties(&self, known: &[Party]) -> Vec<Party> {
        let prefix = self.name("");
        let before = known.iter().filter_map(|party| party.account.strip_prefix(&prefix)).map(str::to_owned);
        let ids: BTreeSet<String> = self.seen.keys().chain(self.held.keys()).cloned().chain(before).collect();
        let parties = ids.iter().filter_map(|id| self.accounts.get(id).map(|account| self.party(id, account)));
        parties.filter(|party| !party.1).map(|party| party.0).collect()
    }

    /// The account as a party, and whether it is never billed.
    fn party(&self, id: &str, account: &Account) -> (Party, bool) {
        let (mapping, places, record) = (&self.organisation.accounts, &self.account_places, &account.record());
        let mut notes = Vec::new();
        let parents = self.parents(id, &mut notes);
        let named = places.optional(record, mapping.bill_to.as_ref()).map(str::to_owned);
        let payer = named.or_else(|| parents.last().filter(|_| mapping.bill_to_parent).cloned());
        let payer = payer.map(|payer| self.merged(&payer).1).filter(|payer| payer != id);
        let paying = payer.as_ref().and_then(|payer| self.accounts.get(payer));
        if payer.is_some() && paying.is_none() {
            notes.push("the account that should pay is not visible; the bill goes to the account itself".to_owned());
        }
        let payers = paying.map(Account::record);
        let billed = payers.as_ref().unwrap_or(record);
        let lines = |fields: &[String], record: &Stored| -> Vec<String> {
            let values = fields.iter().filter_map(|field| places.value(record, field));
            values.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let mapped = |fields: &BTreeMap<String, String>| {
            let pairs = fields
                .iter()
                .filter_map(|(label, field)| Some((label.clone(), places.value(record, field)?.to_owned())));
            pairs.collect::<BTreeMap<_, _>>()
        };
        let name = places.value(record, &mapping.name).unwrap_or(id);
        let (left, last) = self.merged(id);
        let party = Party {
            account: self.name(id),
            name: places.value(billed, &mapping.name).unwrap_or(name).to_owned(),
            bill_to: paying.and(payer.as_ref()).map(|payer| self.name(payer)),
            address: if paying.is_some() {
                lines(&mapping.address, billed).into_iter().chain([format!("for {name}")]).collect()
            } else {
                lines(&mapping.address, billed)
            },
            ship_to: lines(&mapping.ship_to, record),
            ids: mapped(&mapping.ids),
            attributes: mapped(&mapping.attributes),
            currency: places.optional(record, mapping.currency.as_ref()).map(str::to_owned),
            zone: places.optional(record, mapping.zone.as_ref()).unwrap_or(&self.organisation.zone).to_owned(),
            parents: parents.iter().map(|parent| self.name(parent)).collect(),
            merged_into: (!left.is_empty()).then(|| self.name(&last)),
            subscriptions: self.holdings(id),
            notes,
        };
        (party, account.excluded)
    }

    /// The accounts above one, nearest first.
    fn parents(&self, id: &str, notes: &mut Vec<String>) -> Vec<String> {
        let (mut parents, mut visited) = (Vec::new(), BTreeSet::from([id.to_owned()]));
        let mut at = id.to_owned();
        while parents.len() < PARENTS {
            let parent = self.accounts.get(&at).and_then(|account| account.parent.as_deref());
            let Some(parent) = parent.filter(|parent| self.accounts.contains_key(*parent)) else { return parents };
            if !visited.insert(parent.to_owned()) {
                notes.push("its parents go round in a circle; the bill goes to the account itself".to_owned());
                return Vec::new();
            }
            parents.push(parent.to_owned());
            at = parent.to_owned();
        }
        notes.push(format!("it has more than {PARENTS} parents; those further up are left out"));
        parents
    }

    fn holdings(&self, id: &str) -> Vec<Holding> {
        let mut held = self.held.get(id).cloned().unwrap_or_default();
        let first = self.seen.get(id).and_then(|at| self.day_of(*at));
        if let (Some(plan), Some(from)) = (&self.organisation.plan, first) {
            let source = format!("{}: the plan of every account", self.organisation.name);
            let (prices, set, quantities) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
            held.push(Holding { plan: plan.clone(), from, until: None, prices, set, quantities, source });
        }
        held.sort();
        held
    }
}

/// An account, the keys of then, and until when.
type Owned = (Option<String>, BTreeMap<String, String>, Option<Instant>);

/// An owner for a while.
struct Piece {
    account: Option<String>,
    from: Option<Instant>,
    until: Option<Instant>,
    keys: Vec<(u8, String)>,
}

/// What a value is called in the catalogue. An id is the same with 15 characters and with 18.
fn called<'t>(plans: &'t BTreeMap<String, String>, value: &'t str) -> &'t str {
    let same = |listed: &str| match (Id::parse(listed), Id::parse(value)) {
        (Ok(listed), Ok(value)) => listed == value,
        _ => false,
    };
    let exact = plans.get(value);
    let found = exact.or_else(|| plans.iter().find(|(listed, _)| same(listed)).map(|(_, plan)| plan));
    found.map_or(value, String::as_str)
}

fn has_any(places: &Places, record: &Stored, values: &BTreeMap<String, Vec<String>>) -> bool {
    values
        .iter()
        .any(|(field, words)| places.value(record, field).is_some_and(|value| words.iter().any(|word| word == value)))
}
