//! A folder as a listing: keys in the order of their bytes, a page at a time.
//!
//! A folder's own place in the order is that of its name and a slash (`a.txt` comes before
//! `a/b`). Folders in which nothing can lie are not opened.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders within folders, at most; a link that leads back is found by this.
const DEPTH: usize = 64;

/// What a page may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) prefix: &'a str,
    pub(super) after: &'a str,
    pub(super) limit: usize,
}

impl Wanted<'_> {
    fn takes(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && key > self.after
    }

    /// Whether a key that begins with `folder` could be taken.
    fn may_take_within(&self, folder: &str) -> bool {
        let prefix = folder.starts_with(self.prefix) || self.prefix.starts_with(folder);
        prefix && (folder > self.after || self.after.starts_with(folder))
    }
}

/// The files of a page, and whether there are more.
///
/// # Errors
/// When a folder cannot be read, a name is not UTF-8, or folders lie too deep. A folder that goes
/// away during the walk is no error, unless it is the root.
pub(super) fn walk(root: &Path, wanted: Wanted<'_>) -> io::Result<(Vec<(String, PathBuf)>, bool)> {
    let mut found = Vec::new();
    visit(root, "", 0, wanted, &mut found)?;
    let more = found.len() > wanted.limit;
    found.truncate(wanted.limit);
    Ok((found, more))
}

/// One more than the limit is found, to know that there are more.
fn visit(
    folder: &Path,
    at: &str,
    depth: usize,
    wanted: Wanted<'_>,
    found: &mut Vec<(String, PathBuf)>,
) -> io::Result<()> {
    if depth > DEPTH {
        let reason = format!("{}: folders deeper than {DEPTH}; does a link lead back?", folder.display());
        return Err(io::Error::other(reason));
    }
    for (key, path) in entries(folder, at, depth)? {
        if found.len() > wanted.limit {
            break;
        }
        if !key.ends_with('/') {
            if wanted.takes(&key) {
                found.push((key, path));
            }
        } else if wanted.may_take_within(&key) {
            visit(&path, &key, depth + 1, wanted, found)?;
        }
    }
    Ok(())
}

/// What lies in a folder, by key and in the order of keys; a folder's key ends with a slash.
fn entries(folder: &Path, at: &str, depth: usize) -> io::Result<Vec<(String, PathBuf)>> {
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && depth > 0 => return Ok(Vec::new()),
        Err(error) => return Err(named(folder, &error)),
        Ok(read) => read,
    };
    let mut entries = Vec::new();
    for entry in read {
        let entry = entry.map_err(|error| named(folder, &error))?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else {
            let reason = format!("{}: the name is not UTF-8; rename the file", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        };
        let slash = if is_folder(&entry)? { "/" } else { "" };
        entries.push((format!("{at}{name}{slash}"), path));
    }
    entries.sort_unstable();
    Ok(entries)
}

/// Links are followed. What a dangling one leads to is not there, and is left out later.
fn is_folder(entry: &fs::DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    if !kind.is_symlink() {
        return Ok(kind.is_dir());
    }
    match fs::metadata(entry.path()) {
        Ok(meta) => Ok(meta.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(named(&entry.path(), &error)),
    }
}

/// The same error with the path that it is about.
pub(super) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn folder_of(keys: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for key in keys {
            let path = root.path().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, key).unwrap();
        }
        root
    }

    fn keys(root: &Path, prefix: &str, after: &str, limit: usize) -> (Vec<String>, bool) {
        let (found, more) = walk(root, Wanted { prefix, after, limit }).unwrap();
        (found.into_iter().map(|(key, _)| key).collect(), more)
    }

    const KEYS: [&str; 7] = ["a!b", "a.txt", "a/b", "a/c/d", "a0", "b/ +%#", "日/本"];

    #[test]
    fn keys_come_in_the_order_of_their_bytes_from_any_place_and_in_any_page() {
        let root = folder_of(&KEYS);
        for from in 0..KEYS.len() {
            let after = if from == 0 { "" } else { KEYS[from - 1] };
            for limit in 0..=KEYS.len() {
                let expected: Vec<&str> = KEYS[from..].iter().take(limit).copied().collect();
                let more = from + limit < KEYS.len();
                assert_eq!(
                    keys(root.path(), "", after, limit),
                    (expected.iter().map(|k| (*k).to_owned()).collect(), more)
                );
            }
        }
    }

    #[test]
    fn a_prefix_may_end_within_a_name_and_after_need_not_be_a_key() {
        let root = folder_of(&KEYS);
        let all = |prefix, after| keys(root.path(), prefix, after, 100).0;
        assert_eq!(all("a", "a.zzz"), ["a/b", "a/c/d", "a0"]);
        assert_eq!(all("a/", ""), ["a/b", "a/c/d"]);
        assert_eq!(all("a/c", "a/c"), ["a/c/d"]);
        assert_eq!(all("b/ ", ""), ["b/ +%#"]);
        assert!(all("a/b/", "").is_empty());
        assert!(all("", "日/本").is_empty());
    }

    #[test]
    fn a_link_that_leads_back_is_an_error_and_so_is_a_root_that_is_gone() {
        let root = folder_of(&["a/b"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("a/z")).unwrap();
        let error = walk(root.path(), Wanted { prefix: "", after: "", limit: 10_000 }).unwrap_err();
        assert!(error.to_string().contains("does a link lead back"), "{error}");
        assert!(walk(&root.path().join("gone"), Wanted { prefix: "", after: "", limit: 1 }).is_err());
    }
}
