//! Long short-term memory over a text or a signal, in both directions by default.
//!
//! ```text
//! words (text)      x_t = embedding(id_t), in training unknown instead of a word with probability word_dropout
//! words (signal)    x_t = W s_t + b, the channels of a moment
//! lstm0, lstm1, ..  one layer each, from each sample's first item to its last and back; dropout after it
//! ```
//! **Shapes** tokens `[b, l, embedding]`, then `[b, l, 2 hidden]` (`[b, l, hidden]` in one direction) with the mask of the padding:
//! what a head that answers item by item reads as it is, others pool.
//!
//! Reference: Graves and Schmidhuber, "Framewise phoneme classification with bidirectional LSTM", Neural Networks 2005. Word dropout
//! as in Iyyer et al., ACL 2015, but with the unknown word in the place of a dropped one: otherwise nothing would be learned of it,
//! as every word of training has an id of its own.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Encoder, EncoderPart, Stage, Takes, no_stage};
use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    features::{Features, Tokens, View},
    input::{InputSpec, Inputs, Modality},
    nn::{Dropout, FieldEmbedding, Linear, Lstm, Packing},
    params::Scope,
};

/// Settings of [`LstmEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LstmEncoderConfig {
    /// Width of an embedding, >= 1; default 128.
    #[schemars(range(min = 1))]
    pub embedding: i64,
    /// Width of a layer's state in each direction, >= 1; default 128.
    #[schemars(range(min = 1))]
    pub hidden: i64,
    /// Layers, >= 1; default 1.
    #[schemars(range(min = 1))]
    pub layers: i64,
    /// Whether a second network reads from the end to the start; default true.
    pub bidirectional: bool,
    /// Probability of reading the unknown word in the place of a word in training, in `[0, 1)`, for texts that know an unknown word;
    /// default 0.05.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub word_dropout: f64,
    /// Dropout of embeddings, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub embedding_dropout: f64,
    /// Dropout after each layer, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for LstmEncoderConfig {
    fn default() -> Self {
        Self {
            embedding: 128,
            hidden: 128,
            layers: 1,
            bidirectional: true,
            word_dropout: 0.05,
            embedding_dropout: 0.0,
            dropout: 0.0,
        }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct LstmEncoder {
    input: String,
    items: Items,
    word_dropout: Dropout,
    embedding_dropout: Dropout,
    layers: Vec<Lstm>,
    dropout: Dropout,
    stages: Vec<Stage>,
}

/// What is made of an input's items.
#[derive(Debug)]
enum Items {
    Words { table: FieldEmbedding, width: i64, unknown: Option<i64> },
    Moments(Linear),
}

impl LstmEncoder {
    /// One text or signal.
    pub const TAKES: Takes = Takes {
        encoder: "lstm encoder",
        what: "one text or one signal",
        accepts: |modality| matches!(modality, Modality::Tokens(_) | Modality::Signal(_)),
        at_most: 1,
    };

    /// # Errors
    /// [`Error::InvalidConfig`] unless there is one text or signal, or for a setting out of range.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &LstmEncoderConfig) -> Result<Self> {
        Self::TAKES.check(spec)?;
        for (field, value) in [("embedding", config.embedding), ("hidden", config.hidden), ("layers", config.layers)] {
            if value < 1 {
                let (expected, found) = (">= 1".to_owned(), value.to_string());
                return Err(Error::InvalidConfig { what: "lstm encoder", field, expected, found });
            }
        }
        let dropout = |field, rate: f64| {
            let (expected, found) = ("in [0, 1)".to_owned(), rate.to_string());
            Dropout::new(rate).map_err(|_| Error::InvalidConfig { what: "lstm encoder", field, expected, found })
        };
        let word_dropout = dropout("word_dropout", config.word_dropout)?;
        let embedding_dropout = dropout("embedding_dropout", config.embedding_dropout)?;
        let dropout = dropout("dropout", config.dropout)?;
        let mut place = scope.stage("words");
        let mut place = place.sub("words");
        let (input, items) = match spec.iter().next() {
            Some((name, Modality::Tokens(text))) => {
                let table = FieldEmbedding::new(&mut place.sub("embedding"), &[text.vocabulary], config.embedding)?;
                (name, Items::Words { table, width: config.embedding, unknown: text.unknown })
            }
            Some((name, Modality::Signal(signal))) => {
                (name, Items::Moments(Linear::new(&mut place.sub("moments"), signal.channels, config.embedding)?))
            }
            // Ruled out by the check before.
            _ => {
                let (expected, found) = (Self::TAKES.what.to_owned(), spec.describe());
                return Err(Error::InvalidConfig { what: "lstm encoder", field: "inputs", expected, found });
            }
        };
        let mut width = config.embedding;
        let mut stages = vec![Stage { name: "words".into(), view: View::Tokens { width } }];
        let mut layers = Vec::new();
        for idx in 0..config.layers {
            let name = format!("lstm{idx}");
            let layer = Lstm::new(&mut scope.stage(&name).sub(&name), width, config.hidden, config.bidirectional)?;
            width = layer.outputs();
            stages.push(Stage { name, view: View::Tokens { width } });
            layers.push(layer);
        }
        Ok(Self { input: input.to_owned(), items, word_dropout, embedding_dropout, layers, dropout, stages })
    }
}

