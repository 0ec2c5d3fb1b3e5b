//! Explanations of models whose answers are known to rest on one part.

use mtl_core::shim;
use tch::IndexOp;

use super::*;
use crate::{config::RunConfig, run::session::Session};

/// A model on generated data with 100 numeric fields; linear unless it has layers.
fn session(text: &str) -> Session {
    let text = format!(
        r#"
        data    = {{ kind = "synthetic-mmoe", train = 300, validation = 100, test = 100 }}
        train   = {{ epochs = 1, batch_size = 100, selection = "y1.rmse" }}
        {text}
        "#
    );
    let config = RunConfig::parse(&text, "test".as_ref()).unwrap();
    shim::manual_seed(1).unwrap();
    Session::new(&config, &config.data.load().unwrap()).unwrap()
}

const LINEAR: &str = r#"encoder = { kind = "tabular", token_width = 3, hidden = [] }"#;

/// Makes all tokens but that of one field constant.
fn rest_on(session: &Session, field: i64) {
    let _guard = tch::no_grad_guard();
    let name = |n: &str| n.contains("numeric") && n.ends_with("weight");
    let param = session.trainer.model().params().params().iter().find(|p| name(p.name())).unwrap();
    let kept = param.tensor().i(field).copy();
    let _ = param.tensor().shallow_clone().zero_();
    param.tensor().i(field).copy_(&kept);
}

fn options(methods: &[Method]) -> ExplainOptions {
    ExplainOptions { samples: Samples::Random(16), methods: methods.to_vec(), draws: 3, steps: 4, ..Default::default() }
}

