//! Task heads: from one task's features to its answer, its loss and its plain prediction.
//!
//! A [`Head`] sits on the features that a sharing architecture gives to its task. It knows the task's name (every error
//! names it), what it answers ([`Answer`](mtl_core::answer::Answer)), and which metrics suit it. Its loss is a **sum and a
//! count**, never a bare mean, so labels may be missing anywhere: a missing label adds nothing to the sum and exactly 0
//! to every gradient. Its prediction is plain values (probabilities, numbers in the target's unit), which is what
//! metrics read.
//!
//! ```
//! use mtl_core::{answer::Answer, batch::Target, context::Cx, features::Features, mode::Mode, params::ParamSet, task::TaskName};
//! use mtl_heads::{Ask, HeadConfig, HeadPlace};
//! use tch::{Device, Kind, Tensor};
//!
//! # fn main() -> mtl_core::Result<()> {
//! let mut params = ParamSet::new(Kind::Float, Device::Cpu, 7);
//! let task = TaskName::new("garment")?;
//! let features = Features::Pooled(Tensor::ones([4, 16], (Kind::Float, Device::Cpu))); // [b, d]
//!
//! let (view, answer) = (features.view(), Answer::class(["coat", "shirt", "bag"]));
//! let place = HeadPlace::in_model(params.root(), 0, &task, &view, &answer);
//! let head = HeadConfig::default_for(&answer)?.build(place)?;
//!
//! let out = head.forward(&Ask::new(&features, &Cx::new(Mode::Train)))?;
//! let loss = head.loss(&out, &Target::class("garment", &[0, 2, -100, 1])?)?; // the third label is not known
//! assert_eq!(loss.count, 3.0);
//! assert_eq!(head.decode(&out)?.batch_size(), 4);
//! # Ok(())
//! # }
//! ```
//!
//! | head | labels | loss | primary metric | file |
//! |---|---|---|---|---|
//! | [`ClassHead`] | one of `c` classes | cross entropy, smoothing, class weights, focal, logit adjustment | accuracy | `class.rs` |
//! | [`MultiLabelHead`] | `c` times yes or no; one is binary | binary cross entropy, weights of no and yes, focal, logit adjustment | auroc | `multi_label.rs` |
//! | [`OrdinalHead`] | one of `c` grades in an order | CORAL, CORN or cumulative link, probabilities always in order | grade-mae | `ordinal.rs` |
//! | [`FunnelHead`] | `c` times yes or no, yes only after yes of another task | binary cross entropy of the product | auroc | `funnel.rs` |
//! | [`LikelihoodHead`] | `k` numbers | likelihood of a [`Family`](mtl_core::distribution::Family): each number is answered by a distribution | crps | `likelihood/` |
//! | [`QuantileHead`] | `k` numbers | pinball losses of quantiles that never cross | crps | `quantile.rs` |
//! | [`RegressHead`] | `k` numbers | L1, L2 or Huber, on numbers brought to one size by a [`TargetScaling`] | rmse | `regress.rs` |
//! | [`GruDecoderHead`] | a sequence of tokens | cross entropy of every token and the end, teacher forcing | exact-match | `gru_decoder/` |
//! | [`MaskedReconstructionHead`] | none: the input itself, cells of which are hidden | squared error of hidden cells | rmse | `masked_reconstruction.rs` |
//! | [`TagsHead`] | a tag for each item | cross entropy, smoothing | span-f1, tag-accuracy where tags spell no spans | `tags.rs` |
//! | [`CrfHead`] | a tag for each item, which follow each other | likelihood of a chain, known in part too | as `tags` | `crf/` |
//!
//! What a head looks at it [asks](Ask) for: features, inputs, its target in training, outputs of other heads ([`order`] says who runs
//! when). What classes of unequal size need is in [`imbalance`].
//!
//! An own head implements the trait (`examples/custom_head.rs` is one, in fifty lines) and is checked by the same
//! [`laws`] as ours.

mod ask;
mod class;
mod constant;
mod crf;
mod decode;
mod funnel;
mod gru_decoder;
mod head;
mod hiding;
pub mod imbalance;
mod items;
pub mod laws;
mod likelihood;
mod masked_reconstruction;
mod multi_label;
mod order;
mod ordinal;
mod part;
mod place;
mod quantile;
mod regress;
mod scaling;
mod tags;
mod tower;

pub use ask::{Ask, HeadNeeds};
pub use class::{ClassHead, ClassHeadConfig};
pub use crf::{CrfConstraints, CrfHead, CrfHeadConfig};
pub use decode::to_array;
pub use funnel::{FunnelHead, FunnelHeadConfig};
pub use gru_decoder::{GruDecoderHead, GruDecoderHeadConfig};
pub use head::{Head, HeadOutput, HeadSpec};
pub use hiding::{Hidden, Hiding};
pub use imbalance::{ClassWeighting, ClassWeights, Focal};
pub use likelihood::{LikelihoodHead, LikelihoodHeadConfig};
pub use masked_reconstruction::{MaskedReconstructionHead, MaskedReconstructionHeadConfig};
pub use multi_label::{MultiLabelHead, MultiLabelHeadConfig};
pub use order::order;
pub use ordinal::{OrdinalHead, OrdinalHeadConfig, OrdinalLoss};
pub use part::HeadPart;
pub use place::HeadPlace;
pub use quantile::{QuantileHead, QuantileHeadConfig};
pub use regress::{RegressHead, RegressHeadConfig, RegressLoss};
pub use scaling::{ScalingChoice, TargetScaling, TargetTransform};
pub use tags::{TagsHead, TagsHeadConfig};
pub use tower::{Tower, TowerShape};

mtl_core::registry! {
    /// The heads that a config file can name.
    pub enum HeadConfig, what = "head", outside = HeadPart {
        Class(ClassHeadConfig) = "class", "one of several classes: softmax and cross entropy";
        MultiLabel(MultiLabelHeadConfig) = "multi-label", "yes/no labels, one is binary: sigmoid and binary cross entropy";
        Funnel(FunnelHeadConfig) = "funnel", "yes/no labels, yes only after yes of another task: clicks, then purchases";
        Ordinal(OrdinalHeadConfig) = "ordinal", "grades, classes in an order: ordered thresholds (CORAL or cumulative link) or a chain of questions (CORN)";
        Regress(RegressHeadConfig) = "regress", "numbers: absolute, squared or Huber loss";
        Likelihood(LikelihoodHeadConfig) = "likelihood", "a distribution of each number: Gaussian, Laplace, Student-t, Poisson, negative binomial";
        Quantile(QuantileHeadConfig) = "quantile", "quantiles of each number, which never cross: pinball losses";
        MaskedReconstruction(MaskedReconstructionHeadConfig) = "masked-reconstruction", "hidden numbers of an input, restored: needs no labels";
        GruDecoder(GruDecoderHeadConfig) = "gru-decoder", "a sequence of tokens: recurrent decoder with attention, greedy or beam search";
        Tags(TagsHeadConfig) = "tags", "a tag for each item: softmax and cross entropy";
        Crf(CrfHeadConfig) = "crf", "a tag for each item, as a chain: conditional random field, Viterbi";
    }
}
