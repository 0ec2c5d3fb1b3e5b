//! What a data set's settings alone say of its tasks and inputs, before a file of it is read.
//!
//! A configuration can then be completed (a default encoder, `--set task.income.weight=2` for a task that the file does not
//! list) and checked although its data is far away. What [`load`](DatasetConfig::load) gives has the same tasks in the same
//! order.

use mtl_core::{answer::AnswerTag, task::TaskName};

use super::{CensusIncome, DatasetConfig, SyntheticTargets};
use crate::{
    error::Result,
    table::{LabelSpec, Schema},
};

impl DatasetConfig {
    /// The tasks in order, with the kind of their answers; how many classes there are is known when labels have been read.
    ///
    /// # Errors
    /// `InvalidConfig` for a schema whose columns do not name tasks.
    pub fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        let named = |names: &[&str], form| -> Result<Vec<(TaskName, AnswerTag)>> {
            names.iter().map(|name| Ok((TaskName::new(name)?, form))).collect()
        };
        match self {
            Self::CensusIncome(_) => of_schema(&CensusIncome::schema()?),
            Self::Csv(config) => of_schema(&config.schema),
            Self::FashionPairs(_) => named(&["left", "right"], AnswerTag::Class),
            Self::Idx(config) => Ok(config.tasks.iter().map(|task| (task.name.clone(), AnswerTag::Class)).collect()),
            Self::ParallelText(config) => {
                Ok(config.named_tasks().map(|(name, kind)| (name.clone(), kind.tag())).collect())
            }
            Self::SyntheticMmoe(config) => {
                let mut tasks = Vec::new();
                if config.targets != SyntheticTargets::Binary {
                    tasks.extend(named(&["y1", "y2"], AnswerTag::Values)?);
                }
                if config.targets != SyntheticTargets::Values {
                    tasks.extend(named(&["y1-high", "y2-high"], AnswerTag::MultiLabel)?);
                }
                Ok(tasks)
            }
            Self::Outside(part) => part.tasks(),
        }
    }

    /// Whether the inputs are pictures; what are neither pictures nor [texts](Self::has_texts) are fields of a table.
    #[must_use]
    pub fn has_pictures(&self) -> bool {
        match self {
            Self::FashionPairs(_) | Self::Idx(_) => true,
            Self::CensusIncome(_) | Self::Csv(_) | Self::ParallelText(_) | Self::SyntheticMmoe(_) => false,
            Self::Outside(part) => part.has_pictures(),
        }
    }

    /// Whether the inputs are texts.
    #[must_use]
    pub fn has_texts(&self) -> bool {
        match self {
            Self::ParallelText(_) => true,
            Self::CensusIncome(_) | Self::Csv(_) | Self::FashionPairs(_) | Self::Idx(_) | Self::SyntheticMmoe(_) => {
                false
            }
            Self::Outside(part) => part.has_texts(),
        }
    }
}

fn of_schema(schema: &Schema) -> Result<Vec<(TaskName, AnswerTag)>> {
    let form = |columns: &[usize]| match columns.first().and_then(|&column| schema.label_spec(column)) {
        Some(LabelSpec::Binary { .. }) => AnswerTag::MultiLabel,
        Some(LabelSpec::Value) => AnswerTag::Values,
        Some(LabelSpec::Ordinal(_)) => AnswerTag::Ordinal,
        // A task is made of its label columns, so there is one.
        Some(LabelSpec::Class | LabelSpec::Classes(_)) | None => AnswerTag::Class,
    };
    Ok(schema.tasks()?.into_iter().map(|task| (task.name, form(&task.columns))).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mtl_core::input::Modality;

    use super::*;
    use crate::info::TaskInfo;

    fn form(task: &TaskInfo) -> (TaskName, AnswerTag) {
        (task.name.clone(), task.answer.tag())
    }

    /// Settings say what the loaded data says.
    fn agrees(config: &str) {
        let config: DatasetConfig = toml::from_str(config).unwrap();
        let info = config.load().unwrap().info;
        assert_eq!(config.tasks().unwrap(), info.tasks.iter().map(form).collect::<Vec<_>>());
        let is_picture = |modality: &Modality| matches!(modality, Modality::Picture(_));
        assert_eq!(config.has_pictures(), info.inputs.iter().any(|(_, modality)| is_picture(modality)));
        let is_text = |modality: &Modality| matches!(modality, Modality::Tokens(_));
        assert_eq!(config.has_texts(), info.inputs.iter().any(|(_, modality)| is_text(modality)));
    }

    #[test]
    fn tasks_are_known_before_the_data_is() {
        for targets in ["values", "binary", "both"] {
            agrees(&format!("kind = \"synthetic-mmoe\"\ntargets = {targets:?}\ntrain = 20\nvalidation = 5\ntest = 5"));
        }
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..40).map(|i| format!("{i},{},{},{}\n", i % 3, i % 2, i * 2)).collect();
        fs::write(dir.path().join("t.csv"), format!("x,kind,sold,price\n{rows}")).unwrap();
        agrees(&format!(
            r#"kind = "csv"
            dir = {:?}
            train = "t.csv"
            [schema]
            tasks = ["price", "kind", "deal", "size"]
            columns = [
                {{ name = "x", kind = "numeric" }},
                {{ name = "kind", kind = "label", label = "class" }},
                {{ name = "sold", kind = "label", task = "deal", label = {{ binary = {{ positive = "1" }} }} }},
                {{ name = "price", kind = "label", label = "value" }},
                {{ name = "kind", kind = "label", task = "size", label = {{ ordinal = ["2", "0", "1"] }} }},
            ]"#,
            dir.path()
        ));
        fs::write(dir.path().join("text"), "a b\n".repeat(20)).unwrap();
        fs::write(dir.path().join("tags"), "x y\n".repeat(20)).unwrap();
        fs::write(dir.path().join("kind"), "p\nq\n".repeat(10)).unwrap();
        agrees(&format!(
            r#"kind = "parallel-text"
            dir = {:?}
            text = "text"
            tasks = [{{ name = "said", file = "text", kind = "sequence" }}, {{ name = "tags", file = "tags", kind = "tags" }},
                     {{ name = "kind", file = "kind", kind = "class" }}]"#,
            dir.path()
        ));
        let pairs: DatasetConfig = toml::from_str("kind = \"fashion-pairs\"").unwrap();
        assert!(pairs.has_pictures() && pairs.tasks().unwrap()[1].0.as_str() == "right");
        let census: DatasetConfig = toml::from_str("kind = \"census-income\"").unwrap();
        assert_eq!(census.tasks().unwrap()[0], (TaskName::new("income").unwrap(), AnswerTag::MultiLabel));
    }
}
