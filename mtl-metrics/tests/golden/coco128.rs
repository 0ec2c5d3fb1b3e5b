//! COCO AP on the real boxes of coco128 equals pycocotools: `golden/make_coco128.py`. Skipped, and counted so, where
//! `MTL_DATA_DIR` has no coco128.

#[path = "../../../xtask/src/skip.rs"]
mod skip;

use std::{env, fs, path::PathBuf};

use mtl_metrics::{
    Streaming,
    detect::{CocoAp, CocoNumber, DetectionBatch, DetectionImage, Detections, Objects, Xywh},
};

/// SplitMix64, 24 bits each, as in the script.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 24)
    }
}

#[derive(Default)]
struct Image {
    boxes: Vec<Xywh>,
    scores: Vec<f64>,
    classes: Vec<u32>,
    true_boxes: Vec<Xywh>,
    true_classes: Vec<u32>,
    crowd: Vec<bool>,
}

fn read(id: u64, text: &str) -> Image {
    let (mut image, mut draw) = (Image::default(), Draw(id));
    for line in text.lines() {
        let (class, rest) = line.split_once(' ').unwrap();
        let class: u32 = class.parse().unwrap();
        let numbers: Vec<f64> = rest.split_whitespace().map(|x| x.parse().unwrap()).collect();
        let (w, h) = (numbers[2] * 640.0, numbers[3] * 480.0);
        let (x, y) = (numbers[0] * 640.0 - w / 2.0, numbers[1] * 480.0 - h / 2.0);
        image.true_boxes.push([x, y, w, h]);
        image.true_classes.push(class);
        image.crowd.push(draw.next() < 0.05);
        for _ in 0..2 {
            image.boxes.push([
                x + (draw.next() - 0.5) * 0.3 * w,
                y + (draw.next() - 0.5) * 0.3 * h,
                w * (0.85 + 0.3 * draw.next()),
                h * (0.85 + 0.3 * draw.next()),
            ]);
            image.classes.push(if draw.next() < 0.1 { (class + 1) % 80 } else { class });
            image.scores.push((draw.next() * 20.0).floor() / 20.0);
        }
    }
    image
}

#[test]
fn real_boxes_are_equal_to_pycocotools() {
    let folder =
        env::var_os("MTL_DATA_DIR").map(|dir| PathBuf::from(dir).join("coco128/object_detection/labels/train2017"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        return skip::note(skip::Lacking::Data, "coco128", "set MTL_DATA_DIR to the folder that holds it");
    };
    let golden: serde_json::Value = serde_json::from_str(include_str!("coco128.json")).unwrap();
    let mut metric = Streaming::new(CocoAp::default());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let id: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let image = read(id, &fs::read_to_string(&path).unwrap());
        let said = Detections { boxes: &image.boxes, scores: &image.scores, classes: &image.classes };
        let truth =
            Objects { boxes: &image.true_boxes, classes: &image.true_classes, areas: None, crowd: Some(&image.crowd) };
        metric.update_batch(&DetectionBatch::new([DetectionImage { id, said, truth }]).unwrap()).unwrap();
    }
    assert_eq!(metric.remembered().len() as u64, golden["images"].as_u64().unwrap());
    let report = metric.metric().report(metric.remembered());
    for (number, want) in CocoNumber::ALL.into_iter().zip(golden["values"].as_array().unwrap()) {
        let (found, want) = (report.number(number).value.unwrap(), want.as_f64().unwrap());
        assert!((found - want).abs() < 1e-12, "{number:?}: {found} against {want}");
    }
}