impl EncoderPart for LstmEncoderConfig {
    fn takes(&self) -> Takes {
        LstmEncoder::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(LstmEncoder::new(scope, spec, self)?))
    }
}

impl Encoder for LstmEncoder {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let input = inputs.input(&self.input)?;
        let xs = match &self.items {
            Items::Words { table, width, unknown } => {
                let ids = match unknown {
                    Some(unknown) => self.with_unknown(input.tensor(), *unknown, cx)?,
                    None => input.tensor().shallow_clone(),
                };
                let [b, l] = ids.size()[..] else {
                    let (expected, found) = ("[b, l]".to_owned(), ids.size());
                    return Err(Error::Shape { op: "lstm encoder".into(), tensor: "input", expected, found });
                };
                // One field whose codes stand below one another: the same gather as of a table.
                let rows = table.forward(&ids.f_reshape([-1, 1]).op("lstm encoder")?)?; // [b l, 1, d]
                cx.embedded(&self.input, rows.f_view([b, l, *width]).op("lstm encoder")?)?
            }
            Items::Moments(layer) => {
                let moments = input.tensor().f_transpose(1, 2).and_then(|t| t.f_to_kind(layer.kind()));
                layer.forward(&moments.op("lstm encoder")?, cx)?
            }
        };
        let xs = self.embedding_dropout.forward(xs, cx)?; // [b, l, d]
        Ok(Features::Tokens(Tokens { xs, pad_mask: input.pad_mask()?, names: None }))
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        let layer = stage_idx.checked_sub(1).and_then(|idx| self.layers.get(idx));
        let layer = layer.ok_or_else(|| no_stage(&self.stages, stage_idx))?;
        let tokens = features.into_tokens()?;
        let [b, l, _] = tokens.xs.size()[..] else {
            let (expected, found) = ("[b, l, d]".to_owned(), tokens.xs.size());
            return Err(Error::Shape { op: "lstm encoder".into(), tensor: "features", expected, found });
        };
        let packing = Packing::new(tokens.pad_mask.as_ref(), [b, l], tokens.xs.device())?;
        let xs = self.dropout.forward(layer.forward(&tokens.xs, &packing, cx)?, cx)?;
        Ok(Features::Tokens(Tokens { xs, ..tokens }))
    }
}

