//! Texts in memory, as ids, with labels of any kind.
//!
//! Ids lie one after the other in 32 bits, with the place where each text begins: a batch is one buffer as wide as its longest text.

use mtl_core::{
    TorchContext,
    answer::Labels,
    batch::{Batch, Inputs, Target},
    input::{Input, Modality},
};
use tch::Tensor;

use super::{Source, indices};
use crate::{
    error::{Error, Result},
    info::DataInfo,
    text::Vocabulary,
};

/// The ids of some texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    ids: Vec<u32>,
    /// Where each text begins and the last one ends, `[n + 1]`.
    offsets: Vec<usize>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { ids: Vec::new(), offsets: vec![0] }
    }
}

impl Texts {
    /// Texts one after the other: text `i` has the ids `offsets[i]..offsets[i + 1]`.
    ///
    /// # Errors
    /// `InvalidConfig` unless offsets ascend from 0 to the number of ids.
    pub fn new(ids: Vec<u32>, offsets: Vec<usize>) -> Result<Self> {
        let fits = offsets.first() == Some(&0) && offsets.last() == Some(&ids.len()) && offsets.is_sorted();
        if !fits {
            let expected = format!("ascending from 0 to {}", ids.len());
            return Err(Error::config("texts", "offsets", expected, format!("{} of them", offsets.len())));
        }
        Ok(Self { ids, offsets })
    }

    pub(crate) fn push(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        self.offsets.push(self.ids.len());
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, at: usize) -> &[u32] {
        match self.offsets.get(at..at + 2) {
            Some(&[start, end]) => &self.ids[start..end],
            _ => &[],
        }
    }

    /// Some of them as a batch, `[b, l]`, padded to the longest.
    fn gather(&self, rows: impl ExactSizeIterator<Item = usize> + Clone) -> Result<Input> {
        let lengths: Vec<i64> = rows.clone().map(|row| self.get(row).len() as i64).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let width = usize::try_from(longest).unwrap_or(0);
        let mut ids = Vec::with_capacity(rows.len() * width);
        for row in rows {
            let end = ids.len() + width;
            ids.extend(self.get(row).iter().map(|&id| i64::from(id)));
            ids.resize(end, i64::from(Vocabulary::PAD));
        }
        let shape = [lengths.len() as i64, longest];
        let tensor = Tensor::f_from_slice(&ids).and_then(|t| t.f_view(shape)).op("texts")?; // [b, l]
        Ok(Input::ragged(tensor, &lengths, 1)?)
    }

    /// All of them as a batch.
    pub(crate) fn all(&self) -> Result<Input> {
        self.gather(0..self.len())
    }
}

/// Texts and labels; sample ids are line numbers, from 0.
///
/// # Shapes
/// One input a text, `[b, l]` of `Int64` with lengths; one target per task, as its answer says.
#[derive(Debug, Clone, PartialEq)]
pub struct TextSource {
    info: DataInfo,
    texts: Vec<Texts>,
    labels: Vec<Labels>,
    n: usize,
}

impl TextSource {
    /// A source of texts that are in memory already: one list for each input, one of labels for each task.
    ///
    /// # Errors
    /// `InvalidConfig` when an input is no text, or numbers of texts, ids or labels do not agree with `info`; `Shape` or `Label`,
    /// naming the task, for labels of another kind.
    pub fn new(info: DataInfo, texts: Vec<Texts>, labels: Vec<Labels>) -> Result<Self> {
        let refuse = |field, expected: String, found: String| Err(Error::config("text source", field, expected, found));
        let n = texts.first().map_or(0, Texts::len);
        if texts.len() != info.inputs.len() || labels.len() != info.tasks.len() {
            let expected = format!("{} of texts and {} of labels", info.inputs.len(), info.tasks.len());
            return refuse("lists", expected, format!("{} and {}", texts.len(), labels.len()));
        }
        for ((name, modality), texts) in info.inputs.iter().zip(&texts) {
            let Modality::Tokens(tokens) = modality else {
                return refuse("inputs", "texts".into(), format!("input {name}: {}", modality.describe()));
            };
            let longest = texts.offsets.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
            let (n_texts, largest) = (texts.len(), texts.ids.iter().copied().max().unwrap_or(0));
            if n_texts != n || i64::from(largest) >= tokens.vocabulary || longest as i64 > tokens.length.longest() {
                let expected = format!("{n} texts of input {name}, {}", modality.describe());
                return refuse("texts", expected, format!("{n_texts}, ids up to {largest}, up to {longest} long"));
            }
        }
        for (labels, task) in labels.iter().zip(&info.tasks) {
            if labels.len() != n {
                return refuse("labels", format!("{n} of task {}", task.name), labels.len().to_string());
            }
            // Checked once as a whole, so that no batch of an epoch finds a label that is none.
            Target::count(task.name.as_str(), &task.answer, labels)?;
        }
        Ok(Self { info, texts, labels, n })
    }

