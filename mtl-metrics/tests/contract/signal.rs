//! What every metric of images and features promises: the laws of merging to the bit (to 1e-12 for moments), the same
//! bits at any
//! number of threads, and an error, never a panic, for every bad input.

use crate::drawing::{Random, obeys, survives};
use mtl_metrics::{
    Streaming,
    image::{Features, FrechetDistance, ImagePairs, Kid, Psnr, PsnrMean, SpectralAngle, Ssim, Subsets, Uqi},
    laws::Tolerance,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold(seed in any::<u64>(), n in 0_usize..6) {
        let random = &mut Random(seed);
        const SHAPE: [usize; 3] = [2, 12, 11];
        let image = |r: &mut Random| r.list(SHAPE.iter().product(), |r| r.number(0.0, 1.0) as f32);
        let (mut said, truth) = (random.list(n, image), random.list(n, image));
        if n > 0 {
            said[0].clone_from(&truth[0]);
        }
        macro_rules! images {
            ($metric:expr) => {{
                let feed = |seen: &mut Streaming<_>, idx: &[usize]| {
                    let join = |of: &[Vec<f32>]| idx.iter().flat_map(|&i| of[i].clone()).collect::<Vec<_>>();
                    let [c, h, w] = SHAPE;
                    seen.update_batch(&ImagePairs::new(&join(&said), &join(&truth), [idx.len(), c, h, w])?)
                };
                obeys($metric, n, feed, random, Tolerance::Bits).unwrap();
            }};
        }
        images!(Psnr::new(1.0, PsnrMean::Images).unwrap());
        images!(Psnr::new(1.0, PsnrMean::Pixels).unwrap());
        images!(Ssim::new(1.0).unwrap());
        images!(Uqi);
        images!(SpectralAngle);
        let rows = |r: &mut Random| r.list(3, |r| r.number(-1.0, 1.0) as f32);
        let n = 12 + n;
        let (said, truth) = (random.list(n, rows), random.list(n, rows));
        macro_rules! features {
            ($metric:expr, $tolerance:expr) => {{
                let feed = |seen: &mut Streaming<_>, idx: &[usize]| {
                    let join = |of: &[Vec<f32>]| idx.iter().flat_map(|&i| of[i].clone()).collect::<Vec<_>>();
                    seen.update_batch(&Features::new(&join(&said), &join(&truth), 3)?)
                };
                obeys($metric, n, feed, random, $tolerance).unwrap();
            }};
        }
        features!(Kid::default(), Tolerance::Bits);
        features!(Kid::new(Subsets::Random { count: 3, size: 4, seed: 1 }).unwrap(), Tolerance::Bits);
        features!(FrechetDistance, Tolerance::Relative(1e-12));
    }
}

#[test]
fn several_scales_obey_the_laws() {
    let random = &mut Random(3);
    let images: Vec<Vec<f32>> = random.list(4, |r| r.list(176 * 176, |r| r.number(0.0, 1.0) as f32));
    let feed = |seen: &mut Streaming<Ssim>, idx: &[usize]| {
        idx.iter().try_for_each(|&i| seen.update_batch(&ImagePairs::new(&images[i], &images[3 - i], [1, 1, 176, 176])?))
    };
    obeys(Ssim::multi_scale(1.0).unwrap(), 3, feed, random, Tolerance::Bits).unwrap();
}

#[test]
fn a_hundred_thousand_bad_inputs_do_no_harm() {
    let random = &mut Random(14);
    let mut fed = [[0_u32; 2]; 5];
    let mut count = |kind: usize, ok: bool| fed[kind][usize::from(ok)] += 1;
    let mut psnr = Streaming::new(Psnr::new(1.0, PsnrMean::Images).unwrap());
    let (mut ssim, mut uqi) = (Streaming::new(Ssim::new(255.0).unwrap()), Streaming::new(Uqi));
    let (mut sam, mut frechet, mut kid) =
        (Streaming::new(SpectralAngle), Streaming::new(FrechetDistance), Streaming::new(Kid::default()));
    for case in 0..17_000 {
        let number =
            |r: &mut Random| if r.below(20) == 0 { r.hostile(0.0, 1.0) as f32 } else { r.number(0.0, 1.0) as f32 };
        let shape = [random.below(3), random.below(4), random.below(4), random.below(4)];
        let n: usize = shape.iter().product();
        let said_len = random.length(n);
        let (said, truth) = (random.list(said_len, number), random.list(n, number));
        count(0, survives(&mut psnr, ImagePairs::new(&said, &truth, shape)));
        count(1, survives(&mut sam, ImagePairs::new(&said, &truth, shape)));
        // Images large enough for a window, every tenth time.
        let side = if case % 10 == 0 { 11 } else { 3 };
        let said = random.list(side * 11, number);
        let shape = [1, 1, side, 11];
        count(
            2,
            survives(&mut ssim, ImagePairs::new(&said, &said, shape))
                | survives(&mut uqi, ImagePairs::new(&said, &said, shape)),
        );
        let d = 1 + random.below(40) / 39;
        let n = random.below(5);
        let rows_len = random.length(n * d);
        let rows = random.list(rows_len, |r| r.hostile(0.0, 1.0) as f32);
        if case % 40 == 0 {
            kid.reset();
            frechet.reset();
        }
        count(3, survives(&mut frechet, Features::new(&rows, &rows, d)));
        count(4, survives(&mut kid, Features::new(&rows, &rows, d)));
    }
    assert!(fed.iter().flatten().all(|&n| n > 200), "refused and accepted: {fed:?}");
}
