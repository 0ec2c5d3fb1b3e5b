//! Entries of a schema that are about many columns: `fp*` for all whose names begin so, `*` for all others.
//!
//! ```toml
//! columns = [
//!     { name = "price", kind = "label", label = "value" },
//!     { name = "fp*", kind = "numeric", transform = "none" },
//!     { name = "fp_version", kind = "ignore" },               # an exact name wins over a pattern
//!     { name = "*", kind = "categorical" },                   # a pattern wins over "all others"
//! ]
//! ```
//! A `*` stands for any number of characters, none included. What an entry means is decided by the header of the training file alone:
//! there a [`Schema`] becomes one that names every column ([`Schema::for_columns`]), which is what is fitted, saved with the model and
//! looked for in all other files.
//!
//! | a name with `*` | is |
//! |---|---|
//! | that the header holds letter by letter | that column |
//! | of an input, an id or an ignored column | a pattern; refused where no column matches it, which is how typing errors show |
//! | `*` alone | all columns that neither a name nor another pattern is about; there may be none |
//! | of a label, a weight or a group | refused: tasks are known before any file is read |
//!
//! Two patterns may match one column if they say the same of it. A column without a name is matched by none.

use std::collections::HashSet;

use super::schema::{Column, Schema};
use crate::error::{Error, Result, quoted};

/// All other columns.
const OTHERS: &str = "*";

/// Whether `name` is one that `pattern` stands for.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    // Each part where it first stands leaves the most for those after it.
    let rest = parts.into_iter().try_fold(rest, |rest, part| rest.find(part).map(|at| &rest[at + part.len()..]));
    rest.is_some_and(|rest| rest.ends_with(last))
}

impl Schema {
    /// Whether an entry may be about several columns; whether it is, the header of a file says.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        self.columns.iter().any(|column| column.name().contains('*'))
    }

    /// The schema for a file with these columns: every pattern replaced by the columns that it stands for, in the order of the file.
    ///
    /// # Errors
    /// [`Error::Setting`], with its place: for a pattern that matches no column, one of labels, weights or groups, and two that say
    /// different things of one column.
    pub fn for_columns(&self, names: &[String]) -> Result<Self> {
        let header: HashSet<&str> = names.iter().map(String::as_str).collect();
        let (mut exact, mut patterns): (HashSet<&str>, Vec<(usize, &Column)>) = (HashSet::new(), Vec::new());
        for (idx, column) in self.columns.iter().enumerate() {
            let name = column.name();
            match column {
                _ if !name.contains('*') || header.contains(name) => _ = exact.insert(name),
                Column::Categorical { .. }
                | Column::Numeric { .. }
                | Column::Date { .. }
                | Column::Set { .. }
                | Column::Vector { .. }
                | Column::Id { .. }
                | Column::Ignore { .. } => {
                    if name != OTHERS && !names.iter().any(|of_file| matches(name, of_file)) {
                        let expected =
                            format!("a pattern of columns that the training file has ({})", crate::error::list(names));
                        return Err(refuse(idx, expected, format!("{}, which matches none", quoted(name))));
                    }
                    patterns.push((idx, column));
                }
                Column::Label { .. } | Column::Weight { .. } | Column::Group { .. } => {
                    let expected =
                        "the name of one column: patterns are for inputs and for columns that are ignored".to_owned();
                    return Err(refuse(idx, expected, quoted(name)));
                }
            }
        }
        let mut found: Vec<Vec<&str>> = vec![Vec::new(); self.columns.len()];
        let mut seen = HashSet::new();
        for name in names.iter().map(String::as_str) {
            if name.is_empty() || exact.contains(name) || !seen.insert(name) {
                continue;
            }
            let mut fitting = patterns.iter().filter(|(_, p)| p.name() != OTHERS && matches(p.name(), name));
            let place = match fitting.next() {
                Some((first, column)) => {
                    if let Some((other, second)) = fitting.find(|(_, other)| other.named("") != column.named("")) {
                        let expected = format!("to say of column {} what {} says", quoted(name), quoted(column.name()));
                        return Err(refuse(
                            *other,
                            expected,
                            format!("{}, which says something else", quoted(second.name())),
                        ));
                    }
                    Some(*first)
                }
                None => patterns.iter().find(|(_, p)| p.name() == OTHERS).map(|(idx, _)| *idx),
            };
            if let Some(of_entry) = place.and_then(|idx| found.get_mut(idx)) {
                of_entry.push(name);
            }
        }
        let is_pattern = |idx: usize| patterns.iter().any(|(at, _)| *at == idx);
        let mut columns = Vec::with_capacity(names.len());
        for (idx, (column, found)) in self.columns.iter().zip(found).enumerate() {
            match is_pattern(idx) {
                true => columns.extend(found.into_iter().map(|name| column.named(name))),
                false => columns.push(column.clone()),
            }
        }
        Ok(Self { columns, ..self.clone() })
    }

    /// Refuses patterns where there is no header that they could be about.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the first.
    pub(crate) fn without_header(&self) -> Result<&Self> {
        match self.columns.iter().position(|column| column.name().contains('*')) {
            None => Ok(self),
            Some(idx) => {
                let name = self.columns.get(idx).map_or("", Column::name);
                let expected =
                    "the name of one column: a file without a header has no names that a pattern could match";
                Err(refuse(idx, expected.to_owned(), quoted(name)))
            }
        }
    }
}

