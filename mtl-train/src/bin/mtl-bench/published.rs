//! Published figures on Census-Income, for orientation: other feature handling, so levels differ by more than methods do.

/// Model, income AUROC, never-married AUROC, source.
pub(crate) const CENSUS: &[(&str, f64, f64, &str)] = &[
    ("MMoE, PaddleRec (mean)", 0.9447, 0.9932, "README of PaddleRec's MMoE"),
    ("MMoE, torch-rechub", 0.9579, 0.9950, "README of torch-rechub"),
    ("PLE, torch-rechub", 0.9593, 0.9950, "README of torch-rechub"),
    ("shared bottom, 2024 re-run", 0.9148, 0.9754, "journal table of 2024 with small embeddings"),
    ("MMoE, 2024 re-run", 0.9152, 0.9756, "journal table of 2024 with small embeddings"),
];
