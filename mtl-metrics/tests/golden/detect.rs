//! Detection, temporal, panoptic and tracking metrics equal pycocotools, py-motmetrics and the other rules of
//! `golden/make_detect.py` and `golden/make_masks.py`.

use crate::reading::{get, parse, same};
use mtl_metrics::{
    Metric, Streaming,
    detect::{
        CocoAp, CocoNumber, DetectionBatch, DetectionImage, Detections, Frame, MapSegment, Mask, MaskAp, MaskBatch,
        MaskDetections, MaskImage, MaskObjects, Objects, PanopticBatch, PanopticQuality, Sequence, TemporalMap,
        Tracked, Tracking, TrackingNumber, Video, VideoBatch, Xywh,
    },
};
use serde_json::Value;

fn golden() -> Value {
    parse(include_str!("detect.json"))
}

fn column<T: serde::de::DeserializeOwned>(rows: &Value, field: &str) -> Vec<T> {
    rows.as_array().unwrap().iter().map(|row| get(row, field)).collect()
}

#[test]
fn coco_equals_pycocotools() {
    let golden = golden();
    let cases = golden["coco"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let mut metric = Streaming::new(CocoAp::default());
        for image in case["images"].as_array().unwrap() {
            let (dt, gt) = (&image["dt"], &image["gt"]);
            let (boxes, scores, classes) = (column::<Xywh>(dt, "box"), column::<f64>(dt, "score"), column(dt, "class"));
            let (true_boxes, areas) = (column::<Xywh>(gt, "box"), column::<f64>(gt, "area"));
            let (crowd, true_classes) = (column::<bool>(gt, "crowd"), column::<u32>(gt, "class"));
            let said = Detections { boxes: &boxes, scores: &scores, classes: &classes };
            let truth =
                Objects { boxes: &true_boxes, classes: &true_classes, areas: Some(&areas), crowd: Some(&crowd) };
            let image = DetectionImage { id: get(image, "id"), said, truth };
            metric.update_batch(&DetectionBatch::new([image]).unwrap()).unwrap();
        }
        let report = CocoAp::default().report(metric.remembered());
        let values: Vec<Option<f64>> = get(case, "values");
        for (number, want) in CocoNumber::ALL.into_iter().zip(values) {
            same(report.number(number), want, 1e-12, &format!("{number:?} of {}", case["name"]));
            assert_eq!(&CocoAp { number }.compute(metric.remembered()), report.number(number));
        }
        let classes: Vec<u32> = get(case, "classes");
        let per_class: Vec<Option<f64>> = get(case, "per_class");
        assert_eq!(report.classes.iter().map(|class| class.class).collect::<Vec<_>>(), classes);
        for (class, want) in report.classes.iter().zip(per_class) {
            assert_eq!(class.ap.is_some(), want.is_some(), "{}", case["name"]);
            assert!(class.ap.zip(want).is_none_or(|(a, b)| (a - b).abs() < 1e-12), "{}", case["name"]);
        }
    }
}

/// A mask of a golden file.
fn mask(size: [u32; 2], counts: &Value) -> Mask {
    let counts: Vec<u32> = serde_json::from_value(counts.clone()).unwrap();
    Mask::new(size[0], size[1], &counts).unwrap()
}

#[test]
fn mask_ap_equals_pycocotools() {
    let golden = parse(include_str!("masks.json"));
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let masks = |rows: &Value| -> Vec<Mask> {
            rows.as_array().unwrap().iter().map(|row| mask(get(case, "size"), &row["mask"])).collect()
        };
        let mut metric = Streaming::new(MaskAp::default());
        for image in case["images"].as_array().unwrap() {
            let (dt, gt) = (&image["dt"], &image["gt"]);
            let (found, scores, classes) = (masks(dt), column::<f64>(dt, "score"), column(dt, "class"));
            let (there, areas) = (masks(gt), column::<f64>(gt, "area"));
            let (crowd, true_classes) = (column::<bool>(gt, "crowd"), column::<u32>(gt, "class"));
            let said = MaskDetections { masks: &found, scores: &scores, classes: &classes };
            let truth = MaskObjects { masks: &there, classes: &true_classes, areas: Some(&areas), crowd: Some(&crowd) };
            let image = MaskImage { id: get(image, "id"), said, truth };
            metric.update_batch(&MaskBatch::new([image]).unwrap()).unwrap();
        }
        let report = MaskAp::default().report(metric.remembered());
        let values: Vec<Option<f64>> = get(case, "values");
        for (number, want) in CocoNumber::ALL.into_iter().zip(values) {
            same(report.number(number), want, 1e-12, &format!("{number:?} of {}", case["name"]));
            assert_eq!(&MaskAp { number }.compute(metric.remembered()), report.number(number));
        }
    }
}

