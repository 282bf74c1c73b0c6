//! Farthing: `ours FILE`, the mapping of `source.yaml`, or that of `sources` for the file's format.

use std::collections::BTreeMap;
use std::io::Read;

use bench::{SCALE, Totals, file};
use metering::stream::Stream;
use metering::tally::Tally;
use usage::{ObjectContext, SourceSpec, Translator};

const SOURCE: &str = include_str!("../../source.yaml");
const LOG: &str = include_str!("../../sources/log.yaml");
const XML: &str = include_str!("../../sources/xml.yaml");
const NESTED: &str = include_str!("../../sources/nested.yaml");
const QUARTERS_OF_A_DAY: i64 = 96;

fn main() {
    let (path, mut file) = file();
    let source = source(&path.to_string_lossy());
    let stream = format!(
        "{{name: reading, title: Reading, unit: unit, scale: {SCALE}, kind: delta, day: sum, month: sum}}"
    );
    let stream: Stream = serde_yaml_ng::from_str(&stream).unwrap();
    let source: SourceSpec = serde_yaml_ng::from_str(&source).unwrap();
    let source = source.compile(&BTreeMap::from([("reading".to_owned(), stream)])).unwrap();
    let mut translator = Translator::new(&source, ObjectContext::default());
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        translator.push(&buffer[..read]).unwrap();
    }
    let translation = translator.finish().unwrap();
    eprintln!("{:?} {:?}", translation.tally.counts, translation.quarantine);
    totals(&translation.tally).print();
}

fn source(path: &str) -> String {
    let ends = |end: &str| path.ends_with(end);
    match () {
        () if ends(".log") => LOG.to_owned(),
        () if ends(".xml") => XML.to_owned(),
        () if ends(".nested.jsonl") => NESTED.to_owned(),
        () if ends(".parquet") => SOURCE.replace("json-lines", "parquet"),
        () if path.contains(".csv") => SOURCE.replace("json-lines", "csv"),
        () => SOURCE.to_owned(),
    }
}

/// From quarter-hours to days.
fn totals(tally: &Tally) -> Totals {
    let mut totals = Totals::default();
    for (key, quarters) in &tally.cells.0 {
        for (quarter, state) in quarters {
            let summary = state.summary().unwrap().unwrap();
            let day = quarter.0.div_euclid(QUARTERS_OF_A_DAY);
            totals.add(&key.deployment, &key.dimensions["metric"], day, (summary.sum, summary.count, summary.peak.value));
        }
    }
    totals
}
