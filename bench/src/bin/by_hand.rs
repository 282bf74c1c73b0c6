//! The program that somebody writes by hand for exactly these files, and that reads no other:
//! fields are where they have always been, nothing is checked, nothing is kept but the totals.

use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::collections::HashMap;

use bench::{Totals, file, whole_lines};

/// The hasher of rustc: two instructions for a word.
#[derive(Default)]
struct Words(u64);

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        let mut fallback = DefaultHasher::new();
        fallback.write(bytes);
        self.0 ^= fallback.finish();
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

struct Sum {
    cluster: Vec<u8>,
    metric: Vec<u8>,
    day: i64,
    sum: i64,
    count: u64,
    peak: i64,
}

#[derive(Default)]
struct Sums {
    places: HashMap<(u64, u64, u64, u64), usize, BuildHasherDefault<Words>>,
    sums: Vec<Sum>,
    last_day: ([u8; 10], i64),
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

impl Sums {
    fn add(&mut self, cluster: &[u8], metric: &[u8], date: [u8; 10], value: i64) {
        if self.last_day.0 != date {
            let day: i64 = std::str::from_utf8(&date[8..]).unwrap().parse().unwrap();
            // Days of February 2026 from the epoch.
            self.last_day = (date, 20_484 + day);
        }
        let day = self.last_day.1;
        let (first, rest) = metric.split_at(metric.len().min(8));
        let key = (word(cluster), word(first), word(rest), day as u64);
        let sums = &mut self.sums;
        let place = *self.places.entry(key).or_insert_with(|| {
            let (cluster, metric) = (cluster.to_vec(), metric.to_vec());
            sums.push(Sum { cluster, metric, day, sum: 0, count: 0, peak: i64::MIN });
            sums.len() - 1
        });
        let sum = &mut sums[place];
        sum.sum += value;
        sum.count += 1;
        sum.peak = sum.peak.max(value);
    }
}

/// A decimal with at most three digits after the point, in thousandths, and where it ends.
fn decimal(text: &[u8], mut at: usize) -> (i64, usize) {
    let mut value = 0;
    while text[at].is_ascii_digit() {
        value = value * 10 + i64::from(text[at] - b'0');
        at += 1;
    }
    let mut places = 0;
    if text[at] == b'.' {
        at += 1;
        while text[at].is_ascii_digit() {
            value = value * 10 + i64::from(text[at] - b'0');
            at += 1;
            places += 1;
        }
    }
    (value * [1000, 100, 10, 1][places], at)
}

/// `{"id":"` 36 `","time":"` 24 `","cluster":"` 7 `","host":"` 27 `","metric":"` … `","value":` … `,"labels":{…}}`
fn json(text: &[u8], sums: &mut Sums) {
    let mut at = 0;
    while at < text.len() {
        let line = &text[at..];
        let date = line[53..63].try_into().unwrap();
        let metric = &line[146..];
        let length = memchr::memchr(b'"', metric).unwrap();
        let (value, end) = decimal(metric, length + 10);
        sums.add(&line[90..97], &metric[..length], date, value);
        // The labels take at least so many bytes.
        let rest = &metric[end + 90..];
        at += 146 + end + 90 + memchr::memchr(b'\n', rest).unwrap() + 1;
    }
}

/// 36 `,` 24 `,` 7 `,` 27 `,` … `,` … `,` …
fn csv(text: &[u8], sums: &mut Sums) {
    let mut at = if text.starts_with(b"id,") { memchr::memchr(b'\n', text).unwrap() + 1 } else { 0 };
    while at < text.len() {
        let line = &text[at..];
        let date = line[37..47].try_into().unwrap();
        let metric = &line[98..];
        let length = memchr::memchr(b',', metric).unwrap();
        let (value, end) = decimal(metric, length + 1);
        sums.add(&line[62..69], &metric[..length], date, value);
        let rest = &metric[end + 30..];
        at += 98 + end + 30 + memchr::memchr(b'\n', rest).unwrap() + 1;
    }
}

fn main() {
    let (path, file) = file();
    let mut sums = Sums::default();
    let read = if path.extension().is_some_and(|end| end == "csv") { csv } else { json };
    whole_lines(file, |text| read(text, &mut sums)).unwrap();
    let mut totals = Totals::default();
    for Sum { cluster, metric, day, sum, count, peak } in &sums.sums {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        totals.add(text(cluster), text(metric), *day, ((*sum).into(), *count, (*peak).into()));
    }
    totals.print();
}
