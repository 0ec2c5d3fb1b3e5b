//! One model, four ways to run it.

use std::{fs, path::Path};

use mtl_data::Source;
use mtl_train::{
    config::RunConfig,
    deploy::{
        export::{Formats, MANIFEST, Package, TORCHSCRIPT, TorchScript, WEIGHTS, export, export_session},
        predict::Predictor,
    },
    run::session::Session,
};
use tch::{CModule, Device, IValue, Tensor};

use crate::fixture::{Run, difference, join, pictures};

fn answers(model: &Predictor, rows: &Path, batch_size: usize) -> Vec<ndarray::Array2<f32>> {
    join(model.answers(rows, batch_size).unwrap().map(Result::unwrap))
}

#[test]
fn run_package_and_torchscript_answer_as_the_evaluation_does() {
    let run = Run::new();
    let expected = run.evaluated();
    let package = run.path("package");
    let files = export(&run.dir(), &package, Formats::Both).unwrap();
    let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, [WEIGHTS, TORCHSCRIPT, MANIFEST, "README.md"]);
    // The TorchScript file stands alone.
    let alone = run.path("alone.pt");
    fs::copy(package.join(TORCHSCRIPT), &alone).unwrap();
    let (scripted, weighted) = (run.path("scripted"), run.path("weighted"));
    export(&run.dir(), &scripted, Formats::Torchscript).unwrap();
    export(&run.dir(), &weighted, Formats::Safetensors).unwrap();
    assert!(!scripted.join(WEIGHTS).exists() && !weighted.join(TORCHSCRIPT).exists());
    for path in [&package, &run.path("run"), &alone, &scripted, &weighted] {
        let model = Predictor::open(path, Device::Cpu).unwrap();
        assert_eq!(model.description().tasks.len(), 4);
        for batch_size in [1, 7, 4096] {
            let found = answers(&model, &run.path("test.csv"), batch_size);
            let difference = difference(&expected, &found);
            assert!(difference <= 1e-6, "{} in batches of {batch_size}: {difference}", path.display());
        }
    }
}

#[test]
fn labels_need_not_be_there() {
    let run = Run::new();
    let model = Predictor::of_run(&run.dir()).unwrap();
    let text = fs::read_to_string(run.path("test.csv")).unwrap();
    // The note and the labels are the columns after the last but five commas; no field behind them is quoted.
    let bare: String = text.lines().map(|l| l.rsplitn(7, ',').last().unwrap().to_owned() + "\n").collect();
    assert!(bare.starts_with("size,color,\"shop, town\",gain\n"), "{bare}");
    fs::write(run.path("bare.csv"), bare).unwrap();
    assert!(difference(&run.evaluated(), &answers(&model, &run.path("bare.csv"), 50)) <= 1e-6);
}

#[test]
fn tch_runs_the_file_with_all_outputs() {
    let run = Run::new();
    let package = run.path("package");
    export(&run.dir(), &package, Formats::Both).unwrap();
    let module = CModule::load(package.join(TORCHSCRIPT)).unwrap();
    let model = run.session.trainer.model();
    let mut named = module.named_parameters().unwrap();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    // Buffers (center and scale of number targets) are constants of the network.
    let buffers: Vec<&str> = model.params().buffers().iter().map(|b| b.name()).collect();
    let mut own: Vec<_> = model.params().tensors().filter(|(name, _)| !buffers.contains(name)).collect();
    own.sort_by(|a, b| a.0.cmp(b.0));
    assert_eq!(named.len(), own.len());
    for ((name, tensor), (own_name, own_tensor)) in named.iter().zip(own) {
        assert!(name == own_name && tensor.equal(own_tensor), "{name} {own_name}");
    }
    for b in [1u64, 7] {
        let batch = run.splits.test.batch(&(0..b).collect::<Vec<_>>()).unwrap();
        let arguments: Vec<IValue> =
            batch.inputs.iter().map(|(_, x)| IValue::Tensor(x.tensor().shallow_clone())).collect();
        let IValue::Tuple(outputs) = module.forward_is(&arguments).unwrap() else { panic!("no tuple") };
        let expected: Vec<_> = model.predict(&batch.inputs).unwrap().iter().map(crate::fixture::numbers).collect();
        let found: Vec<_> =
            outputs.into_iter().map(|o| mtl_core::batch::array2(&Tensor::try_from(o).unwrap()).unwrap()).collect();
        assert!(difference(&expected, &found) <= 1e-6, "{b}");
    }
}

