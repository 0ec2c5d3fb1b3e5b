//! What every balancer promises, checked for every entry of the registry on a fixed list of matrices.
//!
//! A method states in [`claims`] which properties it has; one that is missing there fails the test. Tolerances are those
//! of `f64` solvers: no constant in them depends on the size of the gradients.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "a test, with helpers outside of test functions"
)]

use mtl_core::{
    Error,
    balance::{Balancer, BalancerConfig, Epoch, Evidence, Gramian},
    metric::{CLASS, MetricFacts, MetricName, MetricSpec},
    task::{Task, TaskSet},
};

/// The properties a method claims.
#[derive(Debug, Clone, Copy, Default)]
struct Claims {
    /// Weights are never negative.
    non_negative: bool,
    /// Weights sum to this number times the number of tasks to the power of `.1`.
    sum: Option<(f64, i32)>,
    /// The direction has no negative inner product with any gradient (up to rounding).
    non_conflicting: bool,
    /// Reordering the tasks reorders the weights, as far as the direction shows it.
    permutation: bool,
    /// Multiplying all gradients by `k` multiplies the weights by `k` to this power.
    degree: Option<i32>,
    /// The direction is linear in the lengths of the gradients.
    linear: bool,
    /// Orthogonal gradients of equal length and equal losses get equal weights.
    fair: bool,
    /// The second call with the same evidence gives the same as the first.
    stateless: bool,
    /// Gives weights for the matrices whose gradients cancel, or with zero rows, rather than an error.
    total: bool,
}

const PLAIN: Claims = Claims {
    non_negative: true,
    sum: None,
    non_conflicting: false,
    permutation: true,
    degree: Some(0),
    linear: false,
    fair: true,
    stateless: true,
    total: true,
};

fn claims(name: &str) -> Option<Claims> {
    Some(match name {
        "equal" => Claims { sum: Some((1.0, 1)), linear: true, ..PLAIN },
        "modo" | "sdmgrad" => Claims { sum: Some((1.0, 0)), stateless: false, ..PLAIN },
        // Adam's epsilon gives the weights' learning a scale.
        "auto-lambda" | "moml" => Claims { stateless: false, degree: None, ..PLAIN },
        "forum" => Claims { stateless: false, degree: None, fair: false, ..PLAIN },
        "fixed" => Claims { sum: Some((1.0, 1)), linear: true, ..PLAIN },
        "uncertainty" => Claims { stateless: false, linear: false, ..PLAIN },
        "pcgrad" => Claims { permutation: false, ..PLAIN },
        "mgda" => Claims { sum: Some((1.0, 0)), non_conflicting: true, ..PLAIN },
        "upgrad" => Claims { non_conflicting: true, linear: true, ..PLAIN },
        "rlw" => Claims { sum: Some((1.0, 0)), permutation: false, fair: false, ..PLAIN },
        "log" | "gls" => PLAIN,
        "pbi" | "cosmos" => Claims { non_negative: false, ..PLAIN },
        "stch" => PLAIN,
        "loss-norm" | "imtl-l" | "lbtw" | "dtp" | "go4align" => Claims { stateless: false, ..PLAIN },
        "dwa" => Claims { sum: Some((1.0, 1)), stateless: false, ..PLAIN },
        "famo" => Claims { sum: Some((1.0, 0)), stateless: false, ..PLAIN },
        "ldc-mtl" => Claims { permutation: false, stateless: false, ..PLAIN },
        "dualproj" => Claims { non_conflicting: true, ..PLAIN },
        "cagrad" => PLAIN,
        "imtl-g" => Claims { non_negative: false, ..PLAIN },
        "nash-mtl" => Claims { non_conflicting: true, degree: Some(-1), ..PLAIN },
        "fairgrad" => Claims { non_conflicting: true, degree: Some(-1), ..PLAIN },
        "aligned-mtl" => Claims { non_negative: false, ..PLAIN },
        "config" => Claims { non_negative: false, linear: true, ..PLAIN },
        "gradvac" => Claims { permutation: false, stateless: false, ..PLAIN },
        "gradnorm" => Claims { stateless: false, ..PLAIN },
        "mgda-ub" => Claims { sum: Some((1.0, 0)), non_conflicting: true, ..PLAIN },
        "gradops" => Claims { non_negative: false, non_conflicting: true, linear: true, ..PLAIN },
        "metabalance" => Claims { permutation: false, stateless: false, ..PLAIN },
        "krum" => Claims { sum: Some((1.0, 0)), permutation: false, fair: false, ..PLAIN },
        "son-goku" => Claims { permutation: false, stateless: false, ..PLAIN },
        "cr-mogm" => Claims { stateless: false, ..PLAIN },
        "per-block" => Claims { permutation: false, stateless: false, ..PLAIN },
        "pipeline" => Claims { sum: Some((1.0, 1)), linear: true, ..PLAIN },
        _ => return None,
    })
}

