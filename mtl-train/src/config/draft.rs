//! A configuration file written from a look at a table: what `mtl init` leaves behind.
//!
//! Short enough to be read: columns of one family (`fp0` .. `fp1023`) that are meant alike are one pattern, and where very many are left,
//! the most frequent sort of them is "all others". Every line says what it was concluded from; those marked `?` want a look. The text is
//! valid by itself: what it holds is quoted as TOML quotes it, whatever columns are called.

mod recipe;

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use mtl_data::table::{
    Buckets, Column, CsvFormat, DateFormat, LabelSpec, MissingNumber, Schema, Transform,
    survey::{ColumnProposal, Proposal},
};

use self::recipe::Recipe;
use crate::error::Result;

/// Columns that a pattern stands for at least.
const FAMILY: usize = 4;
/// Lines of inputs from which on the most frequent sort becomes "all others", and how many columns of it there must be.
const LINES: usize = 40;
const OTHERS: usize = 20;

/// The files of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFiles {
    /// What is learned from.
    pub train: PathBuf,
    /// For validation; else a part of the training file.
    pub validation: Option<PathBuf>,
    /// For testing; else a part of the training file.
    pub test: Option<PathBuf>,
}

impl TableFiles {
    /// All of them, that of training first.
    #[must_use]
    pub fn all(&self) -> Vec<&Path> {
        let others = [&self.validation, &self.test].into_iter().flatten().map(PathBuf::as_path);
        std::iter::once(self.train.as_path()).chain(others).collect()
    }
}

/// The text of a configuration file for a table. `command` says what made it.
///
/// # Errors
/// Those of task names that cannot be made.
pub fn draft(proposal: &Proposal, files: &TableFiles, command: &str) -> Result<String> {
    let mut text = String::new();
    let seen = if proposal.is_whole {
        format!("{} rows", proposal.rows)
    } else {
        format!("{} rows of a larger file", proposal.rows)
    };
    line(&mut text, &format!("# Drafted by `{}` from {seen}; lines with ? want a look.", plain(command)));
    for note in &proposal.notes {
        line(&mut text, &format!("# {}", plain(note)));
    }
    data(&mut text, proposal, files);
    format(&mut text, &proposal.format);
    columns(&mut text, proposal);
    text += &Recipe::of(proposal).text();
    tasks(&mut text, proposal)?;
    Ok(text)
}

fn data(text: &mut String, proposal: &Proposal, files: &TableFiles) {
    line(text, "[data]\nkind = \"csv\"");
    let parts = match (&files.validation, &files.test) {
        (None, None) => "   # validation and test are cut from it",
        (None, Some(_)) => "   # validation is cut from it",
        (Some(_), None) => "   # test is cut from it",
        (Some(_), Some(_)) => "",
    };
    line(text, &format!("train = {}{parts}", quoted(&files.train.to_string_lossy())));
    for (key, file) in [("validation", &files.validation), ("test", &files.test)] {
        if let Some(file) = file {
            line(text, &format!("{key} = {}", quoted(&file.to_string_lossy())));
        }
    }
    // A tenth of a small table judges nothing.
    if proposal.is_whole && proposal.rows < 1000 {
        for (key, file) in [("validation_fraction", &files.validation), ("test_fraction", &files.test)] {
            if file.is_none() {
                line(text, &format!("{key} = 0.2"));
            }
        }
    }
    let split = &proposal.split;
    if let Some(group) = &split.group {
        line(text, &format!("split = {{ group = {} }}", quoted(group)));
    } else if !split.stratify.is_empty() && files.all().len() < 3 {
        let names: Vec<String> = split.stratify.iter().map(|name| quoted(name)).collect();
        line(
            text,
            &format!("split = {{ stratify = [{}] }}   # every part has its share of each answer", names.join(", ")),
        );
    }
}

