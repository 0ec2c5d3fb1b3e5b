//! Colors that most eyes can tell apart, on white and on black.
//!
//! **Series** take the eight colors of Okabe and Ito without yellow and black, which vanish on white or on black, plus
//! a gray; on dark pages they are lightened. **Ramps** run from the color of the page to the color furthest from it, so
//! that *more ink is more*; they are blended in OKLab, where equal steps look equal. The diverging ramp has blue for
//! positive and orange for negative values, a pair that every common color blindness keeps apart.
//!
//! A ramp is cut into [`N_LEVELS`] levels, each a class of the style sheet: the page can change its colors with the
//! reader's light or dark setting, which a color written into the drawing could not.
//!
//! **Reference** Okabe, Ito, "Color universal design", 2008; Ottosson, "A perceptual color space for image processing",
//! 2020 (OKLab, and the numbers of its two matrices).

use std::fmt::Write;

/// Colors of series before they repeat with a dash.
pub(super) const N_SERIES: usize = 7;

/// Levels of a ramp; neighbors differ less than an eye can see without comparing.
pub(super) const N_LEVELS: usize = 24;

const LIGHT: Theme = Theme {
    series: ["#0072b2", "#d55e00", "#009e73", "#b9579a", "#d08a00", "#3a9ad9", "#6b7280"],
    more: [0xf3f6f9, 0x8cc7c9, 0x2a86a8, 0x173f73, 0x0b1d3a],
    negative: [0xf4f4f2, 0xf0b67f, 0xdb6a1b, 0x8a3200],
    positive: [0xf4f4f2, 0x92c1e4, 0x2a7fc0, 0x0b3f73],
};

const DARK: Theme = Theme {
    series: ["#5cb3ea", "#f5894a", "#2fc99b", "#e39ac6", "#f0b83c", "#8fd0f7", "#a3adb8"],
    more: [0x1e2731, 0x1f5a72, 0x2f9aa0, 0x9fd8a4, 0xfbf4b8],
    negative: [0x22272d, 0x8a4314, 0xe07b2e, 0xffcf9e],
    positive: [0x22272d, 0x1d5b8c, 0x4aa3e0, 0xbfe2fb],
};

