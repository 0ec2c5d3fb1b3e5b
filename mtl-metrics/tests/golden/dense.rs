//! Metrics over maps equal scikit-learn, scipy and numpy: `golden/make_dense.py`.

use crate::reading::{get, parse, same};
use mtl_metrics::{
    Metric, Streaming,
    dense::{
        AngleNumber, BoundaryIou, Classes, Depth, DepthMaps, DepthNumber, Hausdorff95, LabelMap, LabelMaps,
        NormalAngle, NormalMaps, NormalMedian, Segmentation, SegmentationNumber,
    },
};
use serde_json::Value;

fn golden() -> Value {
    parse(include_str!("dense.json"))
}

fn value<M: Metric>(metric: M, batch: &M::Batch<'_>) -> mtl_metrics::MetricValue {
    let mut metric = Streaming::new(metric);
    metric.update_batch(batch).unwrap();
    metric.compute()
}

#[test]
fn maps_are_equal() {
    let golden = golden();
    let cases = golden["maps"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (said, truth): (Vec<i64>, Vec<i64>) = (get(case, "said"), get(case, "truth"));
        let maps = LabelMaps::new(LabelMap::I64(&said), LabelMap::I64(&truth), get(case, "shape")).unwrap();
        let narrow: Vec<i32> = truth.iter().map(|&label| i32::try_from(label).unwrap()).collect();
        let mixed = LabelMaps::new(LabelMap::I64(&said), LabelMap::I32(&narrow), get(case, "shape")).unwrap();
        let n: usize = get(case, "classes");
        let classes = Classes::new(n, get(case, "ignore")).unwrap();
        for number in [
            SegmentationNumber::MeanIou,
            SegmentationNumber::Dice,
            SegmentationNumber::PixelAccuracy,
            SegmentationNumber::MeanAccuracy,
            SegmentationNumber::FrequencyWeightedIou,
        ] {
            let metric = Segmentation::new(classes, number);
            let found = value(metric, &maps);
            let context = format!("{} of {}", metric.name(), case["name"]);
            same(&found, get(&case["values"], metric.name()), 1e-12, &context);
            assert_eq!(found, value(metric, &mixed), "{context}: another type of label");
            if number == SegmentationNumber::MeanIou {
                assert_eq!((found.parts, found.left_out), (n as u64, get(case, "absent")), "{context}");
            }
            let mut streaming = Streaming::new(metric);
            streaming.update_batch(&maps).unwrap();
            assert_eq!(streaming.remembered().counts(), get::<Vec<u64>>(case, "counts"), "{context}");
        }
        let boundary = value(BoundaryIou::new(classes, get(case, "ratio")).unwrap(), &maps);
        same(&boundary, get(&case["values"], "boundary-iou"), 1e-12, &format!("boundary of {}", case["name"]));
        let hausdorff = value(Hausdorff95::new(classes, get(case, "spacing"), None).unwrap(), &maps);
        same(&hausdorff, get(&case["values"], "hausdorff-95"), 1e-12, &format!("hausdorff of {}", case["name"]));
    }
}

fn floats(case: &Value, field: &str) -> Vec<f32> {
    get::<Vec<Option<f32>>>(case, field).into_iter().map(|x| x.unwrap_or(f32::NAN)).collect()
}

#[test]
fn depths_are_equal() {
    let golden = golden();
    let cases = golden["depths"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (said, truth) = (floats(case, "said"), floats(case, "truth"));
        let [near, far]: [f32; 2] = get(case, "range");
        let wanted: Vec<Option<f64>> = get(case, "values");
        for (number, want) in DepthNumber::ALL.into_iter().zip(wanted) {
            let found = value(Depth::new(number, near, far).unwrap(), &DepthMaps::new(&said, &truth).unwrap());
            same(&found, want, 1e-12, &format!("{number:?} of {}", case["name"]));
            assert_eq!(found.support, get::<u64>(case, "n"));
        }
    }
}

#[test]
fn normals_are_equal() {
    let golden = golden();
    let cases = golden["normals"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (said, truth) = (floats(case, "said"), floats(case, "truth"));
        let maps = NormalMaps::planes(&said, &truth).unwrap();
        let wanted: Vec<Option<f64>> = get(case, "values");
        let angle = |number| value(NormalAngle { number }, &maps);
        let found = [
            angle(AngleNumber::Mean),
            value(NormalMedian, &maps),
            angle(AngleNumber::Below11),
            angle(AngleNumber::Below22),
            angle(AngleNumber::Below30),
        ];
        // The last bit of an angle may round to the neighboring f32, and the median is kept as one.
        for ((found, want), tolerance) in found.iter().zip(wanted).zip([1e-12, 1e-7, 1e-12, 1e-12, 1e-12]) {
            same(found, want, tolerance, &case["name"].to_string());
            assert_eq!(found.support, get::<u64>(case, "n"));
        }
    }
}
