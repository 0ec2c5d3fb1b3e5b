//! Columns of which each becomes several numbers of a row: parts of a date, members of a set, places of a vector.
//!
//! ```text
//! numeric input:  numbers in column order | their indicators | fields of dates, sets and vectors, in column order
//! ```
//! A set is a field of 0 and 1 for each frequent member of the training split, and one more for how many others a cell has,
//! `ln(1 + n)`. That is an embedding of the set: the first layer of a network multiplies a row of zeros and ones by a matrix, which is
//! the sum of a learned vector for each member. A ragged input of codes would give the same sum, but every encoder, explanation and
//! export would have to know of it; so it is worth its price only for more members than fit into a row, and those are counted
//! together (`members` says how many get a field).

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    FittedColumn, TableColumn,
    cell_parts::members,
    date::{DateField, DatePart},
    fit::count,
    scale::{Learned, Scale, learn},
    schema::{Column, MissingNumber, Transform},
};

/// One of several numbers that a column becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedField {
    /// What it is of the column: `weekday sin` of a date; `2` of a vector, counted from 1.
    pub name: String,
    /// As of a column of numbers.
    pub mean: f64,
    /// As of a column of numbers; of a date's days in days.
    pub std: f64,
    /// What stands for it in a row where the column is missing.
    pub fill: f64,
    /// As of a column of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<f32>,
    /// As of a column of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<f64>,
}

impl FittedField {
    fn new(name: String, Learned { mean, std, fill, edges, quantiles }: Learned) -> Self {
        Self { name, mean, std, fill, edges, quantiles }
    }
}

/// A numeric field of the inputs: what it is called, and how it was scaled.
pub(super) struct NumberField<'a> {
    pub(super) name: String,
    pub(super) edges: Cow<'a, [f32]>,
    /// `None` where the network sees the number itself.
    pub(super) scale: Option<Scale<'a>>,
    /// What stands for a gap, before it is scaled; `None` where there are no gaps.
    pub(super) fill: Option<f64>,
}

impl NumberField<'_> {
    /// 0 and 1.
    pub(super) fn flag(name: String) -> Self {
        Self { name, edges: Cow::Borrowed(&[0.0, 1.0]), scale: None, fill: None }
    }
}

/// The transform of one of a column's fields.
fn transform(column: &Column, field: &FittedField) -> Transform {
    match column {
        Column::Vector { transform, .. } => *transform,
        Column::Date { .. } if DateField::named(&field.name).is_some_and(DateField::is_line) => Transform::Standard,
        _ => Transform::None,
    }
}

fn is_on_circle(column: &Column, field: &FittedField) -> bool {
    matches!(column, Column::Date { .. }) && !DateField::named(&field.name).is_some_and(DateField::is_line)
}

fn scale<'a>(column: &Column, field: &'a FittedField) -> Scale<'a> {
    Scale { transform: transform(column, field), mean: field.mean, std: field.std, quantiles: &field.quantiles }
}

/// The fields of a column, in order; none of one that is a number, a text or no input.
pub(super) fn of<'a>(column: &Column, fitted: &'a FittedColumn) -> Vec<NumberField<'a>> {
    let name = column.name();
    match fitted {
        FittedColumn::Fields { fields } => {
            let has_gaps = !matches!(
                column,
                Column::Date { missing: MissingNumber::Refuse, .. }
                    | Column::Vector { missing: MissingNumber::Refuse, .. }
            );
            let field = |field: &'a FittedField| NumberField {
                name: match column {
                    Column::Vector { .. } => format!("{name}[{}]", field.name),
                    _ => format!("{name} {}", field.name),
                },
                edges: Cow::Borrowed(&field.edges),
                scale: Some(scale(column, field)),
                // The middle of a circle is an ordinary number of one axis, by which no gap can be told.
                fill: (has_gaps && !is_on_circle(column, field)).then_some(field.fill),
            };
            fields.iter().map(field).chain(column.indicator().map(NumberField::flag)).collect()
        }
        FittedColumn::Set { members, edges } => {
            let others = NumberField { edges: Cow::Borrowed(edges), ..NumberField::flag(others(name)) };
            members.iter().map(|member| NumberField::flag(format!("{name}={member}"))).chain([others]).collect()
        }
        FittedColumn::Categorical { .. }
        | FittedColumn::Hashed
        | FittedColumn::Buckets { .. }
        | FittedColumn::Numeric { .. }
        | FittedColumn::Label { .. }
        | FittedColumn::Ignored => Vec::new(),
    }
}

