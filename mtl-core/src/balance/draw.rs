//! Random numbers that depend on nothing but a seed and a step.
//!
//! A method that draws in step 17 must draw the same after a resume, without a generator state in the checkpoint. So
//! every step starts its own SplitMix64 sequence at a hash of `(seed, step)`.
//!
//! **Reference**: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The draws of one step.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    /// The sequence of this seed at this step.
    pub(crate) fn new(seed: u64, step: u64) -> Self {
        Self { state: mix(mix(seed ^ GOLDEN).wrapping_add(step.wrapping_mul(GOLDEN))) }
    }

    /// 64 uniform bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in `(0, 1)`: both ends excluded, so that a logarithm is safe.
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits = self.bits() >> 11; // 53 bits
        (bits as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal (Box-Muller; the second value is thrown away).
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * self.uniform().ln()).sqrt(), std::f64::consts::TAU * self.uniform());
        radius * angle.cos()
    }

    /// Uniform in `0..n`, for `n` far below `2^32`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        // The high half of a 32 x 32 product: the bias of order n / 2^32 is invisible for task counts.
        let wide = (self.bits() >> 32).wrapping_mul(n as u64) >> 32;
        usize::try_from(wide).unwrap_or(0)
    }

    /// A uniformly random order (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_step_draws_the_same_and_another_step_does_not() {
        let take = |seed, step| (Draw::new(seed, step).bits(), Draw::new(seed, step).uniform());
        assert_eq!(take(1, 7), take(1, 7));
        assert_ne!(take(1, 7).0, take(1, 8).0);
        assert_ne!(take(1, 7).0, take(2, 7).0);
    }

    #[test]
    fn uniform_normal_and_orders_have_their_moments() {
        let n = 20_000;
        let (mut sum, mut sum2, mut mean, mut first) = (0.0, 0.0, 0.0, [0usize; 3]);
        for step in 0..n {
            let mut draw = Draw::new(3, step);
            let z = draw.normal();
            sum += z;
            sum2 += z * z;
            mean += draw.uniform();
            let mut order = [0, 1, 2];
            draw.shuffle(&mut order);
            first[order[0]] += 1;
        }
        let n = n as f64;
        assert!((sum / n).abs() < 0.03 && (sum2 / n - 1.0).abs() < 0.05 && (mean / n - 0.5).abs() < 0.01);
        assert!(first.iter().all(|&c| (c as f64 / n - 1.0 / 3.0).abs() < 0.02), "{first:?}");
    }
}
