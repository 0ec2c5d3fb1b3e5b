//! A task's name from the name of its label column.
//!
//! Column names are any text; task names go into parameter names and metric expressions, so they are a letter followed
//! by letters, digits, `_` or `-`. A column whose name is one names its task; for any other, runs of what a task name
//! cannot hold become one `_`, those at the ends fall away, and what does not start with a letter then is put behind
//! `task_` (`Paid?` is `Paid`, `y.1` is `y_1`, `3rd leg` is `task_3rd_leg`, `%` is `task`). If another task is called so
//! already, a number is put behind it. `task = ".."` in the column overrules all of it.

use mtl_core::task::TaskName;

use crate::error::Result;

/// The task name that a column's name makes, before others are considered.
fn cleaned(column: &str) -> String {
    let mut name = String::new();
    for c in column.chars() {
        match c {
            '-' => name.push(c),
            c if c.is_alphanumeric() => name.push(c),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    let name = name.trim_matches(['_', '-']);
    match name.chars().next() {
        None => "task".to_owned(),
        Some(first) if first.is_alphabetic() => name.to_owned(),
        Some(_) => format!("task_{name}"),
    }
}

/// A task name for a column whose own name is none, unlike any of `taken`.
///
/// # Errors
/// None in practice: what is made is a name.
pub(crate) fn made(column: &str, taken: &[TaskName]) -> Result<TaskName> {
    let name = cleaned(column);
    let mut candidate = TaskName::new(&name)?;
    let mut number = 2u64;
    while taken.contains(&candidate) {
        candidate = TaskName::new(&format!("{name}_{number}"))?;
        number += 1;
    }
    Ok(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_can_name_a_task() {
        for (column, task) in [
            ("Paid?", "Paid"),
            ("y.1", "y_1"),
            ("3rd_leg", "task_3rd_leg"),
            ("7", "task_7"),
            ("net / gross (CHF)", "net_gross_CHF"),
            ("größe [cm]", "größe_cm"),
            ("%", "task"),
            (" a b ", "a_b"),
            ("-x-", "x"),
            ("_hidden", "hidden"),
            ("年收入?", "年收入"),
            ("a__b", "a_b"),
        ] {
            assert_eq!(made(column, &[]).unwrap().as_str(), task, "{column}");
        }
        let taken = ["a_b", "a_b_2"].map(|name| TaskName::new(name).unwrap());
        assert_eq!(made("a.b", &taken).unwrap().as_str(), "a_b_3");
    }
}
