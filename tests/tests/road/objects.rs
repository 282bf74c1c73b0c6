//! Objects that cannot be read as a whole, are nobody's or too many's, or are not what they were.

use ledger::attention::Kind;
use ledger::ports::Bucket;
use ledger::translate::Outcome;

use crate::world::{CATALOGUE, FEBRUARY_2, World, charged, counts, gzip, used};

const KEY: &str = "fixed/one/a.jsonl.gz";

/// What is said of a file in quarantine.
fn quarantined(key: &str, why: &str) -> String {
    format!("{key}: {why}. Write it anew, mend its source, or let it not count: `farthing waive {key}`")
}

/// An object of which nothing can be believed: it counts nothing and every period waits for it.
fn is_quarantined(world: &World, bytes: Vec<u8>, reason: &str) {
    world.arrive("fixed/one/good.jsonl", used(3, "4"));
    let outcome = world.arrive(KEY, bytes);
    let Outcome::Quarantined(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains(reason), "{why}");
    assert_eq!(world.notice(KEY), (Kind::Quarantined, why.clone()));
    assert_eq!(world.reject_objects(), 0, "it has no records");
    world.at(FEBRUARY_2);
    assert_eq!(world.waits("2026-01"), [quarantined(KEY, &why)]);
    assert_eq!(world.counted().counts, counts(1, 0), "only the good file counts");
    assert_eq!(world.sweep(), [""; 0], "nothing comes of reading the same bytes again");
}

#[test]
fn a_truncated_gzip_waits_until_it_is_uploaded_again() {
    let world = World::new();
    let whole = gzip((used(4, "6") + &used(5, "8")).as_bytes());
    is_quarantined(&world, whole[..whole.len() - 20].to_vec(), "truncated; upload it again");

    assert_eq!(world.arrive(KEY, whole), Outcome::Tallied(counts(2, 0)));
    // 10.00 + (4 + 6 + 8) × 0.50 = 19.00.
    assert_eq!(world.invoice("2026-01").total, "19.00");
    world.sweep();
    assert_eq!(world.notices(), []);
}

#[test]
fn an_upload_in_place_of_a_truncated_one_is_found_by_the_sweep() {
    let world = World::new();
    let whole = gzip(used(4, "6").as_bytes());
    is_quarantined(&world, whole[..30].to_vec(), "truncated");
    world.memory.upload(Bucket::Usage, KEY, whole);
    world.at("2026-02-03T00:00:00Z");
    assert_eq!(world.waits("2026-01").len(), 1, "a period does not close over an object that is not counted");
    assert_eq!(world.sweep(), [KEY]);
    // 10.00 + (4 + 6) × 0.50 = 15.00.
    assert_eq!(world.invoice("2026-01").total, "15.00");
}

#[test]
fn a_gzip_with_a_wrong_checksum_waits() {
    let world = World::new();
    let mut bytes = gzip(used(4, "6").as_bytes());
    let crc = bytes.len() - 8;
    bytes[crc] ^= 1;
    is_quarantined(&world, bytes, "does not match its checksum");
}

#[test]
fn gzip_members_that_are_cut_mid_line_count_as_one_text() {
    let world = World::new();
    let text = used(4, "6") + &used(5, "8");
    let (first, second) = text.as_bytes().split_at(text.len() / 2 + 7);
    assert!(!first.ends_with(b"\n"));
    assert_eq!(world.arrive(KEY, [gzip(first), gzip(second)].concat()), Outcome::Tallied(counts(2, 0)));
    world.at(FEBRUARY_2);
    // 10.00 + (6 + 8) × 0.50 = 17.00.
    assert_eq!(world.invoice("2026-01").total, "17.00");
    assert_eq!(world.notices(), []);
}

#[test]
fn an_object_of_zero_bytes_counts_as_no_records() {
    let world = World::new();
    assert_eq!(world.arrive(KEY, ""), Outcome::Tallied(counts(0, 0)));
    world.at(FEBRUARY_2);
    // The fee alone.
    let invoice = world.invoice("2026-01");
    assert_eq!(invoice.total, "10.00");
    assert_eq!(world.notices(), []);
}

