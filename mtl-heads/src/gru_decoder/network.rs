//! The decoder's parameters, what it computes of features once, and one step.
//!
//! Names: `embedding.weight`, `start.*`, `cell.input.*`, `cell.state.*`, `feed.weight`, `keys.weight`, `attended.*`, `out.*`.

use mtl_core::{
    Result, TorchContext,
    context::Cx,
    features::{Features, View},
    nn::{Dropout, FieldEmbedding, GruCell, Linear},
    params::Scope,
};
use tch::{Kind, Tensor};

use crate::head::HeadOutput;

/// The sizes of a decoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) vocabulary: i64,
    pub(super) embedding: i64,
    pub(super) width: i64,
    pub(super) dropout: f64,
}

/// The trainable part.
#[derive(Debug)]
pub(super) struct Network {
    /// A row a token, then one for the start.
    embedding: FieldEmbedding,
    start: Linear,
    cell: GruCell,
    feed: Linear,
    keys: Linear,
    attended: Linear,
    dropout: Dropout,
    out: Linear,
    sizes: Sizes,
}

/// What is attended to, and the state that a sequence starts from.
#[derive(Debug)]
pub(super) struct Memory {
    /// `[n, w]`.
    pub(super) start: Tensor,
    /// `[n, l, d]`, 0 where there is padding.
    tokens: Tensor,
    /// `[n, l, w]`.
    keys: Tensor,
    /// `[n, l]` of `Bool`, true where nothing is to be seen; never in a whole row.
    hidden: Option<Tensor>,
}

/// Where a sequence is.
#[derive(Debug)]
pub(super) struct State {
    /// `[n, w]`.
    cell: Tensor,
    /// `[n, w]`: what was attended to, which the next token is chosen from.
    pub(super) attended: Tensor,
}

const TOKENS: &str = "tokens";
const KEYS: &str = "keys";
const HIDDEN: &str = "hidden";

impl Memory {
    /// As the output of a head: the first state, the others by name.
    pub(super) fn into_output(self) -> HeadOutput {
        let out = HeadOutput::from(self.start).with(TOKENS, self.tokens).with(KEYS, self.keys);
        match self.hidden {
            Some(hidden) => out.with(HIDDEN, hidden),
            None => out,
        }
    }

    /// Back from an output.
    pub(super) fn of(out: &HeadOutput) -> Result<Self> {
        Ok(Self {
            start: out.main().shallow_clone(),
            tokens: out.extra(TOKENS)?.shallow_clone(),
            keys: out.extra(KEYS)?.shallow_clone(),
            hidden: out.extra(HIDDEN).ok().map(Tensor::shallow_clone),
        })
    }

    /// Each sample `k` times, one after the other.
    pub(super) fn repeated(&self, k: i64) -> Result<Self> {
        let repeat = |t: &Tensor| t.f_repeat_interleave_self_int(k, 0, None).op("hypotheses");
        Ok(Self {
            start: repeat(&self.start)?,
            tokens: repeat(&self.tokens)?,
            keys: repeat(&self.keys)?,
            hidden: self.hidden.as_ref().map(repeat).transpose()?,
        })
    }

    /// The state before the first token.
    pub(super) fn first(&self) -> Result<State> {
        let attended = self.start.f_zeros_like().op("decoder")?;
        Ok(State { cell: self.start.shallow_clone(), attended })
    }
}

impl State {
    /// Those of other rows, in that order.
    pub(super) fn select(&self, rows: &Tensor) -> Result<Self> {
        let pick = |t: &Tensor| t.f_index_select(0, rows).op("hypotheses");
        Ok(Self { cell: pick(&self.cell)?, attended: pick(&self.attended)? })
    }
}

impl Network {
    pub(super) fn new(scope: &mut Scope<'_>, view: &View, sizes: Sizes) -> Result<Self> {
        let Sizes { vocabulary, embedding, width, dropout } = sizes;
        let d = view.width();
        Ok(Self {
            embedding: FieldEmbedding::new(&mut scope.sub("embedding"), &[vocabulary + 1], embedding)?,
            start: Linear::new(&mut scope.sub("start"), d, width)?,
            cell: GruCell::new(&mut scope.sub("cell"), embedding, width)?,
            feed: Linear::without_bias(&mut scope.sub("feed"), width, 3 * width)?,
            keys: Linear::without_bias(&mut scope.sub("keys"), d, width)?,
            attended: Linear::new(&mut scope.sub("attended"), d + width, width)?,
            dropout: Dropout::new(dropout)?,
            out: Linear::new(&mut scope.sub("out"), width, vocabulary + 1)?,
            sizes,
        })
    }