    fn targets_of(&self, rows: &[usize]) -> Result<Vec<Option<Target>>> {
        let targets = self.info.tasks.iter().zip(&self.labels);
        targets
            .map(|(task, labels)| Ok(Some(Target::new(task.name.as_str(), &task.answer, &labels.gather(rows))?)))
            .collect()
    }
}

impl Source for TextSource {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.n as u64
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let rows = indices("texts", self.len(), positions)?;
        let named = self.info.inputs.iter().zip(&self.texts);
        let inputs = named.map(|((name, _), texts)| Ok((name.to_owned(), texts.gather(rows.iter().copied())?)));
        let inputs = Inputs::new(inputs.collect::<Result<Vec<_>>>()?)?;
        Ok(Batch::new(inputs, self.targets_of(&rows)?, positions.to_vec())?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        self.targets_of(&indices("texts", self.len(), positions)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::TaskInfo;
    use mtl_core::{
        answer::Answer,
        input::{InputSpec, Length, Tokens},
        task::TaskName,
    };

    fn info() -> DataInfo {
        let text = Tokens { vocabulary: 6, pad: 0, unknown: Some(1), length: Length::Ragged(3) };
        let task = |name: &str, answer| TaskInfo { name: TaskName::new(name).unwrap(), answer };
        DataInfo {
            inputs: InputSpec::new([("text", text.into())]).unwrap(),
            tasks: vec![task("kind", Answer::class(["a", "b"])), task("tags", Answer::tags(["o", "b"]))],
        }
    }

    fn source(ids: Vec<u32>, tags: &[Vec<i64>]) -> Result<TextSource> {
        let labels = vec![Labels::indices(vec![1, 0, -100]), Labels::lists(tags)];
        TextSource::new(info(), vec![Texts::new(ids, vec![0, 2, 3, 6])?], labels)
    }

    #[test]
    fn texts_are_padded_to_the_longest_of_the_batch() {
        let source = source(vec![2, 3, 4, 5, 1, 2], &[vec![0, 1], vec![1], vec![0, 0, 1]]).unwrap();
        let batch = source.batch(&[2, 1, 2]).unwrap();
        let text = batch.inputs.input("text").unwrap();
        assert_eq!(Vec::<i64>::try_from(text.tensor().view([-1])).unwrap(), [5, 1, 2, 4, 0, 0, 5, 1, 2]);
        assert_eq!(Vec::<i64>::try_from(text.lengths().unwrap()).unwrap(), [3, 1, 3]);
        source.info().inputs.check_values(&batch.inputs).unwrap();
        let tags = batch.targets[1].as_ref().unwrap();
        assert_eq!(tags.labels().unwrap(), Labels::lists(&[vec![0, 0, 1], vec![1], vec![0, 0, 1]]));
        assert_eq!(source.batch(&[1]).unwrap().inputs.get("text").unwrap().size(), [1, 1]);
        assert_eq!(source.batch(&[]).unwrap().inputs.get("text").unwrap().size(), [0, 0]);
        assert!(source.batch(&[3]).unwrap_err().to_string().contains("below 3"));
    }

    #[test]
    fn what_does_not_agree_with_its_description_is_refused() {
        let tags = [vec![0], vec![0], vec![0]];
        assert!(source(vec![2, 3, 4, 5, 1, 6], &tags).unwrap_err().to_string().contains("ids up to 6"));
        assert!(source(vec![2; 6], &[vec![2], vec![], vec![]]).unwrap_err().to_string().contains("task tags"));
        assert!(source(vec![2; 6], &[vec![0]]).unwrap_err().to_string().contains("3 of task tags"));
        assert!(source(vec![2; 5], &tags).unwrap_err().to_string().contains("ascending from 0 to 5"));
    }
}
