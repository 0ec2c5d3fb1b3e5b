//! The first fact that two fits disagree about, in words.
//!
//! A digest says that a file changed; this says what the change would have done to the model: which code would mean another
//! text, which number another scale.

use serde_json::Value;

use crate::{
    error::quoted,
    preprocess::Preprocessing,
    table::{FittedColumn, FittedField, FittedSchema},
    text::{FittedTexts, Vocabulary},
};

/// The first fact that was learned otherwise, of data of either kind; `None` when all were learned alike, or nothing was.
pub(super) fn of_learned(before: Option<&Preprocessing>, now: Option<&Preprocessing>) -> Option<String> {
    match (before?, now?) {
        (Preprocessing::Table { fitted: before, .. }, Preprocessing::Table { fitted: now, .. }) => of_fits(before, now),
        (Preprocessing::Text { fitted: before }, Preprocessing::Text { fitted: now }) => of_texts(before, now),
        (Preprocessing::Custom(before), Preprocessing::Custom(now)) => {
            of_settings(&before.get().settings(), &now.get().settings())
        }
        (Preprocessing::Sources { sources: before }, Preprocessing::Sources { sources: now }) => {
            before.iter().zip(now).find_map(|(before, now)| {
                let fact = of_learned(before.raw.as_deref(), now.raw.as_deref())?;
                Some(format!("{}: {fact}", before.name))
            })
        }
        (
            Preprocessing::Table { .. }
            | Preprocessing::Sources { .. }
            | Preprocessing::Text { .. }
            | Preprocessing::Pictures { .. }
            | Preprocessing::PictureFiles { .. }
            | Preprocessing::Custom(_),
            _,
        ) => None,
    }
}

/// The first word or label that was learned otherwise; `None` when all were learned alike.
pub(super) fn of_texts(before: &FittedTexts, now: &FittedTexts) -> Option<String> {
    let words = before.inputs.iter().zip(&now.inputs).find_map(|(before, now)| {
        let first = usize::try_from(Vocabulary::UNKNOWN).unwrap_or(0) + 1;
        let fact = texts("word", first, before.vocabulary.words(), now.vocabulary.words())?;
        Some(format!("input {}: {fact}", quoted(&before.name)))
    });
    words.or_else(|| {
        before.tasks.iter().zip(&now.tasks).find_map(|(before, now)| {
            Some(format!("task {}: {}", before.name, texts("label", 0, &before.known, &now.known)?))
        })
    })
}

/// The first column that was learned otherwise; `None` when all were learned alike.
pub(super) fn of_fits(before: &FittedSchema, now: &FittedSchema) -> Option<String> {
    let columns = before.schema().columns.iter().zip(before.columns().iter().zip(now.columns()));
    columns.filter(|(_, (before, now))| before != now).find_map(|(column, (before, now))| {
        Some(format!("column {}: {}", quoted(column.name()), of_column(before, now)?))
    })
}

fn of_column(before: &FittedColumn, now: &FittedColumn) -> Option<String> {
    match (before, now) {
        (FittedColumn::Categorical { vocabulary: before }, FittedColumn::Categorical { vocabulary: now }) => {
            texts("code", 1, before, now)
        }
        (FittedColumn::Label { known: before }, FittedColumn::Label { known: now }) => texts("label", 0, before, now),
        (
            FittedColumn::Numeric { mean, std, edges, quantiles, .. },
            FittedColumn::Numeric { mean: mean_now, std: std_now, edges: edges_now, quantiles: quantiles_now, .. },
        ) => {
            if let Some(at) = first_difference(quantiles, quantiles_now) {
                let shown = |q: Option<&f64>| q.map_or_else(|| "none".to_owned(), |q| format!("{q:.6}"));
                return Some(format!("quantile {at} {} -> {}", shown(quantiles.get(at)), shown(quantiles_now.get(at))));
            }
            let is_scaled_alike = mean.to_bits() == mean_now.to_bits() && std.to_bits() == std_now.to_bits();
            if let (true, Some(at)) = (is_scaled_alike, first_difference(edges, edges_now)) {
                let shown = |edge: Option<&f32>| edge.map_or_else(|| "none".to_owned(), ToString::to_string);
                return Some(format!(
                    "edge {at} of its bins was {}, would be {}",
                    shown(edges.get(at)),
                    shown(edges_now.get(at))
                ));
            }
            Some(format!("mean {mean:.6} -> {mean_now:.6}, deviation {std:.6} -> {std_now:.6}"))
        }
        (FittedColumn::Buckets { edges: before }, FittedColumn::Buckets { edges: now }) => {
            let at = first_difference(before, now)?;
            let shown = |edge: Option<&f64>| edge.map_or_else(|| "none".to_owned(), ToString::to_string);
            Some(format!("edge {at} of its ranges was {}, would be {}", shown(before.get(at)), shown(now.get(at))))
        }
        (FittedColumn::Set { members: before, .. }, FittedColumn::Set { members: now, .. }) => {
            texts("member", 1, before, now)
        }
        (FittedColumn::Fields { fields: before }, FittedColumn::Fields { fields: now }) => {
            let at = first_difference(before, now)?;
            match (before.get(at), now.get(at)) {
                (Some(a), Some(b)) if a.name == b.name => Some(format!(
                    "{}: mean {:.6} -> {:.6}, deviation {:.6} -> {:.6}",
                    a.name, a.mean, b.mean, a.std, b.std
                )),
                (a, b) => {
                    let shown =
                        |field: Option<&FittedField>| field.map_or("none", |field| field.name.as_str()).to_owned();
                    Some(format!("field {at} was {}, would be {}", shown(a), shown(b)))
                }
            }
        }
        _ => None,
    }
}

