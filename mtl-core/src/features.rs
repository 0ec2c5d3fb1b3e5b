//! The currency between encoders, sharing architectures and heads.
//!
//! [`Features`] is a value, [`View`] its type known before any batch: architectures and heads are built from views, so a
//! head that wants a vector and an encoder that gives tokens are matched (or refused) at construction.

use std::sync::Arc;

use tch::{Kind, Tensor};

use crate::error::{Error, Result, TorchContext};

/// A batch of learned features; `b` is the batch, `d` and `c` widths, `l` a length.
#[derive(Debug)]
#[non_exhaustive]
pub enum Features {
    /// One vector per sample: `[b, d]`.
    Pooled(Tensor),
    /// A sequence or set of vectors per sample.
    Tokens(Tokens),
    /// Feature maps from fine to coarse: `[b, c, h, w]` each.
    Pyramid(Vec<Tensor>),
}

/// Tokens with what is known about them.
#[derive(Debug)]
pub struct Tokens {
    /// `[b, l, d]`.
    pub xs: Tensor,
    /// `[b, l]` of `Bool`, true where the token is padding; `None` when there is none.
    pub pad_mask: Option<Tensor>,
    /// What each of the `l` tokens is, if fixed: field names of a table. Attention maps are printed with them.
    pub names: Option<Arc<[String]>>,
}

/// The type of [`Features`]: what stays the same over batches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum View {
    /// `[b, d]`.
    Pooled {
        /// Width `d`.
        width: i64,
    },
    /// `[b, l, d]`.
    Tokens {
        /// Width `d`.
        width: i64,
    },
    /// `[b, c, h, w]` per level.
    Pyramid {
        /// Channels per level, fine to coarse; never empty.
        channels: Vec<i64>,
    },
}

impl View {
    /// The width of one vector: of a token, of a pooled vector, of a cell of the coarsest map.
    #[must_use]
    pub fn width(&self) -> i64 {
        match self {
            Self::Pooled { width } | Self::Tokens { width } => *width,
            Self::Pyramid { channels } => channels.last().copied().unwrap_or(0),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Pooled { width } => format!("pooled [b, {width}]"),
            Self::Tokens { width } => format!("tokens [b, l, {width}]"),
            Self::Pyramid { channels } => format!("pyramid of {} maps, channels {channels:?}", channels.len()),
        }
    }
}

impl Features {
    /// What it is.
    #[must_use]
    pub fn view(&self) -> View {
        let last = |t: &Tensor| t.size().last().copied().unwrap_or(0);
        match self {
            Self::Pooled(xs) => View::Pooled { width: last(xs) },
            Self::Tokens(tokens) => View::Tokens { width: last(&tokens.xs) },
            Self::Pyramid(maps) => {
                View::Pyramid { channels: maps.iter().map(|m| m.size().get(1).copied().unwrap_or(0)).collect() }
            }
        }
    }

    /// One vector per sample, `[b, d]`: itself, the mean over tokens that are not padding, or the mean over the cells
    /// of the coarsest map. A sample whose tokens are all padding pools to zero.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses; [`Error::Shape`] for an empty pyramid.
    pub fn pooled(&self) -> Result<Tensor> {
        match self {
            Self::Pooled(xs) => Ok(xs.shallow_clone()),
            Self::Tokens(Tokens { xs, pad_mask: None, .. }) => {
                xs.f_mean_dim(&[1i64][..], false, None::<Kind>).op("pool tokens") // [b, d]
            }
            Self::Tokens(Tokens { xs, pad_mask: Some(pad_mask), .. }) => {
                let keep = pad_mask.f_logical_not().and_then(|k| k.f_to_kind(xs.kind())).op("pool tokens")?; // [b, l]
                let sum = keep.f_unsqueeze(1).and_then(|k| k.f_matmul(xs)).and_then(|s| s.f_squeeze_dim(1));
                let count = keep.f_sum_dim_intlist(&[1i64][..], true, None::<Kind>).and_then(|c| c.f_clamp_min(1.0));
                sum.op("pool tokens")?.f_div(&count.op("pool tokens")?).op("pool tokens") // [b, d]
            }
            Self::Pyramid(_) => self.coarsest()?.f_mean_dim(&[2i64, 3][..], false, None::<Kind>).op("pool feature map"),
        }
    }

    /// The features as tokens: themselves, the cells of the coarsest map, or one token per sample.
    ///
    /// # Errors
    /// As [`Features::pooled`].
    pub fn into_tokens(self) -> Result<Tokens> {
        match self {
            Self::Tokens(tokens) => Ok(tokens),
            Self::Pooled(xs) => {
                Ok(Tokens { xs: xs.f_unsqueeze(1).op("vector as token")?, pad_mask: None, names: None })
            }
            Self::Pyramid(_) => {
                let xs = self.coarsest()?.f_flatten(2, 3).and_then(|t| t.f_transpose(1, 2)).op("cells as tokens")?;
                Ok(Tokens { xs, pad_mask: None, names: None }) // [b, h * w, c]
            }
        }
    }

    /// The tensors, for those who need to cut the graph here: the boundary between trunk and heads.
    #[must_use]
    pub fn tensors(&self) -> Vec<&Tensor> {
        match self {
            Self::Pooled(xs) => vec![xs],
            Self::Tokens(tokens) => vec![&tokens.xs],
            Self::Pyramid(maps) => maps.iter().collect(),
        }
    }

