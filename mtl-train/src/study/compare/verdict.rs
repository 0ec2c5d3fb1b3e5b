//! What a comparison says about single-task networks, in words.
//!
//! A table of figures leaves the question open that it was made for: is it worth to learn these tasks together? The answer is
//! made of intervals over seeds and says no more than they do:
//!
//! | what the intervals of delta_m say | the verdict |
//! |---|---|
//! | one is above 0 | that method is better than single-task networks |
//! | all are below 0 | every method is worse |
//! | none is above 0 | no method is better beyond the noise between seeds, and up to how much that noise could hide |
//! | there are none (one seed) | nothing can be said |
//!
//! Methods are picked after the fact, so the intervals here are those of [`MethodResult::delta_m_of_all`]: all of them hold
//! together. Tasks that gain or pay are named for one method only, the one that validation recommends: the test split chooses
//! nothing here either.

use mtl_metrics::stats::Estimate;

use super::{Comparison, MethodResult, Transfer};
use crate::report::{Note, NoteKind, written};

/// Tasks named in a sentence.
const NAMED: usize = 5;
/// So many tasks before it is said how many of them chance alone would single out.
const MANY_TASKS: usize = 10;

/// The verdict.
pub(super) struct Verdict {
    /// Whether it is good news.
    pub(super) kind: NoteKind,
    /// Its sentences, the one that matters most first.
    pub(super) sentences: Vec<String>,
}

impl Verdict {
    pub(super) fn of(comparison: &Comparison) -> Self {
        let together: Vec<&MethodResult> = comparison.methods.iter().filter(|m| !m.alone).collect();
        if comparison.methods.len() == together.len() {
            let words = "There are no single-task networks in this comparison, so it cannot say whether learning together \
                         helps; `baselines = true` adds them.";
            return Self { kind: NoteKind::Caution, sentences: vec![words.to_owned()] };
        }
        let judged: Vec<(&MethodResult, &Estimate)> =
            together.iter().filter_map(|m| Some((*m, m.delta_m_of_all.as_ref()?))).collect();
        let (kind, first) = headline(comparison, &judged);
        let mut sentences = vec![first];
        let recommended = comparison.chosen.as_ref().and_then(|name| together.iter().find(|m| m.name == *name));
        let recommended = recommended.or(if together.len() == 1 { together.first() } else { None });
        if let Some(method) = recommended {
            sentences.extend(who_pays(comparison, method));
            sentences.extend(price(comparison, method));
        }
        Self { kind, sentences }
    }

    /// The verdict as a block of a page.
    pub(super) fn note(&self) -> Note {
        Note::new(self.kind, self.sentences.join(" "))
    }
}

fn headline(comparison: &Comparison, judged: &[(&MethodResult, &Estimate)]) -> (NoteKind, String) {
    let by_mean = |a: &&(&MethodResult, &Estimate), b: &&(&MethodResult, &Estimate)| a.1.mean.total_cmp(&b.1.mean);
    let Some(nearest) = judged.iter().max_by(by_mean) else {
        let reason = comparison.methods.iter().filter(|m| !m.alone).find_map(|m| m.no_delta_m.clone());
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        let words = format!(
            "Whether any method is better than single-task networks cannot be said: there is no delta_m{reason}."
        );
        return (NoteKind::Caution, words);
    };
    let percent = 100.0 * comparison.level;
    let together = if judged.len() > 1 {
        format!(" Intervals are widened so that those of all {} methods hold together.", judged.len())
    } else {
        String::new()
    };
    let named = |(method, estimate): &(&MethodResult, &Estimate)| match estimate.interval {
        Some([low, high]) => format!(
            "{} (delta_m {}, {percent:.0} % interval {} to {})",
            method.name,
            signed(estimate.mean),
            number(low),
            number(high)
        ),
        None => format!("{} (delta_m {})", method.name, signed(estimate.mean)),
    };
    if judged.iter().all(|(_, e)| e.interval.is_none()) {
        let words = format!(
            "With one seed nothing can be said of differences to single-task networks. The highest here is {}: chance \
             alone may do that.",
            named(nearest)
        );
        return (NoteKind::Caution, words);
    }
    let mut better: Vec<_> = judged.iter().filter(|(_, e)| e.is_above_zero()).collect();
    better.sort_by(|a, b| by_mean(b, a));
    if !better.is_empty() {
        let list: Vec<String> = better.iter().map(|judged| named(judged)).collect();
        let (verb, n) = (if list.len() == 1 { "is" } else { "are" }, judged.len());
        let of = if n > 1 { format!(" {} of {n} methods {verb}.", list.len()) } else { String::new() };
        let words =
            format!("Better than single-task networks in the mean over tasks: {}.{of}{together}", list.join("; "));
        return (NoteKind::Success, words);
    }
    if judged.iter().all(|(_, e)| e.is_below_zero()) {
        let all = if judged.len() > 1 { "every one is worse" } else { "it is worse" };
        let words = format!(
            "No method is better than single-task networks here: {all}, least so {}.{together}",
            named(nearest)
        );
        return (NoteKind::Caution, words);
    }
    let ends = judged.iter().filter_map(|(method, e)| Some((*method, e.interval?[1])));
    let (furthest, end) = ends.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((nearest.0, f64::NAN));
    let whose = if furthest.name == nearest.0.name { String::new() } else { format!(" ({})", furthest.name) };
    let words = format!(
        "No method is better than single-task networks here beyond the noise between seeds. Nearest is {}; more seeds could \
         still show a gain of up to {}{whose}.{together}",
        named(nearest),
        signed(end)
    );
    (NoteKind::Caution, words)
}