fn first_difference<T: PartialEq>(before: &[T], now: &[T]) -> Option<usize> {
    (0..before.len().max(now.len())).find(|&at| before.get(at) != now.get(at))
}

/// The first place at which two lists of texts differ; places count from `first`.
fn texts(what: &str, first: usize, before: &[String], now: &[String]) -> Option<String> {
    let at = first_difference(before, now)?;
    let shown = |text: Option<&String>| text.map_or_else(|| "none".to_owned(), |text| quoted(text));
    Some(format!("{what} {} was {}, would be {}", at + first, shown(before.get(at)), shown(now.get(at))))
}

/// The first setting that differs, in words: `scale.mean 3 -> 4`; `None` when all are alike.
pub(super) fn of_settings(before: &Value, now: &Value) -> Option<String> {
    fn first(path: &str, before: &Value, now: &Value) -> Option<String> {
        if before == now {
            return None;
        }
        if let (Value::Object(before), Value::Object(now)) = (before, now) {
            let nothing = &Value::Null;
            let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(*key)));
            return keys.into_iter().find_map(|key| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                first(&path, before.get(key).unwrap_or(nothing), now.get(key).unwrap_or(nothing))
            });
        }
        let short = |value: &Value| {
            let text = value.to_string();
            if text.chars().count() <= 40 { text } else { text.chars().take(40).chain("..".chars()).collect() }
        };
        Some(format!("{path} {} -> {}", short(before), short(now)).trim_start().to_owned())
    }
    first("", before, now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::table::{CsvFormat, Schema, Table};

    fn fit(text: &str) -> FittedSchema {
        let schema: Schema = toml::from_str(
            r#"columns = [
                { name = "wood", kind = "categorical" },
                { name = "size", kind = "numeric" },
                { name = "y", kind = "label", label = "class" },
            ]"#,
        )
        .unwrap();
        let format = CsvFormat { header: false, ..CsvFormat::default() };
        let table = Table::parse("t.csv".as_ref(), text.as_bytes(), &format, &schema).unwrap();
        FittedSchema::fit(&schema, &table, &(0..table.n_rows() as u64).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_first_fact_that_differs_is_named() {
        let before = fit("ash,1,a\nash,3,b\nelm,2,a\n");
        let difference = |text: &str| of_fits(&before, &fit(text));
        assert_eq!(difference("ash,3,a\nelm,2,b\nash,1,a\n"), None);
        let swapped = difference("ash,1,a\nelm,3,b\nelm,2,a\n").unwrap();
        assert_eq!(swapped, r#"column "wood": code 1 was "ash", would be "elm""#);
        let scaled = difference("ash,10,a\nash,30,b\nelm,20,a\n").unwrap();
        assert_eq!(scaled, r#"column "size": mean 2.000000 -> 20.000000, deviation 0.816497 -> 8.164966"#);
        let spread = |values: [i32; 4]| fit(&values.map(|x| format!("ash,{x},a\nash,{x},b\n")).concat());
        let edges = of_fits(&spread([0, 10, 0, 10]), &spread([-2, 12, 4, 6])).unwrap();
        assert_eq!(edges, r#"column "size": edge 0 of its bins was -1, would be -1.4"#);
        let classes = difference("ash,1,a\nash,3,b\nelm,2,c\n").unwrap();
        assert_eq!(classes, r#"column "y": label 2 was none, would be "c""#);
    }

    #[test]
    fn the_first_setting_that_differs_is_named() {
        let before = json!({ "mean": 3, "words": { "a": 1, "b": [2] } });
        assert_eq!(of_settings(&before, &before), None);
        let other = |now: Value| of_settings(&before, &now).unwrap();
        assert_eq!(other(json!({ "mean": 4, "words": { "a": 1, "b": [2] } })), "mean 3 -> 4");
        assert_eq!(other(json!({ "mean": 3, "words": { "a": 1, "b": [5] } })), "words.b [2] -> [5]");
        assert_eq!(other(json!({ "mean": 3 })), r#"words {"a":1,"b":[2]} -> null"#);
        assert_eq!(other(json!([1])), r#"{"mean":3,"words":{"a":1,"b":[2]}} -> [1]"#);
        assert!(of_settings(&json!("x".repeat(100)), &json!(1)).unwrap().len() < 60);
    }
}