fn format(text: &mut String, format: &CsvFormat) {
    let usual = CsvFormat::DEFAULT;
    if *format == usual {
        return;
    }
    line(text, "\n[data.format]");
    if !format.header {
        line(text, "header = false");
    }
    if format.delimiter != usual.delimiter {
        line(text, &format!("delimiter = {}", quoted(&String::from(format.delimiter))));
    }
    if !format.quotes {
        line(text, "quotes = false");
    }
    if format.encoding != usual.encoding {
        line(text, &format!("encoding = {}", quoted(&String::from(format.encoding))));
    }
    if format.decimal != usual.decimal {
        line(text, &format!("decimal = {}", quoted(&format.decimal.to_string())));
    }
    if let Some(mark) = format.thousands {
        line(text, &format!("thousands = {}", quoted(&mark.to_string())));
    }
}

fn columns(text: &mut String, proposal: &Proposal) {
    line(text, "\n[data.schema]");
    if proposal.missing != Schema::default().missing {
        let texts: Vec<String> = proposal.missing.iter().map(|text| quoted(text)).collect();
        line(text, &format!("missing = [{}]   # texts that mean \"not known\"", texts.join(", ")));
    }
    line(text, "columns = [");
    let all: Vec<&ColumnProposal> = proposal.columns.iter().collect();
    if proposal.format.header {
        let (labels, others): (Vec<&ColumnProposal>, Vec<&ColumnProposal>) =
            all.into_iter().partition(|column| matches!(column.entry, Column::Label { .. }));
        let (inputs, left_out): (Vec<Line>, Vec<Line>) =
            lines(&others).into_iter().partition(|line| line.entry.is_input());
        for (what, lines) in [("answers", alone(&labels)), ("inputs", inputs), ("left out", left_out)] {
            if !lines.is_empty() {
                line(text, &format!("    # {what}"));
            }
            lines.iter().for_each(|one| line(text, &one.text()));
        }
    } else {
        // Without names, places count.
        alone(&all).iter().for_each(|one| line(text, &one.text()));
    }
    line(text, "]");
}

/// A line of the schema.
struct Line {
    /// The column's name, or a pattern.
    name: String,
    entry: Column,
    about: String,
    is_doubtful: bool,
}

impl Line {
    fn of(column: &ColumnProposal) -> Self {
        let about = match column.reason.as_str() {
            "" => column.kind.words().to_owned(),
            reason => format!("{}: {reason}", column.kind.words()),
        };
        Self {
            name: column.entry.name().to_owned(),
            entry: column.entry.clone(),
            about,
            is_doubtful: column.is_doubtful,
        }
    }

    /// A pattern for columns that are meant alike, with the place of the first.
    fn pattern(name: String, places: &[usize], columns: &[&ColumnProposal]) -> Option<(usize, Self)> {
        let members: Vec<&ColumnProposal> = places.iter().map(|at| columns[*at]).collect();
        let (first, last) = (members.first()?, members.last()?);
        let mut kinds: Vec<&str> = Vec::new();
        for column in &members {
            if !kinds.contains(&column.kind.words()) {
                kinds.push(column.kind.words());
            }
        }
        let (from, to) = (first.entry.name(), last.entry.name());
        let about = format!("{} columns, {from} to {to}: {}", members.len(), kinds.join(", "));
        let is_doubtful = members.iter().any(|column| column.is_doubtful);
        Some((*places.first()?, Self { name, entry: first.entry.clone(), about, is_doubtful }))
    }

    fn text(&self) -> String {
        let doubt = if self.is_doubtful { "? " } else { "" };
        format!("    {{ name = {}, {} }},   # {doubt}{}", quoted(&self.name), settings(&self.entry), plain(&self.about))
    }
}

fn alone(columns: &[&ColumnProposal]) -> Vec<Line> {
    columns.iter().map(|column| Line::of(column)).collect()
}

