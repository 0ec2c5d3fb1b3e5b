//! Hidden cells of an input restored: a task whose labels are the input itself.
//!
//! ```text
//! x~ = x (1 - m)                             [b, k]   what the trunk sees: m is 1 where a cell is hidden (`Hiding`)
//! z  = tower([pool(features of x~); m; x~])  [b, k]   x~ only where `visible` says so
//! t  = (x - center) / scale                  [b, k]   mean and deviation of the training data
//!
//! sum   = sum_{(i, j) hidden and known} (z_ij - t_ij)^2
//! count = number of hidden and known cells; with weights of samples: sum_i v_i (such cells of i)
//! xhat  = center + scale z                   decode: of every cell what was restored while it was hidden
//! ```
//! The task needs no column: its labels are made of the input, and tables without labels can be learned from. It is there for what the
//! trunk learns on the way. So by default the head is told which cells it has to restore, but sees the others through the trunk
//! alone; with `visible` it sees them itself, restores better, and asks less of the trunk.
//!
//! Labels are the numbers as the network sees them: standardized where preprocessing does, and where it filled a gap, what it filled in.
//!
//! Every cell counts in evaluation: the batch passes the trunk once a group of cells ([`Hiding`](crate::Hiding)), and each answer was
//! given while its cell was hidden.
//!
//! **Shapes** features pooled to `[b, d]`; labels and answers `[b, k]`, in the unit that the network sees, NaN where unknown.
//!
//! **Reference** Devlin et al., "BERT", NAACL 2019; He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022; for
//! tables Yoon et al., "VIME: Extending the Success of Self- and Semi-supervised Learning to Tabular Domain", NeurIPS 2020.
//!
//! **Differs from** VIME: hidden numbers are 0 and not drawn from the column, the head is told where they are and does not have to
//! find them. From MAE: the encoder sees all fields, hidden ones as zeros, because fields of a table have no order to leave them out
//! of.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, Values},
    batch::Target,
    features::{Features, View},
    loss::TaskLoss,
    nn::Activation,
    prediction::Prediction,
};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use crate::{
    ask::{Ask, HeadNeeds},
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    hiding::Hiding,
    part::HeadPart,
    place::HeadPlace,
    scaling::{ScalingChoice, TargetScaling},
    tower::{Tower, TowerShape},
};

/// The name of the mask of cells that count, where not all do.
const HIDDEN: &str = "hidden";

/// Settings of [`MaskedReconstructionHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MaskedReconstructionHeadConfig {
    /// The input that is restored, one of numeric fields; default `numeric`, as tables have it.
    pub input: String,
    /// Share of a sample's cells that is hidden, in `(0, 1)`; default 0.3.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub share: f64,
    /// Whether the head sees the cells that are not hidden beside the features; default false.
    pub visible: bool,
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for MaskedReconstructionHeadConfig {
    fn default() -> Self {
        Self {
            input: "numeric".into(),
            share: 0.3,
            visible: false,
            hidden: Vec::new(),
            activation: Activation::Relu,
            dropout: 0.0,
        }
    }
}

/// Restores hidden numbers.
#[derive(Debug)]
pub struct MaskedReconstructionHead {
    spec: HeadSpec,
    tower: Tower,
    scaling: TargetScaling,
    hiding: Hiding,
    visible: bool,
}

