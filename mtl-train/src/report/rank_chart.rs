//! Rank chart: mean ranks of methods, and which of them are not told apart (Demsar's critical-difference diagram).
//!
//! ```text
//!      |------| CD
//!      =========            methods under a common bar differ by less than CD
//!           ========
//!   a  o                 1.4
//!   b      o             2.1
//!   c           o        3.0
//! ```
//!
//! Demsar's drawing hangs names on bent leader lines, which needs a fixed width. Here each method has a line of its own, as
//! in a bar chart, so that long names and narrow pages do no harm.
//!
//! **Reference** J. Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006, figure 1.

use serde::Serialize;

use super::{
    axis::Axis,
    label,
    markup::{Attributes, element, empty, leaf, text},
    number::{coordinate, fixed, percent},
    plot::{self, Figure, PlotBox, TICK_FONT},
    scale::{Ends, Scale},
};

/// Mean ranks with a critical difference.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RankChart {
    /// Title above the chart.
    pub title: String,
    /// What to see in it, below the chart.
    pub caption: String,
    /// Name and mean rank of every method; drawn from the best, which has the lowest rank. Ranks that are not finite are
    /// left out.
    pub ranks: Vec<(String, f64)>,
    /// Ranks closer than this are not told apart; no bars are drawn unless it is finite and not negative.
    pub critical_difference: f64,
}

const LINE: f64 = 22.0;
const BAR_LINE: f64 = 9.0;
const TOP: f64 = 24.0;
const WIDEST_NAME: f64 = 170.0;

impl RankChart {
    /// Appends the chart as HTML.
    pub fn render(&self, out: &mut String) {
        let figure = Figure { class: "chart", title: &self.title, caption: &self.caption };
        figure.render(out, |out| {
            let mut sorted: Vec<(&str, f64)> =
                self.ranks.iter().filter(|(_, r)| r.is_finite()).map(|(n, r)| (n.as_str(), *r)).collect();
            if sorted.is_empty() {
                return plot::no_data(out);
            }
            sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
            let known = self.critical_difference.is_finite() && self.critical_difference >= 0.0;
            let groups = if known { groups(&sorted, self.critical_difference) } else { Vec::new() };
            self.drawing(out, &sorted, &groups, known);
        });
    }

    fn drawing(&self, out: &mut String, sorted: &[(&str, f64)], groups: &[[f64; 2]], known: bool) {
        let n = sorted.len() as f64;
        let values: Vec<f64> = sorted.iter().map(|(_, rank)| *rank).chain([1.0, n]).collect();
        let scale = Scale::fit(&Axis::new("mean rank"), &values, Ends::Marks, 6);
        let top = if known { TOP + BAR_LINE * groups.len() as f64 } else { 0.0 };
        let widest_name = sorted.iter().map(|(n, _)| label::width(n, TICK_FONT)).fold(0.0, f64::max).min(WIDEST_NAME);
        let widest_value = sorted.iter().map(|(_, r)| label::width(&fixed(*r, 2), TICK_FONT)).fold(0.0, f64::max);
        let in_words: Vec<String> = sorted.iter().map(|(name, rank)| format!("{name} {}", fixed(*rank, 2))).collect();
        let plot = PlotBox {
            class: "plot-box bars",
            style: format!(
                "--left:{}px;--right:{}px;--height:{}px",
                coordinate(widest_name + 10.0),
                coordinate(widest_value + 12.0),
                coordinate(top + LINE * n),
            ),
            y_label: String::new(),
            x_label: "mean rank".into(),
            in_words: format!("Rank chart: {}. {}.", self.title, in_words.join(", ")),
        };
        plot.render(out, |out| {
            plot::x_grid(out, &scale);
            if known {
                self.difference(out, &scale);
            }
            for (place, ends) in groups.iter().enumerate() {
                if let [Some(from), Some(to)] = ends.map(|end| scale.fraction(end)) {
                    let rect: Attributes<'_> = &[
                        ("class", &"bar muted"),
                        ("x", &percent(from)),
                        ("y", &coordinate(TOP + BAR_LINE * place as f64)),
                        ("width", &percent(to - from)),
                        ("height", &4),
                    ];
                    empty(out, "rect", rect);
                }
            }
            for (place, (name, rank)) in sorted.iter().enumerate() {
                method(out, &scale, name, *rank, top + LINE * (place as f64 + 0.5));
            }
            plot::x_marks(out, &scale);
        });
    }

    /// The length of the critical difference, at the start of the axis.
    fn difference(&self, out: &mut String, scale: &Scale) {
        let [low, high] = scale.range();
        let Some(to) = scale.fraction((low + self.critical_difference).min(high)) else { return };
        let to = percent(to);
        empty(out, "line", &[("class", &"whisker"), ("x1", &"0%"), ("x2", &to), ("y1", &12), ("y2", &12)]);
        for end in ["0%", to.as_str()] {
            empty(out, "line", &[("class", &"whisker"), ("x1", &end), ("x2", &end), ("y1", &8), ("y2", &16)]);
        }
        leaf(out, "text", &[("class", &"tick"), ("x", &0), ("y", &4)], "critical difference");
    }
}