/// One line each, but for families and all others; in the order of the first column that each is about.
fn lines(columns: &[&ColumnProposal]) -> Vec<Line> {
    let sorts = sorts(columns);
    // A column that is called like a pattern would be meant by it.
    let is_name = |pattern: &str| columns.iter().any(|column| column.entry.name() == pattern);
    // What is to be said of each column: nothing yet, by a pattern, or by its name beside a pattern that fits it.
    let mut said = vec![Said::Nothing; columns.len()];
    let mut found: Vec<(usize, Line)> = Vec::new();
    for (prefix, size) in families(columns) {
        let scope: Vec<usize> =
            (0..columns.len()).filter(|at| columns[*at].entry.name().starts_with(prefix.as_str())).collect();
        // Two patterns that fit one column would have to agree.
        if size < FAMILY || is_name(&format!("{prefix}*")) || scope.iter().any(|at| said[*at] != Said::Nothing) {
            continue;
        }
        let alike = largest(&scope, &sorts);
        if alike.len() < FAMILY {
            continue;
        }
        scope.iter().for_each(|at| said[*at] = Said::ByName);
        alike.iter().for_each(|at| said[*at] = Said::ByPattern);
        found.extend(Line::pattern(format!("{prefix}*"), &alike, columns));
    }
    let n_named = said.iter().filter(|said| **said != Said::ByPattern).count();
    if n_named > LINES && !is_name("*") {
        let free: Vec<usize> = (0..columns.len()).filter(|at| said[*at] == Said::Nothing).collect();
        let alike = largest(&free, &sorts);
        if alike.len() >= OTHERS {
            alike.iter().for_each(|at| said[*at] = Said::ByPattern);
            // Last, as it is about what no other line is about.
            found.extend(Line::pattern("*".to_owned(), &alike, columns).map(|(_, line)| (usize::MAX, line)));
        }
    }
    let named = (0..columns.len()).filter(|at| said[*at] != Said::ByPattern);
    found.extend(named.map(|at| (at, Line::of(columns[at]))));
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, line)| line).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    ByPattern,
    ByName,
}

/// A number for what is said of each column beside its name: columns of one number can share a line.
fn sorts(columns: &[&ColumnProposal]) -> Vec<usize> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    columns
        .iter()
        .map(|column| {
            let next = known.len();
            *known.entry(settings(&column.entry)).or_insert(next)
        })
        .collect()
}

/// Those of the most frequent sort among `places`; of several such the one that comes first.
fn largest(places: &[usize], sorts: &[usize]) -> Vec<usize> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &at in places {
        groups.entry(sorts[at]).or_default().push(at);
    }
    let size = |group: &Vec<usize>| (group.len(), Reverse(group.first().copied()));
    groups.into_values().max_by_key(size).unwrap_or_default()
}

/// Beginnings of names that go on with a number, with how many columns have each, the largest family first.
fn families(columns: &[&ColumnProposal]) -> Vec<(String, usize)> {
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for column in columns {
        let name = column.entry.name();
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        if !prefix.is_empty() && prefix.len() < name.len() && !prefix.contains('*') {
            *sizes.entry(prefix.to_owned()).or_default() += 1;
        }
    }
    let mut families: Vec<(String, usize)> = sizes.into_iter().collect();
    families.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    families
}

