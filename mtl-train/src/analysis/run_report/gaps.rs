//! Inputs that are not known: how many, in which columns, and what the model sees in their place.
//!
//! ```text
//! texts     a text that the schema lists as missing is a value of its own: counted by its code
//! numbers   gaps were filled with the training mean before scaling: counted by that one number, bit by bit
//! ```
//!
//! What stands for a gap is all that is left of it once a table is read, so a number that happens to be the mean to the last
//! digit counts as one. The page says so.

use mtl_data::{
    FittedSchema,
    table::{Column as Field, FittedColumn},
};

use super::data::{fold, percent};
use crate::{
    analysis::inspect::{FieldScan, Scan, shortest},
    report::{Block, Cell, Column, Paragraph, Row, Table, written},
};

/// The scaled number that stands for a gap, by numeric column; `None` for a column that refuses gaps.
pub(super) fn stand_ins(fitted: Option<&FittedSchema>) -> Vec<Option<f32>> {
    fitted.map(FittedSchema::stand_ins).unwrap_or_default()
}

/// What is written of a gap in a sample.
const GAP: &str = "(gap)";

/// Writes of samples' fields, given with the texts and numbers of the file, where the file has none: a mean that nobody
/// wrote down would pass for a value.
pub(super) fn mark(fitted: Option<&FittedSchema>, samples: &mut [Vec<(String, String)>]) {
    let numeric = fitted.into_iter().flat_map(|f| f.schema().columns.iter());
    let numeric = numeric.filter(|field| matches!(field, Field::Numeric { .. }));
    let filled: Vec<(&str, String)> = numeric
        .zip(stand_ins(fitted))
        .enumerate()
        .filter_map(|(at, (field, stand_in))| {
            let original = |x| fitted.and_then(|f| f.original(at, x)).unwrap_or(x);
            Some((field.name(), shortest(stand_in?, original)))
        })
        .collect();
    for (name, value) in samples.iter_mut().flatten() {
        if value.trim().is_empty() || filled.iter().any(|(of, text)| of == name && text == value) {
            GAP.clone_into(value);
        }
    }
}

/// A column with gaps: what stands for them, and how many a split has.
struct Gaps {
    field: String,
    stand_in: String,
    counts: [u64; 3],
}

/// What a field of the inputs was made of.
enum Learned<'a> {
    /// Texts.
    Texts(&'a [String]),
    /// Ranges of numbers, of which code 0 is none.
    Ranges,
    /// What stands for a gap, if there are gaps.
    Number(Option<f64>),
    /// Texts of which nobody knows which they were.
    Hashed,
}

