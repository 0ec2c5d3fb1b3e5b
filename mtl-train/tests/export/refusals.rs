//! What is damaged, foreign, newer or hostile is refused in one line; nothing panics, nothing large is allocated.

use std::{fs, path::Path};

use mtl_core::rng::Rng;
use mtl_train::{
    Error,
    deploy::{
        export::{Formats, MANIFEST, Manifest, Package, TORCHSCRIPT, TorchScript, WEIGHTS, export},
        predict::Predictor,
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tch::Device;

use crate::fixture::Run;

fn exported() -> (Run, std::path::PathBuf) {
    let run = Run::new();
    let package = run.path("package");
    export(&run.dir(), &package, Formats::Both).unwrap();
    (run, package)
}

fn refusal(path: &Path) -> String {
    let e = Predictor::open(path, Device::Cpu).unwrap_err().to_string();
    assert_eq!(e.lines().count(), 1, "{e}");
    e
}

/// The same manifest with a checksum that fits what it says now: what somebody with bad intentions would write.
fn resealed(mut whole: Value) -> Vec<u8> {
    let sealed = json!({ "files": whole["files"], "model": whole["model"] }).to_string();
    let digits: String = Sha256::digest(sealed).iter().map(|byte| format!("{byte:02x}")).collect();
    whole["sha256"] = digits.into();
    whole.to_string().into_bytes()
}

#[test]
fn a_damaged_package_says_which_file() {
    let (_run, package) = exported();
    let path = package.join(WEIGHTS);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&path, &flipped).unwrap();
    assert!(refusal(&package).contains("model.safetensors: is damaged, or of another model"));
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(refusal(&package).contains("model.safetensors: is damaged: expected"));
    fs::remove_file(&path).unwrap();
    assert!(refusal(&package).contains("cannot read a file of the package"));
    fs::write(&path, &whole).unwrap();

    let path = package.join(TORCHSCRIPT);
    let whole = fs::read(&path).unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(refusal(&path).contains("no TorchScript file of `mtl export`"), "{cut}");
    }
    let mut rng = Rng::new(8);
    for _ in 0..50 {
        let mut bytes = whole.clone();
        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << rng.below(8);
        assert!(matches!(TorchScript::from_bytes(&bytes, &path, Device::Cpu), Err(Error::Package { .. })), "{at}");
    }
}

#[test]
fn a_newer_or_edited_description_is_refused_with_advice() {
    let (_run, package) = exported();
    let path = package.join(MANIFEST);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"version\": 3", "\"version\": 4")).unwrap();
    assert!(refusal(&package).contains("has format version 4, this program reads up to 3; use the mtl that made it"));
    assert!(text.contains("north"));
    fs::write(&path, text.replace("north", "south")).unwrap();
    assert!(refusal(&package).contains("damaged or was edited"));
    // White space is nobody's business.
    let value: Value = serde_json::from_str(&text).unwrap();
    fs::write(&path, value.to_string()).unwrap();
    Predictor::open(&package, Device::Cpu).unwrap();
    fs::write(&path, "{}").unwrap();
    assert!(refusal(&package).contains("no description of a model"));
}

#[test]
fn a_description_that_lies_builds_nothing() {
    let (_run, package) = exported();
    let whole: Value = serde_json::from_slice(&fs::read(package.join(MANIFEST)).unwrap()).unwrap();
    let weights = fs::read(package.join(WEIGHTS)).unwrap();
    let lies: [(&str, Value, &str); 9] = [
        ("/model/encoder/hidden", json!([1_000_000, 1_000_000]), "numbers for the whole model"),
        ("/model/encoder/hidden", json!([9_223_372_036_854_775_807i64]), "integers of at most"),
        ("/model/encoder/hidden", json!([-1]), "no model for these weights"),
        ("/model/encoder/token_width", json!(0), "no model for these weights"),
        ("/model/encoder/kind", json!("nonsense"), "unknown encoder"),
        ("/model/inputs/0/modality/fields/0/cardinality", json!(9_000_000_000_000i64), "of cardinality 1 to 2^31"),
        ("/model/inputs/0/modality/fields/0/cardinality", json!(3), "preprocessing must be"),
        ("/model/tasks/1/name", json!("grade"), "given twice"),
        ("/model/preprocessing/fitted/columns", json!([]), "fitted schema"),
    ];
    for (place, value, expected) in lies {
        let mut lie = whole.clone();
        *lie.pointer_mut(place).unwrap() = value;
        let outcome = Manifest::from_json(&resealed(lie), "m.json".as_ref())
            .and_then(|manifest| Package::build(&manifest, &weights, "w".as_ref(), Device::Cpu));
        let e = outcome.unwrap_err().to_string();
        assert!(e.contains(expected) && e.lines().count() == 1, "{place}: {e}");
    }
}

