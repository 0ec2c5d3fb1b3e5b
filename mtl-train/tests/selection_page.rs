//! Every example of docs/selection.md does what the page says: accepted ones give a score, refused ones are refused, and the line
//! to write instead is accepted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;

use mtl_train::{
    Result,
    config::RunConfig,
    run::session::Session,
    train::trainer::{Scoring, evaluate, metrics_of},
};

const PAGE: &str = include_str!("../../docs/selection.md");

/// The three tasks of the page.
fn session(selection: &str) -> Result<Session> {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = String::from("x,income,mood,age\n");
    for i in 0..120usize {
        let (yes, mood) = (["no", "yes"][usize::from(i % 5 == 0)], ["bad", "fair", "good"][i % 3]);
        rows += &format!("{},{yes},{mood},{}\n", i as f64 / 10.0, 20 + i % 50);
    }
    for split in ["train", "validation", "test"] {
        fs::write(dir.path().join(format!("{split}.csv")), &rows).unwrap();
    }
    let text = format!(
        r#"
        encoder = {{ kind = "tabular", token_width = 2, hidden = [4] }}
        train   = {{ epochs = 1, batch_size = 60, selection = {selection:?} }}
        device  = {{ threads = 1 }}
        [data]
        kind = "csv"
        dir = {:?}
        train = "train.csv"
        validation = "validation.csv"
        test = "test.csv"
        [data.schema]
        columns = [
            {{ name = "x", kind = "numeric" }},
            {{ name = "income", kind = "label", label = {{ binary = {{ positive = "yes" }} }} }},
            {{ name = "mood", kind = "label", label = "class" }},
            {{ name = "age", kind = "label", label = "value" }},
        ]
        "#,
        dir.path().display().to_string()
    );
    let config = RunConfig::parse(&text, "test".as_ref())?;
    Session::new(&config, &config.data.load()?)
}

fn scored(selection: &str) -> Result<(Scoring, f64)> {
    let session = session(selection)?;
    let scoring = session.trainer.score_on(&session.validation)?;
    let model = session.trainer.model();
    let report = evaluate(model, &session.validation, &mut metrics_of(model)?)?;
    let scored = scoring.score(&report)?;
    assert!(scored.left_out.is_empty(), "{selection}: {scored:?}");
    Ok((scoring, scored.score.unwrap()))
}

#[test]
fn examples_are_accepted_and_give_a_score() {
    let lines = PAGE.lines().filter_map(|line| line.strip_prefix("selection = \"")?.strip_suffix('"'));
    let mut examples = 0;
    for example in lines {
        match (example, scored(example)) {
            // Primary metrics of three kinds do not add, as the page says.
            ("mean", outcome) => {
                let e = outcome.unwrap_err().to_string();
                for part in ["age.rmse", "selection = \"skill\"", "norm(age.rmse, 10, 0)"] {
                    assert!(e.contains(part), "{part}: {e}");
                }
            }
            (_, outcome) => assert!(outcome.unwrap_or_else(|e| panic!("{example}: {e}")).1.is_finite(), "{example}"),
        }
        examples += 1;
    }
    assert_eq!(examples, 10, "the examples of the page");
}

#[test]
fn what_is_refused_is_refused_and_what_to_write_is_accepted() {
    let rows = PAGE.lines().skip_while(|line| *line != "| written | why | write |").skip(2);
    let mut refusals = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [written, _, write] = cells[..] else { panic!("{row}") };
        let e = session(written).map(|_| ()).unwrap_err().to_string();
        assert!(!e.contains('\n') && ["income", "mood", "age"].iter().any(|task| e.contains(task)), "{written}: {e}");
        assert!(scored(write).unwrap().1.is_finite(), "{write}");
        refusals += 1;
    }
    assert_eq!(refusals, 7, "the refusals of the page");
    let e = session("income.auroc + age.rmse").map(|_| ()).unwrap_err().to_string();
    assert!(e.contains("write norm(age.rmse, 10, 0)"), "{e}");
    let e = session("mood.log-loss + age.rmse").map(|_| ()).unwrap_err().to_string();
    assert!(e.contains("write norm(mood.log-loss, 10, 0)"), "{e}");
}

#[test]
fn a_constant_answer_has_skill_zero() {
    let session = session("skill").unwrap();
    let scoring = session.trainer.score_on(&session.validation).unwrap();
    let constant = scoring.score(&session.validate_constant().unwrap()).unwrap();
    assert!(constant.score.unwrap().abs() < 1e-12, "{constant:?}");
}

/// AUROCs of a constant answer are 1/2 exactly, so that the skill of several is one straight line of their mean.
#[test]
fn two_aurocs_choose_the_epoch_that_their_mean_chooses() {
    let run = |selection: &str| {
        let text = format!(
            r#"
            data    = {{ kind = "synthetic-mmoe", train = 300, validation = 120, test = 20, targets = "binary" }}
            encoder = {{ kind = "tabular", token_width = 2, hidden = [8] }}
            train   = {{ epochs = 8, batch_size = 50, selection = "{selection}", optimizer = {{ kind = "adamw", lr = 3e-2 }} }}
            device  = {{ threads = 1 }}
            "#
        );
        let config = RunConfig::parse(&text, "test".as_ref()).unwrap();
        let mut session = Session::new(&config, &config.data.load().unwrap()).unwrap();
        session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
        session
    };
    let (skill, mean) = (run("skill"), run("mean"));
    let pairs = skill.trainer.history().iter().zip(mean.trainer.history());
    for (a, b) in pairs {
        assert_eq!((&a.validation, a.is_best), (&b.validation, b.is_best));
        // Below a constant answer skill is bent, so that no task outweighs all others.
        let worst = (0..2).map(|task| a.validation.value(task, "auroc").unwrap()).fold(1.0, f64::min);
        let (a, b) = (a.score.unwrap(), b.score.unwrap());
        assert!(worst < 0.5 || (a - (2.0 * b - 1.0)).abs() < 1e-12, "{a} {b}");
    }
    let choices = [skill.trainer.choice().unwrap(), mean.trainer.choice().unwrap()];
    assert_eq!(choices[0].epoch, choices[1].epoch);
    assert!(choices[0].epoch > 1, "the test says something only when epochs differ: {choices:?}");
}