fn others(column: &str) -> String {
    format!("{column} others")
}

/// The names of fields that are known before anything is learned: another input may not have one of them.
pub(super) fn known_names(column: &Column) -> Vec<String> {
    let name = column.name();
    let own: Vec<String> = match column {
        Column::Date { parts, .. } => {
            let parts: &[DatePart] = if parts.is_empty() { &DatePart::ALL } else { parts };
            parts.iter().flat_map(|part| part.fields()).map(|field| format!("{name} {}", field.name())).collect()
        }
        Column::Vector { length, .. } => (1..=*length).map(|at| format!("{name}[{at}]")).collect(),
        Column::Set { .. } => vec![others(name)],
        Column::Categorical { .. }
        | Column::Numeric { .. }
        | Column::Label { .. }
        | Column::Weight { .. }
        | Column::Group { .. }
        | Column::Id { .. }
        | Column::Ignore { .. } => Vec::new(),
    };
    own.into_iter().chain(column.indicator()).collect()
}

/// What is learned of a column from some rows of it; `None` for a column of one field or none.
pub(super) fn fit(
    column: &Column,
    values: &TableColumn,
    rows: impl Iterator<Item = usize> + Clone,
) -> Option<FittedColumn> {
    match (column, values) {
        (Column::Date { parts, .. }, TableColumn::Numbers(seconds)) => {
            let known = rows.filter_map(|row| seconds.get(row)).copied().filter(|seconds| !seconds.is_nan());
            let parts = if parts.is_empty() { DatePart::default_of(known.clone()) } else { parts.clone() };
            let field = |field: DateField| {
                let transform = if field.is_line() { Transform::Standard } else { Transform::None };
                let learned = learn(transform, known.clone().map(|seconds| field.of(seconds)));
                // The middle of the circle is no place on it.
                let fill = if field.is_line() { learned.fill } else { 0.0 };
                FittedField::new(field.name(), Learned { fill, ..learned })
            };
            Some(FittedColumn::Fields { fields: parts.into_iter().flat_map(DatePart::fields).map(field).collect() })
        }
        (Column::Vector { transform, .. }, TableColumn::Vectors { values, width }) => {
            let field = |at: usize| {
                let known =
                    rows.clone().filter_map(|row| values.get(row * width + at)).copied().filter(|x| !x.is_nan());
                FittedField::new((at + 1).to_string(), learn(*transform, known))
            };
            Some(FittedColumn::Fields { fields: (0..*width).map(field).collect() })
        }
        (Column::Set { separator, members: most, min_count, .. }, TableColumn::Text { codes, dictionary }) => {
            let cells = count(rows.clone().filter_map(|row| codes.get(row)), dictionary);
            let mut counts: HashMap<&str, u64> = HashMap::new();
            for (text, n) in cells.iter().filter(|(_, n)| *n > 0) {
                members(text, *separator).into_iter().for_each(|member| *counts.entry(member).or_default() += n);
            }
            let mut counts: Vec<(&str, u64)> = counts.into_iter().filter(|(_, n)| n >= min_count).collect();
            counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            counts.truncate(usize::try_from(*most).unwrap_or(usize::MAX));
            let known: Vec<String> = counts.into_iter().map(|(member, _)| member.to_owned()).collect();
            let others = cell_rows(dictionary, *separator, &known, |_| false);
            let width = known.len() + 1;
            let of_rows =
                rows.filter_map(|row| codes.get(row)).filter_map(|&code| others.get((code as usize + 1) * width - 1));
            let edges = learn(Transform::None, of_rows.copied().map(f64::from)).edges;
            Some(FittedColumn::Set { members: known, edges })
        }
        _ => None,
    }
}

