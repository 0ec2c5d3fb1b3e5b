//! What a data set is: sizes, inputs, tasks, a few rows.

use mtl_core::{batch::Batch, input::Cells, prediction::Reference};
use mtl_data::{DataInfo, Origin, Preprocessing, Source, Splits};
use serde::Serialize;
use tch::Kind;

use super::{scan::Scan, spread::flat};
use crate::error::Result;

/// A data set in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataSummary {
    /// Read from files, or generated.
    pub origin: Origin,
    /// The inputs in words: `image (picture of 1 x 28 x 28)`.
    pub inputs: String,
    /// The splits in order: training, validation, test.
    pub splits: [Scan; 3],
    /// The first training samples.
    pub rows: Vec<Row>,
}

/// One sample, in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its id: the row number in the data set.
    pub id: u64,
    /// Fields and their values, as the file has them.
    pub fields: Vec<(String, String)>,
    /// Tasks and their labels; `-` where unknown.
    pub labels: Vec<(String, String)>,
}

impl DataSummary {
    /// Reads all samples; keeps `n_rows` of them.
    ///
    /// # Errors
    /// What a source finds wrong while it builds batches.
    pub fn new(splits: &Splits, n_rows: u64) -> Result<Self> {
        let scan = |source| Scan::new(source);
        Ok(Self {
            origin: splits.origin,
            inputs: splits.info.inputs.describe(),
            splits: [scan(&splits.train)?, scan(&splits.validation)?, scan(&splits.test)?],
            rows: rows(splits, n_rows)?,
        })
    }
}

fn rows(splits: &Splits, n: u64) -> Result<Vec<Row>> {
    let positions: Vec<u64> = (0..n.min(splits.train.len())).collect();
    let batch = splits.train.batch(&positions)?;
    let mut labels = Vec::new();
    for (task, target) in splits.info.tasks.iter().zip(&batch.targets) {
        labels.push((task, target.as_ref().map(|t| t.reference()).transpose()?));
    }
    let fields = fields_of(&batch, &splits.info, splits.preprocessing.as_ref())?;
    let row = |((at, id), fields): ((usize, &u64), Vec<(String, String)>)| {
        let labels =
            labels.iter().map(|(task, reference)| (task.name.to_string(), label(task, reference.as_ref(), at)));
        Row { id: *id, fields, labels: labels.collect() }
    };
    Ok(batch.ids.iter().enumerate().zip(fields).map(row).collect())
}

/// Names and values of the fields of some samples, in column order, texts and numbers as the file has them where `preprocessing` says
/// how they were encoded: of numbers the shortest that the scaled `f32` may stand for, of texts the words. Of other inputs what
/// they are, and how long.
///
/// # Errors
/// The source's own.
pub fn fields(
    source: &dyn Source,
    preprocessing: Option<&Preprocessing>,
    positions: &[u64],
) -> Result<Vec<Vec<(String, String)>>> {
    let parts = source.parts();
    if parts.is_empty() {
        return fields_of(&source.batch(positions)?, source.info(), preprocessing);
    }
    // Of several sources each has fields of its own, which its own preprocessing knows.
    let mut found = vec![Vec::new(); positions.len()];
    for part in parts {
        let is_own = |at: &u64| (part.start..part.start + part.len).contains(at);
        let own: Vec<u64> = positions.iter().copied().filter(is_own).collect();
        let Some(reading) = preprocessing.and_then(|p| p.source(&part.name).ok()).filter(|_| !own.is_empty()) else {
            continue;
        };
        let Batch { inputs, targets, ids } = source.batch(&own)?;
        let batch = Batch::new(reading.as_read(inputs)?, targets, ids)?;
        let info = DataInfo { inputs: reading.read_inputs()?, tasks: Vec::new() };
        let fields = fields_of(&batch, &info, reading.raw.as_deref())?;
        let places = positions.iter().enumerate().filter(|(_, at)| is_own(at));
        places.zip(fields).for_each(|((place, _), fields)| found[place] = fields);
    }
    Ok(found)
}

