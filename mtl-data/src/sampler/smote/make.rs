//! Making rows of a class between its rows.

use mtl_core::{
    TorchContext,
    answer::{self, Answer, CellRule, Labels, Storage},
    batch::{Inputs, MISSING_CLASS, Target},
    input::Modality,
};
use rayon::prelude::*;
use tch::{Kind, Tensor};

use super::neighbors::Cells;
use crate::{
    error::{Error, Result},
    info::DataInfo,
    rng::{Rng, Stream, mix},
    sampler::{ByClass, quotas::repeated},
    source::{Codes, Source, TableSource},
};

/// Among so many rows of a class neighbors are looked for at most.
pub const CANDIDATES: usize = 4096;
/// Rows that are read at once.
const CHUNK: usize = 4096;

/// As many rows of each class as are missing; `None` where none is.
pub(super) fn rows(
    source: &dyn Source,
    classes: &ByClass,
    missing: &[u64],
    neighbors: usize,
    seed: u64,
) -> Result<Option<TableSource>> {
    let info = source.info();
    let (numbers, codes) = inputs(info)?;
    let mut all = Cells { n_numbers: width(numbers), n_codes: width(codes), ..Cells::default() };
    let mut labels = Vec::new();
    for (class, (rows, &wanted)) in classes.rows.iter().zip(missing).enumerate() {
        if wanted == 0 {
            continue;
        }
        if rows.len() < 2 {
            let found =
                format!("{} of class {} of task {}", rows.len(), classes.names[class], info.tasks[classes.task].name);
            return Err(Error::config(
                "sampler",
                "kind",
                "at least 2 rows of a class that rows are made of (smote)",
                found,
            ));
        }
        let own = read(source, rows, numbers, codes, &all)?;
        let rng = Rng::new(mix(seed ^ mix(class as u64)), Stream::Smote, 0);
        between(&own, rows.len(), wanted, neighbors, rng, &mut all);
        labels.extend(std::iter::repeat_n(class, usize::try_from(wanted).unwrap_or(0)));
    }
    if labels.is_empty() {
        return Ok(None);
    }
    let of_tasks = (0..info.tasks.len()).map(|task| of_task(source, classes, task, &labels));
    let of_tasks = of_tasks.collect::<Result<Vec<_>>>()?;
    let codes = all.codes.iter().map(|&code| u32::try_from(code).unwrap_or(0)).collect();
    Ok(Some(TableSource::from_rows(info.clone(), labels.len(), Codes::Wide(codes), all.numbers, of_tasks)?))
}

/// An input, by its name, and how many columns it has.
type Columns<'a> = Option<(&'a str, usize)>;

/// The input of numbers and that of categories: a table has one of each at most, and nothing else.
fn inputs(info: &DataInfo) -> Result<(Columns<'_>, Columns<'_>)> {
    let (mut numbers, mut codes) = (None, None);
    for (name, modality) in info.inputs.iter() {
        let (place, width) = match modality {
            Modality::Numeric(numeric) => (&mut numbers, numeric.names.len()),
            Modality::Categorical(_) => (&mut codes, modality.cardinalities().len()),
            other => return refuse(name, &other.describe()),
        };
        if place.replace((name, width)).is_some() {
            return refuse(name, "a second one of its modality");
        }
    }
    Ok((numbers, codes))
}

fn width(columns: Columns<'_>) -> usize {
    columns.map_or(0, |(_, width)| width)
}

fn refuse<T>(name: &str, what: &str) -> Result<T> {
    let expected = "another for inputs that are no table's numbers and categories: no row lies between two of them";
    Err(Error::config("sampler", "kind", expected, format!("smote, and input {name}: {what}")))
}

/// The cells of some rows.
fn read(source: &dyn Source, rows: &[u64], numbers: Columns<'_>, codes: Columns<'_>, like: &Cells) -> Result<Cells> {
    let mut cells = Cells { n_numbers: like.n_numbers, n_codes: like.n_codes, ..Cells::default() };
    for rows in rows.chunks(CHUNK) {
        let inputs = source.batch(rows)?.inputs;
        if let Some((name, _)) = numbers {
            cells.numbers.extend(Vec::<f32>::try_from(flat(&inputs, name, Kind::Float)?).op("rows of a class")?);
        }
        if let Some((name, _)) = codes {
            cells.codes.extend(Vec::<i64>::try_from(flat(&inputs, name, Kind::Int64)?).op("rows of a class")?);
        }
    }
    Ok(cells)
}