/// What each text of a set becomes, text by text: 0 or 1 for each member, and how many others there are.
#[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
fn cell_rows(dictionary: &[String], separator: char, known: &[String], is_missing: impl Fn(&str) -> bool) -> Vec<f32> {
    let places: HashMap<&str, usize> = known.iter().enumerate().map(|(at, member)| (member.as_str(), at)).collect();
    let width = known.len() + 1;
    let mut rows = vec![0.0; dictionary.len() * width];
    for (text, row) in dictionary.iter().zip(rows.chunks_exact_mut(width)) {
        if is_missing(text) {
            continue;
        }
        let mut others: u32 = 0;
        for member in members(text, separator) {
            match places.get(member) {
                Some(&at) => row[at] = 1.0,
                None => others += 1,
            }
        }
        row[width - 1] = f64::from(others).ln_1p() as f32;
    }
    rows
}

/// One field of all rows.
pub(super) enum Cell<'a> {
    Date { seconds: &'a [f64], field: DateField, scale: Scale<'a>, gap: f32 },
    Place { values: &'a [f64], width: usize, at: usize, scale: Scale<'a>, gap: f32 },
    IsMissing { values: &'a [f64], width: usize },
    Member { codes: &'a [u32], rows: Arc<Vec<f32>>, width: usize, at: usize },
}

impl Cell<'_> {
    #[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
    pub(super) fn at(&self, row: usize) -> f32 {
        match self {
            Self::Date { seconds, field, scale, gap } => match seconds[row] {
                seconds if seconds.is_nan() => *gap,
                seconds => scale.forward(field.of(seconds)) as f32,
            },
            Self::Place { values, width, at, scale, gap } => match values[row * width + at] {
                x if x.is_nan() => *gap,
                x => scale.forward(x) as f32,
            },
            Self::IsMissing { values, width } => f32::from(values[row * width].is_nan()),
            Self::Member { codes, rows, width, at } => {
                codes.get(row).and_then(|&code| rows.get(code as usize * width + at)).copied().unwrap_or(0.0)
            }
        }
    }
}

