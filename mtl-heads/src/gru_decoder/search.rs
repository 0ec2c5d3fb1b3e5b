//! The search for an answer, all samples of a batch at once.

use mtl_core::{Result, TorchContext, context::Cx, mode::Mode};
use tch::{Kind, Tensor};

use super::network::{Memory, Network};

/// A search.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) network: &'a Network,
    /// Tokens of the longest answer.
    pub(super) max_length: i64,
    /// The power of the length by which log probabilities are divided.
    pub(super) alpha: f64,
}

/// Hypotheses, `k` a sample.
#[derive(Debug)]
struct Beam {
    /// `[b, k]`: their log probabilities.
    log_p: Tensor,
    /// `[b, k]` of `Bool`.
    ended: Tensor,
    /// `[b, k]`: tokens, the end counted.
    lengths: Tensor,
    /// `[b, k, t]` of `Int64`.
    tokens: Tensor,
}

impl Search<'_> {
    /// The most probable next token, again and again.
    pub(super) fn greedy(&self, memory: &Memory) -> Result<Vec<Vec<i64>>> {
        let (cx, end) = (Cx::new(Mode::Eval), self.network.vocabulary());
        let b = memory.start.size()[0];
        let on = |kind| (kind, memory.start.device());
        let mut previous = Tensor::f_full([b], end, on(Kind::Int64)).op("search")?;
        let mut ended = Tensor::f_zeros([b], on(Kind::Bool)).op("search")?;
        let (mut state, mut tokens) = (memory.first()?, Vec::new());
        for _ in 0..self.max_length {
            state = self.network.step(&self.network.project(&previous, &cx)?, &state, memory, &cx)?;
            let logits = self.network.logits(state.attended.shallow_clone(), &cx)?;
            previous = logits.f_argmax(-1, false).and_then(|t| t.f_masked_fill(&ended, end)).op("search")?;
            ended = previous.f_eq(end).op("search")?;
            tokens.push(previous.shallow_clone());
            if all(&ended)? {
                break;
            }
        }
        match tokens.is_empty() {
            true => Ok(vec![Vec::new(); usize::try_from(b).unwrap_or(0)]),
            false => until_end(&Tensor::f_stack(&tokens, 1).op("search")?, end),
        }
    }

    /// The best of `k` hypotheses a sample.
    pub(super) fn beam(&self, memory: &Memory, k: i64) -> Result<Vec<Vec<i64>>> {
        let (cx, end) = (Cx::new(Mode::Eval), self.network.vocabulary());
        let b = memory.start.size()[0];
        let memory = memory.repeated(k)?;
        let mut beam = Beam::new(&memory.start, b, k)?;
        let mut previous = Tensor::f_full([b * k], end, (Kind::Int64, memory.start.device())).op("search")?;
        let mut state = memory.first()?;
        for _ in 0..self.max_length {
            state = self.network.step(&self.network.project(&previous, &cx)?, &state, &memory, &cx)?;
            let logits = self.network.logits(state.attended.shallow_clone(), &cx)?;
            let log_p = logits.f_log_softmax(-1, None::<Kind>).and_then(|p| p.f_view([b, k, end + 1])).op("search")?;
            let parents = beam.grow(&log_p, end, self.alpha).op("search")?;
            state = state.select(&parents)?;
            previous = beam.tokens.f_select(2, -1).and_then(|t| t.f_reshape([-1])).op("search")?;
            if all(&beam.ended)? {
                break;
            }
        }
        until_end(&beam.tokens.f_select(1, 0).op("search")?, end)
    }
}

impl Beam {
    /// One hypothesis without a token; the others are impossible, so that it is not counted `k` times.
    fn new(like: &Tensor, b: i64, k: i64) -> Result<Self> {
        let on = |kind| (kind, like.device());
        let kind = if like.kind() == Kind::Double { Kind::Double } else { Kind::Float };
        let log_p = Tensor::f_full([b, k], f64::NEG_INFINITY, on(kind)).op("search")?;
        let _ = log_p.f_narrow(1, 0, 1).and_then(|mut first| first.f_zero_()).op("search")?;
        Ok(Self {
            ended: Tensor::f_zeros([b, k], on(Kind::Bool)).op("search")?,
            lengths: log_p.f_zeros_like().op("search")?,
            tokens: Tensor::f_empty([b, k, 0], on(Kind::Int64)).op("search")?,
            log_p,
        })
    }

    /// Keeps the best continuations, the best one first; gives the rows `[b k]` that they continue.
    fn grow(&mut self, next: &Tensor, end: i64, alpha: f64) -> std::result::Result<Tensor, tch::TchError> {
        let (b, k) = self.log_p.size2()?;
        // What has ended goes on in one way, at no cost: with ends.
        let stays = next.f_full_like(f64::NEG_INFINITY)?;
        let _ = stays.f_narrow(2, end, 1)?.f_zero_()?;
        let next = stays.f_where_self(&self.ended.f_unsqueeze(2)?, next)?;
        let candidates = self.log_p.f_unsqueeze(2)?.f_add(&next)?; // [b, k, v + 1]
        let lengths = self.lengths.f_add(&self.ended.f_logical_not()?)?;
        let ranks = candidates.f_div(&lengths.f_pow_tensor_scalar(alpha)?.f_unsqueeze(2)?)?;
        let (_, best) = ranks.f_flatten(1, 2)?.f_topk(k, 1, true, true)?; // [b, k]
        let parents = best.f_divide_scalar_mode(end + 1, "floor")?;
        let tokens = best.f_remainder(end + 1)?;
        self.log_p = candidates.f_flatten(1, 2)?.f_gather(1, &best, false)?;
        self.ended = self.ended.f_gather(1, &parents, false)?.f_logical_or(&tokens.f_eq(end)?)?;
        self.lengths = lengths.f_gather(1, &parents, false)?;
        let t = self.tokens.size()[2];
        let before = self.tokens.f_gather(1, &parents.f_unsqueeze(2)?.f_expand([b, k, t], false)?, false)?;
        self.tokens = Tensor::f_cat(&[&before, &tokens.f_unsqueeze(2)?], 2)?;
        let first = Tensor::f_arange_start_step(0, b * k, k, (Kind::Int64, parents.device()))?.f_unsqueeze(1)?;
        parents.f_add(&first)?.f_reshape([-1])
    }
}

fn all(flags: &Tensor) -> Result<bool> {
    flags.f_all().and_then(|all| bool::try_from(&all)).op("search")
}

/// The tokens of each row before the first end.
fn until_end(tokens: &Tensor, end: i64) -> Result<Vec<Vec<i64>>> {
    let (b, t) = tokens.size2().op("search")?;
    let flat = Vec::<i64>::try_from(tokens.f_reshape([-1]).op("search")?).op("search")?;
    let rows = usize::try_from(b).unwrap_or(0);
    let row = |row: usize| {
        let t = usize::try_from(t).unwrap_or(0);
        flat[row * t..(row + 1) * t].iter().copied().take_while(|token| *token != end).collect()
    };
    Ok((0..rows).map(row).collect())
}
