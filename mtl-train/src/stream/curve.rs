//! The curve of a stream: what the model said of rows that it had not learned from, a line every so many of them.
//!
//! ```text
//! {"rows":53760,"judged":51200,"tasks":[{"task":"a","loss":0.31,"window":[..],"fading":[..]}],"joint":[..],"passed":{..}}
//! ```
//! Nothing in it depends on the clock: equal runs have equal curves. On resume, points after the checkpoint are cut off.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use mtl_data::table::stream::Passed;
use mtl_metrics::{joint::JointEntry, report::MetricEntry};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A point of the curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Rows of the stream so far, those of the warm-up included.
    pub rows: u64,
    /// Rows that were judged so far.
    pub judged: u64,
    /// The tasks in order.
    pub tasks: Vec<TaskPoint>,
    /// Metrics over several tasks, over the last rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joint: Vec<JointEntry>,
    /// What was passed over so far.
    pub passed: Passed,
}

/// What a point says of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskPoint {
    /// The task.
    pub task: String,
    /// Mean loss of the steps since the last point, each before its batch was learned; `None` without labels.
    pub loss: Option<f64>,
    /// Its metrics over the last rows.
    pub window: Vec<MetricEntry>,
    /// The same over all rows so far, fading; empty unless that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fading: Vec<MetricEntry>,
}

/// Writes the curve.
#[derive(Debug)]
pub(super) struct CurveLog {
    path: PathBuf,
    out: File,
}

impl CurveLog {
    /// A new curve.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn create(path: &Path) -> Result<Self> {
        let out = File::create(path).map_err(|e| Error::io(path, "cannot create curve", e))?;
        Ok(Self { path: path.to_owned(), out })
    }

    /// The curve of an interrupted run, cut back to the points of its first `judged` rows; and how many these are.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn resume(path: &Path, judged: u64) -> Result<(Self, u64)> {
        let io = |e| Error::io(path, "cannot cut back curve", e);
        if !path.exists() {
            return Ok((Self::create(path)?, 0));
        }
        // Line by line: a curve is as long as its stream.
        let mut reader = BufReader::new(File::open(path).map_err(io)?);
        let (mut kept, mut points, mut line) = (0u64, 0u64, String::new());
        loop {
            line.clear();
            let n = reader.read_line(&mut line).map_err(io)?;
            let is_known = || serde_json::from_str::<Point>(&line).is_ok_and(|point| point.judged <= judged);
            if n == 0 || !line.ends_with('\n') || !is_known() {
                break;
            }
            kept += n as u64;
            points += 1;
        }
        let out = OpenOptions::new().append(true).open(path).map_err(io)?;
        out.set_len(kept).map_err(io)?;
        Ok((Self { path: path.to_owned(), out }, points))
    }

    /// Adds a point.
    ///
    /// # Errors
    /// [`Error::Io`]: without its curve a stream was judged for nothing.
    pub(super) fn write(&mut self, point: &Point) -> Result<()> {
        let io = |e| Error::io(&self.path, "cannot write curve", e);
        let mut line = serde_json::to_vec(point).map_err(|e| io(e.into()))?;
        line.push(b'\n');
        self.out.write_all(&line).map_err(io)
    }

    /// Waits until all points are on the disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn sync(&self) -> Result<()> {
        self.out.sync_data().map_err(|e| Error::io(&self.path, "cannot write curve", e))
    }
}

impl Point {
    /// The points of a curve, of which at most `most` are wanted: every second, fourth and so on of more. Torn lines are passed over.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read.
    pub fn read(path: &Path, most: usize) -> Result<Vec<Self>> {
        let io = |e| Error::io(path, "cannot read curve", e);
        fs::metadata(path).map_err(io)?;
        let reader = BufReader::new(File::open(path).map_err(io)?);
        let (mut points, mut stride) = (Vec::new(), 1usize);
        for (at, line) in reader.lines().enumerate() {
            let line = line.map_err(io)?;
            if !at.is_multiple_of(stride) {
                continue;
            }
            points.extend(serde_json::from_str::<Self>(&line));
            if points.len() > most.max(2) {
                let mut at = 0;
                points.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                stride *= 2;
            }
        }
        Ok(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_cut_back_and_thinned_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curve.jsonl");
        let point =
            |judged: u64| Point { rows: judged + 5, judged, tasks: vec![], joint: vec![], passed: Passed::default() };
        let mut log = CurveLog::create(&path).unwrap();
        (1..=20).for_each(|n| log.write(&point(n)).unwrap());
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"rows\":3").unwrap();
        let judged = |most| Point::read(&path, most).unwrap().iter().map(|point| point.judged).collect::<Vec<_>>();
        assert_eq!(judged(100).len(), 20);
        assert_eq!(judged(6), [1, 5, 9, 13, 17]);
        let (mut log, kept) = CurveLog::resume(&path, 7).unwrap();
        assert_eq!(kept, 7);
        log.write(&point(8)).unwrap();
        assert_eq!(judged(100), (1..=8).collect::<Vec<_>>());
    }
}
