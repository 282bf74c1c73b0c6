use super::*;
use crate::tally::Cells;
use crate::time::Instant;
use chrono_tz::Tz;

const HOUR: i64 = 3_600_000;

fn stream(rules: &str) -> Stream {
    serde_json::from_str(&format!(r#"{{"name":"s","title":"S","unit":"TB","scale":2,{rules}}}"#)).unwrap()
}

/// Two days of 1970-01 in UTC are enough.
fn two_days() -> Period {
    Period { start: "1970-01-01".parse().unwrap(), end: "1970-01-03".parse().unwrap(), zone: Tz::UTC }
}

/// Samples `(series, at, value × 100)`; everything is owned.
fn quantity(stream: &Stream, samples: &[(&str, i64, i128)]) -> (String, Vec<String>, u64) {
    let all = Span { from: Instant(i64::MIN), until: Instant(i64::MAX) };
    quantity_owned(stream, samples, &[all])
}

fn key(series: &str, scale: u32) -> SeriesKey {
    let (deployment, stream) = ("d".to_owned(), "s".to_owned());
    SeriesKey { deployment, stream, series: series.to_owned(), scale, ..SeriesKey::default() }
}

#[test]
fn usage_counted_at_another_scale_keeps_its_value() {
    let all = [Span { from: Instant(i64::MIN), until: Instant(i64::MAX) }];
    let total = |kind: &str, rule: &str, early: (i64, i128), late: (i64, i128)| {
        let stream = stream(&format!(r#""kind":"{kind}","day":"{rule}","month":"{rule}""#));
        let mut cells = Cells::default();
        cells.record(&key("a", 2), stream.kind, Instant(early.0), early.1).unwrap();
        cells.record(&key("a", 3), stream.kind, Instant(late.0), late.1).unwrap();
        let usage: Vec<_> = cells.0.iter().map(|(key, quarters)| SeriesUsage { key, quarters, owned: &all }).collect();
        measure(&stream, &two_days(), &usage).unwrap().total.to_string()
    };
    // 4.00 at two digits and 4.000 at three.
    assert_eq!(total("delta", "sum", (0, 400), (1, 4000)), "8");
    assert_eq!(total("gauge", "peak", (0, 400), (1, 5000)), "5", "one series, not two nodes");
    assert_eq!(total("cumulative", "sum", (0, 400), (HOUR, 5500)), "1.5");
}

fn quantity_owned(stream: &Stream, samples: &[(&str, i64, i128)], owned: &[Span]) -> (String, Vec<String>, u64) {
    let mut cells = Cells::default();
    for (series, at, value) in samples {
        let key = key(series, stream.scale);
        cells.record(&key, stream.kind, Instant(*at), *value).unwrap();
    }
    let usage: Vec<_> = cells.0.iter().map(|(key, quarters)| SeriesUsage { key, quarters, owned }).collect();
    let measured = measure(stream, &two_days(), &usage).unwrap();
    let days = measured.days.iter().map(|(_, quantity)| quantity.to_string()).collect();
    (measured.total.to_string(), days, measured.samples)
}

#[test]
fn deltas_are_added_averaged_counted_and_compared() {
    let samples = [("", 0, 100), ("", HOUR, 300), ("b", 25 * HOUR, 50), ("", -1, 9999), ("", 48 * HOUR, 9999)];
    for (rule, total, days) in [
        ("sum", "4.5", ["4", "0.5"]),
        ("average", "1.5", ["2", "0.5"]),
        ("peak", "3", ["3", "0.5"]),
        ("count", "3", ["2", "1"]),
    ] {
        let stream = stream(&format!(r#""kind":"delta","day":"{rule}","month":"{rule}""#));
        assert_eq!(quantity(&stream, &samples), (total.into(), days.map(String::from).to_vec(), 3), "{rule}");
    }
}

#[test]
fn the_peak_of_the_sum_is_not_the_sum_of_the_peaks() {
    let samples = [("a", 0, 100), ("b", 0, 500), ("a", HOUR, 500), ("b", HOUR, 200)];
    let peak = stream(r#""kind":"gauge","day":"peak","month":"peak","interval":"1h""#);
    assert_eq!(quantity(&peak, &samples).0, "7");
    let largest = stream(r#""kind":"gauge","day":"peak","month":"peak","interval":"1h","across":"max""#);
    assert_eq!(quantity(&largest, &samples).0, "5");
}

#[test]
fn samples_of_one_interval_combine_within_the_series_first() {
    // Node a reports twice in the hour, node b once: they are not three nodes.
    let samples = [("a", 0, 100), ("a", HOUR / 2, 300), ("b", HOUR / 4, 500)];
    for (within, expected) in [("last", "8"), ("average", "7"), ("max", "8")] {
        let stream =
            stream(&format!(r#""kind":"gauge","day":"average","month":"average","interval":"1h","within":"{within}""#));
        assert_eq!(quantity(&stream, &samples).0, expected, "{within}");
    }
}

#[test]
fn a_gap_is_ignored_zero_or_held_as_the_stream_says() {
    let samples = [("a", -HOUR, 100), ("a", HOUR, 400)]; // hour 0 has no sample, nor has any after hour 1
    let averaged = |gap: &str| {
        quantity(
            &stream(&format!(r#""kind":"gauge","day":"average","month":"average","interval":"1h",{gap}"#)),
            &samples,
        )
    };
    assert_eq!(averaged(r#""gap":"ignore""#), ("4".into(), vec!["4".into(), "0".into()], 1));
    assert_eq!(averaged(r#""gap":"zero""#), ("0.083333333333".into(), vec!["0.166666666667".into(), "0".into()], 48));
    // 1 held at hour 0, 4 at hour 1, held at 2 and 3: 13 ÷ 4.
    assert_eq!(averaged(r#""gap":"hold","hold":"2h""#), ("3.25".into(), vec!["3.25".into(), "0".into()], 4));
}

#[test]
fn a_counter_is_billed_by_its_increases_and_restarts_from_zero() {
    // 10 before the period, then 14 (+4), a restart at 3 (+3), 5 on the next day (+2).
    let samples = [("a", -HOUR, 1000), ("a", 2 * HOUR, 300), ("a", HOUR, 1400), ("a", 30 * HOUR, 500)];
    let stream = stream(r#""kind":"cumulative","day":"sum","month":"sum""#);
    assert_eq!(quantity(&stream, &samples), ("9".into(), vec!["7".into(), "2".into()], 3));
    assert_eq!(quantity(&stream, &samples[1..2]).2, 0, "one reading says nothing");
}

#[test]
fn only_owned_quarters_count_and_an_increase_belongs_to_who_owns_its_end() {
    let owned = [Span { from: Instant(2 * HOUR), until: Instant(26 * HOUR) }];
    let samples = [("a", HOUR, 100), ("a", 2 * HOUR, 300), ("a", 25 * HOUR, 700), ("a", 26 * HOUR, 900)];
    let sum = stream(r#""kind":"delta","day":"sum","month":"sum""#);
    assert_eq!(quantity_owned(&sum, &samples, &owned).0, "10");
    let counter = stream(r#""kind":"cumulative","day":"sum","month":"sum""#);
    assert_eq!(quantity_owned(&counter, &samples, &owned).0, "6");
}

#[test]
fn a_level_that_changes_is_averaged_by_time_over_the_whole_period() {
    // 2.00 after 6 hours, 3.00 after 12 by another reporter, none after 24; both at one instant count.
    let samples = [("a", 6 * HOUR, 150), ("a", 6 * HOUR, 50), ("b", 12 * HOUR, 100), ("a", 24 * HOUR, -300)];
    let of = |rule: &str| {
        quantity(&stream(&format!(r#""kind":"change","negative":"allow","day":"{rule}","month":"{rule}""#)), &samples)
    };
    // 2 × 6 h and 3 × 12 h in a day of 24, and nothing in the other.
    assert_eq!(of("average").0, "1");
    assert_eq!(of("average").1, ["2", "0"]);
    assert_eq!((of("peak").0.as_str(), of("peak").1), ("3", vec!["3".to_owned(), "0".to_owned()]));
    assert_ne!(stream(r#""kind":"change","day":"sum","month":"sum""#).problems(), []);
}

#[test]
fn nothing_measured_is_nought_by_every_rule() {
    for kind in ["delta", "gauge", "cumulative"] {
        for rule in ["sum", "average", "peak", "count"] {
            let stream = stream(&format!(r#""kind":"{kind}","day":"{rule}","month":"{rule}""#));
            assert_eq!(quantity(&stream, &[]), ("0".into(), vec!["0".into(), "0".into()], 0));
        }
    }
}
