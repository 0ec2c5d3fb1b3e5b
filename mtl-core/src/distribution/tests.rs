//! Every family beside SciPy (`tests/golden/make_distribution_golden.py`), and what all of them owe.

use ndarray::array;
use serde_json::Value;

use super::*;

struct Golden {
    family: Family,
    p: Vec<f64>,
    case: Value,
}

impl Golden {
    fn all() -> Vec<Self> {
        let file: Value = serde_json::from_str(include_str!("../../tests/golden/distribution.json")).unwrap();
        let read = |case: &Value| Self {
            family: serde_json::from_value(case["family"].clone()).unwrap(),
            p: numbers(&case["p"]),
            case: case.clone(),
        };
        file["cases"].as_array().unwrap().iter().map(read).collect()
    }

    /// What SciPy says of each of `at`.
    fn pairs(&self, at: &str, what: &str) -> Vec<(f64, f64)> {
        numbers(&self.case[at]).into_iter().zip(numbers(&self.case[what])).collect()
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn near(what: &str, golden: &Golden, at: f64, found: f64, want: f64, tolerance: f64) {
    let off = (found - want).abs() / want.abs().max(1e-3);
    assert!(
        off <= tolerance,
        "{what} of {} {:?} at {at}: {found}, SciPy {want}, off by {off:e}",
        golden.family,
        golden.p
    );
}

#[test]
fn every_family_is_scipys() {
    let all = Golden::all();
    for family in Family::ALL {
        assert!(all.iter().filter(|golden| golden.family == *family).count() >= 3, "{family}");
    }
    for golden in &all {
        let (density, p) = (golden.family.density(), golden.p.as_slice());
        near("mean", golden, 0.0, density.mean(p), golden.case["mean"].as_f64().unwrap(), 1e-12);
        for (y, want) in golden.pairs("ys", "log_density") {
            near("log density", golden, y, density.log_density(p, y), want, 1e-10);
        }
        for (y, want) in golden.pairs("ys", "cdf") {
            near("cdf", golden, y, density.cdf(p, y), want, 1e-10);
        }
        for (y, want) in golden.pairs("ys", "crps") {
            near("CRPS", golden, y, density.crps(p, y), want, 1e-9);
        }
        for (level, want) in golden.pairs("levels", "quantiles") {
            let tolerance = if density.support() == Support::Counts { 0.0 } else { 1e-9 };
            near("quantile", golden, level, density.quantile(p, level), want, tolerance);
        }
    }
}

#[test]
fn what_is_no_parameter_or_no_count_is_refused() {
    for golden in Golden::all() {
        let density = golden.family.density();
        assert_eq!(density.refused(&golden.p), None);
        for at in 0..golden.p.len() {
            let mut p = golden.p.clone();
            p[at] = f64::NAN;
            assert_eq!(density.refused(&p).map(|(at, _)| at), Some(at), "{}", golden.family);
            if density.parameters()[at].1 == Role::Distance {
                p[at] = 0.0;
                assert!(density.refused(&p).unwrap().1.contains("> 0"), "{}", golden.family);
            }
        }
        if density.support() == Support::Counts {
            assert!(density.log_density(&golden.p, 1.5).is_infinite() && density.cdf(&golden.p, -1.0) == 0.0);
        }
    }
    assert!(StudentT.refused(&[0.0, 1.0, 1.0]).unwrap().1.contains("> 1"));
}

/// Means of millions and hardly any dispersion: where sums over counts or differences of `lgamma` would give out.
#[test]
fn large_counts_stay_near_their_limits() {
    let poisson = Poisson.crps(&[1e6], 1e6 + 500.0);
    let normal = Gaussian.crps(&[1e6, 1e3], 1e6 + 500.0);
    assert!((poisson - normal).abs() < 1e-2 * normal, "{poisson} {normal}");
    for y in [0.0, 3.0, 40.0] {
        let (few, near) = (Poisson.log_density(&[4.0], y), NegativeBinomial.log_density(&[4.0, 1e-6], y));
        assert!((few - near).abs() < 1e-3, "{y}: {few} {near}");
        let (few, near) = (Poisson.crps(&[4.0], y), NegativeBinomial.crps(&[4.0, 1e-6], y));
        assert!((few - near).abs() < 1e-4, "{y}: {few} {near}");
    }
    let (t, normal) = (StudentT.crps(&[0.0, 1.0, 1e12], 0.7), Gaussian.crps(&[0.0, 1.0], 0.7));
    assert!((t - normal).abs() < 1e-9, "{t} {normal}");
    assert!((StudentT.quantile(&[0.0, 1.0, 1e12], 0.9) - numeric::normal_quantile(0.9)).abs() < 1e-9);
}

#[test]
fn a_forecast_is_written_with_its_parameters_and_quantiles() {
    let form = Form::Family { family: Family::Laplace, levels: vec![0.05, 0.5] };
    let names = ["a".to_owned(), "b".to_owned()];
    let forecast = Forecast::new(form.clone(), array![[1.0, 2.0, -3.0, 0.5]]).unwrap();
    assert_eq!(forecast.points(), array![[1.0, -3.0]]);
    let columns: Vec<String> = form.columns(&names).into_iter().flatten().collect();
    assert_eq!(
        columns,
        ["a", "a.location", "a.scale", "a.q0.05", "a.q0.5", "b", "b.location", "b.scale", "b.q0.05", "b.q0.5"]
    );
    assert_eq!(form.columns(&names[..1])[..2], [None, Some("location".to_owned())]);
    let mut fields = Vec::new();
    forecast.write(0, &mut |x| fields.push(x)).unwrap();
    assert_eq!((fields.len(), &fields[..3], fields[4]), (columns.len(), [1.0, 1.0, 2.0].as_slice(), 1.0));
    let json = forecast.json(0, &names).unwrap();
    assert_eq!((&json["values"]["b"], &json["form"]), (&serde_json::json!(-3.0), &serde_json::json!("laplace")));
    assert_eq!(json["forecast"]["a"]["q0.5"], serde_json::json!(1.0));
    assert!(Forecast::new(form, array![[1.0, 2.0, 3.0]]).unwrap_err().contains("2 numbers an output, not by 3"));
    let mut rows = forecast.gather(&[0, 7, 0]);
    assert_eq!(rows.points().nrows(), 2);
    let quantiles = Form::Quantiles { levels: vec![0.05, 0.5, 0.95] };
    let other = Forecast::new(quantiles.clone(), array![[1.0, 2.0, 4.0]]).unwrap();
    assert!(rows.append(&forecast) && !rows.append(&other) && rows.points().nrows() == 3);
    assert_eq!(other.points(), array![[2.0]]);
    assert_eq!(quantiles.quantile(&[1.0, 2.0, 4.0], (1.0 - 0.9) / 2.0), Ok(1.0));
    let e = quantiles.quantile(&[1.0, 2.0, 4.0], 0.1).unwrap_err();
    assert_eq!(e, "quantiles 0.05, 0.5, 0.95 do not tell that of 0.1");
}

#[test]
fn levels_rise_within_0_and_1() {
    for (levels, median) in
        [(vec![0.5, 0.1], false), (vec![0.0, 0.5], false), (vec![0.1, 0.9], true), (vec![0.5, 0.5], true)]
    {
        let e = Form::check_levels("quantile head", &levels, median).unwrap_err().to_string();
        assert!(e.starts_with("quantile head: levels must be rising within (0, 1)"), "{e}");
    }
    assert!(
        Form::check_levels("quantile head", &[0.1, 0.5], true).is_ok() && Form::check_levels("x", &[], false).is_ok()
    );
}

#[cfg(feature = "torch")]
mod on_a_graph {
    use tch::{Device, Kind, Tensor};

    use super::*;

    fn leaves(xs: &[f64]) -> Vec<Tensor> {
        xs.iter().map(|x| Tensor::from_slice(&[*x]).set_requires_grad(true)).collect()
    }

    #[test]
    fn a_likelihood_is_the_density_and_its_slope_is_right() {
        for golden in Golden::all() {
            let density = golden.family.density();
            for y in numbers(&golden.case["ys"]) {
                let p = leaves(&golden.p);
                let found = density.log_likelihood(&p, &Tensor::from_slice(&[y])).unwrap();
                let want = density.log_density(&golden.p, y);
                near("log likelihood", &golden, y, found.double_value(&[0]), want, 1e-9);
                found.backward();
                for (at, parameter) in p.iter().enumerate() {
                    let slope = parameter.grad().double_value(&[0]);
                    let step = 1e-5 * golden.p[at].abs().max(1e-2);
                    let moved = |by: f64| {
                        let mut p = golden.p.clone();
                        p[at] += by;
                        density.log_density(&p, y)
                    };
                    let want = (moved(step) - moved(-step)) / (2.0 * step);
                    // At the median a Laplace has a corner.
                    let corner = golden.family == Family::Laplace && at == 0 && (y - golden.p[0]).abs() < step;
                    let scale = want.abs().max(1e-3 * (want * golden.p[at]).abs()).max(1e-2);
                    assert!(
                        corner || (slope - want).abs() <= 1e-4 * scale.max(1.0),
                        "{} {:?} at {y}, parameter {at}: {slope} {want}",
                        golden.family,
                        golden.p
                    );
                }
            }
        }
    }

    /// Whatever a network says, there are parameters, a likelihood and a slope, in `f32` too.
    #[test]
    fn links_hold_for_any_number() {
        for family in Family::ALL {
            let (density, width) = (family.density(), family.density().parameters().len());
            for kind in [Kind::Float, Kind::Double] {
                for x in [-1e4, -60.0, -1.0, 0.0, 1.0, 60.0, 1e4] {
                    let raw: Vec<Tensor> =
                        (0..width).map(|_| Tensor::full([1], x, (kind, Device::Cpu)).set_requires_grad(true)).collect();
                    let double: Vec<Tensor> = raw.iter().map(|t| t.to_kind(Kind::Double)).collect();
                    let p = density.linked(&double).unwrap();
                    let plain: Vec<f64> = p.iter().map(|t| t.double_value(&[0])).collect();
                    assert_eq!(density.refused(&plain), None, "{family} at {x}: {plain:?}");
                    let found = density.log_likelihood(&p, &Tensor::from_slice(&[3.0f64])).unwrap();
                    assert!(found.double_value(&[0]).is_finite(), "{family} at {x}");
                    found.backward();
                    assert!(raw.iter().all(|t| t.grad().double_value(&[0]).is_finite()), "{family} at {x}");
                }
            }
            let zeros: Vec<Tensor> = (0..width).map(|_| Tensor::zeros([1], (Kind::Double, Device::Cpu))).collect();
            let start: Vec<f64> = density.linked(&zeros).unwrap().iter().map(|t| t.double_value(&[0])).collect();
            let mean = if density.support() == Support::Counts { 1.0 } else { 0.0 };
            assert!((density.mean(&start) - mean).abs() < 1e-5, "{family}: {start:?}");
        }
    }
}
