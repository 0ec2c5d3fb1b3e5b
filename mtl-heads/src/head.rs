//! What a head is.
//!
//! A head turns one task's features into the task's answer, and says how wrong an answer is. Four steps, so that each
//! can be used alone: [`Head::forward`] (what it [asks](Ask) for to numbers, on the graph), [`Head::loss`] (numbers and labels to a
//! sum and a count), [`Head::decode`] (numbers to plain values, off the graph), and [`Head::spec`], which says
//! beforehand what goes in and comes out, so that a mismatch is refused before the first batch.
//!
//! A head never decides its own weight: that is the balancers' business. It never broadcasts between prediction and
//! label: [`HeadSpec::accept`] compares the shapes exactly.

use std::fmt::Debug;

use mtl_core::{
    Error, Result, TorchContext, answer::Answer, batch::Target, features::View, loss::TaskLoss, metric::MetricName,
    prediction::Prediction, task::TaskName,
};
use tch::{Kind, Tensor};

use crate::ask::{Ask, HeadNeeds};

/// What a head wants and what it gives.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadSpec {
    /// The kind of head, as in config files: `class`.
    pub kind: &'static str,
    /// The task it answers; it stands in every error message.
    pub task: TaskName,
    /// The features it was built for.
    pub input: View,
    /// What [`HeadOutput::main`] holds, in words: `logits [b, 3]`.
    pub output: String,
    /// The answer that it learns.
    pub answer: Answer,
    /// The metrics that suit it; the first is the primary one.
    pub metrics: Vec<MetricName>,
    /// What it asks for beside features.
    pub needs: HeadNeeds,
}

impl HeadSpec {
    /// The metric that judges the task unless the user names another.
    #[must_use]
    pub fn primary(&self) -> Option<&MetricName> {
        self.metrics.first()
    }

    /// The label tensor of `target`, once it is sure that it fits `out`: the same kind of labels, the same batch, the
    /// same width, and no class label out of range. Nothing here waits for an accelerator, unless there is an error to
    /// report.
    ///
    /// # Shapes
    /// `out`: `[b, ..]` with the axes of the [answer](mtl_core::answer::AnswerKind::shape); the result as its
    /// [layout](mtl_core::answer::AnswerKind::layout) says.
    ///
    /// # Errors
    /// [`Error::Shape`] for labels of another kind or shape, [`Error::Label`] for a class that does not exist; both
    /// name the task.
    pub fn accept<'t>(&self, out: &Tensor, target: &'t Target) -> Result<&'t Tensor> {
        self.accept_as(&self.answer.shape(), out, target)
    }

    /// As [`HeadSpec::accept`], for a network that computes other numbers than are answered: `out` is `[b, axes..]`, -1 any.
    ///
    /// # Errors
    /// As [`HeadSpec::accept`].
    pub fn accept_as<'t>(&self, axes: &[i64], out: &Tensor, target: &'t Target) -> Result<&'t Tensor> {
        let (b, found) = (target.batch_size(), out.size());
        let fits = found.len() == axes.len() + 1
            && found[0] == b
            && found[1..].iter().zip(axes).all(|(found, axis)| *axis < 0 || axis == found);
        if !fits {
            let expected: Vec<i64> = [b].into_iter().chain(axes.iter().copied()).collect();
            return Err(Error::Shape {
                op: format!("task {}", self.task),
                tensor: "prediction",
                expected: format!("{expected:?} as the target's batch"),
                found,
            });
        }
        target.check(self.task.as_str(), &self.answer)?;
        Ok(target.cells())
    }

    /// The sum of losses `[b, ..]`, one a cell and 0 where it is not known, times the weights of the samples if they have any.
    ///
    /// ```text
    /// sum = sum_i w_i sum_cells l_i,    divided later by target.mass() = sum_i w_i (known cells of i)
    /// ```
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn weighted_sum(&self, losses: &Tensor, target: &Target) -> Result<Tensor> {
        let op = || format!("loss of task {}", self.task);
        let Some(weights) = target.weights() else { return losses.f_sum(losses.kind()).op(op()) };
        let per_sample = losses
            .f_unsqueeze(-1)
            .and_then(|l| l.f_flatten(1, -1))
            .and_then(|l| l.f_sum_dim_intlist(&[1i64][..], false, None::<Kind>));
        let weights = weights.f_to_kind(losses.kind()).op(op())?;
        per_sample.and_then(|l| l.f_dot(&weights)).op(op())
    }
}

