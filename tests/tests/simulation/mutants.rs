//! The protocol with one thing wrong: what each mutant breaks. Every one has to be caught.
//!
//! They are made of the product's own code by tampering with what it asks of its ports, so that
//! nothing of them can ever be built into the product.

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    AcknowledgeBeforeCommit,
    MarkerThenAdd,
    PlainAdd,
    NoHintForRepeats,
    BlindHintDelete,
    ConstantToken,
    HintBeforeTally,
    BlindRollup,
    LateGeneration,
    StaleQuery,
    NoClaim,
    ClaimedAnew,
    BlindRevision,
    NoSecondLook,
    ForgetRevised,
    BodyAfterTally,
    NoSweep,
    SweepAgainstTallies,
    NoAudit,
    AuditAgainstTallies,
    QuarantineCloses,
    NoHeadSwap,
    BlindNumber,
    NumberApart,
    DocumentAfter,
    LateDataAdded,
    BlindWaiver,
    WaiverWithoutHint,
    SealKept,
    SealsAfterRollups,
    HalfRestated,
    SealedBeforeRestated,
    RestatementUnread,
}

/// All of them with what they do. Those that the design named from the beginning come first.
pub const ALL: &[(Mutant, &str, &str)] = &[
    (
        Mutant::AcknowledgeBeforeCommit,
        "acknowledge before commit",
        "an event is taken off the queue when its translation begins",
    ),
    (
        Mutant::MarkerThenAdd,
        "marker then add",
        "the file is marked as counted, then its usage is added in a second write",
    ),
    (Mutant::PlainAdd, "plain add", "what a file contributes is added to what is there, whoever wrote that"),
    (Mutant::NoHintForRepeats, "no hint on the duplicate path", "who finds the tally there writes no hint"),
    (Mutant::BlindHintDelete, "blind delete of the hint", "the hint is removed whatever its token is by now"),
    (Mutant::BlindRollup, "blind rollup", "a rollup is written without compare-and-swap"),
    (
        Mutant::LateGeneration,
        "generation read after the query",
        "the compare-and-swap of a rollup takes the generation of after the query",
    ),
    (Mutant::NoClaim, "no claim", "a file's slot is the hour of whatever version is seen"),
    (Mutant::NoSweep, "no sweeper", "the listing is never compared with what is counted"),
    (
        Mutant::NoHeadSwap,
        "invoice without head swap",
        "an invoice is issued whatever other invoices of its account were issued meanwhile",
    ),
    (Mutant::NumberApart, "number apart from the invoice", "the number is taken in a transaction of its own"),
    (
        Mutant::LateDataAdded,
        "late data added rather than trued up",
        "usage of an earlier month counts in the month in which its file came",
    ),
    (
        Mutant::AuditAgainstTallies,
        "audit against tallies instead of rollup inputs",
        "the close takes a tally for proof that the file is priced",
    ),
    (
        Mutant::ConstantToken,
        "constant token",
        "all hints of a slot look the same, so that a new one is taken for the one before",
    ),
    (Mutant::HintBeforeTally, "hint before the tally", "the hint is written first, then the tally"),
    (Mutant::StaleQuery, "stale query", "tallies are read with eventual consistency, one write behind"),
    (Mutant::ClaimedAnew, "claim written anew", "whoever comes puts the claim, whatever is there"),
    (Mutant::BlindRevision, "blind revision", "a tally is replaced without compare-and-swap"),
    (
        Mutant::NoSecondLook,
        "no second look at the object",
        "a tally is replaced without a look at which version is the present one",
    ),
    (Mutant::ForgetRevised, "revised tally not kept", "what a revision replaces is overwritten and gone"),
    (Mutant::BodyAfterTally, "body after the tally", "a large tally's body is put after the item that names it"),
    (
        Mutant::SweepAgainstTallies,
        "sweep against tallies",
        "the sweep takes a tally for proof that the file is rolled up",
    ),
    (Mutant::NoAudit, "no audit", "the close does not list the bucket"),
    (
        Mutant::QuarantineCloses,
        "quarantine does not block",
        "the close takes a file in quarantine for one that somebody waived",
    ),
    (Mutant::BlindWaiver, "blind waiver", "a file is waived whatever was read of it meanwhile"),
    (Mutant::HalfRestated, "close while half restated", "the close does not ask what is restated"),
    (
        Mutant::SealedBeforeRestated,
        "seal kept over a restatement",
        "an hour that was checked before its files were restated counts as checked after it",
    ),
    (
        Mutant::RestatementUnread,
        "restatement unread",
        "who is asked for a file again does not ask by which mapping it is to be read",
    ),
    (
        Mutant::SealKept,
        "seal not broken",
        "what comes late with the time of a sealed hour is not looked at: the hour counts as checked",
    ),
    (
        Mutant::SealsAfterRollups,
        "seals read after the rollups",
        "the close believes seals of rollups that it has not read",
    ),
    (Mutant::WaiverWithoutHint, "waiver without hint", "who is cut off after waiving leaves no hint"),
    (Mutant::BlindNumber, "blind number", "the series of numbers moves on without compare-and-swap"),
    (Mutant::DocumentAfter, "document after the transaction", "the document is put once its invoice is issued"),
];
