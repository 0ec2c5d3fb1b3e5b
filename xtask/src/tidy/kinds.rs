//! The rule about kinds of answers: a match that names one of them names all.
//!
//! A wildcard arm would take a kind that comes later in silence: it would be trained and missing from a report without a
//! word. clippy's `wildcard_enum_match_arm` says the same of every enum, also of those where a wildcard is right.

use super::lexer::code_only;
use super::{Complaint, SourceFile};

/// The enums with a variant a kind, or a form that kinds have.
const ENUMS: [&str; 8] = ["Answer", "AnswerTag", "Prediction", "Reference", "Said", "Truth", "LabelStats", "LabelSpec"];

/// Arms `_ =>` beside arms that name a kind; library code only, tests may look at one kind alone.
pub(super) fn wildcards(file: &SourceFile) -> Vec<Complaint> {
    if !file.path.ends_with(".rs") || !file.path.contains("/src/") {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let lines: Vec<&str> = code.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("_ =>")) {
        // The arms of one match have one indentation, as rustfmt writes them; its head has less.
        let own = indent(line);
        let before = lines[..at].iter().rev().take_while(|l| l.trim().is_empty() || indent(l) >= own);
        let arms = before.filter(|l| indent(l) == own).map(|l| l.split("=>").next().unwrap_or_default());
        if let Some(kind) = arms.flat_map(|arm| ENUMS.iter().filter(move |kind| names(arm, kind))).next() {
            let message = format!("`_ =>` beside arms of `{kind}`: name every kind, so that a new one is seen here");
            found.push(Complaint::at(at + 1, message));
        }
    }
    found
}

/// Whether a pattern holds a variant of that enum.
fn names(pattern: &str, kind: &str) -> bool {
    let path = format!("{kind}::");
    pattern.match_indices(&path).any(|(at, _)| {
        let before = pattern[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let file = SourceFile { path: path.into(), text: text.into() };
        wildcards(&file).iter().filter_map(|complaint| complaint.line).collect()
    }

    #[test]
    fn a_wildcard_beside_a_kind_is_found() {
        let text = "//! x\nfn f() {\n    match p {\n        Prediction::Class { .. } => {\n            g();\n        }\n        \
                    _ => {}\n    }\n}\n";
        assert_eq!(lines("a/src/b.rs", text), [7]);
        assert!(lines("a/tests/b.rs", text).is_empty());
        assert!(lines("a/src/b.rs", &text.replace("Prediction::Class { .. }", "Some(1)")).is_empty());
        assert!(lines("a/src/b.rs", &text.replace("Prediction::", "MyPrediction::")).is_empty());
        assert!(
            lines("a/src/b.rs", &text.replace("        _ => {}\n", "        Prediction::Values => {}\n")).is_empty()
        );
        assert!(lines("a/src/b.rs", &text.replace("Prediction::Class { .. } =>", "1 => Prediction::")).is_empty());
        assert!(lines("a/src/b.rs", &format!("#[cfg(test)]\n{text}")).is_empty());
    }
}
