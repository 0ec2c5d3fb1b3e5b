//! A data set: a file of observations, `hour,month,pressure,direction,rain` in a line, the last two empty where unknown.
//!
//! Three of five lines are learned from, one validates, one tests. The pressure's mean and deviation are learned.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mtl_core::{
    answer::{Answer, AnswerTag, Cells, Custom, Labels},
    batch::{Batch, Target},
    input::{self, InputSpec, Inputs, Numeric},
    task::TaskName,
};
use mtl_data::{
    DataInfo, DatasetPart, Error, Loading, Preprocessing, Result, Source, Splits, TaskInfo,
    preprocess::{self, CustomPreprocessing, RawInputs},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tch::Tensor;

use super::{angle::Angle, cyclic::Cyclic};

/// Observations of the weather.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeatherConfig {
    /// The folder of the file; default the current one.
    dir: Option<PathBuf>,
    /// The file; default `weather.csv`.
    file: PathBuf,
}

impl Default for WeatherConfig {
    fn default() -> Self {
        Self { dir: None, file: "weather.csv".into() }
    }
}

impl DatasetPart for WeatherConfig {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        Ok(tasks()?.into_iter().map(|task| (task.name, task.answer.tag())).collect())
    }

    fn places(&self) -> &'static [&'static str] {
        &["dir", "file"]
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let path = self.dir.clone().unwrap_or_default().join(&self.file);
        let text = loading.text("observations", &path)?;
        let rows = read(&path, &text)?;
        let n = rows.len() as u64;
        let part = |fifths: &[u64]| (0..n).filter(|row| fifths.contains(&(row % 5))).collect::<Vec<_>>();
        let cut = [part(&[0, 1, 2]), part(&[3]), part(&[4])];
        let scale = loading.learn(|| Scale::of(cut[0].iter().filter_map(|&row| rows.get(row as usize))))?;
        let info = DataInfo { inputs: scale.inputs()?, tasks: tasks()? };
        let preprocessing = Preprocessing::Custom(preprocess::Custom::new(scale.clone()));
        loading.cut(Weather { info, rows, scale }, cut, Some(preprocessing))
    }
}

fn tasks() -> Result<Vec<TaskInfo>> {
    let direction = Answer::Custom(Custom::new(Angle { names: vec!["direction".into()] }));
    Ok(vec![
        TaskInfo { name: TaskName::new("direction")?, answer: direction },
        TaskInfo { name: TaskName::new("rain")?, answer: Answer::multi_label(["rain"]) },
    ])
}

/// `hour`, `month`, `pressure`; `direction` and `rain` are NaN where unknown.
#[derive(Debug, Clone, Copy)]
struct Row {
    inputs: [f32; 3],
    labels: [f32; 2],
}

/// The rows below the header. Labels may be missing, for prediction their columns too.
fn read(path: &Path, text: &str) -> Result<Vec<Row>> {
    let row = |(at, line): (usize, &str)| {
        let mut fields = line.split(',');
        let mut field = |column: &str, may_lack: bool| {
            let found = fields.next().unwrap_or_default().trim();
            match found {
                "" if may_lack => Ok(f32::NAN),
                "yes" if column == "rain" => Ok(1.0),
                "no" if column == "rain" => Ok(0.0),
                number => number.parse().map_err(|_| Error::Field {
                    path: path.to_owned(),
                    line: at as u64 + 1,
                    column: column.into(),
                    expected: "a number (of rain yes or no)".into(),
                    found: format!("{number:?}"),
                }),
            }
        };
        let inputs = [field("hour", false)?, field("month", false)?, field("pressure", false)?];
        Ok(Row { inputs, labels: [field("direction", true)?, field("rain", true)?] })
    };
    text.lines().enumerate().skip(1).map(row).collect()
}

/// What is learned: how the pressure is scaled. With it, raw rows become inputs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scale {
    mean: f32,
    deviation: f32,
}

impl Scale {
    fn of<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Result<Self> {
        let n = rows.clone().count().max(1) as f32;
        let mean = rows.clone().map(|row| row.inputs[2]).sum::<f32>() / n;
        let variance = rows.map(|row| (row.inputs[2] - mean).powi(2)).sum::<f32>() / n;
        Ok(Self { mean, deviation: variance.sqrt().max(1e-6) })
    }

    fn batch(&self, rows: &[Row]) -> Result<Inputs> {
        let time: Vec<f32> = rows.iter().flat_map(|row| [row.inputs[0], row.inputs[1]]).collect();
        let pressure: Vec<f32> = rows.iter().map(|row| (row.inputs[2] - self.mean) / self.deviation).collect();
        let column = |numbers: &[f32], width| Tensor::f_from_slice(numbers).and_then(|t| t.f_view([-1, width]));
        let inputs = [("time", column(&time, 2)), ("pressure", column(&pressure, 1))];
        let inputs = inputs.into_iter().map(|(name, t)| Ok((name.to_owned(), t.map_err(mtl_core::Error::from)?)));
        Ok(Inputs::new(inputs.collect::<Result<Vec<_>>>()?)?)
    }
}

impl CustomPreprocessing for Scale {
    fn name(&self) -> &'static str {
        "weather"
    }

    fn settings(&self) -> Value {
        json!(self)
    }

    fn inputs(&self) -> Result<InputSpec> {
        if !(self.deviation > 0.0 && self.mean.is_finite()) {
            let (expected, found) = ("a finite mean, > 0".into(), format!("{self:?}"));
            return Err(mtl_core::Error::InvalidConfig { what: "weather", field: "deviation", expected, found }.into());
        }
        let time = Cyclic { names: vec!["hour".into(), "month".into()], periods: vec![24.0, 12.0] };
        let pressure = Numeric::new(vec!["pressure".into()]);
        Ok(InputSpec::new([("time", input::Custom::new(time).into()), ("pressure", pressure.into())])?)
    }

    fn describe(&self) -> String {
        "lines of hour,month,pressure below a header".into()
    }

    fn read(&self, path: &Path, batch_size: usize) -> Result<RawInputs> {
        let text = fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let (rows, scale) = (read(path, &text)?, self.clone());
        let starts = (0..rows.len()).step_by(batch_size);
        Ok(Box::new(starts.map(move |at| scale.batch(&rows[at..rows.len().min(at + batch_size)]))))
    }
}

/// The samples.
struct Weather {
    info: DataInfo,
    rows: Vec<Row>,
    scale: Scale,
}

impl Source for Weather {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let row = |&at: &u64| {
            let row = usize::try_from(at).ok().and_then(|at| self.rows.get(at));
            row.copied().ok_or(Error::Position { what: "weather", len: self.len(), found: at })
        };
        let rows = positions.iter().map(row).collect::<Result<Vec<Row>>>()?;
        let target = |(idx, task): (usize, &TaskInfo)| {
            let cells = Cells::Number(rows.iter().map(|row| row.labels[idx]).collect());
            Ok(Some(Target::new(task.name.as_str(), &task.answer, &Labels::dense(cells, rows.len(), &[1])?)?))
        };
        let targets = self.info.tasks.iter().enumerate().map(target).collect::<Result<Vec<_>>>()?;
        Ok(Batch::new(self.scale.batch(&rows)?, targets, positions.to_vec())?)
    }
}
