//! What every kind owes: the numbers of NumPy, right gradients, no sample that depends on another, names of parameters.

use serde_json::Value;
use tch::Device;

use super::*;
use crate::{mode::Mode, params::ParamSet};

fn file() -> Value {
    serde_json::from_str(include_str!("../../../tests/golden/number.json")).unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// The input of the golden file.
fn spec(file: &Value) -> InputSpec {
    let edges: Vec<Vec<f32>> = serde_json::from_value(file["edges"].clone()).unwrap();
    let names = (0..edges.len()).map(|field| format!("x{field}")).collect();
    let fields = Numeric::new(names).with_edges(edges).unwrap();
    InputSpec::new([("numbers", fields.into())]).unwrap()
}

fn built(spec: &InputSpec, d: i64, config: &NumberEmbeddingConfig) -> (ParamSet, NumberEmbedding) {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
    let layer = NumberEmbedding::new(&mut params.root().sub("numeric"), spec, "numbers", d, config).unwrap();
    (params, layer)
}

fn cx() -> Cx {
    Cx::new(Mode::Eval)
}

fn each(check: impl Fn(&str, &InputSpec, &NumberEmbeddingConfig)) {
    let spec = spec(&file());
    for (name, _) in NumberEmbeddingConfig::ALL {
        check(name, &spec, &NumberEmbeddingConfig::by_name(name).unwrap());
    }
}

/// As the network is given them.
fn xs(rows: &[[f64; 4]]) -> Tensor {
    Tensor::from_slice(&rows.concat()).view([-1, 4])
}

#[test]
fn every_kind_is_numpys() {
    let file = file();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), NumberEmbeddingConfig::ALL.len());
    let rows: Vec<f64> = file["xs"].as_array().unwrap().iter().flat_map(numbers).collect();
    for case in cases {
        let config: NumberEmbeddingConfig = serde_json::from_value(case["settings"].clone()).unwrap();
        let (params, layer) = built(&spec(&file), file["width"].as_i64().unwrap(), &config);
        let golden = case["params"].as_object().unwrap();
        assert_eq!(params.params().len(), golden.len(), "{}", config.name());
        let _guard = tch::no_grad_guard();
        for param in params.params() {
            let golden = &golden[param.name().strip_prefix("numeric.").unwrap()];
            let shape: Vec<i64> = serde_json::from_value(golden["shape"].clone()).unwrap();
            assert_eq!(param.tensor().size(), shape, "{}", param.name());
            let values = Tensor::from_slice(&numbers(&golden["values"])).view(&shape[..]);
            param.tensor().shallow_clone().copy_(&values);
        }
        let xs = Tensor::from_slice(&rows).view([-1, layer.n_fields()]);
        let (tokens, expected) = (layer.tokens(&xs, &cx()).unwrap(), Tensor::from_slice(&numbers(&case["tokens"])));
        assert_eq!(tokens.size(), [xs.size()[0], layer.n_fields(), layer.width()]);
        let flat = layer.flat(&xs, &cx()).unwrap();
        assert_eq!(flat.size(), [xs.size()[0], layer.n_fields() * layer.width()]);
        let gap = (flat.flatten(0, -1) - expected).abs().max().double_value(&[]);
        assert!(gap < 1e-12, "{}: {gap:e}", config.name());
    }
}

#[test]
fn gradients_are_those_of_differences() {
    each(|name, spec, config| {
        let (params, layer) = built(spec, 3, config);
        let _ = tch::no_grad(|| params.params().last().unwrap().tensor().shallow_clone().uniform_(-0.5, 0.5));
        // Between bends, where there is a derivative.
        let xs = xs(&[[0.31, -0.55, 0.2, 0.7], [-1.27, 1.3, 0.9, 0.1]]).set_requires_grad(true);
        let loss = |xs: &Tensor| {
            let tokens = layer.tokens(xs, &cx()).unwrap();
            let weights = Tensor::arange(tokens.numel() as i64, (Kind::Double, Device::Cpu)).cos().view_as(&tokens);
            (tokens * weights).sum(Kind::Double)
        };
        let all: Vec<Tensor> =
            params.params().iter().map(|p| p.tensor().shallow_clone()).chain([xs.shallow_clone()]).collect();
        let said = Tensor::run_backward(&[loss(&xs)], &all, false, false);
        let _guard = tch::no_grad_guard();
        for (leaf, said) in all.iter().zip(&said) {
            let (flat, said) = (leaf.detach().view(-1), said.reshape(-1));
            for at in 0..flat.size()[0] {
                let moved = |by: f64| {
                    let _ = flat.get(at).f_add_scalar_(by).unwrap();
                    loss(&xs).double_value(&[])
                };
                let (ahead, behind) = (moved(1e-6), moved(-2e-6));
                moved(1e-6);
                let found = (ahead - behind) / 2e-6;
                assert!((found - said.double_value(&[at])).abs() < 1e-6, "{name}: {found} {said:?}");
            }
        }
    });
}

