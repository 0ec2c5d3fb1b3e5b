//! Dates: how they are written, and which numbers they become.
//!
//! ```text
//! text --format--> seconds since 1970 --parts--> days (scaled), and for each part that comes again a point on a circle
//! ```
//! What comes again (the day of the year, the weekday, the hour) is two numbers, sine and cosine of its place in the round: midnight
//! lies beside 23:59, December beside January, which no single number can say. A date that is missing is the middle of every circle.
//!
//! A text with a zone is taken to UTC; one without stays as it is written.

use std::f64::consts::TAU;

use chrono::{
    DateTime, Datelike, NaiveDate, Timelike,
    format::{Item, Parsed, StrftimeItems, parse},
};
use serde::{Deserialize, Serialize};

use crate::split::Time;

const DAY: f64 = 86_400.0;
/// Seconds of the year 9999, beyond which nothing is a date.
const LAST: f64 = 2.6e11;
/// Days from the first of the year 1 to the first of 1970.
const EPOCH: i32 = 719_163;

/// How dates of a column are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum DateFormat {
    /// ISO 8601, with a time or without: `2024-01-31`, `2024-01`, `2024-01-31T09:30:00+01:00`.
    #[default]
    Iso,
    /// Seconds since 1970 began in UTC.
    Unix,
    /// The same in milliseconds.
    UnixMs,
    /// As a pattern says: `%d.%m.%Y %H:%M`, in the language of `strftime`.
    Pattern(DatePattern),
}

/// A pattern of dates, ready to be read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatePattern {
    text: String,
    items: Vec<Item<'static>>,
}

impl DatePattern {
    /// # Errors
    /// What is wrong with the pattern, in words.
    fn new(text: &str) -> Result<Self, String> {
        let items =
            StrftimeItems::new(text).parse_to_owned().map_err(|_| "a letter after % that is none".to_owned())?;
        let pattern = Self { text: text.to_owned(), items };
        // What it writes of a date it must read again: a pattern without a year, say, gives none.
        let example = DateTime::from_timestamp(1_706_693_400, 0).map(|at| at.fixed_offset());
        let written = example.map(|at| at.format_with_items(pattern.items.iter()).to_string()).unwrap_or_default();
        match pattern.seconds(&written) {
            Some(_) => Ok(pattern),
            None => {
                Err("nothing that a date could be made of (a year with month and day, or with a day of the year)"
                    .into())
            }
        }
    }

    fn seconds(&self, text: &str) -> Option<f64> {
        let mut found = Parsed::new();
        parse(&mut found, text, self.items.iter()).ok()?;
        // The first of a month that is all that is said, the first minute of an hour.
        if found.month().is_some() && found.day().is_none() {
            found.set_day(1).ok()?;
        }
        if found.hour_mod_12().is_some() && found.minute().is_none() {
            found.set_minute(0).ok()?;
        }
        let date = match found.timestamp() {
            Some(seconds) => return Some(seconds as f64).filter(|x| x.abs() < LAST),
            None => found.to_naive_date().ok()?,
        };
        // `%Y` takes fewer digits than four, so that 31/1/24 would be of the year 24.
        if date.year() < 1000 {
            return None;
        }
        let clock = match found.hour_mod_12() {
            None => 0.0,
            Some(_) => {
                let time = found.to_naive_time().ok()?;
                f64::from(time.num_seconds_from_midnight()) + f64::from(time.nanosecond()) * 1e-9
            }
        };
        let days = f64::from(date.num_days_from_ce() - EPOCH);
        Some(days * DAY + clock - f64::from(found.offset().unwrap_or(0)))
    }
}

impl DateFormat {
    /// Seconds since 1970 began; `None` for a text that is not written so.
    pub(crate) fn seconds(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        let number = |unit: f64| text.parse::<f64>().ok().map(|x| x / unit).filter(|x| x.abs() < LAST);
        match self {
            Self::Iso => match Time::parse(text) {
                Some(Time::Date(seconds)) => Some(seconds),
                Some(Time::Number(_)) | None => None,
            },
            Self::Unix => number(1.0),
            Self::UnixMs => number(1000.0),
            Self::Pattern(pattern) => pattern.seconds(text),
        }
    }

