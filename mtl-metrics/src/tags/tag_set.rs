//! The tags of a sequence labeling task, and how they spell spans.
//!
//! A tag is a position and a type: `B-PER` begins a span of type `PER`. Two ways of reading a sequence are in use:
//!
//! * **conll**: what conlleval does. A span begins and ends wherever neighbors differ enough; every sequence means something.
//!   In BIO and IOB1 the rules are those of `conlleval.pl` (`startOfChunk`, `endOfChunk`), to the letter: an `I` after `O` or
//!   after another type begins a span, a `B` always does.
//! * **strict**: what the scheme allows. A span that does not begin (or, in BIOES, end) as it must is no span.
//!
//! | scheme | strict spans |
//! |---|---|
//! | BIO (IOB2) | `B` then `I` of the same type |
//! | BIOES | `S`, or `B`, any `I`, `E` of one type |
//! | IOB1 | `I`s of one type; `B` only to part neighbors of one type |
//!
//! **Reference** seqeval 1.2.2, mode `None` and `strict`; L. Ramshaw and M. Marcus, 1995; conlleval.
//! **Differs from** conlleval in BIOES, which it has few rules for (no `S`, no `B` after `E`): there seqeval's are taken; from seqeval
//! in nothing known; its IOB1 drops a span that a `B` of another type follows directly, and so
//! does this.

use mtl_core::{
    Error, Result,
    answer::{Position, Spelled},
};
use serde::{Deserialize, Serialize};

/// How positions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Begin, inside, outside; also called IOB2.
    Bio,
    /// With an end, and a tag for spans of one token.
    Bioes,
    /// Begin only where two spans of one type touch.
    Iob1,
}

/// How sequences are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanMode {
    /// As conlleval reads them.
    #[default]
    Conll,
    /// As the scheme allows.
    Strict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag {
    position: Position,
    kind: usize,
}

const OUTSIDE: Tag = Tag { position: Position::Outside, kind: usize::MAX };

/// A run of tokens of one type, `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First token.
    pub start: usize,
    /// One past the last token.
    pub end: usize,
    /// Position of the type in [`TagSet::types`].
    pub kind: usize,
}

/// The tags of a task, in the order of its classes.
///
/// ```
/// use mtl_metrics::tags::{Scheme, SpanMode, TagSet};
/// let tags = TagSet::new(&["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], Scheme::Bio)?;
/// assert_eq!(tags.types(), ["PER", "LOC"]);
/// // I-LOC after O: a span for conlleval, none in a strict reading.
/// assert_eq!(tags.spans(&[1, 2, 0, 4], SpanMode::Conll)?.len(), 2);
/// assert_eq!(tags.spans(&[1, 2, 0, 4], SpanMode::Strict)?.len(), 1);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    scheme: Scheme,
    names: Vec<String>,
    tags: Vec<Tag>,
    types: Vec<String>,
}

impl TagSet {
    /// Tags by class: `O`, or a position letter of the scheme, `-`, and a type. Types are numbered as they first occur.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a tag that the scheme does not have, [`Error::Duplicate`] for one given twice.
    pub fn new<S: AsRef<str>>(names: &[S], scheme: Scheme) -> Result<Self> {
        let mut set = Self { scheme, names: Vec::new(), tags: Vec::new(), types: Vec::new() };
        for name in names.iter().map(AsRef::as_ref) {
            if set.names.iter().any(|other| other == name) {
                return Err(Error::Duplicate { what: "tag", name: name.to_owned() });
            }
            let tag = set.parse(name).ok_or_else(|| Error::UnknownName {
                what: "tag",
                name: name.to_owned(),
                known: scheme
                    .letters()
                    .chars()
                    .map(|c| if c == 'O' { "O".into() } else { format!("{c}-..") })
                    .collect(),
            })?;
            set.tags.push(tag);
            set.names.push(name.to_owned());
        }
        Ok(set)
    }