    /// How many tokens there are; the end is the one behind them in answers, the start in what is put in.
    pub(super) fn vocabulary(&self) -> i64 {
        self.sizes.vocabulary
    }

    pub(super) fn kind(&self) -> Kind {
        self.out.kind()
    }

    /// What is computed of the features once.
    pub(super) fn attend(&self, features: &Features, cx: &Cx) -> Result<Memory> {
        let op = "decoder";
        let start = self.start.forward(&features.pooled()?, cx)?.f_tanh().op(op)?; // [b, w]
        let tokens = features.shallow_clone().into_tokens()?;
        let (xs, hidden) = match &tokens.pad_mask {
            None => (tokens.xs, None),
            Some(padding) => {
                let xs = tokens.xs.f_masked_fill(&padding.f_unsqueeze(-1).op(op)?, 0.0).op(op)?;
                // Of a sample without any token zeros are seen: hiding all of them would give no number.
                let some = padding.f_all_dim(1, true).and_then(|all| all.f_logical_not());
                (xs, Some(some.and_then(|some| padding.f_logical_and(&some)).op(op)?))
            }
        };
        let keys = self.keys.forward(&xs, cx)?; // [b, l, w]
        Ok(Memory { start, tokens: xs, keys, hidden })
    }

    /// What the cell takes of the tokens before.
    ///
    /// # Shapes
    /// `previous`: `[..]` of `Int64`, the vocabulary's size for the start; result `[.., 3 w]`.
    pub(super) fn project(&self, previous: &Tensor, cx: &Cx) -> Result<Tensor> {
        let rows = self.embedding.forward(&previous.f_reshape([-1, 1]).op("decoder")?)?; // [n, 1, e]
        let shape: Vec<i64> = previous.size().into_iter().chain([self.sizes.embedding]).collect();
        self.cell.project(&rows.f_view(&shape[..]).op("decoder")?, cx)
    }

    /// One step; `projected` `[n, 3 w]` is of the token before.
    pub(super) fn step(&self, projected: &Tensor, state: &State, memory: &Memory, cx: &Cx) -> Result<State> {
        let input = self.feed.forward(&state.attended, cx)?.f_add(projected).op("decoder")?;
        let cell = self.cell.step(&input, &state.cell, cx)?; // [n, w]
        let both = || {
            let scores = memory.keys.f_bmm(&cell.f_unsqueeze(2)?)?.f_squeeze_dim(2)?; // [n, l]
            let scores = match &memory.hidden {
                Some(hidden) => scores.f_masked_fill(hidden, f64::NEG_INFINITY)?,
                None => scores,
            };
            let weights = scores.f_softmax(-1, None::<Kind>)?.f_to_kind(memory.tokens.kind())?;
            let context = weights.f_unsqueeze(1)?.f_bmm(&memory.tokens)?.f_squeeze_dim(1)?; // [n, d]
            Tensor::f_cat(&[&context, &cell.f_to_kind(context.kind())?], 1)
        };
        let attended = self.attended.forward(&both().op("attention of the decoder")?, cx)?;
        Ok(State { attended: attended.f_tanh().op("decoder")?, cell })
    }

    /// Logits of the next token.
    ///
    /// # Shapes
    /// `attended`: `[.., w]`; result `[.., v + 1]`, at least of kind `Float`.
    pub(super) fn logits(&self, attended: Tensor, cx: &Cx) -> Result<Tensor> {
        let logits = self.out.forward(&self.dropout.forward(attended, cx)?, cx)?;
        match logits.kind() {
            Kind::Half | Kind::BFloat16 => logits.f_to_kind(Kind::Float).op("head output"),
            _ => Ok(logits),
        }
    }

    /// Teacher forcing: logits of every token, the end included, given the true ones before it.
    ///
    /// # Shapes
    /// `labels`: `[b, t]`; result `[b, t + 1, v + 1]`.
    pub(super) fn taught(&self, memory: &Memory, labels: &Tensor, cx: &Cx) -> Result<Tensor> {
        let start = self.sizes.vocabulary;
        let previous = || {
            let known = labels.f_masked_fill(&labels.f_lt(0)?, start)?;
            Tensor::f_cat(&[&known.f_new_full([known.size()[0], 1], start, (Kind::Int64, known.device()))?, &known], 1)
        };
        let projected = self.project(&previous().op("decoder")?, cx)?; // [b, t + 1, 3 w]
        let mut state = memory.first()?;
        let steps = projected.f_unbind(1).op("decoder")?;
        let mut attended = Vec::with_capacity(steps.len());
        for projected in &steps {
            state = self.step(projected, &state, memory, cx)?;
            attended.push(state.attended.shallow_clone());
        }
        self.logits(Tensor::f_stack(&attended, 1).op("decoder")?, cx)
    }
}