#[test]
fn a_row_is_the_same_wherever_it_stands_and_small_moves_stay_small() {
    each(|name, spec, config| {
        let (params, layer) = built(spec, 3, config);
        let _ = tch::no_grad(|| params.params().last().unwrap().tensor().shallow_clone().uniform_(0.1, 0.5));
        let run = |rows: &[[f64; 4]]| layer.tokens(&xs(rows), &cx()).unwrap();
        let rows = [[0.3, 0.0, 0.5, 1.0], [-2.0, 4.0, 0.4, 0.0], [0.9, -1.0, 0.6, 0.5]];
        let (one, other) = (run(&rows), run(&[rows[2], rows[0], rows[1]]));
        let order = Tensor::from_slice(&[1i64, 2, 0]);
        assert!((one - other.index_select(0, &order)).abs().max().double_value(&[]) < 1e-14, "{name}");
        // Continuous over and beyond all edges: a line of numbers, close to each other.
        let line: Vec<[f64; 4]> = (0..=6000).map(|i| [-3.0 + 1e-3 * f64::from(i); 4]).collect();
        let steps = run(&line).diff(1, 0, None::<Tensor>, None::<Tensor>).abs().max().double_value(&[]);
        assert!(steps < 0.2, "{name}: {steps}");
    });
}

#[test]
fn bends_that_rise_give_what_rises() {
    let spec = spec(&file());
    let (params, layer) = built(&spec, 2, &NumberEmbeddingConfig::by_name("piecewise-linear").unwrap());
    let start = built(&spec, 2, &NumberEmbeddingConfig::default()).1;
    let line: Vec<[f64; 4]> = (0..=1000).map(|i| [-3.0 + 8e-3 * f64::from(i); 4]).collect();
    // It starts as the linear one of the same seed.
    let gap = layer.tokens(&xs(&line), &cx()).unwrap() - start.tokens(&xs(&line), &cx()).unwrap();
    assert!(gap.abs().max().double_value(&[]) < 1e-14);
    let _guard = tch::no_grad_guard();
    for param in params.params() {
        let _ = param.tensor().shallow_clone().abs_();
    }
    let _ = params.get("numeric.bins.weight").unwrap().tensor().shallow_clone().fill_(0.5);
    let steps = layer.tokens(&xs(&line), &cx()).unwrap().diff(1, 0, None::<Tensor>, None::<Tensor>);
    assert!(steps.min().double_value(&[]) > 0.0);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let spec = spec(&file());
    let refusal = |spec: &InputSpec, d: i64, settings: &str| {
        let config: NumberEmbeddingConfig = serde_json::from_str(settings).unwrap();
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
        NumberEmbedding::new(&mut params.root(), spec, "numbers", d, &config).unwrap_err().to_string()
    };
    let bare = InputSpec::new([("numbers", Numeric::new(vec!["x".into()]).into())]).unwrap();
    let e = refusal(&bare, 3, r#"{"kind":"piecewise-linear"}"#);
    assert!(
        e.starts_with("input numbers: edges of bins must be learned from the training split") && e.contains("pbld"),
        "{e}"
    );
    let e = refusal(&spec, 3, r#"{"kind":"piecewise-linear","bins":0}"#);
    assert_eq!(e, "number embedding: bins must be >= 1, found 0");
    assert!(refusal(&spec, 1, r#"{"kind":"pbld"}"#).ends_with("must be >= 2, found 1"));
    assert!(refusal(&spec, 0, r#"{"kind":"linear"}"#).contains("width must be >= 1"));
    assert!(refusal(&spec, 3, r#"{"kind":"periodic","sigma":0.0}"#).contains("sigma must be > 0"));
    let words = crate::input::Tokens { vocabulary: 3, pad: 0, unknown: None, length: crate::input::Length::Fixed(2) };
    let words = InputSpec::new([("numbers", words.into())]).unwrap();
    assert!(refusal(&words, 3, r#"{"kind":"linear"}"#).starts_with("input numbers: modality must be numeric fields"));
    let layer = built(&spec, 3, &NumberEmbeddingConfig::default()).1;
    let e = layer.tokens(&Tensor::zeros([2, 3], (Kind::Double, Device::Cpu)), &cx()).unwrap_err().to_string();
    assert_eq!(e, "numeric: xs must be [b, 4], found [2, 3]");
}
