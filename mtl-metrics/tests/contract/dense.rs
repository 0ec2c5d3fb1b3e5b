//! What every metric over maps promises: the laws of merging to the bit, the same bits at any number of threads, and
//! an error,
//! never a panic, for every bad input.

use crate::drawing::{Random, obeys, survives};
use mtl_metrics::{
    Streaming,
    dense::{
        AngleNumber, BoundaryIou, Classes, Depth, DepthMaps, DepthNumber, Hausdorff95, LabelMap, LabelMaps,
        NormalAngle, NormalMaps, NormalMedian, Segmentation, SegmentationNumber,
    },
    laws::Tolerance,
};
use proptest::prelude::*;

/// An image of 4 by 5 pixels: said and true labels of 3 classes, 255 for ignored.
fn image(random: &mut Random) -> [Vec<u8>; 2] {
    let truth = random.list(20, |r| if r.below(8) == 0 { 255 } else { r.below(3) as u8 });
    let said = random.list(20, |r| r.below(3) as u8);
    [said, truth]
}

/// All rows of `idx`, one after another.
fn joined<T: Copy>(rows: &[Vec<T>], idx: &[usize]) -> Vec<T> {
    idx.iter().flat_map(|&i| rows[i].iter().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_to_the_bit(seed in any::<u64>(), n in 0_usize..9) {
        let random = &mut Random(seed);
        let (said, truth): (Vec<_>, Vec<_>) = random.list(n, image).into_iter().map(|[said, truth]| (said, truth)).unzip();
        let classes = Classes::new(3, Some(255)).unwrap();
        macro_rules! maps {
            ($metric:expr) => {{
                let feed = |seen: &mut Streaming<_>, idx: &[usize]| {
                    let (said, truth) = (joined(&said, idx), joined(&truth, idx));
                    seen.update_batch(&LabelMaps::new(LabelMap::U8(&said), LabelMap::U8(&truth), [idx.len(), 4, 5])?)
                };
                obeys($metric, n, feed, random, Tolerance::Bits).unwrap();
            }};
        }
        maps!(Segmentation::new(classes, SegmentationNumber::MeanIou));
        maps!(Segmentation::new(classes, SegmentationNumber::Dice));
        maps!(Segmentation::new(classes, SegmentationNumber::PixelAccuracy));
        maps!(Segmentation::new(classes, SegmentationNumber::MeanAccuracy));
        maps!(Segmentation::new(classes, SegmentationNumber::FrequencyWeightedIou));
        maps!(BoundaryIou::new(classes, 0.1).unwrap());
        maps!(Hausdorff95::new(classes, [1.0, 0.5], Some(0)).unwrap());

        let depths = |random: &mut Random| random.list(3, |r| if r.below(4) == 0 { 0.0 } else { r.number(0.1, 12.0) as f32 });
        let (said, truth) = (random.list(n, depths), random.list(n, depths));
        for number in DepthNumber::ALL {
            let feed = |seen: &mut Streaming<Depth>, idx: &[usize]| {
                seen.update_batch(&DepthMaps::new(&joined(&said, idx), &joined(&truth, idx))?)
            };
            obeys(Depth::new(number, 0.001, 10.0).unwrap(), n, feed, random, Tolerance::Bits).unwrap();
        }
        let vectors = |random: &mut Random| random.list(3, |r| r.number(0.5, 2.0) as f32);
        let (said, truth) = (random.list(n, vectors), random.list(n, vectors));
        macro_rules! normals {
            ($metric:expr) => {{
                let feed = |seen: &mut Streaming<_>, idx: &[usize]| {
                    idx.iter().try_for_each(|&i| seen.update_batch(&NormalMaps::planes(&said[i], &truth[i])?))
                };
                obeys($metric, n, feed, random, Tolerance::Bits).unwrap();
            }};
        }
        for number in [AngleNumber::Mean, AngleNumber::Below11, AngleNumber::Below22, AngleNumber::Below30] {
            normals!(NormalAngle { number });
        }
        normals!(NormalMedian);
    }
}

#[test]
fn long_maps_are_counted_alike_at_any_number_of_threads() {
    let random = &mut Random(5);
    let (said, truth) = (random.list(600_000, |r| r.below(3) as u8), random.list(600_000, |r| r.below(3) as u8));
    let depths: Vec<f32> = said.iter().map(|&x| f32::from(x) + 0.1).collect();
    let classes = Classes::new(3, None).unwrap();
    let mut states = Vec::new();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut seen = Streaming::new(Segmentation::new(classes, SegmentationNumber::MeanIou));
        let mut depth = Streaming::new(Depth::new(DepthNumber::Rmse, 0.001, 10.0).unwrap());
        pool.install(|| {
            let maps = LabelMaps::new(LabelMap::U8(&said), LabelMap::U8(&truth), [1, 600, 1000]).unwrap();
            seen.update_batch(&maps).unwrap();
            depth.update_batch(&DepthMaps::new(&depths, &depths).unwrap()).unwrap();
        });
        states.push((seen.state().unwrap(), depth.state().unwrap()));
    }
    assert!(states.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_hundred_thousand_bad_inputs_do_no_harm() {
    let random = &mut Random(12);
    let mut fed = [[0_u32; 2]; 6];
    let mut count = |kind: usize, ok: bool| fed[kind][usize::from(ok)] += 1;
    let classes = Classes::new(3, Some(-1)).unwrap();
    let mut miou = Streaming::new(Segmentation::new(classes, SegmentationNumber::MeanIou));
    let mut boundary = Streaming::new(BoundaryIou::new(classes, 0.3).unwrap());
    let mut hausdorff = Streaming::new(Hausdorff95::new(classes, [1.0, 2.0], None).unwrap());
    let mut depth = Streaming::new(Depth::new(DepthNumber::RmseLog, 0.001, 10.0).unwrap());
    let (mut angle, mut median) = (Streaming::new(NormalAngle::default()), Streaming::new(NormalMedian));
    for _ in 0..17_000 {
        let (h, w) = (random.below(5), random.below(5));
        let label = |r: &mut Random| if r.below(60) == 0 { r.below(9) as i64 - 4 } else { r.below(3) as i64 };
        let said_len = random.length(h * w);
        let (said, truth) = (random.list(said_len, label), random.list(h * w, label));
        let maps = || LabelMaps::new(LabelMap::I64(&said), LabelMap::I64(&truth), [1, h, w]);
        count(0, survives(&mut miou, maps()));
        count(1, survives(&mut boundary, maps()));
        count(2, survives(&mut hausdorff, maps()));
        let n = random.below(9);
        let number = |r: &mut Random| r.hostile(0.0, 11.0) as f32;
        let said_len = random.length(n);
        let (said, truth) = (random.list(said_len, number), random.list(n, number));
        count(3, survives(&mut depth, DepthMaps::new(&said, &truth)));
        let said_len = random.length(3 * n);
        let (said, truth) = (random.list(said_len, number), random.list(3 * n, number));
        count(4, survives(&mut angle, NormalMaps::planes(&said, &truth)));
        if random.below(50) == 0 {
            median.reset();
        }
        count(5, survives(&mut median, NormalMaps::planes(&said, &truth)));
    }
    assert!(fed.iter().flatten().all(|&n| n > 500), "refused and accepted: {fed:?}");
}
