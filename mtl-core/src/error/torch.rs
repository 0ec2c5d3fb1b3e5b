//! From libtorch's exceptions to errors of ours.

use super::{Error, Result, TorchMessage};

impl Error {
    /// Names the operation of ours during which libtorch failed.
    pub fn torch(op: impl Into<String>, source: &tch::TchError) -> Self {
        // tch wraps the C++ text in its own prefix; the text is what helps.
        let full = match source {
            tch::TchError::Torch(text) => text.clone(),
            other => other.to_string(),
        };
        Self::Torch { op: op.into(), source: TorchMessage::new(full) }
    }
}

/// Adds the operation's name to a libtorch failure: `xs.f_matmul(&w).op("linear enc.0")?`.
pub trait TorchContext<T> {
    /// Converts the error, naming `op`.
    ///
    /// # Errors
    /// [`Error::Torch`] when `self` is an error.
    fn op(self, op: impl Into<String>) -> Result<T>;
}

impl<T> TorchContext<T> for std::result::Result<T, tch::TchError> {
    fn op(self, op: impl Into<String>) -> Result<T> {
        self.map_err(|e| Error::torch(op, &e))
    }
}

impl From<tch::TchError> for Error {
    fn from(e: tch::TchError) -> Self {
        Self::torch("libtorch", &e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorch_text_becomes_one_line_and_is_kept_whole() {
        let e = tch::Tensor::zeros([2, 3], tch::kind::FLOAT_CPU)
            .f_matmul(&tch::Tensor::zeros([2, 3], tch::kind::FLOAT_CPU))
            .op("linear enc.0")
            .unwrap_err();
        let shown = e.to_string();
        assert!(shown.starts_with("linear enc.0: "), "{shown}");
        assert_eq!(shown.lines().count(), 1, "{shown}");
        let Error::Torch { source, .. } = e else { panic!("wrong variant") };
        assert!(source.full().lines().count() > 1);
    }
}
