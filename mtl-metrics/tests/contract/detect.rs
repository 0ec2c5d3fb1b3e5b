//! What every metric of detection and tracking promises: the laws of merging to the bit, the same bits at any number of
//! threads, and an error, never a panic, for every bad input.

use crate::drawing::{Random, obeys, survives};
use mtl_metrics::{
    Streaming,
    detect::{
        CocoAp, CocoNumber, DetectionBatch, DetectionImage, Detections, Frame, MapSegment, Mask, MaskAp, MaskBatch,
        MaskDetections, MaskImage, MaskObjects, Objects, PanopticBatch, PanopticQuality, Sequence, TemporalMap,
        Tracked, Tracking, TrackingNumber, Video, VideoBatch, Xywh,
    },
    laws::Tolerance,
};
use proptest::prelude::*;

type Draw = fn(&mut Random, f64, f64) -> f64;

struct Image {
    boxes: [Vec<Xywh>; 2],
    classes: [Vec<u32>; 2],
    scores: Vec<f64>,
    areas: Vec<f64>,
    crowd: Vec<bool>,
}

fn image(random: &mut Random, draw: Draw) -> Image {
    let (d, g) = (random.below(6), random.below(5));
    let boxes = |random: &mut Random, n: usize| {
        random.list(n, |r| [draw(r, 0.0, 40.0), draw(r, 0.0, 40.0), draw(r, 5.0, 60.0), draw(r, 5.0, 60.0)])
    };
    let classes = |random: &mut Random, n: usize| random.list(n, |r| r.below(3) as u32);
    Image {
        boxes: [boxes(random, d), boxes(random, g)],
        classes: [classes(random, d), classes(random, g)],
        scores: random.list(d, |r| draw(r, 0.0, 1.0)),
        areas: random.list(g, |r| draw(r, 100.0, 4000.0)),
        crowd: random.list(g, |r| r.below(5) == 0),
    }
}

impl Image {
    fn of(&self, id: u64) -> DetectionImage<'_> {
        DetectionImage {
            id,
            said: Detections { boxes: &self.boxes[0], scores: &self.scores, classes: &self.classes[0] },
            truth: Objects {
                boxes: &self.boxes[1],
                classes: &self.classes[1],
                areas: Some(&self.areas),
                crowd: Some(&self.crowd),
            },
        }
    }
}

/// Runs of 6 x 7 pixels.
fn runs(random: &mut Random) -> Vec<u32> {
    let mut ends = random.list(5, |r| r.below(43) as u32);
    ends.sort_unstable();
    ends.push(42);
    let mut start = 0;
    ends.into_iter().map(|end| end - std::mem::replace(&mut start, end)).collect()
}

/// The masks of an image, and all else about it.
struct Masked {
    masks: [Vec<Mask>; 2],
    image: Image,
}

fn masked(random: &mut Random, draw: Draw) -> Masked {
    let image = image(random, draw);
    let masks = [0, 1].map(|side: usize| {
        random.list(image.boxes[side].len(), |r| Mask::new(6, 7, &runs(r)).unwrap_or_else(|e| panic!("{e}")))
    });
    Masked { masks, image }
}

impl Masked {
    fn of(&self, id: u64) -> MaskImage<'_> {
        MaskImage {
            id,
            said: MaskDetections { masks: &self.masks[0], scores: &self.image.scores, classes: &self.image.classes[0] },
            truth: MaskObjects {
                masks: &self.masks[1],
                classes: &self.image.classes[1],
                areas: Some(&self.image.areas),
                crowd: Some(&self.image.crowd),
            },
        }
    }
}

struct Clip {
    segments: [Vec<[f64; 2]>; 2],
    scores: Vec<f64>,
    classes: [Vec<u32>; 2],
}

fn clip(random: &mut Random, draw: Draw) -> Clip {
    let (d, g) = (random.below(6), random.below(4));
    let segments = |random: &mut Random, n: usize| {
        random.list(n, |r| {
            let (a, b) = (draw(r, 0.0, 50.0), draw(r, 0.0, 30.0));
            [a, a + b]
        })
    };
    let classes = |random: &mut Random, n: usize| random.list(n, |r| r.below(2) as u32);
    Clip {
        segments: [segments(random, d), segments(random, g)],
        scores: random.list(d, |r| draw(r, 0.0, 1.0)),
        classes: [classes(random, d), classes(random, g)],
    }
}

impl Clip {
    fn of(&self, id: u64) -> Video<'_> {
        Video {
            id,
            said: &self.segments[0],
            scores: &self.scores,
            said_classes: &self.classes[0],
            truth: &self.segments[1],
            truth_classes: &self.classes[1],
        }
    }
}

struct Maps {
    maps: [Vec<u32>; 2],
    segments: [Vec<MapSegment>; 2],
}

fn maps(random: &mut Random) -> Maps {
    let map = |random: &mut Random| random.list(24, |r| r.below(4) as u32);
    let segments = |random: &mut Random| {
        (1..4).map(|id| MapSegment { id, class: random.below(2) as u32, crowd: random.below(4) == 0 }).collect()
    };
    let truth = map(random);
    let said = truth.iter().map(|&id| if random.below(4) == 0 { random.below(4) as u32 } else { id }).collect();
    Maps { maps: [said, truth], segments: [segments(random), segments(random)] }
}

impl Maps {
    fn batch(&self) -> mtl_core::Result<PanopticBatch<'_>> {
        PanopticBatch::new(&self.maps[0], &self.segments[0], &self.maps[1], &self.segments[1])
    }
}

type Boxes = (Vec<Xywh>, Vec<u64>);