/// The colors of one reading mode.
struct Theme {
    series: [&'static str; N_SERIES],
    /// Anchors of the ramp for amounts, from none to most.
    more: [u32; 5],
    /// Anchors from the middle to the most negative.
    negative: [u32; 4],
    /// Anchors from the middle to the most positive.
    positive: [u32; 4],
}

/// Class of an amount in `[0, 1]`.
pub(super) fn amount_class(fraction: f64) -> String {
    format!("q{}", level(fraction))
}

/// Class of a signed strength in `[-1, 1]`.
pub(super) fn signed_class(strength: f64) -> String {
    if strength < 0.0 { format!("n{}", level(-strength)) } else { format!("p{}", level(strength)) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the levels first; NaN gives 0")]
fn level(fraction: f64) -> usize {
    let last = (N_LEVELS - 1) as f64;
    (fraction * last).round().clamp(0.0, last) as usize
}

/// The rules of the style sheet that name colors: light, and dark where the reader asks for it on a screen.
pub(super) fn css() -> String {
    let mut css = LIGHT.rules();
    // Paper is white whatever the screen was.
    css.push_str("@media screen and (prefers-color-scheme:dark){");
    css.push_str(&DARK.rules());
    css.push('}');
    css
}

impl Theme {
    fn rules(&self) -> String {
        let mut css = String::new();
        for (index, color) in self.series.iter().enumerate() {
            let _ = write!(css, ".s{index}{{color:{color}}}"); // writing to a string cannot fail
        }
        for (prefix, anchors) in [("q", &self.more[..]), ("n", &self.negative), ("p", &self.positive)] {
            for index in 0..N_LEVELS {
                let fill = blend(anchors, index as f64 / (N_LEVELS - 1) as f64);
                let ink = if luminance(fill) > 0.2 { "#10151b" } else { "#fff" };
                let _ = write!(css, ".{prefix}{index}{{fill:#{fill:06x}}}.{prefix}{index}+text{{fill:{ink}}}");
            }
        }
        css
    }
}

/// The color at `fraction` of the way along the anchors.
fn blend(anchors: &[u32], fraction: f64) -> u32 {
    let place = fraction * (anchors.len() - 1) as f64;
    let left = place.floor().min((anchors.len() - 2) as f64);
    let pair = anchors.windows(2).enumerate().find(|(index, _)| *index as f64 >= left).map(|(_, pair)| pair);
    let Some([from, to]) = pair else { return 0 };
    let (from, to) = (to_oklab(*from), to_oklab(*to));
    let share = place - left;
    from_oklab([0, 1, 2].map(|i| from[i] + share * (to[i] - from[i])))
}

fn channels(color: u32) -> [f64; 3] {
    [16, 8, 0].map(|shift| {
        let byte = f64::from(color >> shift & 0xff) / 255.0;
        if byte <= 0.040_45 { byte / 12.92 } else { ((byte + 0.055) / 1.055).powf(2.4) }
    })
}

/// Relative luminance after WCAG; above 0.18 or so black letters contrast more than white ones.
fn luminance(color: u32) -> f64 {
    let [r, g, b] = channels(color);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn to_oklab(color: u32) -> [f64; 3] {
    let [r, g, b] = channels(color);
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte first")]
fn from_oklab([l, a, b]: [f64; 3]) -> u32 {
    let cube = |x: f64| x * x * x;
    let long = cube(l + 0.396_337_777_4 * a + 0.215_803_757_3 * b);
    let medium = cube(l - 0.105_561_345_8 * a - 0.063_854_172_8 * b);
    let short = cube(l - 0.089_484_177_5 * a - 1.291_485_548_0 * b);
    let linear = [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ];
    linear.iter().fold(0, |color, x| {
        let byte = if *x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        color << 8 | (byte * 255.0).round().clamp(0.0, 255.0) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oklab_there_and_back() {
        for color in [0x000000, 0xffffff, 0x0072b2, 0xd55e00, 0x010203] {
            assert_eq!(from_oklab(to_oklab(color)), color);
        }
        let [l, a, b] = to_oklab(0xffffff);
        assert!((l - 1.0).abs() < 1e-3 && a.abs() < 1e-3 && b.abs() < 1e-3, "white, after the reference");
    }

    #[test]
    fn ramps_start_and_end_at_their_anchors_and_never_turn_back() {
        for theme in [LIGHT, DARK] {
            for anchors in [&theme.more[..], &theme.negative, &theme.positive] {
                assert_eq!(Some(&blend(anchors, 0.0)), anchors.first());
                assert_eq!(Some(&blend(anchors, 1.0)), anchors.last());
                let lightness: Vec<f64> =
                    (0..N_LEVELS).map(|i| to_oklab(blend(anchors, i as f64 / (N_LEVELS - 1) as f64))[0]).collect();
                let rises = lightness.windows(2).all(|pair| pair[0] < pair[1]);
                let falls = lightness.windows(2).all(|pair| pair[0] > pair[1]);
                assert!(rises || falls, "more must always be further from the page");
            }
        }
    }

    #[test]
    fn letters_contrast_with_their_cell() {
        for theme in [LIGHT, DARK] {
            for anchors in [&theme.more[..], &theme.negative, &theme.positive] {
                for index in 0..N_LEVELS {
                    let fill = luminance(blend(anchors, index as f64 / (N_LEVELS - 1) as f64));
                    let ink = if fill > 0.2 { luminance(0x10151b) } else { 1.0 };
                    let contrast = (fill.max(ink) + 0.05) / (fill.min(ink) + 0.05);
                    assert!(contrast >= 3.8, "level {index}: {contrast}");
                }
            }
        }
    }

    #[test]
    fn classes_are_total() {
        assert_eq!(amount_class(0.5), "q12");
        assert_eq!(amount_class(f64::NAN), "q0");
        assert_eq!(amount_class(7.0), "q23");
        assert_eq!(signed_class(-1.0), "n23");
        assert_eq!(signed_class(0.0), "p0");
    }
}
