//! A picture of fixed size: `[b, channels, height, width]` of a float kind.

use serde::{Deserialize, Serialize};

use super::{Cells, Layout, Length, ModalityKind, Numbers};

/// The shape of a picture; every size >= 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Color channels.
    pub channels: i64,
    /// Rows of pixels.
    pub height: i64,
    /// Columns of pixels.
    pub width: i64,
}

impl ModalityKind for Picture {
    fn describe(&self) -> String {
        format!("picture of {} x {} x {}", self.channels, self.height, self.width)
    }

    fn meaning(&self) -> String {
        "scaled pixels: channels, rows, columns".into()
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: [self.channels, self.height, self.width].map(Length::Fixed).to_vec() }
    }

    fn cells(&self) -> Cells<'_> {
        Cells::Grid { height: self.height, width: self.width }
    }
}