fn flat(inputs: &Inputs, name: &str, kind: Kind) -> Result<Tensor> {
    Ok(inputs.get(name)?.f_to_kind(kind).and_then(|t| t.f_reshape([-1])).op("rows of a class")?)
}

/// Makes `wanted` rows between the `n` of a class.
fn between(own: &Cells, n: usize, wanted: u64, neighbors: usize, mut rng: Rng, onto: &mut Cells) {
    let mut candidates: Vec<usize> = (0..n).collect();
    if n > CANDIDATES {
        rng.shuffle(&mut candidates);
        candidates.truncate(CANDIDATES);
        candidates.sort_unstable();
    }
    let mut begun = Vec::new();
    repeated(&(0..n as u64).collect::<Vec<_>>(), wanted, &mut rng, &mut begun);
    let begun: Vec<usize> = begun.into_iter().filter_map(|row| usize::try_from(row).ok()).collect();
    let penalty = own.median_deviation(n).powi(2);
    // Each row's neighbors once, however often it is begun from.
    let mut bases = begun.clone();
    bases.sort_unstable();
    bases.dedup();
    let found: Vec<Vec<usize>> =
        bases.par_iter().map(|&base| own.nearest(base, &candidates, neighbors, penalty)).collect();
    for base in begun {
        let Some(near) = bases.binary_search(&base).ok().map(|at| &found[at]) else { continue };
        let pick = usize::try_from(rng.below(near.len() as u64)).unwrap_or(0);
        let other = near.get(pick).copied().unwrap_or(base);
        let share = rng.uniform();
        onto.numbers.extend(own.numbers(base).iter().zip(own.numbers(other)).map(|(&a, &b)| mixed(a, b, share)));
        onto.codes.extend((0..own.n_codes).map(|column| own.majority(base, near, column)));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an input has the precision of f32")]
fn mixed(a: f32, b: f32, share: f64) -> f32 {
    (f64::from(a) + share * (f64::from(b) - f64::from(a))) as f32
}

/// The labels of no row, as such answers have them.
fn nobody(answer: &Answer) -> Result<Labels> {
    let layout = answer.layout();
    let item: Vec<usize> = layout.item.iter().filter_map(|&n| usize::try_from(n).ok()).collect();
    let cells = match layout.cells {
        CellRule::Index { .. } => answer::Cells::Index(Vec::new()),
        CellRule::YesNo | CellRule::Number => answer::Cells::Number(Vec::new()),
    };
    Ok(match layout.storage {
        Storage::Dense => Labels::dense(cells, 0, &item)?,
        Storage::Ragged => Labels::ragged(cells, vec![0], &item)?,
    })
}

/// The labels of the rows that were made: their classes, and nothing of other tasks.
fn of_task(source: &dyn Source, classes: &ByClass, task: usize, made: &[usize]) -> Result<Labels> {
    // What a label of the task looks like, any row shows that has one.
    let first = source.targets(&[0])?.into_iter().nth(task).flatten();
    let answer = &source.info().tasks[task].answer;
    let form = match first.as_ref().map(Target::labels).transpose()? {
        Some(labels) => labels.gather(&[]),
        None => nobody(answer)?,
    };
    if task != classes.task {
        return Ok(form.unlabeled(made.len()));
    }
    let cells = match classes.label {
        None => answer::Cells::Index(made.iter().map(|&class| i64::try_from(class).unwrap_or(MISSING_CLASS)).collect()),
        Some(label) => {
            let mut cells = vec![f32::NAN; made.len() * form.item_size()];
            for (row, &class) in made.iter().enumerate() {
                cells[row * form.item_size() + label] = if class > 0 { 1.0 } else { 0.0 };
            }
            answer::Cells::Number(cells)
        }
    };
    Ok(Labels::dense(cells, made.len(), form.item())?)
}
