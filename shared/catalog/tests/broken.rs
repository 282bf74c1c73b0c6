//! Each file in `tests/catalogues/broken`, loaded beside `sound.yaml`, is answered with exactly the lines that its
//! own end expects (`# expect FILE:LINE:COLUMN: MESSAGE (HINT)`).
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/catalogues")
}

fn sound() -> (String, String) {
    ("sound.yaml".to_owned(), fs::read_to_string(folder().join("sound.yaml")).unwrap())
}

fn lines(files: Vec<(String, String)>) -> Vec<String> {
    let problems = match catalog::load(files) {
        Ok(checked) => [checked.warnings, checked.unlike].concat(),
        Err(problems) => problems.0,
    };
    problems.iter().map(catalog::Problem::line).collect()
}

#[test]
fn the_sound_catalogue_has_no_fault() {
    assert_eq!(lines(vec![sound()]), [""; 0]);
}

#[test]
fn each_broken_file_is_answered_with_place_message_and_hint() {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder().join("broken")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 30);
    let mut different = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect ")).collect();
        let found = lines(vec![sound(), (name.clone(), text.clone())]);
        if found != expected || found.is_empty() {
            different.push(format!("{name}\nexpected {expected:#?}\nfound {found:#?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