/// The fields of a column, in the order of [`of`].
#[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
pub(super) fn cells<'a>(
    column: &Column,
    fitted: &'a FittedColumn,
    values: &'a TableColumn,
    is_missing: impl Fn(&str) -> bool,
) -> Vec<Cell<'a>> {
    let gap = |scale: &Scale<'_>, field: &FittedField| scale.forward(field.fill) as f32;
    match (column, fitted, values) {
        (Column::Date { .. }, FittedColumn::Fields { fields }, TableColumn::Numbers(seconds)) => {
            let cell = |field: &'a FittedField| {
                let (scale, of_date) = (scale(column, field), DateField::named(&field.name)?);
                Some(Cell::Date { seconds, field: of_date, gap: gap(&scale, field), scale })
            };
            let indicator = column.indicator().map(|_| Cell::IsMissing { values: seconds, width: 1 });
            fields.iter().filter_map(cell).chain(indicator).collect()
        }
        (Column::Vector { .. }, FittedColumn::Fields { fields }, TableColumn::Vectors { values, width }) => {
            let cell = |(at, field): (usize, &'a FittedField)| {
                let scale = scale(column, field);
                Cell::Place { values, width: *width, at, gap: gap(&scale, field), scale }
            };
            let indicator = column.indicator().map(|_| Cell::IsMissing { values, width: *width });
            fields.iter().enumerate().map(cell).chain(indicator).collect()
        }
        (Column::Set { separator, .. }, FittedColumn::Set { members, .. }, TableColumn::Text { codes, dictionary }) => {
            let rows = Arc::new(cell_rows(dictionary, *separator, members, is_missing));
            let width = members.len() + 1;
            (0..width).map(|at| Cell::Member { codes, rows: Arc::clone(&rows), width, at }).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether what was learned of a column of several fields can be of that column.
pub(super) fn is_sound(column: &Column, fitted: &FittedColumn) -> bool {
    let ascend = |edges: &[f32]| edges.iter().all(|x| x.is_finite()) && edges.is_sorted_by(|a, b| a < b);
    match (column, fitted) {
        (Column::Date { parts, .. }, FittedColumn::Fields { fields }) => {
            let wanted: Vec<DateField> = parts.iter().flat_map(|part| part.fields()).collect();
            let found: Vec<DateField> = fields.iter().filter_map(|field| DateField::named(&field.name)).collect();
            let is_asked = parts.is_empty() || wanted == found;
            is_asked && found.len() == fields.len() && fields.iter().all(|f| is_scaled(column, f) && ascend(&f.edges))
        }
        (Column::Vector { length, .. }, FittedColumn::Fields { fields }) => {
            let is_of = |(at, field): (u64, &FittedField)| field.name == at.to_string() && is_scaled(column, field);
            fields.len() as u64 == *length && (1..).zip(fields).all(is_of) && fields.iter().all(|f| ascend(&f.edges))
        }
        (Column::Set { .. }, FittedColumn::Set { members, edges }) => {
            let mut sorted: Vec<&String> = members.iter().collect();
            sorted.sort_unstable();
            sorted.windows(2).all(|pair| pair[0] < pair[1]) && ascend(edges)
        }
        _ => false,
    }
}

fn is_scaled(column: &Column, field: &FittedField) -> bool {
    field.fill.is_finite() && scale(column, field).is_sound()
}

#[cfg(test)]
mod tests {
    use crate::{
        source::Source,
        table::{
            CsvFormat, FittedSchema, Schema, Table,
            stream::{BadRows, Opened, Stop},
        },
    };

    const SCHEMA: &str = r#"
        missing = ["", "?"]
        columns = [
            { name = "day", kind = "date", format = "%d.%m.%Y", parts = ["days", "month"], missing = "indicator" },
            { name = "price", kind = "numeric", transform = "none", missing = "indicator" },
            { name = "tags", kind = "set", separator = "|", members = 2 },
            { name = "at", kind = "vector", separator = " ", length = 2, transform = "none", missing = "mean" },
            { name = "user", kind = "categorical", hash = 50 },
            { name = "age", kind = "categorical", buckets = [18, 65] },
            { name = "key", kind = "id" },
            { name = "y", kind = "label", label = "value" },
        ]"#;
    const HEAD: &str = "key,day,price,tags,at,user,age,y\n";
    const ROWS: &str = "r1,02.01.1970,5,a|b,1 2,u1,17,1\nr2,04.01.1970,?,b,3 4,u2,18,2\nr3,?,7,c|d|b,?,u1,,3\n";

    fn read(text: &str) -> crate::error::Result<(Schema, Table)> {
        let schema: Schema = toml::from_str(SCHEMA).unwrap();
        let text = format!("{HEAD}{text}");
        let table = Table::parse("t.csv".as_ref(), text.as_bytes(), &CsvFormat::DEFAULT, &schema)?;
        Ok((schema, table))
    }

    fn fitted() -> FittedSchema {
        let (schema, table) = read(ROWS).unwrap();
        let fitted = FittedSchema::fit(&schema, &table, &[0, 1, 2]).unwrap();
        fitted.validate().unwrap();
        fitted
    }

    fn rows(source: &dyn Source) -> (Vec<i64>, Vec<f32>) {
        let batch = source.batch(&(0..source.len()).collect::<Vec<_>>()).unwrap();
        let codes = Vec::<i64>::try_from(batch.inputs.get("categorical").unwrap().view(-1)).unwrap();
        (codes, Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap())
    }

    #[test]
    fn rows_by_hand_whoever_reads_them() {
        let fitted = fitted();
        let inputs = fitted.inputs();
        let mtl_core::input::Modality::Numeric(numeric) = inputs.get("numeric").unwrap() else { panic!() };
        let expected = [
            "price",
            "price missing",
            "day days",
            "day month sin",
            "day month cos",
            "day missing",
            "tags=b",
            "tags=a",
            "tags others",
            "at[1]",
            "at[2]",
        ];
        assert_eq!(numeric.names, expected);
        let (_, table) = read(ROWS).unwrap();
        let (codes, numbers) = rows(&fitted.encode(&table).unwrap());
        let user = |text| i64::from(super::super::buckets::code_of_text(text, 50));
        assert_eq!(codes, [user("u1"), 1, user("u2"), 2, user("u1"), 0]);
        let two = 2_f32.ln_1p();
        #[rustfmt::skip]
        let by_hand = [
            5.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 2.0,
            6.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 3.0, 4.0,
            7.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, two, 2.0, 3.0,
        ];
        assert_eq!(numbers, by_hand);
        // In prediction, in a stream, and after the schema was written down.
        let text = format!("{HEAD}{ROWS}");
        let kept: FittedSchema = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
        assert_eq!(kept, fitted);
        let mut blocks = kept.parse_inputs("p.csv".as_ref(), text.as_bytes(), &CsvFormat::DEFAULT).unwrap();
        assert_eq!(rows(&blocks.next().unwrap().unwrap()), (codes.clone(), numbers.clone()));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.csv");
        std::fs::write(&path, &text).unwrap();
        let mut opened = Opened::new(&path, &CsvFormat::DEFAULT, fitted.schema(), None, Stop::default()).unwrap();
        let warm_up = opened.warm_up(3, BadRows::Refuse).unwrap();
        assert_eq!((rows(&warm_up.source), &warm_up.fitted), ((codes, numbers), &fitted));
        assert_eq!(fitted.original(2, -1.0), Some(1.0), "the second of January in days");
        assert_eq!((fitted.original(1, 1.0), fitted.original(11, 1.0)), (None, None));
        assert_eq!(fitted.stand_ins().iter().filter(|gap| gap.is_some()).count(), 4, "price, day, two places");
        let names: Vec<_> = fitted.vocabularies().map(|texts| texts.join(", ")).collect();
        assert_eq!(names, ["", "below 18, 18 to below 65, 65 and more"]);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        let refusal = |row: &str| read(&format!("{ROWS}{row}\n")).unwrap_err().to_string();
        assert_eq!(
            refusal("r,2024-01-31,1,a,1 2,u,1,1"),
            r#"t.csv:5: column "day": expected a date written "%d.%m.%Y", found "2024-01-31"; format = "iso" in the column would read it"#
        );
        assert_eq!(
            refusal("r,31.01.2024,1,a,1 2 3,u,1,1"),
            r#"t.csv:5: column "at": expected 2 numbers between ' ', found "1 2 3""#
        );
        assert!(refusal("r,31.01.2024,1,a,1 2,u,old,1").contains(r#"column "age": expected a finite number"#));
        let strict = SCHEMA.replace(
            ", missing = \"indicator\" },\n            { name = \"price\"",
            " },\n            { name = \"price\"",
        );
        let schema: Schema = toml::from_str(&strict).unwrap();
        let text = format!("{HEAD}{ROWS}");
        let e = Table::parse("t.csv".as_ref(), text.as_bytes(), &CsvFormat::DEFAULT, &schema).unwrap_err().to_string();
        assert!(
            e.starts_with("t.csv:4: column \"day\"")
                && e.ends_with("if that means not known, write missing = \"mean\" in the column"),
            "{e}"
        );
        for (from, to, part) in [
            ("hash = 50", "hash = 1", "columns[4].hash must be from 2 to 16777216, found 1"),
            ("hash = 50", "hash = 50, min_count = 2", "columns[4].min_count must be 1 beside hash"),
            ("[18, 65]", "[65, 18]", "columns[5].buckets must be edges that are finite and ascend"),
            ("separator = \"|\"", "separator = \"a\"", "columns[2].separator must be a character that is no letter"),
            ("\"days\", \"month\"", "\"days\", \"days\"", "columns[0].parts must be each part once"),
            ("name = \"price\"", "name = \"day month sin\"", "columns[0].name must be one of whose fields"),
        ] {
            let e = toml::from_str::<Schema>(&SCHEMA.replace(from, to)).unwrap().validate().unwrap_err().to_string();
            assert!(e.starts_with(&format!("schema.{part}")), "{e}");
        }
        let bad = SCHEMA.replace("%d.%m.%Y", "%H:%M");
        assert!(
            toml::from_str::<Schema>(&bad).unwrap_err().to_string().contains("nothing that a date could be made of")
        );
    }

    #[test]
    fn what_was_learned_of_another_column_is_refused() {
        let text = serde_json::to_string(&fitted()).unwrap();
        for (from, to) in [("month sin", "weekday sin"), ("\"b\",\"a\"", "\"b\",\"b\""), ("[18.0,65.0]", "[18.0,5.0]")]
        {
            assert!(text.contains(from), "{text}");
            let changed: FittedSchema = serde_json::from_str(&text.replacen(from, to, 1)).unwrap();
            assert!(changed.validate().is_err(), "{from}");
        }
    }
}
