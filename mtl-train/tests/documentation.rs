//! The committed page of all keys is what the schema says today.

#[test]
fn the_page_of_keys_is_up_to_date() {
    let committed = include_str!("../../docs/configuration.md");
    let today = mtl_train::config::markdown();
    let difference = committed.lines().zip(today.lines()).position(|(a, b)| a != b);
    assert!(
        committed == today,
        "docs/configuration.md differs from the schema in line {}: write it anew with `mtl list keys --markdown`",
        difference.map_or(0, |line| line + 1)
    );
}
