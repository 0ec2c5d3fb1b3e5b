//! What holds for every document, tried on random ones full of hostile values and names.

use mtl_train::report::{
    Align, Axis, AxisScale, Bar, BarChart, BarSeries, Best, Block, Cell, ChartShape, Column, Columns, Contours,
    Details, Document, Heading, HeatMap, KeyValue, KeyValueStyle, KeyValues, LineChart, Marker, Note, NoteKind, Origin,
    Palette, Paragraph, RankChart, Reference, Row, Series, Table, TaggedLine, TaggedText, TaggedWord,
};

use crate::well_formed;

/// SplitMix64: enough for tests, and the same everywhere.
struct Rng(u64);

impl Rng {
    fn document(&mut self) -> Document {
        let blocks = self.some(8, |r| r.block(2));
        Document { title: self.name(), subtitle: self.name(), blocks }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn value(&mut self) -> f64 {
        let odd =
            [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324, 1e-12, -1e99, 1e15];
        if self.below(6) == 0 { self.pick(&odd) } else { (self.next() >> 11) as f64 / (1_u64 << 50) as f64 - 4.0 }
    }

    fn name(&mut self) -> String {
        let names = [
            "income",
            "",
            "<script>alert(1)</script>",
            "a & b",
            "\"quoted\" 'twice'",
            "]]>",
            "--><!--",
            "größe 大きさ",
            "\0\u{7}",
            "a name that is longer than any axis, legend or column of this page could ever have room for",
            "&lt;",
            "x\ny",
            "NaN",
            "</style></svg>",
            "`code` and ` more",
            "\u{202e}txet",
        ];
        self.pick(&names).into()
    }

    fn some<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let n = self.below(most + 1);
        (0..n).map(|_| make(self)).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.coin() { Some(make(self)) } else { None }
    }

    fn pair(&mut self) -> [f64; 2] {
        [self.value(), self.value()]
    }

    fn axis(&mut self) -> Axis {
        let scale = self.pick(&[AxisScale::Linear, AxisScale::Log]);
        let range = self.maybe(Self::pair);
        Axis { label: self.name(), unit: self.maybe(Self::name), scale, range }
    }

    fn series(&mut self) -> Series {
        let most = self.pick(&[0, 1, 3, 50, 1500]);
        Series {
            name: self.name(),
            points: self.some(most, Self::pair),
            band: self.some(most, |r| [r.value(), r.value(), r.value()]),
            markers: self.some(2, |r| Marker { x: r.value(), y: r.value(), label: r.name() }),
            dashed: self.coin(),
        }
    }

    fn line_chart(&mut self) -> LineChart {
        let reference = match self.below(3) {
            0 => None,
            1 => Some(Reference::Diagonal { label: self.name() }),
            _ => Some(Reference::Level { y: self.value(), label: self.name() }),
        };
        LineChart {
            title: self.name(),
            caption: self.name(),
            x: self.axis(),
            y: self.axis(),
            series: self.some(20, Self::series),
            contours: self.maybe(|r| Contours {
                label: r.name(),
                x: r.pair(),
                y: r.pair(),
                values: r.some(5, |r| r.some(5, Self::value)),
                levels: r.some(3, Self::value),
            }),
            reference,
            shape: self.pick(&[ChartShape::Wide, ChartShape::Square]),
        }
    }

    fn heat_map(&mut self) -> HeatMap {
        let most = self.pick(&[0, 2, 8, 45]);
        HeatMap {
            title: self.name(),
            caption: self.name(),
            rows: self.some(6, Self::name),
            columns: self.some(most, Self::name),
            values: self.some(6, |r| r.some(most, Self::value)),
            palette: self.pick(&[Palette::Sequential, Palette::Diverging]),
            range: self.maybe(Self::pair),
            decimals: self.pick(&[0, 2, usize::MAX]),
        }
    }

    fn bar_chart(&mut self) -> BarChart {
        let bar = |r: &mut Self| Bar { value: r.value(), interval: r.maybe(Self::pair) };
        BarChart {
            title: self.name(),
            caption: self.name(),
            value: self.axis(),
            categories: self.some(5, Self::name),
            series: self.some(4, |r| BarSeries { name: r.name(), bars: r.some(6, bar) }),
            baseline: self.value(),
            decimals: self.pick(&[0, 3, usize::MAX]),
        }
    }

