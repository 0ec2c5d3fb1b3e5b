//! The tokenizers of sacreBLEU: how a text becomes the words that n-grams are made of.
//!
//! | tokenizer | rule |
//! |---|---|
//! | `13a` | mteval-v13a: entities decoded, ASCII punctuation apart, `.` and `,` apart unless between digits |
//! | `zh` | every Chinese character by itself, the rest as `13a` |
//! | `intl` | mteval-v14: Unicode punctuation apart unless between numbers, symbols apart |
//! | `char` | every character by itself |
//! | `none` | words as they are |
//!
//! All of them end in a split at white space (Python's notion of it: `\x1c` to `\x1f` included).
//!
//! The rules were written as chains of regular expressions. Here each expression is one pass over bytes into the other of
//! two buffers, because every class they name is ASCII, and UTF-8 keeps ASCII apart; only `intl` reads characters.
//!
//! **Reference** sacreBLEU 2.6, `tokenizers/tokenizer_{13a,zh,intl,char,none}.py`.
//! **Differs from** it in nothing known but the Unicode version behind `intl`. `zh` keeps a slip of the original: two
//! ranges meant for the planes beyond U+FFFF are written with four-digit escapes, so that U+2001..U+2A6D (dashes, quotes,
//! arrows) count as Chinese, and the characters beyond U+FFFF do not.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::words::{is_space, space_len};

/// How a text is cut into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Tokenizer {
    /// Words as they are.
    #[serde(rename = "none")]
    None,
    /// mteval-v13a, what "BLEU" means without further words.
    #[default]
    #[serde(rename = "13a")]
    V13a,
    /// Chinese characters by themselves, the rest as `13a`.
    #[serde(rename = "zh")]
    Zh,
    /// mteval-v14, by Unicode categories.
    #[serde(rename = "intl")]
    Intl,
    /// Every character by itself.
    #[serde(rename = "char")]
    Char,
}

impl Tokenizer {
    /// Every tokenizer.
    pub const ALL: [Self; 5] = [Self::None, Self::V13a, Self::Zh, Self::Intl, Self::Char];

    /// sacreBLEU's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::V13a => "13a",
            Self::Zh => "zh",
            Self::Intl => "intl",
            Self::Char => "char",
        }
    }

    /// The tokens of a text.
    ///
    /// ```
    /// use mtl_metrics::text::Tokenizer;
    /// assert_eq!(Tokenizer::V13a.tokens("It costs $1,000.50, &quot;all-in&quot;."),
    ///            ["It", "costs", "$", "1,000.50", ",", "\"", "all-in", "\"", "."]);
    /// ```
    #[must_use]
    pub fn tokens(self, text: &str) -> Vec<String> {
        let mut buffers = Buffers::default();
        let mut tokens = Vec::new();
        self.for_each_token(text, &mut buffers, |token| tokens.push(String::from_utf8_lossy(token).into_owned()));
        tokens
    }

    /// Calls `use_token` with the bytes of every token, in order.
    pub(crate) fn for_each_token(self, text: &str, buffers: &mut Buffers, use_token: impl FnMut(&[u8])) {
        let text = text.trim_end_matches(is_space);
        match self {
            Self::None => split(text.as_bytes(), use_token),
            Self::Char => chars(text, use_token),
            Self::V13a => {
                buffers.prepare_13a(text);
                buffers.separate_western();
                split(&buffers.front, use_token);
            }
            Self::Zh => {
                buffers.prepare_zh(text);
                buffers.separate_western();
                split(&buffers.front, use_token);
            }
            Self::Intl => split(separate_international(text).as_bytes(), use_token),
        }
    }
}

impl std::str::FromStr for Tokenizer {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name).ok_or_else(|| Error::UnknownName {
            what: "tokenizer",
            name: name.to_owned(),
            known: Self::ALL.iter().map(|t| t.name().to_owned()).collect(),
        })
    }
}

/// Room for the passes, kept from text to text.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    front: Vec<u8>,
    back: Vec<u8>,
}

impl Buffers {
    /// What v13a does before it looks at punctuation.
    fn prepare_13a(&mut self, text: &str) {
        self.front.clear();
        self.front.push(b' ');
        if text.contains(['<', '\n', '&']) {
            let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
            let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
            self.front.extend_from_slice(text.as_bytes());
        } else {
            self.front.extend_from_slice(text.as_bytes());
        }
        self.front.push(b' ');
    }

    fn prepare_zh(&mut self, text: &str) {
        self.front.clear();
        for c in text.trim_matches(is_space).chars() {
            let chinese = is_chinese(c);
            if chinese {
                self.front.push(b' ');
            }
            self.front.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            if chinese {
                self.front.push(b' ');
            }
        }
    }

