//! `typed serde|sonic`: every line into a struct of the fields that matter, with the two fastest
//! typed readers of JSON, and from there into a hash map.

use std::borrow::Cow;
use std::collections::HashMap;

use bench::{Totals, whole_lines};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reading<'r> {
    #[serde(borrow)]
    time: Cow<'r, str>,
    #[serde(borrow)]
    cluster: Cow<'r, str>,
    #[serde(borrow)]
    metric: Cow<'r, str>,
    value: f64,
}

type Sums = HashMap<(String, String), HashMap<String, (i64, u64, i64)>>;

fn add(sums: &mut Sums, reading: &Reading<'_>) {
    // Three digits after the point and less than 2^53 thousandths: rounding gives them back.
    let value = (reading.value * 1000.0).round() as i64;
    let key = (reading.cluster.as_ref().to_owned(), reading.metric.as_ref().to_owned());
    let days = sums.entry(key).or_default();
    let day = &reading.time[..10];
    let sum = match days.get_mut(day) {
        Some(sum) => sum,
        None => days.entry(day.to_owned()).or_insert((0, 0, i64::MIN)),
    };
    *sum = (sum.0 + value, sum.1 + 1, sum.2.max(value));
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let file = std::fs::File::open(&arguments[2]).unwrap();
    let sonic = arguments[1] == "sonic";
    let mut sums = Sums::new();
    whole_lines(file, |text| {
        let mut at = 0;
        while let Some(length) = memchr::memchr(b'\n', &text[at..]) {
            let line = &text[at..at + length];
            let reading: Reading<'_> =
                if sonic { sonic_rs::from_slice(line).unwrap() } else { serde_json::from_slice(line).unwrap() };
            add(&mut sums, &reading);
            at += length + 1;
        }
    })
    .unwrap();
    let mut totals = Totals::default();
    for ((cluster, metric), days) in &sums {
        for (day, (sum, count, peak)) in days {
            let day: i64 = day[8..].parse().unwrap();
            totals.add(cluster, metric, 20_484 + day, ((*sum).into(), *count, (*peak).into()));
        }
    }
    totals.print();
}
