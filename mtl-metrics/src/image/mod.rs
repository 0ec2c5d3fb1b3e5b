//! Images that a model makes, and features of them.
//!
//! | metric | what | equal to | state | differences on purpose |
//! |---|---|---|---|---|
//! | [`Psnr`] | peak signal to noise, dB; over images or pixels | scikit-image 0.26 | 1.1 kB | equal images are left out, not infinite |
//! | [`Ssim`] | structural similarity 11x11, sigma 1.5 | scikit-image 0.26 | 552 bytes | |
//! | [`Ssim`] at several scales | MS-SSIM | torchmetrics' rule by scipy | 552 bytes | |
//! | [`Uqi`] | universal quality index | torchmetrics' window by scipy | 552 bytes | flat windows have the quality of their means, not 0 |
//! | [`SpectralAngle`] | SAM | torchmetrics' rule by numpy | 560 bytes | dark pixels left out, not NaN; exact near 0 |
//! | [`FrechetDistance`] | distance of Gaussians of features (FID) | scipy `sqrtm` | 16 bytes a pair of feature numbers | never negative |
//! | [`Kid`] | polynomial MMD of features | torchmetrics' `poly_mmd` by numpy | 4 bytes a feature number and sample | subsets from a seed over sorted samples |
//!
//! ```
//! use mtl_metrics::{Streaming, image::{ImagePairs, Psnr, PsnrMean}};
//! let (said, truth) = ([0.5_f32, 0.25, 0.0, 1.0], [0.5_f32, 0.35, 0.0, 1.0]);
//! let mut psnr = Streaming::new(Psnr::new(1.0, PsnrMean::Images)?);
//! psnr.update_batch(&ImagePairs::new(&said, &truth, [1, 1, 2, 2])?)?;
//! assert!((psnr.compute().value.unwrap() - 26.0206).abs() < 1e-4);
//! # Ok::<(), mtl_core::Error>(())
//! ```

pub mod features;
pub mod frechet;
pub mod images;
pub mod kid;
pub mod psnr;
pub mod sam;
mod spectrum;
pub mod ssim;
pub mod uqi;
mod window;

pub use features::Features;
pub use frechet::FrechetDistance;
pub use images::ImagePairs;
pub use kid::{Kid, Subsets};
pub use psnr::{Psnr, PsnrMean};
pub use sam::SpectralAngle;
pub use ssim::Ssim;
pub use uqi::Uqi;
