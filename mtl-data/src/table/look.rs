//! What looks wrong in a table that can be used: said by a run and by a check alike.
//!
//! | finding | level |
//! |---|---|
//! | an input that is also a label | warning |
//! | a column of two answers with more than two texts: which are yes, which no | warning |
//! | labels that differ only in case and count as two | warning |
//! | a text for "not known" that counts as a label | warning |
//! | a label that never changes in the training part | warning |
//! | numbers that single precision would round where they differ | warning |
//! | spellings that count as one label; a task named after a column of another name | note |
//! | texts of a hash that share a bucket | note; warning from a half on |
//! | weights that are all alike, rows that do not count; groups of one row each | note, note, warning |

use std::collections::HashMap;

use mtl_core::task::TaskName;

use super::{
    FittedColumn, FittedSchema, Table, TableColumn, advice, buckets,
    fit::{count, moments},
    label_text::{LabelTexts, groups},
    schema::{Column, LabelSpec, TaskColumns, Transform},
};
use crate::{
    error::{Result, list, quoted},
    finding::Finding,
};

/// Rounding errors above this share of a column's standard deviation blur what it says.
const BLUR: f64 = 0.01;

/// Looks at the training file, of which the rows `learn` train, and at the other files.
///
/// # Errors
/// Those of task names, for a schema that was not validated.
pub(crate) fn look(fitted: &FittedSchema, train: &Table, learn: &[u64], others: &[&Table]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let learn: Vec<usize> = learn.iter().filter_map(|&row| usize::try_from(row).ok()).collect();
    let schema = fitted.schema();
    for task in schema.tasks()? {
        for &idx in &task.columns {
            let column = Label { fitted, task: &task, idx };
            column.name(&mut found);
            column.numbers(train, &learn, &mut found);
            column.texts(train, others, &mut found);
            column.constant(train, &learn, &mut found);
        }
    }
    for (idx, column) in schema.columns.iter().enumerate() {
        found.extend(hashed(column, train.columns().get(idx), &learn));
        found.extend(sample_facts(column, train.columns().get(idx), &learn));
        let (Column::Numeric { transform: Transform::None, name, .. }, Some(TableColumn::Numbers(values))) =
            (column, train.columns().get(idx))
        else {
            continue;
        };
        if let Some((error, std)) = blurred(values, &learn) {
            let message = format!(
                "single precision rounds its numbers by up to {error:.2e} where they spread by {std:.2e}: take \
                 transform = \"standard\", which centers them first"
            );
            found.push(Finding::warning(format!("field {name}"), message));
        }
    }
    Ok(found)
}

/// How many of the texts that train share their bucket with another.
fn hashed(column: &Column, values: Option<&TableColumn>, learn: &[usize]) -> Option<Finding> {
    let (Column::Categorical { name, hash: Some(n), .. }, Some(TableColumn::Text { codes, dictionary })) =
        (column, values)
    else {
        return None;
    };
    let counts = count(learn.iter().filter_map(|&row| codes.get(row)), dictionary);
    let texts: Vec<&str> = counts.iter().filter(|(_, n)| *n > 0).map(|(text, _)| *text).collect();
    let share = buckets::shared(texts.iter().copied(), *n);
    let message = format!("{:.1} % of {} texts share one of its {n} buckets with another", 100.0 * share, texts.len());
    let place = format!("field {name}");
    (share > 0.0).then(|| if share < 0.5 { Finding::note(place, message) } else { Finding::warning(place, message) })
}

