//! The nearest known word to a misspelt one.

/// A hint that names the known word `word` was probably meant to be, or else lists what is known.
///
/// `what` is the plural for the list, as in "streams". `None` when nothing is known at all.
pub(crate) fn hint<'a>(word: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if let Some(near) = nearest(word, &known) {
        return Some(format!("did you mean `{near}`?"));
    }
    listed(what, &known)
}

/// The known word closest to `word`, if it is close enough to be a slip of the hand.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = fold(word);
    let allowed = (folded.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Case, hyphens, underscores and blanks are what people mix up most.
fn fold(word: &str) -> String {
    word.to_lowercase().replace(['_', ' '], "-")
}

const SHOWN: usize = 12;

fn listed(what: &str, known: &[&str]) -> Option<String> {
    let first: Vec<String> = known.iter().take(SHOWN).map(|word| format!("`{word}`")).collect();
    let more = if known.len() > SHOWN { ", …" } else { "" };
    (!first.is_empty()).then(|| format!("{what}: {}{more}", first.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_answered_with_the_list() {
        let known = ["storage", "compute-hours", "api-calls"];
        let cases = [
            ("storge", "did you mean `storage`?"),
            ("compute_hours", "did you mean `compute-hours`?"),
            ("Api-Calls", "did you mean `api-calls`?"),
            ("bananas", "streams: `api-calls`, `compute-hours`, `storage`"),
        ];
        for (word, expected) in cases {
            assert_eq!(hint(word, "streams", known).as_deref(), Some(expected), "{word}");
        }
        assert_eq!(hint("storage", "streams", []), None);
    }
}
