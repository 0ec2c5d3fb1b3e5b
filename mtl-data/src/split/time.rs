//! Dates and numbers that can be put in order, and the cut between past and future.
//!
//! ```text
//! 1706693400  1706693400.5  2024                             numbers, in whatever unit
//! 2024-01-31  2024-01  2024-01-31T09:30  2024-01-31 09:30:00.25Z  2024-01-31T09:30:00+01:00        dates (ISO 8601)
//! ```
//! Numbers and dates do not mix in one file: nobody can say which of `2024` and `2024-01-31` is later.

use std::fmt;

use crate::{
    error::{Error, Result},
    split::part_of,
};

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time {
    /// A number in a unit of the file's own.
    Number(f64),
    /// Seconds since 1970 began; a date without a zone is taken to be in UTC.
    Date(f64),
}

impl Time {
    /// Reads one; `None` for a text that is neither a finite number nor a date.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.parse::<f64>() {
            Ok(number) => number.is_finite().then_some(Self::Number(number)),
            Err(_) => date(text).map(Self::Date),
        }
    }

    /// Whether both are numbers, or both dates.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        matches!((self, other), (Self::Number(_), Self::Number(_)) | (Self::Date(_), Self::Date(_)))
    }

    /// The number that it is ordered by.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Number(x) | Self::Date(x) => x,
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = match self {
            Self::Number(x) => return write!(f, "{x}"),
            Self::Date(seconds) => *seconds,
        };
        #[expect(clippy::cast_possible_truncation, reason = "years have four digits")]
        let (day, rest) = ((seconds / DAY).floor() as i64, seconds.rem_euclid(DAY));
        let (year, month, day) = civil(day);
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        if rest > 0.0 {
            let (hour, minute, second) = (rest / 3600.0, rest % 3600.0 / 60.0, rest % 60.0);
            write!(f, "T{:02}:{:02}:{:02}Z", hour.floor(), minute.floor(), second.floor())?;
        }
        Ok(())
    }
}

const DAY: f64 = 86_400.0;

/// Seconds since 1970 of a date in ISO 8601.
#[expect(clippy::cast_precision_loss, reason = "days of four-digit years")]
fn date(text: &str) -> Option<f64> {
    let (day, clock) = match text.split_once(['T', 't', ' ']) {
        Some((day, clock)) => (day, Some(clock)),
        None => (text, None),
    };
    let mut parts = day.split('-');
    let (year, month) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?);
    let day = parts.next().map_or(Some(1), |day| digits(day, 2))?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=month_length(year, month)).contains(&day) {
        return None;
    }
    let seconds = clock.map_or(Some(0.0), seconds)?;
    Some(days(year, month, day) as f64 * DAY + seconds)
}

/// Seconds since the day began, in UTC: the zone is taken off.
#[expect(clippy::cast_precision_loss, reason = "numbers of two digits")]
fn seconds(clock: &str) -> Option<f64> {
    let clock = clock.trim();
    let (clock, zone) = match clock.find(['Z', 'z', '+', '-']) {
        Some(at) => clock.split_at(at),
        None => (clock, ""),
    };
    let offset = match zone.trim_start_matches(['Z', 'z']) {
        "" => 0.0,
        shift => {
            let sign = if shift.starts_with('-') { -1.0 } else { 1.0 };
            let plain: String = shift[1..].chars().filter(|c| *c != ':').collect();
            let hours = digits(plain.get(..2)?, 2)?;
            let minutes = plain.get(2..).filter(|m| !m.is_empty()).map_or(Some(0), |m| digits(m, 2))?;
            if zone.starts_with(['Z', 'z']) || hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 3600 + minutes * 60) as f64
        }
    };
    let mut parts = clock.trim().splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = match parts.next() {
        None => 0.0,
        Some(text) => {
            digits(text.get(..2)?, 2)?;
            let rest = &text[2..];
            let is_fraction = rest.starts_with('.') && rest.len() > 1 && rest[1..].bytes().all(|b| b.is_ascii_digit());
            if !rest.is_empty() && !is_fraction {
                return None;
            }
            text.parse::<f64>().ok()?
        }
    };
    let is_time = hour < 24 && minute < 60 && second < 61.0; // a leap second is a second
    is_time.then_some((hour * 3600 + minute * 60) as f64 + second - offset)
}

