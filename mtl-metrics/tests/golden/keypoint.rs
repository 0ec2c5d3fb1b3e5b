//! Keypoint metrics equal pycocotools, numpy and scipy: `golden/make_detect.py`, `golden/make_keypoint.py`.

use crate::reading::{get, parse, same};
use mtl_metrics::{
    Streaming,
    keypoint::{Mpjpe, OksAp, OksNumber, Pck, Persons, PoseBatch, PoseImage, Skeletons},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn column<T: DeserializeOwned>(rows: &Value, field: &str) -> Vec<T> {
    rows.as_array().unwrap().iter().map(|row| get(row, field)).collect()
}

#[test]
fn oks_equals_pycocotools() {
    let golden = parse(include_str!("oks.json"));
    let cases = golden["poses"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let sigmas: Vec<f64> = get(case, "sigmas");
        let oks = OksAp::new(OksNumber::Ap, &sigmas).unwrap();
        let mut metric = Streaming::new(oks.clone());
        for image in case["images"].as_array().unwrap() {
            let (dt, gt) = (&image["dt"], &image["gt"]);
            let said = column::<Vec<[f64; 2]>>(dt, "points").concat();
            let truth = column::<Vec<[f64; 3]>>(gt, "points").concat();
            let image = PoseImage {
                id: get(image, "id"),
                said: &said,
                scores: &column::<f64>(dt, "score"),
                truth: &truth,
                boxes: &column::<[f64; 4]>(gt, "box"),
                areas: &column::<f64>(gt, "area"),
                crowd: &column::<bool>(gt, "crowd"),
            };
            metric.update_batch(&PoseBatch::new([image], sigmas.len()).unwrap()).unwrap();
        }
        let values: Vec<Option<f64>> = get(case, "values");
        for ((number, found), want) in OksNumber::ALL.iter().zip(oks.report(metric.remembered())).zip(values) {
            same(&found, want, 1e-12, &format!("{number:?} of {}", case["name"]));
        }
    }
}

#[test]
fn correct_keypoints_are_equal() {
    let golden = parse(include_str!("keypoint.json"));
    let cases = golden["pcks"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (said, truth): (Vec<[f64; 2]>, Vec<[f64; 2]>) = (get(case, "said"), get(case, "truth"));
        let (labeled, norms): (Vec<bool>, Vec<f64>) = (get(case, "labeled"), get(case, "norms"));
        let persons = Persons::new(&said, &truth, &labeled, &norms, get(case, "k")).unwrap();
        let alpha = get(case, "alpha");
        for (metric, field) in [(Pck::new(alpha).unwrap(), "pck"), (Pck::head(alpha).unwrap(), "pckh")] {
            let mut metric = Streaming::new(metric);
            metric.update_batch(&persons).unwrap();
            same(&metric.compute(), get(case, field), 1e-12, &format!("{field} of {}", case["name"]));
        }
    }
}

#[test]
fn joint_errors_are_equal() {
    let golden = parse(include_str!("keypoint.json"));
    let cases = golden["poses"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (said, truth): (Vec<[f64; 3]>, Vec<[f64; 3]>) = (get(case, "said"), get(case, "truth"));
        let labeled: Vec<bool> = get(case, "labeled");
        let skeletons = Skeletons::new(&said, &truth, &labeled, get(case, "k")).unwrap();
        for (aligned, field) in [(false, "mpjpe"), (true, "pa_mpjpe")] {
            let mut metric = Streaming::new(Mpjpe { aligned });
            metric.update_batch(&skeletons).unwrap();
            let found = metric.compute();
            let want: Option<f64> = get(case, field);
            // Coordinates are hundreds; an aligned error of rounding only is 1e-13 of them.
            same(&found, want, 1e-11, &format!("{field} of {}", case["name"]));
        }
    }
}