    /// As [`new`](Self::new), the scheme told by the letters: BIOES where a tag ends a span or is one, else BIO. IOB1 has the
    /// letters of BIO and has to be named.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn told<S: AsRef<str>>(names: &[S]) -> Result<Self> {
        let ends = |name: &S| matches!(Spelled::read(name.as_ref()), Some(tag) if matches!(tag.position, Position::End | Position::Single));
        Self::new(names, if names.iter().any(ends) { Scheme::Bioes } else { Scheme::Bio })
    }

    fn parse(&mut self, name: &str) -> Option<Tag> {
        let Spelled { position, kind } = Spelled::read(name)?;
        if position == Position::Outside {
            return Some(OUTSIDE);
        }
        if !self.scheme.letters().contains(name.chars().next()?) {
            return None;
        }
        let known = self.types.iter().position(|other| other == kind);
        Some(Tag {
            position,
            kind: known.unwrap_or_else(|| {
                self.types.push(kind.to_owned());
                self.types.len() - 1
            }),
        })
    }

    /// The types of spans, in order of first occurrence.
    #[must_use]
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// The number of tags.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether there is no tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// The classes of tag names.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a name that is not in the set.
    pub fn classes<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<i64>> {
        let class = |name: &S| {
            let found = self.names.iter().position(|other| other == name.as_ref());
            found.map(|idx| idx as i64).ok_or_else(|| Error::UnknownName {
                what: "tag",
                name: name.as_ref().to_owned(),
                known: self.names.clone(),
            })
        };
        names.iter().map(class).collect()
    }

    /// The spans of a sequence of classes, by start.
    ///
    /// # Errors
    /// [`Error::Label`] for a class that is no tag.
    pub fn spans(&self, classes: &[i64], mode: SpanMode) -> Result<Vec<Span>> {
        let tag = |(at, &class): (usize, &i64)| {
            usize::try_from(class).ok().and_then(|class| self.tags.get(class)).copied().ok_or_else(|| Error::Label {
                task: "(unnamed)".into(),
                what: "tag",
                expected: format!("in 0..{}", self.tags.len()),
                found: class.to_string(),
                sample: at as u64,
            })
        };
        let mut tags = classes.iter().enumerate().map(tag).collect::<Result<Vec<Tag>>>()?;
        tags.push(OUTSIDE);
        Ok(match mode {
            SpanMode::Conll => conll_spans(&tags),
            SpanMode::Strict => self.scheme.spans(&tags),
        })
    }
}

/// Spans between neighbors that differ enough. The last tag is outside.
fn conll_spans(tags: &[Tag]) -> Vec<Span> {
    use Position::{Begin, End, Inside, Outside, Single};
    let (mut spans, mut begin, mut before) = (Vec::new(), 0, OUTSIDE);
    for (at, &tag) in tags.iter().enumerate() {
        let other = before.kind != tag.kind;
        let ends = match (before.position, tag.position) {
            (Outside, _) => false,
            (End | Single, _) | (Begin | Inside, Begin | Single | Outside) => true,
            _ => other,
        };
        if ends {
            spans.push(Span { start: begin, end: at, kind: before.kind });
        }
        let starts = match (before.position, tag.position) {
            (_, Outside) => false,
            (_, Begin | Single) | (End | Single | Outside, _) => true,
            _ => other,
        };
        if starts {
            begin = at;
        }
        before = tag;
    }
    spans
}