/// A number of so many digits.
fn digits(text: &str, n: usize) -> Option<i64> {
    (text.len() == n && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, month) = (year.div_euclid(400), (month + 9) % 12);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of so many days since 1970-01-01: the inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// Positions of the past and positions of the future, both ascending. The cut is where time changes, as near to the share as that is
/// possible; of two places that are as near the later one.
///
/// # Errors
/// `InvalidConfig` where all times are equal.
pub(super) fn hold_out_latest(times: &[Time], share: f64) -> Result<(Vec<u64>, Vec<u64>)> {
    let n = times.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| times[a].value().total_cmp(&times[b].value()));
    let wanted = n - part_of(n.max(2), share).min(n);
    let changes = (1..n).filter(|&at| times[order[at - 1]].value() < times[order[at]].value());
    let Some(cut) = changes.min_by_key(|&at| (at.abs_diff(wanted), std::cmp::Reverse(at))) else {
        return Err(Error::config("split", "time", "at least 2 different times to cut between", "1"));
    };
    let sorted = |part: &[usize]| {
        let mut positions: Vec<u64> = part.iter().map(|&at| at as u64).collect();
        positions.sort_unstable();
        positions
    };
    Ok((sorted(&order[..cut]), sorted(&order[cut..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds_of(text: &str) -> f64 {
        match Time::parse(text) {
            Some(Time::Date(seconds)) => seconds,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn dates_by_hand() {
        assert!((seconds_of("1970-01-01") - 0.0).abs() < 1e-9);
        assert!((seconds_of("2024-02-29") - 1_709_164_800.0).abs() < 1e-9);
        assert!((seconds_of("1969-12-31") + DAY).abs() < 1e-9);
        assert!((seconds_of("2024-01-31T09:30:00Z") - 1_706_693_400.0).abs() < 1e-9);
        assert!((seconds_of("2024-01-31 10:30:00.25+01:00") - 1_706_693_400.25).abs() < 1e-6);
        assert!((seconds_of("2024-01-31T04:00-0530") - 1_706_693_400.0).abs() < 1e-9);
        assert!((seconds_of("2024-01") - seconds_of("2024-01-01")).abs() < 1e-9);
        for text in
            ["2023-02-29", "2024-13-01", "2024-1-31", "31.01.2024", "2024-01-31T25:00", "x", "", "2024-01-31T", "NaN"]
        {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        assert_eq!(Time::parse(" 2024 "), Some(Time::Number(2024.0)));
        assert!(!Time::Number(1.0).is_like(Time::Date(1.0)));
    }

    #[test]
    fn every_day_of_eight_centuries_is_written_as_it_is_read() {
        for day in -150_000..150_000 {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert_eq!(Time::Date(seconds_of("2024-02-29")).to_string(), "2024-02-29");
        assert_eq!(Time::Date(seconds_of("1969-12-31T23:59:58Z")).to_string(), "1969-12-31T23:59:58Z");
        assert_eq!(Time::Number(7.5).to_string(), "7.5");
    }

    #[test]
    fn one_time_cannot_be_cut() {
        let e = hold_out_latest(&[Time::Number(3.0); 5], 0.2).unwrap_err().to_string();
        assert_eq!(e, "split: time must be at least 2 different times to cut between, found 1");
        let times = [5.0, 1.0, 4.0, 1.0].map(Time::Number);
        assert_eq!(hold_out_latest(&times, 0.1).unwrap(), (vec![1, 2, 3], vec![0]));
        assert_eq!(hold_out_latest(&times, 0.9).unwrap(), (vec![1, 3], vec![0, 2]));
    }
}