fn refuse(idx: usize, expected: String, found: String) -> Error {
    Error::Setting { place: format!("schema.columns[{idx}].name"), expected, found }
}

impl Column {
    /// The same of a column of another name.
    fn named(&self, other: &str) -> Self {
        let mut column = self.clone();
        match &mut column {
            Self::Categorical { name, .. }
            | Self::Numeric { name, .. }
            | Self::Date { name, .. }
            | Self::Set { name, .. }
            | Self::Vector { name, .. }
            | Self::Label { name, .. }
            | Self::Weight { name, .. }
            | Self::Group { name, .. }
            | Self::Id { name }
            | Self::Ignore { name } => other.clone_into(name),
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &str) -> Vec<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    fn resolved(columns: &str, header: &str) -> Result<Vec<String>> {
        let schema: Schema = toml::from_str(&format!("columns = [{columns}]")).unwrap();
        let kind = |column: &Column| match column {
            Column::Categorical { .. } => "categorical",
            Column::Numeric { .. } => "numeric",
            Column::Label { .. } => "label",
            Column::Ignore { .. } => "ignore",
            Column::Date { .. }
            | Column::Set { .. }
            | Column::Vector { .. }
            | Column::Weight { .. }
            | Column::Group { .. }
            | Column::Id { .. } => "other",
        };
        let schema = schema.for_columns(&names(header))?;
        Ok(schema.columns.iter().map(|column| format!("{} {}", column.name(), kind(column))).collect())
    }

    const Y: &str = r#"{ name = "y", kind = "label", label = "value" }"#;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name) in [
            ("fp*", "fp"),
            ("fp*", "fp12"),
            ("*", ""),
            ("*", "x"),
            ("*_id", "user_id"),
            ("a*b*c", "abc"),
            ("a*b*c", "a-b-b-c"),
            ("**", "x"),
            ("a", "a"),
            ("*a*", "banana"),
            ("größe*", "größe_cm"),
            ("*ß*", "größe"),
            ("a*a", "aa"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("fp*", "xfp"), ("a*a", "a"), ("a*b*c", "acb"), ("a", "ab"), ("", "a"), ("*_id", "id"), ("ab*ba", "aba")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn names_win_over_patterns_and_patterns_over_others() {
        let columns = format!(
            r#"{{ name = "*", kind = "categorical" }}, {{ name = "fp*", kind = "numeric" }}, {{ name = "fp2", kind = "ignore" }}, {Y}"#
        );
        let found = resolved(&columns, "town fp1 y fp2 fp10 color").unwrap();
        let expected =
            ["town categorical", "color categorical", "fp1 numeric", "fp10 numeric", "fp2 ignore", "y label"];
        assert_eq!(found, expected);
        // Nothing is left for "all others", which is no fault.
        assert_eq!(resolved(&columns, "fp1 y fp2").unwrap(), ["fp1 numeric", "fp2 ignore", "y label"]);
    }

    #[test]
    fn a_column_of_that_very_name_is_meant() {
        let columns = format!(r#"{{ name = "a*", kind = "numeric" }}, {Y}"#);
        assert_eq!(resolved(&columns, "a* ab y").unwrap(), ["a* numeric", "y label"]);
        assert_eq!(resolved(&columns, "a1 ab y").unwrap(), ["a1 numeric", "ab numeric", "y label"]);
    }

    #[test]
    fn patterns_that_agree_may_overlap_and_others_are_refused() {
        let columns = format!(r#"{{ name = "a*", kind = "numeric" }}, {{ name = "*b", kind = "numeric" }}, {Y}"#);
        assert_eq!(resolved(&columns, "ab cb y").unwrap(), ["ab numeric", "cb numeric", "y label"]);
        let other = columns.replace(r#""*b", kind = "numeric""#, r#""*b", kind = "numeric", transform = "none""#);
        assert_eq!(
            resolved(&other, "ab cb y").unwrap_err().to_string(),
            r#"schema.columns[1].name must be to say of column "ab" what "a*" says, found "*b", which says something else"#
        );
        assert!(resolved(&other, "ac cb y").is_ok());
    }

    #[test]
    fn typing_errors_and_patterns_of_labels_are_refused() {
        let e = resolved(&format!(r#"{{ name = "fb*", kind = "ignore" }}, {Y}"#), "fp1 y").unwrap_err().to_string();
        assert!(e.starts_with("schema.columns[0].name must be a pattern of columns that the training file has"), "{e}");
        assert!(e.ends_with(r#"found "fb*", which matches none"#), "{e}");
        let e = resolved(r#"{ name = "y*", kind = "label", label = "value" }"#, "y1 y2").unwrap_err().to_string();
        assert!(e.contains("patterns are for inputs"), "{e}");
        let schema: Schema = toml::from_str(&format!(r#"columns = [{{ name = "*", kind = "ignore" }}, {Y}]"#)).unwrap();
        assert!(schema.has_patterns() && schema.without_header().unwrap_err().to_string().contains("without a header"));
    }

    #[test]
    fn columns_without_a_name_and_twins_are_matched_once_or_never() {
        let columns = format!(r#"{{ name = "*", kind = "numeric" }}, {Y}"#);
        assert_eq!(resolved(&columns, "a  y a b").unwrap(), ["a numeric", "b numeric", "y label"]);
    }
}