#[test]
fn pairs_of_masks_equal_pycocotools() {
    let golden = parse(include_str!("masks.json"));
    let pairs = golden["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 40);
    for pair in pairs {
        let [a, b] = [0, 1].map(|side| mask(get(pair, "size"), &pair["masks"][side]));
        assert_eq!([a.area(), b.area()], get::<[u32; 2]>(pair, "areas"), "{pair}");
        assert_eq!(a.iou(&b).unwrap().to_bits(), get::<f64>(pair, "iou").to_bits(), "{pair}");
    }
}

#[test]
fn temporal_map_equals_activity_net() {
    let golden = golden();
    let cases = golden["temporal"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let mut metric = Streaming::new(TemporalMap);
        for video in case["videos"].as_array().unwrap() {
            let (said, truth): (Vec<[f64; 2]>, Vec<[f64; 2]>) = (get(video, "said"), get(video, "truth"));
            let scores: Vec<f64> = get(video, "scores");
            let (said_classes, truth_classes): (Vec<u32>, Vec<u32>) =
                (get(video, "said_classes"), get(video, "truth_classes"));
            let video = Video {
                id: get(video, "id"),
                said: &said,
                scores: &scores,
                said_classes: &said_classes,
                truth: &truth,
                truth_classes: &truth_classes,
            };
            metric.update_batch(&VideoBatch::new([video]).unwrap()).unwrap();
        }
        same(&metric.compute(), get(case, "value"), 1e-12, &case["name"].to_string());
    }
}

#[test]
fn panoptic_quality_equals_its_definition() {
    let golden = golden();
    let cases = golden["panoptic"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let mut metric = Streaming::new(PanopticQuality);
        for image in case["images"].as_array().unwrap() {
            let segments = |field: &str| -> Vec<MapSegment> {
                let list = image[field].as_array().unwrap().iter();
                list.map(|s| MapSegment { id: get(s, "id"), class: get(s, "class"), crowd: get(s, "crowd") }).collect()
            };
            let (said, truth): (Vec<u32>, Vec<u32>) = (get(image, "said"), get(image, "truth"));
            let batch =
                PanopticBatch::new(&said, &segments("said_segments"), &truth, &segments("true_segments")).unwrap();
            metric.update_batch(&batch).unwrap();
        }
        same(&metric.compute(), get(case, "value"), 1e-12, &case["name"].to_string());
        let classes: Vec<(u32, f64, u64, u64, u64)> = get(case, "classes");
        let found = PanopticQuality.classes(metric.remembered());
        assert_eq!(found.len(), classes.len(), "{}", case["name"]);
        for (found, (class, pq, matched, false_alarms, missed)) in found.into_iter().zip(classes) {
            assert_eq!(
                (found.class, found.matched, found.false_alarms, found.missed),
                (class, matched, false_alarms, missed),
                "{}",
                case["name"]
            );
            assert!((found.pq.unwrap() - pq).abs() < 1e-12);
        }
    }
}

#[test]
fn tracking_equals_py_motmetrics() {
    let golden = golden();
    let cases = golden["tracking"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        type Side = (Vec<u64>, Vec<Xywh>);
        let side = |frame: &Value, field: &str| -> Side { get::<Vec<(u64, Xywh)>>(frame, field).into_iter().unzip() };
        let owned: Vec<(Side, Side)> =
            case["frames"].as_array().unwrap().iter().map(|f| (side(f, "truth"), side(f, "said"))).collect();
        let frames: Vec<Frame<'_>> = owned
            .iter()
            .map(|(truth, said)| Frame {
                truth: Tracked { identities: &truth.0, boxes: &truth.1 },
                said: Tracked { identities: &said.0, boxes: &said.1 },
            })
            .collect();
        let tracking = Tracking { number: TrackingNumber::Mota };
        let mut metric = Streaming::new(tracking);
        metric.update_batch(&Sequence::new(&frames).unwrap()).unwrap();
        let report = tracking.report(metric.remembered());
        let counts: Vec<u64> = get(case, "counts");
        assert_eq!(
            vec![report.objects, report.missed, report.false_alarms, report.switches],
            counts,
            "{}",
            case["name"]
        );
        for (field, found) in [
            ("mota", report.mota),
            ("motp", report.motp),
            ("idf1", report.idf1),
            ("idp", report.idp),
            ("idr", report.idr),
        ] {
            let want: Option<f64> = get(case, field);
            assert_eq!(found.is_some(), want.is_some(), "{field} of {}", case["name"]);
            assert!(
                found.zip(want).is_none_or(|(a, b)| (a - b).abs() < 1e-12),
                "{field} of {}: {found:?} {want:?}",
                case["name"]
            );
        }
    }
}
