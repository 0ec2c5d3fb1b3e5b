//! How a table of some size is trained: the encoder and the course of training that a drafted file names.
//!
//! ```text
//! rows         members  layers      dropout        vectors of  batch  lr     steps                       validated every
//! below 300         16  [128]       0.25           4              32  0.002  10 a row, 1000 at least     50
//! below 4000        16  [256]       0.25, falling  4              32  0.004  10 a row, 4000 at most      50
//! more               8  [128, 128]  0.10           8             256  0.002  as many as the time holds   200
//! ```
//! The encoder is an ensemble of fully connected networks that share their weights (TabM, arXiv 2410.24210), and numbers are embedded
//! piece by piece (Gorishniy et al., arXiv 2203.05556). Wide tables have no embeddings of numbers, which would be most of the network,
//! and of its time.
//!
//! Steps, not epochs: a table of 70 rows wants a thousand steps, which are 500 passes. Patience ends a run that overfits long before the
//! last one; it is long, since a curve is noisy where few rows validate. Where dropout falls to nothing over the run, one that overfits is over
//! before it does, and one whose answers have little noise goes on, and sharpens.
//!
//! The numbers were chosen on parts of the tables of `cargo xtask bench --suite peers --only tables` that the suite does not test on with the
//! same seed; `CONTRIBUTING.md` says how to do that again.

use mtl_data::table::{Column, survey::Proposal};

/// Rows from which on a table is a small one, below which it is tiny, and a large one.
const SMALL: u64 = 300;
const LARGE: u64 = 4000;
/// Numbers in a row from which on they are not embedded.
const WIDE: u64 = 150;

/// What is said in `[encoder]` and `[train]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recipe {
    members: u32,
    hidden: &'static str,
    dropout: f64,
    dropout_falls: bool,
    width: u32,
    embeds_numbers: bool,
    batch: u32,
    lr: f64,
    /// Optimizer steps; as many as fit into the time without.
    steps: Option<u64>,
    validate_every: u64,
    patience: u64,
}

impl Recipe {
    /// The one for a table.
    pub(super) fn of(proposal: &Proposal) -> Self {
        let n_numbers: u64 = proposal.columns.iter().map(|column| numbers(&column.entry)).sum();
        let embeds_numbers = n_numbers > 0 && n_numbers <= WIDE;
        let tiny = Self {
            members: 16,
            hidden: "[128]",
            dropout: 0.25,
            dropout_falls: false,
            width: 4,
            embeds_numbers,
            batch: 32,
            lr: 0.002,
            steps: Some((10 * proposal.rows).clamp(1000, 4000)),
            validate_every: 50,
            patience: 16,
        };
        match proposal.rows {
            rows if proposal.is_whole && rows < SMALL => tiny,
            rows if proposal.is_whole && rows < LARGE => {
                Self { hidden: "[256]", dropout_falls: true, lr: 0.004, ..tiny }
            }
            _ => Self {
                members: 8,
                hidden: "[128, 128]",
                dropout: 0.1,
                width: 8,
                batch: 256,
                steps: None,
                validate_every: 200,
                ..tiny
            },
        }
    }

    /// The tables `[encoder]` and `[train]`.
    pub(super) fn text(&self) -> String {
        let Self { members, hidden, dropout, width, batch, lr, validate_every, patience, .. } = self;
        let numbers = if self.embeds_numbers { "numbers = \"piecewise-linear\"\n" } else { "" };
        let falls = if self.dropout_falls { "dropout_schedule = { kind = \"cosine\" }\n" } else { "" };
        let length = match self.steps {
            Some(steps) => format!("steps = {steps}\ntime = \"2m\"   # at most"),
            None => "time = \"2m\"   # `--time 10m` for more".to_owned(),
        };
        format!(
            r#"
[encoder]
kind = "tabm"   # {members} networks that share their weights; their mean answers
members = {members}
hidden = {hidden}
dropout = {dropout}
token_width = {width}
{numbers}
[train]
{length}
validate_every = {{ steps = {validate_every} }}
patience = {patience}   # validations without a better score before it ends
batch_size = {batch}
clip_norm = 1.0
optimizer = {{ kind = "adamw", lr = {lr}, weight_decay = 0.01 }}
{falls}"#
        )
    }
}

/// How many numbers a column brings at most.
fn numbers(column: &Column) -> u64 {
    match column {
        Column::Numeric { .. } => 1,
        // Days, and sine and cosine of what comes again.
        Column::Date { .. } => 7,
        Column::Set { members, .. } => *members,
        Column::Vector { length, .. } => *length,
        Column::Categorical { .. }
        | Column::Label { .. }
        | Column::Weight { .. }
        | Column::Group { .. }
        | Column::Id { .. }
        | Column::Ignore { .. } => 0,
    }
}
