//! Audio: transcripts, speakers, signals, prosody.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`ErrorRate`] | WER, CER, MER, WIL, WIP; [`EditCounts`], alignment | jiwer 4.0, counts exactly | 32 bytes | undefined without reference; any white space separates words |
//! | [`TokenErrorRate`] | the same over tokens by index | WER of one word a token | 32 bytes | nothing known |
//! | [`DiarizationErrorRate`] | misses, false alarms, confusions per true speech | pyannote.metrics 4 | 2.2 kB | the collar counts on each side; a speaker's own overlaps count once |
//! | [`JaccardErrorRate`] | mean Jaccard error of speakers | dscore's formula | 552 bytes | nothing known |
//! | [`SignalRatio`] | SNR, SI-SDR, SDR in dB | torchmetrics 1.9 in f64 | 560 bytes | silent signals are left out |
//! | [`Stoi`] | STOI and ESTOI, intelligibility of signals of 10 kHz | pystoi 0.4.1, 1e-12 | 560 bytes | too little speech is left out, there 1e-5; ESTOI without added noise |
//! | [`MelCepstralDistortion`] | MCD in dB with dynamic time warping | its formula | 552 bytes | nothing known |
//! | [`F0Rmse`] | error of the pitch in Hz | its formula | 552 bytes | nothing known |

mod diarization;
pub(crate) mod edits;
mod error_rate;
mod fourier;
mod prosody;
mod signal_ratio;
mod stoi;
mod token_error_rate;
mod turns;

pub use diarization::{DiarizationErrorRate, DiarizationTimes, JaccardErrorRate};
pub use edits::Edit;
pub use error_rate::{EditCounts, ErrorRate, Rate, Unit};
pub use prosody::{CepstrumPairs, F0Rmse, MelCepstralDistortion, PitchPairs};
pub use signal_ratio::{Allowed, SignalMean, SignalPairs, SignalRatio};
pub use stoi::Stoi;
pub use token_error_rate::TokenErrorRate;
pub use turns::{Diarizations, Turn};