    fn cell(&mut self) -> Cell {
        match self.below(3) {
            0 => Cell::Missing,
            1 => Cell::Text(self.name()),
            _ => Cell::Number {
                value: self.value(),
                decimals: self.maybe(|r| r.pick(&[0, 4, usize::MAX])),
                spread: self.maybe(Self::value),
            },
        }
    }

    fn table(&mut self) -> Table {
        Table {
            caption: self.name(),
            corner: self.name(),
            columns: self.some(5, |r| Column {
                label: r.name(),
                group: r.maybe(Self::name),
                align: r.pick(&[Align::Left, Align::Right, Align::Center]),
                best: r.maybe(|r| r.pick(&[Best::Highest, Best::Lowest])),
                wrap: r.coin(),
            }),
            rows: self.some(6, |r| Row {
                name: r.name(),
                cells: r.some(6, Self::cell),
                origin: r.pick(&[Origin::Measured, Origin::Published]),
                footnote: r.maybe(|r| r.below(9)),
                link: r.maybe(Self::name),
            }),
            footnotes: self.some(3, Self::name),
        }
    }

    fn tagged_text(&mut self) -> TaggedText {
        let tag = |r: &mut Self| if r.coin() { "O".to_owned() } else { r.name() };
        let word = |r: &mut Self| TaggedWord { text: r.name(), truth: r.maybe(tag), said: tag(r) };
        TaggedText {
            title: self.name(),
            texts: self.some(3, |r| TaggedLine { name: r.name(), words: r.some(9, word) }),
            caption: self.name(),
        }
    }

    fn block(&mut self, depth: usize) -> Block {
        match self.below(if depth == 0 { 10 } else { 12 }) {
            0 => Heading { text: self.name(), level: self.pick(&[0, 2, 3, 4, 255]) }.into(),
            1 => Paragraph::new(self.name()).into(),
            2 => Note::new(self.pick(&[NoteKind::Info, NoteKind::Success, NoteKind::Failure]), self.name()).into(),
            3 => self.table().into(),
            4 => self.line_chart().into(),
            5 => self.heat_map().into(),
            6 => self.bar_chart().into(),
            7 => {
                let item = |r: &mut Self| KeyValue { key: r.name(), value: r.name(), remark: r.name() };
                let style = self.pick(&[KeyValueStyle::List, KeyValueStyle::Tiles]);
                KeyValues { items: self.some(4, item), style }.into()
            }
            8 => RankChart {
                title: self.name(),
                caption: self.name(),
                ranks: self.some(7, |r| (r.name(), r.value())),
                critical_difference: self.value(),
            }
            .into(),
            9 => self.tagged_text().into(),
            10 => Columns { blocks: self.some(3, |r| r.block(depth - 1)), min_width: self.pick(&[0, 300, u16::MAX]) }
                .into(),
            _ => {
                let details = Details::new(self.name(), self.some(3, |r| r.block(depth - 1)));
                Details { id: self.maybe(Self::name), open: self.coin(), ..details }.into()
            }
        }
    }
}

/// A document of anything; equal seeds give equal documents.
pub(super) fn random_document(seed: u64) -> Document {
    Rng(seed).document()
}

#[test]
fn any_document_is_well_formed_finite_and_without_foreign_tags() {
    for seed in 0..300 {
        let document = random_document(seed);
        let html = document.to_html();
        if let Err(problem) = well_formed::check(&html) {
            panic!("seed {seed}: {problem}");
        }
        assert!(!html.contains("<script") && !html.contains("alert(1)<"), "seed {seed}");
        assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("url("), "seed {seed}");
        assert_eq!(html, document.clone().to_html(), "seed {seed}: equal documents give equal bytes");
    }
}

#[test]
fn empty_blocks_say_so() {
    for block in [
        Block::from(LineChart::default()),
        LineChart { series: vec![Series::new("a", vec![[f64::NAN, 1.0], [1.0, f64::NAN]])], ..LineChart::default() }
            .into(),
        HeatMap::default().into(),
        BarChart::default().into(),
        TaggedText::default().into(),
    ] {
        let mut out = String::new();
        block.render(&mut out);
        assert!(out.contains("no data"), "{out}");
        assert_eq!(well_formed::check(&out), Ok(()));
    }
}
