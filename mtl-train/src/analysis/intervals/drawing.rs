//! What a resample is drawn of: samples, or whole groups of them.
//!
//! | samples of a task | drawn are | a metric sees |
//! |---|---|---|
//! | in no groups | samples | no groups |
//! | in groups: queries, users, sessions | whole groups, each copy a group of its own | one query drawn twice as two queries |
//! | in groups that a metric compares: fairness | samples | the groups as they are |
//!
//! Samples of a query are not independent of each other, and a ranking within a query has no meaning for a part of it: what was drawn
//! is the query. All tasks are drawn alike, so groups of one task are drawn for the others as well; samples outside them are drawn one
//! by one. Groups that are compared are another thing: men and women are not drawn, they are what each sample is.
//!
//! A metric of a user's crate that asks for groups is taken for one of the second row.

use std::borrow::Cow;

use mtl_metrics::{
    AnyMetric, MetricSet, Streaming,
    fairness::{CalibrationByGroup, GroupParity},
    stats::Units,
};

use super::{Recorded, RecordedTask};

/// What is drawn, and what a task's groups are in it.
pub(super) struct Drawing {
    /// The unit of each sample; none where samples are drawn.
    unit_of: Option<Vec<usize>>,
    n_units: usize,
    /// By task.
    groupings: Vec<Grouping>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    None,
    /// They are drawn.
    Drawn,
    /// They are compared with each other.
    Compared,
    /// Another task has other groups.
    Clashing,
}

/// Samples of a resample; the same one again is another copy of it.
pub(super) struct Drawn<'a> {
    pub(super) samples: Cow<'a, [usize]>,
    /// The copy that each is of; empty where each is there once.
    copies: Vec<u32>,
}

impl Drawing {
    pub(super) fn of(recorded: &Recorded, metrics: &MetricSet) -> Self {
        let compared = |at: usize| metrics.iter().nth(at).is_some_and(|(_, own)| own.iter().any(|m| compares(&**m)));
        let grouping = |(at, task): (usize, &RecordedTask)| match (task.has_groups(), compared(at)) {
            (false, _) => Grouping::None,
            (true, true) => Grouping::Compared,
            (true, false) => Grouping::Drawn,
        };
        let mut groupings: Vec<Grouping> = recorded.tasks().iter().enumerate().map(grouping).collect();
        let n_samples = recorded.n_samples();
        let mut group_of: Vec<Option<u64>> = vec![None; n_samples];
        let mut clash = false;
        let drawn = recorded.tasks().iter().zip(&groupings).filter(|(_, grouping)| **grouping == Grouping::Drawn);
        for (task, _) in drawn {
            for (sample, known) in group_of.iter_mut().enumerate() {
                match (task.group(sample), *known) {
                    (Some(own), Some(other)) => clash |= own != other,
                    (Some(own), None) => *known = Some(own),
                    (None, _) => {}
                }
            }
        }
        if clash {
            let drawn = groupings.iter_mut().filter(|grouping| **grouping == Grouping::Drawn);
            drawn.for_each(|grouping| *grouping = Grouping::Clashing);
        }
        if !groupings.contains(&Grouping::Drawn) {
            return Self { unit_of: None, n_units: n_samples, groupings };
        }
        let mut groups: Vec<u64> = group_of.iter().flatten().copied().collect();
        groups.sort_unstable();
        groups.dedup();
        let mut n_units = groups.len();
        let unit = |group: &Option<u64>| match group {
            Some(own) => groups.partition_point(|other| other < own),
            None => {
                n_units += 1;
                n_units - 1
            }
        };
        let unit_of = group_of.iter().map(unit).collect();
        Self { unit_of: Some(unit_of), n_units, groupings }
    }

    /// Samples, or groups.
    pub(super) fn n_units(&self) -> usize {
        self.n_units
    }

    /// How many groups are drawn; `None` where samples are.
    pub(super) fn n_groups(&self) -> Option<usize> {
        self.unit_of.as_ref().map(|_| self.n_units)
    }

    pub(super) fn units(&self) -> Units {
        match &self.unit_of {
            None => Units::samples(self.n_units),
            Some(unit_of) => Units::groups(&unit_of.iter().map(|unit| *unit as u64).collect::<Vec<_>>()),
        }
    }

    /// Samples by how often each was drawn.
    pub(super) fn often(counts: &[u32]) -> Drawn<'static> {
        let each = counts.iter().enumerate().flat_map(|(sample, n)| (0..*n).map(move |copy| (sample, copy)));
        let (samples, copies): (Vec<usize>, Vec<u32>) = each.unzip();
        Drawn { samples: samples.into(), copies }
    }

    /// The samples of each unit, for [`once`](Self::once).
    pub(super) fn members(&self) -> Option<Vec<Vec<usize>>> {
        let unit_of = self.unit_of.as_ref()?;
        let mut members = vec![Vec::new(); self.n_units];
        for (sample, unit) in unit_of.iter().enumerate() {
            members[*unit].push(sample);
        }
        Some(members)
    }

    /// All samples of these units, each once.
    pub(super) fn once<'a>(members: Option<&[Vec<usize>]>, units: &'a [usize]) -> Drawn<'a> {
        let samples = match members {
            None => Cow::Borrowed(units),
            Some(members) => units.iter().filter_map(|unit| members.get(*unit)).flatten().copied().collect(),
        };
        Drawn { samples, copies: Vec::new() }
    }

    /// Why nothing can be drawn for a task.
    pub(super) fn refusal(&self, task_idx: usize) -> Option<&'static str> {
        (self.groupings.get(task_idx) == Some(&Grouping::Clashing))
            .then_some("samples are in other groups for another task, which cannot be drawn together")
    }

    /// The groups of what was drawn at these places, as a task's metrics shall see them; `None` for a task without groups.
    pub(super) fn groups(
        &self,
        task_idx: usize,
        task: &RecordedTask,
        drawn: &Drawn<'_>,
        places: &[u64],
    ) -> Option<Vec<u64>> {
        let unit_of = self.unit_of.as_deref().unwrap_or_default();
        let sample = |at: usize| drawn.samples.get(at).copied().unwrap_or(usize::MAX);
        let as_they_are = |at: usize| task.group(sample(at)).unwrap_or_default();
        let by_copy = |at: usize| {
            let copy = drawn.copies.get(at).copied().unwrap_or(0);
            unit_of.get(sample(at)).map_or(0, |unit| (*unit as u64) << 32) | u64::from(copy)
        };
        let places = places.iter().map(|place| usize::try_from(*place).unwrap_or(usize::MAX));
        match self.groupings.get(task_idx)? {
            Grouping::None | Grouping::Clashing => None,
            Grouping::Drawn => Some(places.map(by_copy).collect()),
            Grouping::Compared => Some(places.map(as_they_are).collect()),
        }
    }
}

/// Whether groups are what a metric compares with each other.
fn compares(metric: &dyn AnyMetric) -> bool {
    let metric = metric.as_any();
    metric.is::<Streaming<GroupParity>>() || metric.is::<Streaming<CalibrationByGroup>>()
}
