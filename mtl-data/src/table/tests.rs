//! The reader as a whole: what it reads, whatever the cut, and what it says about what it cannot read.

use super::*;
use proptest::prelude::*;

use crate::rng::{Rng, Stream};

const SCHEMA: &str = r#"
    missing = ["?"]
    columns = [
        { name = "a", kind = "categorical" },
        { name = "x", kind = "numeric" },
        { name = "y", kind = "label", label = "value" },
    ]"#;

fn schema() -> Schema {
    toml::from_str(SCHEMA).unwrap()
}

fn parse(text: &str, format: &CsvFormat) -> Result<Table> {
    Table::parse("t.csv".as_ref(), text.as_bytes(), format, &schema())
}

fn refusal(text: &str, header: bool) -> String {
    let e = parse(text, &CsvFormat { header, ..CsvFormat::default() }).unwrap_err().to_string();
    assert_eq!(e.lines().count(), 1, "{e}");
    e
}

#[test]
fn a_header_finds_columns_by_name() {
    let text = "\u{feff}\nx; other;\"y\" ;a\n1.5;??;?; red\n-2;\"\"\"\";3;\"bl;ue\"\n";
    let table = parse(text, &CsvFormat { delimiter: ';'.into(), ..CsvFormat::default() }).unwrap();
    assert_eq!((table.n_rows(), table.line(0), table.line(1), table.line(2)), (2, 3, 4, 0));
    let [TableColumn::Text { codes, dictionary }, TableColumn::Numbers(x), TableColumn::Numbers(y)] = table.columns()
    else {
        panic!()
    };
    assert_eq!((codes.as_slice(), dictionary.join("|").as_str()), ([0, 1].as_slice(), "red|bl;ue"));
    assert_eq!(x, &[1.5, -2.0]);
    assert!(y[0].is_nan() && y[1..] == [3.0]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, header, expected) in [
        ("", false, "t.csv: expected at least one row of data, found none"),
        ("a,x,y\n\n", true, "t.csv: expected at least one row of data, found none"),
        ("a,x\n", true, r#"t.csv:1: expected a column named "y", found "a", "x""#),
        ("a,x,y,x\n", true, r#"t.csv:1: column "x": expected a name that the header holds once, found it twice"#),
        ("u,1,2\nu,1\n", false, "t.csv:2: expected 3 columns, found 2"),
        ("a,x,y\nu,1,2\n\nu,v,1,2\n", true, "t.csv:4: expected 3 columns, found 4"),
        (
            "u,1,2\nu,NaN,2\n",
            false,
            r#"t.csv:2: column "x": expected a finite number, found "NaN"; if that means not known, write missing = ["?", "NaN"] under [data.schema] and missing = "mean" in the column"#,
        ),
        (
            "u,,2\n",
            false,
            r#"t.csv:1: column "x": expected a finite number, found ""; if that means not known, write missing = ["?", ""] under [data.schema] and missing = "mean" in the column"#,
        ),
        (
            "u,?,2\n",
            false,
            r#"t.csv:1: column "x": expected a finite number, found "?"; if that means not known, write missing = "mean" in the column"#,
        ),
        (
            "u;1;2\n",
            false,
            r#"t.csv:1: expected 3 columns, found 1; with delimiter = ";" under [data.format] they are there"#,
        ),
        ("u,1,inf\n", false, r#"t.csv:1: column "y": expected a finite number, found "inf""#),
        ("u\"v,1,2\n", false, r#"t.csv:1: column "a": expected a quote only around a whole field, found "u\"v""#),
        ("\"u\nv\",1,2\n\"u,1,2", false, r#"t.csv:3: column "a": expected a closing quote, found "\"u,1,2""#),
    ] {
        assert_eq!(refusal(text, header), expected, "{text:?}");
    }
    let bytes = b"\xff,1,2\n";
    let format = CsvFormat { header: false, ..CsvFormat::default() };
    let e = Table::parse("t.csv".as_ref(), bytes, &format, &schema()).unwrap_err().to_string();
    assert!(e.starts_with(r#"t.csv:1: column "a": expected text in UTF-8"#), "{e}");
    let e = Table::read("/no/such.csv".as_ref(), &format, &schema()).unwrap_err().to_string();
    assert!(e.starts_with("/no/such.csv: cannot read: "), "{e}");
}

#[test]
fn the_first_fault_in_the_file_is_reported() {
    let mut rows: Vec<String> = (0..1000).map(|i| format!("t{},{i},0", i % 7)).collect();
    rows[400] = "t,x,0".into();
    rows[700] = "t,0".into();
    let format = CsvFormat { header: false, ..CsvFormat::default() };
    for size in [1, 50, 1000, 1 << 20] {
        let text = rows.join("\n");
        let read = Table::parse_pieces(
            "t.csv".as_ref(),
            text.as_bytes(),
            &format,
            &schema(),
            Also::NONE,
            size,
            &mut Faults::default(),
        );
        assert!(read.unwrap_err().to_string().starts_with("t.csv:401: column \"x\""), "{size}");
    }
}

/// A field as a careful writer would write it.
fn written(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']) && text.trim_matches([' ', '\t']) == text && !text.is_empty();
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read(
        rows in prop::collection::vec(("[ -~\t\né\"]{0,6}", -1e6f64..1e6, prop::option::of(-9i32..9)), 1..40),
        size in 1usize..200,
    ) {
        let line = |(a, x, y): &(String, f64, Option<i32>)| {
            format!("{}, {x} ,{}\n", written(a), y.map_or("?".into(), |y| y.to_string()))
        };
        let text: String = rows.iter().map(line).collect();
        let format = CsvFormat { header: false, ..CsvFormat::default() };
        let table = Table::parse_pieces("t".as_ref(), text.as_bytes(), &format, &schema(), Also::NONE, size, &mut Faults::default()).unwrap();
        prop_assert_eq!(table.n_rows(), rows.len());
        let [TableColumn::Text { codes, dictionary }, TableColumn::Numbers(xs), TableColumn::Numbers(ys)] =
            table.columns() else { panic!() };
        let mut line = 1;
        for (row, (a, x, y)) in rows.iter().enumerate() {
            prop_assert_eq!(&dictionary[codes[row] as usize], a);
            prop_assert_eq!(xs[row].to_bits(), x.to_bits());
            prop_assert_eq!((!ys[row].is_nan()).then_some(ys[row]), y.map(f64::from));
            prop_assert_eq!(table.line(row), line);
            line += 1 + a.matches('\n').count() as u64;
        }
        let whole = Table::parse("t".as_ref(), text.as_bytes(), &format, &schema()).unwrap();
        prop_assert_eq!(whole.columns()[0].clone(), table.columns()[0].clone());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(prop::sample::select(b"a1,\"\n\r ?.\xff".as_slice()), 0..120), size in 1usize..40, header: bool, quotes: bool) {
        let format = CsvFormat { header, quotes, ..CsvFormat::default() };
        match Table::parse_pieces("t".as_ref(), &bytes, &format, &schema(), Also::NONE, size, &mut Faults::default()) {
            Ok(table) => {
                let whole = Table::parse("t".as_ref(), &bytes, &format, &schema()).unwrap();
                prop_assert_eq!(whole.n_rows(), table.n_rows());
                prop_assert_eq!(whole.lines, table.lines);
            }
            Err(e) => {
                let whole = Table::parse("t".as_ref(), &bytes, &format, &schema()).unwrap_err();
                prop_assert_eq!(e.to_string(), whole.to_string());
            }
        }
    }
}

#[test]
fn mutated_files_never_panic() {
    let mut rng = Rng::new(1, Stream::Synthetic, 0);
    let file = b"a,x,y\nred,1,2\n\"bl\"\"ue\",3.5,?\ngreen,-1e3,7\nred,0,0\n";
    let mut accepted = 0;
    for _ in 0..100_000 {
        let mut bytes = file.to_vec();
        for _ in 0..=rng.below(3) {
            let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
            bytes[at] = rng.next().to_le_bytes()[0];
        }
        bytes.truncate(usize::try_from(rng.below(80)).unwrap());
        match Table::parse_pieces(
            "t".as_ref(),
            &bytes,
            &CsvFormat::default(),
            &schema(),
            Also::NONE,
            1 << 20,
            &mut Faults::default(),
        ) {
            Ok(table) => accepted += table.n_rows().min(1),
            Err(e) => assert_eq!(e.to_string().lines().count(), 1),
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

/// The lines of a text, however they end, by the plainest means.
fn plain_lines(text: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let chars: Vec<char> = text.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let is_before_feed = chars[at..].iter().find(|&&c| c != '\r') == Some(&'\n');
        match c {
            '\n' => lines.push(std::mem::take(&mut line)),
            '\r' if !is_before_feed => lines.push(std::mem::take(&mut line)),
            '\r' => {}
            c => line.push(c),
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Whatever happens to a file, a row that is read is the line that it says it is, and every data line has its answer.
#[test]
fn no_mutation_shifts_a_row() {
    let mut rng = Rng::new(7, Stream::Synthetic, 0);
    let file = "a,x,y\nred,1,2\nblue,3.5,?\ngreen,-1e3,7\nred,0,0\nteal,12345678.5,1\n";
    let letters: Vec<char> = "\n\r, \t?1.ae\u{e9};'".chars().collect();
    let fitted = {
        let table = parse(file, &CsvFormat::default()).unwrap();
        FittedSchema::fit(&schema(), &table, &[0, 1, 2, 3, 4]).unwrap()
    };
    let (mut read, mut answered, mut refused) = (0, 0, 0);
    for _ in 0..20_000 {
        let mut chars: Vec<char> = file.chars().collect();
        for _ in 0..=rng.below(3) {
            let at = usize::try_from(rng.below(chars.len() as u64)).unwrap();
            let letter = letters[usize::try_from(rng.below(letters.len() as u64)).unwrap()];
            match rng.below(3) {
                0 => chars[at] = letter,
                1 => chars.insert(at, letter),
                _ => drop(chars.remove(at)),
            }
        }
        let text: String = chars.into_iter().collect();
        let lines = plain_lines(&text);
        let is_blank = |line: &String| line.trim_matches([' ', '\t']).is_empty();
        if let Ok(table) = parse(&text, &CsvFormat::default()) {
            read += 1;
            let names: Vec<&str> = lines.iter().find(|l| !is_blank(l)).unwrap().split(',').map(str::trim).collect();
            let [TableColumn::Text { codes, dictionary }, TableColumn::Numbers(xs), TableColumn::Numbers(ys)] =
                table.columns()
            else {
                panic!()
            };
            let data = lines.iter().filter(|l| !is_blank(l)).count() - 1;
            assert_eq!(table.n_rows(), data, "{text:?}");
            for row in 0..table.n_rows() {
                let line = &lines[usize::try_from(table.line(row)).unwrap() - 1];
                let field = |name| {
                    let place = names.iter().position(|n| *n == name).unwrap();
                    line.split(',').nth(place).unwrap().trim_matches([' ', '\t'])
                };
                assert_eq!(dictionary[codes[row] as usize], field("a"), "{text:?}");
                assert_eq!(Some(xs[row].to_bits()), field("x").parse().ok().map(f64::to_bits), "{text:?}");
                let y = if field("y") == "?" { f64::NAN } else { field("y").parse().unwrap() };
                assert_eq!(ys[row].to_bits(), y.to_bits(), "{text:?}");
            }
        }
        let block = usize::try_from(rng.below(40) + 1).unwrap();
        let answers: Result<Vec<_>> = fitted
            .parse_blocks("p".as_ref(), text.as_bytes(), &CsvFormat::default(), block)
            .and_then(Iterator::collect);
        match answers {
            Ok(sources) => {
                answered += 1;
                let n: u64 = sources.iter().map(crate::source::Source::len).sum();
                let mut data: &[String] = &lines;
                while data.first().is_some_and(is_blank) {
                    data = &data[1..];
                }
                while data.last().is_some_and(is_blank) {
                    data = &data[..data.len() - 1];
                }
                assert_eq!(n, data.len() as u64 - 1, "{text:?}");
                assert!(!data.iter().any(is_blank), "{text:?}");
            }
            Err(e) => {
                refused += 1;
                assert_eq!(e.to_string().lines().count(), 1, "{e}");
            }
        }
    }
    assert!(read > 3000 && answered > 3000 && refused > 3000, "{read} {answered} {refused}");
}
