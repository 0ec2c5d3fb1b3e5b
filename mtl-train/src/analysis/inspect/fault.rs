//! What is wrong with a data set, or looks wrong.
//!
//! | check | level |
//! |---|---|
//! | input that is NaN or infinite; a task without labels in a split; whatever a run would refuse in a file | error |
//! | class that training never shows or with fewer than 10 samples; rare positives | warning |
//! | numbers that are all the same, or that `f32` rounds to be, see `labels` | warning |
//! | a constant field; many unseen texts or words; what loading found, see [`mtl_data::Splits::findings`] | warning |
//! | samples of validation or test that training has as well, for the same task or for another: above 1 % | warning, else note |
//! | a field that gives a label away, see `leak` | warning |
//! | missing labels; training samples that occur more than once | note |

use mtl_data::{DatasetConfig, Finding, Level, Splits};

use super::{
    field_scan::FieldScan,
    leak::{Leaks, leaks, not_looked_at},
    scan::{LabelScan, Scan},
    sources,
};
use crate::error::Result;

/// Classes with fewer training samples than this cannot be learned or judged.
const TINY: u64 = 10;
/// A field that gives more than this of a label away is suspicious.
const GIVEN_AWAY: f64 = 0.98;

/// Reads a data set as far as it can be read, and looks at it: what a run would refuse is a finding, after which the rest
/// is looked at all the same. The worst come first. `None` where nothing can be read.
///
/// # Errors
/// As [`check`]; the first refusal where it is about the settings, which only they can show in place.
pub fn examine(data: &DatasetConfig) -> Result<(Option<Splits>, Vec<Finding>)> {
    let (splits, faults) = data.examine();
    let mut found = Vec::new();
    for fault in faults {
        match fault {
            settings @ (mtl_data::Error::Setting { .. } | mtl_data::Error::Core(_)) => return Err(settings.into()),
            fault => add(&mut found, Level::Error, "data", fault.to_string()),
        }
    }
    found.extend(splits.as_ref().map(check).transpose()?.unwrap_or_default());
    found.sort_by_key(|finding| finding.level);
    Ok((splits, found))
}

/// Looks at all samples of all splits; the worst findings come first.
///
/// # Errors
/// What a source finds wrong while it builds batches: a label out of range, say, with its place.
pub fn check(splits: &Splits) -> Result<Vec<Finding>> {
    if !splits.sources.is_empty() {
        return sources::check(splits);
    }
    check_scanned(splits, &[Scan::new(&splits.train)?, Scan::new(&splits.validation)?, Scan::new(&splits.test)?])
}

/// The same for whoever has read the splits: training, validation, test.
pub(crate) fn check_scanned(splits: &Splits, [train, validation, test]: &[Scan; 3]) -> Result<Vec<Finding>> {
    let scans = [("train", train), ("validation", validation), ("test", test)];
    let mut found = splits.findings.clone();
    for (split, scan) in &scans {
        if scan.samples == 0 {
            add(&mut found, Level::Error, split, "no samples".into());
            continue;
        }
        inputs(split, scan, &mut found);
        for labels in &scan.labels {
            known_labels(split, labels, scan.samples, &mut found);
        }
    }
    let [(_, train), others @ ..] = &scans;
    for labels in &train.labels {
        classes(labels, others, &mut found);
    }
    for field in train.fields.iter().filter(|f| f.is_constant() && train.samples > 1) {
        let place = format!("field {}", field.name());
        // Numbers that rounding made one are no constant; that they were rounded has been said.
        if !splits.findings.iter().any(|f| f.place == place && f.message.contains("rounds")) {
            add(&mut found, Level::Warning, &place, "the same value in every training sample".into());
        }
    }
    found.extend(super::labels(&splits.train.info().tasks, &mtl_data::stats::of(&*splits.train)?));
    duplicates(train, others, &mut found);
    crossed(train, others, &mut found);
    let Leaks { leaks, left_out } = leaks(&splits.train, GIVEN_AWAY)?;
    for (task, reason) in left_out {
        let message = format!("fields are not searched for its label: {reason}");
        add(&mut found, Level::Note, &format!("train, task {task}"), message);
    }
    for leak in leaks {
        let message =
            format!("gives {:.1} % of task {} away: is it the label in other words?", 100.0 * leak.strength, leak.task);
        add(&mut found, Level::Warning, &format!("field {}", leak.field), message);
    }
    let unseen = not_looked_at(&splits.info.inputs);
    if !unseen.is_empty() {
        let message = "not searched for what gives labels away: that is done for columns of a table".to_owned();
        add(&mut found, Level::Note, &format!("input {}", unseen.join(", ")), message);
    }
    found.sort_by_key(|finding| finding.level);
    Ok(found)
}

fn add(found: &mut Vec<Finding>, level: Level, place: &str, message: String) {
    found.push(Finding { level, place: place.to_owned(), message });
}