#[test]
fn the_package_describes_itself() {
    let run = Run::new();
    let package = run.path("package");
    export(&run.dir(), &package, Formats::Both).unwrap();
    let manifest = Package::open(&package).unwrap().manifest().clone();
    let model = &manifest.model;
    let tensors: Vec<_> =
        model.input_tensors.iter().map(|t| (t.name.as_str(), t.kind.as_str(), t.shape_text())).collect();
    assert_eq!(tensors, [("categorical", "int64", "[batch, 2]".into()), ("numeric", "float32", "[batch, 2]".into())]);
    let outputs: Vec<_> = model.output_tensors.iter().map(|t| (t.name.as_str(), t.shape[1])).collect();
    assert_eq!(outputs, [("grade", 3), ("sold", 1), ("price", 1), ("box", 2)]);
    assert_eq!((model.record.train_samples, model.record.test_samples, model.record.best_epoch), (240, 123, Some(2)));
    assert_eq!(model.record.test.as_ref().unwrap(), &run.session.test().unwrap());
    let card = fs::read_to_string(package.join("README.md")).unwrap();
    for part in [
        "# grade, sold, price, box",
        "| grade | one of a, b, c | class | accuracy |",
        "240 samples to learn from, 60 for validation, 123 for testing",
        "## Metrics of epoch 2",
        "| task | metric | validation | test |",
        "optimizer",
        "mtl predict . --input rows.csv",
        "grade, sold, price, box = model(categorical, numeric)",
        "## Limits",
    ] {
        assert!(card.contains(part), "{part} is not in\n{card}");
    }
    // Where the data lie is nobody else's business.
    let json = fs::read_to_string(package.join(MANIFEST)).unwrap();
    let folder = run.path("").display().to_string();
    assert!(!card.contains(&folder) && !json.contains(&folder));
    assert!(!json.contains("null"));
}

#[test]
fn pictures_too() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let text = format!(
        "data = {{ kind = \"fashion-pairs\", dir = {:?}, standardize = true, validation = 0.3 }}\n\
         encoder = {{ kind = \"conv\" }}\ntrain = {{ epochs = 1, batch_size = 16 }}\ndevice = {{ threads = 1 }}\n",
        folder.path()
    );
    let config = RunConfig::parse(&text, "pictures.toml".as_ref()).unwrap();
    let splits = config.data.load().unwrap();
    let mut session = Session::new(&config, &splits).unwrap();
    session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
    let to = folder.path().join("package");
    export_session(&session, &config, &to, Formats::Both).unwrap();

    // The raw pictures of the test split, as whoever uses the model would have them.
    let batch = splits.test.batch(&[0, 1, 2, 3, 4]).unwrap();
    let image = *splits.preprocessing.as_ref().unwrap().pictures("image").unwrap();
    let scaled = batch.inputs.get("image").unwrap();
    let bytes = ((scaled * f64::from(image.std) + f64::from(image.mean)) * 255.0).round().to_kind(tch::Kind::Uint8);
    let bytes = Vec::<u8>::try_from(bytes.view(-1)).unwrap();
    let idx = folder.path().join("raw-idx3-ubyte");
    fs::write(&idx, [&[0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 36, 0, 0, 0, 36][..], &bytes].concat()).unwrap();
    let expected = join(std::iter::once(session.trainer.model().predict(&batch.inputs).unwrap()));
    for path in [&to, &to.join(TORCHSCRIPT)] {
        let model = Predictor::open(path, Device::Cpu).unwrap();
        assert!(difference(&expected, &answers(&model, &idx, 2)) <= 1e-6);
    }
    assert!(
        TorchScript::load(&to.join(TORCHSCRIPT), Device::Cpu)
            .unwrap()
            .forward(&mtl_core::batch::Inputs::default())
            .is_err()
    );
}
