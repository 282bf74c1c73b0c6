//! One fact of the directory, and its line in a snapshot.

use std::borrow::Cow;

use metering::time::Instant;

/// What a claim means for billing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The account is billed.
    Active,
    /// The record says that the deployment is not in use: it is billed all the same, or held, as the mapping says,
    /// and reported.
    Inactive,
    /// As inactive, and held.
    Suspended,
    /// A trial, a test, our own: never billed.
    Excluded,
    /// Somebody answers for it that this usage, which nobody owned, is never billed.
    WrittenOff,
}

impl Standing {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Active, "active"),
        (Self::Inactive, "inactive"),
        (Self::Suspended, "suspended"),
        (Self::Excluded, "excluded"),
        (Self::WrittenOff, "written-off"),
    ];

    /// The word for it in a snapshot.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(standing, _)| *standing == self).map_or("", |(_, word)| word)
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(standing, _)| *standing)
    }
}

/// One fact: `account` owned what usage files call `deployment` during `[from, until)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// As usage files call it.
    pub deployment: String,
    /// By which rule the deployment is found, lowest first: the catalogue's own and the first key of a mapping are 0.
    pub rule: u8,
    /// The first instant.
    pub from: Instant,
    /// The first instant after; none while it lasts.
    pub until: Option<Instant>,
    /// The customer's id; none where the record names no account.
    pub account: Option<String>,
    /// What it means for billing.
    pub standing: Standing,
    /// Whether `from` was inferred from when a change was seen, and whether `until` was.
    pub inferred: (bool, bool),
    /// Where it is written: `catalogue`, source, object and record as in `crm/Asset/02i…`, or who wrote it off and why.
    pub source: String,
    /// When this fact was first recorded.
    pub recorded_at: Instant,
}

/// A claim as it stands in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// See [`Claim::rule`].
    pub rule: u8,
    /// See [`Claim::from`].
    pub from: Instant,
    /// See [`Claim::until`].
    pub until: Option<Instant>,
    /// See [`Claim::account`].
    pub account: Option<&'a str>,
    /// See [`Claim::standing`].
    pub standing: Standing,
    /// See [`Claim::inferred`].
    pub inferred: (bool, bool),
    /// See [`Claim::source`].
    pub source: &'a str,
    /// See [`Claim::recorded_at`].
    pub recorded_at: Instant,
}

impl Seen<'_> {
    /// Whether it holds at an instant.
    #[must_use]
    pub fn covers(&self, at: Instant) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// The claim by itself.
    #[must_use]
    pub fn owned(&self, deployment: &str) -> Claim {
        Claim {
            deployment: deployment.to_owned(),
            rule: self.rule,
            from: self.from,
            until: self.until,
            account: self.account.map(str::to_owned),
            standing: self.standing,
            inferred: self.inferred,
            source: self.source.to_owned(),
            recorded_at: self.recorded_at,
        }
    }
}

/// Blanks that would end a column or a line are written out.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r')) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r"))
}

pub(super) fn unescaped(text: &str) -> String {
    let (mut plain, mut letters) = (String::with_capacity(text.len()), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.push(match letters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            }),
            other => plain.push(other),
        }
    }
    plain
}

/// What a claim says, in the order of its columns.
pub type Facts<'a> = (&'a str, u8, Instant, Option<Instant>, Option<&'a str>, Standing, (bool, bool), &'a str);

impl Claim {
    /// What the fact says, apart from when it was recorded; also the order of facts.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        let Self { deployment, rule, from, until, account, standing, inferred, source, recorded_at: _ } = self;
        (deployment, *rule, *from, *until, account.as_deref(), *standing, *inferred, source)
    }

    /// What the fact says as the beginning of a line, up to the instant of recording.
    #[must_use]
    pub fn line(&self) -> String {
        let until = self.until.map_or_else(String::new, |until| until.0.to_string());
        let mark = |inferred: bool, word: &'static str| if inferred { word } else { "" };
        format!(
            "{}\t{}\t{}\t{until}\t{}\t{}\t{}{}\t{}\t",
            escaped(&self.deployment),
            self.rule,
            self.from.0,
            escaped(self.account.as_deref().unwrap_or_default()),
            self.standing.word(),
            mark(self.inferred.0, "f"),
            mark(self.inferred.1, "u"),
            escaped(&self.source),
        )
    }

    /// Reads a line back.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let (deployment, seen) = read(line)?;
        Some(seen.owned(&unescaped(deployment)))
    }
}

/// The deployment, still escaped, and the rest of a line.
pub(super) fn read(line: &str) -> Option<(&str, Seen<'_>)> {
    let mut columns = line.split('\t');
    let deployment = columns.next()?;
    let rule = columns.next()?.parse().ok()?;
    let from = Instant(columns.next()?.parse().ok()?);
    let until = columns.next().filter(|until| !until.is_empty());
    let until = match until {
        Some(until) => Some(Instant(until.parse().ok()?)),
        None => None,
    };
    let account = columns.next().filter(|account| !account.is_empty());
    let standing = Standing::read(columns.next()?)?;
    let marks = columns.next()?;
    let inferred = (marks.contains('f'), marks.contains('u'));
    let source = columns.next()?;
    let recorded_at = Instant(columns.next()?.parse().ok()?);
    columns.next().is_none().then_some(())?;
    Some((deployment, Seen { rule, from, until, account, standing, inferred, source, recorded_at }))
}