fn tasks(m: usize) -> TaskSet {
    TaskSet::new((0..m.max(1)).map(|i| Task::new(&format!("t{i}")).unwrap().judged_by(share())).collect()).unwrap()
}

/// The method of that name with default settings; those without defaults get equal ones.
fn make(name: &str, m: usize) -> Box<dyn Balancer> {
    let mut config = BalancerConfig::by_name(name).unwrap();
    if let BalancerConfig::Fixed(fixed) = &mut config {
        fixed.weights = vec![1.0; m.max(1)];
    }
    config.build(&tasks(m)).unwrap()
}

/// A deterministic number in [-1, 1].
fn noise(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

fn random(m: usize, n: usize, seed: u64) -> Vec<Vec<f64>> {
    (0..m).map(|i| (0..n).map(|j| noise(seed * 10_007 + (i * n + j) as u64)).collect()).collect()
}

fn scaled(rows: &[Vec<f64>], by: f64) -> Vec<Vec<f64>> {
    rows.iter().map(|r| r.iter().map(|x| x * by).collect()).collect()
}

struct Matrix {
    name: String,
    rows: Vec<Vec<f64>>,
    /// The gradients are linearly independent, well away from dependence.
    regular: bool,
}

fn matrices() -> Vec<Matrix> {
    let mut all: Vec<(String, Vec<Vec<f64>>, bool)> = vec![
        ("empty".into(), vec![], false),
        ("one row".into(), vec![vec![3.0, 4.0]], true),
        ("orthogonal".into(), vec![vec![1.0, 0.0], vec![0.0, 1.0]], true),
        ("conflict".into(), vec![vec![1.0, 0.0], vec![-2.0, 0.5]], true),
        ("tiny conflict".into(), vec![vec![1e-3, 0.0], vec![-2e-3, 0.5e-3]], true),
        ("equal rows".into(), vec![vec![1.0, 2.0], vec![1.0, 2.0]], false),
        ("three, two of them equal".into(), vec![vec![1.0, 2.0], vec![1.0, 2.0], vec![-1.0, 1.0]], false),
        ("opposite rows".into(), vec![vec![1.0, 2.0], vec![-1.0, -2.0]], false),
        ("a zero row".into(), vec![vec![1.0, 0.0], vec![0.0, 0.0], vec![0.5, 1.0]], false),
        ("all zero".into(), vec![vec![0.0; 3]; 3], false),
        ("lengths 1e-6 to 1e6".into(), vec![vec![1e-6, 2e-6, 0.0], vec![-1.0, 1.0, 0.5], vec![-1e6, 0.0, 3e5]], true),
        (
            "stationary triangle".into(),
            vec![vec![1.0, 0.0], vec![-0.5, 0.75f64.sqrt()], vec![-0.5, -(0.75f64.sqrt())]],
            false,
        ),
    ];
    for (m, n) in [(2, 2), (3, 3), (3, 2), (8, 16), (8, 8), (8, 3), (32, 64), (32, 32), (32, 5), (32, 1)] {
        for seed in 0..3 {
            all.push((format!("random {m} x {n}, seed {seed}"), random(m, n, seed + (m * n) as u64), n >= 2 * m));
        }
    }
    let base = random(8, 16, 4);
    for exponent in [-150, -100, -10, 10, 100, 150] {
        all.push((format!("1e{exponent}"), scaled(&base, 10f64.powi(exponent)), true));
    }
    all.into_iter().map(|(name, rows, regular)| Matrix { name, rows, regular }).collect()
}

fn losses(m: usize) -> Vec<f64> {
    (0..m).map(|i| 1.0 + 0.3 * noise(77 + i as u64)).collect()
}

fn weigh(method: &mut dyn Balancer, g: &Gramian, losses: &[f64], step: u64) -> Result<Vec<f64>, Error> {
    let m = g.m();
    let tasks: Vec<usize> = (0..m).collect();
    let mut half = Gramian::default();
    half.rebuild(m).copy_from_slice(&g.values().iter().map(|x| 0.5 * x).collect::<Vec<_>>());
    let blocks = [half.clone(), half];
    // Every further look sees the same gradients again.
    let needs = method.needs();
    let joint = tiled(g, usize::from(needs.gramian) + needs.looks_with_rows());
    let joint = (!needs.looks.is_empty()).then_some(&joint);
    let mut weights = vec![f64::NAN; m];
    weights.resize(m * (1 + needs.looks_with_rows()), 0.0);
    let again: Vec<f64> = losses.iter().map(|l| 0.9 * l).collect();
    let evidence =
        Evidence { tasks: &tasks, losses, losses_again: &again, gramian: Some(g), blocks: &blocks, joint, step };
    method.weigh(&evidence, &mut weights)?;
    weights.truncate(m);
    Ok(weights)
}

/// The Gramian of `sets` copies of the rows, one after the other.
fn tiled(g: &Gramian, sets: usize) -> Gramian {
    let (m, n) = (g.m(), g.m() * sets);
    let mut joint = Gramian::default();
    joint.rebuild(n).iter_mut().enumerate().for_each(|(e, v)| *v = g.get(e / n % m, e % n % m));
    joint
}

/// A few steps and epochs with slowly falling losses; the weights of all steps in a row.
fn drive(method: &mut dyn Balancer, g: &Gramian, steps: std::ops::Range<u64>) -> Vec<f64> {
    let m = g.m();
    let tasks: Vec<usize> = (0..m).collect();
    let mut out = Vec::new();
    for step in steps {
        let at = |k: u64| {
            losses(m)
                .iter()
                .enumerate()
                .map(|(i, l)| l * 0.97f64.powi((k as i32) * (1 + i as i32 % 3)))
                .collect::<Vec<_>>()
        };
        if let Ok(weights) = weigh(method, g, &at(step), step) {
            out.extend(weights);
            method.after_step(&at(step + 1), &tasks).unwrap();
        }
        if step % 2 == 1 {
            let kpis: Vec<f64> = (0..m).map(|i| 0.5 + 0.03 * step as f64 + 0.01 * i as f64).collect();
            method.epoch_end(&Epoch { index: step / 2, kpis: &kpis }).unwrap();
        }
    }
    out
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Length of `sum_i (a_i - b_i) g_i` relative to that of the longest term; weights far below `usual` count as rounding.
fn distance(g: &Gramian, a: &[f64], b: &[f64], usual: f64) -> f64 {
    let longest = (0..g.m()).map(|i| g.norm(i)).fold(0.0, f64::max);
    if longest <= 0.0 {
        return 0.0;
    }
    let difference: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
    let scale = (0..g.m()).map(|i| a[i].abs().max(b[i].abs()) * g.norm(i) / longest).fold(0.0, f64::max);
    let mut squared = 0.0;
    for i in 0..g.m() {
        for j in 0..g.m() {
            squared += difference[i] * (g.get(i, j) / longest / longest) * difference[j];
        }
    }
    squared.max(0.0).sqrt() / scale.max(1e-3 * usual)
}

#[test]
fn every_method_states_its_claims() {
    for (name, about) in BalancerConfig::ALL {
        assert!(claims(name).is_some(), "{name} has no entry in `claims`");
        assert!(!about.is_empty());
        assert_eq!(make(name, 3).name(), *name);
    }
}

#[test]
fn configurations_round_trip_and_refuse_unknown_fields() {
    for (name, _) in BalancerConfig::ALL {
        let config = BalancerConfig::by_name(name).unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<BalancerConfig>(&text).unwrap(), config, "{text}");
        let typo = format!(r#"{{"kind":"{name}","no_such_setting":1}}"#);
        assert!(serde_json::from_str::<BalancerConfig>(&typo).is_err(), "{name} takes unknown fields");
    }
}

#[test]
fn weights_are_finite_or_an_error_says_why() {
    for (name, _) in BalancerConfig::ALL {
        for matrix in matrices() {
            let g = Gramian::of_rows(&matrix.rows);
            match weigh(make(name, g.m()).as_mut(), &g, &losses(g.m()), 0) {
                Ok(w) => {
                    assert!(w.iter().all(|w| w.is_finite()), "{name} on {}: {w:?}", matrix.name);
                    if claims(name).unwrap().non_negative {
                        assert!(w.iter().all(|w| *w >= 0.0), "{name} on {}: {w:?}", matrix.name);
                    }
                    if let Some((sum, power)) = claims(name).unwrap().sum.filter(|_| g.m() > 0) {
                        let expected = sum * (g.m() as f64).powi(power);
                        let found: f64 = w.iter().sum();
                        assert!((found - expected).abs() < 1e-10 * expected, "{name} on {}: sum {found}", matrix.name);
                    }
                }
                Err(e) => {
                    assert!(!matrix.regular && !claims(name).unwrap().total, "{name} on {}: {e}", matrix.name);
                }
            }
        }
    }
}

#[test]
fn nan_and_infinity_are_refused_by_the_name_of_the_task() {
    let mut g = Gramian::of_rows(&random(3, 4, 1));
    for bad in [f64::NAN, f64::INFINITY] {
        let m = g.m();
        let mut values = g.values().to_vec();
        for k in 0..m {
            values[m + k] = bad;
            values[k * m + 1] = bad;
        }
        let mut spoilt = Gramian::default();
        spoilt.rebuild(m).copy_from_slice(&values);
        for (name, _) in BalancerConfig::ALL {
            let needs = make(name, m).needs();
            if needs.gramian {
                let e = weigh(make(name, m).as_mut(), &spoilt, &losses(m), 0).unwrap_err().to_string();
                assert!(e.contains("task number 2"), "{name}: {e}");
            }
            if needs.losses {
                let e = weigh(make(name, m).as_mut(), &g, &[1.0, bad, 1.0], 0).unwrap_err().to_string();
                assert!(e.contains("task number 2"), "{name}: {e}");
            }
        }
        g = Gramian::of_rows(&random(3, 4, 2));
    }
}

#[test]
fn missing_evidence_is_an_error() {
    for (name, _) in BalancerConfig::ALL {
        let mut method = make(name, 2);
        let needs = method.needs();
        let found = method.weigh(&Evidence { tasks: &[0, 1], ..Evidence::default() }, &mut [0.0; 6]);
        assert_eq!(found.is_err(), needs.losses || needs.gramian || !needs.looks.is_empty(), "{name}");
    }
}

#[test]
fn non_conflicting_methods_do_not_conflict() {
    for (name, _) in BalancerConfig::ALL.iter().filter(|(n, _)| claims(n).unwrap().non_conflicting) {
        for matrix in matrices() {
            let g = Gramian::of_rows(&matrix.rows);
            let Ok(w) = weigh(make(name, g.m()).as_mut(), &g, &losses(g.m()), 0) else { continue };
            let size: f64 = (0..g.m()).map(|i| w[i].abs() * g.norm(i)).sum();
            let mut products = vec![0.0; g.m()];
            g.times(&w, &mut products);
            for (i, product) in products.iter().enumerate() {
                let limit = -1e-9 * g.norm(i) * size;
                assert!(*product >= limit, "{name} on {}: task {i} has {product:e} < {limit:e}", matrix.name);
            }
        }
    }
}

#[test]
fn the_order_of_tasks_does_not_matter() {
    for (name, _) in BalancerConfig::ALL.iter().filter(|(n, _)| claims(n).unwrap().permutation) {
        for matrix in matrices() {
            let g = Gramian::of_rows(&matrix.rows);
            let m = g.m();
            let order: Vec<usize> = (0..m).map(|i| (i * 5 + 1) % m.max(1)).collect();
            if (0..m).any(|i| !order.contains(&i)) {
                continue; // no permutation for multiples of 5
            }
            let l = losses(m);
            let permuted: Vec<f64> = order.iter().map(|&i| l[i]).collect();
            let first = weigh(make(name, m).as_mut(), &g, &l, 0);
            let second = weigh(make(name, m).as_mut(), &g.select(&order), &permuted, 0);
            assert_eq!(first.is_ok(), second.is_ok(), "{name} on {}", matrix.name);
            let (Ok(first), Ok(second)) = (first, second) else { continue };
            let mut back = vec![0.0; m];
            for (k, &i) in order.iter().enumerate() {
                back[i] = second[k];
            }
            let d = distance(&g, &first, &back, 1.0);
            let limit = 1e-10; // dependent gradients included: directions are compared, not weights
            assert!(d < limit, "{name} on {}: {d:e}\n{first:?}\n{back:?}", matrix.name);
        }
    }
}

#[test]
fn weights_follow_the_scale_of_all_gradients_exactly() {
    for (name, _) in BalancerConfig::ALL {
        let Some(degree) = claims(name).unwrap().degree else { continue };
        for matrix in matrices().iter().filter(|m| m.rows.len() <= 8) {
            let g = Gramian::of_rows(&matrix.rows);
            let Ok(w) = weigh(make(name, g.m()).as_mut(), &g, &losses(g.m()), 0) else { continue };
            for k in [1e-100, 1e-3, 3.0, 1e5, 1e100] {
                let big = g.values().iter().fold(0.0, |a: f64, x| a.max(x.abs())) * k * k;
                let small = (0..g.m()).map(|i| g.diag(i) * k * k).fold(f64::INFINITY, f64::min);
                if !(big < 1e300 && small > 1e-290) {
                    continue;
                }
                let other = Gramian::of_rows(&scaled(&matrix.rows, k));
                let expected: Vec<f64> = w.iter().map(|w| w * k.powi(degree)).collect();
                let found = weigh(make(name, g.m()).as_mut(), &other, &losses(g.m()), 0).unwrap();
                let d = distance(&g, &found, &expected, k.powi(degree));
                let limit = 1e-10; // dependent gradients included: directions are compared, not weights
                assert!(d < limit, "{name} on {} times {k:e}: {d:e}\n{found:?}\n{expected:?}", matrix.name);
            }
        }
    }
}

#[test]
fn linear_methods_are_linear_in_the_lengths() {
    for (name, _) in BalancerConfig::ALL.iter().filter(|(n, _)| claims(n).unwrap().linear) {
        for matrix in matrices().iter().filter(|m| m.regular && m.rows.len() > 1) {
            let m = matrix.rows.len();
            // A(c1) + A(c2) = A(c1 + c2), each as combination of the unscaled rows.
            let lengths = |seed: u64| (0..m).map(|i| 1.5 + noise(seed + i as u64)).collect::<Vec<f64>>();
            let direction = |c: &[f64]| {
                let rows: Vec<Vec<f64>> =
                    matrix.rows.iter().zip(c).map(|(r, c)| r.iter().map(|x| x * c).collect()).collect();
                let g = Gramian::of_rows(&rows);
                let w = weigh(make(name, m).as_mut(), &g, &losses(m), 0).unwrap();
                w.iter().zip(c).map(|(w, c)| w * c).collect::<Vec<f64>>()
            };
            let (c1, c2) = (lengths(1), lengths(1000));
            let both: Vec<f64> = c1.iter().zip(&c2).map(|(a, b)| a + b).collect();
            let sum: Vec<f64> = direction(&c1).iter().zip(direction(&c2)).map(|(a, b)| a + b).collect();
            let d = distance(&Gramian::of_rows(&matrix.rows), &direction(&both), &sum, 1.0);
            assert!(d < 1e-8, "{name} on {}: {d:e}", matrix.name);
        }
    }
}

#[test]
fn orthogonal_gradients_of_one_length_get_equal_weights() {
    for (name, _) in BalancerConfig::ALL.iter().filter(|(n, _)| claims(n).unwrap().fair) {
        for m in [2, 3, 8, 32] {
            let rows: Vec<Vec<f64>> =
                (0..m).map(|i| (0..m).map(|j| if i == j { 0.7 } else { 0.0 }).collect()).collect();
            let w = weigh(make(name, m).as_mut(), &Gramian::of_rows(&rows), &vec![0.8; m], 0).unwrap();
            assert!(w.iter().all(|x| (x - w[0]).abs() <= 1e-12 * w[0].abs()), "{name} with {m} tasks: {w:?}");
        }
    }
}

#[test]
fn runs_are_reproducible_and_stateless_methods_forget() {
    for (name, _) in BalancerConfig::ALL {
        for matrix in matrices().iter().filter(|m| (2..=8).contains(&m.rows.len())) {
            let g = Gramian::of_rows(&matrix.rows);
            let first = drive(make(name, g.m()).as_mut(), &g, 0..7);
            let again = drive(make(name, g.m()).as_mut(), &g, 0..7);
            assert_eq!(bits(&first), bits(&again), "{name} on {}", matrix.name);
            if claims(name).unwrap().stateless {
                let mut method = make(name, g.m());
                let l = losses(g.m());
                let (Ok(a), Ok(b)) = (weigh(method.as_mut(), &g, &l, 3), weigh(method.as_mut(), &g, &l, 3)) else {
                    continue;
                };
                assert_eq!(bits(&a), bits(&b), "{name} on {} has a memory", matrix.name);
                assert!(method.state().is_empty(), "{name} has a state");
            }
        }
    }
}

#[test]
fn a_saved_and_loaded_method_goes_on_bit_by_bit_and_reset_means_fresh() {
    for (name, _) in BalancerConfig::ALL {
        for matrix in matrices().iter().filter(|m| (2..=8).contains(&m.rows.len())) {
            let g = Gramian::of_rows(&matrix.rows);
            let mut whole = make(name, g.m());
            drive(whole.as_mut(), &g, 0..5);
            let mut resumed = make(name, g.m());
            resumed.load_state(&whole.state()).unwrap();
            let expected = drive(whole.as_mut(), &g, 5..12);
            assert_eq!(bits(&drive(resumed.as_mut(), &g, 5..12)), bits(&expected), "{name} on {}", matrix.name);
            whole.reset();
            let fresh = drive(make(name, g.m()).as_mut(), &g, 0..7);
            assert_eq!(bits(&drive(whole.as_mut(), &g, 0..7)), bits(&fresh), "{name} on {}: reset", matrix.name);
            let mut wider = make(name, g.m() + 1);
            assert!(
                whole.state().is_empty() || wider.load_state(&whole.state()).is_err(),
                "{name} took a foreign state"
            );
        }
    }
}

#[test]
fn a_task_may_be_absent_from_a_step() {
    for (name, _) in BalancerConfig::ALL {
        let all = Gramian::of_rows(&random(4, 9, 11));
        let mut method = make(name, 4);
        weigh(method.as_mut(), &all, &losses(4), 0).unwrap();
        for present in [vec![0, 2, 3], vec![1, 3], vec![2]] {
            let (g, l) = (all.select(&present), present.iter().map(|&i| losses(4)[i]).collect::<Vec<_>>());
            let blocks = [g.clone()];
            let needs = method.needs();
            let joint = tiled(&g, usize::from(needs.gramian) + needs.looks_with_rows());
            let evidence = Evidence {
                tasks: &present,
                losses: &l,
                losses_again: &l,
                gramian: Some(&g),
                blocks: &blocks,
                joint: (!needs.looks.is_empty()).then_some(&joint),
                step: 1,
            };
            let mut w = vec![0.0; present.len() * (1 + needs.looks_with_rows())];
            method.weigh(&evidence, &mut w).unwrap_or_else(|e| panic!("{name} with {present:?}: {e}"));
            assert!(w.iter().all(|w| w.is_finite()), "{name} with {present:?}: {w:?}");
            method.after_step(&l, &present).unwrap();
        }
    }
}

/// A metric of classes that is a share.
fn share() -> MetricSpec {
    let facts = MetricFacts::maximize("a share", &[CLASS]).between(0.0, 1.0);
    MetricSpec::new(MetricName::new("accuracy").unwrap(), facts)
}
