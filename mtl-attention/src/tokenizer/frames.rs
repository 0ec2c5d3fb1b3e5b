//! Stretches of a signal as tokens: `x_j = W frame_j + b + p_j`, a frame being `patch` moments of all channels.
//!
//! The last frame of a sample is filled with zeros where the sample ends inside it; frames that lie wholly beyond its
//! end are padding.

use mtl_core::{
    Error, Result, TorchContext,
    context::Cx,
    input::{Input, Signal},
    nn::Linear,
    params::{Init, Scope},
};
use tch::Tensor;

use super::{Piece, TAKES, Tokenize, too_long};

/// Frames of a signal.
#[derive(Debug)]
pub(super) struct Frames {
    linear: Linear,
    positions: Tensor,
    size: i64,
    longest: i64,
}

impl Frames {
    pub(super) fn new(scope: &mut Scope<'_>, signal: &Signal, size: i64, width: i64) -> Result<Self> {
        if size < 1 {
            let (expected, found) = (">= 1".to_owned(), size.to_string());
            return Err(Error::InvalidConfig { what: TAKES.encoder, field: "patch", expected, found });
        }
        let longest = signal.length.longest();
        let linear = Linear::new(&mut scope.sub("linear"), signal.channels * size, width)?;
        let frames = longest / size + i64::from(longest % size > 0);
        Ok(Self { linear, positions: scope.param("positions", &[frames, width], Init::Normal(0.02))?, size, longest })
    }
}

impl Tokenize for Frames {
    /// `[b, c, t]` to `[b, l, d]`.
    fn forward(&self, _: &str, input: &Input, cx: &Cx) -> Result<Piece> {
        let (xs, size) = (input.tensor(), self.size);
        let [b, channels, t] = xs.size()[..] else { return Err(too_long("frames", self.longest, input)) };
        if t > self.longest {
            return Err(too_long("frames", self.longest, input));
        }
        let l = t / size + i64::from(t % size > 0);
        let filled = xs.f_constant_pad_nd([0, l * size - t]).and_then(|x| x.f_view([b, channels, l, size]));
        let flat = filled.and_then(|x| x.f_transpose(1, 2)).and_then(|x| x.f_flatten(2, 3)).op("frames")?; // [b, l, c s]
        let flat = flat.f_to_kind(self.positions.kind()).op("frames")?;
        let positions = self.positions.f_narrow(0, 0, l).op("frames")?; // [l, d]
        let xs = self.linear.forward(&flat, cx)?.f_add(&positions).op("frames")?;
        // A frame is padding when its first moment is.
        let first: Option<Tensor> = match input.pad_mask()? {
            Some(mask) => Some(mask.f_slice(1, 0, t, size).op("frames")?), // [b, l]
            None => None,
        };
        Ok(Piece { xs, pad_mask: first })
    }
}
