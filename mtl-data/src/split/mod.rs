//! How samples are dealt to training, validation and test.
//!
//! ```toml
//! [data]
//! split = { group = "subject" }                        # no subject is in two parts
//! split = { group = "subject", stratify = ["state"] }  # nor that, and states have like shares as far as subjects allow
//! split = { stratify = ["state"] }                     # every state has its share of each part, to within one sample
//! split = { time = "date" }                            # the latest test, those before them validate
//! ```
//! Without any of them samples are drawn one by one, uniformly. In tables the names are those of columns, whatever else the columns are
//! (they need not even be in the schema); other data sets read `group` and `time` from a file with a line a sample, and stratify by tasks.
//!
//! A random cut answers how good a model is on *more of the same*. It says too much where samples belong together: a model that has seen
//! nine recordings of a patient knows the tenth. `group` asks for new patients, `time` for the future. What is cut here is only what has
//! no files of its own; where files are given, [`findings`](Known::findings) tells what they have in common.
//!
//! The test part is cut first, so that it stays the same when the validation part is resized. Parts depend on the keys, the shares and the
//! seed only. Folds ([`Folds`](crate::Folds)) and the part that balancers hold out keep groups together as well ([`Dealt`]).
//!
//! | file | what it holds |
//! |---|---|
//! | `keys.rs` | [`Keys`]: group, time and strata of each sample, from the texts of a file |
//! | `time.rs` | [`Time`]: dates and numbers that can be put in order |
//! | `grouped.rs` | whole groups to one part, or to folds |
//! | `stratified.rs` | equal shares of every stratum |
//! | `known.rs` | [`Known`]: what parts have in common that they should not |
//! | `files.rs` | all of this for a data set's files |
//!
//! **Reference** of the terms: scikit-learn's `GroupShuffleSplit`, `StratifiedShuffleSplit`, `StratifiedGroupKFold`. **Differs** from them:
//! strata may be several columns, the later spread evenly within the earlier; equal times are never torn apart.

mod files;
mod grouped;
mod keys;
mod known;
mod stratified;
mod time;

use std::sync::Arc;

pub(crate) use files::{FileKeys, TableKeys};
pub use grouped::{fold_groups, hold_out_groups};
pub use keys::{Keys, Texts};
pub use known::Known;
use serde::{Deserialize, Serialize};
pub use stratified::hold_out_strata;
pub use time::Time;

use crate::{
    error::{Error, Result},
    source,
};

/// How samples are dealt to training, validation and test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Split {
    /// What keeps samples together: a subject, a user, a session. Samples with the same text here are never in two parts. A column of a
    /// table, else a file with a line a sample; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When samples were taken: the latest test, those before them validate. Numbers, or dates such as 2024-01-31 or 2024-01-31T09:30:00Z. A
    /// column of a table, else a file with a line a sample; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What has like shares in all parts: columns of few texts in a table, else tasks of classes; the later ones within the earlier; default
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stratify: Vec<String>,
}

/// What there is to know of how samples were dealt, for whoever cuts the training part again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dealt {
    /// The group of each training sample, where groups are kept together.
    pub groups: Option<Arc<[u64]>>,
    /// Whether parts follow each other in time.
    pub by_time: bool,
}

impl Dealt {
    /// The same of some of the training samples.
    #[must_use]
    pub fn of(&self, positions: &[u64]) -> Self {
        let groups = self.groups.as_deref().map(|groups| {
            let of = |&position: &u64| usize::try_from(position).ok().and_then(|at| groups.get(at)).copied();
            positions.iter().filter_map(of).collect()
        });
        Self { groups, by_time: self.by_time }
    }