/// What a column of weights or groups says about the rows that train.
fn sample_facts(column: &Column, values: Option<&TableColumn>, learn: &[usize]) -> Option<Finding> {
    match (column, values) {
        (Column::Weight { name, .. }, Some(TableColumn::Numbers(weights))) => {
            let of_rows: Vec<f64> = learn.iter().filter_map(|&row| weights.get(row)).copied().collect();
            let none = of_rows.iter().filter(|w| **w <= 0.0).count();
            let alike = of_rows.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq());
            let message = match (none, alike) {
                (0, true) => "all rows of the training part have the same weight: it changes nothing".to_owned(),
                (0, false) => return None,
                (none, _) => format!(
                    "{none} of {} rows of the training part have weight 0: nobody learns from them",
                    of_rows.len()
                ),
            };
            Some(Finding::note(format!("weight {name}"), message))
        }
        (Column::Group { name, .. }, Some(TableColumn::Text { codes, dictionary })) => {
            let counts = count(learn.iter().filter_map(|&row| codes.get(row)), dictionary);
            let message = "every row of the training part is a group of its own: there is nothing to rank within";
            let lonely = learn.len() > 1 && counts.iter().all(|(_, n)| *n <= 1);
            lonely.then(|| Finding::warning(format!("group {name}"), message.to_owned()))
        }
        _ => None,
    }
}

/// A label column of a task.
struct Label<'a> {
    fitted: &'a FittedSchema,
    task: &'a TaskColumns,
    idx: usize,
}

impl Label<'_> {
    fn column(&self) -> &str {
        self.fitted.schema().columns.get(self.idx).map_or("", Column::name)
    }

    fn place(&self) -> String {
        match self.column() {
            column if column == self.task.name.as_str() => format!("task {}", self.task.name),
            column => format!("task {}, column {}", self.task.name, quoted(column)),
        }
    }

    fn name(&self, found: &mut Vec<Finding>) {
        let column = self.column();
        if matches!(self.fitted.schema().columns.get(self.idx), Some(Column::Label { task: None, .. }))
            && TaskName::new(column).is_err()
        {
            let message =
                format!("the task of column {} is called so; task = \"..\" in the column changes it", quoted(column));
            found.push(Finding::note(format!("task {}", self.task.name), message));
        }
        if self.fitted.schema().columns.iter().any(|c| c.is_input() && c.name() == column) {
            let message = format!("is also the label of task {}: the answer stands among the inputs", self.task.name);
            found.push(Finding::warning(format!("field {column}"), message));
        }
    }

    fn numbers(&self, train: &Table, learn: &[usize], found: &mut Vec<Finding>) {
        let Some(TableColumn::Numbers(values)) = train.columns().get(self.idx) else { return };
        if let Some((error, std)) = blurred(values, learn) {
            let message = format!(
                "single precision rounds its numbers by up to {error:.2e} where they spread by {std:.2e}: subtract a \
                 round number from all of them in the file"
            );
            found.push(Finding::warning(self.place(), message));
        }
    }

    /// Spellings, in all files.
    fn texts(&self, train: &Table, others: &[&Table], found: &mut Vec<Finding>) {
        let mut counts: Vec<(&str, u64)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for table in [train].iter().chain(others) {
            let Some(TableColumn::Text { codes, dictionary }) = table.columns().get(self.idx) else { return };
            for (text, n) in count(codes.iter(), dictionary) {
                if n == 0 || self.fitted.schema().is_missing(text) {
                    continue;
                }
                let place = *places.entry(text).or_insert(counts.len());
                match counts.get_mut(place) {
                    Some((_, known)) => *known += n,
                    None => counts.push((text, n)),
                }
            }
        }
        let named: &[String] = match self.fitted.schema().label_spec(self.idx) {
            Some(LabelSpec::Classes(named) | LabelSpec::Ordinal(named)) => named,
            Some(LabelSpec::Binary { positive, negative }) => {
                self.answers(&counts, positive, negative, found);
                positive
            }
            Some(LabelSpec::Class | LabelSpec::Value) | None => &[],
        };
        for (text, _) in counts.iter().filter(|(text, _)| advice::usually_missing(text)) {
            if !named.iter().any(|name| name == text) {
                let line = advice::missing_line(self.fitted.schema(), text);
                let message = format!("{} counts as a label; if it means not known, {line}", quoted(text));
                found.push(Finding::warning(self.place(), message));
            }
        }
        let groups = groups(&counts);
        for texts in groups.iter().filter(|texts| texts.len() > 1) {
            let is_named = |text: &&&str| named.iter().any(|name| name == **text);
            if texts.iter().filter(is_named).count() < 2 {
                found.push(Finding::note(self.place(), format!("{} count as one label", texts_of(texts))));
            }
        }
        let mut folded: Vec<(String, &str)> =
            groups.iter().filter_map(|texts| texts.first()).map(|text| (text.trim().to_lowercase(), *text)).collect();
        folded.sort_unstable();
        for same in folded.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            let texts: Vec<&str> = same.iter().map(|(_, text)| *text).collect();
            let message = format!("{} differ only in case and count as different labels", texts_of(&texts));
            found.push(Finding::warning(self.place(), message));
        }
    }

    /// Which texts of a column of two answers say which.
    fn answers(&self, counts: &[(&str, u64)], positive: &[String], negative: &[String], found: &mut Vec<Finding>) {
        if counts.len() <= 2 || !negative.is_empty() {
            return;
        }
        let yes = LabelTexts::new(positive);
        let (yes, no): (Vec<_>, Vec<_>) =
            counts.iter().map(|(text, _)| *text).partition(|text| yes.find(text).is_some());
        let message = format!(
            "{} texts for two answers: {} count as yes, {} as no; negative = [..] in the column says which mean no",
            counts.len(),
            texts_of(&yes),
            texts_of(&no)
        );
        found.push(Finding::warning(self.place(), message));
    }

    fn constant(&self, train: &Table, learn: &[usize], found: &mut Vec<Finding>) {
        let only = match train.columns().get(self.idx) {
            Some(TableColumn::Numbers(values)) => {
                let mut known = learn.iter().filter_map(|&row| values.get(row)).filter(|v| !v.is_nan());
                let first = known.next().copied();
                first.filter(|first| known.all(|v| v.total_cmp(first).is_eq())).map(|first| first.to_string())
            }
            Some(TableColumn::Text { codes, dictionary }) => {
                let mut counts = count(learn.iter().filter_map(|&row| codes.get(row)), dictionary);
                counts.retain(|(text, n)| *n > 0 && !self.fitted.schema().is_missing(text));
                let answer = |text: &str| match (self.fitted.schema().label_spec(self.idx), self.known()) {
                    (Some(LabelSpec::Binary { positive, .. }), _) => LabelTexts::new(positive).find(text).map(|_| 0),
                    (_, known) => LabelTexts::new(known).find(text),
                };
                let first = counts.first().map(|(text, _)| *text);
                first
                    .filter(|first| counts.iter().all(|(text, _)| answer(text) == answer(first)))
                    .map(|first| if counts.len() > 1 { format!("{} and others", quoted(first)) } else { quoted(first) })
            }
            _ => None,
        };
        if let Some(only) = only {
            let message = format!("a label that never changes: {only} in the whole training part, nothing to learn");
            found.push(Finding::warning(self.place(), message));
        }
    }

    fn known(&self) -> &[String] {
        match self.fitted.columns().get(self.idx) {
            Some(FittedColumn::Label { known }) => known,
            _ => &[],
        }
    }
}

