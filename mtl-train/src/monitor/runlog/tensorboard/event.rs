//! The messages of an event file: `Event`, `Summary`, `HistogramProto`, and as much of `TensorProto` as a text needs.
//!
//! | message | fields (number) |
//! |---|---|
//! | `Event` | wall_time double (1), step int64 (2), file_version string (3), summary (5) |
//! | `Summary` | value, repeated (1) |
//! | `Summary.Value` | tag (1), simple_value float (2), histo (5), tensor (8), metadata (9) |
//! | `HistogramProto` | min (1), max (2), num (3), sum (4), sum_squares (5), bucket_limit packed (6), bucket packed (7) |
//! | `SummaryMetadata` | plugin_data { plugin_name (1) } (1) |
//! | `TensorProto` | dtype, 7 for strings (1), tensor_shape { dim { size (1) } (2) } (2), string_val (8) |
//!
//! **Reference** `event.proto`, `summary.proto`, `tensor.proto` of TensorFlow, whose numbers these are.

use super::wire::{Field, Message, fields};

/// One event: values at a step, or the first line of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub wall_time: f64,
    /// The step that the values belong to.
    pub step: u64,
    /// What it says.
    pub what: What,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The file's version: its first event.
    Version(String),
    /// Values by tag.
    Values(Vec<(String, Value)>),
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Scalar(f32),
    /// How numbers are spread.
    Histogram(Histogram),
    /// A text, read as Markdown.
    Text(String),
    /// Something that this reader does not know.
    Other,
}

/// Counts of numbers between limits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many.
    pub num: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_squares: f64,
    /// Upper ends of the buckets, rising.
    pub limits: Vec<f64>,
    /// Numbers in each bucket.
    pub counts: Vec<f64>,
}

impl Histogram {
    /// Counts `values` into `n_buckets` (at least 1) of equal width; those that are not finite are left out. `None`
    /// without finite values.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bucket numbers, clamped to their range"
    )]
    pub fn of(values: &[f32], n_buckets: usize) -> Option<Self> {
        let n_buckets = n_buckets.max(1);
        let finite = || values.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v));
        let (min, max) = (finite().reduce(f64::min)?, finite().reduce(f64::max)?);
        let width = (max - min) / n_buckets as f64;
        let mut histogram = Self { min, max, counts: vec![0.0; n_buckets], ..Self::default() };
        // Equal values get one bucket that holds them, however large they are.
        let step = if width > 0.0 { width } else { f64::EPSILON.max(min.abs() * f64::EPSILON) };
        histogram.limits = (1..=n_buckets).map(|i| min + step * i as f64).collect();
        for value in finite() {
            let bucket = (((value - min) / step) as usize).min(n_buckets - 1);
            histogram.counts[bucket] += 1.0;
            histogram.num += 1.0;
            histogram.sum += value;
            histogram.sum_squares += value * value;
        }
        Some(histogram)
    }
}

const DT_STRING: u64 = 7;

impl Event {
    /// The event as the bytes of its message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let event = Message::default().double(1, self.wall_time).integer(2, self.step);
        let event = match &self.what {
            What::Version(version) => event.bytes(3, version.as_bytes()),
            What::Values(values) => {
                let entry = |summary: Message, (tag, value): &(String, Value)| summary.message(1, &write(tag, value));
                event.message(5, &values.iter().fold(Message::default(), entry))
            }
        };
        event.into_bytes()
    }

    /// Reads a message; fields that are not known are passed over. `None` when the bytes are no event.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut event = Self { wall_time: 0.0, step: 0, what: What::Values(Vec::new()) };
        for (number, field) in fields(bytes)? {
            match (number, field) {
                (1, Field::Double(seconds)) => event.wall_time = seconds,
                (2, Field::Integer(step)) => event.step = step,
                (3, _) => event.what = What::Version(field.as_text()?),
                (5, _) => {
                    let entries = fields(field.as_bytes()?)?.into_iter().filter(|(number, _)| *number == 1);
                    let values = entries.map(|(_, entry)| read(entry.as_bytes()?)).collect::<Option<_>>()?;
                    event.what = What::Values(values);
                }
                _ => {}
            }
        }
        Some(event)
    }

    /// The scalar of a tag.
    #[must_use]
    pub fn scalar(&self, tag: &str) -> Option<f32> {
        let What::Values(values) = &self.what else { return None };
        values.iter().find_map(|(t, value)| match value {
            Value::Scalar(v) if t == tag => Some(*v),
            _ => None,
        })
    }
}

