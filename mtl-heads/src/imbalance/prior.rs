//! Logit adjustment: the shares of classes are added to the logits while the loss is computed, and not when answers are.
//!
//! ```text
//! loss of z_c + tau log pi_c                     one of several classes
//! loss of z_j + tau log (yes_j / no_j)           yes/no labels
//! ```
//! At `tau = 1` the network then answers as if classes had equal shares, which makes the fewest errors in the mean over classes (balanced
//! accuracy); its probabilities are those of that world. A class without a training label counts as one.
//!
//! **Reference** A. Menon, S. Jayasumana, A. Rawat, H. Jain, A. Veit, S. Kumar, "Long-tail learning via logit adjustment", ICLR 2021,
//! equation 10. **Differs from** it: the variant that adjusts a trained network's answers is a `threshold` or a calibration here.

use mtl_core::{
    Error, Result,
    label_stats::{LabelStats, YesNo},
};

/// Refuses what is no strength.
pub(crate) fn check_tau(what: &'static str, tau: Option<f64>) -> Result<()> {
    match tau.filter(|tau| !(*tau > 0.0 && tau.is_finite())) {
        None => Ok(()),
        Some(tau) => {
            let (field, found) = ("logit_adjustment", tau.to_string());
            Err(Error::InvalidConfig { what, field, expected: "> 0".into(), found })
        }
    }
}

/// `tau log pi_c` of so many classes; zeros where nobody knows.
#[expect(clippy::cast_precision_loss, reason = "numbers of samples are far below 2^52")]
pub(crate) fn log_shares(tau: f64, classes: usize, stats: Option<&LabelStats>) -> Vec<f64> {
    let Some(LabelStats::Class { counts, .. }) = stats.filter(|stats| stats.known() > 0) else {
        return vec![0.0; classes];
    };
    let all: u64 = counts.iter().sum();
    counts.iter().map(|&n| tau * (n.max(1) as f64 / all as f64).ln()).collect()
}

/// `tau log (yes / no)` of so many labels; zeros where nobody knows.
#[expect(clippy::cast_precision_loss, reason = "numbers of samples are far below 2^52")]
pub(crate) fn log_odds(tau: f64, labels: usize, stats: Option<&LabelStats>) -> Vec<f64> {
    let Some(LabelStats::MultiLabel { labels: counted }) = stats else { return vec![0.0; labels] };
    let odds = |label: &YesNo| tau * (label.yes.max(1) as f64 / label.no.max(1) as f64).ln();
    counted.iter().map(odds).collect()
}