fn texts_of(texts: &[&str]) -> String {
    list(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

/// The largest error of rounding to single precision, and the standard deviation, where the error blurs the numbers.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is measured")]
fn blurred(values: &[f64], rows: &[usize]) -> Option<(f64, f64)> {
    let known = rows.iter().filter_map(|&row| values.get(row)).copied().filter(|v| !v.is_nan());
    let error = known.clone().fold(0.0, |worst: f64, v| worst.max((v - f64::from(v as f32)).abs()));
    let (_, std) = moments(known);
    (std > 0.0 && error > BLUR * std).then_some((error, std))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::Level,
        table::{CsvFormat, Schema},
    };

    fn findings(columns: &str, text: &str, other: &str) -> Vec<String> {
        let schema: Schema = toml::from_str(&format!("missing = [\"\"]\ncolumns = [{columns}]")).unwrap();
        let read = |text: &str| Table::parse("t.csv".as_ref(), text.as_bytes(), &CsvFormat::DEFAULT, &schema).unwrap();
        let (train, other) = (read(text), read(other));
        let learn: Vec<u64> = (0..train.n_rows() as u64).collect();
        let fitted = FittedSchema::fit(&schema, &train, &learn).unwrap();
        look(&fitted, &train, &learn, &[&other]).unwrap().iter().map(ToString::to_string).collect()
    }

    const X: &str = r#"{ name = "x", kind = "numeric", transform = "none" }"#;

    #[test]
    fn spellings_are_said() {
        let columns = format!(
            r#"{X}, {{ name = "paid", kind = "label", label = {{ binary = {{ positive = "True" }} }} }},
               {{ name = "town", kind = "label", label = "class" }}"#
        );
        let text = "x,paid,town\n1,True,Bern\n2,False,bern\n3,TRUE,2\n4,FALSE,NA\n";
        let found = findings(&columns, text, "x,paid,town\n1,True,2.0\n");
        assert_eq!(
            found,
            [
                r#"warning: task paid: 4 texts for two answers: "True", "TRUE" count as yes, "False", "FALSE" as no; negative = [..] in the column says which mean no"#,
                r#"note: task paid: "True", "TRUE" count as one label"#,
                r#"note: task paid: "FALSE", "False" count as one label"#,
                r#"warning: task town: "NA" counts as a label; if it means not known, write missing = ["", "NA"] under [data.schema]"#,
                r#"note: task town: "2", "2.0" count as one label"#,
                r#"warning: task town: "Bern", "bern" differ only in case and count as different labels"#,
            ]
        );
    }

    #[test]
    fn weights_and_groups_that_say_nothing_are_said() {
        let columns = format!(
            r#"{X}, {{ name = "w", kind = "weight" }}, {{ name = "q", kind = "group" }},
               {{ name = "y", kind = "label", label = "value" }}"#
        );
        let found = |text: &str| findings(&columns, text, text);
        let e = found("x,w,q,y\n1,2,a,1\n2,2,b,2\n");
        assert!(e.contains(
            &"note: weight w: all rows of the training part have the same weight: it changes nothing".into()
        ));
        assert!(
            e.iter().any(|f| f.starts_with("warning: group q: every row of the training part is a group")),
            "{e:?}"
        );
        let e = found("x,w,q,y\n1,0,a,1\n2,2,a,2\n3,1,a,4\n");
        assert_eq!(e, ["note: weight w: 1 of 3 rows of the training part have weight 0: nobody learns from them"]);
        assert!(found("x,w,q,y\n1,1,a,1\n2,2,a,2\n").is_empty());
    }

    #[test]
    fn labels_that_never_change_are_said() {
        let columns = format!(
            r#"{X}, {{ name = "a", kind = "label", label = {{ binary = {{ positive = "1" }} }} }},
               {{ name = "b", kind = "label", label = "value" }},
               {{ name = "c", kind = "label", label = {{ classes = ["u", "v"] }} }}"#
        );
        let found = findings(&columns, "x,a,b,c\n1,1,2.5,u\n2,1.0,2.50,u\n", "x,a,b,c\n1,1,2.5,v\n");
        let constant: Vec<_> = found.iter().filter(|f| f.contains("never changes")).map(|f| &f[..15]).collect();
        assert_eq!(constant, ["warning: task a", "warning: task b", "warning: task c"]);
    }

    #[test]
    fn roles_names_and_rounding_are_said() {
        let columns = format!(
            r#"{X}, {{ name = "x", kind = "label", task = "same", label = "value" }}, {{ name = "y?", kind = "label", label = "value" }}"#
        );
        let text = "x,y?\n1764400000001,1\n1764400000002,5\n";
        let found = findings(&columns, text, text);
        assert!(found[0].starts_with("warning: field x: is also the label of task same"), "{found:#?}");
        assert!(found[1].contains("column \"x\": single precision rounds"), "{found:#?}");
        assert!(found[2].starts_with("note: task y: the task of column \"y?\" is called so"), "{found:#?}");
        assert!(found[3].starts_with("warning: field x: single precision rounds"), "{found:#?}");
        assert_eq!(found.len(), 4);
        assert!(Level::Error < Level::Warning && Level::Warning < Level::Note);
    }
}
