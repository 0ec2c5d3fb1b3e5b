//! What version 1 of a run's data file kept, as it is kept now.
//!
//! Inputs were three fields without names of their own (they were called `categorical`, `numeric` and `image`), what
//! was learned of them stood in two places, and how files are read followed from the data set's settings. Every data
//! set of that time is named here.

use mtl_core::input::{CategoricalField, InputSpec};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Kept, Provenance};
use crate::{
    datasets::{CensusIncome, DatasetConfig, Origin, synthetic_preprocessing},
    info::{DataInfo, TaskInfo},
    preprocess::{Preprocessing, RawPictures},
    table::{CsvFormat, FittedSchema},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerKept {
    settings: DatasetConfig,
    origin: Origin,
    info: FormerInfo,
    fitted: Option<FittedSchema>,
    provenance: Provenance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerInfo {
    categorical: Vec<CategoricalField>,
    numeric: Vec<String>,
    image: Option<RawPictures>,
    tasks: Vec<TaskInfo>,
}

impl Kept {
    /// What version 1 of the file held; check it with [`Kept::validate`].
    ///
    /// # Errors
    /// The format's own, for a value that is none, or whose data set and facts do not belong together.
    pub fn of_version_1<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<Self, D::Error> {
        let FormerKept { settings, origin, info, fitted, provenance } = FormerKept::deserialize(value)?;
        let table = |format: CsvFormat| {
            let fitted = fitted.ok_or_else(|| D::Error::custom("a table without what was learned of it"))?;
            Ok::<_, D::Error>(Preprocessing::Table { format, fitted })
        };
        let preprocessing = match &settings {
            DatasetConfig::CensusIncome(_) => table(CensusIncome::FORMAT)?,
            DatasetConfig::Csv(config) => table(config.format)?,
            DatasetConfig::SyntheticMmoe(_) => synthetic_preprocessing(&info.tasks).map_err(D::Error::custom)?,
            DatasetConfig::FashionPairs(_) | DatasetConfig::Idx(_) => {
                let image = info.image.ok_or_else(|| D::Error::custom("pictures without their shape"))?;
                Preprocessing::Pictures { image }
            }
            other => return Err(D::Error::custom(format!("{}, which is no data set of that time", other.name()))),
        };
        let inputs = match &info.image {
            Some(image) => image.inputs(),
            None => InputSpec::table(info.categorical, info.numeric),
        };
        let info = DataInfo { inputs, tasks: info.tasks };
        Ok(Self { settings, origin, info, preprocessing: Some(preprocessing), provenance })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What version 1 wrote of the same facts.
    fn former(kept: &Kept) -> Value {
        let mut value = serde_json::to_value(kept).unwrap();
        let (mut categorical, mut numeric, mut image) = (json!([]), json!([]), json!(null));
        for input in value["info"]["inputs"].as_array().unwrap() {
            match input["modality"]["kind"].as_str().unwrap() {
                "categorical" => categorical = input["modality"]["fields"].clone(),
                "numeric" => numeric = input["modality"]["names"].clone(),
                _ => image = value["preprocessing"]["image"].clone(),
            }
        }
        let tasks = value["info"]["tasks"].clone();
        value["info"] = json!({ "categorical": categorical, "numeric": numeric, "image": image, "tasks": tasks });
        let preprocessing = value.as_object_mut().unwrap().remove("preprocessing").unwrap();
        let is_generated = value["origin"] == "synthetic";
        value["fitted"] = if is_generated { json!(null) } else { preprocessing["fitted"].clone() };
        value
    }

    /// What that version knew: where numbers lie was not learned.
    fn without_edges(kept: &Kept) -> Kept {
        fn strip(value: &mut Value) {
            match value {
                Value::Object(keys) => {
                    keys.remove("edges");
                    keys.values_mut().for_each(strip);
                }
                Value::Array(items) => items.iter_mut().for_each(strip),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let mut value = serde_json::to_value(kept).unwrap();
        strip(&mut value);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_former_form_says_the_same() {
        let generated: DatasetConfig =
            toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 9\ntargets = \"both\"").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..30).map(|i| format!("{i},{},{}\n", i % 4, i % 2)).collect();
        std::fs::write(dir.path().join("t.csv"), format!("x,c,y\n{rows}")).unwrap();
        let columns = r#"[{ name = "x", kind = "numeric" }, { name = "c", kind = "categorical" },
            { name = "y", kind = "label", label = "class" }]"#;
        let text =
            format!("kind = \"csv\"\ndir = {:?}\ntrain = \"t.csv\"\nschema = {{ columns = {columns} }}", dir.path());
        let table: DatasetConfig = toml::from_str(&text).unwrap();
        for config in [generated, table] {
            let kept = without_edges(&Kept::of(&config, &config.load().unwrap()));
            let read = Kept::of_version_1(former(&kept)).unwrap();
            assert_eq!(read, kept);
            read.validate().unwrap();
        }
        let e = Kept::of_version_1(json!({})).unwrap_err().to_string();
        assert!(e.contains("missing field `settings`"), "{e}");
    }
}
