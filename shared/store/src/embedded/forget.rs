//! Removes what has lived its time ([`ledger::lifecycle`]), as the rules of the work bucket do on AWS.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use ledger::lifecycle::{LIVES, Life};

const DAY: Duration = Duration::from_secs(86_400);

/// Removes the objects of the work folder that are older than their kind lives. A folder that is not there has none.
pub(super) fn forget(work: &Path, now: SystemTime) -> io::Result<()> {
    for (folder, life) in LIVES {
        let Life::Days(days) = life else { continue };
        let Some(before) = now.checked_sub(DAY.saturating_mul(u32::from(days))) else { continue };
        let objects = match fs::read_dir(work.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            objects => objects?,
        };
        for object in objects {
            let object = object?;
            if object.metadata()?.modified()? < before {
                fs::remove_file(object.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_has_lived_its_time_is_removed_and_nothing_else() {
        let work = tempfile::tempdir().unwrap();
        let now = SystemTime::UNIX_EPOCH + DAY * 20_000;
        for folder in ["cells", "days", "without", "marks", "rollups", "documents"] {
            fs::create_dir(work.path().join(folder)).unwrap();
            for age in [6, 8, 89, 91, 1000] {
                let file = fs::File::create(work.path().join(folder).join(age.to_string())).unwrap();
                file.set_modified(now - DAY * age).unwrap();
            }
        }
        forget(work.path(), now).unwrap();
        let left = |folder: &str| -> BTreeSet<String> {
            let objects = fs::read_dir(work.path().join(folder)).unwrap();
            objects.map(|object| object.unwrap().file_name().into_string().unwrap()).collect()
        };
        let ages = |ages: &[u32]| ages.iter().map(u32::to_string).collect::<BTreeSet<_>>();
        assert_eq!(left("cells"), ages(&[6]));
        assert_eq!(left("days"), ages(&[6, 8, 89]));
        for folder in ["without", "marks", "rollups", "documents"] {
            assert_eq!(left(folder).len(), 5, "{folder}");
        }
        fs::remove_dir_all(work.path().join("days")).unwrap();
        forget(work.path(), now).unwrap();
    }
}
