//! Counting what an input holds, batch by batch, by the form of its cells.
//!
//! A sample's hash is of its own values and length, not of the padding that its batch happens to need.

use std::hash::{DefaultHasher, Hash};

use mtl_core::input::{Cells, Input, InputSpec, Modality};
use tch::Kind;

use super::{
    field_scan::{FieldScan, InputScan},
    spread::{Spread, flat},
};
use crate::error::Result;

/// What has been counted of one input.
pub(super) enum InputCount {
    /// Samples by column and code.
    Codes(Vec<Vec<u64>>),
    /// By column: its numbers; the number that stands for a gap, and how often that occurs.
    Numbers(Vec<(Spread, Option<(f32, u64)>)>),
    /// All numbers of an input that is no columns, and lengths.
    /// And ids that stand for the unknown: which, how many of them, of how many.
    Whole { numbers: Option<Spread>, lengths: Option<Spread>, unknown: Option<(i64, [u64; 2])> },
}

/// Nothing counted yet; `stand_ins` are those of numeric columns, in the order of the inputs.
pub(super) fn of(inputs: &InputSpec, stand_ins: &[Option<f32>]) -> Vec<InputCount> {
    let mut stand_ins = stand_ins.iter().copied();
    let mut count = |modality: &Modality| match modality.cells() {
        Cells::Codes(fields) => {
            let codes = |n: i64| vec![0; usize::try_from(n).unwrap_or(0)];
            InputCount::Codes(fields.iter().map(|field| codes(field.cardinality)).collect())
        }
        Cells::Numbers(names) => {
            let gap = |stand_in: Option<Option<f32>>| stand_in.flatten().map(|number| (number, 0));
            InputCount::Numbers(names.iter().map(|_| (Spread::EMPTY, gap(stand_ins.next()))).collect())
        }
        Cells::Grid { .. } | Cells::Positions | Cells::Whole => InputCount::Whole {
            numbers: modality.cardinalities().is_empty().then_some(Spread::EMPTY),
            lengths: modality.layout().ragged_axis().map(|_| Spread::EMPTY),
            unknown: modality.unknown().map(|id| (id, [0, 0])),
        },
    };
    inputs.iter().map(|(_, modality)| count(modality)).collect()
}

