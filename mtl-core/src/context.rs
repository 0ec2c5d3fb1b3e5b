//! The forward context: how to run, and what to write down while running.
//!
//! One value, made per forward pass, goes through encoders, sharing architectures and heads. It says whether dropout
//! acts ([`Mode`]) and holds the two optional recorders: the [`Tape`] of trainable layers (which parameters met which
//! input and output: floating-point counts, and every method that works on layer outputs) and the attention maps.
//! Recording costs nothing when it is off. A third one is for explanations: codes and words have no gradient of their own,
//! so attributions are taken at their embeddings, which pass through [`Cx::embedded`].

use std::{cell::RefCell, sync::Arc};

use tch::Tensor;

use crate::{error::Result, mode::Mode, precision::Precision, world::World};

/// How one forward pass runs and what it records.
pub struct Cx {
    mode: Mode,
    precision: Precision,
    dropout: f64,
    tape: Option<RefCell<Tape>>,
    traces: Option<RefCell<Vec<AttnTrace>>>,
    embeddings: Option<(ReplaceEmbedding, RefCell<Vec<EmbeddedInput>>)>,
    world: Option<Arc<dyn World>>,
}

/// What stands in for the embedding of an input of that name.
pub type ReplaceEmbedding = Box<dyn Fn(&str, &Tensor) -> Result<Tensor>>;

/// An embedding that went on into the network.
#[derive(Debug)]
pub struct EmbeddedInput {
    /// The input's name: `categorical`.
    pub input: String,
    /// `[b, l, d]`: what the rest of the network saw.
    pub xs: Tensor,
}

impl std::fmt::Debug for Cx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Cx {
    /// A context that records nothing.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self { mode, precision: Precision::F32, dropout: 1.0, tape: None, traces: None, embeddings: None, world: None }
    }

    /// A context that also keeps a tape of the trainable layers.
    #[must_use]
    pub fn with_tape(mut self) -> Self {
        self.tape = Some(RefCell::default());
        self
    }

    /// A context that also keeps attention maps.
    #[must_use]
    pub fn with_traces(mut self) -> Self {
        self.traces = Some(RefCell::default());
        self
    }

    /// A context whose forward pass computes in that precision: whoever starts the pass
    /// ([`Precision::enter`]) heeds it, modules need not.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// A context in which every dropout has that share of its probability, in `[0, 1]`: 1 unless said.
    #[must_use]
    pub fn with_dropout(mut self, share: f64) -> Self {
        self.dropout = share.clamp(0.0, 1.0);
        self
    }

    /// The share of its probability that every dropout has.
    #[must_use]
    pub fn dropout(&self) -> f64 {
        self.dropout
    }

    /// A context of a pass that several ranks make together, each on its part of the batch: what is taken over the batch
    /// (statistics of a normalization) is taken over all parts.
    #[must_use]
    pub fn with_world(mut self, world: &Arc<dyn World>) -> Self {
        self.world = (world.size() > 1).then(|| world.clone());
        self
    }

    /// The ranks that make this pass together; `None` for one alone.
    #[must_use]
    pub fn world(&self) -> Option<&Arc<dyn World>> {
        self.world.as_ref()
    }

    /// In which precision the pass computes.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// A context that hands every embedding of an input to `replace`, lets the network go on with what it gets back, and
    /// keeps that.
    #[must_use]
    pub fn with_embeddings(mut self, replace: impl Fn(&str, &Tensor) -> Result<Tensor> + 'static) -> Self {
        self.embeddings = Some((Box::new(replace), RefCell::default()));
        self
    }

    /// Training or evaluation.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether attention modules should spend the time to return their weights.
    #[must_use]
    pub fn wants_traces(&self) -> bool {
        self.traces.is_some()
    }

    /// Records a layer's work; `entry` is called only when a tape is kept.
    pub fn record(&self, entry: impl FnOnce() -> TapeEntry) {
        if let Some(tape) = &self.tape {
            tape.borrow_mut().0.push(entry());
        }
    }

    /// Keeps an attention map; `trace` is called only when maps are wanted.
    pub fn trace(&self, trace: impl FnOnce() -> AttnTrace) {
        if let Some(traces) = &self.traces {
            traces.borrow_mut().push(trace());
        }
    }

    /// Encoders pass the embedding `xs [b, l, d]` of an input that has no gradient of its own through here, and go on with
    /// what comes back: `xs` itself, unless somebody asked for embeddings.
    ///
    /// # Errors
    /// Whatever the replacement fails with.
    pub fn embedded(&self, input: &str, xs: Tensor) -> Result<Tensor> {
        let Some((replace, kept)) = &self.embeddings else { return Ok(xs) };
        let xs = replace(input, &xs)?;
        kept.borrow_mut().push(EmbeddedInput { input: input.to_owned(), xs: xs.shallow_clone() });
        Ok(xs)
    }

    /// Takes the embeddings, in the order of execution; empty when nobody asked for them.
    #[must_use]
    pub fn take_embeddings(&self) -> Vec<EmbeddedInput> {
        self.embeddings.as_ref().map(|(_, kept)| kept.take()).unwrap_or_default()
    }

    /// Takes the tape, in the order of execution; empty when none was kept.
    #[must_use]
    pub fn take_tape(&self) -> Tape {
        self.tape.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Takes the attention maps, in the order of execution; empty when none were kept.
    #[must_use]
    pub fn take_traces(&self) -> Vec<AttnTrace> {
        self.traces.as_ref().map(RefCell::take).unwrap_or_default()
    }
}