/// On how many tasks the recommended method is ahead of single-task networks, and which tasks pay for that.
fn who_pays(comparison: &Comparison, method: &MethodResult) -> Option<String> {
    let n = method.transfer.len();
    if n == 0 || method.transfer.iter().all(|t| t.difference.interval.is_none()) {
        return None;
    }
    let ahead = method.transfer.iter().filter(|t| t.positive).count();
    let mut paying: Vec<&Transfer> = method.transfer.iter().filter(|t| t.negative).collect();
    paying.sort_by(|a, b| gain(a).total_cmp(&gain(b)));
    let how = if comparison.chosen.as_deref() == Some(&method.name) && comparison.methods.len() > 2 {
        "The best on validation"
    } else {
        "The method"
    };
    let mut words =
        format!("{how}, {}, is ahead of single-task networks on {ahead} of {n} tasks beyond the noise", method.name);
    if paying.is_empty() {
        words.push_str(" and behind on none");
    } else {
        let named = |t: &&&Transfer| match &t.gain {
            Some(gain) => format!("{} ({})", t.task, signed(gain.mean)),
            None => t.task.clone(),
        };
        let list: Vec<String> = paying.iter().take(NAMED).map(|t| named(&t)).collect();
        let more = paying.len() - list.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        words.push_str(&format!(" and behind on {}, which pay: {}{more}", paying.len(), list.join(", ")));
    }
    words.push('.');
    if n >= MANY_TASKS {
        #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
        let by_chance = n as f64 * (1.0 - comparison.level) / 2.0;
        words.push_str(&format!(" Chance alone would single out about {} each way.", written_short(by_chance)));
    }
    Some(words)
}

/// What single-task networks cost beside it.
fn price(comparison: &Comparison, method: &MethodResult) -> Option<String> {
    let alone = comparison.methods.iter().find(|m| m.alone)?;
    #[expect(clippy::cast_precision_loss, reason = "for print")]
    let parameters = alone.parameters as f64 / method.parameters.max(1) as f64;
    let seconds = alone.seconds_per_epoch.as_ref()?.mean / method.seconds_per_epoch.as_ref()?.mean.max(1e-9);
    (parameters.is_finite() && seconds.is_finite() && method.parameters > 0).then(|| {
        format!(
            "Single-task networks take {} times its parameters and {} times its time for an epoch of all tasks.",
            written_short(parameters),
            written_short(seconds)
        )
    })
}

fn gain(transfer: &Transfer) -> f64 {
    transfer.gain.as_ref().map_or(f64::INFINITY, |gain| gain.mean)
}

/// `+1.25 %`.
pub(super) fn signed(percent: f64) -> String {
    let sign = if percent > 0.0 { "+" } else { "" };
    format!("{sign}{} %", number(percent))
}

