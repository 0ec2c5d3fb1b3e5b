//! What differs between the configuration of a run and the one it is to go on with.
//!
//! A run that goes on must be the run that was started: a changed setting would make its log, its checkpoints and its
//! result belong to no configuration at all. Three kinds of change are harmless: budgets may grow, what cannot
//! influence the result may change, and so may what is fitted to answers when the training has ended.

use toml::Value;

use super::{
    RunConfig,
    path::{KeyPath, Step},
};
use crate::train::trainer::TimeLimit;

/// Budgets: how long a run may go on.
const MAY_GROW: [&str; 4] = ["train.epochs", "train.steps", "train.patience", "train.time"];
/// What has no influence on the numbers, or (ranks: the same batches, other roundings) none that matters.
const MAY_CHANGE: [&str; 6] = [
    "train.workers",
    "train.checkpoint_every",
    "device.ranks",
    "stream.checkpoint_every",
    "stream.follow",
    "stream.idle_seconds",
];

/// What of a task is fitted after training: a run that has ended fits it anew, without a step.
const FITTED_LAST: [&str; 4] = ["calibration", "conformal", "threshold", "reject"];

/// One setting that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which one.
    pub path: KeyPath,
    /// Its value in the run; `None` where it has none.
    pub before: Option<Value>,
    /// Its value now.
    pub after: Option<Value>,
}

impl Change {
    /// Whether a run can go on with it.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        let name = self.path.to_string();
        let grows = match (&self.before, &self.after) {
            (Some(Value::Integer(before)), Some(Value::Integer(after))) => after > before,
            (Some(Value::String(before)), Some(Value::String(after))) => {
                let time = |text: &str| text.parse::<TimeLimit>().map(TimeLimit::seconds).ok();
                time(after) > time(before)
            }
            (Some(_), None) => true, // no limit any more
            _ => false,
        };
        MAY_CHANGE.contains(&name.as_str()) || MAY_GROW.contains(&name.as_str()) && grows || self.is_fitted_last()
    }

    fn is_fitted_last(&self) -> bool {
        match self.path.steps() {
            [Step::Key(section), Step::Item(_), Step::Key(key), ..] => {
                section == "task" && FITTED_LAST.contains(&key.as_str())
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "unset".to_owned(), ToString::to_string);
        write!(f, "{} was {}, is {}", self.path, show(&self.before), show(&self.after))
    }
}

/// Every setting that differs, by path. Threads go with the number of ranks, and are none of their own where that changes.
#[must_use]
pub fn changes(before: &RunConfig, after: &RunConfig) -> Vec<Change> {
    let value = |config| Value::try_from(config).ok();
    let mut found = Vec::new();
    compare(&KeyPath::default(), value(before).as_ref(), value(after).as_ref(), &mut found);
    if before.device.asks() != after.device.asks() {
        found.retain(|change| change.path.to_string() != "device.threads");
    }
    found
}

fn compare(path: &KeyPath, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    match (before, after) {
        (Some(Value::Table(old)), Some(Value::Table(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                compare(&path.key(key), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (idx, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&path.then(Step::Item(idx)), Some(old), Some(new), found);
            }
        }
        _ if before == after => {}
        _ => found.push(Change { path: path.clone(), before: before.cloned(), after: after.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(train: &str) -> RunConfig {
        let text = format!("data = {{ kind = \"synthetic-mmoe\" }}\nencoder = {{ kind = \"mlp\" }}\n[train]\n{train}");
        RunConfig::parse(&text, "x.toml".as_ref()).unwrap()
    }

    #[test]
    fn changes_are_named_and_judged() {
        let of = |before: &str, after: &str| -> Vec<(String, bool)> {
            changes(&config(before), &config(after)).iter().map(|c| (c.to_string(), c.is_harmless())).collect()
        };
        assert_eq!(of("epochs = 3", "epochs = 3"), []);
        assert_eq!(of("epochs = 3", "epochs = 5"), [("train.epochs was 3, is 5".into(), true)]);
        assert_eq!(of("epochs = 3", "epochs = 2"), [("train.epochs was 3, is 2".into(), false)]);
        assert_eq!(of("time = \"2m\"", "time = \"150s\""), [("train.time was \"2m\", is \"2m 30s\"".into(), true)]);
        assert!(!changes(&config("time = \"2m\""), &config("time = \"90s\""))[0].is_harmless());
        assert_eq!(of("patience = 3", ""), [("train.patience was 3, is unset".into(), true)]);
        assert_eq!(of("workers = 1", "workers = 4"), [("train.workers was 1, is 4".into(), true)]);
        let two = of("seed = 1\noptimizer = { kind = \"sgd\" }", "seed = 2\noptimizer = { kind = \"sgd\", lr = 0.5 }");
        assert_eq!(two.iter().filter(|(_, harmless)| !harmless).count(), 2, "{two:?}");
        let device = |before: &str, after: &str| of(&format!("[device]\n{before}"), &format!("[device]\n{after}"));
        assert_eq!(device("threads = 2", "threads = 1"), [("device.threads was 2, is 1".into(), false)]);
        assert_eq!(
            device("threads = 2", "threads = 1\nranks = 2"),
            [("device.ranks was unset, is 2".into(), true)],
            "threads go with ranks"
        );
        let task = |more: &str| format!("[[task]]\nname = \"t\"\n{more}");
        let found = of(&task("weight = 1"), &task("weight = 2\nconformal = { coverage = 0.5 }"));
        let judged: Vec<bool> = found.iter().map(|(_, harmless)| *harmless).collect();
        assert_eq!(judged, [false, true], "{found:?}");
    }
}
