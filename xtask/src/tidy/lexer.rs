//! Rust source with comments and literals blanked out.
//!
//! Rules about code must not trip over words in documentation or strings. [`code_only`] replaces the
//! inside of comments, strings and characters by blanks and keeps every line break, so that line
//! numbers stay right. It knows nested comments, raw strings and lifetimes; it is no full lexer.

/// The code of `source`, everything else blank.
pub(super) fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end > at {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Where the comment or literal that starts at `at` ends; `at` itself if none starts there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |c| c == '\n'),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at),
        'r' if !continues_a_word(chars, at) => raw_string_end(chars, at),
        '\'' => char_end(chars, at),
        _ => at,
    }
}

fn find(chars: &[char], from: usize, is_end: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| is_end(*c)).map_or(chars.len(), |offset| from + offset)
}

fn continues_a_word(chars: &[char], at: usize) -> bool {
    // `br"..."` starts with its own letter; any other letter before makes `r` part of a name.
    let previous = at.checked_sub(1).map(|before| chars[before]);
    previous.is_some_and(|c| c != 'b' && (c.is_alphanumeric() || c == '_'))
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut here) = (0, at);
    while here < chars.len() {
        match (chars[here], chars.get(here + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                here += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                here += 2;
                if depth == 0 {
                    return here;
                }
            }
            _ => here += 1,
        }
    }
    here
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < chars.len() {
        match chars[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], at: usize) -> usize {
    let quote = find(chars, at + 1, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return at;
    }
    let hashes = quote - at - 1;
    let mut here = quote + 1;
    while here < chars.len() {
        let closes =
            chars[here] == '"' && chars[here + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        if closes {
            return here + 1 + hashes;
        }
        here += 1;
    }
    chars.len()
}

/// A character literal is closed within a few characters; a lifetime is not.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), Some(_)) => (find(chars, at + 3, |c| c == '\'') + 1).min(chars.len()),
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(source: &str) -> String {
        code_only(source).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_in_comments_and_literals_vanish() {
        assert_eq!(squeezed("a // print\nb /* x /* y */ z */ c"), "a b c");
        assert_eq!(squeezed(r#"a("pr\"int") b"#), "a( ) b");
        assert_eq!(squeezed("a(r#\"x\"y\"#, br\"z\") d"), "a( , b ) d");
        assert_eq!(squeezed(r"m('\'', '\u{7f}', 'x') n"), "m( , , ) n");
    }

    #[test]
    fn lifetimes_and_names_stay() {
        let code = "fn f<'a>(x: &'a str, r: r#type, bar: u8) -> &'static str { x }";
        assert_eq!(code_only(code), code);
    }

    #[test]
    fn line_numbers_stay() {
        let source = "a /*\n\n*/ b \"x\ny\" c\n// end";
        assert_eq!(code_only(source).lines().count(), source.lines().count());
        assert!(code_only(source).lines().nth(2).unwrap().contains('b'));
    }

    #[test]
    fn unfinished_literals_end_with_the_file() {
        for source in ["\"abc", "/* abc", "r#\"abc", "\"\\", "//", "r", "'", "'\\"] {
            let code = code_only(source);
            assert_eq!(code.chars().count(), source.chars().count(), "{source:?}");
            assert!(!code.contains("abc"), "{source:?}");
        }
    }
}
