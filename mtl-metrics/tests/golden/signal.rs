//! Speakers, signals, speech and prosody as pyannote.metrics, torchmetrics, pystoi and the formulas have them (`golden/make_signal.py`
//! says how the cases were made).

use std::path::Path;

use mtl_metrics::{
    Metric, MetricValue,
    audio::{
        Allowed, CepstrumPairs, DiarizationErrorRate, Diarizations, F0Rmse, JaccardErrorRate, MelCepstralDistortion,
        PitchPairs, SignalPairs, SignalRatio, Stoi, Turn,
    },
};
use serde_json::Value;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/signal.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    list(value).iter().map(|x| x.to_string().parse().unwrap()).collect()
}

fn doubles(value: &Value) -> Vec<f64> {
    list(value).iter().map(|x| x.as_f64().unwrap()).collect()
}

fn turns(value: &Value) -> Vec<Turn> {
    let turn = |row: &Value| Turn {
        speaker: row[0].as_u64().unwrap() as u32,
        start: row[1].as_f64().unwrap(),
        end: row[2].as_f64().unwrap(),
    };
    list(value).iter().map(turn).collect()
}

fn same(found: &MetricValue, want: &Value, limit: f64, context: &str) {
    match want.as_f64() {
        Some(want) => {
            let value = found.value.unwrap_or_else(|| panic!("{context}: {found:?} against {want}"));
            assert!((value - want).abs() <= limit * want.abs().max(1.0), "{context}: {value} against {want}");
        }
        None => assert!(found.value.is_none() && found.undefined.is_some(), "{context}: {found:?}"),
    }
}

fn value<M: Metric>(metric: &M, batch: &M::Batch<'_>) -> (M::State, MetricValue) {
    let mut state = M::State::default();
    metric.update(&mut state, batch).unwrap();
    let value = metric.compute(&state);
    (state, value)
}

#[test]
fn speakers_as_pyannote() {
    let golden = golden();
    assert!(list(&golden["diarizations"]).len() >= 40);
    for (idx, case) in list(&golden["diarizations"]).iter().enumerate() {
        let (said, truth) = ([turns(&case["hypothesis"])], [turns(&case["reference"])]);
        let batch = Diarizations::new(&said, &truth).unwrap();
        let settings = [(0.0, false), (0.25, false), (0.0, true), (0.25, true)];
        for ((collar, skip), want) in settings.into_iter().zip(list(&case["der"])) {
            let der = DiarizationErrorRate::new(collar, skip).unwrap();
            let (times, rate) = value(&der, &batch);
            let (found, want) = (times.seconds(), doubles(want));
            for (found, want) in found.iter().zip(&want) {
                assert!((found - want).abs() <= 1e-9, "case {idx}, {collar}, {skip}: {:?}, {want:?}", times.seconds());
            }
            let want =
                if want[0] > 0.0 { serde_json::json!(want[1..].iter().sum::<f64>() / want[0]) } else { Value::Null };
            same(&rate, &want, 1e-9, &format!("der, case {idx}"));
        }
        let errors = doubles(&case["jer"]);
        let want = serde_json::json!(errors.iter().sum::<f64>() / errors.len() as f64);
        same(&value(&JaccardErrorRate, &batch).1, &want, 1e-12, &format!("jer, case {idx}"));
    }
}

#[test]
fn signals_as_torchmetrics() {
    let golden = golden();
    assert!(list(&golden["signals"]).len() >= 40);
    let mut n_filtered = 0;
    for (idx, case) in list(&golden["signals"]).iter().enumerate() {
        let (estimate, target) = ([floats(&case["estimate"])], [floats(&case["target"])]);
        let batch = SignalPairs::new(&estimate, &target).unwrap();
        for (zero_mean, key) in [(false, "plain"), (true, "centered")] {
            for (allowed, want) in [Allowed::Nothing, Allowed::Scale].into_iter().zip(list(&case[key])) {
                let ratio = SignalRatio::new(allowed, zero_mean);
                same(&value(&ratio, &batch).1, want, 1e-9, &format!("{}, case {idx}", ratio.name()));
            }
        }
        if !case["sdr"].is_null() {
            same(
                &value(&SignalRatio::new(Allowed::Filter, false), &batch).1,
                &case["sdr"],
                1e-6,
                &format!("sdr, case {idx}"),
            );
            n_filtered += 1;
        }
    }
    assert!(n_filtered >= 6, "{n_filtered}");
}

/// The clean and the changed signal of a case, as `make_signal.py` makes them.
fn speech(case: &Value) -> [Vec<f32>; 2] {
    let number = |key: &str| case[key].as_f64().unwrap();
    let (levels, period) = (doubles(&case["levels"]), case["period"].as_u64().unwrap() as usize);
    let (mut state, mut last) = (case["seed"].as_u64().unwrap(), 0.0);
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let pair = |i: usize| {
        last = number("color") * last + uniform();
        let target = (last * levels[i / period % levels.len()]) as f32;
        let changed = number("scale") * f64::from(target) + number("noise") * uniform();
        (target, changed.max(-number("limit")).min(number("limit")) as f32)
    };
    let (target, estimate) = (0..case["n"].as_u64().unwrap() as usize).map(pair).unzip();
    [target, estimate]
}

#[test]
fn speech_as_pystoi() {
    let golden = golden();
    let mut n_defined = 0;
    for case in list(&golden["intelligible"]) {
        let [target, estimate] = speech(case).map(|signal| [signal]);
        let batch = SignalPairs::new(&estimate, &target).unwrap();
        for metric in [Stoi::default(), Stoi::extended()] {
            same(&value(&metric, &batch).1, &case[metric.name()], 1e-12, &format!("{}, {case}", metric.name()));
            n_defined += usize::from(!case[metric.name()].is_null());
        }
    }
    assert!(n_defined >= 80, "{n_defined}");
}

#[test]
fn prosody_by_its_formulas() {
    let golden = golden();
    assert!(list(&golden["prosody"]).len() >= 40);
    for (idx, case) in list(&golden["prosody"]).iter().enumerate() {
        let (estimate, target) = ([floats(&case["estimate"])], [floats(&case["target"])]);
        let batch = CepstrumPairs::new(&estimate, &target, case["d"].as_u64().unwrap() as usize).unwrap();
        same(&value(&MelCepstralDistortion, &batch).1, &case["mcd"], 1e-12, &format!("mcd, case {idx}"));
        let (said, truth) = (floats(&case["pitch"][0]), floats(&case["pitch"][1]));
        same(
            &value(&F0Rmse, &PitchPairs::new(&said, &truth).unwrap()).1,
            &case["rmse"],
            1e-12,
            &format!("f0, case {idx}"),
        );
    }
}
