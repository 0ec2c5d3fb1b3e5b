//! In which order the heads of a model run: whoever reads others comes after them.

use mtl_core::{Error, Result};

use crate::head::HeadSpec;

/// Positions of heads in an order in which each comes after those that it reads; else in the order given.
///
/// # Errors
/// [`Error::UnknownTask`] for a head after a task that none of the heads answers; [`Error::InvalidConfig`] for heads that read each
/// other in a circle, naming their tasks.
///
/// # Examples
/// A head that reads nobody keeps its place: `[a, b after c, c]` runs as `a, c, b`.
pub fn order(specs: &[&HeadSpec]) -> Result<Vec<usize>> {
    let mut before: Vec<Vec<usize>> = Vec::with_capacity(specs.len());
    for spec in specs {
        let position = |name: &mtl_core::task::TaskName| {
            specs.iter().position(|other| other.task == *name).ok_or_else(|| {
                let known = specs.iter().map(|other| other.task.to_string()).collect();
                Error::UnknownTask { name: name.to_string(), known }
            })
        };
        before.push(spec.needs.after.iter().map(position).collect::<Result<_>>()?);
    }
    let (mut order, mut done) = (Vec::with_capacity(specs.len()), vec![false; specs.len()]);
    while order.len() < specs.len() {
        let next = (0..specs.len()).find(|&idx| !done[idx] && before[idx].iter().all(|&other| done[other]));
        let Some(next) = next else {
            let waiting: Vec<&str> =
                (0..specs.len()).filter(|&idx| !done[idx]).map(|idx| specs[idx].task.as_str()).collect();
            return Err(Error::InvalidConfig {
                what: "head",
                field: "after",
                expected: "tasks whose heads do not read this one in turn".into(),
                found: format!("a circle among {}", waiting.join(", ")),
            });
        };
        done[next] = true;
        order.push(next);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::HeadNeeds;
    use mtl_core::{answer::Answer, features::View, task::TaskName};

    fn spec(task: &str, after: &[&str]) -> HeadSpec {
        let name = |name: &&str| TaskName::new(name).unwrap();
        HeadSpec {
            kind: "test",
            task: TaskName::new(task).unwrap(),
            input: View::Pooled { width: 1 },
            output: String::new(),
            answer: Answer::values(["y"]),
            metrics: Vec::new(),
            needs: HeadNeeds { after: after.iter().map(name).collect(), ..HeadNeeds::default() },
        }
    }

    fn ordered(specs: &[HeadSpec]) -> Result<Vec<usize>> {
        order(&specs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn readers_come_after_those_that_they_read() {
        let chain = [spec("a", &[]), spec("b", &["d"]), spec("c", &["b", "a"]), spec("d", &[])];
        assert_eq!(ordered(&chain).unwrap(), [0, 3, 1, 2]);
        assert_eq!(ordered(&[spec("a", &[]), spec("b", &[])]).unwrap(), [0, 1]);
    }

    #[test]
    fn circles_and_strangers_are_named() {
        let e = ordered(&[spec("a", &["b"]), spec("b", &["a"]), spec("c", &[])]).unwrap_err().to_string();
        assert!(e.ends_with("found a circle among a, b"), "{e}");
        assert!(ordered(&[spec("a", &["a"])]).unwrap_err().to_string().ends_with("a circle among a"));
        let e = ordered(&[spec("a", &["z"]), spec("b", &[])]).unwrap_err().to_string();
        assert_eq!(e, r#"unknown task "z", known tasks are a, b"#);
    }
}
