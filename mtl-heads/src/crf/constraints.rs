//! Which tags may follow which, by what they spell.
//!
//! | tags | rule |
//! |---|---|
//! | BIO | `I-x` only after `B-x` or `I-x`, and not first |
//! | BIOES (a tag has `E` or `S`) | after `B-x`, `I-x` only `I-x`, `E-x`, and not last; these two after no other, and not first |

use mtl_core::{
    Error, Result,
    answer::{Position, Spelled, Tags},
};
use serde::{Deserialize, Serialize};

/// What an answer may not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrfConstraints {
    /// Nothing is ruled out but by what was learned.
    #[default]
    None,
    /// Spans that do not begin, or in BIOES end, as they must.
    Iob,
}

/// Scores of 0 where something is allowed, minus infinity where it is not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rules {
    pub(super) start: Vec<f64>,
    /// `[from, to]`.
    pub(super) step: Vec<f64>,
    pub(super) end: Vec<f64>,
}

impl CrfConstraints {
    /// The rules for these tags; `None` where nothing is ruled out.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for tags that spell no spans, or that allow no sequence of any length.
    pub(super) fn rules(self, tags: &Tags) -> Result<Option<Rules>> {
        if self == Self::None {
            return Ok(None);
        }
        let refuse = |expected: &str| {
            let found = format!("\"iob\" for {}", tags.tags.iter().take(6).cloned().collect::<Vec<_>>().join(", "));
            Err(Error::InvalidConfig { what: "crf head", field: "constraints", expected: expected.into(), found })
        };
        let Some(spelled) = tags.spelled() else {
            return refuse("\"none\", since the tags spell no spans (O, B-.., I-..)");
        };
        let has = |position: Position| spelled.iter().any(|tag| tag.position == position);
        let bioes = has(Position::End) || has(Position::Single);
        let lasting = if bioes {
            has(Position::Outside) || has(Position::Single)
        } else {
            has(Position::Outside) || has(Position::Begin)
        };
        if !lasting {
            return refuse("\"none\", since no sequence of these tags keeps the rules");
        }
        let goes_on = |tag: &Spelled<'_>| matches!(tag.position, Position::Inside | Position::End);
        let is_open = |tag: &Spelled<'_>| matches!(tag.position, Position::Begin | Position::Inside);
        let follows =
            |from: &Spelled<'_>, to: &Spelled<'_>| match (bioes, is_open(from) && from.kind == to.kind, goes_on(to)) {
                (_, open, true) => open,
                (false, _, false) => true,
                (true, _, false) => !is_open(from),
            };
        let score = |allowed: bool| if allowed { 0.0 } else { f64::NEG_INFINITY };
        Ok(Some(Rules {
            start: spelled.iter().map(|tag| score(!goes_on(tag))).collect(),
            step: spelled.iter().flat_map(|from| spelled.iter().map(move |to| score(follows(from, to)))).collect(),
            end: spelled.iter().map(|tag| score(!(bioes && is_open(tag)))).collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(names: &[&str]) -> Result<Option<Rules>> {
        CrfConstraints::Iob.rules(&Tags { tags: names.iter().map(|&n| n.to_owned()).collect() })
    }

    fn allowed(scores: &[f64]) -> Vec<bool> {
        scores.iter().map(|score| score.is_finite()).collect()
    }

    #[test]
    fn what_may_follow_what() {
        let bio = rules(&["O", "B-x", "I-x", "I-y"]).unwrap().unwrap();
        assert_eq!(allowed(&bio.start), [true, true, false, false]);
        assert_eq!(allowed(&bio.end), [true; 4]);
        let rows: Vec<Vec<bool>> = bio.step.chunks(4).map(allowed).collect();
        assert_eq!(rows[0], [true, true, false, false]);
        assert_eq!((&rows[1], &rows[2]), (&vec![true, true, true, false], &vec![true, true, true, false]));
        assert_eq!(rows[3], [true, true, false, true]);
        let bioes = rules(&["O", "B-x", "E-x", "S-x"]).unwrap().unwrap();
        assert_eq!(
            (allowed(&bioes.start), allowed(&bioes.end)),
            (vec![true, true, false, true], vec![true, false, true, true])
        );
        let rows: Vec<Vec<bool>> = bioes.step.chunks(4).map(allowed).collect();
        assert_eq!((&rows[1], &rows[2]), (&vec![false, false, true, false], &vec![true, true, false, true]));
    }

    #[test]
    fn tags_without_rules_are_refused() {
        assert!(rules(&["NOUN", "VERB"]).unwrap_err().to_string().contains("found \"iob\" for NOUN, VERB"));
        assert!(rules(&["I-x", "I-y"]).unwrap_err().to_string().contains("no sequence of these tags"));
        assert_eq!(CrfConstraints::None.rules(&Tags { tags: vec!["NOUN".into()] }).unwrap(), None);
    }
}