/// What a line says beside the name.
fn settings(column: &Column) -> String {
    let list = |texts: &[String]| format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "));
    match column {
        Column::Categorical { min_count, hash, buckets, .. } => {
            let rare = if *min_count > 1 { format!(", min_count = {min_count}") } else { String::new() };
            let hash = hash.map_or_else(String::new, |n| format!(", hash = {n}"));
            let buckets = match buckets {
                None => String::new(),
                Some(Buckets::Count(n)) => format!(", buckets = {n}"),
                Some(Buckets::Edges(edges)) => format!(", buckets = {edges:?}"),
            };
            format!("kind = \"categorical\"{rare}{hash}{buckets}")
        }
        Column::Numeric { transform, missing, .. } => {
            format!("kind = \"numeric\"{}{}", scale(*transform), gaps(*missing))
        }
        Column::Date { format, parts, missing, .. } => {
            let parts: Vec<String> = parts.iter().map(|part| quoted(part.name())).collect();
            let parts = if parts.is_empty() { String::new() } else { format!(", parts = [{}]", parts.join(", ")) };
            let written = match format {
                DateFormat::Iso => String::new(),
                other => format!(", format = {}", quoted(&String::from(other.clone()))),
            };
            format!("kind = \"date\"{written}{parts}{}", gaps(*missing))
        }
        Column::Set { separator, members, min_count, .. } => {
            let rare = if *min_count > 1 { format!(", min_count = {min_count}") } else { String::new() };
            let separator = quoted(&separator.to_string());
            format!("kind = \"set\", separator = {separator}, members = {members}{rare}")
        }
        Column::Vector { separator, length, transform, missing, .. } => {
            let (separator, scale, gaps) = (quoted(&separator.to_string()), scale(*transform), gaps(*missing));
            format!("kind = \"vector\", separator = {separator}, length = {length}{scale}{gaps}")
        }
        Column::Label { label, .. } => {
            let label = match label {
                LabelSpec::Class => "\"class\"".to_owned(),
                LabelSpec::Value => "\"value\"".to_owned(),
                LabelSpec::Classes(classes) => format!("{{ classes = {} }}", list(classes)),
                LabelSpec::Ordinal(grades) => format!("{{ ordinal = {} }}", list(grades)),
                LabelSpec::Binary { positive, negative } => {
                    let one_or_many = |texts: &[String]| match texts {
                        [one] => quoted(one),
                        many => list(many),
                    };
                    let no = if negative.is_empty() {
                        String::new()
                    } else {
                        format!(", negative = {}", one_or_many(negative))
                    };
                    format!("{{ binary = {{ positive = {}{no} }} }}", one_or_many(positive))
                }
            };
            format!("kind = \"label\", label = {label}")
        }
        Column::Weight { .. } => "kind = \"weight\"".to_owned(),
        Column::Group { .. } => "kind = \"group\"".to_owned(),
        Column::Id { .. } => "kind = \"id\"".to_owned(),
        Column::Ignore { .. } => "kind = \"ignore\"".to_owned(),
    }
}

fn scale(transform: Transform) -> &'static str {
    match transform {
        Transform::Standard => "",
        Transform::Log1pStandard => ", transform = \"log1p-standard\"",
        Transform::None => ", transform = \"none\"",
        Transform::Robust => ", transform = \"robust\"",
        Transform::Quantile => ", transform = \"quantile\"",
    }
}

fn gaps(missing: MissingNumber) -> &'static str {
    match missing {
        MissingNumber::Refuse => "",
        MissingNumber::Mean => ", missing = \"mean\"",
        MissingNumber::Indicator => ", missing = \"indicator\"",
    }
}

fn tasks(text: &mut String, proposal: &Proposal) -> Result<()> {
    line(
        text,
        "\n# Validation chooses the epoch; `primary` is the metric that judges a task, `mtl list metrics` has the others.",
    );
    for (task, target) in proposal.tasks()? {
        let primary = match &target.label {
            LabelSpec::Binary { .. } => "auroc",
            LabelSpec::Class | LabelSpec::Classes(_) => "accuracy",
            LabelSpec::Ordinal(_) => "grade-mae",
            LabelSpec::Value => "rmse",
        };
        line(text, &format!("[[task]]\nname = {}\nprimary = {}", quoted(task.as_str()), quoted(primary)));
        for note in &target.notes {
            line(text, &format!("# ? {}", plain(note)));
        }
        let head = match &target.label {
            LabelSpec::Binary { .. } => "multi-label",
            LabelSpec::Class | LabelSpec::Classes(_) => "class",
            LabelSpec::Ordinal(_) => "ordinal",
            LabelSpec::Value => continue,
        };
        if let Some(rare) = &target.rare {
            let key = format!("head = {{ kind = \"{head}\", class_weights = \"balanced\" }}");
            line(text, &format!("# {}: if it must not be missed, {key}; docs/imbalance.md", plain(rare)));
        }
    }
    Ok(())
}

fn line(text: &mut String, line: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{line}");
}