    /// What the last stage of an encoder made: the vector, the tokens, or the coarsest map. A finer map of a pyramid was made by a
    /// stage before.
    ///
    /// # Errors
    /// [`Error::Shape`] for an empty pyramid.
    pub fn newest(&self) -> Result<&Tensor> {
        match self {
            Self::Pooled(xs) => Ok(xs),
            Self::Tokens(tokens) => Ok(&tokens.xs),
            Self::Pyramid(_) => self.coarsest(),
        }
    }

    /// The same features with something else in place of [`Features::newest`].
    #[must_use]
    pub fn with_newest(self, newest: Tensor) -> Self {
        match self {
            Self::Pooled(_) => Self::Pooled(newest),
            Self::Tokens(tokens) => Self::Tokens(Tokens { xs: newest, ..tokens }),
            Self::Pyramid(mut maps) => {
                maps.pop();
                maps.push(newest);
                Self::Pyramid(maps)
            }
        }
    }

    /// The same features sharing storage.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        match self {
            Self::Pooled(xs) => Self::Pooled(xs.shallow_clone()),
            Self::Tokens(t) => Self::Tokens(Tokens {
                xs: t.xs.shallow_clone(),
                pad_mask: t.pad_mask.as_ref().map(Tensor::shallow_clone),
                names: t.names.clone(),
            }),
            Self::Pyramid(maps) => Self::Pyramid(maps.iter().map(Tensor::shallow_clone).collect()),
        }
    }

    /// Features of one member as those of `members`: the same rows for each, one member's after the other's. Themselves for one.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn for_members(self, members: i64) -> Result<Self> {
        if members == 1 {
            return Ok(self);
        }
        let again = |t: &Tensor| {
            let along_batch: Vec<i64> = (0..t.dim()).map(|axis| if axis == 0 { members } else { 1 }).collect();
            t.f_repeat(along_batch).op("features of members")
        };
        Ok(match self {
            Self::Pooled(xs) => Self::Pooled(again(&xs)?),
            Self::Tokens(tokens) => Self::Tokens(Tokens {
                xs: again(&tokens.xs)?,
                pad_mask: tokens.pad_mask.as_ref().map(again).transpose()?,
                names: tokens.names,
            }),
            Self::Pyramid(maps) => Self::Pyramid(maps.iter().map(again).collect::<Result<_>>()?),
        })
    }

    /// The same numbers as new nodes of the graph, whose gradient is what is read from them alone.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn alias(&self) -> Result<Self> {
        let alias = |t: &Tensor| t.f_alias().op("features");
        Ok(match self {
            Self::Pooled(xs) => Self::Pooled(alias(xs)?),
            Self::Tokens(_) => self.shallow_clone().with_newest(alias(self.newest()?)?),
            Self::Pyramid(maps) => Self::Pyramid(maps.iter().map(alias).collect::<Result<_>>()?),
        })
    }

    /// The end of a trunk as features that tasks read: as [`Features::alias`], where that is needed. It is for pyramids, whose maps
    /// are made of each other.
    pub(crate) fn aliased(self) -> Result<Self> {
        match self {
            Self::Pyramid(_) => self.alias(),
            other => Ok(other),
        }
    }

    fn coarsest(&self) -> Result<&Tensor> {
        match self {
            Self::Pyramid(maps) if !maps.is_empty() => Ok(&maps[maps.len() - 1]),
            other => Err(Error::Shape {
                op: "feature map".into(),
                tensor: "features",
                expected: "a pyramid with at least one map".into(),
                found: other.tensors().iter().flat_map(|t| t.size()).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::kind::FLOAT_CPU;

    #[test]
    fn padding_does_not_enter_the_mean() {
        let xs = Tensor::from_slice(&[1.0f32, 3.0, 100.0, 5.0, 100.0, 100.0]).view([2, 3, 1]);
        let pad_mask = Tensor::from_slice(&[false, false, true, false, true, true]).view([2, 3]);
        let features = Features::Tokens(Tokens { xs: xs.shallow_clone(), pad_mask: Some(pad_mask), names: None });
        assert_eq!(Vec::<f32>::try_from(features.pooled().unwrap().view([-1])).unwrap(), [2.0, 5.0]);
        let all_padded = Tensor::from_slice(&[true, true, true, true, true, true]).view([2, 3]);
        let features = Features::Tokens(Tokens { xs, pad_mask: Some(all_padded), names: None });
        assert_eq!(Vec::<f32>::try_from(features.pooled().unwrap().view([-1])).unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn maps_become_tokens_cell_by_cell() {
        let map = Tensor::arange(12, FLOAT_CPU).view([1, 3, 2, 2]);
        let features = Features::Pyramid(vec![map]);
        assert_eq!(features.view(), View::Pyramid { channels: vec![3] });
        let tokens = features.into_tokens().unwrap();
        assert_eq!(tokens.xs.size(), [1, 4, 3]);
        assert_eq!(Vec::<f32>::try_from(tokens.xs.get(0).get(1)).unwrap(), [1.0, 5.0, 9.0]);
        assert!(Features::Pyramid(vec![]).pooled().is_err());
    }
}
