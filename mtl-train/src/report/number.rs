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
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e15 {
        return compact(value);
    }
    special(value).unwrap_or_else(|| typographic(&format!("{value:.decimals$}")))
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
        m if m < 1e15 => format!("{value:.0}"),
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
    fn compact_keeps_about_four_digits() {
        for (value, written) in [
            (0.0, "0"),
            (0.95, "0.95"),
            (0.123_456, "0.12346"),
            (2.345_67, "2.346"),
            (1234.56, "1234.6"),
            (250_000.4, "250000"),
            (1.5e-7, "1.5e\u{2212}7"),
            (2e20, "2e20"),
        ] {
            assert_eq!(compact(value), written);
        }
    }
}