#[expect(clippy::cast_precision_loss, reason = "shares for people")]
fn share(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn inputs(split: &str, scan: &Scan, found: &mut Vec<Finding>) {
    for input in scan.inputs.iter().filter(|input| input.not_finite > 0) {
        let message = format!("{} values are NaN or infinite", input.not_finite);
        add(found, Level::Error, &format!("{split}, input {}", input.name), message);
    }
    for input in scan.inputs.iter().filter(|input| split != "train" && input.unknown_share() > 0.05) {
        let message = format!("{:.1} % of its words are none of training", 100.0 * input.unknown_share());
        add(found, Level::Warning, &format!("{split}, input {}", input.name), message);
    }
    for field in &scan.fields {
        let place = format!("{split}, field {}", field.name());
        match field {
            FieldScan::Numeric { not_finite, .. } if *not_finite > 0 => {
                add(found, Level::Error, &place, format!("{not_finite} values are NaN or infinite"));
            }
            FieldScan::Categorical { counts, .. } if split != "train" => {
                let unseen = counts.first().copied().unwrap_or(0);
                if share(unseen, scan.samples) > 5.0 {
                    let message = format!("{:.1} % are texts that training does not have", share(unseen, scan.samples));
                    add(found, Level::Warning, &place, message);
                }
            }
            _ => {}
        }
    }
}

fn known_labels(split: &str, labels: &LabelScan, samples: u64, found: &mut Vec<Finding>) {
    let place = format!("{split}, task {}", labels.task);
    let all = labels.known + labels.missing;
    match (labels.known, labels.missing) {
        (0, _) => add(found, Level::Error, &place, format!("none of {samples} samples has a label")),
        (_, 0) => {}
        (_, missing) => add(found, Level::Note, &place, format!("{:.1} % of labels are missing", share(missing, all))),
    }
}

fn classes(train: &LabelScan, others: &[(&str, &Scan)], found: &mut Vec<Finding>) {
    let place = format!("task {}", train.task);
    for (idx, (class, n)) in train.counts.iter().enumerate() {
        let elsewhere = |scan: &Scan| {
            let labels = scan.labels.iter().find(|l| l.task == train.task);
            labels.and_then(|l| l.counts.get(idx)).map_or(0, |(_, n)| *n)
        };
        let wanted: Vec<&str> =
            others.iter().filter(|(_, scan)| elsewhere(scan) > 0).map(|(split, _)| *split).collect();
        match n {
            0 if !wanted.is_empty() => {
                let message = format!("{class:?} never occurs in training, but in {}", wanted.join(" and "));
                add(found, Level::Warning, &place, message);
            }
            0 => add(found, Level::Warning, &place, format!("{class:?} never occurs")),
            n if *n < TINY => {
                add(found, Level::Warning, &place, format!("{class:?} has {n} training samples: too few to learn"));
            }
            n if share(*n, train.known) < 1.0 => {
                let message = format!(
                    "{class:?} is {:.2} % of the training labels: judge by AUROC, not accuracy",
                    share(*n, train.known)
                );
                add(found, Level::Note, &place, message);
            }
            _ => {}
        }
        for (split, _) in others.iter().filter(|(_, scan)| *n > 0 && scan.samples > 0 && elsewhere(scan) == 0) {
            add(found, Level::Warning, &place, format!("{class:?} never occurs in {split}: it is not judged there"));
        }
    }
}

fn duplicates(train: &Scan, others: &[(&str, &Scan)], found: &mut Vec<Finding>) {
    let mut seen = train.hashes.clone();
    seen.sort_unstable();
    let distinct = seen.chunk_by(|a, b| a == b).count() as u64;
    let repeated = train.samples.saturating_sub(distinct);
    if repeated > 0 {
        let message =
            format!("{repeated} samples ({:.2} %) repeat the inputs of another", share(repeated, train.samples));
        add(found, Level::Note, "train", message);
    }
    for (split, scan) in others {
        let leaked = scan.hashes.iter().filter(|hash| seen.binary_search(hash).is_ok()).count() as u64;
        if leaked > 0 {
            let level = if share(leaked, scan.samples) > 1.0 { Level::Warning } else { Level::Note };
            let message =
                format!("{leaked} samples ({:.2} %) have the inputs of a training sample", share(leaked, scan.samples));
            add(found, level, split, message);
        }
    }
}

/// Samples that one task learns from and another is judged on: files that were cut task by task. The trunk has seen them.
fn crossed(train: &Scan, others: &[(&str, &Scan)], found: &mut Vec<Finding>) {
    let mut seen: Vec<(u64, u64)> = train.hashes.iter().copied().zip(train.known.iter().copied()).collect();
    seen.sort_unstable();
    // The tasks of all training samples with the same inputs.
    let tasks_of = |hash: u64| {
        let from = seen.partition_point(|(known, _)| *known < hash);
        seen[from..].iter().take_while(|(known, _)| *known == hash).fold(0, |tasks, (_, own)| tasks | own)
    };
    for (split, scan) in others {
        let mut counts = vec![vec![0_u64; train.labels.len()]; train.labels.len()];
        for (hash, judged) in scan.hashes.iter().zip(&scan.known) {
            let learned = tasks_of(*hash);
            let has = |tasks: u64, task: usize| task < 64 && tasks >> task & 1 == 1;
            for (to, counts) in counts.iter_mut().enumerate().filter(|(to, _)| has(*judged, *to) && !has(learned, *to))
            {
                let from = counts.iter_mut().enumerate().filter(|(from, _)| *from != to && has(learned, *from));
                from.for_each(|(_, count)| *count += 1);
            }
        }
        for (to, counts) in counts.iter().enumerate() {
            for (from, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                let level = if share(n, scan.samples) > 1.0 { Level::Warning } else { Level::Note };
                let message = format!(
                    "{n} of its samples have the inputs of training samples of task {}: the trunk has learned from them",
                    train.labels[from].task
                );
                add(found, level, &format!("{split}, task {}", train.labels[to].task), message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_data::datasets::CsvFiles;

    /// Everything that a table can have wrong without being refused.
    #[test]
    fn faults_are_found_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut rows = String::from("id,flat,code,x,y,z\n");
        for i in 0..200u32 {
            let (y, noise) = (i % 2, f64::from(i * 7919 % 200) / 10.0);
            let class = if i < 3 { "rare" } else { ["a", "b"][usize::from(i % 3 == 0)] };
            let class = if i % 10 == 9 { "" } else { class };
            rows += &format!("n{i},same,c{y},{noise},{y},{class}\n");
        }
        std::fs::write(dir.path().join("train.csv"), &rows).unwrap();
        // The test file repeats training rows.
        let test: String = rows.lines().take(41).map(|line| format!("{line}\n")).collect();
        std::fs::write(dir.path().join("test.csv"), test).unwrap();
        let schema = toml::from_str(
            r#"missing = [""]
            columns = [
                { name = "id", kind = "categorical" }, { name = "flat", kind = "categorical" },
                { name = "code", kind = "categorical" }, { name = "x", kind = "numeric" },
                { name = "y", kind = "label", label = { binary = { positive = "1" } } },
                { name = "z", kind = "label", label = "class" },
            ]"#,
        )
        .unwrap();
        let config = CsvFiles {
            dir: Some(dir.path().to_owned()),
            train: "train.csv".into(),
            test: Some("test.csv".into()),
            schema,
            ..CsvFiles::default()
        };
        let found = check(&config.load().unwrap()).unwrap();
        let has = |level, place: &str, part: &str| {
            let hit = found.iter().any(|f| f.level == level && f.place.contains(place) && f.message.contains(part));
            assert!(hit, "{level:?} {place} {part}: {found:#?}");
        };
        has(Level::Warning, "field flat", "the same value");
        has(Level::Warning, "field code", "gives 100.0 % of task y away");
        has(Level::Warning, "task z", "\"rare\" has");
        has(Level::Warning, "test", "have the inputs of a training sample");
        has(Level::Warning, "validation, field id", "training does not have");
        has(Level::Note, "train, task z", "of labels are missing");
        assert!(!found.iter().any(|f| f.message.contains("away") && !f.place.ends_with("code")), "{found:#?}");
        assert!(found.is_sorted_by_key(|f| f.level));
    }

    /// Two tasks whose files were cut one by one: what one learns from the other is judged on.
    #[test]
    fn samples_that_cross_from_a_task_to_another_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let row = |i: u32, a: bool, b: bool| {
            let label = |there: bool, of: u32| if there { (of % 2).to_string() } else { String::new() };
            format!("{i}.5,{},{}\n", label(a, i), label(b, i / 2))
        };
        let train: String = (0..100).map(|i| row(i, i < 60, i >= 60)).collect();
        // Task b is judged on 20 samples that task a learns from, and on 20 that nobody has seen.
        let test: String = (40..60).chain(200..220).map(|i| row(i, i >= 200, true)).collect();
        std::fs::write(dir.path().join("train.csv"), format!("x,a,b\n{train}")).unwrap();
        std::fs::write(dir.path().join("test.csv"), format!("x,a,b\n{test}")).unwrap();
        let schema = toml::from_str(
            r#"columns = [{ name = "x", kind = "numeric" }, { name = "a", kind = "label", label = "class" },
                          { name = "b", kind = "label", label = "class" }]"#,
        )
        .unwrap();
        let config = CsvFiles {
            dir: Some(dir.path().to_owned()),
            train: "train.csv".into(),
            test: Some("test.csv".into()),
            validation_fraction: 0.01,
            schema,
            ..CsvFiles::default()
        };
        let found = check(&config.load().unwrap()).unwrap();
        let crossed: Vec<_> = found.iter().filter(|f| f.message.contains("the trunk has learned")).collect();
        let [only] = crossed[..] else { panic!("{found:#?}") };
        assert_eq!((only.level, only.place.as_str()), (Level::Warning, "test, task b"));
        assert!(only.message.ends_with("of training samples of task a: the trunk has learned from them"), "{only}");
    }

    #[test]
    fn clean_data_has_no_findings() {
        let data = mtl_data::DatasetConfig::by_name("synthetic-mmoe").unwrap();
        assert_eq!(check(&data.load().unwrap()).unwrap(), []);
    }
}
