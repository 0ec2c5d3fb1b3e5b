//! What is wrong with data of several sources: with each alone, and with what they have in common.
//!
//! | check | level |
//! |---|---|
//! | everything that is looked for in a data set, source by source | as there |
//! | a file that two sources cut otherwise, or that trains one and judges another: the trunk has learned from what judges | warning |
//! | samples that one source learns from and another is judged on, where both bring the same inputs | warning, note below 1 % |

use mtl_data::{
    Splits,
    datasets::LoadedSource,
    kept::{Cut, FilePrint},
    preprocess::SourceReading,
};

use super::{Finding, Level, Scan, fault};
use crate::error::Result;

/// Looks at every source, and at what they have in common; the worst findings come first.
///
/// # Errors
/// As [`fault::check`].
pub(super) fn check(splits: &Splits) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut scans = Vec::with_capacity(splits.sources.len());
    for LoadedSource { name, splits } in &splits.sources {
        let own = [Scan::new(&splits.train)?, Scan::new(&splits.validation)?, Scan::new(&splits.test)?];
        let of_source = fault::check_scanned(splits, &own)?.into_iter();
        found.extend(of_source.map(|f| Finding { place: format!("{name}: {}", f.place), ..f }));
        scans.push(own);
    }
    let readings = splits.preprocessing.as_ref().map_or(&[][..], |p| p.sources());
    let inputs = |at: usize| readings.get(at).map(|reading: &SourceReading| &reading.inputs);
    for (a, learned) in splits.sources.iter().enumerate() {
        for (b, judged) in splits.sources.iter().enumerate().filter(|(b, _)| *b != a) {
            found.extend(shared_files(learned, judged));
            if inputs(a) == inputs(b) {
                found.extend(shared_samples(&learned.name, &scans[a][0], &judged.name, &scans[b]));
            }
        }
    }
    found.sort_by_key(|finding| finding.level);
    Ok(found)
}

/// Which part of a source's samples a file holds: those of training are cut from it.
fn role(file: &FilePrint) -> &str {
    file.role.split(' ').next().unwrap_or_default()
}

/// Whether the samples of one file that judge the second source have not trained the first.
fn alike(learned: &Cut, judged: &Cut) -> bool {
    let is_cut = judged.validation.positions.is_some() || judged.test.positions.is_some();
    learned.train == judged.train || !is_cut
}

/// Files from which one source learns and by which another is judged.
fn shared_files(learned: &LoadedSource, judged: &LoadedSource) -> Vec<Finding> {
    let (ours, theirs) = (&learned.splits.provenance, &judged.splits.provenance);
    let mut found = Vec::new();
    for file in ours.files.iter().filter(|file| role(file) == "train") {
        let Some(same) = theirs.files.iter().find(|other| other.content.sha256 == file.content.sha256) else {
            continue;
        };
        let message = match role(same) {
            "train" if alike(&ours.cut, &theirs.cut) => continue,
            "train" => format!(
                "is cut from {}, as is {}, but otherwise (seed, shares, split): what judges it has trained the other, and \
                 the trunk that they share",
                same.name, learned.name
            ),
            _ => format!("is {}, which {} learns from: the trunk has seen it", same.name, learned.name),
        };
        let place = format!("{}: {}", judged.name, if role(same) == "train" { "validation, test" } else { role(same) });
        found.push(Finding { level: Level::Warning, place, message });
    }
    found
}

/// Samples with the same inputs, by which one source is judged and from which another learns.
#[expect(clippy::cast_precision_loss, reason = "shares for people")]
fn shared_samples(learned: &str, train: &Scan, judged: &str, scans: &[Scan; 3]) -> Vec<Finding> {
    let mut seen = train.hashes.clone();
    seen.sort_unstable();
    let [_, validation, test] = scans;
    let of = |(split, scan): (&str, &Scan)| {
        let n = scan.hashes.iter().filter(|hash| seen.binary_search(hash).is_ok()).count();
        let share = 100.0 * n as f64 / scan.samples.max(1) as f64;
        let message = format!(
            "{n} samples ({share:.2} %) have the inputs of training samples of {learned}: the trunk has learned from them"
        );
        let level = if share > 1.0 { Level::Warning } else { Level::Note };
        (n > 0).then(|| Finding { level, place: format!("{judged}: {split}"), message })
    };
    [("validation", validation), ("test", test)].into_iter().filter_map(of).collect()
}
