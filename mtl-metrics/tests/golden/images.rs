//! Image metrics equal scikit-image, scipy and numpy: `golden/make_images.py`.

use crate::reading::{get, parse, same};
use mtl_metrics::{
    Metric, MetricValue, Streaming,
    image::{Features, FrechetDistance, ImagePairs, Kid, Psnr, PsnrMean, SpectralAngle, Ssim, Uqi},
};

/// SplitMix64, 24 bits each, as in the script.
fn draw(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 24)
    };
    (0..n).map(next).collect()
}

fn images(seed: u64, n: usize, mix: f64, scale: f64) -> (Vec<f32>, Vec<f32>) {
    let (a, b) = (draw(seed, n), draw(seed + 1, n));
    let truth: Vec<f32> =
        a.iter().enumerate().map(|(i, a)| (((i % 64) as f64 / 64.0 + a) / 2.0 * scale) as f32).collect();
    let (keep, mix) = ((1.0 - mix) as f32, mix as f32);
    let said = truth.iter().zip(b).map(|(t, b)| t * keep + (b * scale) as f32 * mix).collect();
    (said, truth)
}

fn value<M: Metric>(metric: M, batch: &M::Batch<'_>) -> MetricValue {
    let mut metric = Streaming::new(metric);
    metric.update_batch(batch).unwrap();
    metric.compute()
}

#[test]
fn images_are_equal() {
    let golden = parse(include_str!("images.json"));
    let cases = golden["pairs"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let shape: [usize; 4] = get(case, "shape");
        let scale: f64 = get(case, "scale");
        let (said, truth) = images(get(case, "seed"), shape.iter().product(), get(case, "mix"), scale);
        let sum = |image: &[f32]| image.iter().map(|&x| f64::from(x)).sum::<f64>();
        let [said_sum, true_sum]: [f64; 2] = get(case, "check");
        assert!((sum(&said) - said_sum).abs() < 1e-9 * said_sum && (sum(&truth) - true_sum).abs() < 1e-9 * true_sum);
        let batch = ImagePairs::new(&said, &truth, shape).unwrap();
        for (field, want) in case["values"].as_object().unwrap() {
            let found = match field.as_str() {
                "psnr" => value(Psnr::new(scale, PsnrMean::Images).unwrap(), &batch),
                "psnr-pixels" => value(Psnr::new(scale, PsnrMean::Pixels).unwrap(), &batch),
                "ssim" => value(Ssim::new(scale).unwrap(), &batch),
                "ms-ssim" => value(Ssim::multi_scale(scale).unwrap(), &batch),
                "uqi" => value(Uqi, &batch),
                "sam" => value(SpectralAngle, &batch),
                other => panic!("{other}"),
            };
            same(&found, want.as_f64(), 1e-12, &format!("{field} of {}", case["name"]));
        }
    }
}

#[test]
fn features_are_equal() {
    let golden = parse(include_str!("images.json"));
    let cases = golden["features"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (said, truth): (Vec<f32>, Vec<f32>) = (get(case, "said"), get(case, "truth"));
        let batch = Features::new(&said, &truth, get(case, "d")).unwrap();
        let context = case["name"].to_string();
        // With fewer samples than numbers the roots of eigenvalues of rounding (1e-16) are 1e-8.
        let tolerance = if get(case, "sharp") { 1e-11 } else { 1e-6 };
        let want: f64 = get(case, "frechet");
        same(&value(FrechetDistance, &batch), Some(want.max(0.0)), tolerance, &context);
        same(&value(Kid::default(), &batch), get(case, "kid"), 1e-12, &context);
    }
}
