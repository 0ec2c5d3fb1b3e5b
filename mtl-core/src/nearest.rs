//! What was probably meant by a name that does not exist.

/// The candidate within a third of the name's length in edits (insert, delete, replace, swap neighbors), if there is one.
#[must_use]
pub fn nearest<'n>(name: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (name.chars().count() / 3).max(1);
    let near = candidates.into_iter().map(|c| (strsim::osa_distance(name, c), c)).filter(|(d, _)| *d <= limit);
    near.min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

/// `, did you mean "x"?` where there is a near name, else nothing.
#[must_use]
pub fn hint<'n>(name: &str, candidates: impl IntoIterator<Item = &'n str>) -> String {
    nearest(name, candidates).map(|n| format!(", did you mean {n:?}?")).unwrap_or_default()
}

/// The first dozen names, and how many more there are.
#[must_use]
pub fn list(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|n| format!("{n:?}")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let keys = ["epochs", "batch_size", "seed"];
        assert_eq!(nearest("epoch", keys), Some("epochs"));
        assert_eq!(nearest("bacth_size", keys), Some("batch_size"));
        assert_eq!(nearest("momentum", keys), None);
        assert_eq!(nearest("sede", keys), Some("seed"), "two letters that changed places are one edit");
        assert_eq!(hint("sed", keys), ", did you mean \"seed\"?");
        let many: Vec<String> = (0..15).map(|i| i.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(list(&many).ends_with("\"11\" and 3 more"));
    }
}
