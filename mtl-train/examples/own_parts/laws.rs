//! The laws that parts of the toolkit keep, run over these: `cargo test` in a crate of one's own.

use mtl_core::{
    answer::{Answer, Cells, Custom, Labels},
    balance::BalancerConfig,
    encode::{EncoderConfig, EncoderPlan},
    features::View,
    input::{self, InputSpec, Numeric},
    laws::{self as core_laws, balancer::Claims},
    metric::MetricName,
    prediction::Reference,
    rng::Rng,
    share::SharingConfig,
    task::{Task, TaskName, TaskSet},
};
use mtl_data::DatasetConfig;
use mtl_heads::{HeadConfig, HeadPlace};
use mtl_metrics::laws as metric_laws;

use super::{angle::Angle, cyclic::Cyclic, parts};

fn inputs() -> InputSpec {
    let time = Cyclic { names: vec!["hour".into()], periods: vec![24.0] };
    let pressure = Numeric::new(vec!["pressure".into()]);
    InputSpec::new([("time", input::Custom::new(time).into()), ("pressure", pressure.into())]).unwrap()
}

#[test]
fn the_head() {
    parts().into_result().unwrap();
    let (head, task, view) =
        (HeadConfig::by_name("compass").unwrap(), TaskName::new("wind").unwrap(), View::Pooled { width: 6 });
    let answer = Answer::Custom(Custom::new(Angle { names: vec!["wind".into()] }));
    let degrees = |rng: &mut Rng| (360.0 * rng.uniform()) as f32;
    mtl_heads::laws::check(|scope| head.build(HeadPlace::new(scope, &task, &view, &answer)), degrees).unwrap();
}

#[test]
fn the_encoder() {
    parts().into_result().unwrap();
    core_laws::encoder::check(&EncoderConfig::by_name("harmonics").unwrap(), &inputs()).unwrap();
}

#[test]
fn the_method() {
    parts().into_result().unwrap();
    let method = BalancerConfig::by_name("hardest").unwrap();
    let tasks = |n: usize| TaskSet::new((0..n).map(|i| Task::new(&format!("t{i}"))).collect::<Result<_, _>>()?);
    // It looks at losses alone: the sum of its weights is their number, the direction follows the lengths of gradients.
    let claims = Claims { sum: Some((1.0, 1)), linear: true, ..Claims::USUAL };
    core_laws::balancer::check(claims, &|n| method.build(&tasks(n)?)).unwrap();
}

#[test]
fn the_source() {
    parts().into_result().unwrap();
    let file = std::env::temp_dir().join(format!("weather-{}.csv", std::process::id()));
    let line = |i: usize| format!("{},{},{},{},{}\n", i % 24, i % 12, 990 + i, i * 7 % 360, ["yes", "no", ""][i % 3]);
    let lines: String = (0..40).map(line).collect();
    std::fs::write(&file, format!("hour,month,pressure,direction,rain\n{lines}")).unwrap();
    let settings = format!("kind = \"weather\"\nfile = {:?}", file.display().to_string());
    let splits = toml::from_str::<DatasetConfig>(&settings).unwrap().load().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!([splits.train.len(), splits.validation.len(), splits.test.len()], [24, 8, 8]);
    for source in [&splits.train, &splits.validation, &splits.test] {
        mtl_data::laws::source::check(&**source).unwrap();
    }
}

#[test]
fn the_architecture_on_the_encoder() {
    parts().into_result().unwrap();
    let tasks = TaskSet::new(["wind", "rain"].iter().map(|name| Task::new(name).unwrap()).collect()).unwrap();
    let (encoder, sharing) =
        (EncoderConfig::by_name("harmonics").unwrap(), SharingConfig::by_name("adapters").unwrap());
    let spec = inputs();
    core_laws::sharing::check(
        &tasks,
        |scope| sharing.build(scope, &EncoderPlan::new(&encoder, &spec), &tasks),
        |kind, rows| core_laws::sharing::inputs(&spec, kind, rows),
    )
    .unwrap();
}

#[test]
fn the_metric() {
    parts().into_result().unwrap();
    let metric = mtl_metrics::registry::process().build(&MetricName::new("angle-error").unwrap()).unwrap();
    let said = Angle::prediction(vec![10.0, 350.0, 180.0, 90.0, 0.0]);
    let labels = Labels::dense(Cells::Number(vec![350.0, 10.0, f32::NAN, 45.0, 180.0]), 5, &[1]).unwrap();
    let truth = Reference::Custom { kind: Angle::KIND, labels };
    let mut seen = metric.boxed_clone();
    seen.update(&said, &truth).unwrap();
    assert_eq!(seen.compute().value, Some((20.0 + 20.0 + 45.0 + 180.0) / 4.0));
    metric_laws::check(&*metric, &said, &truth, &[3, 0, 4, 2, 1], &[1, 3], metric_laws::Tolerance::Bits).unwrap();
    let other = Reference::Custom { kind: "other", labels: Labels::indices(vec![0; 5]) };
    assert!(seen.update(&said, &other).is_err());
}
