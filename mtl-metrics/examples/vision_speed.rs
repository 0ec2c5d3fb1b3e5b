//! How fast COCO AP and the counting of label maps are.
//!
//! ```text
//! cargo run --release -p mtl-metrics --example vision_speed [folder]
//! python mtl-metrics/tests/golden/time_coco.py folder
//! ```
//!
//! Draws 5,000 images with the sizes of COCO val2017 (36,000 objects of 80 classes, some crowds, 100 detections an
//! image), matches and summarizes
//! them. With a folder the same data are written there as COCO files, for the second command to time pycocotools on.
//! Then two label maps of 50 M pixels are
//! counted, beside a plain sum over the same bytes.

use std::{fs, path::Path, time::Instant};

use mtl_core::{Result, rng::Rng};
use mtl_metrics::{
    Streaming,
    dense::{Classes, LabelMap, LabelMaps, Segmentation, SegmentationNumber},
    detect::{CocoAp, CocoNumber, DetectionBatch, DetectionImage, Detections, Objects, Xywh},
};

const IMAGES: u64 = 5000;
const CLASSES: u64 = 80;
const PIXELS: usize = 50_000_000;

struct Image {
    boxes: Vec<Xywh>,
    scores: Vec<f64>,
    classes: Vec<u32>,
    true_boxes: Vec<Xywh>,
    true_classes: Vec<u32>,
    crowd: Vec<bool>,
}

fn unit(rng: &mut Rng) -> f64 {
    (rng.next_u64() >> 40) as f64 / f64::from(1 << 24)
}

fn class(rng: &mut Rng) -> u32 {
    // Skewed, as classes are.
    u32::try_from((rng.next_u64() % CLASSES).min(rng.next_u64() % CLASSES)).unwrap_or(0)
}

fn draw(rng: &mut Rng) -> Image {
    let rect = |rng: &mut Rng| {
        let (w, h) = (4.0 + 250.0 * unit(rng).powi(3), 4.0 + 250.0 * unit(rng).powi(3));
        [unit(rng) * (640.0 - w), unit(rng) * (480.0 - h), w, h]
    };
    let n = rng.next_u64() % 15;
    let true_boxes: Vec<Xywh> = (0..n).map(|_| rect(rng)).collect();
    let true_classes: Vec<u32> = (0..n).map(|_| class(rng)).collect();
    let crowd = (0..n).map(|_| unit(rng) < 0.012).collect();
    let (mut boxes, mut classes, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..100 {
        let near = (n > 0 && unit(rng) < 0.4).then(|| usize::try_from(rng.next_u64() % n).unwrap_or(0));
        let off = |rng: &mut Rng| 1.0 + 0.3 * (unit(rng) - 0.5);
        boxes.push(match near {
            Some(idx) => {
                let [x, y, w, h] = true_boxes[idx];
                [x * off(rng), y * off(rng), w * off(rng), h * off(rng)]
            }
            None => rect(rng),
        });
        classes.push(near.map_or_else(|| class(rng), |idx| true_classes[idx]));
        // Three decimals, as files have: there are many ties.
        scores.push((unit(rng) * if near.is_some() { 1000.0 } else { 600.0 }).round() / 1000.0);
    }
    Image { boxes, scores, classes, true_boxes, true_classes, crowd }
}

fn write(folder: &Path, images: &[Image]) -> std::io::Result<()> {
    let (mut truth, mut said) = (Vec::new(), Vec::new());
    for (id, image) in images.iter().enumerate() {
        for ((of, class), crowd) in image.true_boxes.iter().zip(&image.true_classes).zip(&image.crowd) {
            truth.push(format!(
                r#"{{"id":{},"image_id":{id},"category_id":{class},"bbox":{of:?},"area":{:?},"iscrowd":{}}}"#,
                truth.len() + 1,
                of[2] * of[3],
                u8::from(*crowd)
            ));
        }
        for ((of, class), score) in image.boxes.iter().zip(&image.classes).zip(&image.scores) {
            said.push(format!(r#"{{"image_id":{id},"category_id":{class},"bbox":{of:?},"score":{score:?}}}"#));
        }
    }
    let list = |rows: Vec<String>| format!("[{}]", rows.join(","));
    let ids = |n: u64, rest: &str| list((0..n).map(|id| format!(r#"{{"id":{id}{rest}}}"#)).collect());
    let categories = ids(CLASSES, r#","name":"x""#);
    let head = format!(r#"{{"images":{},"categories":{categories},"annotations":"#, ids(IMAGES, ""));
    fs::write(folder.join("truth.json"), format!("{head}{}}}", list(truth)))?;
    fs::write(folder.join("said.json"), list(said))
}

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<()> {
    let mut rng = Rng::new(1);
    let images: Vec<Image> = (0..IMAGES).map(|_| draw(&mut rng)).collect();
    if let Some(folder) = std::env::args().nth(1)
        && let Err(e) = write(Path::new(&folder), &images)
    {
        println!("{folder}: {e}");
        return Ok(());
    }
    let start = Instant::now();
    let mut coco = Streaming::new(CocoAp::default());
    let batch = DetectionBatch::new((0..).zip(&images).map(|(id, image)| DetectionImage {
        id,
        said: Detections { boxes: &image.boxes, scores: &image.scores, classes: &image.classes },
        truth: Objects {
            boxes: &image.true_boxes,
            classes: &image.true_classes,
            areas: None,
            crowd: Some(&image.crowd),
        },
    }))?;
    coco.update_batch(&batch)?;
    let matched = start.elapsed();
    let report = coco.metric().report(coco.remembered());
    println!("COCO, {IMAGES} images: matching {matched:.2?}, all {:.2?}", start.elapsed());
    CocoNumber::ALL.iter().for_each(|&number| println!("  {number:?} {:.12}", report.number(number)));

    let mut noise = || -> Vec<i64> { (0..PIXELS).map(|_| (rng.next_u64() % 21).cast_signed()).collect() };
    let noise = [noise(), noise()];
    let runs = |length: usize| -> Vec<u8> {
        (0..PIXELS).map(|pixel| u8::try_from(pixel / length % 21).unwrap_or(0)).collect()
    };
    let runs = [runs(97), runs(89)];
    let classes = Classes::new(21, None)?;
    let count = |name: &str, said: LabelMap<'_>, truth: LabelMap<'_>, sum: &dyn Fn() -> u64| -> Result<()> {
        let maps = LabelMaps::new(said, truth, [1, 1, PIXELS])?;
        let mut best = [f64::INFINITY; 2];
        for _ in 0..5 {
            let mut miou = Streaming::new(Segmentation::new(classes, SegmentationNumber::MeanIou));
            let start = Instant::now();
            miou.update_batch(&maps)?;
            best[0] = best[0].min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let total = sum();
            best[1] = best[1].min(start.elapsed().as_secs_f64());
            assert!(total > 0);
        }
        println!("{name}: counting {:.0} ms, a plain sum over both maps {:.0} ms", best[0] * 1e3, best[1] * 1e3);
        Ok(())
    };
    let [said, truth] = &noise;
    let sum = |map: &[i64]| map.iter().map(|x| x.cast_unsigned()).sum::<u64>();
    count("noise, i64", LabelMap::I64(said), LabelMap::I64(truth), &|| sum(said) + sum(truth))?;
    let [said, truth] = &runs;
    let sum = |map: &[u8]| map.iter().map(|&x| u64::from(x)).sum::<u64>();
    count("runs, u8", LabelMap::U8(said), LabelMap::U8(truth), &|| sum(said) + sum(truth))
}
