//! A registry that is open: members of somebody else's are read, written, listed and refused like its own.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "helpers of tests")]

use std::fmt;

use mtl_core::registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub trait Shape: fmt::Debug + Send + Sync {
    /// In square units.
    fn area(&self) -> f64;

    /// Twice as long everywhere.
    fn double(&mut self) {}
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Square {
    /// Of each side, > 0; default 1.
    side: f64,
}

impl Default for Square {
    fn default() -> Self {
        Self { side: 1.0 }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ring {
    /// Outer radius.
    outer: f64,
    /// Inner radius.
    inner: f64,
    /// Where it was seen.
    place: Option<String>,
    /// More about it.
    more: More,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct More {
    /// Who saw it.
    by: Option<String>,
}

impl Shape for Square {
    fn area(&self) -> f64 {
        self.side * self.side
    }

    fn double(&mut self) {
        self.side *= 2.0;
    }
}

impl Shape for Ring {
    fn area(&self) -> f64 {
        3.0 * (self.outer * self.outer - self.inner * self.inner)
    }

    fn double(&mut self) {
        self.outer *= 2.0;
        self.inner *= 2.0;
    }
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Other {}

impl Shape for Other {
    fn area(&self) -> f64 {
        0.0
    }
}

registry! {
    /// Shapes.
    pub enum ShapeConfig, what = "shape", outside = Shape {
        Square(Square) = "square", "equal sides";
    }
}

fn read(text: &str) -> std::result::Result<ShapeConfig, String> {
    serde_json::from_str(text).map_err(|e: serde_json::Error| e.to_string())
}

#[test]
fn a_part_from_outside_is_read_written_listed_and_refused_like_ours() {
    ShapeConfig::register::<Ring>("ring", "a disk with a hole").unwrap();
    ShapeConfig::register::<Ring>("ring", "a disk with a hole").unwrap();
    for taken in ["ring", "square"] {
        let e = ShapeConfig::register::<Other>(taken, "another").unwrap_err().to_string();
        assert_eq!(e, format!("shape {taken:?} is given twice"));
    }
    assert_eq!(ShapeConfig::all(), [("square", "equal sides"), ("ring", "a disk with a hole")]);

    let ring = read(r#"{ "kind": "ring", "outer": 2.0 }"#).unwrap();
    let ShapeConfig::Outside(part) = &ring else { panic!("not from outside") };
    assert_eq!((ring.name(), part.area().to_bits()), ("ring", 12f64.to_bits()));
    assert_eq!(part.with("inner", json!(1)).unwrap().area().to_bits(), 9f64.to_bits());
    assert!(part.has("inner") && !part.has("side") && part.with("side", json!(1)).is_err());
    let seen = part.with("place", json!("beach")).unwrap();
    assert_eq!(
        (serde_json::to_value(&seen).unwrap()["place"].as_str(), &seen.without(&["place"]).unwrap()),
        (Some("beach"), part)
    );
    // What is not given is not written: TOML has no word for it.
    let written = serde_json::to_string(&ring).unwrap();
    assert_eq!(written, r#"{"kind":"ring","inner":0.0,"more":{},"outer":2.0}"#);
    assert_eq!(read(&written).unwrap(), ring);
    assert_ne!(ShapeConfig::by_name("ring").unwrap(), ring);

    let square = read(r#"{ "kind": "square", "side": 3 }"#).unwrap();
    assert_eq!(square, ShapeConfig::Square(Square { side: 3.0 }));
    assert_eq!(serde_json::to_string(&square).unwrap(), r#"{"kind":"square","side":3.0}"#);

    // Asked and changed by the same calls.
    for (mut shape, key, area) in [(ring, "outer", 12.0), (square, "side", 9.0)] {
        let asked = |shape: &ShapeConfig| shape.part().area().to_bits();
        assert_eq!(asked(&shape), f64::to_bits(area));
        shape.edit(|shape| shape.double()).unwrap();
        assert_eq!(asked(&shape), f64::to_bits(4.0 * area));
        assert_eq!(read(&serde_json::to_string(&shape).unwrap()).unwrap(), shape, "what it became is what is written");
        assert_eq!(asked(&shape.with(key, json!(0.0)).unwrap()), 0f64.to_bits());
        assert_eq!(shape.without(&[key]).unwrap(), ShapeConfig::by_name(shape.name()).unwrap());
        assert!(shape.with("width", json!(1)).unwrap_err().contains("unknown field `width`"));
    }

    assert!(read(r#"{ "kind": "ring", "width": 1 }"#).unwrap_err().starts_with("unknown field `width`, expected"));
    assert!(read(r#"{ "kind": "square", "width": 1 }"#).unwrap_err().starts_with("unknown field `width`, expected"));
    assert!(read(r#"{ "kind": "rong" }"#).unwrap_err().ends_with("expected one of `square`, `ring`"));
    assert!(read("{}").unwrap_err().starts_with("missing field `kind`"));
    let e = ShapeConfig::by_name("rong").unwrap_err().to_string();
    assert_eq!(e, r#"unknown shape "rong", known are square, ring"#);

    let schema = schemars::schema_for!(ShapeConfig).to_value();
    let members = schema["oneOf"].as_array().unwrap();
    let names: Vec<&str> = members.iter().filter_map(|m| m["properties"]["kind"]["const"].as_str()).collect();
    assert_eq!(names, ["square", "ring"]);
    assert_eq!(members[1]["properties"]["outer"]["description"], "Outer radius.");
    assert_eq!((&schema["title"], &members[1]["description"]), (&json!("ShapeConfig"), &json!("a disk with a hole")));
}