fn sequence(random: &mut Random, draw: Draw, same_ids: bool) -> Vec<[Boxes; 2]> {
    let n_frames = random.below(5);
    let side = |random: &mut Random| -> Boxes {
        let n = random.below(4);
        let ids = if same_ids { random.list(n, |r| r.below(4) as u64) } else { (0..n as u64).collect() };
        (random.list(n, |r| [draw(r, 0.0, 9.0), draw(r, 0.0, 9.0), draw(r, 8.0, 20.0), draw(r, 8.0, 20.0)]), ids)
    };
    random.list(n_frames, |random| [side(random), side(random)])
}

fn frames(of: &[[Boxes; 2]]) -> Vec<Frame<'_>> {
    of.iter()
        .map(|[truth, said]| Frame {
            truth: Tracked { boxes: &truth.0, identities: &truth.1 },
            said: Tracked { boxes: &said.0, identities: &said.1 },
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_to_the_bit(seed in any::<u64>(), n in 0_usize..9) {
        let random = &mut Random(seed);
        let images = random.list(n, |r| image(r, Random::number));
        for number in CocoNumber::ALL {
            let feed = |seen: &mut Streaming<CocoAp>, idx: &[usize]| {
                seen.update_batch(&DetectionBatch::new(idx.iter().map(|&i| images[i].of(i as u64)))?)
            };
            obeys(CocoAp { number }, n, feed, random, Tolerance::Bits).unwrap();
        }
        let images = random.list(n, |r| masked(r, Random::number));
        for number in CocoNumber::ALL {
            let feed = |seen: &mut Streaming<MaskAp>, idx: &[usize]| {
                seen.update_batch(&MaskBatch::new(idx.iter().map(|&i| images[i].of(i as u64)))?)
            };
            obeys(MaskAp { number }, n, feed, random, Tolerance::Bits).unwrap();
        }
        let clips = random.list(n, |r| clip(r, Random::number));
        let feed = |seen: &mut Streaming<TemporalMap>, idx: &[usize]| {
            seen.update_batch(&VideoBatch::new(idx.iter().map(|&i| clips[i].of(i as u64)))?)
        };
        obeys(TemporalMap, n, feed, random, Tolerance::Bits).unwrap();
        let all = random.list(n, maps);
        let feed = |seen: &mut Streaming<PanopticQuality>, idx: &[usize]| {
            idx.iter().try_for_each(|&i| seen.update_batch(&all[i].batch()?))
        };
        obeys(PanopticQuality, n, feed, random, Tolerance::Bits).unwrap();
        let sequences = random.list(n, |r| sequence(r, Random::number, false));
        for number in [TrackingNumber::Mota, TrackingNumber::Motp, TrackingNumber::Idf1] {
            let feed = |seen: &mut Streaming<Tracking>, idx: &[usize]| {
                idx.iter().try_for_each(|&i| seen.update_batch(&Sequence::new(&frames(&sequences[i]))?))
            };
            obeys(Tracking { number }, n, feed, random, Tolerance::Bits).unwrap();
        }
    }
}

#[test]
fn a_hundred_thousand_bad_inputs_do_no_harm() {
    let random = &mut Random(11);
    let mut fed = [[0_u32; 2]; 6];
    let mut count = |kind: usize, ok: bool| fed[kind][usize::from(ok)] += 1;
    let (mut coco, mut temporal) = (Streaming::new(CocoAp::default()), Streaming::new(TemporalMap));
    let (mut panoptic, mut tracking) = (Streaming::new(PanopticQuality), Streaming::new(Tracking::default()));
    let mut of_masks = Streaming::new(MaskAp::default());
    for case in 0..25_000_u64 {
        if case % 20 == 0 {
            coco.reset();
            of_masks.reset();
            temporal.reset();
        }
        let mut drawn = image(random, Random::hostile);
        drawn.scores.truncate(random.length(drawn.scores.len()));
        drawn.crowd.truncate(random.length(drawn.crowd.len()));
        // Ids come twice now and then.
        let id = case % 19;
        count(0, survives(&mut coco, DetectionBatch::new([drawn.of(id)])));
        let mut drawn = masked(random, Random::hostile);
        drawn.image.scores.truncate(random.length(drawn.image.scores.len()));
        drawn.masks[1].truncate(random.length(drawn.masks[1].len()));
        // Runs that do not fit are no mask; a mask of another size is refused by the batch.
        let mut counts = runs(random);
        if random.below(3) == 0 {
            let at = random.below(counts.len());
            counts[at] = [0, 1, 42, u32::MAX, u32::MAX - 41][random.below(5)];
        }
        let [height, width] = [[6, 7], [6, 7], [7, 6], [0, 5], [1 << 16, 1 << 16]][random.below(5)];
        let mask = Mask::new(height, width, &counts);
        count(4, mask.is_ok());
        drawn.masks[0].extend(mask.into_iter().take(usize::from(random.below(20) == 0)));
        count(5, survives(&mut of_masks, MaskBatch::new([drawn.of(id)])));
        let mut drawn = clip(random, Random::hostile);
        drawn.classes[0].truncate(random.length(drawn.classes[0].len()));
        count(1, survives(&mut temporal, VideoBatch::new([drawn.of(id)])));
        let mut drawn = maps(random);
        drawn.maps[0].truncate(random.length(24));
        if random.below(10) == 0 {
            drawn.segments[1].truncate(random.below(3));
        }
        count(2, survives(&mut panoptic, drawn.batch()));
        let same_ids = random.below(5) == 0;
        let drawn = sequence(random, Random::hostile, same_ids);
        count(3, survives(&mut tracking, Sequence::new(&frames(&drawn))));
    }
    assert!(fed.iter().flatten().all(|&n| n > 500), "refused and accepted: {fed:?}");
}
