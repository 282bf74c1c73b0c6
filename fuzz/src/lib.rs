//! What every fuzz target holds: no panic, bounded memory, nothing lost, and the same result
//! however the bytes are cut.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use metering::tally::{Cells, Counts};
use usage::{Limits, ObjectContext, Source, SourceSpec, Translation, Translator, Unreadable};

const STREAMS: &str =
    "[{name: calls, title: Calls, unit: call, scale: 3, kind: delta, day: sum, month: sum, negative: allow}]";

/// Small, so that what grows is found early.
fn limits() -> Limits {
    Limits {
        decoded_bytes: 4 << 20,
        record_bytes: 64 << 10,
        cells: 10_000,
        members: 100,
        held_bytes: 1 << 20,
        manifest_bytes: 64 << 10,
        ..Limits::default()
    }
}

/// A source that is compiled once.
pub struct Target {
    yaml: &'static str,
    source: OnceLock<Source>,
}

impl Target {
    /// For the source that `yaml` describes, without its name and objects.
    pub const fn new(yaml: &'static str) -> Self {
        Self { yaml, source: OnceLock::new() }
    }

    fn source(&self) -> &Source {
        self.source.get_or_init(|| {
            let streams: Vec<metering::stream::Stream> = serde_yaml_ng::from_str(STREAMS).expect("streams");
            let streams: BTreeMap<_, _> = streams.into_iter().map(|stream| (stream.name.clone(), stream)).collect();
            let yaml = format!("name: fuzz\nobjects: '**'\n{}", self.yaml);
            let spec: SourceSpec = serde_yaml_ng::from_str(&yaml).expect("a source");
            spec.compile(&streams).expect("a sound source")
        })
    }

    /// Holds the object `bytes` against what must be true of every object.
    pub fn check(&self, bytes: &[u8]) {
        let size = bytes.first().map_or(1, |first| usize::from(*first % 61) + 1);
        let whole = self.translate(bytes, bytes.len().max(1));
        let cut = self.translate(bytes, size);
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => {
                assert!(whole.tally.counts.balance(), "{:?}", whole.tally.counts);
                assert_eq!(whole, cut, "in pieces of {size}");
            }
            (Err(_), Err(_)) => {}
            (whole, cut) => panic!("whole {whole:?}, in pieces of {size} {cut:?}"),
        }
    }

    /// Holds a file of lines against what its lines are one by one, each read by who has seen none:
    /// the short ways through records that look alike say nothing else.
    pub fn check_alike(&self, bytes: &[u8]) {
        // A blank line before them: no line is taken for the beginning of something packed.
        let below_blank = |text: &[u8]| self.translate(&[b"\n", text].concat(), usize::MAX);
        let lines = bytes.split(|byte| *byte == b'\n');
        // Rows whose quotes hold line ends are other records than lines.
        let Ok(alone) = lines.map(below_blank).collect::<Result<Vec<_>, _>>() else { return };
        let whole = below_blank(bytes).expect("a file of lines that can each be read");
        let (mut cells, mut counts) = (Cells::default(), Counts::default());
        for line in &alone {
            cells.merge(&line.tally.cells).expect("small sums");
            counts = counts.add(&line.tally.counts).expect("small counts");
        }
        assert_eq!((whole.tally.cells, whole.tally.counts), (cells, counts));
        let rejected = (2..)
            .zip(&alone)
            .flat_map(|(line, alone)| alone.rejects.iter().map(move |reject| (line, &reject.reason, &reject.bytes)));
        let kept = whole.rejects.iter().map(|reject| (reject.line, &reject.reason, &reject.bytes));
        assert!(kept.eq(rejected.take(limits().rejects)), "{:?}", whole.rejects);
    }

    fn translate(&self, bytes: &[u8], size: usize) -> Result<Translation, Unreadable> {
        let mut translator = Translator::with_limits(self.source(), ObjectContext::default(), limits());
        for piece in bytes.chunks(size) {
            translator.push(piece)?;
        }
        translator.finish()
    }
}
