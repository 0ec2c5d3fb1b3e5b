//! The range of a number as the keywords of the schema give it: the one source for the check of files, `mtl list keys` and the page.
//!
//! A setting says its range by attributes of its field, and its comment says it again for readers of the code (a test holds both
//! together):
//!
//! ```text
//! #[schemars(range(min = 1))]                                          >= 1
//! #[schemars(extend("exclusiveMinimum" = 0.0))]                        > 0
//! #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]      in [0, 1)
//! #[schemars(inner(range(min = 1)))]                                   each item of a list >= 1
//! ```

use serde_json::Value as Json;

/// From where to where a number may be.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Bounds {
    low: Option<Bound>,
    high: Option<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound {
    value: f64,
    /// Whether the value itself is outside.
    open: bool,
}

impl Bounds {
    /// The bounds in a schema.
    pub(super) fn of(json: &Json) -> Self {
        let bound = |key: &str, open| json.get(key).and_then(Json::as_f64).map(|value| Bound { value, open });
        Self {
            low: bound("exclusiveMinimum", true).or_else(|| bound("minimum", false)),
            high: bound("exclusiveMaximum", true).or_else(|| bound("maximum", false)),
        }
    }

    /// These, or the others where there are none.
    pub(super) fn or(self, others: Self) -> Self {
        if self == Self::default() { others } else { self }
    }

    /// Whether a number lies inside; NaN does so only where there are no bounds.
    pub(super) fn hold(&self, x: f64) -> bool {
        let above = self.low.is_none_or(|low| if low.open { x > low.value } else { x >= low.value });
        above && self.high.is_none_or(|high| if high.open { x < high.value } else { x <= high.value })
    }

    /// As documents word it: `>= 1`, `in (0, 1]`; `None` without bounds.
    pub(super) fn words(&self) -> Option<String> {
        Some(match (self.low, self.high) {
            (None, None) => return None,
            (Some(low), None) => format!("{} {}", if low.open { ">" } else { ">=" }, low.value),
            (None, Some(high)) => format!("{} {}", if high.open { "<" } else { "<=" }, high.value),
            (Some(low), Some(high)) => {
                let (open, close) = (if low.open { '(' } else { '[' }, if high.open { ')' } else { ']' });
                format!("in {open}{}, {}{close}", low.value, high.value)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_hold_what_their_words_say() {
        for (schema, words, inside, outside) in [
            (json!({"minimum": 1}), ">= 1", vec![1.0, 1e300], vec![0.999, f64::NAN]),
            (json!({"exclusiveMinimum": 0.0}), "> 0", vec![1e-300, f64::INFINITY], vec![0.0, -1.0, f64::NAN]),
            (json!({"minimum": 0.0, "exclusiveMaximum": 1.0}), "in [0, 1)", vec![0.0, 0.999], vec![-0.1, 1.0]),
            (json!({"exclusiveMinimum": 0, "maximum": 0.5}), "in (0, 0.5]", vec![0.1, 0.5], vec![0.0, 0.6]),
            (json!({"maximum": 3}), "<= 3", vec![-9.0, 3.0], vec![3.1]),
        ] {
            let bounds = Bounds::of(&schema);
            assert_eq!(bounds.words().as_deref(), Some(words));
            assert!(inside.iter().all(|&x| bounds.hold(x)) && !outside.iter().any(|&x| bounds.hold(x)), "{words}");
        }
        let none = Bounds::of(&json!({"type": "number"}));
        assert!(none.words().is_none() && none.hold(f64::NAN));
        assert_eq!(none.or(Bounds::of(&json!({"minimum": 1}))).words().as_deref(), Some(">= 1"));
    }
}