#[test]
fn a_folder_marker_is_no_usage() {
    let world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    assert_eq!(world.arrive("fixed/one/", ""), Outcome::Ignored("a folder marker"));
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "12.00");
    assert_eq!((world.audit().objects, world.notices()), (1, vec![]));
}

#[test]
fn an_event_for_an_object_that_is_gone_is_no_usage() {
    let world = World::new();
    assert_eq!(world.deliver("fixed/one/gone.jsonl"), Outcome::Ignored("there is no such object"));
    assert_eq!(world.state(), World::new().state());
}

#[test]
fn a_file_that_no_source_reads_is_noted_and_charged_once_a_source_reads_it() {
    let mut world = World::new();
    let key = "other/one/a.jsonl";
    let outcome = world.arrive(key, used(3, "4"));
    let Outcome::Unclaimed(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("no source of the catalogue reads this key; add a source"), "{reason}");
    assert_eq!(world.notice(key), (Kind::NoSource, reason));
    world.at(FEBRUARY_2);
    // It keeps no period open: the fee alone.
    assert_eq!(world.invoice("2026-01").total, "10.00");
    assert_eq!(world.audit().unread, [key]);

    world.configure(&CATALOGUE.replace("fixed/{deployment}", "other/{deployment}"));
    assert_eq!(world.sweep(), [key]);
    assert_eq!(world.notices(), []);
    world.at(crate::world::MARCH_2);
    // February's fee, and January's 4 × 0.50 that nobody was charged for.
    let february = world.invoice("2026-02");
    assert_eq!(charged(&february)[&("calls", "2026-01")], "2.00");
    assert_eq!(february.total, "12.00");
}

#[test]
fn a_file_that_two_sources_read_keeps_every_period_open_until_one_of_them_is_narrowed() {
    let both = CATALOGUE.replace("replaced/{deployment}/{name}.jsonl\"", "{kind}/{deployment}/a.jsonl\"");
    let mut world = World::of(&[&both]);
    let key = "fixed/one/a.jsonl";
    let outcome = world.arrive(key, used(3, "4"));
    let Outcome::Unclaimed(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("fixed") && reason.contains("replaced"), "{reason}");
    assert_eq!(world.notice(key), (Kind::TwoSources, reason.clone()));
    world.at(FEBRUARY_2);
    assert_eq!(world.waits("2026-01"), [format!("{key}: {reason}")]);

    world.configure(CATALOGUE);
    assert_eq!(world.sweep(), [key]);
    assert_eq!(world.notices(), []);
    assert_eq!(world.invoice("2026-01").total, "12.00");
}

#[test]
fn an_overwritten_file_that_must_not_change_keeps_every_period_open_until_it_is_put_back() {
    let world = World::new();
    let key = "fixed/one/a.jsonl";
    assert_eq!(world.arrive(key, used(3, "4")), Outcome::Tallied(counts(1, 0)));
    assert_eq!(world.arrive(key, used(3, "400")), Outcome::Conflict);
    let (kind, reason) = world.notice(key);
    assert_eq!(kind, Kind::Conflict);
    assert!(
        reason.contains("put the first content back") && reason.contains("or say `on-change: supersede`"),
        "{reason}"
    );
    world.at(FEBRUARY_2);
    assert_eq!(world.waits("2026-01"), [format!("{key}: {}", ledger::translate::CONFLICT)]);
    assert_eq!(world.sweep(), [""; 0]);
    assert_eq!(world.notices().len(), 1, "a sweep does not mend it");

    assert_eq!(world.arrive(key, used(3, "4")), Outcome::Repeated);
    world.sweep();
    assert_eq!(world.notices(), []);
    assert_eq!(world.invoice("2026-01").total, "12.00");
}

