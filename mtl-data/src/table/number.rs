//! Texts to numbers, in double precision: what is large or close together stays apart until it is centered.
//!
//! A number is what Rust reads as a finite `f64`, not larger than single precision can hold, with the decimal mark and
//! the digit groups that the format names. Groups are checked (`1.234,5` is a number, `1.23,5` is not), so that a mark
//! that was meant otherwise is refused instead of dropped.

use std::borrow::Cow;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) decimal: char,
    pub(crate) thousands: Option<char>,
}

impl Numbers {
    /// As programs write them.
    pub(crate) const PLAIN: Self = Self { decimal: '.', thousands: None };

    /// A finite number; short runs of digits, the common case, without the general parser.
    #[inline]
    pub(crate) fn parse(self, text: &[u8]) -> Option<f64> {
        if (1..=15).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
            let value = text.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0'));
            #[expect(clippy::cast_precision_loss, reason = "below 10^15 < 2^53, so exact")]
            return Some(value as f64);
        }
        self.parse_any(std::str::from_utf8(text).ok()?)
    }

    fn parse_any(self, text: &str) -> Option<f64> {
        // Blanks around a field are gone by now, but for those inside quotes.
        let text = text.trim();
        let text = if self == Self::PLAIN { Cow::Borrowed(text) } else { Cow::Owned(self.plain(text)?) };
        text.parse::<f64>().ok().filter(|value| value.abs() <= f64::from(f32::MAX))
    }

    /// The same number with a point and without groups; `None` where groups are not of three digits.
    fn plain(self, text: &str) -> Option<String> {
        let exponent = text.find(['e', 'E']).unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at(exponent);
        let (whole, fraction) = match mantissa.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let whole = match self.thousands {
            Some(mark) if whole.contains(|c| is_group(mark, c)) => {
                let mut groups = whole.trim_start_matches(['+', '-']).split(|c| is_group(mark, c));
                let first = groups.next().is_some_and(|g| (1..=3).contains(&g.len()));
                if !first || !groups.all(|g| g.len() == 3) {
                    return None;
                }
                whole.replace(|c| is_group(mark, c), "")
            }
            _ => whole.to_owned(),
        };
        // A point that is neither mark nor group would be read as a mark below.
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole.trim_start_matches(['+', '-'])) || !digits(fraction.unwrap_or_default()) {
            return None;
        }
        Some(format!("{whole}{}{}{exponent}", if fraction.is_some() { "." } else { "" }, fraction.unwrap_or_default()))
    }

    /// What to write so that `text` is a number, if it is one in another spelling.
    pub(crate) fn advice(self, text: &str) -> Option<String> {
        let other = |decimal, thousands| Self { decimal, thousands };
        let reads = |numbers: Self| numbers != self && numbers.parse_any(text).is_some();
        let decimal = reads(other(',', self.thousands.filter(|&mark| mark != ','))) && self.decimal != ',';
        let marks = [',', '.', '\'', ' ', '_'];
        let group = |decimal: char| {
            marks.into_iter().find(|&mark| {
                mark != decimal && text.contains(|c| is_group(mark, c)) && reads(other(decimal, Some(mark)))
            })
        };
        let under = "under [data.format]";
        match (decimal, group(self.decimal), group(if self.decimal == ',' { '.' } else { ',' })) {
            (true, Some(mark), _) => Some(format!(
                "write decimal = \",\" if the comma stands before the fraction, thousands = \"{mark}\" if it groups digits, {under}"
            )),
            (true, None, _) => Some(format!("if the comma stands before the fraction, write decimal = \",\" {under}")),
            (false, Some(mark), _) => Some(format!("if {mark:?} groups digits, write thousands = \"{mark}\" {under}")),
            (false, None, Some(mark)) => {
                let decimal = if self.decimal == ',' { '.' } else { ',' };
                Some(format!("if it is written so, write decimal = \"{decimal}\" and thousands = \"{mark}\" {under}"))
            }
            (false, None, None) => None,
        }
    }
}

/// Whether `c` is the mark that groups digits; an apostrophe and a blank have several forms in print.
fn is_group(mark: char, c: char) -> bool {
    match mark {
        '\'' => matches!(c, '\'' | '\u{2019}'),
        ' ' => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
        _ => c == mark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_or_refused() {
        for (text, value) in [
            ("0", 0.0),
            ("0123456", 123_456.0),
            ("-1.5e3", -1500.0),
            ("16777217", 16_777_217.0),
            ("1764400001001", 1_764_400_001_001.0),
            ("123456789012345678", 123_456_789_012_345_680.0),
            (" 5 ", 5.0),
            ("0.1", 0.1),
        ] {
            assert_eq!(Numbers::PLAIN.parse(text.as_bytes()).map(f64::to_bits), Some(f64::to_bits(value)), "{text}");
        }
        for bad in ["", "nan", "inf", "-inf", "1e99", "1 2", "0x10", "1,5", "\u{e9}"] {
            assert_eq!(Numbers::PLAIN.parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn marks_are_those_of_the_format() {
        let german = Numbers { decimal: ',', thousands: Some('.') };
        let swiss = Numbers { decimal: '.', thousands: Some('\'') };
        let french = Numbers { decimal: ',', thousands: Some(' ') };
        let english = Numbers { decimal: '.', thousands: Some(',') };
        for (numbers, text, value) in [
            (german, "1.234,5", 1234.5),
            (german, "-1.234.567,25", -1_234_567.25),
            (german, "0,5", 0.5),
            (german, "12", 12.0),
            (german, "1,5e2", 150.0),
            (swiss, "1'234.5", 1234.5),
            (swiss, "1\u{2019}234", 1234.0),
            (french, "1\u{202f}234,5", 1234.5),
            (english, "+1,234,567", 1_234_567.0),
        ] {
            assert_eq!(numbers.parse(text.as_bytes()).map(f64::to_bits), Some(f64::to_bits(value)), "{text}");
        }
        for (numbers, bad) in [
            (german, "1.23,5"),
            (german, "1.5"),
            (german, "1,2,3"),
            (german, ".123"),
            (german, "1234.567"),
            (Numbers { decimal: ',', thousands: None }, "1.5"),
            (english, "1,23"),
            (english, "1.234,5"),
            (swiss, "1'2"),
        ] {
            assert_eq!(numbers.parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn another_spelling_is_proposed() {
        let advice = |text| Numbers::PLAIN.advice(text).unwrap_or_default();
        assert!(advice("1,5").starts_with("if the comma stands before the fraction, write decimal = \",\""));
        assert!(advice("1,234").contains("decimal = \",\" if") && advice("1,234").contains("thousands = \",\" if"));
        assert!(advice("1,234.5").contains("thousands = \",\""));
        assert!(advice("1.234,5").contains("decimal = \",\" and thousands = \".\""));
        assert!(advice("1'234").contains("thousands = \"'\""));
        assert!(advice("1 234 567").contains("thousands = \" \""));
        for none in ["x", "?", "", "12 kg", "1,2,3"] {
            assert_eq!(Numbers::PLAIN.advice(none), None, "{none}");
        }
    }
}
