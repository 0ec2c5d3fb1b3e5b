//! Laws on what a method is shown.

use super::{
    cases::{losses, random},
    subject::{Subject, tiled, weigh},
};
use crate::{
    balance::{Evidence, Gramian},
    error::Result,
};

pub(super) fn needs(subject: &Subject<'_>) -> Result<Option<String>> {
    let mut method = subject.make(2)?;
    let needs = method.needs();
    let room = 2 * (1 + needs.looks_with_rows());
    let refused = method.weigh(&Evidence { tasks: &[0, 1], ..Evidence::default() }, &mut vec![0.0; room]).is_err();
    let wants = needs.losses || needs.gramian || !needs.looks.is_empty();
    if refused != wants {
        let found = if refused { "needs nothing, but refuses" } else { "gives weights without what it needs:" };
        return Ok(Some(format!("{found} {needs:?}")));
    }
    let g = Gramian::of_rows(&random(2, 5, 3));
    weigh(method.as_mut(), &g, &losses(2), 0)?;
    method.after_step(&losses(2), &[0, 1])?;
    Ok((method.needs() != needs).then(|| format!("needs {needs:?}, and after a step {:?}", method.needs())))
}

pub(super) fn sizes(subject: &Subject<'_>) -> Result<Option<String>> {
    let (two, three) = (Gramian::of_rows(&random(2, 7, 1)), Gramian::of_rows(&random(3, 7, 1)));
    let needs = subject.make(3)?.needs();
    for (what, wanted, losses, g) in [
        ("losses of 2", needs.losses, losses(2), &three),
        ("losses of 4", needs.losses, losses(4), &three),
        ("a Gramian of 2", needs.gramian, losses(3), &two),
    ] {
        let mut method = subject.make(3)?;
        let mut weights = vec![0.0; 3 * (1 + needs.looks_with_rows())];
        let joint = tiled(g, usize::from(needs.gramian) + needs.looks_with_rows());
        let evidence = Evidence {
            tasks: &[0, 1, 2],
            losses: &losses,
            losses_again: &losses,
            gramian: Some(g),
            blocks: std::slice::from_ref(g),
            joint: (!needs.looks.is_empty()).then_some(&joint),
            step: 0,
        };
        if wanted && method.weigh(&evidence, &mut weights).is_ok() {
            return Ok(Some(format!("{what} tasks were taken for 3")));
        }
    }
    Ok(None)
}

pub(super) fn non_finite(subject: &Subject<'_>) -> Result<Option<String>> {
    let m = 3;
    let needs = subject.make(m)?.needs();
    let g = Gramian::of_rows(&random(m, 4, 1));
    for bad in [f64::NAN, f64::INFINITY] {
        let mut values = g.values().to_vec();
        for k in 0..m {
            values[m + k] = bad;
            values[k * m + 1] = bad;
        }
        let mut spoilt = Gramian::default();
        spoilt.rebuild(m).copy_from_slice(&values);
        for (what, wanted, outcome) in [
            ("gradient", needs.gramian, subject.weigh(&spoilt, &losses(m))),
            ("loss", needs.losses, subject.weigh(&g, &[1.0, bad, 1.0])),
        ] {
            match outcome {
                _ if !wanted => {}
                Ok(weights) => return Ok(Some(format!("a {what} of {bad} gives {weights:?}"))),
                Err(e) if e.to_string().contains("task number 2") => {}
                Err(e) => return Ok(Some(format!("a {what} of {bad} is refused without naming its task: {e}"))),
            }
        }
    }
    Ok(None)
}