    /// The text of the passes so far, to be changed by other means between two of them.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.front
    }

    /// The four rules for Western punctuation, one pass each.
    fn separate_western(&mut self) {
        self.separate_signs();
        self.separate_points();
    }

    /// The first rule: signs other than `.`, `,`, `-` and `'`.
    pub(super) fn separate_signs(&mut self) {
        self.singles(is_punctuation);
    }

    /// The other rules: points and commas unless between digits, dashes after digits.
    pub(super) fn separate_points(&mut self) {
        self.pairs(|a, b| (!a.is_ascii_digit() && is_point(b)).then_some([None, Some(b' '), Some(b' ')]));
        self.pairs(|a, b| (is_point(a) && !b.is_ascii_digit()).then_some([Some(b' '), Some(b' '), None]));
        self.pairs(|a, b| (a.is_ascii_digit() && b == b'-').then_some([None, Some(b' '), Some(b' ')]));
    }

    /// Puts blanks around single bytes.
    fn singles(&mut self, rule: impl Fn(u8) -> bool) {
        self.back.clear();
        for &byte in &self.front {
            if rule(byte) {
                self.back.extend_from_slice(&[b' ', byte, b' ']);
            } else {
                self.back.push(byte);
            }
        }
        std::mem::swap(&mut self.front, &mut self.back);
    }

    /// Puts blanks before, between and after pairs of neighbors; as in a regular expression, pairs do not overlap.
    fn pairs(&mut self, rule: impl Fn(u8, u8) -> Option<[Option<u8>; 3]>) {
        self.back.clear();
        let mut idx = 0;
        while let Some(&a) = self.front.get(idx) {
            let found = self.front.get(idx + 1).and_then(|&b| rule(a, b).map(|blanks| (b, blanks)));
            match found {
                Some((b, [before, between, after])) => {
                    self.back.extend(before);
                    self.back.push(a);
                    self.back.extend(between);
                    self.back.push(b);
                    self.back.extend(after);
                    idx += 2;
                }
                None => {
                    self.back.push(a);
                    idx += 1;
                }
            }
        }
        std::mem::swap(&mut self.front, &mut self.back);
    }
}

/// `{`..`~`, `[`..`` ` ``, blank..`&`, `(`..`+`, `:`..`@` and `/`.
fn is_punctuation(byte: u8) -> bool {
    matches!(byte, b'{'..=b'~' | b'['..=b'`' | b' '..=b'&' | b'('..=b'+' | b':'..=b'@' | b'/')
}

fn is_point(byte: u8) -> bool {
    matches!(byte, b'.' | b',')
}

/// Splits at white space.
pub(super) fn split(text: &[u8], mut use_token: impl FnMut(&[u8])) {
    let (mut start, mut idx) = (0, 0);
    while idx < text.len() {
        match space_len(&text[idx..]) {
            0 => idx += 1,
            len => {
                if idx > start {
                    use_token(&text[start..idx]);
                }
                idx += len;
                start = idx;
            }
        }
    }
    if text.len() > start {
        use_token(&text[start..]);
    }
}

fn chars(text: &str, mut use_token: impl FnMut(&[u8])) {
    for c in text.chars().filter(|&c| !is_space(c)) {
        use_token(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x3400..=0x4db5 | 0x4e00..=0x9fbb | 0xf900..=0xfa2d | 0xfa30..=0xfa6a | 0xfa70..=0xfad9
        | 0x2001..=0x2a6d | 0x2f81..=0x2fa1 | 0xff00..=0xffef | 0x2e80..=0x2eff | 0x3000..=0x303f
        | 0x31c0..=0x31ef | 0x2f00..=0x2fdf | 0x2ff0..=0x2fff | 0x3100..=0x312f | 0x31a0..=0x31bf
        | 0xfe10..=0xfe1f | 0xfe30..=0xfe4f | 0x3200..=0x33ff)
}

/// The three rules of mteval-v14, one pass each.
fn separate_international(text: &str) -> String {
    let is = |group| move |c: char| c.general_category_group() == group;
    let (number, punctuation) = (is(GeneralCategoryGroup::Number), is(GeneralCategoryGroup::Punctuation));
    let symbol = is(GeneralCategoryGroup::Symbol);
    let after_no_number = char_pairs(text, |a, b| (!number(a) && punctuation(b)).then_some(["", " ", " "]));
    let before_no_number =
        char_pairs(&after_no_number, |a, b| (punctuation(a) && !number(b)).then_some([" ", " ", ""]));
    let mut out = String::with_capacity(before_no_number.len());
    for c in before_no_number.chars() {
        if symbol(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

fn char_pairs(text: &str, rule: impl Fn(char, char) -> Option<[&'static str; 3]>) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut rest = text.chars().peekable();
    while let Some(a) = rest.next() {
        match rest.peek().and_then(|&b| rule(a, b).map(|blanks| (b, blanks))) {
            Some((b, [before, between, after])) => {
                rest.next();
                out.push_str(before);
                out.push(a);
                out.push_str(between);
                out.push(b);
                out.push_str(after);
            }
            None => out.push(a),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_dashes_between_digits() {
        let tokens = |text| Tokenizer::V13a.tokens(text).join(" ");
        assert_eq!(tokens("1.5, 2-3 a-b x.y 3.z .4"), "1.5 , 2 - 3 a-b x . y 3 . z . 4");
        assert_eq!(tokens("..."), ". . .");
        assert_eq!(tokens("a<skipped>b-\nc\nd &lt;e&gt; &amp;quot;"), "abc d < e > & quot ;");
        assert_eq!(tokens("  "), "");
        assert_eq!(tokens("\u{a0}x\u{3000}y\x1fz"), "x y z");
    }

    #[test]
    fn the_other_tokenizers() {
        assert_eq!(Tokenizer::Zh.tokens("\u{4f60}\u{597d}, a.b"), ["\u{4f60}", "\u{597d}", ",", "a", ".", "b"]);
        assert_eq!(Tokenizer::Zh.tokens("a\u{2014}b \u{20000}c"), ["a", "\u{2014}", "b", "\u{20000}c"]);
        assert_eq!(Tokenizer::Char.tokens("a \u{e9}b"), ["a", "\u{e9}", "b"]);
        assert_eq!(Tokenizer::None.tokens(" a, b. "), ["a,", "b."]);
        assert_eq!(
            Tokenizer::Intl.tokens("\u{ab}1,5\u{20ac}\u{bb}, ok."),
            ["\u{ab}1,5", "\u{20ac}", "\u{bb}", ",", "ok", "."]
        );
        assert_eq!("13a".parse::<Tokenizer>().unwrap(), Tokenizer::V13a);
        assert!("14a".parse::<Tokenizer>().is_err());
    }
}
