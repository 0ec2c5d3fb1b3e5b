//! Generated rows: a hyperplane that is another one from the middle of the stream on.
//!
//! ```text
//! x1..x8   uniform in [0, 1)
//! above    yes where w x > sum(w) / 2, five of a hundred turned around
//! level    v x + noise of 0.05
//! ```
//! `w` and `v` are drawn by the seed, anew for the second half. After G. Hulten, L. Spencer, P. Domingos, *Mining time-changing data
//! streams*, KDD 2001, whose hyperplane turns slowly; here it turns at once.

use std::io::{self, BufWriter, Write};

use mtl_core::rng::{Rng, derive};
use mtl_train::{Error, Result};

/// The names of the numbers.
pub(super) const NAMES: [&str; 8] = ["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"];

/// Writes header and rows.
pub(super) fn write(to: impl Write, rows: u64, change_at: u64, seed: u64) -> Result<()> {
    match write_all(to, rows, change_at, seed) {
        // Whoever reads has seen enough: what is wrong there is said there.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|e| Error::io("generated rows", "cannot write", e)),
    }
}

fn write_all(to: impl Write, rows: u64, change_at: u64, seed: u64) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, to);
    writeln!(out, "{},above,level", NAMES.join(","))?;
    let planes = [Planes::new(derive(seed, "first", 0)), Planes::new(derive(seed, "second", 0))];
    let mut rng = Rng::new(derive(seed, "rows", 0));
    let mut line: Vec<u8> = Vec::with_capacity(128);
    for row in 0..rows {
        let plane = &planes[usize::from(row >= change_at)];
        line.clear();
        let (mut w, mut v) = (0.0, 0.0);
        for (weight, value) in plane.above.iter().zip(&plane.level) {
            // Four decimals: a number is written without a search for its shortest form.
            let digits = rng.below(10_000);
            #[expect(clippy::cast_precision_loss, reason = "four digits")]
            let x = digits as f64 * 1e-4;
            w += weight * x;
            v += value * x;
            push(&mut line, digits);
            line.push(b',');
        }
        let is_above = (w > plane.middle) != (rng.below(100) < 5);
        line.extend_from_slice(if is_above { b"yes," } else { b"no," });
        writeln!(line, "{:.4}", v + 0.05 * rng.normal())?;
        out.write_all(&line)?;
    }
    out.flush()
}

/// `0.` and four digits.
fn push(line: &mut Vec<u8>, digits: u64) {
    line.extend_from_slice(b"0.");
    for place in [1000, 100, 10, 1] {
        line.push(b'0' + u8::try_from(digits / place % 10).unwrap_or(0));
    }
}

struct Planes {
    above: [f64; 8],
    level: [f64; 8],
    middle: f64,
}

impl Planes {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let above: [f64; 8] = std::array::from_fn(|_| rng.normal());
        Self { level: std::array::from_fn(|_| rng.normal()), middle: above.iter().sum::<f64>() / 2.0, above }
    }
}
