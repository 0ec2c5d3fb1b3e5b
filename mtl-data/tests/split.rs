//! Splits by group, by time and by strata, on every data set of files; what given files have in common that they should not.
#![expect(clippy::unwrap_used, reason = "helpers of tests may stop like the tests")]

use std::{collections::BTreeSet, fmt::Write, fs, path::Path, sync::Arc};

use mtl_data::{DatasetConfig, Folds, Kept, OnChange, Source, Splits};

const N: usize = 120;

/// Samples 0 to 119 of 20 subjects that do not stand together, on 30 days, with a rare label.
fn subject(i: usize) -> String {
    format!("s{:02}", i * 7 % 20)
}

fn day(i: usize) -> String {
    format!("2024-04-{:02}", 1 + i * 11 % 30)
}

fn label(i: usize) -> usize {
    usize::from(i.is_multiple_of(5))
}

fn table(n: std::ops::Range<usize>) -> String {
    let row = |i: usize| format!("{i}.5,{},{},{}\n", subject(i), day(i), label(i));
    format!("x,subject,date,y\n{}", n.map(row).collect::<String>())
}

fn lines(of: impl Fn(usize) -> String) -> String {
    (0..N).fold(String::new(), |mut all, i| {
        writeln!(all, "{}", of(i)).unwrap();
        all
    })
}

/// Files of each kind of data set in `dir`, and what says the key: columns of a table, files of the others.
fn data_sets(dir: &Path) -> Vec<(&'static str, [&'static str; 3], String)> {
    fs::write(dir.join("all.csv"), table(0..N)).unwrap();
    for (file, text) in [
        ("words", lines(|i| format!("word{} and more", i % 9))),
        ("kinds", lines(|i| label(i).to_string())),
        ("subjects", lines(subject)),
        ("days", lines(day)),
    ] {
        fs::write(dir.join(file), text).unwrap();
    }
    let pixels: Vec<u8> = (0..N * 4).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let n = u8::try_from(N).unwrap();
    fs::write(dir.join("pictures"), [&[0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2], &pixels[..]].concat()).unwrap();
    let labels: Vec<u8> = (0..N).map(|i| u8::try_from(label(i)).unwrap()).collect();
    fs::write(dir.join("labels"), [&[0, 0, 8, 1, 0, 0, 0, n], &labels[..]].concat()).unwrap();
    let dir = dir.display();
    vec![
        (
            "csv",
            ["subject", "date", "y"],
            // Neither the subject nor the date is in the schema.
            format!(
                "kind = \"csv\"\ndir = \"{dir}\"\ntrain = \"all.csv\"\nvalidation_fraction = 0.2\ntest_fraction = 0.25\n\
                 schema.columns = [{{ name = \"x\", kind = \"numeric\" }}, {{ name = \"y\", kind = \"label\", label = \"class\" }}]"
            ),
        ),
        (
            "parallel-text",
            ["subjects", "days", "kind"],
            format!(
                "kind = \"parallel-text\"\ndir = \"{dir}\"\ntext = \"words\"\nvalidation_fraction = 0.2\ntest_fraction = 0.25\n\
                 tasks = [{{ name = \"kind\", file = \"kinds\", kind = \"class\" }}]"
            ),
        ),
        (
            "idx",
            ["subjects", "days", "shade"],
            format!(
                "kind = \"idx\"\ndir = \"{dir}\"\nvalidation_fraction = 0.2\ntest_fraction = 0.25\n\
                 tasks = [{{ name = \"shade\", classes = 2 }}]\ntrain = {{ images = \"pictures\", labels = [\"labels\"] }}"
            ),
        ),
    ]
}

fn load(text: &str) -> mtl_data::Result<(DatasetConfig, Splits)> {
    let config: DatasetConfig = toml::from_str(text).unwrap();
    let splits = config.load()?;
    Ok((config, splits))
}

fn ids(source: &Arc<dyn Source>) -> Vec<usize> {
    let all: Vec<u64> = (0..source.len()).collect();
    source.batch(&all).unwrap().ids.into_iter().map(|id| usize::try_from(id).unwrap()).collect()
}

