//! What the fuzz targets hold is held here too, without their instruments: for every input that is
//! kept with them, and for a few mutations of each.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../../../fuzz/src/lib.rs"]
#[expect(clippy::expect_used, clippy::panic, reason = "a fuzz target fails by panicking")]
mod fuzz;

use std::path::{Path, PathBuf};

/// How many mutations of each input are tried.
const MUTATIONS: u64 = 60;

/// A small generator of numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

fn mutated(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let (at, to) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
        match numbers.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, u8::try_from(numbers.below(256)).unwrap()),
            2 => {
                bytes.drain(at.min(to)..at.max(to));
            }
            3 => bytes.extend_from_within(at.min(to)..at.max(to)),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
        }
    }
    bytes
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_kept_input_and_some_mutations_of_it_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let sources = files(&folder.join("sources"));
    assert!(sources.len() > 20);
    for source in sources {
        let yaml: &'static str = std::fs::read_to_string(&source).unwrap().leak();
        let target = fuzz::Target::new(yaml);
        let name = source.file_stem().unwrap().to_str().unwrap();
        let check = |bytes: &[u8]| match name.starts_with("alike") {
            true => target.check_alike(bytes),
            false => target.check(bytes),
        };
        let kept = files(&folder.join("corpus").join(name));
        assert!(!kept.is_empty(), "{} has no inputs", source.display());
        for (number, input) in kept.iter().enumerate() {
            let bytes = std::fs::read(input).unwrap();
            check(&bytes);
            let mut numbers = Numbers(u64::try_from(number).unwrap());
            (0..MUTATIONS).for_each(|_| check(&mutated(&bytes, &mut numbers)));
        }
    }
}