fn fields_of(
    batch: &Batch,
    info: &DataInfo,
    preprocessing: Option<&Preprocessing>,
) -> Result<Vec<Vec<(String, String)>>> {
    let fitted = preprocessing.and_then(Preprocessing::table);
    let texts = preprocessing.and_then(Preprocessing::texts);
    let vocabularies: Vec<_> = fitted.iter().flat_map(|f| f.vocabularies()).collect();
    let mut rows = vec![Vec::new(); batch.len()];
    let (mut first_text, mut first_number) = (0, 0);
    for (name, modality) in info.inputs.iter() {
        let input = batch.inputs.input(name)?;
        match modality.cells() {
            Cells::Codes(fields) => {
                let codes = flat::<i64>(input.tensor(), Kind::Int64)?;
                for (row, codes) in rows.iter_mut().zip(codes.chunks(fields.len())) {
                    row.extend(fields.iter().zip(codes).enumerate().map(|(column, (field, code))| {
                        let vocabulary = vocabularies.get(first_text + column);
                        let text = usize::try_from(code - 1).ok().and_then(|code| vocabulary?.get(code));
                        let unknown =
                            || if *code == 0 { "(not in training)".to_owned() } else { format!("code {code}") };
                        (field.name.clone(), text.cloned().unwrap_or_else(unknown))
                    }));
                }
                first_text += fields.len();
            }
            Cells::Numbers(names) => {
                let numbers = flat::<f32>(input.tensor(), Kind::Float)?;
                for (row, numbers) in rows.iter_mut().zip(numbers.chunks(names.len())) {
                    row.extend(names.iter().zip(numbers).enumerate().map(|(column, (name, x))| {
                        let original = |x| fitted.and_then(|f| f.original(first_number + column, x)).unwrap_or(x);
                        (name.clone(), shortest(*x, original))
                    }));
                }
                first_number += names.len();
            }
            Cells::Grid { .. } | Cells::Positions | Cells::Whole => {
                // Samples that are all alike in form have nothing to say of it.
                let Some(lengths) = input.lengths() else { continue };
                let lengths = flat::<i64>(lengths, Kind::Int64)?;
                let ids = match texts.filter(|_| modality.cardinalities().len() == 1) {
                    Some(_) => flat::<i64>(input.tensor(), Kind::Int64)?,
                    None => Vec::new(),
                };
                let width = ids.len().checked_div(lengths.len()).unwrap_or(0);
                for (at, (row, length)) in rows.iter_mut().zip(lengths).enumerate() {
                    let length = usize::try_from(length).unwrap_or(0);
                    let own = ids.get(at * width..at * width + length.min(width)).unwrap_or_default();
                    let words = texts.map(|texts| texts.words(name, own)).filter(|words| !words.is_empty());
                    let otherwise = || format!("{}, {length} long", modality.name());
                    row.push((name.to_owned(), words.map_or_else(otherwise, |words| words.join(" "))));
                }
            }
        }
    }
    Ok(rows)
}

/// The shortest number that the scaled one may have been: what two neighboring `f32` stand for tells how much is known
/// of it.
pub(crate) fn shortest(scaled: f32, original: impl Fn(f64) -> f64) -> String {
    let value = original(scaled.into());
    let grain = 2.0 * (original(scaled.next_up().into()) - value).abs() + f64::from(f32::EPSILON) * value.abs();
    if !value.is_finite() || value.abs() <= grain {
        return if value.is_finite() { "0".to_owned() } else { value.to_string() };
    }
    let digits = (0..9).filter_map(|digits| format!("{value:.digits$e}").parse::<f64>().ok());
    let found = digits.into_iter().find(|rounded| (rounded - value).abs() <= grain).unwrap_or(value);
    match found.abs() {
        size if (1e-5..1e15).contains(&size) => found.to_string(),
        _ => format!("{found:e}"),
    }
}

/// The label of one sample, in words; `-` where unknown.
fn label(task: &mtl_data::TaskInfo, reference: Option<&Reference>, at: usize) -> String {
    reference.map_or_else(|| "-".to_owned(), |reference| task.answer.label_text(reference, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_data::datasets::CsvFiles;

    #[test]
    fn numbers_come_back_as_they_were_written() {
        for (mean, std) in [(0.0, 1.0), (38.6, 13.7), (1.7e12, 3e10), (2e-7, 1e-7), (-5.0, 0.01)] {
            for step in [-3.0, -0.5, 0.0, 0.25, 4.0_f64] {
                // Three digits beside a spread of that size.
                let unit = 10_f64.powf(f64::log10(std).floor() - 1.0);
                let value = ((mean + step * std) / unit).round() * unit;
                #[expect(clippy::cast_possible_truncation, reason = "as the encoder does it")]
                let scaled = ((value - mean) / std) as f32;
                let back: f64 = shortest(scaled, |x| x * std + mean).parse().unwrap();
                assert!((back - value).abs() <= 1e-6 * (std + value.abs()), "{value} came back as {back}");
            }
        }
        assert_eq!(shortest(0.029_197_08, |x| x * 13.7 + 38.6), "39");
        assert_eq!(shortest(-2.817_518_2, |x| x * 13.7 + 38.6), "0");
        assert_eq!(shortest(f32::NAN, |x| x), "NaN");
    }

    #[test]
    fn rows_are_shown_as_the_file_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..20).map(|i| format!("{i},job{},{}\n", i % 2, ["yes", "no", ""][i % 3])).collect();
        std::fs::write(dir.path().join("t.csv"), format!("age,job,rich\n{rows}")).unwrap();
        let schema = toml::from_str(
            r#"missing = [""]
            columns = [{ name = "age", kind = "numeric", transform = "none" }, { name = "job", kind = "categorical" },
                       { name = "rich", kind = "label", label = { binary = { positive = "yes" } } }]"#,
        );
        let dir = Some(dir.path().to_owned());
        let data = CsvFiles { dir, train: "t.csv".into(), schema: schema.unwrap(), ..CsvFiles::default() };
        let summary = DataSummary::new(&data.load().unwrap(), 30).unwrap();
        let [train, validation, test] = &summary.splits;
        assert_eq!(train.samples + validation.samples + test.samples, 20);
        assert_eq!(summary.rows.len() as u64, train.samples);
        for row in &summary.rows {
            let id = row.id;
            assert_eq!(row.fields[0], ("job".into(), format!("job{}", id % 2)));
            assert_eq!(format!("{:.0}", row.fields[1].1.parse::<f64>().unwrap()), id.to_string());
            assert_eq!(row.labels[0].1, ["yes", "not yes", "-"][(id % 3) as usize]);
        }
        let labels = &train.labels[0];
        assert_eq!(labels.known + labels.missing, train.samples);
        assert!((labels.missing_share() - labels.missing as f64 / train.samples as f64).abs() < 1e-12);
        assert!(serde_json::to_string(&summary).unwrap().contains("\"samples\""));
    }
}