    /// The positions of `0..n` that are learned from and those that are held out, as [`source::split`] does it, whole groups where there
    /// are some.
    ///
    /// # Errors
    /// As [`source::split`] and [`hold_out_groups`].
    pub fn hold_out(&self, n: u64, share: f64, seed: u64) -> Result<(Vec<u64>, Vec<u64>)> {
        match self.groups.as_deref() {
            Some(groups) => hold_out_groups(groups, &[], share, seed),
            None => source::split(n, share, seed),
        }
    }
}

/// How much of the samples validates and tests; `None` for a part that has files of its own and gets none of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// In `(0, 1)`, of what does not test.
    pub validation: Option<f64>,
    /// In `(0, 1)`, of all.
    pub test: Option<f64>,
}

impl Split {
    /// Whether samples are drawn one by one.
    #[must_use]
    pub fn is_random(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that what is asked for can be had together.
    ///
    /// # Errors
    /// `InvalidConfig`.
    pub fn validate(&self) -> Result<()> {
        let other = match (&self.time, &self.group, self.stratify.as_slice()) {
            (Some(_), Some(_), _) => "group",
            (Some(_), None, [_, ..]) => "stratify",
            _ => return Ok(()),
        };
        let expected = "alone: what is later decides, whatever else samples have in common";
        Err(Error::config("split", "time", expected, format!("{other} beside it")))
    }

    /// The names that keys are read under, each once: group, time, strata.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let all = self.group.iter().chain(&self.time).chain(&self.stratify);
        for name in all.map(String::as_str) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The positions of `n` samples that train, validate and test, each part ascending; `what` is the data set, for errors.
    ///
    /// # Errors
    /// `InvalidConfig` for a share that is not in `(0, 1)`, for too few samples, groups or times to be cut; as
    /// [`validate`](Self::validate).
    pub fn cut(&self, what: &'static str, n: u64, keys: &Keys, shares: Shares, seed: u64) -> Result<[Vec<u64>; 3]> {
        self.validate()?;
        let (rest, test) = self.cut_off(what, n, "test_fraction", keys, shares.test, seed)?;
        let left = keys.of(&rest);
        // Not the same draw again, on other samples.
        let next = seed.wrapping_add(1);
        let (train, validation) =
            self.cut_off(what, rest.len() as u64, "validation_fraction", &left, shares.validation, next)?;
        let in_rest = |places: Vec<u64>| -> Vec<u64> {
            places.iter().filter_map(|&at| rest.get(usize::try_from(at).ok()?).copied()).collect()
        };
        Ok([in_rest(train), in_rest(validation), test])
    }

    /// The positions that remain and those that are cut off, if any are to be.
    fn cut_off(
        &self,
        what: &'static str,
        n: u64,
        field: &'static str,
        keys: &Keys,
        share: Option<f64>,
        seed: u64,
    ) -> Result<(Vec<u64>, Vec<u64>)> {
        let Some(share) = share else { return Ok(((0..n).collect(), Vec::new())) };
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::config(what, field, "a fraction in (0, 1)", share.to_string()));
        }
        if n < 2 {
            let expected = "cut from at least 2 rows (or give that part a file)";
            return Err(Error::config(what, field, expected, n.to_string()));
        }
        match (&self.group, &self.time) {
            (Some(_), _) => hold_out_groups(keys.groups(), keys.strata(), share, seed),
            (None, Some(_)) => time::hold_out_latest(keys.times(), share),
            (None, None) if self.stratify.is_empty() => source::split(n, share, seed),
            (None, None) => hold_out_strata(keys.strata(), share, seed),
        }
    }
}