impl InputCount {
    pub(super) fn add(&mut self, input: &Input, hashers: &mut [DefaultHasher]) -> Result<()> {
        match self {
            Self::Codes(columns) => {
                let codes = flat::<i64>(input.tensor(), Kind::Int64)?;
                for (row, hasher) in codes.chunks(columns.len().max(1)).zip(hashers) {
                    for (code, counts) in row.iter().zip(columns.iter_mut()) {
                        code.hash(hasher);
                        let slot = usize::try_from(*code).ok().and_then(|code| counts.get_mut(code));
                        slot.into_iter().for_each(|n| *n += 1);
                    }
                }
            }
            Self::Numbers(columns) => {
                let numbers = flat::<f32>(input.tensor(), Kind::Float)?;
                for (row, hasher) in numbers.chunks(columns.len().max(1)).zip(hashers) {
                    for (x, (spread, gap)) in row.iter().zip(columns.iter_mut()) {
                        x.to_bits().hash(hasher);
                        spread.add((*x).into());
                        // Bit by bit: a gap was written by the formula that gave the stand-in.
                        gap.iter_mut().filter(|gap| gap.0.to_bits() == x.to_bits()).for_each(|gap| gap.1 += 1);
                    }
                }
            }
            Self::Whole { numbers, lengths, unknown } => {
                let own = Own::of(input)?;
                if let (Some(spread), Some(of_samples)) = (lengths, &own.lengths) {
                    of_samples.iter().for_each(|length| spread.add(*length as f64));
                }
                // Ids stay far below 2^53: nothing is lost.
                let values = flat::<f64>(input.tensor(), Kind::Double)?;
                for (sample, (row, hasher)) in values.chunks(own.width).zip(hashers).enumerate() {
                    for (_, x) in row.iter().enumerate().filter(|(at, _)| own.is_value(sample, *at)) {
                        x.to_bits().hash(hasher);
                        numbers.iter_mut().for_each(|spread| spread.add(*x));
                        for (id, [known_not, all]) in unknown.iter_mut() {
                            *all += 1;
                            *known_not += u64::from((*id as f64).to_bits() == x.to_bits());
                        }
                    }
                    own.lengths.iter().for_each(|lengths| lengths.get(sample).hash(hasher));
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(
        self,
        name: &str,
        modality: &Modality,
        fields: &mut Vec<FieldScan>,
        inputs: &mut Vec<InputScan>,
    ) {
        match (self, modality.cells()) {
            (Self::Codes(columns), Cells::Codes(names)) => {
                let named = names.iter().zip(columns);
                fields.extend(named.map(|(f, counts)| FieldScan::Categorical { name: f.name.clone(), counts }));
            }
            (Self::Numbers(columns), Cells::Numbers(names)) => {
                fields.extend(names.iter().zip(columns).map(|(name, (spread, gap))| {
                    let [mean, min, max] = spread.values();
                    let gaps = gap.map(|(_, n)| n);
                    FieldScan::Numeric { name: name.clone(), mean, min, max, not_finite: spread.not_finite, gaps }
                }));
            }
            (Self::Whole { numbers, lengths, unknown }, _) => inputs.push(InputScan {
                name: name.to_owned(),
                what: modality.describe(),
                not_finite: numbers.map_or(0, |spread| spread.not_finite),
                numbers: numbers.map(Spread::values),
                lengths: lengths.map(Spread::values),
                unknown: unknown.map(|(_, counts)| counts),
            }),
            // Counts were made for this modality's cells.
            (Self::Codes(_) | Self::Numbers(_), _) => {}
        }
    }
}

/// Which places of a batch belong to its samples.
struct Own {
    lengths: Option<Vec<i64>>,
    /// Numbers of a sample, padding included.
    width: usize,
    /// The size of the ragged axis, and numbers from one of its places to the next.
    axis: (usize, usize),
}

impl Own {
    fn of(input: &Input) -> Result<Self> {
        let size: Vec<usize> = input.tensor().size().iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
        let of = |from: usize| size.iter().skip(from).product::<usize>().max(1);
        let at = input.ragged_axis().and_then(|axis| usize::try_from(axis).ok());
        let axis = at.map_or((1, 1), |at| (size.get(at).copied().unwrap_or(1).max(1), of(at + 1)));
        let lengths = input.lengths().map(|lengths| flat::<i64>(lengths, Kind::Int64)).transpose()?;
        Ok(Self { lengths, width: of(1), axis })
    }

    fn is_value(&self, sample: usize, at: usize) -> bool {
        let Some(length) = self.lengths.as_ref().and_then(|lengths| lengths.get(sample)) else { return true };
        let (places, inner) = self.axis;
        ((at / inner % places) as i64) < *length
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;
    use mtl_core::input::{Length, Signal, Tokens};

    fn hashes(modality: &Modality, input: &Input) -> (Vec<u64>, InputScan) {
        let spec = InputSpec::new([("x", modality.clone())]).unwrap();
        let mut count = of(&spec, &[]).remove(0);
        let n = usize::try_from(input.tensor().size()[0]).unwrap();
        let mut hashers = vec![DefaultHasher::new(); n];
        count.add(input, &mut hashers).unwrap();
        let (mut fields, mut inputs) = (Vec::new(), Vec::new());
        count.finish("x", modality, &mut fields, &mut inputs);
        assert!(fields.is_empty());
        (hashers.iter().map(Hasher::finish).collect(), inputs.remove(0))
    }

    #[test]
    fn padding_is_not_counted() {
        let signal = Signal { channels: 2, rate: None, length: Length::Ragged(5) };
        let both = signal.batch(&[vec![1.0, 2.0], vec![3.0, 4.0, 5.0, 6.0, 7.0, 9.0]]).unwrap();
        let alone = signal.batch(&[vec![1.0, 2.0]]).unwrap();
        let (of_both, scan) = hashes(&signal.clone().into(), &both);
        let (of_one, _) = hashes(&signal.into(), &alone);
        assert_eq!(of_both[0], of_one[0]);
        assert_ne!(of_both[0], of_both[1]);
        assert_eq!((scan.numbers, scan.lengths), (Some([4.625, 1.0, 9.0]), Some([2.0, 1.0, 3.0])));
        assert!(
            scan.describe().ends_with(", 1.000 to 9.000, mean 4.625, 1 to 3 long, mean 2.0"),
            "{}",
            scan.describe()
        );
    }

    #[test]
    fn ids_have_no_mean_but_lengths() {
        let words = Tokens { vocabulary: 9, pad: 1, unknown: Some(0), length: Length::Ragged(5) };
        let batch = words.batch(&[vec![0], vec![], vec![0, 0]]).unwrap();
        let (found, scan) = hashes(&words.into(), &batch);
        assert!(found[0] != found[1] && found[0] != found[2], "lengths tell texts of one id apart");
        assert_eq!((scan.numbers, scan.lengths), (None, Some([1.0, 0.0, 2.0])));
        assert_eq!((scan.unknown, scan.found().as_str()), (Some([3, 3]), "0 to 2 long, mean 1.0, 100.00 % unknown"));
    }
}
