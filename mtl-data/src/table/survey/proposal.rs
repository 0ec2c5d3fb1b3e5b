//! A survey and the targets that were named, as a schema and a split with a reason for each line.
//!
//! | a column that seems to be | is proposed as |
//! |---|---|
//! | number, few whole numbers | `numeric`; `log1p-standard` where the largest are far from the usual ones; gaps filled by the mean |
//! | yes/no in numbers | `numeric`, of 0 and 1 as it is |
//! | category, code, yes/no in texts | `categorical`; texts that occur once left out where there are many |
//! | date | `date` in its spelling; ignored where there is none that reads all of them |
//! | set | `set` |
//! | vector | `vector` |
//! | text, path | ignored, as there is no such input in tables yet |
//! | group | ignored; the split goes by the first |
//! | id | `id`: beside the answers of `mtl predict` |
//! | constant, empty; a name twice | ignored |
//! | any that gives a target away | ignored, with what was seen |
//!
//! Nothing is left out in silence: every column of the file has its line or stands in the notes.

use mtl_core::task::TaskName;
use serde::Serialize;

use super::{
    Survey, Tally, dates,
    given_away::{Labels, strength},
    kind::{Judgement, Kind, judge, words_of},
    label::{self, Candidate, FEW_ROWS, Target},
    parts,
};
use crate::{
    error::{Error, Result, list, quoted},
    split::Split,
    table::{
        advice,
        date::DateFormat,
        format::CsvFormat,
        pattern::matches,
        schema::{Column, LabelSpec, MissingNumber, Schema, Transform},
    },
};

/// From here on a column is taken for the target in other words.
const GIVEN_AWAY: f64 = 0.98;
/// Different texts from which on those that occur once are left out.
const MANY_TEXTS: usize = 50;
/// Groups from which on a split can go by them.
const ENOUGH_GROUPS: usize = 20;

/// A column, and what is proposed for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnProposal {
    /// What the column seems to be.
    pub kind: Kind,
    /// Why that, and why it is used as it is.
    pub reason: String,
    /// Whether a person should look at it.
    pub is_doubtful: bool,
    /// The line of the schema.
    pub entry: Column,
}

/// A schema that trains, with reasons.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// How the text is written.
    pub format: CsvFormat,
    /// Rows that were looked at.
    pub rows: u64,
    /// Whether those are all of the first file.
    pub is_whole: bool,
    /// Texts that mean "not known".
    pub missing: Vec<String>,
    /// The columns in the order of the file, targets among them.
    pub columns: Vec<ColumnProposal>,
    /// What is to be answered, in the order of the file.
    pub targets: Vec<Target>,
    /// How samples are dealt.
    pub split: Split,
    /// What a person should know: of the format, the split, the columns.
    pub notes: Vec<String>,
}

