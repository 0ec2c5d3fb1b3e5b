//! What this program adds.

use mtl_train::Parts;

mod adapters;
mod fourier;
mod hardest;
mod poisson;

pub(crate) fn parts() -> Parts {
    Parts::ours()
        .head::<poisson::PoissonConfig>("poisson", "counts: Poisson deviance on the logarithm of the rate")
        .encoder::<fourier::FourierConfig>("fourier", "random waves of the numeric fields, then one layer")
        .sharing::<adapters::AdaptersConfig>("adapters", "one trunk, and a small correction of its end per task")
        .balancer::<hardest::HardestConfig>("hardest", "more weight for the larger losses")
}
