//! Numbers as they are written: coordinates for the browser, values for the reader.
//!
//! Both sides are total. A value that is not finite becomes a dash or an infinity sign for the reader, and can never
//! reach an attribute, where the browser would drop the whole shape without a word.

/// What stands for a value that does not exist.
pub(super) const MISSING: &str = "\u{2013}";

/// A number in an attribute: at most two decimals, zero if it is not finite.
pub(super) fn coordinate(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    trim_zeros(&format!("{value:.2}"))
}

/// A share of the width or height in an attribute.
pub(super) fn percent(fraction: f64) -> String {
    coordinate(100.0 * fraction) + "%"
}

/// A value for the reader, with so many decimals, unless it has more digits before them than f64 can hold.
#[must_use]
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e15 {
        return compact(value);
    }
    special(value).unwrap_or_else(|| typographic(&grouped(&format!("{value:.decimals$}"))))
}

/// So many decimals that four digits are shown (whole numbers keep all of theirs): 0.9123, 12.34, 123456; at most 7.
#[must_use]
pub fn decimals(value: f64) -> usize {
    let magnitude = value.abs();
    if !magnitude.is_finite() || magnitude < f64::MIN_POSITIVE {
        return 4;
    }
    // What is rounded up to the next power of ten has its digits.
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of an f64")]
    let exponent = (magnitude * (1.0 + 5e-5)).log10().floor() as i32;
    usize::try_from(3 - exponent.max(-4)).unwrap_or(0)
}

/// A number in four digits, as pages and tables write it: `0.9123`, `12.34`, `123 456`, `1.2e-7`.
#[must_use]
pub fn written(value: f64) -> String {
    match value.abs() {
        m if m > 0.0 && m < 1e-4 => compact(value),
        _ => fixed(value, decimals(value)),
    }
}

/// Both ends of an interval with the decimals of the value between them.
#[must_use]
pub fn range(value: f64, [low, high]: [f64; 2]) -> String {
    let digits = |x: f64| if value.abs() > 0.0 && value.abs() < 1e-4 { compact(x) } else { fixed(x, decimals(value)) };
    format!("{} to {}", digits(low), digits(high))
}

/// A count, its digits in groups of three from five on: `9999`, `1 234 567`.
#[must_use]
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// Digits before the point in groups of three, from five digits on.
fn grouped(written: &str) -> String {
    let start = written.len() - written.trim_start_matches('-').len();
    let end = written.find('.').unwrap_or(written.len());
    let whole = &written[start..end];
    if whole.len() < 5 {
        return written.to_owned();
    }
    let groups: Vec<&[u8]> = whole.as_bytes().rchunks(3).rev().collect();
    let groups: Vec<String> = groups.into_iter().map(|g| String::from_utf8_lossy(g).into_owned()).collect();
    [&written[..start], &groups.join("\u{202f}"), &written[end..]].concat()
}

/// A value for the reader in four significant digits, whatever its size.
pub(super) fn compact(value: f64) -> String {
    if let Some(word) = special(value) {
        return word;
    }
    let magnitude = value.abs();
    if magnitude < f64::MIN_POSITIVE {
        return "0".into();
    }
    let written = match magnitude {
        m if m < 1e-4 => scientific(value, 2),
        m if m < 1.0 => trim_zeros(&format!("{value:.5}")),
        m if m < 10.0 => trim_zeros(&format!("{value:.3}")),
        m if m < 100.0 => trim_zeros(&format!("{value:.2}")),
        m if m < 1e4 => trim_zeros(&format!("{value:.1}")),
        m if m < 1e15 => grouped(&format!("{value:.0}")),
        _ => scientific(value, 2),
    };
    typographic(&written)
}

/// `1.5e-7`, without zeros that say nothing.
pub(super) fn scientific(value: f64, decimals: usize) -> String {
    let written = format!("{value:.decimals$e}");
    match written.split_once('e') {
        Some((digits, exponent)) => format!("{}e{exponent}", trim_zeros(digits)),
        None => written,
    }
}

/// The sign of a typesetter, and no sign on zero.
pub(super) fn typographic(written: &str) -> String {
    match written.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        Some(rest) => format!("\u{2212}{}", rest.replace('-', "\u{2212}")),
        None => written.replace('-', "\u{2212}"),
    }
}

fn special(value: f64) -> Option<String> {
    if value.is_nan() {
        Some(MISSING.into())
    } else if value.is_infinite() {
        Some(if value > 0.0 { "\u{221e}".into() } else { "\u{2212}\u{221e}".into() })
    } else {
        None
    }
}

/// `1.50` as `1.5`, `2.00` as `2`, `-0.00` as `0`.
fn trim_zeros(written: &str) -> String {
    let trimmed = if written.contains('.') { written.trim_end_matches('0').trim_end_matches('.') } else { written };
    if trimmed == "-0" { "0".into() } else { trimmed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_finite() {
        assert_eq!(coordinate(1.0), "1");
        assert_eq!(coordinate(-0.001), "0");
        assert_eq!(coordinate(12.345), "12.35");
        assert_eq!(coordinate(100.0), "100");
        assert_eq!(coordinate(f64::NAN), "0");
        assert_eq!(coordinate(f64::NEG_INFINITY), "0");
        assert_eq!(percent(0.125), "12.5%");
    }

    #[test]
    fn readers_see_a_minus_and_a_dash() {
        assert_eq!(fixed(-0.5, 2), "\u{2212}0.50");
        assert_eq!(fixed(-0.001, 2), "0.00", "no sign on zero");
        assert_eq!(fixed(f64::NAN, 3), MISSING);
        assert_eq!(fixed(1e99, 3), "1e99");
        assert_eq!(fixed(f64::NEG_INFINITY, 3), "\u{2212}\u{221e}");
    }

    #[test]
    fn four_digits_whatever_the_size() {
        for (value, shown) in [
            (0.912_34, "0.9123"),
            (0.999_96, "1.000"),
            (0.012_345, "0.01235"),
            (0.000_123_46, "0.0001235"),
            (1.5e-7, "1.5e\u{2212}7"),
            (0.0, "0.0000"),
            (12.345, "12.35"),
            (-1234.5, "\u{2212}1234"),
            (123_456.7, "123\u{202f}457"),
            (f64::NAN, MISSING),
        ] {
            assert_eq!(written(value), shown);
        }
        assert_eq!(range(0.9, [0.889_99, 0.91]), "0.8900 to 0.9100");
        assert_eq!(range(123_456.0, [99_000.2, 150_000.0]), "99\u{202f}000 to 150\u{202f}000");
        assert_eq!(
            (count(0), count(9999), count(1_234_567)),
            ("0".into(), "9999".into(), "1\u{202f}234\u{202f}567".into())
        );
        assert_eq!(grouped("-12345.678"), "-12\u{202f}345.678");
    }

    #[test]
    fn compact_keeps_about_four_digits() {
        for (value, written) in [
            (0.0, "0"),
            (0.95, "0.95"),
            (0.123_456, "0.12346"),
            (2.345_67, "2.346"),
            (1234.56, "1234.6"),
            (250_000.4, "250\u{202f}000"),
            (1.5e-7, "1.5e\u{2212}7"),
            (2e20, "2e20"),
        ] {
            assert_eq!(compact(value), written);
        }
    }
}