impl MaskedReconstructionHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["rmse", "r2"];

    /// A head that restores those numbers, which must be the fields of its input.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for an input of other fields or a setting out of range; as [`HeadPlace::input`].
    pub fn new(mut place: HeadPlace<'_>, values: &Values, config: &MaskedReconstructionHeadConfig) -> Result<Self> {
        const WHAT: &str = "masked-reconstruction head";
        place.answer.check(WHAT)?;
        let hiding = Hiding::new(WHAT, &config.input, place.input(&config.input)?, config.share)?;
        let width = values.names.len() as i64;
        if hiding.fields() != width {
            return Err(Error::InvalidConfig {
                what: WHAT,
                field: "input",
                expected: format!("one of {width} fields, as task {} has labels", place.task),
                found: format!("{}, which has {}", config.input, hiding.fields()),
            });
        }
        let scaling = TargetScaling::new(&mut place.scope, WHAT, width, ScalingChoice::default(), place.labels)?;
        let beside = if config.visible { 2 * width } else { width };
        let view = View::Pooled { width: place.view.width() + beside };
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        let tower = Tower::new(&mut place.scope, &view, width, shape)?;
        let needs = HeadNeeds { inputs: config.visible, hides: Some(hiding.clone()), ..HeadNeeds::default() };
        let output = format!("numbers [b, {width}], restored where hidden");
        let spec = HeadSpec { needs, ..place.spec("masked-reconstruction", output, Self::METRICS)? };
        Ok(Self { spec, tower, scaling, hiding, visible: config.visible })
    }

    /// How many cells count, weighted; `hidden` as in the output. Reads a number from the device where labels have gaps.
    fn count(&self, hidden: Option<&Tensor>, target: &Target) -> Result<f64> {
        let Some(hidden) = hidden else { return Ok(target.mass()) };
        if target.is_complete() {
            // As many of each sample: nothing has to be read.
            #[expect(clippy::cast_precision_loss, reason = "numbers of fields")]
            return Ok(target.mass() * self.hiding.cells() as f64 / self.hiding.fields() as f64);
        }
        let known = target.cells().f_isnan().and_then(|missing| missing.f_logical_not()?.f_logical_and(hidden));
        let each = known.and_then(|known| known.f_sum_dim_intlist(&[1i64][..], false, Kind::Double));
        let sum = each.and_then(|each| match target.weights() {
            Some(weights) => weights.f_to_kind(Kind::Double)?.f_dot(&each),
            None => each.f_sum(Kind::Double),
        });
        sum.and_then(|sum| f64::try_from(&sum)).op(format!("loss of task {}", self.spec.task))
    }
}

impl HeadPart for MaskedReconstructionHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        MaskedReconstructionHead::METRICS
    }

    fn restores(&self) -> Option<&str> {
        Some(&self.input)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Values(values) = place.answer else { return Err(place.refuses("masked-reconstruction")) };
        Ok(Box::new(MaskedReconstructionHead::new(place, values, self)?))
    }
}