/// The trainable layers that ran, in order.
#[derive(Debug, Default)]
pub struct Tape(pub Vec<TapeEntry>);

impl Tape {
    /// Multiply-adds of the recorded layers, for the batch that ran.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.0.iter().map(|e| e.multiply_adds).sum()
    }
}

/// One execution of one trainable layer.
#[derive(Debug)]
pub struct TapeEntry {
    /// The layer's name: the prefix of its parameters' names.
    pub layer: String,
    /// What it consumed, as it consumed it.
    pub input: Tensor,
    /// What it produced, before any non-linearity, still on the graph.
    pub output: Tensor,
    /// Multiply-adds of this execution.
    pub multiply_adds: u64,
    /// Which product it was, with handles to its parameters.
    pub product: Product,
}

/// A layer that multiplies its input with a weight. Its weight gradient is a product of what the tape holds (the input)
/// and the gradient of its output, which is what the factored step lives on ([`crate::step`]).
#[derive(Debug)]
#[non_exhaustive]
pub enum Product {
    /// `y = x weight^T + bias`: `x [.., inputs]`, `y [.., outputs]`.
    Linear {
        /// `[outputs, inputs]`.
        weight: Tensor,
        /// `[outputs]`.
        bias: Option<Tensor>,
    },
    /// `y_e = x_e weight_e + bias_e`: `x [E, b, inputs]`, `y [E, b, outputs]`.
    Experts {
        /// `[E, inputs, outputs]`.
        weight: Tensor,
        /// `[E, 1, outputs]`.
        bias: Option<Tensor>,
    },
    /// `y = conv(x, weight) + bias`: `x [b, inputs, h, w]`, `y [b, outputs, h', w']`.
    Conv2d {
        /// `[outputs, inputs, kernel, kernel]`.
        weight: Tensor,
        /// `[outputs]`.
        bias: Option<Tensor>,
        /// Step.
        stride: i64,
        /// Zeros on each side.
        padding: i64,
    },
    /// `y_m = s_m (W (r_m x_m)) + b_m`: `x [k, b, inputs]`, `y [k, b, outputs]`, scales `r`, `s` of each of `k` members. Counted and not
    /// factored: the gradient of the one weight is a sum over members of products with their scales.
    Ensemble {
        /// `[outputs, inputs]`.
        weight: Tensor,
    },
    /// A recurrence over moments, `x [items, inputs]`, `y [items, outputs]`: its weight gradients are sums over moments whose own
    /// outputs are not on the tape, so that it is counted and not factored.
    Recurrent {
        /// From the input `[gates h, inputs]` and from the state before `[gates h, h]`.
        weights: [Tensor; 2],
    },
}

impl Product {
    /// What the input is multiplied with.
    #[must_use]
    pub fn weights(&self) -> Vec<&Tensor> {
        match self {
            Self::Linear { weight, .. }
            | Self::Experts { weight, .. }
            | Self::Conv2d { weight, .. }
            | Self::Ensemble { weight } => vec![weight],
            Self::Recurrent { weights } => weights.iter().collect(),
        }
    }
}

/// One attention map of one forward pass.
#[derive(Debug)]
pub struct AttnTrace {
    /// Where it was taken: the module's name.
    pub site: String,
    /// What the queries are (task names for task queries); empty when they have no names.
    pub queries: Vec<String>,
    /// What the keys are (field names of a table); empty when they have no names.
    pub keys: Vec<String>,
    /// `[b, h, q, k]`, rows sum to 1 (or 0 where every key is padding); detached.
    pub weights: Tensor,
}
