//! How wide a label will be, and how to shorten one that is too long.
//!
//! Whoever draws without asking a browser has to guess. The guess is on the wide side (a common wide sans-serif), so
//! that a label may end with some air after it but not under its neighbor.

/// Width of a character that is about as wide as a digit, in units of the font size.
const WIDTH: f64 = 0.62;

/// About how wide `text` will be, in pixels, at a font size in pixels.
pub(super) fn width(text: &str, font_size: f64) -> f64 {
    text.chars().map(|c| char_width(c) * font_size).sum()
}

fn char_width(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.38,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.98,
        // Scripts whose characters are as wide as they are high.
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' => 1.0,
        '\u{1f300}'.. => 1.2,
        _ => WIDTH,
    }
}

/// `text`, or its beginning and an ellipsis if it would be wider than `room` pixels.
pub(super) fn shorten(text: &str, font_size: f64, room: f64) -> String {
    if width(text, font_size) <= room {
        return text.to_owned();
    }
    let mut left = room - WIDTH * font_size;
    let fitting = text.chars().take_while(|c| {
        left -= char_width(*c) * font_size;
        left >= 0.0
    });
    let mut short: String = fitting.collect();
    short.truncate(short.trim_end().len());
    short.push('\u{2026}');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_labels_stay() {
        assert_eq!(shorten("income", 12.0, 100.0), "income");
        assert_eq!(shorten("", 12.0, 0.0), "");
    }

    #[test]
    fn long_labels_end_in_an_ellipsis_within_the_room() {
        let name = "detailed household and family status";
        let short = shorten(name, 12.0, 100.0);
        assert!(short.ends_with('\u{2026}') && name.starts_with(short.trim_end_matches('\u{2026}')));
        assert!(width(&short, 12.0) <= 100.0);
        assert_eq!(shorten("ab", 12.0, 0.0), "\u{2026}");
        assert_eq!(shorten("a bcdefgh", 10.0, 22.0), "a\u{2026}", "no blank before the ellipsis");
    }

    #[test]
    fn cuts_between_characters() {
        assert!(shorten("大大大大大大", 12.0, 40.0).ends_with('\u{2026}'));
    }
}