    /// What a text has to be, in words.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Iso => "a date in ISO 8601 (2024-01-31, 2024-01-31T09:30)".into(),
            Self::Unix => "seconds since 1970 as a number".into(),
            Self::UnixMs => "milliseconds since 1970 as a number".into(),
            Self::Pattern(pattern) => format!("a date written {:?}", pattern.text),
        }
    }

    /// Whether all of these texts are written so.
    pub(super) fn reads(&self, texts: &[&str]) -> bool {
        texts.iter().all(|text| self.seconds(text).is_some())
    }

    /// The usual ways that read all of these texts, the likeliest first; none without texts.
    pub(super) fn usual(texts: &[&str]) -> impl Iterator<Item = Self> {
        let reads = |format: &Self| !texts.is_empty() && format.reads(texts);
        let clocks = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S"];
        let all = clocks.iter().flat_map(|clock| USUAL.iter().map(move |day| format!("{day}{clock}")));
        let patterns = all.filter_map(|text| DatePattern::new(&text).ok()).map(Self::Pattern);
        std::iter::once(Self::Iso).chain(patterns).filter(reads).collect::<Vec<_>>().into_iter()
    }
}

/// Usual ways to write a day; where a text can be read in two, the first is the likelier one.
const USUAL: [&str; 16] = [
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%B-%Y",
    "%d-%B-%y",
    "%d %B %Y",
    "%B %d, %Y",
    "%B %d %Y",
    "%Y%m%d",
];

impl TryFrom<String> for DateFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected = "\"iso\", \"unix\", \"unix-ms\" or a pattern such as \"%d.%m.%Y %H:%M\"";
        match text.as_str() {
            "iso" => Ok(Self::Iso),
            "unix" => Ok(Self::Unix),
            "unix-ms" => Ok(Self::UnixMs),
            pattern if pattern.contains('%') => match DatePattern::new(pattern) {
                Ok(pattern) => Ok(Self::Pattern(pattern)),
                Err(why) => Err(format!("format must be {expected}, found {pattern:?}: {why}")),
            },
            other => Err(format!("format must be {expected}, found {other:?}")),
        }
    }
}

impl From<DateFormat> for String {
    fn from(format: DateFormat) -> Self {
        match format {
            DateFormat::Iso => "iso".into(),
            DateFormat::Unix => "unix".into(),
            DateFormat::UnixMs => "unix-ms".into(),
            DateFormat::Pattern(pattern) => pattern.text,
        }
    }
}

/// What is asked of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatePart {
    /// Days since 1970, with the part of the day; scaled by mean and standard deviation of the training split.
    Days,
    /// The place in the year, by days: two numbers.
    DayOfYear,
    /// The place in the year, by months: two numbers.
    Month,
    /// The place in the month, of 31 days: two numbers.
    DayOfMonth,
    /// The place in the week, from Monday on: two numbers.
    Weekday,
    /// The place in the day: two numbers.
    Hour,
}

impl DatePart {
    pub(super) const ALL: [Self; 6] =
        [Self::Days, Self::DayOfYear, Self::Month, Self::DayOfMonth, Self::Weekday, Self::Hour];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::DayOfYear => "day-of-year",
            Self::Month => "month",
            Self::DayOfMonth => "day-of-month",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
        }
    }

    /// What is asked where nothing is said, of dates in seconds: the hour only where they have one.
    pub(super) fn default_of(mut seconds: impl Iterator<Item = f64>) -> Vec<Self> {
        let mut parts = vec![Self::Days, Self::DayOfYear, Self::Weekday];
        if seconds.any(|seconds| seconds.rem_euclid(DAY) > 0.0) {
            parts.push(Self::Hour);
        }
        parts
    }

    /// The numbers that it is.
    pub(super) fn fields(self) -> Vec<DateField> {
        match self {
            Self::Days => vec![DateField { part: self, axis: Axis::Line }],
            _ => [Axis::Sin, Axis::Cos].map(|axis| DateField { part: self, axis }).into(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Line,
    Sin,
    Cos,
}

/// One number of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateField {
    part: DatePart,
    axis: Axis,
}

impl DateField {
    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        DatePart::ALL.into_iter().flat_map(DatePart::fields).find(|field| field.name() == name)
    }

    pub(super) fn name(self) -> String {
        let axis = match self.axis {
            Axis::Line => "",
            Axis::Sin => " sin",
            Axis::Cos => " cos",
        };
        format!("{}{axis}", self.part.name())
    }

    /// Whether it is a distance, to be scaled, rather than a place on a circle.
    pub(super) fn is_line(self) -> bool {
        self.axis == Axis::Line
    }

    /// The number of a date in seconds since 1970.
    pub(super) fn of(self, seconds: f64) -> f64 {
        match self.axis {
            Axis::Line => seconds / DAY,
            Axis::Sin => (TAU * self.part.place(seconds)).sin(),
            Axis::Cos => (TAU * self.part.place(seconds)).cos(),
        }
    }
}

