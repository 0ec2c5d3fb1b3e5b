//! The result of a search as a table of text.

use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use mtl_data::Origin;

use super::Found;
use crate::study::compare::with_half_width;

/// Candidates that are shown.
const SHOWN: usize = 20;

/// The table with its notes, for a terminal.
#[must_use]
pub fn to_text(found: &Found) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    let mut header: Vec<String> = found.tasks.clone();
    header.extend(["epochs", "score", "against equal"].map(str::to_owned));
    header.extend((1..=found.fold_sizes.len()).map(|fold| format!("fold {fold}")));
    header.push(String::new());
    table.set_header(header);
    let ranking = found.ranking();
    for &at in ranking.iter().take(SHOWN) {
        let Some(candidate) = found.candidates.get(at) else { continue };
        let Some(last) = candidate.rounds.last() else { continue };
        let mut row: Vec<String> = candidate.weights.iter().map(|w| format!("{w:.3}")).collect();
        row.push(last.epochs.to_string());
        row.push(last.estimate.as_ref().map_or_else(|| "undefined".into(), with_half_width));
        row.push(
            candidate
                .against_equal
                .as_ref()
                .map_or_else(|| "-".into(), |d| format!("{:+.4} ± {:.4}", d.mean, d.half_width().unwrap_or(f64::NAN))),
        );
        row.extend(last.folds.iter().map(|score| score.map_or_else(|| "-".into(), |s| format!("{s:.4}"))));
        row.push(if at == found.chosen { "chosen".into() } else { String::new() });
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let origin = match found.origin {
        Origin::Real => "real",
        Origin::Synthetic => "SYNTHETIC",
    };
    let (n, k) = (found.candidates.len(), found.fold_sizes.len());
    let mut lines =
        vec![format!("{} ({origin}), {n} weights, {k} folds of the training split", found.dataset), table.to_string()];
    lines.extend(notes(found));
    lines.join("\n")
}

/// What the table leaves unsaid, one sentence each.
pub(super) fn notes(found: &Found) -> Vec<String> {
    let mut notes = Vec::new();
    if found.candidates.len() > SHOWN {
        notes.push(format!("the best {SHOWN} of {}; the file has all", found.candidates.len()));
    }
    let rounds: Vec<String> = found.rounds.iter().map(ToString::to_string).collect();
    notes.push(format!(
        "score: best {} on the held-out fold up to that epoch, ± half the t interval over folds; judged after {} epochs; {} epochs trained instead of {}",
        found.selection,
        rounds.join(", "),
        found.epochs_trained,
        found.epochs_in_full
    ));
    notes.extend(found.fold_notes.iter().cloned());
    notes.extend(found.failures.iter().map(|failure| format!("failed: {failure}")));
    let weights: Vec<String> = found.tasks.iter().zip(found.weights()).map(|(t, w)| format!("{t} {w:.3}")).collect();
    notes.push(format!("chosen weights: {}", weights.join(", ")));
    notes.push(format!("refit on the whole training split, test: {}", found.refit.test));
    notes
}
