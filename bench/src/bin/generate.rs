//! Writes the data: `generate jsonl|csv|log|xml|nested BYTES_OF_JSON_LINES > FILE`. The same seed
//! everywhere, and the same readings; in `nested` eight of them share the first one's time and cluster.

use std::io::{self, BufWriter, Write};

const CLUSTERS: u64 = 25;
const METRICS: [&str; 8] =
    ["vcpu_seconds", "memory_gib", "storage_gib", "egress_bytes", "requests", "gpu_seconds", "log_lines", "queries"];
const REGIONS: [&str; 4] = ["eu-central-1", "us-east-1", "ap-south-1", "eu-west-3"];
const TEAMS: [&str; 5] = ["payments", "search", "platform", "data-science", "checkout"];
/// 2026-02-01T00:00:00Z.
const START: u64 = 1_769_904_000_000;

/// The generator of Steele, Lea and Flood.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

struct Record {
    id: (u64, u64),
    at: u64,
    cluster: u64,
    host: u64,
    metric: &'static str,
    thousandths: u64,
    region: &'static str,
    team: &'static str,
    version: u64,
}

fn record(random: &mut SplitMix, at: u64) -> Record {
    let cluster = random.below(CLUSTERS);
    let magnitude = 10_u64.pow(2 + u32::try_from(random.below(6)).unwrap());
    Record {
        id: (random.next(), random.next()),
        at,
        cluster,
        host: random.below(40),
        metric: METRICS[usize::try_from(random.below(8)).unwrap()],
        thousandths: random.below(magnitude),
        region: REGIONS[usize::try_from(cluster % 4).unwrap()],
        team: TEAMS[usize::try_from(random.below(5)).unwrap()],
        version: random.below(30),
    }
}

/// The time of two days in February.
fn time(at: u64) -> String {
    let since = at - START;
    let (day, rest) = (since / 86_400_000, since % 86_400_000);
    let (hour, minute, second, ms) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60, rest % 1_000);
    format!("2026-02-{:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z", day + 1)
}

/// A number as programs write it: without the noughts at its end.
fn value(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn id((a, b): (u64, u64)) -> String {
    let (b_high, b_low) = (b >> 48, b & 0xffff_ffff_ffff);
    format!("{:08x}-{:04x}-{:04x}-{b_high:04x}-{b_low:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xffff)
}

fn json(out: &mut impl Write, r: &Record) -> io::Result<usize> {
    let line = format!(
        r#"{{"id":"{}","time":"{}","cluster":"prod-{:02}","host":"node-{:02}.prod-{:02}.example.net","metric":"{}","value":{},"labels":{{"env":"production","region":"{}","team":"{}","version":"4.17.{}","tier":"standard"}}}}"#,
        id(r.id), time(r.at), r.cluster, r.host, r.cluster, r.metric, value(r.thousandths), r.region, r.team, r.version,
    );
    writeln!(out, "{line}")?;
    Ok(line.len() + 1)
}

fn csv(out: &mut impl Write, r: &Record) -> io::Result<()> {
    writeln!(
        out,
        "{},{},prod-{:02},node-{:02}.prod-{:02}.example.net,{},{},production,{},{},4.17.{},standard",
        id(r.id), time(r.at), r.cluster, r.host, r.cluster, r.metric, value(r.thousandths), r.region, r.team, r.version,
    )
}

fn log(out: &mut impl Write, r: &Record) -> io::Result<()> {
    writeln!(
        out,
        "{} prod-{:02} node-{:02}.prod-{:02}.example.net [{}] metric={} value={} region={}",
        time(r.at), r.cluster, r.host, r.cluster, r.team, r.metric, value(r.thousandths), r.region,
    )
}

fn xml(out: &mut impl Write, r: &Record) -> io::Result<()> {
    writeln!(
        out,
        "  <reading id=\"{}\" time=\"{}\"><cluster>prod-{:02}</cluster><host>node-{:02}.prod-{:02}.example.net</host><metric>{}</metric><value>{}</value><labels region=\"{}\" team=\"{}\"/></reading>",
        id(r.id), time(r.at), r.cluster, r.host, r.cluster, r.metric, value(r.thousandths), r.region, r.team,
    )
}

const NESTED: u64 = 8;

/// A reading of several; the first one begins the record and the last one ends it.
fn nested(out: &mut impl Write, r: &Record, number: u64, is_last: bool) -> io::Result<()> {
    if number.is_multiple_of(NESTED) {
        write!(
            out,
            r#"{{"id":"{}","time":"{}","cluster":"prod-{:02}","labels":{{"region":"{}","team":"{}"}},"readings":["#,
            id(r.id), time(r.at), r.cluster, r.region, r.team,
        )?;
    }
    write!(out, r#"{{"host":"node-{:02}","metric":"{}","value":{}}}"#, r.host, r.metric, value(r.thousandths))?;
    if is_last || number % NESTED == NESTED - 1 { writeln!(out, "]}}") } else { write!(out, ",") }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, format, bytes] = arguments.as_slice() else { panic!("generate jsonl|csv|log|xml|nested BYTES") };
    let bytes: usize = bytes.parse().expect("a number of bytes");
    // So many records that the last one lies on the second day, whatever the size.
    let step = 172_800_000.0 / (bytes as f64 / 279.0);
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut random = SplitMix(20_260_201);
    if format == "csv" {
        writeln!(out, "id,time,cluster,host,metric,value,env,region,team,version,tier")?;
    }
    if format == "xml" {
        writeln!(out, "<readings>")?;
    }
    let (mut written, mut number) = (0, 0_u64);
    let mut sink = io::sink();
    while written < bytes {
        let at = START + ((number as f64 * step) as u64).min(172_799_999);
        let record = record(&mut random, at);
        written += json(&mut sink, &record)?;
        match format.as_str() {
            "csv" => csv(&mut out, &record)?,
            "log" => log(&mut out, &record)?,
            "xml" => xml(&mut out, &record)?,
            "nested" => nested(&mut out, &record, number, written >= bytes)?,
            _ => _ = json(&mut out, &record)?,
        }
        number += 1;
    }
    if format == "xml" {
        writeln!(out, "</readings>")?;
    }
    out.flush()
}
