//! Weights of another model, in part: a pretrained trunk, the heads of yesterday's tasks.
//!
//! ```text
//! in the file       NameMap                    in this model
//! trunk.0.weight    encoder <- trunk           encoder.0.weight     loaded
//! trunk.1.weight                               encoder.1.weight     refused: another shape
//! heads.old.bias    nothing leads here                              unused
//!                                              heads.new.bias       missing: stays as it is
//! ```
//! Nothing is silent: every tensor of both sides is in one list of the [`LoadReport`].

use std::fmt;

use tch::Tensor;

use super::ParamSet;
use crate::error::{Error, Result, TorchContext};

/// Which names of a file belong to which names of a model, by what they begin with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameMap {
    /// `(here, there)`: dotted beginnings.
    parts: Vec<(String, String)>,
}

impl NameMap {
    /// Every name stands for itself.
    #[must_use]
    pub fn same() -> Self {
        Self::default()
    }

    /// Names of the model that begin with `here` are those of the file that begin with `there` instead; of several that fit
    /// the longest counts. Names that none fits are not loaded. An empty beginning fits every name.
    #[must_use]
    pub fn parts(parts: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let mut parts: Vec<(String, String)> =
            parts.into_iter().map(|(here, there)| (here.into(), there.into())).collect();
        parts.sort_by_key(|(here, _)| std::cmp::Reverse(here.len()));
        Self { parts }
    }

    /// The name in the file for a name of the model; `None` for what is not to be loaded.
    #[must_use]
    pub fn there(&self, name: &str) -> Option<String> {
        if self.parts.is_empty() {
            return Some(name.to_owned());
        }
        self.parts.iter().find_map(|(here, there)| {
            let rest = match here.as_str() {
                "" => name,
                here => {
                    let rest = name.strip_prefix(here)?;
                    if rest.is_empty() { rest } else { rest.strip_prefix('.')? }
                }
            };
            let dot = if there.is_empty() || rest.is_empty() { "" } else { "." };
            Some(format!("{there}{dot}{rest}"))
        })
    }

    /// The beginnings, `(here, there)`, longest first.
    #[must_use]
    pub fn beginnings(&self) -> &[(String, String)] {
        &self.parts
    }
}

/// A tensor that has its counterpart, of another shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its name in the model.
    pub name: String,
    /// Its shape there.
    pub expected: Vec<i64>,
    /// The shape in the file.
    pub found: Vec<i64>,
}

/// What became of every tensor of both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names in the model whose values are those of the file now.
    pub loaded: Vec<String>,
    /// Names in the model that the map asks for and the file does not have.
    pub missing: Vec<String>,
    /// Names in the model that the map leaves alone.
    pub left: Vec<String>,
    /// Names in the file that nothing asked for.
    pub unused: Vec<String>,
    /// Tensors of another shape; they stay as they are.
    pub refused: Vec<Refused>,
}

impl fmt::Display for LoadReport {
    /// `12 tensors loaded; missing: a.weight, b.bias; unused: 3, of them c.weight; ..`: lists up to a few names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: usize = 4;
        let tensors = |n: usize| if n == 1 { "1 tensor".to_owned() } else { format!("{n} tensors") };
        write!(f, "{} loaded", tensors(self.loaded.len()))?;
        for (what, names) in [
            ("left as they are, for the file does not have them", &self.missing),
            ("left as they are, for they were not asked for", &self.left),
            ("of the file not used", &self.unused),
        ] {
            if !names.is_empty() {
                write!(f, "; {} {what}: {}", tensors(names.len()), names[..names.len().min(NAMED)].join(", "))?;
                if names.len() > NAMED {
                    write!(f, ", ..")?;
                }
            }
        }
        for refused in self.refused.iter().take(NAMED) {
            write!(f, "; {} has shape {:?}, not {:?}", refused.name, refused.found, refused.expected)?;
        }
        if self.refused.len() > NAMED {
            write!(f, "; and {} more of other shapes", self.refused.len() - NAMED)?;
        }
        Ok(())
    }
}

