//! Fields of a table that hold numbers: `[b, n]` of a float kind, scaled as preprocessing says.

use serde::{Deserialize, Serialize};

use super::{Cells, Layout, Length, ModalityKind, Numbers, check};
use crate::error::Result;

/// Numeric fields, in column order; at least one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numeric {
    /// Their names.
    pub names: Vec<String>,
    /// For each field, where its numbers lie: edges of bins that hold about equally many samples of the training split, in the
    /// scale that the network sees, ascending and distinct; one for a field that never changes, none where no number was known.
    /// Empty where the data set says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Vec<f32>>,
}

impl Numeric {
    /// Fields of which nothing but the names is known.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        Self { names, edges: Vec::new() }
    }

    /// With the edges of each field's bins, in the order of the names.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) for another number of fields, or edges that do not ascend.
    pub fn with_edges(self, edges: Vec<Vec<f32>>) -> Result<Self> {
        let with = Self { edges, ..self };
        with.check_edges("numeric")?;
        Ok(with)
    }

    fn check_edges(&self, input: &str) -> Result<()> {
        if !self.edges.is_empty() && self.edges.len() != self.names.len() {
            let (expected, found) = (self.names.len().to_string(), self.edges.len().to_string());
            return check::refuse(input, "edges of bins", format!("one list a field, {expected}"), found);
        }
        let ascend = |edges: &[f32]| edges.iter().all(|x| x.is_finite()) && edges.is_sorted_by(|a, b| a < b);
        match self.names.iter().zip(&self.edges).find(|(_, edges)| !ascend(edges)) {
            Some((name, edges)) => {
                let expected = format!("finite and ascending in field {name}");
                check::refuse(input, "edges of bins", expected, format!("{edges:?}"))
            }
            None => Ok(()),
        }
    }

    /// The fields of two sources under one name, if they are the same; edges only where both learned the same, since each source
    /// has a scale of its own.
    pub(super) fn joined(&self, other: &Self) -> Option<Self> {
        let edges = if self.edges == other.edges { self.edges.clone() } else { Vec::new() };
        (self.names == other.names).then(|| Self { names: self.names.clone(), edges })
    }
}

impl ModalityKind for Numeric {
    fn describe(&self) -> String {
        match self.names.len() {
            1 => "1 numeric field".into(),
            n => format!("{n} numeric fields"),
        }
    }

    fn meaning(&self) -> String {
        format!("scaled numbers, one column each: {}", self.names.join(", "))
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: vec![Length::Fixed(self.names.len() as i64)] }
    }

    fn validate(&self, input: &str) -> Result<()> {
        check::sizes(input, &self.layout())?;
        self.check_edges(input)
    }

    fn cells(&self) -> Cells<'_> {
        Cells::Numbers(&self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_of_the_fields_and_ascend() {
        let fields = || Numeric::new(vec!["age".into(), "wage".into()]);
        let with = |edges: &[&[f32]]| fields().with_edges(edges.iter().map(|edges| edges.to_vec()).collect());
        let known = with(&[&[-1.0, 0.5], &[]]).unwrap();
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Numeric>(&text).unwrap(), known);
        // As earlier versions wrote it, and still is where nothing is known.
        assert_eq!(serde_json::to_string(&fields()).unwrap(), r#"{"names":["age","wage"]}"#);
        let refusal = |edges: &[&[f32]]| with(edges).unwrap_err().to_string();
        assert_eq!(refusal(&[&[1.0]]), "input numeric: edges of bins must be one list a field, 2, found 1");
        let expected = "input numeric: edges of bins must be finite and ascending in field wage, found [1.0, 1.0]";
        assert_eq!(refusal(&[&[0.0], &[1.0, 1.0]]), expected);
        assert!(with(&[&[0.0], &[f32::NAN]]).is_err());
        assert_eq!(known.joined(&fields()), Some(fields()));
        assert_eq!(known.joined(&known), Some(known.clone()));
        assert_eq!(known.joined(&Numeric::new(vec!["age".into()])), None);
    }
}