fn parts(splits: &Splits) -> [Vec<usize>; 3] {
    let parts = [ids(&splits.train), ids(&splits.validation), ids(&splits.test)];
    let mut all = parts.concat();
    all.sort_unstable();
    assert_eq!(all, (0..N).collect::<Vec<_>>(), "every sample is in one part");
    parts
}

fn of<T: Ord>(part: &[usize], key: impl Fn(usize) -> T) -> BTreeSet<T> {
    part.iter().map(|&i| key(i)).collect()
}

#[test]
fn groups_are_in_one_part_whatever_the_data_set() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, [group, ..], config) in data_sets(dir.path()) {
        let (config, splits) = load(&format!("{config}\nsplit = {{ group = \"{group}\" }}")).unwrap();
        let [train, validation, test] = parts(&splits).map(|part| of(&part, subject));
        assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test), "{kind}");
        assert_eq!((splits.test.len(), splits.validation.len()), (30, 18), "{kind}: 5 and 3 of 20 subjects");
        // Folds and whoever holds out a part of training go by the same groups.
        let folds = Folds::dealt(&*splits.train, &splits.dealt, 4, 1).unwrap();
        for (at, fold) in folds.parts().iter().enumerate() {
            let again = splits.recut(&folds.without(at), fold).unwrap();
            let [learn, judge] = [&again.train, &again.validation].map(|source| of(&ids(source), subject));
            assert!(learn.is_disjoint(&judge) && judge.len() == 3, "{kind}: {judge:?}");
            let (own, held) = again.dealt.hold_out(again.train.len(), 0.3, 5).unwrap();
            let ids = ids(&again.train);
            let [own, held] = [own, held]
                .map(|part| part.iter().map(|&at| subject(ids[usize::try_from(at).unwrap()])).collect::<BTreeSet<_>>());
            assert!(own.is_disjoint(&held) && !held.is_empty(), "{kind}");
        }
        let kept = Kept::of(&config, &splits);
        assert_eq!(
            Kept::of(&config, &kept.load(&config, OnChange::Refuse).unwrap().splits),
            kept,
            "{kind}: again the same"
        );
    }
}

#[test]
fn the_latest_test_whatever_the_data_set() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, [_, time, _], config) in data_sets(dir.path()) {
        let (_, splits) = load(&format!("{config}\nsplit = {{ time = \"{time}\" }}")).unwrap();
        let [train, validation, test] = parts(&splits).map(|part| of(&part, day));
        assert!(train.last() < validation.first() && validation.last() < test.first(), "{kind}");
        assert!(splits.findings.is_empty(), "{kind}: {:?}", splits.findings);
        let folds = Folds::dealt(&*splits.train, &splits.dealt, 3, 1).unwrap();
        assert!(folds.notes().iter().any(|note| note.contains("split by time")), "{kind}: {:?}", folds.notes());
    }
}

#[test]
fn strata_have_like_shares_whatever_the_data_set() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, [group, _, stratum], config) in data_sets(dir.path()) {
        let (_, splits) = load(&format!("{config}\nsplit = {{ stratify = [\"{stratum}\"] }}")).unwrap();
        let rare = |part: &Vec<usize>| part.iter().filter(|&&i| label(i) == 1).count();
        let [train, validation, test] = parts(&splits).map(|part| (part.len(), rare(&part)));
        // 24 of 120 are rare: a quarter test, a fifth of the other 90 validate.
        assert_eq!((test.0, validation.0, train.0), (30, 18, 72), "{kind}");
        assert!((5..=7).contains(&test.1) && (3..=5).contains(&validation.1), "{kind}: {test:?}, {validation:?}");
        let (_, both) =
            load(&format!("{config}\nsplit = {{ group = \"{group}\", stratify = [\"{stratum}\"] }}")).unwrap();
        let [train, .., test] = parts(&both).map(|part| of(&part, subject));
        assert!(train.is_disjoint(&test), "{kind}");
        let e = load(&format!("{config}\nsplit = {{ stratify = [\"nothing\"] }}")).unwrap_err().to_string();
        assert!(e.contains("nothing") && e.lines().count() == 1, "{kind}: {e}");
    }
}