impl Scheme {
    fn letters(self) -> &'static str {
        match self {
            Self::Bio | Self::Iob1 => "OBI",
            Self::Bioes => "OBIES",
        }
    }

    fn starts(self, before: Tag, tag: Tag) -> bool {
        use Position::{Begin, Inside, Outside, Single};
        let same = before.kind == tag.kind;
        match self {
            Self::Bio => tag.position == Begin,
            Self::Bioes => matches!(tag.position, Begin | Single),
            Self::Iob1 => match (before.position, tag.position) {
                (Outside | Begin, Inside) => true,
                (Inside, Inside) => !same,
                (Inside | Begin, Begin) => same,
                _ => false,
            },
        }
    }

    fn continues(self, before: Tag, tag: Tag) -> bool {
        use Position::{Begin, End, Inside};
        let inside = tag.position == Inside || self == Self::Bioes && tag.position == End;
        matches!(before.position, Begin | Inside) && inside && before.kind == tag.kind
    }

    /// Whether a span may end between two tags, the second of which does not continue it.
    fn ends(self, before: Tag, tag: Tag) -> bool {
        use Position::{Begin, End, Single};
        match self {
            Self::Bio => true,
            Self::Bioes => matches!(before.position, End | Single),
            Self::Iob1 => !(before.position == Begin && tag.position == Begin && before.kind != tag.kind),
        }
    }

    /// Spans that are spelled as they must be. The last tag is outside.
    fn spans(self, tags: &[Tag]) -> Vec<Span> {
        let (mut spans, mut before, mut at) = (Vec::new(), OUTSIDE, 0);
        while let Some(&tag) = tags.get(at) {
            let start = at;
            let begins = self.starts(before, tag);
            before = tag;
            at += 1;
            if !begins {
                continue;
            }
            while let Some(&next) = tags.get(at).filter(|&&next| self.continues(before, next)) {
                before = next;
                at += 1;
            }
            if tags.get(at).is_some_and(|&next| self.ends(before, next)) {
                spans.push(Span { start, end: at, kind: tag.kind });
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(scheme: Scheme, mode: SpanMode, text: &str) -> String {
        let names: Vec<String> = ["O".to_owned()]
            .into_iter()
            .chain(scheme.letters()[1..].chars().flat_map(|c| ["X", "Y"].map(|kind| format!("{c}-{kind}"))))
            .collect();
        let set = TagSet::new(&names, scheme).unwrap();
        let words: Vec<&str> = text.split(' ').collect();
        let found = set.spans(&set.classes(&words).unwrap(), mode).unwrap();
        let show = |span: &Span| format!("{}{}-{}", set.types()[span.kind], span.start, span.end);
        found.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sequences_that_schemes_do_not_allow() {
        let text = "I-X I-X B-X I-Y O B-Y B-Y I-X";
        assert_eq!(spans(Scheme::Bio, SpanMode::Conll, text), "X0-2 X2-3 Y3-4 Y5-6 Y6-7 X7-8");
        assert_eq!(spans(Scheme::Bio, SpanMode::Strict, text), "X2-3 Y5-6 Y6-7");
        assert_eq!(spans(Scheme::Iob1, SpanMode::Strict, text), "X0-2 X2-3 Y3-4 Y6-7 X7-8");
        let text = "B-X E-X S-Y I-Y E-Y B-X I-X B-Y O E-Y";
        assert_eq!(spans(Scheme::Bioes, SpanMode::Strict, text), "X0-2 Y2-3");
        assert_eq!(spans(Scheme::Bioes, SpanMode::Conll, text), "X0-2 Y2-3 Y3-5 X5-7 Y7-8 Y9-10");
    }

    #[test]
    fn tags_are_checked() {
        let e = TagSet::new(&["O", "E-X"], Scheme::Bio).unwrap_err().to_string();
        assert!(e.starts_with("unknown tag \"E-X\""), "{e}");
        assert!(TagSet::new(&["O", "O"], Scheme::Bio).is_err());
        for bad in ["", "B", "B-", "-X", "OX", "\u{e9}-X", "B\u{e9}"] {
            assert!(TagSet::new(&[bad], Scheme::Bio).is_err(), "{bad}");
        }
        let set = TagSet::new(&["O", "B-X-Y"], Scheme::Bio).unwrap();
        assert_eq!(set.types(), ["X-Y"]);
        assert!(set.spans(&[0, 2], SpanMode::Conll).is_err() && set.classes(&["I-X"]).is_err());
    }
}
