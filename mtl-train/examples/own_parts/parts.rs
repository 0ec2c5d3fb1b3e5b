//! What this program adds: a line a part.

use mtl_train::Parts;

mod adapters;
mod angle;
mod angle_error;
mod compass;
mod cyclic;
mod hardest;
mod harmonics;
#[cfg(test)]
mod laws;
mod weather;

pub(crate) fn parts() -> Parts {
    Parts::ours()
        .answer::<angle::Angle>("angle", "a direction in degrees")
        .modality::<cyclic::Cyclic>("cyclic", "fields that come round again: hours, months")
        .dataset::<weather::WeatherConfig>("weather", "observations: time and pressure, wind and rain")
        .preprocessing::<weather::Scale>("weather")
        .encoder::<harmonics::HarmonicsConfig>("harmonics", "waves of cyclic fields beside numbers, then one layer")
        .sharing::<adapters::AdaptersConfig>("adapters", "one trunk, and a small correction of its end per task")
        .balancer::<hardest::HardestConfig>("hardest", "more weight for the larger losses")
        .head::<compass::CompassConfig>("compass", "directions: one less the cosine of the angle between")
        .metric("angle-error", angle_error::FACTS, angle_error::build)
}
