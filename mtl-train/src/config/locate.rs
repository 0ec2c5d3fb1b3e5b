//! From "what is wrong" to "where in the file, and what was probably meant".

use std::path::Path;

use crate::error::Error;

/// Finds lines in the text of a configuration file.
#[derive(Debug)]
pub(super) struct Locator<'a> {
    text: &'a str,
    path: &'a Path,
}

impl<'a> Locator<'a> {
    pub(super) fn new(text: &'a str, path: &'a Path) -> Self {
        Self { text, path }
    }

    /// The text is no TOML.
    pub(super) fn syntax(&self, e: &toml::de::Error) -> Error {
        let line = e.span().map_or(1, |span| self.line_at(span.start));
        self.error(line, e.message().lines().collect::<Vec<_>>().join(", "))
    }

    /// A section that does not exist.
    pub(super) fn unknown_section(&self, name: &str, known: &[&str]) -> Error {
        let line = self.section_line(name).or_else(|| self.key_line(None, name)).unwrap_or(1);
        let hint = nearest(name, known.iter().copied()).map(|n| format!(", did you mean {n:?}?")).unwrap_or_default();
        self.error(line, format!("unknown section {name:?}, expected one of {}{hint}", known.join(", ")))
    }

    /// A section that must be there.
    pub(super) fn missing_section(&self, name: &str) -> Error {
        self.error(self.text.lines().count().max(1), format!("section [{name}] is missing"))
    }

    /// A section that its part refused to read, for the reason that serde gives.
    pub(super) fn refused(&self, section: &str, message: &str) -> Error {
        let message = message.lines().collect::<Vec<_>>().join(", ").replace('`', "\"");
        let mut names = message.split('"').skip(1).step_by(2);
        let found = names.next().unwrap_or_default();
        let unknown = message.starts_with("unknown");
        let hint = if unknown { nearest(found, names) } else { None };
        let hint = hint.map(|n| format!(", did you mean {n:?}?")).unwrap_or_default();
        let line = self.key_line(Some(section), found).or_else(|| self.value_line(section, found));
        let line = line.or_else(|| self.section_line(section)).unwrap_or(1);
        self.error(line, format!("[{section}] {message}{hint}"))
    }

    /// A value that its part refused after reading.
    pub(super) fn explain(&self, section: &str, e: &Error) -> Error {
        let key = match e {
            Error::Core(mtl_core::Error::InvalidConfig { field, .. }) => field.rsplit('.').next().unwrap_or(field),
            _ => "",
        };
        let line = self.key_line(Some(section), key).or_else(|| self.section_line(section)).unwrap_or(1);
        self.error(line, e.to_string())
    }

    fn error(&self, line: usize, message: String) -> Error {
        Error::Config { path: self.path.to_owned(), line, message }
    }

    fn line_at(&self, byte: usize) -> usize {
        self.text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count() + 1
    }

    /// The line of `[name]`, `[[name]]` or `[name.x]`.
    fn section_line(&self, name: &str) -> Option<usize> {
        self.text.lines().position(|l| header(l).is_some_and(|h| within(h, name))).map(|i| i + 1)
    }

    /// The line where `key` is set inside `section`, in a dotted header or in an inline table.
    fn key_line(&self, section: Option<&str>, key: &str) -> Option<usize> {
        if key.is_empty() {
            return None;
        }
        self.lines_of(section)
            .find(|(_, l)| header(l).is_some_and(|h| h.ends_with(key)) || sets(l, key))
            .map(|(n, _)| n)
    }

    /// The line inside `section` where `value` stands quoted.
    fn value_line(&self, section: &str, value: &str) -> Option<usize> {
        let quoted = format!("{value:?}");
        self.lines_of(Some(section)).find(|(_, l)| !value.is_empty() && l.contains(&quoted)).map(|(n, _)| n)
    }

    fn lines_of(&self, section: Option<&str>) -> impl Iterator<Item = (usize, &'a str)> {
        let mut inside = section.is_none();
        let lines = self.text.lines().enumerate().map(move |(idx, line)| {
            if let (Some(h), Some(name)) = (header(line), section) {
                inside = within(h, name);
            }
            (inside, idx + 1, line)
        });
        lines.filter(|(inside, ..)| *inside).map(|(_, number, line)| (number, line))
    }
}

fn header(line: &str) -> Option<&str> {
    let line = line.trim();
    line.starts_with('[').then(|| line.trim_matches(['[', ']']).split(']').next().unwrap_or_default().trim())
}

fn within(header: &str, section: &str) -> bool {
    header == section || header.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether the line sets `key`: at its start or inside an inline table.
fn sets(line: &str, key: &str) -> bool {
    let code = line.split('#').next().unwrap_or_default();
    code.match_indices(key).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + key.len()..].trim_start();
        before.is_none_or(|c| c.is_whitespace() || "{,".contains(c)) && after.starts_with(['=', '.'])
    })
}

/// The candidate within a third of the name's length in edits, if there is one.
fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates.map(|c| (distance(name, c), c)).filter(|(d, _)| *d <= limit).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

/// Edits (insert, delete, replace, swap neighbors) from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let keys = ["epochs", "batch_size", "seed"];
        assert_eq!(nearest("epoch", keys.into_iter()), Some("epochs"));
        assert_eq!(nearest("bacth_size", keys.into_iter()), Some("batch_size"));
        assert_eq!(nearest("momentum", keys.into_iter()), None);
        assert_eq!(distance("abc", "acb"), 1);
    }

    #[test]
    fn keys_are_found_in_their_own_section() {
        let text = "[encoder]\nkind = \"mlp\"\n\n[train]\nseed = 1\noptimizer = { kind = \"sgd\", lrr = 1 }\n";
        let locator = Locator::new(text, Path::new("x.toml"));
        let e = locator.refused("train", "unknown field `lrr`, expected one of `lr`, `momentum`");
        assert_eq!(
            e.to_string(),
            r#"x.toml:6: [train] unknown field "lrr", expected one of "lr", "momentum", did you mean "lr"?"#
        );
        let e = locator.refused("encoder", "unknown variant `mlp`, expected `tabular`");
        assert!(e.to_string().starts_with("x.toml:2: "), "{e}");
        assert!(locator.unknown_section("trian", &["train"]).to_string().contains("did you mean \"train\"?"));
    }
}
