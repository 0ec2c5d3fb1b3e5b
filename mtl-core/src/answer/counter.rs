//! Counting the labels of a split, batch by batch.

use super::{Cells, Labels};
use crate::{
    label_stats::{LabelStats, Numbers, Spread, YesNo},
    prediction::{Reference, Truth},
};

/// Counts labels; what is kept are counts and, for numbers, the known values (8 bytes each until quantiles are taken,
/// which are exact that way).
pub trait Counter: Send {
    /// Counts a batch. Labels of another kind than the task's count as not known: the head refuses them in its own words.
    fn count(&mut self, labels: &Reference);

    /// Samples without a target of the task.
    fn skip(&mut self, n: u64);

    /// What was counted.
    fn finish(self: Box<Self>) -> LabelStats;
}

/// Counts classes, or grades.
#[derive(Debug)]
pub(super) struct Classes {
    counts: Vec<u64>,
    missing: u64,
}

impl Classes {
    pub(super) fn new(n: usize) -> Box<Self> {
        Box::new(Self { counts: vec![0; n], missing: 0 })
    }
}

impl Counter for Classes {
    fn count(&mut self, labels: &Reference) {
        let Truth::OneOf(classes) = labels.truth() else { return self.skip(labels.batch_size() as u64) };
        for label in classes {
            match usize::try_from(*label).ok().and_then(|label| self.counts.get_mut(label)) {
                Some(count) => *count += 1,
                None => self.missing += 1,
            }
        }
    }

    fn skip(&mut self, n: u64) {
        self.missing += n;
    }

    fn finish(self: Box<Self>) -> LabelStats {
        LabelStats::Class { counts: self.counts, missing: self.missing }
    }
}

/// Counts yes and no.
#[derive(Debug)]
pub(super) struct YesNos(Vec<YesNo>);

impl YesNos {
    pub(super) fn new(n: usize) -> Box<Self> {
        Box::new(Self(vec![YesNo::default(); n]))
    }
}

impl Counter for YesNos {
    fn count(&mut self, labels: &Reference) {
        let Truth::YesNo(cells) = labels.truth() else { return self.skip(labels.batch_size() as u64) };
        for (count, column) in self.0.iter_mut().zip(cells.columns()) {
            for cell in column {
                match cell {
                    c if c.is_nan() => count.missing += 1,
                    c if *c > 0.5 => count.yes += 1,
                    _ => count.no += 1,
                }
            }
        }
    }

    fn skip(&mut self, n: u64) {
        self.0.iter_mut().for_each(|count| count.missing += n);
    }

    fn finish(self: Box<Self>) -> LabelStats {
        LabelStats::MultiLabel { labels: self.0 }
    }
}

/// Keeps numbers.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Vec<f64>>,
    samples: u64,
}

impl Columns {
    pub(super) fn new(n: usize) -> Box<Self> {
        Box::new(Self { columns: vec![Vec::new(); n], samples: 0 })
    }
}

impl Counter for Columns {
    fn count(&mut self, labels: &Reference) {
        let Truth::Numbers(cells) = labels.truth() else { return self.skip(labels.batch_size() as u64) };
        self.samples += cells.nrows() as u64;
        for (values, column) in self.columns.iter_mut().zip(cells.columns()) {
            values.extend(column.iter().filter(|cell| cell.is_finite()).map(|&cell| f64::from(cell)));
        }
    }

    fn skip(&mut self, n: u64) {
        self.samples += n;
    }

    fn finish(self: Box<Self>) -> LabelStats {
        let outputs = self.columns.into_iter().map(|mut values| {
            let known = values.len() as u64;
            Numbers { known, missing: self.samples - known, spread: Spread::of(&mut values) }
        });
        LabelStats::Values { outputs: outputs.collect() }
    }
}

/// Counts the items of ragged labels.
#[derive(Debug)]
pub(super) struct Items {
    counts: Vec<u64>,
    missing: u64,
    unlabeled: u64,
    lengths: Vec<f64>,
}

impl Items {
    pub(super) fn new(n: usize) -> Box<Self> {
        Box::new(Self { counts: vec![0; n], missing: 0, unlabeled: 0, lengths: Vec::new() })
    }

    fn lists(&mut self, labels: &Labels) {
        let Cells::Index(cells) = labels.cells() else { return self.skip(labels.len() as u64) };
        for sample in 0..labels.len() {
            let items = &cells[labels.range(sample)];
            let before = self.missing;
            for item in items {
                match usize::try_from(*item).ok().and_then(|item| self.counts.get_mut(item)) {
                    Some(count) => *count += 1,
                    None => self.missing += 1,
                }
            }
            // One item that is missing is how an unlabeled sample looks.
            match items.len() == 1 && self.missing > before {
                true => self.unlabeled += 1,
                #[expect(clippy::cast_precision_loss, reason = "a length")]
                false => self.lengths.push(items.len() as f64),
            }
        }
    }
}

impl Counter for Items {
    fn count(&mut self, labels: &Reference) {
        let (Truth::Tags(lists) | Truth::Tokens(lists)) = labels.truth() else {
            return self.skip(labels.batch_size() as u64);
        };
        self.lists(lists);
    }

    fn skip(&mut self, n: u64) {
        self.unlabeled += n;
    }

    fn finish(mut self: Box<Self>) -> LabelStats {
        let labeled = self.lengths.len() as u64;
        let lengths = Numbers { known: labeled, missing: self.unlabeled, spread: Spread::of(&mut self.lengths) };
        LabelStats::Items { counts: self.counts, missing: self.missing, lengths }
    }
}
