//! Our side of the comparison of metrics (`xtask/src/peers/metrics.py` is theirs, and draws the data): arrays, texts and
//! boxes are in memory before the clock starts. One JSON line per metric in the format that `cargo xtask bench --suite peers`
//! reads.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use mtl_core::prediction::{Prediction, Reference, Scores};
use mtl_metrics::{
    Auroc, Metric, MetricBatch, MetricValue, Streaming,
    audio::{ErrorRate, Rate, Unit},
    binary::AveragePrecision,
    dense::{Classes, LabelMap, LabelMaps, Segmentation, SegmentationNumber},
    detect::{CocoAp, CocoNumber, DetectionBatch, DetectionImage, Detections, Objects, Xywh},
    text::{Bleu, BleuConfig, TextPairs},
};
use mtl_train::{Error, Result};
use ndarray::Array2;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

pub(crate) fn run(dir: &Path) -> Result<()> {
    binary(dir)?;
    maps(dir)?;
    text(dir)?;
    coco(dir)
}

#[expect(clippy::print_stdout, reason = "what the caller reads")]
fn report(what: &str, start: Instant, check: &[(&str, MetricValue)]) {
    let seconds = start.elapsed().as_secs_f64();
    let check: BTreeMap<&str, Option<f64>> = check.iter().map(|(name, value)| (*name, value.value)).collect();
    println!("{}", json!({ "what": what, "seconds": seconds, "check": check }));
}

fn binary(dir: &Path) -> Result<()> {
    let scores: Vec<f32> = bytes(&dir.join("scores.f32"))?
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap_or_default()))
        .collect();
    let labels: Vec<f32> = bytes(&dir.join("labels.u8"))?.into_iter().map(f32::from).collect();
    let column = |numbers: Vec<f32>| {
        Array2::from_shape_vec((numbers.len(), 1), numbers).map_err(|e| damaged(dir, &e.to_string()))
    };
    let prediction = Prediction::MultiLabel { scores: column(scores)?, kind: Scores::Probs };
    let reference = Reference::MultiLabel(column(labels)?);
    let batch = MetricBatch::new(&prediction, &reference);
    ranked("AUROC, 10 M scores", Auroc, &batch)?;
    ranked("AP, 10 M scores", AveragePrecision, &batch)
}

fn ranked<M>(what: &str, metric: M, batch: &MetricBatch<'_>) -> Result<()>
where
    M: for<'a> Metric<Batch<'a> = MetricBatch<'a>>,
{
    let start = Instant::now();
    let mut metric = Streaming::new(metric);
    metric.update_batch(batch)?;
    let value = metric.compute();
    report(what, start, &[("value", value)]);
    Ok(())
}

fn maps(dir: &Path) -> Result<()> {
    let (said, truth) = (bytes(&dir.join("said.u8"))?, bytes(&dir.join("truth.u8"))?);
    let maps = LabelMaps::new(LabelMap::U8(&said), LabelMap::U8(&truth), [1, 1, truth.len()])?;
    let start = Instant::now();
    let mut miou = Streaming::new(Segmentation::new(Classes::new(21, None)?, SegmentationNumber::MeanIou));
    miou.update_batch(&maps)?;
    let value = miou.compute();
    report("mIoU, 50 M pixels", start, &[("value", value)]);
    let start = Instant::now();
    let sum = |map: &[u8]| map.iter().map(|x| u64::from(*x)).sum::<u64>();
    #[expect(clippy::cast_precision_loss, reason = "a sum of small labels")]
    let total = MetricValue::defined((sum(&said) + sum(&truth)) as f64, 0);
    report("sum of the same bytes", start, &[("value", total)]);
    Ok(())
}

fn text(dir: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = dir.join(name);
        fs::read_to_string(&path).map_err(|e| Error::io(path, "cannot read", e))
    };
    let (hypotheses, references) = (read("hypotheses.txt")?, read("references.txt")?);
    let (hypotheses, references): (Vec<&str>, Vec<&str>) = (hypotheses.lines().collect(), references.lines().collect());
    let start = Instant::now();
    let mut bleu = Streaming::new(Bleu::new(BleuConfig::default())?);
    bleu.update_batch(&TextPairs::new(&hypotheses, &references)?)?;
    let value = bleu.compute();
    report("BLEU, 20,000 sentences", start, &[("value", value)]);
    let start = Instant::now();
    let mut errors = Streaming::new(ErrorRate::new(Rate::Error, Unit::Words));
    errors.update_batch(&TextPairs::new(&hypotheses, &references)?)?;
    let value = errors.compute();
    report("WER, 20,000 sentences", start, &[("value", value)]);
    Ok(())
}

#[derive(Deserialize)]
struct Truth {
    images: Vec<serde::de::IgnoredAny>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: usize,
    category_id: u32,
    bbox: Xywh,
    #[serde(default)]
    score: f64,
    #[serde(default)]
    iscrowd: u8,
}

/// Boxes of one image, list by list.
#[derive(Default)]
struct Image {
    boxes: Vec<Xywh>,
    classes: Vec<u32>,
    scores: Vec<f64>,
    crowd: Vec<bool>,
}

fn coco(dir: &Path) -> Result<()> {
    let truth: Truth = json_file(&dir.join("truth.json"))?;
    let n = truth.images.len();
    let by_image = |annotations: Vec<Annotation>| {
        let mut images: Vec<Image> = (0..n).map(|_| Image::default()).collect();
        for a in annotations {
            let image = images.get_mut(a.image_id).ok_or_else(|| damaged(dir, "an unknown image"))?;
            image.boxes.push(a.bbox);
            image.classes.push(a.category_id);
            image.scores.push(a.score);
            image.crowd.push(a.iscrowd != 0);
        }
        Ok::<_, Error>(images)
    };
    let (truth, said) = (by_image(truth.annotations)?, by_image(json_file(&dir.join("said.json"))?)?);
    let start = Instant::now();
    let mut coco = Streaming::new(CocoAp::default());
    let batch = DetectionBatch::new((0..).zip(said.iter().zip(&truth)).map(|(id, (said, truth))| DetectionImage {
        id,
        said: Detections { boxes: &said.boxes, scores: &said.scores, classes: &said.classes },
        truth: Objects { boxes: &truth.boxes, classes: &truth.classes, areas: None, crowd: Some(&truth.crowd) },
    }))?;
    coco.update_batch(&batch)?;
    let found = coco.metric().report(coco.remembered());
    let check = [("ap", CocoNumber::Ap), ("ap50", CocoNumber::Ap50), ("ar100", CocoNumber::Ar100)];
    report("COCO AP, 5,000 images", start, &check.map(|(name, number)| (name, found.number(number).clone())));
    Ok(())
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::io(path, "cannot read", e))
}

fn json_file<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&bytes(path)?).map_err(|e| damaged(path, &e.to_string()))
}

fn damaged(path: &Path, reason: &str) -> Error {
    Error::Checkpoint { path: path.to_owned(), reason: reason.to_owned() }
}