#[test]
fn an_overwritten_file_whose_event_was_lost_keeps_every_period_open_too() {
    let world = World::new();
    let key = "fixed/one/a.jsonl";
    world.arrive(key, used(3, "4"));
    world.refresh();
    world.memory.upload(Bucket::Usage, key, used(3, "400").into_bytes());
    world.at(FEBRUARY_2);
    let [reason] = world.waits("2026-01").try_into().unwrap();
    assert!(reason.contains("1 files of the bucket are not counted yet") && reason.contains(key), "{reason}");
    assert_eq!(world.sweep(), [key]);
    assert_eq!(world.notice(key).0, Kind::Conflict);
    assert_eq!(world.waits("2026-01"), [format!("{key}: {}", ledger::translate::CONFLICT)]);
}

#[test]
fn the_second_content_counts_once_the_source_allows_it() {
    let mut world = World::new();
    let key = "fixed/one/a.jsonl";
    world.arrive(key, used(3, "4"));
    assert_eq!(world.arrive(key, used(3, "6")), Outcome::Conflict);
    world.configure(&CATALOGUE.replace("name: fixed\n", "name: fixed\n    on-change: supersede\n"));
    world.at(FEBRUARY_2);
    assert_eq!(world.sweep(), [key]);
    world.sweep();
    assert_eq!(world.notices(), []);
    // 10.00 + 6 × 0.50 = 13.00.
    assert_eq!(world.invoice("2026-01").total, "13.00");
}

#[test]
fn the_same_content_under_another_etag_is_the_same_file() {
    let world = World::new();
    let key = "fixed/one/a.jsonl";
    world.arrive(key, used(3, "4"));
    world.memory.upload_in_parts(Bucket::Usage, key, used(3, "4").into_bytes(), 2);
    assert_eq!(world.deliver(key), Outcome::Repeated);
    assert_eq!(world.record(key).etags.len(), 2);
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "12.00");
    assert_eq!((world.sweep(), world.notices()), (vec![], vec![]));
}

#[test]
fn a_file_in_quarantine_is_read_again_with_another_mapping() {
    // The mapping looks for `n`, the file says `calls`.
    let mut world = World::new();
    let key = "fixed/one/a.jsonl";
    let outcome = world.arrive(key, used(3, "4").replace("\"n\"", "\"calls\""));
    let Outcome::Quarantined(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("none could be translated") && reason.contains("there is no `n`"), "{reason}");
    assert_eq!(world.notice(key).0, Kind::Quarantined);
    world.at(FEBRUARY_2);
    assert_eq!(world.waits("2026-01"), [quarantined(key, &reason)]);
    assert_eq!(world.sweep(), [""; 0], "the same mapping would not help");

    world.configure(&CATALOGUE.replace("quantity: n}", "quantity: n ?? calls}"));
    assert_eq!(world.sweep(), [key]);
    assert_eq!(world.invoice("2026-01").total, "12.00");
    world.sweep();
    assert_eq!(world.notices(), []);
}

#[test]
fn a_notice_that_was_lost_comes_back_with_the_event() {
    let world = World::new();
    world.arrive("fixed/one/rejects.jsonl", used(3, "4") + &used(3, "-1"));
    world.arrive("fixed/one/quarantined.jsonl", used(3, "-1"));
    let notices = world.notices();
    assert_eq!(notices.len(), 2);
    for notice in &notices {
        // As when the function ended between the tally and the notice.
        crate::world::at_once(ledger::attention::clear(&world.memory, &ledger::names::file_id(&notice.key))).unwrap();
        assert_eq!(world.deliver(&notice.key), Outcome::Repeated);
    }
    assert_eq!(world.notices(), notices);
}

#[test]
fn a_notice_goes_when_the_file_is_replaced_by_a_sound_one() {
    let world = World::new();
    let key = "replaced/one/a.jsonl";
    world.arrive(key, used(3, "4") + &used(3, "-1"));
    assert_eq!(world.notice(key).0, Kind::Rejects);
    assert_eq!(world.arrive(key, used(3, "4")), Outcome::Tallied(counts(1, 0)));
    assert_eq!(world.notices(), []);
}
