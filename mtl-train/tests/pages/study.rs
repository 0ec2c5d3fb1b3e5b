//! The page of a small comparison: two methods beside single-task networks, two seeds.

use mtl_train::{
    config::StudyConfig,
    study::compare::{self, Plan},
};

#[test]
fn a_comparison_fits_every_width() {
    let text = r#"
        data    = { kind = "synthetic-mmoe", train = 200, validation = 80, test = 80, targets = "both" }
        encoder = { kind = "mlp", hidden = [4] }
        train   = { epochs = 1, batch_size = 50 }
        compare = { balancer = ["equal", "upgrad"], seeds = 2 }
    "#;
    let study = StudyConfig::parse(text, "study.toml".as_ref()).unwrap();
    let splits = study.run.data.load().unwrap();
    let plan = Plan::new(study.run, &study.compare).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let comparison = compare::run(&plan, &splits, folder.path(), &mut ()).unwrap().unwrap();
    assert!(comparison.failures.is_empty(), "{:?}", comparison.failures);
    crate::browser::check("compare", &[compare::page(&comparison)]);
}