fn write(tag: &str, value: &Value) -> Message {
    let entry = Message::default().bytes(1, tag.as_bytes());
    match value {
        Value::Scalar(v) => entry.float(2, *v),
        Value::Histogram(h) => {
            let numbers = [h.min, h.max, h.num, h.sum, h.sum_squares];
            let histo = (1..).zip(numbers).fold(Message::default(), |m, (number, v)| m.double(number, v));
            entry.message(5, &histo.packed_doubles(6, &h.limits).packed_doubles(7, &h.counts))
        }
        Value::Text(text) => {
            let shape = Message::default().message(2, &Message::default().integer(1, 1));
            let tensor = Message::default().integer(1, DT_STRING).message(2, &shape).bytes(8, text.as_bytes());
            let plugin = Message::default().bytes(1, b"text");
            entry.message(8, &tensor).message(9, &Message::default().message(1, &plugin))
        }
        Value::Other => entry,
    }
}

fn read(bytes: &[u8]) -> Option<(String, Value)> {
    let (mut tag, mut value) = (String::new(), Value::Other);
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, _) => tag = field.as_text()?,
            (2, Field::Float(v)) => value = Value::Scalar(v),
            (5, _) => value = Value::Histogram(read_histogram(field.as_bytes()?)?),
            (8, _) => {
                let text = fields(field.as_bytes()?)?.into_iter().find(|(number, _)| *number == 8);
                value = text.and_then(|(_, text)| text.as_text()).map_or(Value::Other, Value::Text);
            }
            _ => {}
        }
    }
    Some((tag, value))
}

fn read_histogram(bytes: &[u8]) -> Option<Histogram> {
    let mut h = Histogram::default();
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, Field::Double(v)) => h.min = v,
            (2, Field::Double(v)) => h.max = v,
            (3, Field::Double(v)) => h.num = v,
            (4, Field::Double(v)) => h.sum = v,
            (5, Field::Double(v)) => h.sum_squares = v,
            (6, _) => h.limits = field.as_doubles()?,
            (7, _) => h.counts = field.as_doubles()?,
            _ => {}
        }
    }
    Some(h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_is_read_back() {
        let histogram = Histogram::of(&[0.0, 1.0, 1.0, 4.0, f32::NAN], 4).unwrap();
        assert_eq!((histogram.counts.as_slice(), histogram.num, histogram.sum), (&[1.0, 2.0, 0.0, 1.0][..], 4.0, 6.0));
        assert_eq!((histogram.limits[0], histogram.limits[3], histogram.sum_squares), (1.0, 4.0, 18.0));
        let values = vec![
            ("train/größe/loss".to_owned(), Value::Scalar(0.25)),
            ("w".to_owned(), Value::Histogram(histogram)),
            ("config".to_owned(), Value::Text("a = 1\n".into())),
        ];
        for what in [What::Version("brain.Event:2".into()), What::Values(values)] {
            let event = Event { wall_time: 1.75e9, step: 1 << 40, what };
            assert_eq!(Event::parse(&event.to_bytes()), Some(event));
        }
    }

    #[test]
    fn equal_values_fill_one_bucket() {
        for value in [0.0, 3e30, -2.5] {
            let h = Histogram::of(&[value; 7], 3).unwrap();
            assert_eq!((h.counts[0], h.num), (7.0, 7.0));
            assert!(h.limits[0] > h.min && h.limits.is_sorted());
        }
        assert_eq!(Histogram::of(&[f32::NAN], 3), None);
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let event = Event { wall_time: 0.5, step: 3, what: What::Values(vec![("t".into(), Value::Scalar(1.0))]) };
        let bytes = event.to_bytes();
        let mut rng = mtl_core::rng::Rng::new(5);
        for _ in 0..20_000 {
            let mut bytes = bytes.clone();
            for _ in 0..=rng.below(3) {
                let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
                bytes[at] = rng.next_u64().to_le_bytes()[0];
            }
            let _ = Event::parse(&bytes);
        }
    }
}