impl DatePart {
    /// Where in its round a date is, in `[0, 1)`.
    fn place(self, seconds: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "days of ten thousand years")]
        let day = (seconds / DAY).floor() as i32;
        let date = NaiveDate::from_num_days_from_ce_opt(day + EPOCH).unwrap_or_default();
        let of = |place: u32, n: u32| f64::from(place) / f64::from(n);
        match self {
            Self::Days => 0.0,
            Self::DayOfYear => of(date.ordinal0(), if date.leap_year() { 366 } else { 365 }),
            Self::Month => of(date.month0(), 12),
            Self::DayOfMonth => of(date.day0(), 31),
            Self::Weekday => of(date.weekday().num_days_from_monday(), 7),
            Self::Hour => seconds.rem_euclid(DAY) / DAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(text: &str) -> DateFormat {
        DateFormat::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn the_same_moment_in_many_spellings() {
        let moment = 1_706_693_400.0; // Wednesday, 2024-01-31 09:30
        for (pattern, text) in [
            ("iso", "2024-01-31T10:30:00+01:00"),
            ("unix", "1706693400"),
            ("unix-ms", "1706693400000"),
            ("%d.%m.%Y %H:%M", "31.1.2024 9:30"),
            ("%m/%d/%y %I:%M %p", "1/31/24 9:30 AM"),
            ("%d-%b-%Y %H:%M", "31-Jan-2024 09:30"),
            ("%d/%B/%Y:%H:%M:%S %z", "31/January/2024:04:30:00 -0500"),
            ("%Y%m%d%H%M", "202401310930"),
        ] {
            assert_eq!(format(pattern).seconds(text), Some(moment), "{pattern}");
            assert_eq!(String::from(format(pattern)), pattern);
        }
        assert_eq!(format("%m/%Y").seconds("01/2024"), format("iso").seconds("2024-01-01"));
        for (pattern, text) in [
            ("%d.%m.%Y", "31.02.2024"),
            ("%d.%m.%Y", "31.01.24"),
            ("%d.%m.%Y", "31.01.2024 9:30"),
            ("%m/%d/%Y", "31/01/2024"),
            ("iso", "31.01.2024"),
            ("iso", "2024"),
            ("unix", "x"),
            ("unix", "1e300"),
        ] {
            assert_eq!(format(pattern).seconds(text), None, "{pattern} {text}");
        }
        for bad in ["us", "%H:%M", "%Q", "%d.%m."] {
            let e = DateFormat::try_from(bad.to_owned()).unwrap_err();
            assert!(e.starts_with("format must be \"iso\", \"unix\""), "{e}");
        }
    }

    #[test]
    fn parts_by_hand() {
        let at = |text: &str| format("iso").seconds(text).unwrap();
        let of = |name: &str, text: &str| DateField::named(name).unwrap().of(at(text));
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(of("days", "1970-01-02T12:00"), 1.5);
        near(of("weekday sin", "2024-01-01"), 0.0); // a Monday
        near(of("weekday cos", "2024-01-03"), (TAU * 2.0 / 7.0).cos());
        near(of("hour sin", "2024-01-01T06:00"), 1.0);
        near(of("hour cos", "1969-12-31T12:00"), -1.0);
        near(of("month cos", "2024-07-15"), -1.0);
        near(of("day-of-year sin", "2024-12-31"), (TAU * 365.0 / 366.0).sin());
        near(of("day-of-month cos", "2023-05-01"), 1.0);
        assert_eq!(DateField::named("weekday"), None);
        let parts = |texts: [&str; 2]| DatePart::default_of(texts.map(at).into_iter()).len();
        assert_eq!((parts(["2024-01-01", "2024-05-01"]), parts(["2024-01-01", "2024-05-01T01:00"])), (3, 4));
    }

    #[test]
    fn usual_spellings_are_recognized() {
        let first = |texts: &[&str]| DateFormat::usual(texts).next().map(String::from);
        for (texts, pattern) in [
            (["2024-01-31", "2024-02-01"], "iso"),
            (["31.1.2024", "1.2.2024"], "%d.%m.%Y"),
            (["31/01/2024 09:30", "01/02/2024 23:00"], "%d/%m/%Y %H:%M"),
            (["1/31/24", "2/1/24"], "%m/%d/%y"),
            (["Jan 31, 2024", "May 1, 2024"], "%B %d, %Y"),
            (["20240131", "20240201"], "%Y%m%d"),
        ] {
            assert_eq!(first(&texts).as_deref(), Some(pattern), "{texts:?}");
        }
        assert_eq!(DateFormat::usual(&["1/2/2024"]).count(), 2, "day or month first");
        assert_eq!(first(&["2024-01-31", "31.1.2024"]), None);
    }
}
