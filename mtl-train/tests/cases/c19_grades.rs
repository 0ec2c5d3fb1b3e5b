//! Grades: classes in an order that the file's alphabet does not have. They are learned, judged, written and explained as what
//! they are, from a line of the schema.

use crate::run::Place;

const GRADES: [&str; 3] = ["poor", "fair", "good"];

/// The grade of a sample, which rises with `x`.
fn grade(x: f64) -> usize {
    usize::from(x > 0.3) + usize::from(x > 0.7)
}

fn place(label: &str) -> Place {
    let place = Place::new();
    let rows: String = (0..600_u32)
        .map(|i| {
            let x = f64::from((i * 7919) % 1000) / 1000.0;
            // One in ten is not graded, one in twenty a grade off.
            let shown = match i {
                i if i % 10 == 3 => "".to_owned(),
                i if i % 20 == 7 => GRADES[1].to_owned(),
                _ => GRADES[grade(x)].to_owned(),
            };
            format!("{x:.3},{},{shown}\n", (i * 31) % 17)
        })
        .collect();
    place.write("t.csv", format!("x,noise,state\n{rows}"));
    let config = format!(
        "[data]\nkind = \"csv\"\ntrain = \"t.csv\"\n[data.schema]\nmissing = [\"\"]\ncolumns = [\n{{ name = \"x\", kind = \
         \"numeric\" }},\n{{ name = \"noise\", kind = \"numeric\" }},\n{{ name = \"state\", kind = \"label\", label = {label} \
         }}\n]\n[encoder]\nkind = \"tabular\"\nhidden = [16]\n[device]\nthreads = 1\n[train]\nbatch_size = 32\nepochs = 30\n"
    );
    place.write("c.toml", config);
    place
}

#[test]
fn grades_go_through_the_whole_program() {
    let place = place("{ ordinal = [\"poor\", \"fair\", \"good\"] }");
    let shown = place.done(&["train", "c.toml", "--dry-run"]).out;
    assert!(shown.contains("ordinal") && shown.contains("logits of exceeding each grade"), "{shown}");
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let found = |metric: &str| {
        let of_task = metrics["test"]["tasks"][0]["metrics"].as_array().unwrap();
        of_task.iter().find(|m| m["metric"] == metric).unwrap()["outcome"]["value"].as_f64().unwrap()
    };
    assert!(found("grade-mae") < 0.25 && found("quadratic-kappa") > 0.75, "{metrics}");
    let data = place.read("run/data.json");
    assert!(data.contains("\"ordinal\"") && data.contains("\"grades\""), "{data}");
    // From the package alone, in either form.
    place.done(&["export", "run", "--to", "model"]);
    place.write("new.csv", "x,noise\n0.05,3\n0.5,3\n0.95,3\n");
    for model in ["run", "model", "model/model.pt"] {
        let out = place.done(&["predict", model, "--input", "new.csv"]).out;
        let mut lines = out.lines();
        assert_eq!(lines.next(), Some("row,state,state.poor,state.fair,state.good"), "{model}");
        for (line, name) in lines.zip(GRADES) {
            let fields: Vec<&str> = line.split(',').collect();
            let sum: f64 = fields[2..].iter().map(|p| p.parse::<f64>().unwrap()).sum();
            assert!(fields[1] == name && (sum - 1.0).abs() < 1e-4, "{model}: {line}");
        }
    }
    let card = place.read("model/README.md");
    assert!(card.contains("a grade, from low to high: poor, fair, good"), "{card}");
    let page = place.done(&["report", "run"]);
    let page = page.out + &place.read("run/report.html");
    assert!(page.contains("Grades off") && page.contains("3 grades"));
    let explained = place.done(&["explain", "run"]);
    assert!(!explained.err.contains("no single answer"), "{}", explained.err);
}

#[test]
fn the_other_loss_and_what_is_refused() {
    let place = place("{ ordinal = [\"poor\", \"fair\", \"good\"] }");
    let link = place.done(&["train", "c.toml", "--run-dir", "run", "--set", "task.state.head.loss=cumulative-link"]);
    assert!(!link.err.contains("not finite"), "{}", link.err);
    let e = place.refused(&["train", "c.toml", "--run-dir", "no", "--set", "task.state.head.kind=class"]);
    assert!(e.contains("\"ordinal\" for the labels of task state") && e.contains("grades [b] of 3"), "{e}");
    let short = self::place("{ ordinal = [\"poor\", \"good\"] }");
    let e = short.refused(&["train", "c.toml", "--run-dir", "no"]);
    assert!(e.contains("these are the grades that the column names: add it in its place"), "{e}");
    let one = self::place("{ ordinal = [\"poor\"] }").refused(&["train", "c.toml", "--run-dir", "no"]);
    assert!(one.contains("at least two grades"), "{one}");
}