/// What a head computes from features, still on the graph: one main tensor, for some heads further ones by name.
#[derive(Debug)]
pub struct HeadOutput {
    main: Tensor,
    extra: Vec<(&'static str, Tensor)>,
}

impl HeadOutput {
    /// The tensor that the head's spec describes.
    pub fn main(&self) -> &Tensor {
        &self.main
    }

    /// The same output with one more named tensor.
    #[must_use]
    pub fn with(mut self, name: &'static str, tensor: Tensor) -> Self {
        self.extra.push((name, tensor));
        self
    }

    /// The same output in another kind, still on the graph; what is no floating-point tensor stays as it is.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn to_kind(&self, kind: Kind) -> Result<Self> {
        let cast = |t: &Tensor| match t.is_floating_point() {
            true => t.f_to_kind(kind).op("head output"),
            false => Ok(t.shallow_clone()),
        };
        let extra = self.extra.iter().map(|(name, t)| Ok((*name, cast(t)?))).collect::<Result<_>>()?;
        Ok(Self { main: cast(&self.main)?, extra })
    }

    /// The same output without its graph: what other heads get to see.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn detached(&self) -> Result<Self> {
        let cut = |t: &Tensor| t.f_detach().op("head output");
        let extra = self.extra.iter().map(|(name, t)| Ok((*name, cut(t)?))).collect::<Result<_>>()?;
        Ok(Self { main: cut(&self.main)?, extra })
    }

    /// A further tensor by name.
    ///
    /// # Errors
    /// [`Error::UnknownName`], listing the names there are.
    pub fn extra(&self, name: &str) -> Result<&Tensor> {
        self.extra.iter().find(|(n, _)| *n == name).map(|(_, t)| t).ok_or_else(|| Error::UnknownName {
            what: "head output",
            name: name.to_owned(),
            known: self.extra.iter().map(|(n, _)| (*n).to_owned()).collect(),
        })
    }
}

impl From<Tensor> for HeadOutput {
    fn from(main: Tensor) -> Self {
        Self { main, extra: Vec::new() }
    }
}

/// From one task's features to its answer, its loss and its plain prediction.
pub trait Head: Debug + Send {
    /// What it wants and gives; constant over its life.
    fn spec(&self) -> &HeadSpec;

    /// Computes the answer, on the graph. Deterministic in [`Mode::Eval`](mtl_core::mode::Mode::Eval).
    ///
    /// # Errors
    /// [`Error::Shape`] when the features are not those of the spec; as [`Ask::inputs`] and [`Ask::other`].
    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput>;

    /// How wrong the answer is: the sum over the known items, and their number ([`Target::mass`]). An item whose label is
    /// missing adds nothing to the sum and exactly 0 to every gradient; without any known item the loss is
    /// [`TaskLoss::absent`]. Where samples have weights, the sum is weighted ([`HeadSpec::weighted_sum`]) and the number is the
    /// sum of the weights of known items.
    ///
    /// # Errors
    /// As [`HeadSpec::accept`].
    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss>;

    /// The answer as plain values: probabilities, numbers in the target's unit.
    ///
    /// # Errors
    /// [`Error::Torch`] when the tensor cannot be read.
    fn decode(&self, out: &HeadOutput) -> Result<Prediction>;

    /// What [`Head::decode`] reads out, as one tensor: the form in which a model is exported to TorchScript.
    ///
    /// # Shapes
    /// `[b, width]` of the target; of distributions the numbers of their [form](crate::HeadConfig::form), output by output.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] from a head whose answer is not one tensor, which is what heads say unless they override
    /// this.
    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        let _ = out;
        Err(Error::InvalidConfig {
            what: "export",
            field: "head",
            expected: "one whose answer is a single tensor".into(),
            found: format!("{} of task {}", self.spec().kind, self.spec().task),
        })
    }

    /// How the labels are turned into what the network learns, in words and with the numbers in use: `standard: center 214.1,
    /// scale 193.2`. `None`, which is what heads say unless they override this: labels are taken as they are. May wait for an
    /// accelerator.
    ///
    /// # Errors
    /// [`Error::Torch`] when the numbers cannot be read.
    fn describe_target(&self) -> Result<Option<String>> {
        Ok(None)
    }
}

impl<H: Head + ?Sized> Head for Box<H> {
    fn spec(&self) -> &HeadSpec {
        (**self).spec()
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        (**self).forward(ask)
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        (**self).loss(out, target)
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        (**self).decode(out)
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        (**self).answer(out)
    }

    fn describe_target(&self) -> Result<Option<String>> {
        (**self).describe_target()
    }
}