impl Head for MaskedReconstructionHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        let op = || format!("task {}", self.spec.task);
        let hidden = ask.hidden(&self.spec)?;
        let features = ask.features.pooled()?; // [n, d]
        let mut seen = vec![hidden.mask().f_to_kind(features.kind()).op(op())?];
        if self.visible {
            // Without what is hidden: so the trunk sees them too.
            seen.push(ask.inputs(&self.spec)?.get(self.hiding.input())?.f_to_kind(features.kind()).op(op())?);
        }
        seen.insert(0, features);
        let features = Features::Pooled(Tensor::f_cat(&seen, 1).op(op())?);
        let restored = hidden.gather(&self.tower.forward(&features, ask.cx)?)?; // [b, k]
        let out = HeadOutput::from(restored);
        Ok(match hidden.anywhere()? {
            Some(mask) => out.with(HIDDEN, mask),
            None => out,
        })
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let zs = out.main();
        let ys = self.spec.accept(zs, target)?;
        let hidden = out.extra(HIDDEN).ok();
        let count = self.count(hidden, target)?;
        if count <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let op = || format!("loss of task {}", self.spec.task);
        let ts = self.scaling.encode(ys)?.f_to_kind(zs.kind()).op(op())?;
        // Both sides become the same constant where nothing is asked: no loss, and no gradient through the fill.
        let missing = ts.f_isnan().op(op())?;
        let unasked = match hidden {
            Some(hidden) => hidden.f_logical_not().and_then(|visible| visible.f_logical_or(&missing)).op(op())?,
            None => missing,
        };
        let fill = |t: &Tensor| t.f_masked_fill(&unasked, 0.0).op(op());
        let losses = fill(zs)?.f_mse_loss(&fill(&ts)?, Reduction::None).op(op())?; // [b, k]
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, count))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Values { values: to_array(&self.answer(out)?)? })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        self.scaling.decode(out.main())
    }

    fn describe_target(&self) -> Result<Option<String>> {
        self.scaling.describe().map(Some)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use mtl_core::{
        answer::numbered,
        batch::Inputs,
        context::Cx,
        input::InputSpec,
        mode::Mode,
        params::ParamSet,
        shim::{Graph, grad},
        task::TaskName,
    };
    use ndarray::{Array2, array};
    use tch::Device;

    fn head(config: &MaskedReconstructionHeadConfig) -> Result<MaskedReconstructionHead> {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let (task, view, answer) = (TaskName::new("restore")?, View::Pooled { width: 2 }, Answer::values(numbered(4)));
        let inputs = InputSpec::table(Vec::new(), numbered(4));
        let Answer::Values(values) = &answer else { panic!() };
        let place = HeadPlace::new(params.root(), &task, &view, &answer).with_inputs(&inputs);
        MaskedReconstructionHead::new(place, values, config)
    }

    fn target() -> Target {
        Target::values("restore", array![[1.0, 2.0, 3.0, 4.0], [5.0, f32::NAN, 7.0, 8.0]].view()).unwrap()
    }

    #[test]
    fn visible_and_unknown_cells_have_no_loss_and_no_gradient() {
        let head = head(&MaskedReconstructionHeadConfig { share: 0.5, ..Default::default() }).unwrap();
        let zs = Tensor::from_slice(&[0.5, 9.0, 1.0, 9.0, 9.0, 9.0, 6.0, 9.0]).view([2, 4]).set_requires_grad(true);
        let hidden = Tensor::from_slice(&[true, false, true, false, false, true, true, false]).view([2, 4]);
        let out = HeadOutput::from(zs.shallow_clone()).with(HIDDEN, hidden.shallow_clone());
        let loss = head.loss(&out, &target()).unwrap();
        assert_eq!((loss.sum.double_value(&[]), loss.count), (0.25 + 4.0 + 1.0, 3.0));
        let gradient = grad(&[&loss.sum], None, &[&zs], Graph::Free).unwrap().remove(0).unwrap();
        assert_eq!(Vec::<f64>::try_from(gradient.view(-1)).unwrap(), [-1.0, 0.0, -4.0, 0.0, 0.0, 0.0, -2.0, 0.0]);
        // Complete labels are not read for the count, and give the same.
        let complete = Target::values("restore", Array2::ones((2, 4)).view()).unwrap();
        assert_eq!(head.loss(&out, &complete).unwrap().count, 4.0);
        let weights = |target: Target| target.with_weights("restore", &[0.5, 2.0]).unwrap();
        assert_eq!(head.loss(&out, &weights(complete)).unwrap().count, 0.5 * 2.0 + 2.0 * 2.0);
        let weighted = head.loss(&out, &weights(target())).unwrap();
        assert_eq!((weighted.sum.double_value(&[]), weighted.count), (0.5 * 4.25 + 2.0, 0.5 * 2.0 + 2.0));
        // Without a mask every cell was hidden once.
        assert_eq!(head.loss(&HeadOutput::from(zs.shallow_clone()), &target()).unwrap().count, 7.0);
        assert!(
            !head
                .loss(&out, &Target::values("restore", Array2::from_elem((2, 4), f32::NAN).view()).unwrap())
                .unwrap()
                .is_present()
        );
    }

    #[test]
    fn the_head_sees_visible_cells_where_it_asks_for_them() {
        let (features, cx) =
            (Features::Pooled(Tensor::ones([2, 2], (Kind::Double, Device::Cpu))), Cx::new(Mode::Train));
        let run = |head: &MaskedReconstructionHead, xs: &[f64]| {
            let xs = Tensor::from_slice(xs).view([1, 4]).repeat([2, 1]);
            let inputs = Inputs::new(vec![("numeric".to_owned(), xs)]).unwrap();
            tch::manual_seed(1);
            let hidden = head.hiding.draw(&inputs).unwrap();
            let inputs = head.hiding.without(&inputs, &hidden).unwrap();
            let out = head.forward(&Ask::new(&features, &cx).with_inputs(&inputs).with_hidden(&hidden)).unwrap();
            (out.main().shallow_clone(), hidden.mask().shallow_clone())
        };
        for visible in [false, true] {
            let head = head(&MaskedReconstructionHeadConfig { share: 0.5, visible, ..Default::default() }).unwrap();
            assert_eq!(head.spec().needs.inputs, visible);
            let ((one, mask), (other, _)) = (run(&head, &[1.0, 2.0, 3.0, 4.0]), run(&head, &[5.0, 6.0, 7.0, 8.0]));
            assert_eq!(one != other, visible);
            assert_eq!(one.ne(0.0), mask);
            let e = head.forward(&Ask::new(&features, &cx)).unwrap_err().to_string();
            assert!(e.contains("hides = .. for masked-reconstruction of task restore"), "{e}");
        }
    }

    #[test]
    fn what_cannot_be_restored_is_refused() {
        let refused = |config| head(&config).unwrap_err().to_string();
        let base = MaskedReconstructionHeadConfig::default();
        let e = refused(MaskedReconstructionHeadConfig { input: "photo".into(), ..base.clone() });
        assert_eq!(e, r#"unknown input "photo", known are numeric"#);
        let e = refused(MaskedReconstructionHeadConfig { share: 1.0, ..base });
        assert_eq!(e, "masked-reconstruction head: share must be in (0, 1), found 1");
    }
}
