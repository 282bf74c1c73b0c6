//! The name that a misspelt one is probably meant to be.

/// The known name closest to `name`, if one is close enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    known
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_name_is_near_when_a_third_of_it_or_less_differs() {
        let known = ["storage", "requests", "id"];
        for (name, near) in [
            ("storag", Some("storage")),
            ("Storage", Some("storage")),
            ("reqeusts", Some("requests")),
            ("ip", Some("id")),
            ("bandwidth", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), near, "{name}");
        }
    }
}