#[test]
fn the_only_part_that_matters_is_found_and_passes_the_deletion_test() {
    let session = session(LINEAR);
    rest_on(&session, 42);
    let methods = [Method::IntegratedGradients, Method::GradientInput];
    let found = explain(session.trainer.model(), session.validation.source(), &options(&methods)).unwrap();
    assert_eq!(found.attributions.len(), 4, "two methods, two tasks");
    for a in &found.attributions {
        assert_eq!(a.top(1), [42]);
        assert!((a.share[42] - 1.0).abs() < 1e-6);
        let f = a.faithfulness.as_ref().unwrap();
        assert_eq!((f.draws, f.curve.len()), (3, 10));
        // All of the effect comes with the first step; at random it comes on average half-way.
        assert!((f.curve[0].effect - f.curve[9].effect).abs() < 1e-6, "{f:?}");
        assert!((f.curve[9].effect - f.curve[9].random).abs() < 1e-6, "in the end everything is gone");
        assert!(f.gain > 0.2 * f.effect && f.gain > 2.0 * f.spread, "{f:?}");
        if let Some(gap) = a.gap {
            assert!(gap < 1e-3, "integrated gradients of a linear model are exact: {gap}");
        }
    }
    let (one, two) = (&found.attributions[0].scores, &found.attributions[2].scores);
    let differ = one.iter().flatten().zip(two.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(differ < 1e-4, "for a linear model both methods are the same: {differ}");
}

/// Of a model that reads one field, permuting that field alone costs something, and the others exactly nothing.
#[test]
fn permuting_the_only_part_that_matters_costs_something() {
    let session = session(LINEAR);
    rest_on(&session, 42);
    let options = ExplainOptions { permutations: 3, rows: 64, ..options(&[Method::GradientInput]) };
    let (model, source) = (session.trainer.model(), session.validation.source());
    let found = explain(model, source, &options).unwrap().permutation.unwrap();
    assert_eq!((found.samples, found.repeats), (64, 3));
    for own in &found.importances {
        let (low, high) = own.interval.unwrap();
        assert!(low <= own.loss && own.loss <= high, "{own:?}");
        // The model was not trained: what it says of field 42 may be better or worse than another sample's value.
        let changes = (high - low).abs() > 0.0 || own.loss.abs() > 0.0;
        assert_eq!(changes, own.part == "x42", "{own:?}");
    }
    let metrics: usize = found.whole.tasks.iter().map(|task| task.metrics.len()).sum();
    assert_eq!(found.importances.len(), metrics * 100);
    let of_task = found.of_task("y1");
    assert!(of_task.len() == 100 && of_task[0].loss >= of_task[99].loss);
    let again = explain(model, source, &options).unwrap().permutation.unwrap();
    assert_eq!(found, again, "the seed is all that is random");
}

#[test]
fn more_steps_account_for_more() {
    let session = session(r#"encoder = { kind = "tabular", token_width = 3, hidden = [16, 16], activation = "gelu" }"#);
    let gap = |steps| {
        let options = ExplainOptions { steps, ..options(&[Method::IntegratedGradients]) };
        explain(session.trainer.model(), session.validation.source(), &options).unwrap().attributions[0].gap.unwrap()
    };
    let (few, many) = (gap(1), gap(64));
    assert!(many < 0.01 && many < few, "{few} {many}");
}

#[test]
fn attention_is_explained_where_it_looks_at_parts() {
    let session = session(&format!("{LINEAR}\nsharing = {{ kind = \"task-query\", features = 8, heads = 2 }}"));
    let found = explain(session.trainer.model(), session.validation.source(), &options(&[])).unwrap();
    let methods: Vec<Method> = found.attributions.iter().map(|a| a.method).collect();
    use Method::{Attention, IntegratedGradients};
    assert_eq!(methods, [Attention, Attention, IntegratedGradients, IntegratedGradients]);
    assert_eq!((found.maps.len(), found.maps[0].queries.len(), found.maps[0].keys.len()), (1, 2, 100));
    for row in &found.attributions[0].scores {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-5, "attention sums to 1");
    }
    assert!(found.maps[0].entropy.iter().all(|e| (0.0..=1.0).contains(e)));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["attributions"][0]["method"], "attention");

    let session = self::session(r#"encoder = { kind = "tabular", token_width = 3, hidden = [8] }"#);
    let found = explain(session.trainer.model(), session.validation.source(), &options(&[Attention])).unwrap();
    assert!(found.attributions.is_empty() && found.notes[0].contains("no attention map"), "{:?}", found.notes);
}

#[test]
fn codes_are_explained_at_their_embeddings_however_many_encoders_embed_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv");
    let row = |i: usize| {
        let (color, size) = (["red", "green", "blue"][i % 3], i % 7);
        format!("{color},{size},{},{}\n", f64::from(u8::from(i.is_multiple_of(3))), i % 7)
    };
    std::fs::write(&file, format!("color,size,price,mass\n{}", (0..300).map(row).collect::<String>())).unwrap();
    for sharing in ["hard", "cross-stitch"] {
        let config = format!(
            r#"
            [data]
            kind = "csv"
            train = "{}"
            schema.columns = [
                {{ name = "color", kind = "categorical" }},
                {{ name = "size", kind = "numeric" }},
                {{ name = "price", kind = "label", label = "value" }},
                {{ name = "mass", kind = "label", label = "value" }},
            ]
            [encoder]
            kind = "tabular"
            token_width = 4
            hidden = [16]
            [sharing]
            kind = "{sharing}"
            [train]
            epochs = 60
            batch_size = 64
            optimizer = {{ kind = "adamw", lr = 0.01 }}
            "#,
            file.display()
        );
        let config = RunConfig::parse(&config, "test".as_ref()).unwrap();
        let mut session = Session::new(&config, &config.data.load().unwrap()).unwrap();
        session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
        let options = ExplainOptions { steps: 16, ..options(&[Method::IntegratedGradients]) };
        let found = explain(session.trainer.model(), session.validation.source(), &options).unwrap();
        let (price, mass) = (&found.attributions[0], &found.attributions[1]);
        assert_eq!(found.parts, ["color", "size"]);
        assert!(price.share[0] > 0.7, "{sharing}: the price is that of the color: {:?}", price.share);
        assert!(mass.share[1] > 0.7, "{sharing}: the mass is that of the size: {:?}", mass.share);
        // The attributions of all embeddings of a code together account for the answer.
        assert!([price, mass].iter().all(|a| a.gap.unwrap() < 0.1), "{sharing}: {:?} {:?}", price.gap, mass.gap);
        assert!(price.faithfulness.as_ref().unwrap().gain > 0.0);
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let session = session(LINEAR);
    let e = |options: ExplainOptions| {
        explain(session.trainer.model(), session.validation.source(), &options).unwrap_err().to_string()
    };
    assert_eq!(e(ExplainOptions { draws: 1, ..Default::default() }), "explain: draws must be >= 2, found 1");
    assert!(e(ExplainOptions { samples: Samples::Random(0), ..Default::default() }).contains("at least one sample"));
    assert!("gradient".parse::<Method>().unwrap_err().to_string().contains("integrated-gradients"));
}
