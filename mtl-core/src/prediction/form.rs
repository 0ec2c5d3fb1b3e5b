//! The forms of answers: what those go by who are not made for one kind.

use ndarray::Array2;

use super::{MISSING_CLASS, Prediction, Reference, Scores};
use crate::answer::{Cells, Labels};

/// The form of what is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said<'a> {
    /// One of `c` for each sample.
    OneOf {
        /// `[b, c]`.
        scores: &'a Array2<f32>,
        /// What the scores are.
        kind: Scores,
        /// Whether they are in an order, as grades are.
        ordered: bool,
    },
    /// Yes or no to each of `c`.
    YesNo {
        /// `[b, c]`.
        scores: &'a Array2<f32>,
        /// What the scores are.
        kind: Scores,
    },
    /// Numbers, `[b, k]`.
    Numbers(&'a Array2<f32>),
    /// One of `c` for each item of a sample.
    Tags {
        /// Any number of items a sample, each with `c` scores.
        scores: &'a Labels,
        /// What the scores are.
        kind: Scores,
        /// The tag of each item where that is not simply the one of the highest score.
        path: Option<&'a Labels>,
    },
    /// Any number of tokens a sample.
    Tokens(&'a Labels),
    /// None of these: what it means, the kind, its head and its metrics know.
    Own(&'a Labels),
}

/// The form of what is right: beside the same form of [`Said`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Truth<'a> {
    /// `[b]`, [`MISSING_CLASS`] where unknown.
    OneOf(&'a [i64]),
    /// `[b, c]` of 0 and 1, NaN where unknown.
    YesNo(&'a Array2<f32>),
    /// `[b, k]`, NaN where unknown.
    Numbers(&'a Array2<f32>),
    /// Any number of tags a sample, [`MISSING_CLASS`] where unknown.
    Tags(&'a Labels),
    /// Any number of tokens a sample, [`MISSING_CLASS`] where unknown.
    Tokens(&'a Labels),
    /// None of these.
    Own(&'a Labels),
}

/// What a form lies in.
enum Stored<'a> {
    Matrix(&'a Array2<f32>),
    Indices(&'a [i64]),
    Lists(&'a Labels),
}

impl Stored<'_> {
    fn samples(&self) -> usize {
        match self {
            Self::Matrix(matrix) => matrix.nrows(),
            Self::Indices(indices) => indices.len(),
            Self::Lists(labels) => labels.len(),
        }
    }

    fn cells(&self) -> usize {
        match self {
            Self::Matrix(matrix) => matrix.len(),
            Self::Indices(indices) => indices.len(),
            Self::Lists(labels) => labels.cells().len(),
        }
    }
}

impl<'a> Said<'a> {
    fn stored(self) -> Stored<'a> {
        match self {
            Self::OneOf { scores, .. } | Self::YesNo { scores, .. } | Self::Numbers(scores) => Stored::Matrix(scores),
            Self::Tags { scores: lists, .. } | Self::Tokens(lists) | Self::Own(lists) => Stored::Lists(lists),
        }
    }
}

impl<'a> Truth<'a> {
    fn stored(self) -> Stored<'a> {
        match self {
            Self::OneOf(indices) => Stored::Indices(indices),
            Self::YesNo(matrix) | Self::Numbers(matrix) => Stored::Matrix(matrix),
            Self::Tags(lists) | Self::Tokens(lists) | Self::Own(lists) => Stored::Lists(lists),
        }
    }

    /// Whether anything is known of a sample; of a sample of no items it is known that it has none.
    #[must_use]
    pub fn knows(self, sample: usize) -> bool {
        match self.stored() {
            Stored::Indices(indices) => indices.get(sample).is_some_and(|index| *index >= 0),
            Stored::Matrix(matrix) => sample < matrix.nrows() && matrix.row(sample).iter().any(|x| !x.is_nan()),
            Stored::Lists(lists) => {
                let range = lists.range(sample);
                sample < lists.len()
                    && (range.is_empty()
                        || match lists.cells() {
                            Cells::Index(cells) => cells[range].iter().any(|item| *item != MISSING_CLASS),
                            Cells::Number(cells) => cells[range].iter().any(|x| !x.is_nan()),
                        })
            }
        }
    }
}

impl Prediction {
    /// The number of samples.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.said().stored().samples()
    }

    /// How many numbers are said: scores, values, items.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.said().stored().cells()
    }

    /// The axes behind the batch's; -1 is the number of items, which differs between samples.
    #[must_use]
    pub fn axes(&self) -> Vec<i64> {
        match self.said().stored() {
            Stored::Matrix(matrix) => vec![matrix.ncols() as i64],
            Stored::Indices(_) => Vec::new(),
            Stored::Lists(labels) => {
                let ragged = labels.is_ragged().then_some(-1);
                ragged.into_iter().chain(labels.item().iter().map(|&n| n as i64)).collect()
            }
        }
    }

    /// The first of its numbers that is not finite.
    #[must_use]
    pub fn not_finite(&self) -> Option<f32> {
        let not_finite = |x: &f32| !x.is_finite();
        match self.said().stored() {
            Stored::Matrix(matrix) => matrix.iter().copied().find(not_finite),
            Stored::Indices(_) => None,
            Stored::Lists(labels) => match labels.cells() {
                Cells::Index(_) => None,
                Cells::Number(cells) => cells.iter().copied().find(not_finite),
            },
        }
    }

    /// What is said of each item of a sample, if these are tags: the path where there is one, else the tag of the highest
    /// score, the first of equals, and [`MISSING_CLASS`] where a score is not a number. Whoever counts, writes or shows tags asks here.
    #[must_use]
    pub fn said_tags(&self, sample: usize) -> Option<Vec<i64>> {
        let Said::Tags { scores, path, .. } = self.said() else { return None };
        if let Some(path) = path {
            let Cells::Index(tags) = path.cells() else { return None };
            return Some(tags[path.range(sample)].to_vec());
        }
        let Cells::Number(cells) = scores.cells() else { return None };
        let items = cells[scores.range(sample)].chunks(scores.item_size().max(1));
        Some(items.map(|item| highest(item.iter()).map_or(MISSING_CLASS, |tag| tag as i64)).collect())
    }
}

impl Reference {
    /// The number of samples.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.truth().stored().samples()
    }

    /// How many cells the labels have, known or not.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.truth().stored().cells()
    }
}

/// The position of the highest score, the first of equals; `None` without scores, or where one is not a number.
pub(crate) fn highest<'a>(scores: impl Iterator<Item = &'a f32>) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for (at, &score) in scores.enumerate() {
        if score.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((at, score));
        }
    }
    best.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_is_known_of_a_sample() {
        let nan = f32::NAN;
        let classes = Reference::Class(vec![0, MISSING_CLASS]);
        let labels = Reference::MultiLabel(array![[nan, 1.0], [nan, nan]]);
        let lists = Reference::Tags(Labels::lists(&[vec![MISSING_CLASS, 2], vec![MISSING_CLASS], vec![]]));
        for reference in [&classes, &labels, &lists] {
            assert_eq!([0, 1, 3].map(|row| reference.truth().knows(row)), [true, false, false], "{reference:?}");
        }
        assert!(lists.truth().knows(2), "a sample of no items is known to have none");
        assert_eq!([&classes, &labels, &lists].map(Reference::cells), [2, 4, 3]);
    }

    #[test]
    fn forms_have_axes_and_numbers() {
        let scores = array![[0.5, f32::INFINITY]];
        let class = Prediction::Class { scores, kind: Scores::Logits };
        assert_eq!((class.axes(), class.not_finite(), class.cells()), (vec![2], Some(f32::INFINITY), 2));
        let tokens = Prediction::Sequence { tokens: Labels::lists(&[vec![1, 2], vec![]]) };
        assert_eq!((tokens.axes(), tokens.batch_size(), tokens.cells(), tokens.not_finite()), (vec![-1], 2, 2, None));
        let scores = Labels::ragged(Cells::Number(vec![0.1, 0.9, f32::NAN, 0.0]), vec![0, 1, 2], &[2]).unwrap();
        let tags = Prediction::Tags { scores, kind: Scores::Probs, path: None };
        assert_eq!((tags.axes(), tags.said_tags(0), tags.said_tags(1)), (vec![-1, 2], Some(vec![1]), Some(vec![-100])));
        assert!(class.said_tags(0).is_none());
    }
}
