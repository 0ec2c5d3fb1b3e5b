//! Texts whose words have tags: what is right of each, and what was said in its place.
//!
//! A word's outcome is told three times: by a word, by the line below the word, and by color, so that it survives a gray printer and
//! color blindness. Words that have no tag and were given none stand as they are: they are most of a text.

use serde::Serialize;

use super::markup::{element, leaf};

/// Tagged texts under one another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TaggedText {
    /// The line above.
    pub title: String,
    /// The texts.
    pub texts: Vec<TaggedLine>,
    /// What to say below; may be empty.
    pub caption: String,
}

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TaggedLine {
    /// Its name: a sample's id.
    pub name: String,
    /// Its words.
    pub words: Vec<TaggedWord>,
}

/// A word with its tags.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TaggedWord {
    /// The word.
    pub text: String,
    /// What is right; `None` where it is not known.
    pub truth: Option<String>,
    /// What was said.
    pub said: String,
}

/// The tag of words that belong to nothing.
const OUTSIDE: &str = "O";

/// How a word came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The tag is right.
    Right,
    /// There is a tag, and none was said.
    Missed,
    /// There is none, and one was said.
    Invented,
    /// Another tag was said.
    Confused,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Right, Self::Missed, Self::Invented, Self::Confused];

    /// `None` for a word without a tag to which none was said, and where the truth is not known.
    fn of(word: &TaggedWord) -> Option<Self> {
        let truth = word.truth.as_deref()?;
        match (truth == OUTSIDE, word.said == OUTSIDE) {
            (true, true) => None,
            (true, false) => Some(Self::Invented),
            (false, true) => Some(Self::Missed),
            (false, false) if truth == word.said => Some(Self::Right),
            (false, false) => Some(Self::Confused),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Missed => "missed",
            Self::Invented => "invented",
            Self::Confused => "confused",
        }
    }

    /// What the line of a legend says.
    fn meaning(self) -> &'static str {
        match self {
            Self::Right => "right: the tag that was said",
            Self::Missed => "missed: a tag that was not said",
            Self::Invented => "invented: a tag where there is none",
            Self::Confused => "confused: another tag was said",
        }
    }
}

impl TaggedWord {
    /// What stands below the word; nothing for a word that has no tag and was given none.
    fn remark(&self) -> Option<String> {
        let truth = self.truth.as_deref().unwrap_or_default();
        Some(match Outcome::of(self) {
            Some(Outcome::Right) => self.said.clone(),
            Some(Outcome::Missed) => format!("missed {truth}"),
            Some(Outcome::Invented) => format!("invented {}", self.said),
            Some(Outcome::Confused) => format!("confused {truth} with {}", self.said),
            None if self.truth.is_none() && self.said != OUTSIDE => format!("{} (truth not known)", self.said),
            None => return None,
        })
    }
}

impl TaggedText {
    /// Appends the texts as HTML.
    pub fn render(&self, out: &mut String) {
        element(out, "figure", &[], |out| {
            if !self.title.is_empty() {
                leaf(out, "figcaption", &[], &self.title);
            }
            if self.texts.is_empty() {
                leaf(out, "p", &[("class", &"no-data")], "no data");
            } else {
                self.legend(out);
                self.texts.iter().for_each(|line| line.render(out));
            }
            if !self.caption.is_empty() {
                leaf(out, "p", &[("class", &"caption")], &self.caption);
            }
        });
    }

    /// The outcomes that occur.
    fn legend(&self, out: &mut String) {
        let words = || self.texts.iter().flat_map(|line| &line.words);
        element(out, "ul", &[("class", &"legend")], |out| {
            for outcome in Outcome::ALL.into_iter().filter(|o| words().any(|word| Outcome::of(word) == Some(*o))) {
                element(out, "li", &[], |out| {
                    leaf(out, "span", &[("class", &format!("word {}", outcome.name()))], outcome.meaning());
                });
            }
        });
    }
}

impl TaggedLine {
    fn render(&self, out: &mut String) {
        element(out, "p", &[("class", &"tagged")], |out| {
            if !self.name.is_empty() {
                leaf(out, "span", &[("class", &"name")], &self.name);
            }
            for word in &self.words {
                out.push(' ');
                let class = Outcome::of(word).map_or_else(|| "word".to_owned(), |o| format!("word {}", o.name()));
                element(out, "span", &[("class", &class)], |out| {
                    leaf(out, "span", &[], &word.text);
                    if let Some(remark) = word.remark() {
                        out.push(' ');
                        leaf(out, "small", &[], &remark);
                    }
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, truth: Option<&str>, said: &str) -> TaggedWord {
        TaggedWord { text: text.into(), truth: truth.map(str::to_owned), said: said.into() }
    }

    fn rendered(words: Vec<TaggedWord>) -> String {
        let line = TaggedLine { name: "7".into(), words };
        let mut out = String::new();
        TaggedText { title: "Worst".into(), texts: vec![line], caption: String::new() }.render(&mut out);
        out
    }

    #[test]
    fn each_outcome_is_said_in_words() {
        let html = rendered(vec![
            word("fly", Some("O"), "O"),
            word("<to>", Some("O"), "B-city"),
            word("new", Some("B-city"), "B-city"),
            word("york", Some("I-city"), "O"),
            word("today", Some("B-day"), "B-city"),
            word("or", None, "B-day"),
        ]);
        for part in [
            r#"<span class="word"><span>fly</span></span>"#,
            r#"<span class="word invented"><span>&lt;to&gt;</span> <small>invented B-city</small></span>"#,
            r#"<span class="word right"><span>new</span> <small>B-city</small></span>"#,
            r#"<span class="word missed"><span>york</span> <small>missed I-city</small></span>"#,
            r#"<span class="word confused"><span>today</span> <small>confused B-day with B-city</small></span>"#,
            r#"<small>B-day (truth not known)</small>"#,
            "missed: a tag that was not said",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn the_legend_names_what_occurs_and_nothing_else() {
        let html = rendered(vec![word("a", Some("B"), "B")]);
        assert!(html.contains("right: the tag") && !html.contains("missed:"), "{html}");
        let mut out = String::new();
        TaggedText::default().render(&mut out);
        assert!(out.contains("no data"), "{out}");
    }
}