/// Name, dot and value of a method.
fn method(out: &mut String, scale: &Scale, name: &str, rank: f64, y: f64) {
    let y = coordinate(y);
    let short = label::shorten(name, TICK_FONT, WIDEST_NAME);
    element(out, "text", &[("class", &"tick end"), ("dx", &-8), ("y", &y), ("dy", &"0.35em")], |out| {
        text(out, &short);
        if short != name {
            leaf(out, "title", &[], name);
        }
    });
    let written = fixed(rank, 2);
    let value: Attributes<'_> = &[("class", &"tick"), ("x", &"100%"), ("dx", &8), ("y", &y), ("dy", &"0.35em")];
    leaf(out, "text", value, &written);
    if let Some(at) = scale.fraction(rank) {
        let dot: Attributes<'_> = &[("class", &"dot s0"), ("cx", &percent(at)), ("cy", &y), ("r", &5)];
        element(out, "circle", dot, |out| leaf(out, "title", &[], &format!("{name}: {written}")));
    }
}

/// The longest runs of at least two methods whose ranks lie within `difference`; no run lies inside another.
fn groups(sorted: &[(&str, f64)], difference: f64) -> Vec<[f64; 2]> {
    let mut groups = Vec::new();
    let mut reached = 0;
    for (first, (_, low)) in sorted.iter().enumerate() {
        let within = sorted.iter().rposition(|(_, rank)| rank - low <= difference).unwrap_or(first);
        if within > first && within > reached {
            groups.push([*low, sorted.get(within).map_or(*low, |(_, rank)| *rank)]);
            reached = within;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_maximal() {
        let sorted = [("a", 1.0), ("b", 1.8), ("c", 2.5), ("d", 4.0), ("e", 6.0)];
        assert_eq!(groups(&sorted, 1.6), [[1.0, 2.5], [2.5, 4.0]]);
        assert_eq!(groups(&sorted, 0.5), Vec::<[f64; 2]>::new());
        assert_eq!(groups(&sorted, 9.0), [[1.0, 6.0]]);
        assert_eq!(groups(&[("a", 2.0), ("b", 2.0)], 0.0), [[2.0, 2.0]], "equal ranks, even without a difference");
    }

    #[test]
    fn the_best_comes_first_and_odd_ranks_are_left_out() {
        let ranks = vec![("worst".into(), 3.0), ("best".into(), 1.0), ("lost".into(), f64::NAN)];
        let mut out = String::new();
        RankChart { ranks, critical_difference: 0.7, ..RankChart::default() }.render(&mut out);
        assert!(out.find(">best<").unwrap() < out.find(">worst<").unwrap() && !out.contains("lost"), "{out}");
        assert_eq!(out.matches("<circle").count(), 2);
        assert_eq!(out.matches("<rect").count(), 0, "they differ");
        let mut out = String::new();
        RankChart { critical_difference: f64::NAN, ..RankChart::default() }.render(&mut out);
        assert!(out.contains("no data"));
    }
}