#[test]
fn what_a_file_does_not_say_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let sets = data_sets(dir.path());
    let refused = |at: usize, split: &str| {
        let (_, _, config) = &sets[at];
        load(&format!("{config}\nsplit = {split}"))
            .unwrap_err()
            .to_string()
            .replace(&dir.path().display().to_string(), "D")
    };
    let e = refused(0, "{ group = \"subjekt\" }");
    assert!(e.starts_with("D/all.csv") && e.contains("subjekt") && e.contains("subject"), "{e}");
    let e = refused(0, "{ time = \"subject\" }");
    assert_eq!(e, r#"D/all.csv:2: column "subject": expected a number or a date such as 2024-01-31, found "s00""#);
    assert!(refused(1, "{ group = \"none\" }").contains("D/none: there is no such file"));
    fs::write(dir.path().join("short"), "a\nb\n").unwrap();
    let e = refused(2, "{ group = \"short\" }");
    assert_eq!(e, "D/short:3: expected a line a sample, 120 in all, found 2 lines");
    assert!(refused(0, "{ time = \"date\", group = \"subject\" }").contains("split: time must be alone"));
}

#[test]
fn files_that_somebody_else_cut_are_held_against_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let sets = data_sets(dir.path());
    // Samples 100 to 119 have subjects that 0 to 99 have too.
    fs::write(dir.path().join("train.csv"), table(0..100)).unwrap();
    fs::write(dir.path().join("test.csv"), table(100..N)).unwrap();
    let config = sets[0].2.replace("\"all.csv\"", "\"train.csv\"\ntest = \"test.csv\"");
    let found = |split: &str| -> Vec<String> {
        let splits = load(&format!("{config}\n{split}")).unwrap().1;
        splits.findings.iter().map(ToString::to_string).collect()
    };
    assert!(found("").is_empty());
    let of_groups = found("split = { group = \"subject\" }");
    assert_eq!(of_groups.len(), 2, "{of_groups:?}");
    assert!(of_groups[0].starts_with("warning: test: ") && of_groups[0].contains("groups of subject are in train too"));
    assert!(of_groups[1].contains("groups of subject are in validation too, such as"), "{of_groups:?}");
    let of_time = found("split = { time = \"date\" }");
    assert!(of_time[0].contains("samples are not later by date than the last of train, 2024-04-"), "{of_time:?}");
    // A file without the column may be right; nobody can tell.
    fs::write(dir.path().join("test.csv"), "x,y\n1,0\n2,1\n").unwrap();
    let unknown = found("split = { group = \"subject\" }");
    assert_eq!(unknown, ["note: test: has no subject: whether it is apart from training by it cannot be told"]);
}

#[test]
fn a_column_of_groups_that_is_cut_row_by_row_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (_, _, config) = data_sets(dir.path()).swap_remove(0);
    let config = config.replace("schema.columns = [", "schema.columns = [{ name = \"subject\", kind = \"group\" }, ");
    let (_, splits) = load(&config).unwrap();
    let found: Vec<String> = splits.findings.iter().map(ToString::to_string).collect();
    let advice = "; split = { group = \"subject\" } in [data] keeps them together";
    assert!(found.len() == 3 && found.iter().all(|f| f.ends_with(advice)), "{found:?}");
    let (_, splits) = load(&format!("{config}\nsplit = {{ group = \"subject\" }}")).unwrap();
    assert!(splits.findings.is_empty(), "{:?}", splits.findings);
}

#[test]
fn settings_without_a_split_are_written_as_they_always_were() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, [group, ..], text) in data_sets(dir.path()) {
        let (plain, _) = load(&text).unwrap();
        assert!(!serde_json::to_string(&plain).unwrap().contains("split\""), "{kind}");
        let (grouped, _) = load(&format!("{text}\nsplit = {{ group = \"{group}\" }}")).unwrap();
        let written = serde_json::to_string(&grouped).unwrap();
        assert_eq!(serde_json::from_str::<DatasetConfig>(&written).unwrap(), grouped, "{kind}");
    }
}