impl LstmEncoder {
    /// The ids with the unknown one in the place of some words, while training.
    fn with_unknown(&self, ids: &Tensor, unknown: i64, cx: &Cx) -> Result<Tensor> {
        match self.word_dropout.chosen(&ids.size(), ids.device(), cx)? {
            // Padding that becomes unknown is padding still: no layer reads it.
            Some(dropped) => ids.f_masked_fill(&dropped, unknown).op("word dropout"),
            None => Ok(ids.shallow_clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        input::{Length, Signal, Tokens as Text},
        mode::Mode,
        params::ParamSet,
    };
    use tch::{Device, Kind};

    fn text(unknown: Option<i64>) -> Text {
        Text { vocabulary: 9, pad: 0, unknown, length: Length::Ragged(6) }
    }

    fn build(spec: &InputSpec, config: &LstmEncoderConfig) -> Result<(ParamSet, LstmEncoder)> {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let encoder = LstmEncoder::new(&mut params.root(), spec, config)?;
        Ok((params, encoder))
    }

    fn small() -> LstmEncoderConfig {
        LstmEncoderConfig { embedding: 3, hidden: 2, layers: 2, ..LstmEncoderConfig::default() }
    }

    #[test]
    fn a_sample_answers_alike_in_any_company_and_padding_is_zero() {
        let spec = InputSpec::new([("text", text(Some(1)).into())]).unwrap();
        let (_, encoder) = build(&spec, &small()).unwrap();
        let run = |samples: &[Vec<i64>]| {
            let inputs = Inputs::new(vec![("text".to_owned(), text(Some(1)).batch(samples).unwrap())]).unwrap();
            encoder.forward(&inputs, &Cx::new(Mode::Eval)).unwrap().into_tokens().unwrap()
        };
        let all = run(&[vec![2, 3], vec![4, 5, 6, 7, 8], vec![1]]);
        assert_eq!((all.xs.size(), encoder.view().unwrap().width()), (vec![3, 5, 4], 4));
        let alone = run(&[vec![2, 3]]);
        assert!((all.xs.get(0).narrow(0, 0, 2) - alone.xs.get(0)).abs().max().double_value(&[]) < 1e-14);
        let mask = all.pad_mask.unwrap();
        assert_eq!(Vec::<bool>::try_from(mask.get(2)).unwrap(), [false, true, true, true, true]);
        assert!((all.xs * mask.unsqueeze(-1)).abs().sum(Kind::Double).double_value(&[]).to_bits() == 0);
    }

    #[test]
    fn words_become_unknown_in_training_only_and_only_where_there_is_such_a_word() {
        let config = LstmEncoderConfig { word_dropout: 0.5, ..small() };
        let ids = vec![(0..400).map(|at| 2 + at % 7).collect::<Vec<i64>>()];
        for (unknown, mode) in [(Some(1), Mode::Train), (Some(1), Mode::Eval), (None, Mode::Train)] {
            let text = Text { length: Length::Ragged(400), ..text(unknown) };
            let spec = InputSpec::new([("text", text.clone().into())]).unwrap();
            let (params, encoder) = build(&spec, &config).unwrap();
            let inputs = Inputs::new(vec![("text".to_owned(), text.batch(&ids).unwrap())]).unwrap();
            let words = encoder.embed(&inputs, &Cx::new(mode)).unwrap().into_tokens().unwrap().xs.get(0); // [400, 3]
            let row = params.get("words.embedding.weight").unwrap().tensor().get(1);
            let is_unknown = words.eq_tensor(&row).all_dim(1, false).sum(Kind::Int64).int64_value(&[]);
            match (unknown, mode) {
                (Some(_), Mode::Train) => assert!((150..250).contains(&is_unknown), "{is_unknown}"),
                _ => assert_eq!(is_unknown, 0),
            }
        }
    }

    #[test]
    fn signals_are_read_moment_by_moment_and_settings_are_checked() {
        let signal = Signal { channels: 2, rate: None, length: Length::Ragged(4) };
        let spec = InputSpec::new([("sound", signal.into())]).unwrap();
        let (_, encoder) = build(&spec, &small()).unwrap();
        let features = encoder.forward(&spec.example(3).unwrap(), &Cx::new(Mode::Train)).unwrap();
        assert_eq!(features.into_tokens().unwrap().xs.size(), [3, 4, 4]);
        let refusal = |config| build(&spec, &config).unwrap_err().to_string();
        assert_eq!(refusal(LstmEncoderConfig { layers: 0, ..small() }), "lstm encoder: layers must be >= 1, found 0");
        let e = refusal(LstmEncoderConfig { word_dropout: 1.0, ..small() });
        assert_eq!(e, "lstm encoder: word_dropout must be in [0, 1), found 1");
    }
}
