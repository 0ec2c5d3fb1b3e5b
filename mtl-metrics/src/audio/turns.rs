//! Who spoke when: the overlap of reference and hypothesis speakers in one recording.

use std::collections::BTreeSet;

use mtl_core::{Error, Result};

/// One speaker talking from `start` to `end`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// The speaker, any number; reference and hypothesis count independently.
    pub speaker: u32,
    /// In seconds.
    pub start: f64,
    /// In seconds, not before `start`.
    pub end: f64,
}

/// Recordings, each with the true and the predicted turns.
///
/// ```
/// use mtl_metrics::audio::{Diarizations, Turn};
/// let turn = |speaker, start, end| Turn { speaker, start, end };
/// assert!(Diarizations::new(&[vec![turn(0, 0.0, 2.5)]], &[vec![turn(7, 0.0, 3.0)]]).is_ok());
/// assert!(Diarizations::new(&[vec![turn(0, 2.0, 1.0)]], &[vec![]]).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Diarizations<'a> {
    recordings: Vec<(&'a [Turn], &'a [Turn])>,
}

impl<'a> Diarizations<'a> {
    /// Predicted and true turns by recording.
    ///
    /// # Errors
    /// [`Error::Shape`] for different numbers of recordings; [`Error::Label`] for a turn that ends before it starts or
    /// is not finite.
    pub fn new<H: AsRef<[Turn]>, R: AsRef<[Turn]>>(hypotheses: &'a [H], references: &'a [R]) -> Result<Self> {
        if hypotheses.len() != references.len() {
            return Err(Error::Shape {
                op: "diarization".into(),
                tensor: "references",
                expected: format!("[{}], one per hypothesis", hypotheses.len()),
                found: vec![references.len() as i64],
            });
        }
        let recordings: Vec<_> =
            hypotheses.iter().map(AsRef::as_ref).zip(references.iter().map(AsRef::as_ref)).collect();
        for (idx, (hypothesis, reference)) in recordings.iter().enumerate() {
            let bad = |turn: &&Turn| !(turn.start.is_finite() && turn.end.is_finite() && turn.start <= turn.end);
            if let Some(turn) = hypothesis.iter().chain(*reference).find(bad) {
                return Err(Error::Label {
                    task: "(unnamed)".into(),
                    what: "turn",
                    expected: "finite, its end not before its start".into(),
                    found: format!("{} to {}", turn.start, turn.end),
                    sample: idx as u64,
                });
            }
        }
        Ok(Self { recordings })
    }

    /// Number of recordings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.recordings.len()
    }

    /// Whether there is no recording.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recordings.is_empty()
    }

    pub(super) fn stretches(&self, idx: usize, collar: f64, skip_overlap: bool) -> Stretches {
        let (hypothesis, reference) = self.recordings.get(idx).copied().unwrap_or_default();
        Stretches::new(hypothesis, reference, collar, skip_overlap)
    }
}

/// A recording cut where anyone starts or stops.
pub(super) struct Stretches {
    pub(super) n_reference: usize,
    pub(super) n_hypothesis: usize,
    /// Seconds, reference speakers talking, hypothesis speakers talking, both as positions.
    pub(super) stretches: Vec<(f64, Vec<usize>, Vec<usize>)>,
}

impl Stretches {
    /// Leaves out what is within `collar` seconds of a boundary of a true turn and, if asked, where true turns overlap.
    fn new(hypothesis: &[Turn], reference: &[Turn], collar: f64, skip_overlap: bool) -> Self {
        let speakers = |turns: &[Turn]| -> Vec<u32> {
            let set: BTreeSet<u32> = turns.iter().map(|turn| turn.speaker).collect();
            set.into_iter().collect()
        };
        let collars: Vec<(f64, f64)> = if collar > 0.0 {
            reference.iter().flat_map(|t| [t.start, t.end]).map(|at| (at - collar, at + collar)).collect()
        } else {
            Vec::new()
        };
        let mut cuts: Vec<f64> = hypothesis.iter().chain(reference).flat_map(|turn| [turn.start, turn.end]).collect();
        cuts.extend(collars.iter().flat_map(|&(start, end)| [start, end]));
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        let (true_speakers, said_speakers) = (speakers(reference), speakers(hypothesis));
        let talking = |turns: &[Turn], speakers: &[u32], at: f64| -> Vec<usize> {
            let places = turns.iter().filter(|turn| turn.start <= at && at < turn.end);
            let set: BTreeSet<usize> = places.filter_map(|turn| speakers.binary_search(&turn.speaker).ok()).collect();
            set.into_iter().collect()
        };
        let mut stretches = Vec::new();
        for cut in cuts.windows(2) {
            let &[start, end] = cut else { continue };
            if collars.iter().any(|&(from, to)| from <= start && start < to) {
                continue;
            }
            let (of_reference, of_hypothesis) =
                (talking(reference, &true_speakers, start), talking(hypothesis, &said_speakers, start));
            if !(of_reference.is_empty() && of_hypothesis.is_empty() || skip_overlap && of_reference.len() > 1) {
                stretches.push((end - start, of_reference, of_hypothesis));
            }
        }
        Self { n_reference: true_speakers.len(), n_hypothesis: said_speakers.len(), stretches }
    }

    /// Seconds in which both talk, `[reference, hypothesis]` in a square of `size`.
    pub(super) fn overlaps(&self, size: usize) -> Vec<f64> {
        let mut overlaps = vec![0.0; size * size];
        for (seconds, of_reference, of_hypothesis) in &self.stretches {
            for &i in of_reference {
                for &j in of_hypothesis {
                    overlaps[i * size + j] += seconds;
                }
            }
        }
        overlaps
    }
}

crate::judged::answers_to_come! {
    Diarizations<'a> => "turns of speakers";
}