/// Percent with two decimals, fewer when it is large.
fn number(percent: f64) -> String {
    if percent.abs() < 100.0 { format!("{percent:.2}").replace('-', "\u{2212}") } else { written(percent) }
}

fn written_short(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { written(value) }
}

#[cfg(test)]
mod tests {
    use mtl_core::metric::Direction;
    use mtl_data::Origin;

    use super::*;
    use crate::study::compare::{TaskColumn, page, to_text};

    fn method(name: &str, delta_m: Option<&[f64]>, tasks: &[(&str, &[f64])]) -> MethodResult {
        let transfer = tasks.iter().map(|(task, gains)| {
            let gain = Estimate::new(gains, 0.95).unwrap();
            let (negative, positive) = (gain.is_below_zero(), gain.is_above_zero());
            Transfer { task: (*task).to_owned(), difference: gain.clone(), gain: Some(gain), negative, positive }
        });
        MethodResult {
            name: name.to_owned(),
            alone: delta_m.is_none(),
            seeds: vec![0, 1, 2],
            cells: Vec::new(),
            metrics: Vec::new(),
            joint: Vec::new(),
            validation: None,
            delta_m: delta_m.map(|values| Estimate::new(values, 0.95).unwrap()),
            delta_m_of_all: delta_m.map(|values| Estimate::new(values, 0.975).unwrap()),
            no_delta_m: None,
            transfer: transfer.collect(),
            balance: None,
            negative_transfer: None,
            unbeaten: false,
            mean_rank: None,
            parameters: if delta_m.is_none() { 300 } else { 100 },
            seconds_per_epoch: Some(Estimate::new(&[if delta_m.is_none() { 3.0 } else { 2.0 }], 0.95).unwrap()),
            samples_per_second: None,
            peak_memory_mb: None,
        }
    }

    fn comparison(methods: Vec<MethodResult>, chosen: Option<&str>) -> Comparison {
        let tasks = methods.last().map(|m| m.transfer.as_slice()).unwrap_or_default();
        let column =
            |t: &Transfer| TaskColumn { task: t.task.clone(), metric: "auroc".into(), direction: Direction::Maximize };
        Comparison {
            steps: None,
            time: None,
            dataset: "csv".into(),
            origin: Origin::Real,
            epochs: 1,
            batch_size: 1,
            selection: "mean".into(),
            seeds: vec![0, 1, 2],
            level: 0.95,
            tasks: tasks.iter().map(column).collect(),
            methods,
            ranks: None,
            no_ranks: Some("too few".into()),
            chosen: chosen.map(str::to_owned),
            choices: Vec::new(),
            failures: Vec::new(),
        }
    }

    fn alone() -> MethodResult {
        method("alone", None, &[])
    }

    const UP: &[f64] = &[2.0, 2.1, 1.9];
    const DOWN: &[f64] = &[-2.0, -2.1, -1.9];
    const NOISE: &[f64] = &[3.0, -3.0, 0.3];

    #[test]
    fn a_better_method_is_named_with_who_pays_and_what_it_saves() {
        let better = method("hard", Some(UP), &[("a", UP), ("b", DOWN), ("c", NOISE)]);
        let other = method("mmoe", Some(NOISE), &[("a", NOISE), ("b", NOISE), ("c", NOISE)]);
        let found = Verdict::of(&comparison(vec![alone(), better, other], Some("hard")));
        assert_eq!(found.kind, NoteKind::Success);
        let [first, pays, price] = &found.sentences[..] else { panic!("{:?}", found.sentences) };
        assert!(
            first.starts_with("Better than single-task networks in the mean over tasks: hard (delta_m +2.00 %"),
            "{first}"
        );
        assert!(
            first.contains("1 of 2 methods is") && first.ends_with("those of all 2 methods hold together."),
            "{first}"
        );
        assert_eq!(
            pays,
            "The best on validation, hard, is ahead of single-task networks on 1 of 3 tasks beyond the noise and behind on 1, \
             which pay: b (\u{2212}2.00 %)."
        );
        assert!(price.contains("3.0 times its parameters and 1.5 times its time"), "{price}");
    }

