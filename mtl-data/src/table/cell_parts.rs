//! Cells that hold several things: members of a set, numbers of a vector.
//!
//! ```text
//! rock|pop        ['rock', 'pop']        members between separators; blanks, brackets around all and quotes around each fall away
//! 0.5 1.25 -3     [0.5, 1.25, -3]        numbers between separators; runs of blanks are one
//! ```

use super::number::Numbers;

/// What stands between separators, without what is empty.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let inside = [('[', ']'), ('(', ')'), ('{', '}')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    inside.unwrap_or(text).split(separator).map(str::trim).filter(|part| !part.is_empty())
}

/// The members of a set, each once, sorted.
pub(super) fn members(text: &str, separator: char) -> Vec<&str> {
    let bare = |part| {
        ['\'', '"'].into_iter().find_map(|mark| str::strip_prefix(part, mark)?.strip_suffix(mark)).unwrap_or(part)
    };
    let mut members: Vec<&str> = parts(text, separator).map(bare).filter(|member| !member.is_empty()).collect();
    members.sort_unstable();
    members.dedup();
    members
}

/// Appends the numbers of a vector; false where they are not so many, which appends nothing.
pub(super) fn numbers(text: &str, separator: char, length: usize, numbers: Numbers, out: &mut Vec<f64>) -> bool {
    let from = out.len();
    for part in parts(text, separator) {
        match numbers.parse(part.as_bytes()) {
            Some(number) if out.len() - from < length => out.push(number),
            _ => {
                out.truncate(from);
                return false;
            }
        }
    }
    let is_whole = out.len() - from == length;
    if !is_whole {
        out.truncate(from);
    }
    is_whole
}

/// How many numbers stand between separators; `None` where something else does.
pub(super) fn count_numbers(text: &str, separator: char, numbers: Numbers) -> Option<usize> {
    parts(text, separator).try_fold(0, |n, part| numbers.parse(part.as_bytes()).map(|_| n + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_by_hand() {
        assert_eq!(members("rock|pop| rock|", '|'), ["pop", "rock"]);
        assert_eq!(members("['rock', \"pop\"]", ','), ["pop", "rock"]);
        assert_eq!(members(" ", '|'), [""; 0]);
        assert_eq!(members("it's a", ' '), ["a", "it's"]);
        let mut out = vec![7.0];
        assert!(numbers("[0.5,  1.25, -3]", ',', 3, Numbers::PLAIN, &mut out));
        assert!(numbers(" 1  2 3 ", ' ', 3, Numbers::PLAIN, &mut out));
        for bad in ["1 2", "1 2 3 4", "1 x 3", ""] {
            assert!(!numbers(bad, ' ', 3, Numbers::PLAIN, &mut out), "{bad}");
        }
        assert_eq!(out, [7.0, 0.5, 1.25, -3.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            (count_numbers("1 2", ' ', Numbers::PLAIN), count_numbers("1 b", ' ', Numbers::PLAIN)),
            (Some(2), None)
        );
    }
}
