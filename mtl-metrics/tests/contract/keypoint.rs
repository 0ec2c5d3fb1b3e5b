//! What every metric of keypoints promises: the laws of merging to the bit, the same bits at any number of threads,
//! and an error, never a panic, for every bad input.

use crate::drawing::{Random, obeys, survives};
use mtl_metrics::{
    Streaming,
    keypoint::{Mpjpe, OksAp, OksNumber, Pck, Persons, PoseBatch, PoseImage, Skeletons},
    laws::Tolerance,
};
use proptest::prelude::*;

type Draw = fn(&mut Random, f64, f64) -> f64;

const SIGMAS: [f64; 3] = [0.05, 0.1, 0.2];

struct Image {
    said: Vec<[f64; 2]>,
    scores: Vec<f64>,
    truth: Vec<[f64; 3]>,
    boxes: Vec<[f64; 4]>,
    areas: Vec<f64>,
    crowd: Vec<bool>,
}

fn image(random: &mut Random, draw: Draw) -> Image {
    let (d, g) = (random.below(5), random.below(4));
    Image {
        said: random.list(3 * d, |r| [draw(r, 0.0, 60.0), draw(r, 0.0, 60.0)]),
        scores: random.list(d, |r| draw(r, 0.0, 1.0)),
        truth: random.list(3 * g, |r| [draw(r, 0.0, 60.0), draw(r, 0.0, 60.0), draw(r, -1.0, 2.0)]),
        boxes: random.list(g, |r| [draw(r, 0.0, 30.0), draw(r, 0.0, 30.0), draw(r, 1.0, 60.0), draw(r, 1.0, 60.0)]),
        areas: random.list(g, |r| draw(r, 100.0, 20_000.0)),
        crowd: random.list(g, |r| r.below(5) == 0),
    }
}

impl Image {
    fn of(&self, id: u64) -> PoseImage<'_> {
        PoseImage {
            id,
            said: &self.said,
            scores: &self.scores,
            truth: &self.truth,
            boxes: &self.boxes,
            areas: &self.areas,
            crowd: &self.crowd,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_to_the_bit(seed in any::<u64>(), n in 0_usize..9) {
        let random = &mut Random(seed);
        let images = random.list(n, |r| image(r, Random::number));
        for number in OksNumber::ALL {
            let feed = |seen: &mut Streaming<OksAp>, idx: &[usize]| {
                seen.update_batch(&PoseBatch::new(idx.iter().map(|&i| images[i].of(i as u64)), 3)?)
            };
            obeys(OksAp::new(number, &SIGMAS).unwrap(), n, feed, random, Tolerance::Bits).unwrap();
        }
        let points = |r: &mut Random| r.list(3, |r| [r.number(0.0, 9.0), r.number(0.0, 9.0)]);
        let (said, truth) = (random.list(n, points), random.list(n, points));
        let labeled = random.list(n, |r| r.list(3, |r| r.below(4) > 0));
        for metric in [Pck::new(0.5).unwrap(), Pck::head(0.5).unwrap()] {
            let feed = |seen: &mut Streaming<Pck>, idx: &[usize]| {
                let join = |of: &[Vec<[f64; 2]>]| idx.iter().flat_map(|&i| of[i].clone()).collect::<Vec<_>>();
                let labeled: Vec<bool> = idx.iter().flat_map(|&i| labeled[i].clone()).collect();
                seen.update_batch(&Persons::new(&join(&said), &join(&truth), &labeled, &vec![5.0; idx.len()], 3)?)
            };
            obeys(metric, n, feed, random, Tolerance::Bits).unwrap();
        }
        let joints = |r: &mut Random| r.list(3, |r| [r.number(0.0, 9.0), r.number(0.0, 9.0), r.number(0.0, 9.0)]);
        let (said, truth) = (random.list(n, joints), random.list(n, joints));
        for aligned in [false, true] {
            let feed = |seen: &mut Streaming<Mpjpe>, idx: &[usize]| {
                let join = |of: &[Vec<[f64; 3]>]| idx.iter().flat_map(|&i| of[i].clone()).collect::<Vec<_>>();
                let labeled: Vec<bool> = idx.iter().flat_map(|&i| labeled[i].clone()).collect();
                seen.update_batch(&Skeletons::new(&join(&said), &join(&truth), &labeled, 3)?)
            };
            obeys(Mpjpe { aligned }, n, feed, random, Tolerance::Bits).unwrap();
        }
    }
}

#[test]
fn a_hundred_thousand_bad_inputs_do_no_harm() {
    let random = &mut Random(13);
    let mut fed = [[0_u32; 2]; 4];
    let mut count = |kind: usize, ok: bool| fed[kind][usize::from(ok)] += 1;
    let mut oks = Streaming::new(OksAp::new(OksNumber::Ap, &SIGMAS).unwrap());
    let mut pck = Streaming::new(Pck::new(0.3).unwrap());
    let (mut plain, mut aligned) = (Streaming::new(Mpjpe { aligned: false }), Streaming::new(Mpjpe { aligned: true }));
    for case in 0..25_000_u64 {
        if case % 20 == 0 {
            oks.reset();
        }
        let mut drawn = image(random, Random::hostile);
        drawn.said.truncate(random.length(drawn.said.len()));
        drawn.areas.truncate(random.length(drawn.areas.len()));
        count(0, survives(&mut oks, PoseBatch::new([drawn.of(case % 19)], 3 - random.below(40) / 39)));
        let (p, k) = (random.below(4), random.below(4));
        let n = random.length(p * k);
        let flat = random.list(n, |r| [r.hostile(0.0, 9.0), r.hostile(0.0, 9.0)]);
        let truth = random.list(p * k, |r| [r.hostile(0.0, 9.0), r.hostile(0.0, 9.0)]);
        let labeled = random.list(p * k, |r| r.below(3) > 0);
        let norms = random.list(p, |r| r.hostile(1.0, 9.0));
        count(1, survives(&mut pck, Persons::new(&flat, &truth, &labeled, &norms, k)));
        let space = |of: &[[f64; 2]]| of.iter().map(|&[x, y]| [x, y, x - y]).collect::<Vec<_>>();
        let (said, truth) = (space(&flat), space(&truth));
        count(2, survives(&mut plain, Skeletons::new(&said, &truth, &labeled, k)));
        count(3, survives(&mut aligned, Skeletons::new(&said, &truth, &labeled, k)));
        if case % 100 == 0 {
            // The number of keypoints is fixed by the first batch.
            pck.reset();
        }
    }
    assert!(fed.iter().flatten().all(|&n| n > 500), "refused and accepted: {fed:?}");
}