    #[test]
    fn no_method_is_better_in_three_ways() {
        let first = |methods, chosen| Verdict::of(&comparison(methods, chosen)).sentences.remove(0);
        let noise = || method("hard", Some(NOISE), &[("a", NOISE)]);
        let words = first(vec![alone(), noise(), method("mmoe", Some(DOWN), &[("a", DOWN)])], None);
        assert!(words.starts_with("No method is better than single-task networks here beyond the noise"), "{words}");
        assert!(words.contains("Nearest is hard (delta_m +0.10 %"), "{words}");
        let words = first(vec![alone(), method("hard", Some(DOWN), &[("a", DOWN)])], None);
        assert!(
            words.starts_with("No method is better than single-task networks here: it is worse, least so hard"),
            "{words}"
        );
        let words = first(vec![alone(), method("hard", Some(&[5.0]), &[("a", &[5.0])])], None);
        assert!(words.starts_with("With one seed nothing can be said"), "{words}");
        let words = first(vec![noise()], None);
        assert!(words.contains("no single-task networks in this comparison"), "{words}");
    }

    #[test]
    fn the_best_of_several_must_be_better_than_luck_allows() {
        // Three seeds: t(0.975; 2) = 4.30 and t(0.9875; 2) = 6.21 standard errors. 5 of them are enough for one method alone.
        let values = [5.0 + 3f64.sqrt(), 5.0, 5.0 - 3f64.sqrt()];
        let found = method("hard", Some(&values), &[("a", &values)]);
        assert!(
            found.delta_m.as_ref().unwrap().is_above_zero() && !found.delta_m_of_all.as_ref().unwrap().is_above_zero()
        );
        let other = method("mmoe", Some(NOISE), &[("a", NOISE)]);
        let found = Verdict::of(&comparison(vec![alone(), found, other], None));
        assert!(found.sentences[0].starts_with("No method is better"), "{:?}", found.sentences);
    }

    #[test]
    fn columns_without_content_are_left_out() {
        use crate::report::Block;
        let of = |methods| {
            let page = page(&comparison(methods, None));
            let table = page.blocks.iter().find_map(|b| if let Block::Table(table) = b { Some(table) } else { None });
            let table = table.unwrap();
            assert!(table.rows.iter().all(|row| row.cells.len() == table.columns.len()));
            table.columns.iter().map(|column| column.label.clone()).collect::<Vec<_>>()
        };
        let labels = |gains: &[f64], finished: usize| {
            let mut own = method("hard", Some(gains), &[("a", gains)]);
            own.seeds.truncate(finished);
            of(vec![alone(), own])
        };
        assert_eq!(of(vec![method("hard", Some(NOISE), &[])]), ["mean rank", "validation"], "nothing to compare with");
        assert_eq!(labels(NOISE, 3), ["delta_m, %", "mean rank", "a auroc\u{a0}\u{2191}", "validation"]);
        assert_eq!(labels(UP, 2), ["delta_m, %", "mean rank", "a auroc\u{a0}\u{2191}", "", "validation", "seeds"]);
    }

    #[test]
    fn many_tasks_are_counted_and_folded() {
        let names: Vec<String> = (0..20).map(|t| format!("task-{t}")).collect();
        let gains = |at: usize| {
            if at < 3 {
                DOWN
            } else if at < 8 {
                UP
            } else {
                NOISE
            }
        };
        let tasks: Vec<(&str, &[f64])> = names.iter().enumerate().map(|(at, n)| (n.as_str(), gains(at))).collect();
        let comparison = comparison(vec![alone(), method("hard", Some(UP), &tasks)], None);
        let found = Verdict::of(&comparison);
        assert!(found.sentences[1].contains("ahead of single-task networks on 5 of 20 tasks"), "{:?}", found.sentences);
        assert!(found.sentences[1].contains("Chance alone would single out about 0.5 each way."));
        let text = to_text(&comparison);
        assert!(text.contains("worse than alone") && !text.contains("task-9 auroc"), "{text}");
        let html = page(&comparison).to_html();
        assert_eq!(html.matches("<details>").count(), 21, "a line a task, and one for the map of all");
        assert!(html.contains("Of 20 tasks the 6 with the lowest and the 6 with the highest gain"));
        assert!(html.find("delta_m, %").unwrap() < html.find("mean rank").unwrap());
    }
}
