//! Gradients that methods are tried on.

/// Gradients, one row a task.
pub(super) struct Matrix {
    pub(super) name: String,
    pub(super) rows: Vec<Vec<f64>>,
    /// The gradients are linearly independent, well away from dependence.
    pub(super) regular: bool,
}

/// A deterministic number in [-1, 1].
pub(super) fn noise(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// `[m, n]` of noise.
pub(super) fn random(m: usize, n: usize, seed: u64) -> Vec<Vec<f64>> {
    (0..m).map(|i| (0..n).map(|j| noise(seed * 10_007 + (i * n + j) as u64)).collect()).collect()
}

pub(super) fn scaled(rows: &[Vec<f64>], by: f64) -> Vec<Vec<f64>> {
    rows.iter().map(|r| r.iter().map(|x| x * by).collect()).collect()
}

/// Losses around 1.
pub(super) fn losses(m: usize) -> Vec<f64> {
    (0..m).map(|i| 1.0 + 0.3 * noise(77 + i as u64)).collect()
}

/// From none to 32 tasks, ordinary ones and all that a solver may stumble over.
pub(super) fn matrices() -> Vec<Matrix> {
    let mut all: Vec<(String, Vec<Vec<f64>>, bool)> = vec![
        ("empty".into(), vec![], false),
        ("one row".into(), vec![vec![3.0, 4.0]], true),
        ("orthogonal".into(), vec![vec![1.0, 0.0], vec![0.0, 1.0]], true),
        ("conflict".into(), vec![vec![1.0, 0.0], vec![-2.0, 0.5]], true),
        ("tiny conflict".into(), vec![vec![1e-3, 0.0], vec![-2e-3, 0.5e-3]], true),
        ("equal rows".into(), vec![vec![1.0, 2.0], vec![1.0, 2.0]], false),
        ("three, two of them equal".into(), vec![vec![1.0, 2.0], vec![1.0, 2.0], vec![-1.0, 1.0]], false),
        ("opposite rows".into(), vec![vec![1.0, 2.0], vec![-1.0, -2.0]], false),
        ("a zero row".into(), vec![vec![1.0, 0.0], vec![0.0, 0.0], vec![0.5, 1.0]], false),
        ("all zero".into(), vec![vec![0.0; 3]; 3], false),
        ("lengths 1e-6 to 1e6".into(), vec![vec![1e-6, 2e-6, 0.0], vec![-1.0, 1.0, 0.5], vec![-1e6, 0.0, 3e5]], true),
        (
            "stationary triangle".into(),
            vec![vec![1.0, 0.0], vec![-0.5, 0.75f64.sqrt()], vec![-0.5, -(0.75f64.sqrt())]],
            false,
        ),
    ];
    for (m, n) in [(2, 2), (3, 3), (3, 2), (8, 16), (8, 8), (8, 3), (32, 64), (32, 32), (32, 5), (32, 1)] {
        for seed in 0..3 {
            all.push((format!("random {m} x {n}, seed {seed}"), random(m, n, seed + (m * n) as u64), n >= 2 * m));
        }
    }
    let base = random(8, 16, 4);
    for exponent in [-150, -100, -10, 10, 100, 150] {
        all.push((format!("1e{exponent}"), scaled(&base, 10f64.powi(exponent)), true));
    }
    all.into_iter().map(|(name, rows, regular)| Matrix { name, rows, regular }).collect()
}

/// Those of two to eight tasks, for laws that run many steps.
pub(super) fn few() -> impl Iterator<Item = Matrix> {
    matrices().into_iter().filter(|m| (2..=8).contains(&m.rows.len()))
}