impl ParamSet {
    /// Copies those of `tensors` that `map` leads to into parameters and buffers of the same shape, converting kind and device.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a file with a name twice; [`Error::Torch`] when a tensor cannot be copied.
    pub fn load_part(&self, tensors: &[(String, Tensor)], map: &NameMap) -> Result<LoadReport> {
        for (idx, (name, _)) in tensors.iter().enumerate() {
            if tensors[..idx].iter().any(|(other, _)| other == name) {
                return Err(Error::Duplicate { what: "tensor", name: name.clone() });
            }
        }
        let mut report = LoadReport::default();
        let mut used = vec![false; tensors.len()];
        let _guard = tch::no_grad_guard();
        for (name, own) in self.tensors() {
            let Some(there) = map.there(name) else {
                report.left.push(name.to_owned());
                continue;
            };
            let Some(at) = tensors.iter().position(|(name, _)| *name == there) else {
                report.missing.push(name.to_owned());
                continue;
            };
            used[at] = true;
            let found = &tensors[at].1;
            if found.size() != own.size() {
                report.refused.push(Refused { name: name.to_owned(), expected: own.size(), found: found.size() });
                continue;
            }
            own.shallow_clone().f_copy_(found).op(format!("load {name}"))?;
            report.loaded.push(name.to_owned());
        }
        let unused = tensors.iter().zip(&used).filter(|(_, used)| !**used);
        report.unused = unused.map(|((name, _), _)| name.clone()).collect();
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Init;
    use tch::{Device, Kind};

    fn set() -> ParamSet {
        let mut set = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let mut root = set.root();
        for (name, shape) in [("encoder.0", 2), ("encoder.1", 3), ("encoders", 2), ("heads.new", 2)] {
            let _ = root.param(name, &[shape], Init::Zeros).unwrap();
        }
        let _ = root.buffer("encoder.mean", &[2], Init::Zeros).unwrap();
        set
    }

    fn ones(names: &[(&str, i64)]) -> Vec<(String, Tensor)> {
        names.iter().map(|(name, n)| ((*name).to_owned(), Tensor::ones([*n], (Kind::Double, Device::Cpu)))).collect()
    }

    #[test]
    fn every_tensor_is_in_one_list() {
        let set = set();
        let file = ones(&[("trunk.0", 2), ("trunk.1", 2), ("trunk.mean", 2), ("heads.old", 2), ("trunk.9", 1)]);
        let report = set.load_part(&file, &NameMap::parts([("encoder", "trunk")])).unwrap();
        assert_eq!(report.loaded, ["encoder.0", "encoder.mean"]);
        assert_eq!(report.left, ["encoders", "heads.new"], "a beginning ends at a dot");
        assert_eq!(report.unused, ["heads.old", "trunk.9"]);
        assert!(report.missing.is_empty());
        assert_eq!(report.refused, [Refused { name: "encoder.1".into(), expected: vec![3], found: vec![2] }]);
        let sum = |name: &str| set.tensors().find(|(n, _)| *n == name).unwrap().1.sum(Kind::Double).double_value(&[]);
        let sums = [sum("encoder.0"), sum("encoder.mean"), sum("encoder.1"), sum("heads.new")];
        assert!(
            sums.iter().zip([2.0, 2.0, 0.0, 0.0]).all(|(sum, expected)| (sum - expected).abs() < 1e-12),
            "{sums:?}"
        );
        let words = report.to_string();
        assert!(words.starts_with("2 tensors loaded; 2 tensors left as they are"), "{words}");
        assert!(words.ends_with("encoder.1 has shape [2], not [3]"), "{words}");
    }

    #[test]
    fn names_stand_for_themselves_unless_a_part_is_named() {
        let report = set().load_part(&ones(&[("encoder.0", 2)]), &NameMap::same()).unwrap();
        assert_eq!((report.loaded.len(), report.missing.len(), report.left.len()), (1, 4, 0));
        let map = NameMap::parts([("", "old"), ("encoder", "trunk"), ("encoder.1", "")]);
        let there = |name: &str| map.there(name).unwrap();
        assert_eq!(
            [there("encoder.0.bias"), there("encoder.1.bias"), there("heads.a")],
            ["trunk.0.bias", "bias", "old.heads.a"]
        );
        let twice = ones(&[("a", 1), ("a", 1)]);
        assert!(set().load_part(&twice, &NameMap::same()).unwrap_err().to_string().contains("twice"));
    }
}
