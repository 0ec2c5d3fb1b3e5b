//! What belongs to rows and not to labels: weights and groups, task by task.

use std::sync::Arc;

use mtl_core::rng::derive;

use super::{
    Faults, Table, TableColumn,
    schema::{Column, Schema, TaskColumns},
};
use crate::error::{Error, Result, quoted};

/// Weights and groups of all rows, for one task; `None` where all rows count alike, and where there are no groups. Tasks that
/// share a column share its numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SampleFacts {
    pub(crate) weights: Option<Arc<[f32]>>,
    pub(crate) groups: Option<Arc<[u64]>>,
}

impl SampleFacts {
    /// Those of every task.
    ///
    /// # Errors
    /// [`Error::Field`] for the first row that has a weight below 0 or no group, [`Error::NoWeight`] where no row counts.
    pub(super) fn read(
        schema: &Schema,
        table: &Table,
        tasks: &[TaskColumns],
        faults: &mut Faults,
    ) -> Result<Vec<Self>> {
        let (mut weights, mut groups) = (Vec::new(), Vec::new());
        for column in 0..schema.columns.len() {
            weights.push(weights_of(schema, table, column, faults)?);
            groups.push(groups_of(schema, table, column, faults)?);
        }
        let of = |task: &TaskColumns| Self {
            weights: schema.weight_of(&task.name).and_then(|column| weights.get(column).cloned().flatten()),
            groups: schema.group_of(&task.name).and_then(|column| groups.get(column).cloned().flatten()),
        };
        Ok(tasks.iter().map(of).collect())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights are f32; the reader refuses numbers beyond them")]
fn weights_of(schema: &Schema, table: &Table, column: usize, faults: &mut Faults) -> Result<Option<Arc<[f32]>>> {
    let (Some(Column::Weight { name, .. }), Some(TableColumn::Numbers(numbers))) =
        (schema.columns.get(column), table.columns().get(column))
    else {
        return Ok(None);
    };
    if let Some(row) = numbers.iter().position(|w| *w < 0.0) {
        faults.add(Error::Field {
            path: table.file(row).to_owned(),
            line: table.line(row),
            column: name.clone(),
            expected: "a weight: a number >= 0".into(),
            found: numbers[row].to_string(),
        })?;
    }
    if !numbers.iter().any(|w| *w > 0.0) {
        faults.add(Error::NoWeight { path: table.path().to_owned(), column: name.clone(), part: "file" })?;
    }
    // Where a check goes on, a row that cannot be weighed does not count.
    Ok(Some(numbers.iter().map(|&w| if w > 0.0 { w as f32 } else { 0.0 }).collect()))
}

fn groups_of(schema: &Schema, table: &Table, column: usize, faults: &mut Faults) -> Result<Option<Arc<[u64]>>> {
    let (Some(Column::Group { name, .. }), Some(TableColumn::Text { codes, dictionary })) =
        (schema.columns.get(column), table.columns().get(column))
    else {
        return Ok(None);
    };
    let missing: Vec<bool> = dictionary.iter().map(|text| schema.is_missing(text)).collect();
    let is_missing = |code: &u32| missing.get(*code as usize).copied().unwrap_or(true);
    if let Some(row) = codes.iter().position(is_missing) {
        let text = codes.get(row).and_then(|&code| dictionary.get(code as usize)).map_or("", String::as_str);
        faults.add(Error::Field {
            path: table.file(row).to_owned(),
            line: table.line(row),
            column: name.clone(),
            expected: "a group, which no row may lack".into(),
            found: quoted(text),
        })?;
    }
    // A number of the text alone: the same group in every file, whatever stands beside it.
    let numbers: Vec<u64> = dictionary.iter().map(|text| derive(0, text, 0)).collect();
    Ok(Some(codes.iter().map(|&code| numbers.get(code as usize).copied().unwrap_or(0)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        source::Source,
        table::{CsvFormat, FittedSchema},
    };

    const SCHEMA: &str = r#"columns = [
        { name = "x", kind = "numeric" },
        { name = "w", kind = "weight" },
        { name = "q", kind = "group", tasks = ["b"] },
        { name = "a", kind = "label", label = "value" },
        { name = "b", kind = "label", label = { binary = { positive = "1" } } },
    ]"#;

    fn fitted(text: &str) -> Result<(FittedSchema, Table)> {
        let schema: Schema = toml::from_str(SCHEMA).unwrap();
        let table = Table::parse("t.csv".as_ref(), text.as_bytes(), &CsvFormat::DEFAULT, &schema)?;
        let all: Vec<u64> = (0..table.n_rows() as u64).collect();
        Ok((FittedSchema::fit(&schema, &table, &all)?, table))
    }

    #[test]
    fn targets_carry_the_weights_and_groups_of_their_rows() {
        let (fitted, table) = fitted("x,w,q,a,b\n1,0.5,u,1,0\n2,2,v,,1\n3,0,u,3,1\n").unwrap();
        let source = fitted.encode(&table).unwrap();
        let targets = source.targets(&[2, 1, 0]).unwrap();
        let [Some(a), Some(b)] = &targets[..] else { panic!("two targets") };
        for target in [a, b] {
            assert_eq!(target.plain_weights().unwrap().unwrap(), [0.0, 2.0, 0.5]);
        }
        // Row 2 has no label a, row 3 does not count.
        assert!((a.mass() - 0.5).abs() < 1e-9 && (b.mass() - 2.5).abs() < 1e-9);
        assert_eq!(a.plain_groups().unwrap(), None);
        let groups = b.plain_groups().unwrap().unwrap();
        assert!(groups[0] == groups[2] && groups[0] != groups[1]);
        // The same text is the same group in another file, in another place.
        let (_, other) = super::tests::fitted("x,w,q,a,b\n1,1,v,1,0\n1,1,u,2,1\n").unwrap();
        let other = fitted.encode(&other).unwrap().targets(&[0, 1]).unwrap();
        assert_eq!(other[1].as_ref().unwrap().plain_groups().unwrap().unwrap(), [groups[1], groups[0]]);
        assert!(fitted.info().unwrap().inputs.describe().contains("1 numeric field"), "weights are no inputs");
    }

    #[test]
    fn what_is_no_weight_or_group_is_refused_with_its_place() {
        let refusal = |text: &str| {
            let of = |text| fitted(text).and_then(|(fitted, table)| fitted.encode(&table).map(|_| ()));
            of(text).unwrap_err().to_string()
        };
        let e = refusal("x,w,q,a,b\n1,1,u,1,0\n2,-0.5,u,2,1\n");
        assert_eq!(e, r#"t.csv:3: column "w": expected a weight: a number >= 0, found -0.5"#);
        let e = refusal("x,w,q,a,b\n1,,u,1,0\n2,1,u,2,1\n");
        let expected =
            r#"t.csv:2: column "w": expected a finite number, found ""; a row that is not to count has weight 0"#;
        assert_eq!(e, expected);
        let e = refusal("x,w,q,a,b\n1,0,u,1,0\n2,0,u,2,1\n");
        assert_eq!(e, r#"t.csv: column "w": expected a weight above 0 in the file, found none"#);
        let e = refusal("x,w,q,a,b\n1,1,u,1,0\n2,1,,2,1\n");
        assert_eq!(e, r#"t.csv:3: column "q": expected a group, which no row may lack, found """#);
        let (fitted, _) = fitted("x,w,q,a,b\n1,1,u,1,0\n2,1,u,2,1\n").unwrap();
        let (schema, text) = (fitted.schema(), b"x,w,q,a,b\n1,0,u,1,0\n");
        let none = Table::parse("v.csv".as_ref(), text, &CsvFormat::DEFAULT, schema).unwrap();
        let e = fitted.encode(&none).unwrap_err().to_string();
        assert_eq!(e, r#"v.csv: column "w": expected a weight above 0 in the file, found none"#);
        let half = Table::parse("t.csv".as_ref(), b"x,w,q,a,b\n1,0,u,1,0\n2,1,u,2,1\n", &CsvFormat::DEFAULT, schema);
        let e = FittedSchema::fit(schema, &half.unwrap(), &[0]).unwrap_err().to_string();
        assert_eq!(e, r#"t.csv: column "w": expected a weight above 0 in the training part, found none"#);
    }

    #[test]
    fn a_check_says_once_that_no_row_counts() {
        let (schema, text) = (toml::from_str(SCHEMA).unwrap(), b"x,w,q,a,b\n1,0,u,1,0\n2,0,u,2,1\n");
        let mut faults = Faults::collect();
        let table = Table::parse("t.csv".as_ref(), text, &CsvFormat::DEFAULT, &schema).unwrap();
        let fitted = FittedSchema::fit_with(&schema, &table, &[0, 1], &mut faults).unwrap();
        fitted.encode_with(&table, &mut faults).unwrap();
        let errors: Vec<_> = faults.into_errors().iter().map(ToString::to_string).collect();
        assert_eq!(errors, [r#"t.csv: column "w": expected a weight above 0 in the file, found none"#]);
    }

    #[test]
    fn columns_for_tasks_that_are_not_there_and_two_for_one_are_refused() {
        let refusal = |more: &str| {
            let text = SCHEMA.trim_end_matches(']').to_owned() + more + "]";
            toml::from_str::<Schema>(&text).unwrap().validate().unwrap_err().to_string()
        };
        let e = refusal(r#"{ name = "v", kind = "weight", tasks = ["c"] },"#);
        assert_eq!(e, "schema.columns[5].tasks must be tasks of the label columns (a, b), found c");
        let e = refusal(r#"{ name = "v", kind = "weight", tasks = ["b"] },"#);
        assert_eq!(e, "schema.columns[5].tasks must be of tasks without other weights, found two columns for task b");
        let e = refusal(r#"{ name = "v", kind = "group" },"#);
        assert_eq!(e, "schema.columns[5].tasks must be of tasks without other groups, found two columns for task b");
    }
}