#[test]
fn thousands_of_mutations_are_refused_or_harmless() {
    let (_run, package) = exported();
    let text = fs::read(package.join(MANIFEST)).unwrap();
    let manifest = Manifest::from_json(&text, "m.json".as_ref()).unwrap();
    let weights = fs::read(package.join(WEIGHTS)).unwrap();
    let mut rng = Rng::new(4);
    let mut below = |n: usize| usize::try_from(rng.below(n as u64)).unwrap();

    // Bytes of the description: only white space and the maker's name may change.
    for _ in 0..4000 {
        let mut bytes = text.clone();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            bytes[at] = u8::try_from(below(256)).unwrap();
        }
        if below(10) == 0 {
            bytes.truncate(below(text.len()));
        }
        match Manifest::from_json(&bytes, "m.json".as_ref()) {
            Ok(found) => assert_eq!((&found.model, &found.files), (&manifest.model, &manifest.files)),
            Err(e) => assert_eq!(e.to_string().lines().count(), 1, "{e}"),
        }
    }

    // Values of the description, with a checksum that fits.
    let whole: Value = serde_json::from_slice(&text).unwrap();
    let mut places = Vec::new();
    leaves(&whole["model"], "/model", &mut places);
    let mut built = 0;
    for _ in 0..1500 {
        let mut lie = whole.clone();
        for _ in 0..=below(2) {
            let place = &places[below(places.len())];
            let Some(value) = lie.pointer_mut(place) else { continue };
            *value = match below(9) {
                0 => json!(0),
                1 => json!(-1),
                2 => json!(i64::MAX),
                3 => json!(1_048_576),
                4 => json!(1e300),
                5 => json!(""),
                6 => json!([]),
                7 => json!([7, 7]),
                _ => whole.pointer(&places[below(places.len())]).cloned().unwrap(),
            };
        }
        let outcome = Manifest::from_json(&resealed(lie), "m.json".as_ref())
            .and_then(|manifest| Package::build(&manifest, &weights, "w".as_ref(), Device::Cpu));
        match outcome {
            Ok(_) => built += 1,
            Err(e) => assert_eq!(e.to_string().lines().count(), 1, "{e}"),
        }
    }
    assert!(built > 0);

    // Bytes of the weights, mostly of their header.
    let header = usize::try_from(u64::from_le_bytes(weights[..8].try_into().unwrap())).unwrap();
    for _ in 0..2000 {
        let mut bytes = weights.clone();
        for _ in 0..=below(3) {
            let at = if below(8) == 0 { below(bytes.len()) } else { below(8 + header) };
            bytes[at] = u8::try_from(below(256)).unwrap();
        }
        if below(20) == 0 {
            bytes.truncate(below(weights.len()));
        }
        if let Err(e) = Package::build(&manifest, &bytes, "w".as_ref(), Device::Cpu) {
            assert_eq!(e.to_string().lines().count(), 1, "{e}");
        }
    }
}

/// Pointers to everything in a value.
fn leaves(value: &Value, place: &str, places: &mut Vec<String>) {
    places.push(place.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(idx, item)| leaves(item, &format!("{place}/{idx}"), places));
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(field, &format!("{place}/{key}"), places);
            }
        }
        _ => {}
    }
}