impl Survey {
    /// The columns that could be targets, the likeliest first.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        let judged: Vec<Judgement> = self.columns.iter().map(judge).collect();
        label::candidates(&self.columns.iter().zip(&judged).collect::<Vec<_>>())
    }

    /// A schema in which the columns that `targets` names are answered from the others. A name may have `*` for any characters.
    ///
    /// # Errors
    /// `InvalidConfig` for a target that the file does not have, that occurs twice, or whose labels are no answers; and where no column is
    /// left to answer from.
    pub fn propose(&self, targets: &[String]) -> Result<Proposal> {
        let names: Vec<String> = self.columns.iter().map(|column| column.name().to_owned()).collect();
        let targets = self.find_targets(targets, &names)?;
        let judged: Vec<Judgement> = self.columns.iter().map(judge).collect();
        let mut proposal = Proposal {
            format: self.format,
            rows: self.rows,
            is_whole: self.is_whole,
            missing: vec![String::new()],
            columns: Vec::new(),
            targets: Vec::new(),
            split: Split::default(),
            notes: self.notes.clone(),
        };
        // What all labels are is known where one file was read in full.
        let is_all = self.is_whole && self.n_files == 1;
        let mut labels = Vec::new();
        for &at in &targets {
            let (Some(tally), Some(judgement)) = (self.columns.get(at), judged.get(at)) else { continue };
            let target = label::target(tally, judgement, is_all).map_err(|why| {
                Error::config("init", "targets", "columns of answers", format!("{} with {why}", quoted(tally.name())))
            })?;
            target.missing.iter().for_each(|text| proposal.add_missing(text));
            labels.push(Labels::of(&self.sample, at, &target.label, self.format.numbers(), &target.missing));
            proposal.targets.push(target);
        }
        let answers = self.answers(&targets, &proposal.targets);
        if let Some((text, column)) = answers.iter().find(|(text, _)| proposal.missing.contains(text)) {
            let found = format!("{} as an answer of {} and as a gap of another target", quoted(text), quoted(column));
            return Err(Error::config("init", "targets", "columns in which texts mean the same", found));
        }
        for (at, (tally, judgement)) in self.columns.iter().zip(&judged).enumerate() {
            if let Some(target) = targets.iter().position(|t| *t == at).and_then(|t| proposal.targets.get(t)) {
                let entry = Column::Label { name: tally.name().to_owned(), task: None, label: target.label.clone() };
                let (reason, is_doubtful) = (target.reason.clone(), !target.notes.is_empty());
                proposal.columns.push(ColumnProposal { kind: judgement.kind, reason, is_doubtful, entry });
            } else if tally.name().is_empty() {
                let column = format!("column {} has no name and is not read ({})", at + 1, judgement.reason);
                proposal.notes.push(column);
            } else if names[..at].contains(&names[at]) {
                proposal.notes.push(format!(
                    "the name {} stands in the header twice: neither column is read",
                    quoted(tally.name())
                ));
            } else if names[at + 1..].contains(&names[at]) {
                proposal.columns.push(ignored(tally, judgement, "its name stands in the header twice"));
            } else {
                let column = self.column(at, (tally, judgement), &labels, &answers, &mut proposal);
                proposal.columns.push(column);
            }
        }
        self.deal(&judged, &mut proposal);
        if !proposal.columns.iter().any(|column| column.entry.is_input()) {
            let found: Vec<String> =
                proposal.columns.iter().map(|c| format!("{} ({})", c.entry.name(), c.reason)).collect();
            return Err(Error::config(
                "init",
                "columns",
                "one to answer from, beside the targets",
                format!("none: {}", found.join("; ")),
            ));
        }
        Ok(proposal)
    }

    /// The places of the targets, in the order of the file.
    fn find_targets(&self, targets: &[String], names: &[String]) -> Result<Vec<usize>> {
        let refuse = |expected: String, found: String| Error::config("init", "targets", expected, found);
        let mut places = Vec::new();
        for target in targets {
            let fits =
                |name: &String| name == target || target.contains('*') && !name.is_empty() && matches(target, name);
            let is_exact = names.contains(target);
            let found: Vec<usize> = (0..names.len())
                .filter(|at| if is_exact { names[*at] == *target } else { fits(&names[*at]) })
                .collect();
            match found.as_slice() {
                [] => {
                    let near = advice::near_name(target, names);
                    return Err(refuse(format!("columns of the file ({})", list(names)), quoted(target) + &near));
                }
                [_, _, ..] if is_exact => {
                    return Err(refuse("names that the header holds once".into(), format!("{} twice", quoted(target))));
                }
                _ => places.extend(found),
            }
        }
        if places.is_empty() {
            return Err(refuse("at least one column".into(), "none".into()));
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// The texts that are answers, with the column in which they are: none of them may mean "not known".
    fn answers(&self, places: &[usize], targets: &[Target]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (tally, target) in places.iter().filter_map(|at| self.columns.get(*at)).zip(targets) {
            if matches!(target.label, LabelSpec::Value) {
                continue;
            }
            let gaps =
                tally.missing().filter(|(text, _)| !text.is_empty() && !target.missing.iter().any(|own| own == text));
            let texts = tally.texts().into_iter().chain(gaps);
            found.extend(texts.map(|(text, _)| (text.to_owned(), target.column.clone())));
        }
        found
    }

    /// A column that is no target.
    fn column(
        &self,
        at: usize,
        (tally, judgement): (&Tally, &Judgement),
        labels: &[Labels],
        answers: &[(String, String)],
        proposal: &mut Proposal,
    ) -> ColumnProposal {
        let numbers = self.format.numbers();
        let dates = (judgement.kind == Kind::Date).then(|| dates::spelling(tally)).flatten();
        let number = |text: &str| match &dates {
            Some(dates) => dates.format.seconds(text),
            None => numbers.parse(text.as_bytes()),
        };
        for (target, labels) in proposal.targets.iter().zip(labels) {
            let (found, how) = strength(&self.sample, at, judgement.kind, &number, labels);
            if found >= GIVEN_AWAY {
                let how = if how.is_empty() { String::new() } else { format!(" by {how}") };
                let why = format!(
                    "gives {} away{how} ({found:.3} of 1): the answer in other words, or filled in afterwards?",
                    quoted(&target.column)
                );
                return ColumnProposal { is_doubtful: true, ..ignored(tally, judgement, &why) };
            }
        }
        let words = words_of(tally.name());
        let is_weight = matches!(words.as_slice(), [a, b] if (a == "sample" || a == "instance") && b.starts_with("weight"))
            || words.first().is_some_and(|word| word == "fnlwgt");
        if is_weight && judgement.kind == Kind::Number && tally.min >= 0.0 {
            let why = "by its name how much a row counts: kind = \"weight\" makes it so";
            return ColumnProposal { is_doubtful: true, ..ignored(tally, judgement, why) };
        }
        let own_gaps: Vec<String> =
            tally.missing().map(|(text, _)| text.to_owned()).chain(judgement.words.clone()).collect();
        let is_numeric = matches!(judgement.kind, Kind::Number | Kind::Grade)
            || judgement.kind == Kind::YesNo && tally.numbers == tally.known();
        if is_numeric && own_gaps.iter().any(|gap| answers.iter().any(|(text, _)| text == gap)) {
            let why = "as texts: what stands for a gap here is an answer of a target";
            return ColumnProposal { is_doubtful: true, ..categorical(tally, judgement, why) };
        }
        if is_numeric {
            own_gaps.iter().for_each(|text| proposal.add_missing(text));
            return numeric(tally, judgement, own_gaps.is_empty());
        }
        match judgement.kind {
            Kind::YesNo | Kind::Category | Kind::Code => categorical(tally, judgement, ""),
            Kind::Set | Kind::Vector | Kind::Date => {
                let missing = if own_gaps.is_empty() { MissingNumber::Refuse } else { MissingNumber::Mean };
                let entry = several(tally, judgement.kind, dates.map(|dates| dates.format), missing);
                let Some(entry) = entry else {
                    let why = "no usual spelling reads all of them as days: write kind = \"date\" with a format, or more columns";
                    return ColumnProposal { is_doubtful: true, ..ignored(tally, judgement, why) };
                };
                if own_gaps.iter().any(|gap| answers.iter().any(|(text, _)| text == gap)) {
                    let why = "what stands for a gap here is an answer of a target";
                    return ColumnProposal { is_doubtful: true, ..ignored(tally, judgement, why) };
                }
                own_gaps.iter().for_each(|text| proposal.add_missing(text));
                let reason = reason(judgement, &gaps(tally));
                ColumnProposal { kind: judgement.kind, reason, is_doubtful: judgement.is_doubtful, entry }
            }
            Kind::Text => ignored(tally, judgement, "texts in tables are no inputs yet"),
            Kind::Path => ignored(tally, judgement, "files are no inputs of tables"),
            Kind::Group => {
                ignored(tally, judgement, "says whose rows these are; kind = \"categorical\" to answer from it")
            }
            // Answers have a column of that name already.
            Kind::Id if !judgement.is_doubtful && tally.name() != "row" => {
                let entry = Column::Id { name: tally.name().to_owned() };
                ColumnProposal { entry, ..ignored(tally, judgement, "") }
            }
            // Numbers were dealt with above.
            Kind::Id | Kind::Constant | Kind::Empty | Kind::Number | Kind::Grade => ignored(tally, judgement, ""),
        }
    }

    /// How samples are dealt, as far as columns say it, and what else could be.
    fn deal(&self, judged: &[Judgement], proposal: &mut Proposal) {
        let is_target = |tally: &Tally| proposal.targets.iter().any(|target| target.column == tally.name());
        let is_twin = |tally: &Tally| self.columns.iter().filter(|other| other.name() == tally.name()).count() > 1;
        let usable = |tally: &&Tally| !is_target(tally) && !is_twin(tally) && tally.known() == tally.cells();
        let of_kind = |kind: Kind| {
            self.columns.iter().zip(judged).filter(move |(_, j)| j.kind == kind).map(|(tally, _)| tally).filter(usable)
        };
        let groups: Vec<&Tally> = of_kind(Kind::Group).filter(|tally| tally.distinct().0 >= ENOUGH_GROUPS).collect();
        let mut notes = Vec::new();
        if let Some((tally, others)) = groups.split_first() {
            proposal.split.group = Some(tally.name().to_owned());
            notes.push(format!(
                "split by {}: rows of one are in one part, so that the test is about new ones",
                quoted(tally.name())
            ));
            for tally in others {
                notes.push(format!(
                    "if rows of one {0} belong together: split = {{ group = {0} }}",
                    quoted(tally.name())
                ));
            }
        }
        for tally in of_kind(Kind::Date).filter(|tally| tally.iso_dates == tally.cells()) {
            notes.push(format!("if the future is to be predicted: split = {{ time = {} }}", quoted(tally.name())));
        }
        if let ([target], true) = (proposal.targets.as_slice(), proposal.split.is_random()) {
            let tally = self.columns.iter().find(|tally| tally.name() == target.column);
            let is_choice = !matches!(target.label, LabelSpec::Value);
            let enough = |tally: &Tally| {
                tally.missing().next().is_none()
                    && tally.texts().iter().all(|(_, count)| *count >= FEW_ROWS)
                    && tally.texts().len() <= 100
            };
            if is_choice && !is_twin_of(&self.columns, &target.column) && tally.is_some_and(enough) {
                proposal.split.stratify = vec![target.column.clone()];
            }
        }
        proposal.notes.extend(notes);
    }
}

impl Proposal {
    fn add_missing(&mut self, text: &str) {
        if !self.missing.iter().any(|known| known == text) {
            self.missing.push(text.to_owned());
        }
    }

    /// The schema without its reasons: inputs and ignored columns, then labels; all in the order of the file where that has no header.
    #[must_use]
    pub fn schema(&self) -> Schema {
        let all = || self.columns.iter().map(|column| column.entry.clone());
        let is_label = |column: &Column| matches!(column, Column::Label { .. });
        let columns = match self.format.header {
            true => all().filter(|column| !is_label(column)).chain(all().filter(is_label)).collect(),
            false => all().collect(),
        };
        Schema { missing: self.missing.clone(), columns, ..Schema::default() }
    }

    /// The tasks in order, with the target of each.
    ///
    /// # Errors
    /// `InvalidConfig` for columns of which no task names can be made.
    pub fn tasks(&self) -> Result<Vec<(TaskName, &Target)>> {
        let schema = self.schema();
        let mut tasks = Vec::new();
        for task in schema.tasks()? {
            let column = task.columns.first().and_then(|&at| schema.columns.get(at)).map_or("", Column::name);
            tasks.extend(self.targets.iter().find(|target| target.column == column).map(|target| (task.name, target)));
        }
        Ok(tasks)
    }
}

fn is_twin_of(columns: &[Tally], name: &str) -> bool {
    columns.iter().filter(|column| column.name() == name).count() > 1
}

/// A reason with what comes of it.
fn reason(judgement: &Judgement, more: &str) -> String {
    match more {
        "" => judgement.reason.clone(),
        more => format!("{}; {more}", judgement.reason),
    }
}

fn ignored(tally: &Tally, judgement: &Judgement, why: &str) -> ColumnProposal {
    let entry = Column::Ignore { name: tally.name().to_owned() };
    ColumnProposal { kind: judgement.kind, reason: reason(judgement, why), is_doubtful: judgement.is_doubtful, entry }
}

fn categorical(tally: &Tally, judgement: &Judgement, why: &str) -> ColumnProposal {
    let (distinct, is_more) = tally.distinct();
    let has_rare = is_more || distinct > MANY_TEXTS && tally.texts().last().is_some_and(|(_, count)| *count < 2);
    let min_count = if has_rare { 2 } else { 1 };
    let entry = Column::Categorical { name: tally.name().to_owned(), min_count, hash: None, buckets: None };
    ColumnProposal { kind: judgement.kind, reason: reason(judgement, why), is_doubtful: judgement.is_doubtful, entry }
}

/// How many cells hold nothing, in words.
fn gaps(tally: &Tally) -> String {
    let gaps: u64 = tally.missing().map(|(_, count)| count).sum();
    if gaps > 0 { format!("{gaps} of {} missing", tally.cells()) } else { String::new() }
}

/// A column that becomes several fields; `None` where it is not known how.
fn several(tally: &Tally, kind: Kind, format: Option<DateFormat>, missing: MissingNumber) -> Option<Column> {
    let name = tally.name().to_owned();
    match kind {
        Kind::Date => Some(Column::Date { name, format: format?, parts: Vec::new(), missing }),
        Kind::Set => {
            let (separator, _) = parts::separator(tally)?;
            Some(Column::Set { name, separator, members: 64, min_count: 1 })
        }
        Kind::Vector => {
            let (separator, n) = parts::vector(tally)?;
            Some(Column::Vector { name, separator, length: n as u64, transform: Transform::Standard, missing })
        }
        _ => None,
    }
}

fn numeric(tally: &Tally, judgement: &Judgement, is_complete: bool) -> ColumnProposal {
    let transform = match judgement.kind {
        Kind::YesNo if tally.min == 0.0 && (tally.max - 1.0).abs() < f64::EPSILON => Transform::None,
        Kind::Number if tally.has_long_tail() => Transform::Log1pStandard,
        _ => Transform::Standard,
    };
    let missing = if is_complete { MissingNumber::Refuse } else { MissingNumber::Mean };
    let what = gaps(tally);
    let entry = Column::Numeric { name: tally.name().to_owned(), transform, missing };
    ColumnProposal { kind: judgement.kind, reason: reason(judgement, &what), is_doubtful: judgement.is_doubtful, entry }
}
