//! How tags spell spans: a position and a type, `B-PER` begins a span of type `PER`.
//!
//! | letter | position | in |
//! |---|---|---|
//! | `O` | outside of every span; it has no type | all schemes |
//! | `B-..` | begins a span | BIO (IOB2), BIOES; in IOB1 only where two spans of one type touch |
//! | `I-..` | inside of one | BIO, BIOES, IOB1 |
//! | `E-..`, `S-..` | its end, a span of one item | BIOES |
//!
//! Metrics of spans read tags so, and a chain of tags takes from it which may follow which.

use super::Tags;

/// Where in a span an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// In none.
    Outside,
    /// At its begin.
    Begin,
    /// In it.
    Inside,
    /// At its end.
    End,
    /// It is all of it.
    Single,
}

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelled<'a> {
    /// Where in a span.
    pub position: Position,
    /// The type of the span; empty outside.
    pub kind: &'a str,
}

impl<'a> Spelled<'a> {
    /// Reads a tag; `None` for one that is not spelled so.
    ///
    /// ```
    /// use mtl_core::answer::{Position, Spelled};
    /// let tag = Spelled::read("I-from-city");
    /// assert_eq!(tag, Some(Spelled { position: Position::Inside, kind: "from-city" }));
    /// assert_eq!((Spelled::read("NOUN"), Spelled::read("B-")), (None, None));
    /// ```
    #[must_use]
    pub fn read(tag: &'a str) -> Option<Self> {
        if tag == "O" {
            return Some(Self { position: Position::Outside, kind: "" });
        }
        let (letter, kind) = tag.split_once('-')?;
        let position = match letter {
            "B" => Position::Begin,
            "I" => Position::Inside,
            "E" => Position::End,
            "S" => Position::Single,
            _ => return None,
        };
        (!kind.is_empty()).then_some(Self { position, kind })
    }
}

impl Tags {
    /// What every tag says; `None` unless all of them spell spans, and at least one is inside of a span.
    #[must_use]
    pub fn spelled(&self) -> Option<Vec<Spelled<'_>>> {
        let spelled: Vec<Spelled<'_>> = self.tags.iter().map(|tag| Spelled::read(tag)).collect::<Option<_>>()?;
        spelled.iter().any(|tag| tag.position != Position::Outside).then_some(spelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_spell_spans_all_or_none() {
        let of = |tags: &[&str]| Tags { tags: tags.iter().map(|&t| t.to_owned()).collect() };
        let tags = of(&["O", "B-a-b", "S-x"]);
        let read = tags.spelled().unwrap();
        assert_eq!((read[1].kind, read[2].position), ("a-b", Position::Single));
        for other in [&["O"] as &[&str], &["O", "NOUN"], &["B"], &["B-"], &["X-a"], &["\u{e9}-X"], &["OX"], &[""]] {
            assert!(of(other).spelled().is_none(), "{other:?}");
        }
    }
}
