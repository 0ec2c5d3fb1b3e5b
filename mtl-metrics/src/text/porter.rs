//! Porter's stemmer with NLTK's extensions: what a word of English is without its ending.
//!
//! ```text
//! a word is [C](VC)^m[V]: C, V runs of consonants and vowels; `y` after a consonant is a vowel
//! 1a plurals   1b -ed, -ing   1c -y to -i   2 -ational to -ate, ..   3 -icate to -ic, ..   4 -al, -ance, ..   5 -e, -ll
//! ```
//!
//! Each step looks for the first of its endings that the word has and replaces it if the rest is long enough (`m`).
//! What is left need not be a word: "ponies" and "pony" are both "poni".
//!
//! NLTK adds a dozen irregular words and some rules: "-ies" of four letters keeps its "e" ("dies" is "die"), "-ied" is
//! as "-ies", `y` becomes `i` after any consonant but the first letter ("enjoy" stays), a rest of a vowel and a
//! consonant is short too (so "aging" is "age"), "-alli" is looked at again as "-al", and "-fulli" and "-logi" are
//! endings.
//!
//! **Reference** M. Porter, *An algorithm for suffix stripping*, Program 14, 1980; NLTK 3.10 `PorterStemmer`, its
//! default mode, which rouge-score takes: 760 words of `tests/golden/make_text.py`.
//! **Differs from** it for words with letters beyond ASCII, which come back as they are. No crate has these rules: of the
//! 760 words `rust-stemmers` 1.2 (Snowball's English, Porter's second algorithm) stems 65 otherwise, `porter-stemmer` 0.1
//! (the first one) 81.

/// The stem of a word in lower case; letters that are not ASCII leave a word as it is.
///
/// ```
/// use mtl_metrics::text::porter_stem;
/// let stems = ["relational", "ponies", "hopping", "dying", "enjoyment"].map(porter_stem);
/// assert_eq!(stems, ["relat", "poni", "hop", "die", "enjoy"]);
/// ```
#[must_use]
pub fn porter_stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 || !word.is_ascii() {
        return word.to_owned();
    }
    let mut word = word.as_bytes().to_vec();
    plurals(&mut word);
    past_and_gerund(&mut word);
    last_y(&mut word);
    derived(&mut word);
    replace(&mut word, &STEP_3, |stem, _| measure(stem) > 0);
    replace(&mut word, &STEP_4, |stem, ending| {
        measure(stem) > 1 && (ending != "ion" || matches!(stem.last(), Some(b's' | b't')))
    });
    last_e(&mut word);
    replace(&mut word, &[("ll", "l")], |stem, _| measure(&[stem, b"l"].concat()) > 1);
    String::from_utf8_lossy(&word).into_owned()
}

/// Words that the rules would spoil, and their stems.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("inning", "inning"),
    ("innings", "inning"),
    ("outing", "outing"),
    ("outings", "outing"),
    ("canning", "canning"),
    ("cannings", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// An ending and what it becomes.
type Rule = (&'static str, &'static str);

const STEP_2: [Rule; 22] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
    ("logi", "log"),
];