/// A text as TOML has it, on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A text that can stand in a comment.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use mtl_data::table::survey::Survey;
    use std::fs;

    /// The text drafted for a file, and the columns of the schema that it means there.
    fn drafted(csv: &str, targets: &[&str]) -> (String, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        fs::write(&path, csv).unwrap();
        let survey = Survey::read(&[&path], None).unwrap();
        let targets: Vec<String> = targets.iter().map(|t| (*t).to_owned()).collect();
        let proposal = survey.propose(&targets).unwrap();
        let files = TableFiles { train: path, ..TableFiles::default() };
        let text = draft(&proposal, &files, "mtl init t.csv").unwrap();
        let config = RunConfig::parse(&text, "draft".as_ref()).unwrap_or_else(|e| panic!("{e}\n{text}"));
        config.data.load().unwrap_or_else(|e| panic!("{e}\n{text}"));
        let read: toml::Table = toml::from_str(&text).unwrap();
        let schema: Schema = read["data"]["schema"].clone().try_into().unwrap();
        let names: Vec<String> = survey.columns.iter().map(|column| column.name().to_owned()).collect();
        let meant = if proposal.format.header { schema.for_columns(&names).unwrap() } else { schema };
        let mut written: Vec<String> = meant.columns.iter().map(|c| format!("{:?}", c)).collect();
        let mut proposed: Vec<String> = proposal.schema().columns.iter().map(|c| format!("{:?}", c)).collect();
        written.sort();
        proposed.sort();
        assert_eq!(written, proposed, "{text}");
        (text, names)
    }

    fn noise(i: usize, n: usize) -> usize {
        (i * 7919 + 13) % 1009 % n
    }

    #[test]
    fn families_and_all_others_make_a_schema_short() {
        let header: Vec<String> = (0..60)
            .map(|i| format!("fp{i}"))
            .chain((0..50).map(|i| {
                format!("town {}", char::from(b'a' + u8::try_from(i % 26).unwrap()).to_string().repeat(1 + i / 26))
            }))
            .collect();
        let row = |i: usize| {
            let bits = (0..60)
                .map(|c| if c == 7 { format!("{}.5", noise(i + c, 90)) } else { noise(i * 3 + c, 2).to_string() });
            let towns = (0..50)
                .map(|c| if c == 3 { format!("{}.25", noise(i + c, 80)) } else { format!("t{}", noise(i + c, 5)) });
            bits.chain(towns).chain([noise(i * 5, 2).to_string()]).collect::<Vec<_>>().join(",")
        };
        let rows: String = (0..300).map(|i| row(i) + "\n").collect();
        let (text, _) = drafted(&format!("{},y\n{rows}", header.join(",")), &["y"]);
        assert!(
            text.contains(
                "{ name = \"fp*\", kind = \"numeric\", transform = \"none\" },   # 59 columns, fp0 to fp59: yes/no"
            ),
            "{text}"
        );
        assert!(text.contains("{ name = \"fp7\", kind = \"numeric\" }"), "{text}");
        assert!(text.contains("{ name = \"*\", kind = \"categorical\" },   # 49 columns"), "{text}");
        assert!(text.contains("{ name = \"town d\", kind = \"numeric\" }"), "{text}");
        assert!(text.lines().count() < 48, "{text}");
    }

    #[test]
    fn a_rare_answer_is_told_with_what_helps() {
        let csv = |every: usize| -> String {
            let row = |i: usize| format!("{}.5,{}\n", noise(i, 50), if i.is_multiple_of(every) { "yes" } else { "no" });
            (0..120).fold("x,bought\n".to_owned(), |text, i| text + &row(i))
        };
        let (text, _) = drafted(&csv(40), &["bought"]);
        let advice = "# 2.5 % of the labels are \"yes\": if it must not be missed, head = { kind = \"multi-label\", class_weights = \
                      \"balanced\" }; docs/imbalance.md";
        assert!(text.contains(advice), "{text}");
        let (text, _) = drafted(&csv(4), &["bought"]);
        assert!(!text.contains("imbalance"), "{text}");
    }

    #[test]
    fn names_of_any_sort_are_quoted() {
        let rows: String = (0..60)
            .map(|i| format!("{},{}.5,k{},{}\n", noise(i, 9), noise(i, 50), noise(i, 4), noise(i * 3, 2)))
            .collect();
        let (text, _) =
            drafted(&format!("\"a \"\"b\"\"\",\"c\\d#\",\"größe\n[cm]\",\"it's, y?\"\n{rows}"), &["it's, y?"]);
        assert!(text.contains("kind = \"label\""), "{text}");
    }
}