/// The columns that have gaps in any split, in the order of the inputs.
fn of(fitted: &FittedSchema, scans: &[Scan; 3]) -> Vec<Gaps> {
    // As the inputs are: codes first, then numbers.
    let codes = fitted.columns().iter().filter_map(|learned| match learned {
        FittedColumn::Categorical { vocabulary } => Some(Learned::Texts(vocabulary)),
        FittedColumn::Buckets { .. } => Some(Learned::Ranges),
        FittedColumn::Hashed => Some(Learned::Hashed),
        FittedColumn::Numeric { .. }
        | FittedColumn::Fields { .. }
        | FittedColumn::Set { .. }
        | FittedColumn::Label { .. }
        | FittedColumn::Ignored => None,
    });
    let learned = codes.chain(fitted.fills().into_iter().map(Learned::Number));
    let gaps = |(at, (field, learned)): (usize, (&FieldScan, Learned<'_>))| {
        let counts = scans.each_ref().map(|scan| scan.fields.get(at).map_or(0, |f| count(fitted, f, &learned)));
        let stand_in = match learned {
            Learned::Number(fill) => format!("the training mean, {}", written(fill.unwrap_or(f64::NAN))),
            Learned::Ranges => "a code of its own".to_owned(),
            Learned::Texts(_) | Learned::Hashed => "a text of its own".to_owned(),
        };
        (counts != [0; 3]).then(|| Gaps { field: field.name().to_owned(), stand_in, counts })
    };
    scans[0].fields.iter().zip(learned).enumerate().filter_map(gaps).collect()
}

fn count(fitted: &FittedSchema, field: &FieldScan, learned: &Learned<'_>) -> u64 {
    match (field, learned) {
        (FieldScan::Categorical { counts, .. }, Learned::Texts(vocabulary)) => {
            // Code 0 is a text that training does not have.
            let known = vocabulary.iter().zip(counts.iter().skip(1));
            let is_missing = |text: &str| text.trim().is_empty() || fitted.schema().missing.iter().any(|m| m == text);
            known.filter(|(text, _)| is_missing(text)).map(|(_, n)| *n).sum()
        }
        (FieldScan::Categorical { counts, .. }, Learned::Ranges) => counts.first().copied().unwrap_or(0),
        // Where all numbers are the same, nothing tells a gap from the others.
        (FieldScan::Numeric { gaps, .. }, _) if !field.is_constant() => gaps.unwrap_or(0),
        _ => 0,
    }
}

/// What there is to say of gaps in the inputs; nothing without any.
pub(super) fn blocks(fitted: Option<&FittedSchema>, scans: &[Scan; 3]) -> Vec<Block> {
    let Some(found) = fitted.map(|fitted| of(fitted, scans)).filter(|found| !found.is_empty()) else {
        return Vec::new();
    };
    let share = |gaps: &Gaps, split: usize| percent(gaps.counts[split], scans[split].samples);
    let most = found.iter().max_by_key(|gaps| gaps.counts[0]).unwrap_or(&found[0]);
    let words = format!(
        "{} of {} input columns {} gaps: in training most in {}, {} of the samples.",
        found.len(),
        scans[0].fields.len(),
        if found.len() == 1 { "has" } else { "have" },
        most.field,
        share(most, 0),
    );
    let row = |gaps: &Gaps| {
        let shares = (0..3).map(|split| match scans[split].samples {
            0 => Cell::Missing,
            _ => Cell::Text(share(gaps, split)),
        });
        Row::measured(&gaps.field, shares.chain([Cell::Text(gaps.stand_in.clone())]).collect())
    };
    let of_samples = |label: &str| Column { group: Some("samples without a value".into()), ..Column::new(label) };
    let has_numbers = found.iter().any(|gaps| gaps.stand_in.starts_with("the"));
    let note = "Of numbers, gaps are counted by what stands for them: one that is the training mean to the last digit counts \
                as one.";
    let table = Table {
        caption: "Gaps in the inputs".into(),
        corner: "column".into(),
        columns: vec![
            of_samples("training"),
            of_samples("validation"),
            of_samples("test"),
            Column::words("what the model sees there"),
        ],
        rows: found.iter().map(row).collect(),
        footnotes: has_numbers.then(|| note.to_owned()).into_iter().collect(),
    };
    vec![Paragraph::new(words).into(), fold("Gaps in the inputs", table)]
}

#[cfg(test)]
mod tests {
    use mtl_data::{Splits, datasets::CsvFiles};

    use super::*;

    /// A table in which every fourth `income` and every fifth `town` is not known, and `age` always is.
    fn table(gap: &str) -> Splits {
        let folder = tempfile::tempdir().unwrap();
        let row = |i: usize| {
            let town = if i.is_multiple_of(5) { gap } else { ["Ulm", "Bonn"][i % 2] };
            let income = if i.is_multiple_of(4) { gap.to_owned() } else { format!("{}.5", 900 + 13 * i) };
            format!("{town},{},{income},{}\n", 20 + i % 50, ["no", "yes"][i % 2])
        };
        for (file, rows) in [("train", 0..200), ("validation", 200..260), ("test", 260..300)] {
            let rows: String = rows.map(row).collect();
            std::fs::write(folder.path().join(format!("{file}.csv")), format!("town,age,income,y\n{rows}")).unwrap();
        }
        let schema = toml::from_str(
            r#"missing = [""]
            columns = [
                { name = "town", kind = "categorical" },
                { name = "age", kind = "numeric", missing = "mean" },
                { name = "income", kind = "numeric", transform = "log1p-standard", missing = "mean" },
                { name = "y", kind = "label", label = "class" },
            ]"#,
        )
        .unwrap();
        let config = CsvFiles {
            dir: Some(folder.path().to_owned()),
            train: "train.csv".into(),
            validation: Some("validation.csv".into()),
            test: Some("test.csv".into()),
            schema,
            ..CsvFiles::default()
        };
        config.load().unwrap()
    }

    fn scans(splits: &Splits) -> [Scan; 3] {
        let stand_ins = stand_ins(splits.fitted());
        [&splits.train, &splits.validation, &splits.test].map(|split| Scan::with_gaps(split, &stand_ins).unwrap())
    }

    #[test]
    fn gaps_are_counted_in_every_split_by_column() {
        let splits = table("");
        let found = of(splits.fitted().unwrap(), &scans(&splits));
        let counted: Vec<_> = found.iter().map(|gaps| (gaps.field.as_str(), gaps.counts)).collect();
        assert_eq!(counted, [("town", [40, 12, 8]), ("income", [50, 15, 10])]);
        let blocks = blocks(splits.fitted(), &scans(&splits));
        let [Block::Paragraph(words), Block::Table(table)] = &blocks[..] else { panic!("{blocks:?}") };
        assert_eq!(words.text, "2 of 3 input columns have gaps: in training most in income, 25.0 % of the samples.");
        assert_eq!(table.rows[0].cells[1], Cell::Text("20.0 %".into()));
        let Cell::Text(stand_in) = &table.rows[1].cells[3] else { panic!() };
        assert!(stand_in.starts_with("the training mean, 22"), "the mean of the file's numbers: {stand_in}");
    }

    #[test]
    fn a_sample_shows_its_gaps_and_not_what_stands_for_them() {
        let splits = table("");
        let mut samples =
            crate::analysis::inspect::fields(&*splits.validation, splits.preprocessing.as_ref(), &[0, 1, 4]).unwrap();
        mark(splits.fitted(), &mut samples);
        let values = |sample: usize| samples[sample].iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>();
        assert_eq!(values(0), [GAP, "20", GAP], "row 200 has neither town nor income");
        assert_eq!(values(1), ["Bonn", "21", "3513.5"]);
        assert_eq!(values(2), ["Ulm", "24", GAP]);
    }

    #[test]
    fn a_table_without_gaps_has_nothing_to_say() {
        let splits = table("7");
        assert_eq!(blocks(splits.fitted(), &scans(&splits)), []);
        assert_eq!(blocks(None, &scans(&splits)), []);
    }
}