const STEP_3: [Rule; 7] =
    [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

const STEP_4: [Rule; 19] = [
    ("al", ""),
    ("ance", ""),
    ("ence", ""),
    ("er", ""),
    ("ic", ""),
    ("able", ""),
    ("ible", ""),
    ("ant", ""),
    ("ement", ""),
    ("ment", ""),
    ("ent", ""),
    ("ion", ""),
    ("ou", ""),
    ("ism", ""),
    ("ate", ""),
    ("iti", ""),
    ("ous", ""),
    ("ive", ""),
    ("ize", ""),
];

/// Applies the first rule whose ending the word has, if what is left of it is `enough`; whether there was such a rule.
fn replace(word: &mut Vec<u8>, rules: &[Rule], enough: impl Fn(&[u8], &str) -> bool) -> bool {
    for (ending, new) in rules {
        if let Some(stem) = word.strip_suffix(ending.as_bytes()) {
            if enough(stem, ending) {
                word.truncate(word.len() - ending.len());
                word.extend_from_slice(new.as_bytes());
            }
            return true;
        }
    }
    false
}

/// Step 1a.
fn plurals(word: &mut Vec<u8>) {
    let new = if word.len() == 4 { "ie" } else { "i" };
    replace(word, &[("sses", "ss"), ("ies", new), ("ss", "ss"), ("s", "")], |_, _| true);
}

/// Step 1b.
fn past_and_gerund(word: &mut Vec<u8>) {
    let new = if word.len() == 4 { "ie" } else { "i" };
    if replace(word, &[("ied", new)], |_, _| true) || replace(word, &[("eed", "ee")], |stem, _| measure(stem) > 0) {
        return;
    }
    let len = word.len();
    replace(word, &[("ed", ""), ("ing", "")], |stem, _| kinds(stem).any(|consonant| !consonant));
    if word.len() == len || replace(word, &[("at", "ate"), ("bl", "ble"), ("iz", "ize")], |_, _| true) {
        return;
    }
    let double = match word.as_slice() {
        &[.., a, b] if a == b && kinds(word).last() == Some(true) => Some(b),
        _ => None,
    };
    match double {
        Some(b'l' | b's' | b'z') => {}
        Some(_) => word.truncate(word.len() - 1),
        None if measure(word) == 1 && is_short(word) => word.push(b'e'),
        None => {}
    }
}

/// Step 1c.
fn last_y(word: &mut Vec<u8>) {
    replace(word, &[("y", "i")], |stem, _| stem.len() > 1 && kinds(stem).last() == Some(true));
}

/// Step 2.
fn derived(word: &mut Vec<u8>) {
    // "-alli" leaves a word that may have an ending of this step again.
    while word.strip_suffix(b"alli").is_some_and(|stem| measure(stem) > 0) {
        replace(word, &[("alli", "al")], |_, _| true);
    }
    // For "-logi" the "l" counts as part of the rest.
    replace(word, &STEP_2, |stem, ending| match ending {
        "logi" => measure(&[stem, b"l"].concat()) > 0,
        _ => measure(stem) > 0,
    });
}

/// Step 5a.
fn last_e(word: &mut Vec<u8>) {
    replace(word, &[("e", "")], |stem, _| measure(stem) > 1 || (measure(stem) == 1 && !is_short(stem)));
}

/// Whether each letter is a consonant.
fn kinds(word: &[u8]) -> impl Iterator<Item = bool> {
    word.iter().scan(false, |last, letter| {
        *last = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !*last,
            _ => true,
        };
        Some(*last)
    })
}

/// How many times a vowel is followed by a consonant.
fn measure(word: &[u8]) -> usize {
    kinds(word).zip(kinds(word).skip(1)).filter(|pair| *pair == (false, true)).count()
}

/// Whether a word ends in consonant, vowel, consonant (not `w`, `x`, `y`), or is a vowel and a consonant.
fn is_short(word: &[u8]) -> bool {
    let start = word.len().saturating_sub(3);
    let last = kinds(word).skip(start);
    match word.len() {
        2 => last.eq([false, true]),
        _ => last.eq([true, false, true]) && !matches!(word.last(), Some(b'w' | b'x' | b'y')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_paper() {
        for (word, stem) in [
            ("caresses", "caress"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("sing", "sing"),
            ("conflated", "conflat"),
            ("falling", "fall"),
            ("filing", "file"),
            ("rational", "ration"),
            ("vietnamization", "vietnam"),
            ("electriciti", "electr"),
            ("adoption", "adopt"),
            ("controlling", "control"),
            ("oscillators", "oscil"),
        ] {
            assert_eq!(porter_stem(word), stem);
        }
    }

    #[test]
    fn what_nltk_adds() {
        for (word, stem) in
            [("dies", "die"), ("tied", "tie"), ("enjoy", "enjoy"), ("spy", "spi"), ("aging", "age"), ("news", "news")]
        {
            assert_eq!(porter_stem(word), stem);
        }
        assert_eq!(
            ["theologi", "hopefulli", "is", "na\u{ef}ve"].map(porter_stem),
            ["theolog", "hope", "is", "na\u{ef}ve"]
        );
    }

    #[test]
    fn runs_of_y_alternate() {
        assert_eq!(kinds(b"syzygy").collect::<Vec<_>>(), [true, false, true, false, true, false]);
        assert_eq!(kinds(b"yyay").collect::<Vec<_>>(), [true, false, false, true]);
        assert_eq!([b"tr".as_slice(), b"tree", b"by", b"oats", b"oaten", b"orrery"].map(measure), [0, 0, 0, 1, 2, 2]);
    }
}
