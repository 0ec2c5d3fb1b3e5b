//! The model card: what a person should know before using a model.

use std::fmt::Write as _;

use mtl_core::task::TaskName;
use mtl_data::{Origin, Preprocessing};
use mtl_metrics::MetricReport;

use super::{
    MANIFEST, TORCHSCRIPT, WEIGHTS,
    description::{TaskDescription, TensorSpec},
    manifest::Manifest,
};

/// The card as Markdown.
pub(super) fn card(manifest: &Manifest) -> String {
    let parts = [
        title(manifest),
        tasks(manifest),
        data(manifest),
        metrics(manifest),
        post_hoc(manifest),
        training(manifest),
        tensors(manifest),
        usage(manifest),
        limits(manifest),
        files(manifest),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn title(manifest: &Manifest) -> String {
    let model = &manifest.model;
    let names: Vec<&str> = model.tasks.iter().map(|t| t.name.as_str()).collect();
    let record = &model.record;
    let total = record.shared_parameters + record.task_parameters.iter().sum::<u64>();
    let (encoder, sharing, n) = (model.encoder.name(), model.sharing.name(), names.len());
    format!(
        "# {}\n\nOne network for {n} task{}: a `{encoder}` encoder under `{sharing}` sharing, with a head per task. \
         {total} parameters, of which {} are shared by all tasks; {} multiply-adds a sample.\nMade by {}.\n",
        names.join(", "),
        if n == 1 { "" } else { "s" },
        record.shared_parameters,
        record.multiply_adds,
        manifest.made_by,
    )
}

fn tasks(manifest: &Manifest) -> String {
    let mut text =
        String::from("## Tasks\n\n| task | answers | head | judged by | own parameters |\n|---|---|---|---|---|\n");
    let model = &manifest.model;
    for (idx, task) in model.tasks.iter().enumerate() {
        let own = model.record.task_parameters.get(idx).map_or("-".to_owned(), ToString::to_string);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {own} |",
            task.name,
            cell(&answer(task)),
            task.head.name(),
            task.primary
        );
    }
    text
}

fn answer(task: &TaskDescription) -> String {
    const SHOWN: usize = 12;
    let (what, names) = (task.answer.lead(), task.answer.names());
    let more = names.len().saturating_sub(SHOWN);
    let names: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = if more > 0 { format!(" and {more} more (see {MANIFEST})") } else { String::new() };
    format!("{what} {}{more}", names.join(", "))
}

fn data(manifest: &Manifest) -> String {
    let (model, record) = (&manifest.model, &manifest.model.record);
    let origin = match record.origin {
        Origin::Real => "samples from files",
        Origin::Synthetic => "generated samples: nothing here was measured in the world",
    };
    let mut text = format!(
        "## Data\n\nData set `{}`, {origin}. {} samples to learn from, {} for validation, {} for testing.\n",
        record.dataset, record.train_samples, record.validation_samples, record.test_samples
    );
    if let Some(print) = &record.data_print {
        let _ = writeln!(text, "Data print `{print}`: a run on the same settings and file contents has the same.");
    }
    if let Some(preprocessing) = &model.preprocessing {
        let _ = writeln!(text, "Raw input: {}.", preprocessing.describe());
    }
    if let Some(Preprocessing::Text { .. }) = &model.preprocessing {
        let _ = writeln!(
            text,
            "Vocabularies were learned from the samples to learn from, and nothing else; a word that they do not hold counts as \
             unknown."
        );
    }
    if let Some(Preprocessing::Table { .. }) = &model.preprocessing {
        let _ = writeln!(
            text,
            "Vocabularies, means and scales were learned from the samples to learn from, and nothing else; a text that they \
             do not hold counts as unknown."
        );
    }
    text
}

fn metrics(manifest: &Manifest) -> String {
    let record = &manifest.model.record;
    let epoch = record.selection.as_ref().map(|choice| choice.epoch).or(record.best_epoch);
    let epoch = epoch.map_or(String::new(), |epoch| format!(" of epoch {epoch}"));
    let mut text = format!("## Metrics{epoch}\n\n");
    if record.validation.is_none() && record.test.is_none() {
        text.push_str("None are known: the model was exported without the metrics of a finished run.\n");
        return text;
    }
    let grounds = match (&record.selection, record.best_epoch) {
        (Some(choice), _) => format!("Of {}. The test split had no say in anything.", cell(&choice.sentence())),
        (None, Some(_)) => {
            "The epoch was chosen on the validation split; the test split had no say in anything.".into()
        }
        (None, None) => "Of the last epoch: none was chosen on the validation split.".into(),
    };
    let _ = writeln!(text, "{grounds} `constant` is what answers without a look at the input would have on test.\n");
    let intervals = record.intervals.as_ref().filter(|_| record.test.is_some());
    match intervals {
        Some(found) => {
            let _ = writeln!(
                text,
                "Interval: how far off a test figure may be because of the samples it is of ({:.0} %, by {}); it says nothing \
                 of another seed.\n\n| task | metric | validation | test | constant | interval |\n|---|---|---|---|---|---|",
                100.0 * found.level,
                found.methods()
            );
        }
        None => text.push_str("| task | metric | validation | test | constant |\n|---|---|---|---|---|\n"),
    }
    let empty = MetricReport::default();
    let constant = record.constant.as_ref().unwrap_or(&empty);
    let (validation, test) = (record.validation.as_ref().unwrap_or(&empty), record.test.as_ref().unwrap_or(&empty));
    let listed = if record.test.is_some() { test } else { validation };
    for report in &listed.tasks {
        for entry in &report.metrics {
            let of = |split: &MetricReport| {
                split.entry(report.task.as_str(), &entry.metric).map_or("-".to_owned(), |e| format!("{:.4}", e.outcome))
            };
            let interval =
                intervals.map(|found| found.get(report.task.as_str(), &entry.metric).and_then(|m| m.interval));
            let interval = interval.map_or_else(String::new, |ends| match ends {
                Some([low, high]) => format!(" {low:.4} to {high:.4} |"),
                None => " - |".to_owned(),
            });
            let row = [of(validation), of(test), of(constant)].join(" | ");
            let _ = writeln!(text, "| {} | {} | {row} |{interval}", report.task, entry.metric);
        }
    }
    for entry in &listed.joint {
        let of =
            |split: &MetricReport| split.joint(&entry.name).map_or("-".to_owned(), |e| format!("{:.4}", e.outcome));
        let interval = intervals.map(|found| found.joint(&entry.name).and_then(|m| m.interval));
        let interval = interval.map_or_else(String::new, |ends| match ends {
            Some([low, high]) => format!(" {low:.4} to {high:.4} |"),
            None => " - |".to_owned(),
        });
        let tasks: Vec<&str> = entry.tasks.iter().map(TaskName::as_str).collect();
        let row = [of(validation), of(test), of(constant)].join(" | ");
        let _ = writeln!(text, "| {} | {} | {row} |{interval}", tasks.join(" + "), entry.name);
    }
    text
}

/// What was fitted to the answers, and how whoever runs the network alone makes use of it.
fn post_hoc(manifest: &Manifest) -> String {
    let fitted = || manifest.model.tasks.iter().filter_map(|task| Some((task, task.post_hoc.as_ref()?)));
    if fitted().next().is_none() {
        return String::new();
    }
    let mut text = format!(
        "## Calibration, sets and decisions\n\nFitted to the answers on validation after training; the numbers are in `{MANIFEST}`, under \
         `post_hoc` of each task. Calibration is part of `{TORCHSCRIPT}`; the rest is computed from its answers: a class is in the set where \
         its score is at most the quantile, an interval ends a quantile beyond the band of its score, yes is said from the threshold on, an \
         answer is rejected above the risk. `mtl predict` writes all of it.\n\n| task | samples | fitted |\n|---|---|---|\n"
    );
    for (task, fit) in fitted() {
        let _ =
            writeln!(text, "| {} | {} | {} |", task.name, fit.samples, cell(&shortened(&fit.describe().join("; "))));
    }
    text
}

fn training(manifest: &Manifest) -> String {
    format!("## Training\n\n```toml\n{}\n```\n", manifest.model.record.settings.trim())
}

fn tensors(manifest: &Manifest) -> String {
    let mut text = String::from(
        "## Tensors\n\nWhat the network itself takes and gives: arguments and results of the TorchScript module, in this \
         order. `batch` is any number of samples.\n\n| | name | kind | shape | meaning |\n|---|---|---|---|---|\n",
    );
    let mut rows = |role: &str, specs: &[TensorSpec]| {
        for spec in specs {
            let meaning = cell(&shortened(&spec.meaning));
            let _ = writeln!(text, "| {role} | {} | {} | `{}` | {meaning} |", spec.name, spec.kind, spec.shape_text());
        }
    };
    rows("in", &manifest.model.input_tensors);
    rows("out", &manifest.model.output_tensors);
    text
}

fn usage(manifest: &Manifest) -> String {
    let mut text = String::from("## Use\n\n");
    let sources = manifest.model.preprocessing.as_ref().map_or(&[][..], Preprocessing::sources);
    if !sources.is_empty() {
        text.push_str(
            "Samples come from several sources; each has its inputs, and is answered for its tasks:\n\n```sh\n",
        );
        for source in sources {
            let tasks = source.tasks.iter().map(|task| task.as_str()).collect::<Vec<_>>().join(", ");
            let _ =
                writeln!(text, "mtl predict . --source {} --input FILE --output answers.csv  # {tasks}", source.name);
        }
        text.push_str("```\n\n");
    } else if manifest.model.preprocessing.is_some() {
        let _ = writeln!(
            text,
            "Raw rows to answers, from this folder or from `{TORCHSCRIPT}` alone:\n\n```sh\nmtl predict . --input rows.csv \
             --output answers.csv\n```\n\nIn Rust, with the crate `mtl-train`:\n\n```rust\nlet model = \
             mtl_train::deploy::predict::Predictor::open(\".\".as_ref(), tch::Device::Cpu)?;\nfor answers in \
             model.answers(\"rows.csv\".as_ref(), 1024)? {{\n    println!(\"{{:?}}\", answers?); // one Prediction per \
             task\n}}\n```\n"
        );
    }
    if manifest.file(TORCHSCRIPT).is_some() || manifest.files.is_empty() {
        let arguments: Vec<&str> = manifest.model.input_tensors.iter().map(|t| t.name.as_str()).collect();
        let results: Vec<String> = manifest.model.tasks.iter().map(|t| t.name.as_str().replace('-', "_")).collect();
        let _ = writeln!(
            text,
            "In Python, without any code of this model:\n\n```python\nimport json, torch\n\nextra = {{\"mtl.json\": \
             \"\"}}\nmodel = torch.jit.load(\"{TORCHSCRIPT}\", _extra_files=extra)\ndescription = \
             json.loads(extra[\"mtl.json\"])[\"model\"]  # classes, vocabularies, scales\n{}{} = model({})\n```\n",
            results.join(", "),
            // A tuple of one is still a tuple.
            if results.len() == 1 { "," } else { "" },
            arguments.join(", ")
        );
    }
    if manifest.file(WEIGHTS).is_some() {
        let _ = writeln!(
            text,
            "The weights by name:\n\n```python\nfrom safetensors.torch import load_file\n\nweights = \
             load_file(\"{WEIGHTS}\")\n```\n"
        );
    }
    text
}

fn limits(manifest: &Manifest) -> String {
    let mut text = String::from(
        "## Limits\n\n- Scores are those of the splits named above; on other data they may be anything.\n",
    );
    let is_calibrated = |task: &&TaskDescription| task.post_hoc.as_ref().is_some_and(|fit| fit.calibration.is_some());
    let calibrated: Vec<&str> =
        manifest.model.tasks.iter().filter(is_calibrated).map(|task| task.name.as_str()).collect();
    match calibrated.is_empty() {
        true => text.push_str("- Probabilities are the network's own; nobody calibrated them.\n"),
        false => {
            let _ = writeln!(
                text,
                "- Probabilities of {} are calibrated on validation, those of other tasks are the network's own.",
                calibrated.join(", ")
            );
        }
    }
    if manifest.model.tasks.iter().any(|task| task.post_hoc.as_ref().is_some_and(|fit| fit.conformal.is_some())) {
        text.push_str(
            "- Sets and intervals keep their promise for samples like those of validation, on average over them.\n",
        );
    }
    if let Some(Preprocessing::Table { .. }) = &manifest.model.preprocessing {
        text.push_str(
            "- Rows must have the columns of training, in the same units; nothing notices if units changed.\n",
        );
    }
    if let Some(texts) = manifest.model.preprocessing.as_ref().and_then(Preprocessing::texts) {
        let _ = writeln!(
            text,
            "- Words must be cut as in training (blanks between them, punctuation apart if it was); texts of more than {} words \
             are refused.",
            texts.max_length
        );
    }
    if manifest.model.preprocessing.is_none() {
        text.push_str(
            "- Inputs must be prepared by the caller: these data do not come from files of rows, texts or pictures.\n",
        );
    }
    text.push_str("- TorchScript is a program. Load it only from people whom you trust; a checksum is no signature.\n");
    text
}

fn files(manifest: &Manifest) -> String {
    let mut text = format!(
        "## Files\n\n| file | bytes | SHA-256 |\n|---|---|---|\n| `{MANIFEST}` | | holds a checksum of itself and of the \
         others |\n"
    );
    for file in &manifest.files {
        let _ = writeln!(text, "| `{}` | {} | `{}` |", file.name, file.bytes, file.sha256);
    }
    text
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 300;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}.. (all in {MANIFEST})", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text inside a table: names come from data and may hold anything.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => cell.push_str("\\|"),
            '<' => cell.push_str("&lt;"),
            c if c.is_control() => cell.push(' '),
            c => cell.push(c),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_data_cannot_break_a_table() {
        assert_eq!(cell("a|b\n<i>"), "a\\|b &lt;i>");
        assert_eq!(shortened("short"), "short");
        assert!(shortened(&"é".repeat(400)).ends_with(".. (all in model.json)"));
    }
}
