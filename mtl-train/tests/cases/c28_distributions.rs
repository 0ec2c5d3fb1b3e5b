//! Distributions of numbers: counts and skewed amounts are learned by their likelihood and by quantiles, judged, written with parameters
//! and quantiles by the run and both exports, and a label that is no count is refused.

use crate::run::Place;

const LIKELIHOOD: &str = "{ kind = \"likelihood\", family = \"negative-binomial\", levels = [0.1, 0.9] }";
const QUANTILE: &str = "{ kind = \"quantile\", transform = \"log1p\" }";

fn place(first: &str) -> Place {
    let place = Place::new();
    let rows: String = (0..600_u32)
        .map(|i| {
            let x = f64::from((i * 7919) % 1000) / 1000.0;
            let noise = f64::from((i * 31) % 17) / 17.0;
            // More with x, and scattering more; one in ten is not known.
            let count = ((1.0 + 20.0 * x) * (0.3 + 1.4 * noise)).floor();
            let shown = if i % 10 == 3 { String::new() } else { count.to_string() };
            format!("{x:.3},{shown},{:.3}\n", (3.0 * x + noise).exp())
        })
        .collect();
    place.write("t.csv", format!("x,visits,price\n0.1,{first},2.5\n{rows}"));
    let config = format!(
        "[data]\nkind = \"csv\"\ntrain = \"t.csv\"\n[data.schema]\nmissing = [\"\"]\ncolumns = [\n{{ name = \"x\", kind = \
         \"numeric\" }},\n{{ name = \"visits\", kind = \"label\", label = \"value\" }},\n{{ name = \"price\", kind = \"label\", \
         label = \"value\" }}\n]\n[encoder]\nkind = \"tabular\"\nhidden = [16]\n[device]\nthreads = 1\n[train]\nbatch_size = \
         32\nepochs = 20\n[[task]]\nname = \"visits\"\nhead = {LIKELIHOOD}\n[[task]]\nname = \"price\"\nhead = {QUANTILE}\n"
    );
    place.write("c.toml", config);
    place
}

#[test]
fn distributions_go_through_the_whole_program() {
    let place = place("3");
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let found = |side: &str, task: usize, metric: &str| {
        let of_task = metrics[side]["tasks"][task]["metrics"].as_array().unwrap();
        of_task.iter().find(|m| m["metric"] == metric).unwrap()["outcome"]["value"].as_f64().unwrap()
    };
    for task in 0..2 {
        let coverage = found("test", task, "interval-coverage");
        assert!((0.75..=1.0).contains(&coverage), "{coverage}");
    }
    assert!(found("test", 0, "crps") < 3.0 && found("test", 0, "nll") < 3.5, "{metrics}");
    assert!(found("test", 1, "crps") < found("test", 1, "mae"), "a distribution says more than its median: {metrics}");
    place.done(&["export", "run", "--to", "model"]);
    place.write("new.csv", "x\n0.05\n0.5\n0.95\n");
    let mut said = Vec::new();
    for model in ["run", "model", "model/model.pt"] {
        let out = place.done(&["predict", model, "--input", "new.csv"]).out;
        let mut lines = out.lines();
        let header = "row,visits,visits.mean,visits.dispersion,visits.q0.1,visits.q0.9,price,price.q0.05,price.q0.25,price.q0.5,\
                      price.q0.75,price.q0.95";
        assert_eq!(lines.next(), Some(header), "{model}");
        let rows: Vec<Vec<f64>> = lines.map(|line| line.split(',').map(|x| x.parse().unwrap()).collect()).collect();
        for row in &rows {
            assert!(row[4] <= row[5] && row[4].fract() == 0.0, "{model}: {row:?}");
            assert!(row[7..].is_sorted() && (row[6] - row[9]).abs() < 1e-6 && row[3] > 0.0, "{model}: {row:?}");
        }
        assert!(rows[0][1] < rows[2][1] && rows[0][6] < rows[2][6], "{model}: {rows:?}");
        said.push(rows);
    }
    for (one, other) in said[0].iter().flatten().zip(said[2].iter().flatten()) {
        assert!((one - other).abs() <= 1e-3 * one.abs().max(1.0), "{said:?}");
    }
    let lines = place.done(&["predict", "model", "--input", "new.csv", "--format", "jsonl"]).out;
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["visits"]["form"], "negative-binomial", "{first}");
    assert!(first["visits"]["forecast"]["visits"]["dispersion"].is_number(), "{first}");
    assert!(first["price"]["forecast"]["price"]["q0.5"] == first["price"]["values"]["price"], "{first}");
    let described = place.read("model/model.json");
    assert!(
        described.contains("mean, dispersion of a negative-binomial distribution, for each of visits"),
        "{described}"
    );
    assert!(place.done(&["report", "run"]).code == 0 && place.done(&["explain", "run"]).code == 0);
}

#[test]
fn what_is_no_count_is_refused() {
    let e = self::place("-4").refused(&["train", "c.toml", "--run-dir", "run"]);
    assert!(e.contains("the labels of task visits, which go down to -4") && e.contains("negative-binomial"), "{e}");
    let place = place("3");
    let metric = |set: &str| place.refused(&["train", "c.toml", "--run-dir", "no", "--set", set]);
    let e = metric("task.price.metrics=[\"nll\"]");
    assert!(e.contains("distributions with a density") && e.contains("nll of task price"), "{e}");
    let e = metric("task.price.metrics=[\"interval-coverage@level=0.8\"]");
    assert!(e.contains("do not tell that of 0.1"), "{e}");
    let e = self::place("2.5").refused(&["train", "c.toml", "--run-dir", "run"]);
    assert!(e.contains("task visits") && e.contains("a whole number >= 0") && e.contains("found 2.5"), "{e}");
}