/// How many of `n` a share is: at least one, and at least one is left. `n` is at least 2.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of n, which is far below 2^52"
)]
fn part_of(n: usize, share: f64) -> usize {
    ((n as f64 * share).round() as usize).clamp(1, n.saturating_sub(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::split;

    fn parts(validation: Option<f64>, test: Option<f64>) -> [Vec<u64>; 3] {
        Split::default().cut("data", 100, &Keys::default(), Shares { validation, test }, 7).unwrap()
    }

    #[test]
    fn the_test_part_is_cut_first_and_the_others_from_the_rest() {
        let [train, validation, test] = parts(Some(0.2), Some(0.1));
        let (rest, first) = split(100, 0.1, 7).unwrap();
        let (learn, second) = split(90, 0.2, 8).unwrap();
        let in_rest = |places: &[u64]| places.iter().map(|&at| rest[usize::try_from(at).unwrap()]).collect::<Vec<_>>();
        assert_eq!((&train, &validation, &test), (&in_rest(&learn), &in_rest(&second), &first));
        assert_eq!(parts(Some(0.5), Some(0.1))[2], test, "whatever the validation part is");
        let mut all = [train, validation, test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_part_with_files_of_its_own_takes_nothing() {
        let all: Vec<u64> = (0..100).collect();
        assert_eq!(parts(None, None), [all, Vec::new(), Vec::new()]);
        let (learn, cut) = split(100, 0.2, 8).unwrap();
        assert_eq!(parts(Some(0.2), None), [learn, cut, Vec::new()]);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let refused = |n, validation, test| {
            let cut = Split::default().cut("data", n, &Keys::default(), Shares { validation, test }, 0);
            cut.unwrap_err().to_string()
        };
        let e = refused(9, Some(1.0), None);
        assert_eq!(e, "data: validation_fraction must be a fraction in (0, 1), found 1");
        assert!(refused(9, None, Some(f64::NAN)).starts_with("data: test_fraction must be a fraction in (0, 1)"));
        let e = refused(2, Some(0.5), Some(0.5));
        let expected = "data: validation_fraction must be cut from at least 2 rows (or give that part a file), found 1";
        assert_eq!(e, expected);
    }

    /// Keys of made-up texts: the columns that `split` names, in its order.
    fn keys(split: &Split, columns: &[Vec<String>]) -> Keys {
        let coded: Vec<(Vec<u32>, Vec<String>)> = columns
            .iter()
            .map(|texts| {
                let mut dictionary = texts.clone();
                dictionary.sort_unstable();
                dictionary.dedup();
                let code = |text| u32::try_from(dictionary.binary_search(text).unwrap()).unwrap();
                (texts.iter().map(code).collect(), dictionary)
            })
            .collect();
        let texts: Vec<(&str, Texts<'_>)> =
            split.names().into_iter().zip(&coded).map(|(name, (codes, all))| (name, Texts::new(codes, all))).collect();
        let fault = |_: &str, at: usize, expected: &str, found: &str| {
            Error::config("row", "text", expected, format!("{found} in {at}"))
        };
        Keys::read(split, &texts, &str::is_empty, &fault).unwrap()
    }

    fn column(n: usize, text: impl Fn(usize) -> String) -> Vec<String> {
        (0..n).map(text).collect()
    }

    const SHARES: Shares = Shares { validation: Some(0.2), test: Some(0.25) };

    #[test]
    fn groups_are_never_torn_and_parts_are_of_the_size_that_was_asked_for() {
        let split: Split = toml::from_str(r#"group = "subject""#).unwrap();
        for seed in 0..20 {
            // Groups of 1 to 7 samples, 28 in a block, which do not stand together.
            let subject = |i: usize| {
                let (block, at) = (i * 37 % 400 / 28, i * 37 % 400 % 28);
                format!("s{block}-{}", (0..7).take_while(|size| size * (size + 1) / 2 <= at).count())
            };
            let subjects = column(400, subject);
            let parts = split.cut("data", 400, &keys(&split, std::slice::from_ref(&subjects)), SHARES, seed).unwrap();
            let of = |part: &[u64]| {
                let mut of: Vec<&String> = part.iter().map(|&at| &subjects[usize::try_from(at).unwrap()]).collect();
                of.sort_unstable();
                of.dedup();
                of
            };
            let [train, validation, test] = [0, 1, 2].map(|at| of(&parts[at]));
            assert!(validation.iter().chain(&test).all(|subject| !train.contains(subject)));
            assert!(test.iter().all(|subject| !validation.contains(subject)));
            assert!(parts.iter().all(|part| part.is_sorted()));
            assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 400);
            assert!((95..=105).contains(&parts[2].len()), "{} of 400 test", parts[2].len());
            assert!((55..=65).contains(&parts[1].len()), "{} of 300 validate", parts[1].len());
            let other = Shares { validation: Some(0.5), ..SHARES };
            assert_eq!(split.cut("data", 400, &keys(&split, &[subjects]), other, seed).unwrap()[2], parts[2]);
        }
    }

    #[test]
    fn what_is_later_tests_and_equal_times_stay_together() {
        let split: Split = toml::from_str(r#"time = "date""#).unwrap();
        // Ten days of ten samples each, in any order of the file.
        let days = column(100, |i| format!("2024-03-{:02}", 1 + (i * 37) % 100 / 10));
        let parts = split.cut("data", 100, &keys(&split, std::slice::from_ref(&days)), SHARES, 0).unwrap();
        let ends = |part: &[u64]| {
            let mut of: Vec<&String> = part.iter().map(|&at| &days[usize::try_from(at).unwrap()]).collect();
            of.sort_unstable();
            (of[0].clone(), of[of.len() - 1].clone())
        };
        let [train, validation, test] = [0, 1, 2].map(|at| ends(&parts[at]));
        assert!(train.1 < validation.0 && validation.1 < test.0, "{train:?}, {validation:?}, {test:?}");
        // A quarter would tear the eighth day apart; it is as near to two days as to three, and the longer past is taken.
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [60, 20, 20]);
        assert_eq!(split.cut("data", 100, &keys(&split, &[days]), SHARES, 9).unwrap(), parts, "no chance in it");
    }

    #[test]
    fn strata_have_their_share_of_each_part() {
        let split: Split = toml::from_str(r#"stratify = ["a", "b"]"#).unwrap();
        let (a, b) = (column(403, |i| (i % 7 / 3).to_string()), column(403, |i| (i % 5 / 2).to_string()));
        let parts = split.cut("data", 403, &keys(&split, &[a.clone(), b]), SHARES, 3).unwrap();
        for class in ["0", "1", "2"] {
            let count = |part: &[u64]| part.iter().filter(|&&at| a[usize::try_from(at).unwrap()] == class).count();
            let all = a.iter().filter(|text| *text == class).count() as f64;
            assert!((count(&parts[2]) as f64 - 0.25 * all).abs() <= 1.01, "{class} in test");
            assert!((count(&parts[1]) as f64 - 0.15 * all).abs() <= 2.01, "{class} in validation");
        }
    }

    #[test]
    fn settings_that_cannot_be_had_together_are_refused() {
        let refused = |text: &str| toml::from_str::<Split>(text).unwrap().validate().unwrap_err().to_string();
        let e = refused("time = \"t\"\ngroup = \"g\"");
        assert!(e.starts_with("split: time must be alone") && e.ends_with("found group beside it"), "{e}");
        assert!(refused("time = \"t\"\nstratify = [\"y\"]").ends_with("found stratify beside it"));
        assert!(toml::from_str::<Split>("groups = \"g\"").is_err());
    }

    #[test]
    fn what_is_known_of_some_samples_goes_with_them() {
        let dealt = Dealt { groups: Some(Arc::from([5, 6, 5, 7])), by_time: false };
        assert_eq!(dealt.of(&[3, 0]).groups.as_deref(), Some([7, 5].as_slice()));
        let (own, held) = dealt.hold_out(4, 0.5, 1).unwrap();
        assert_eq!(held.contains(&0), held.contains(&2), "{own:?} {held:?}");
        assert_eq!(Dealt::default().hold_out(10, 0.2, 3).unwrap(), split(10, 0.2, 3).unwrap());
    }
}
