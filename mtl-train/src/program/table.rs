//! Tables and amounts on a terminal.

use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use mtl_metrics::MetricValue;

/// An empty table; the columns from `numbers_from` on are numbers, to the right.
pub(super) fn table(header: &[&str], numbers_from: usize) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(header.iter().copied());
    for idx in numbers_from..header.len() {
        table.column_mut(idx).into_iter().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    }
    table
}

/// Both ends of an interval, in the digits of the value that it belongs to.
pub(super) fn range(value: f64, [low, high]: [f64; 2]) -> String {
    match value == 0.0 || (1e-3..1e6).contains(&value.abs()) {
        true => format!("{low:.4} to {high:.4}"),
        false => format!("{low:.3e} to {high:.3e}"),
    }
}

/// A metric with four decimals, or digits and an exponent where these would hide it; why, if it is undefined.
pub(super) fn value(value: &MetricValue) -> String {
    match value.get() {
        Ok(x) if x == 0.0 || (1e-3..1e6).contains(&x.abs()) => format!("{x:.4}"),
        Ok(x) => format!("{x:.3e}"),
        Err(_) => value.to_string(),
    }
}

/// Bytes with the unit that keeps three digits: `12.3 MiB`.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn bytes(n: usize) -> String {
    amount(n as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

/// A count in thousands: `1.23 M`.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn count(n: u64) -> String {
    amount(n as f64, 1000.0, &["", "k", "M", "G", "T"])
}

fn amount(mut x: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while x >= step && unit + 1 < units.len() {
        x /= step;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    let digits = if unit == 0 { 0 } else { usize::from(x < 100.0) + usize::from(x < 10.0) };
    format!("{x:.digits$} {name}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use mtl_metrics::MetricValue;

    #[test]
    fn metrics_keep_four_digits() {
        let shown = |x| super::value(&MetricValue::defined(x, 1));
        assert_eq!([shown(1.0), shown(0.35781), shown(0.0), shown(-12.5)], ["1.0000", "0.3578", "0.0000", "-12.5000"]);
        assert_eq!(super::range(0.5, [0.41, 0.6]), "0.4100 to 0.6000");
        assert_eq!(super::range(2e7, [1e7, 3.1e7]), "1.000e7 to 3.100e7");
        assert_eq!([shown(0.000_123_4), shown(1.5e7)], ["1.234e-4", "1.500e7"]);
    }

    #[test]
    fn amounts_have_three_digits() {
        assert_eq!([super::bytes(0), super::bytes(1023), super::bytes(1536)], ["0 B", "1023 B", "1.50 KiB"]);
        assert_eq!([super::count(999), super::count(12_345), super::count(123_456_789)], ["999", "12.3 k", "123 M"]);
    }
}
