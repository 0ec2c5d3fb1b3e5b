//! From a path to the bytes where it stands in the file, and from bytes to the line with a caret under them.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::path::{KeyPath, Step};

/// What of an entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Its name.
    Key,
    /// What it is set to.
    Value,
}

/// The bytes where `path` stands; for a path that is not in the file, where the innermost table around it has its name.
/// `None` when nothing of it is in the file.
pub(super) fn find(table: &DeTable<'_>, path: &KeyPath, at: At) -> Option<Range<usize>> {
    let (first, rest) = path.steps().split_first()?;
    let Step::Key(name) = first else { return None };
    let (mut key, mut value) = entry(table, name)?;
    for step in rest {
        let next = match (step, value.get_ref()) {
            (Step::Key(name), DeValue::Table(table)) => entry(table, name),
            (Step::Item(item), DeValue::Array(items)) => items.get(*item).map(|v| (v.span(), v)),
            _ => None,
        };
        match next {
            Some(next) => (key, value) = next,
            None => return Some(key),
        }
    }
    Some(if at == At::Key { key } else { value.span() })
}

fn entry<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'i>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, value)| (key.span(), value))
}

/// The number, from 1, of the line that byte `at` is in.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

/// The line that `span` starts in, with carets under it:
///
/// ```text
///    |
/// 19 | bacth_size = 4
///    | ^^^^^^^^^^
/// ```
/// Starts with a line end, has none at its end.
pub(super) fn excerpt(text: &str, span: &Range<usize>) -> String {
    let start = floor_boundary(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let number = line_of(text, start).to_string();
    let before = start - line_start;
    let length = span.end.saturating_sub(start).clamp(1, line.len().saturating_sub(before).max(1));
    // Columns, not bytes; tabs stay tabs so that the carets stand under what they mark.
    let pad: String = line.chars().take(count(line, before)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let marked = line.get(before..floor_boundary(line, before + length)).unwrap_or_default();
    let carets = "^".repeat(marked.chars().count().max(1));
    let margin = " ".repeat(number.len());
    format!("\n{margin} |\n{number} | {line}\n{margin} | {pad}{carets}")
}

fn count(line: &str, bytes: usize) -> usize {
    line.char_indices().take_while(|(at, _)| *at < bytes).count()
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[data.schema]\nname = \"é\"\n\n[train]\n\toptimizer = { kind = \"sgd\", lrr = 1 }\n[[task]]\nname = \"a\"\n[[task]]\nname = \"b\"\n";

    fn marked(path: &str, at: At) -> Option<(usize, &'static str)> {
        let table = DeTable::parse(TEXT).unwrap();
        let span = find(table.get_ref(), &path.parse().unwrap(), at)?;
        Some((line_of(TEXT, span.start), &TEXT[span]))
    }

    #[test]
    fn every_form_of_a_key_is_found() {
        assert_eq!(marked("data", At::Key), Some((1, "data")));
        assert_eq!(marked("data.schema", At::Key), Some((1, "schema")));
        assert_eq!(marked("data.schema.name", At::Value), Some((2, "\"é\"")));
        assert_eq!(marked("train.optimizer.lrr", At::Key), Some((5, "lrr")));
        assert_eq!(marked("train.optimizer.kind", At::Value), Some((5, "\"sgd\"")));
        assert_eq!(marked("train.optimizer.nesterov", At::Value), Some((5, "optimizer")));
        assert_eq!(marked("task[1].name", At::Value), Some((9, "\"b\"")));
        assert_eq!(marked("device.kind", At::Value), None);
    }

    #[test]
    fn carets_stand_under_what_they_mark() {
        let at = |found: &str| {
            let start = TEXT.find(found).unwrap();
            excerpt(TEXT, &(start..start + found.len()))
        };
        assert_eq!(at("\"é\""), "\n  |\n2 | name = \"é\"\n  |        ^^^");
        assert_eq!(
            at("lrr"),
            "\n  |\n5 | \toptimizer = { kind = \"sgd\", lrr = 1 }\n  | \t                            ^^^"
        );
        assert!(excerpt(TEXT, &(TEXT.len()..TEXT.len())).ends_with('^'));
        assert!(excerpt("é", &(1..2)).ends_with("| ^"));
    }
}
