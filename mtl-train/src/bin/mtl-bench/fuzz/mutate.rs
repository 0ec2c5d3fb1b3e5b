//! What chance does to a pair: to bytes, to fields and lines of a table, to words and lines of a configuration.

use mtl_core::rng::Rng;

use super::pairs::Pair;

/// Texts that have been trouble somewhere.
const FIELDS: [&str; 34] = [
    "",
    " ",
    "NA",
    "N/A",
    "null",
    "None",
    "?",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "-0",
    "0",
    "1",
    "1.0",
    "01",
    "+3",
    "1,5",
    "1.234,5",
    "1 000",
    "0x1f",
    "1_000",
    "TRUE",
    "True",
    "yes",
    "\"\"",
    "\"a,b\"",
    "\"x",
    "x\"y",
    "é",
    "\u{feff}",
    "=1+1",
    "99999999999999999999",
];

/// Bytes that mean something to a reader.
const BYTES: [u8; 16] =
    [b'"', b',', b';', b'\t', b'\r', b'\n', b' ', 0, 0xff, 0xef, 0xc3, b'.', b'-', b'0', b'#', b'\\'];

/// Words that a configuration may hold, some of them in the wrong place.
const WORDS: [&str; 58] = [
    "kind",
    "name",
    "csv",
    "tabular",
    "mlp",
    "hard",
    "mmoe",
    "ple",
    "cross-stitch",
    "task-query",
    "mtan",
    "equal",
    "upgrad",
    "pcgrad",
    "cagrad",
    "nash-mtl",
    "famo",
    "dwa",
    "gradnorm",
    "uncertainty",
    "random",
    "numeric",
    "categorical",
    "label",
    "ignore",
    "class",
    "value",
    "binary",
    "positive",
    "missing",
    "train",
    "test",
    "validation",
    "epochs",
    "batch_size",
    "lr",
    "selection",
    "mean",
    "auroc",
    "r2",
    "accuracy",
    "patience",
    "weight",
    "hidden",
    "dropout",
    "experts",
    "row",
    "age",
    "rich",
    "true",
    "false",
    "none",
    "standard",
    "log1p",
    "quantile",
    "header",
    "train.csv",
    "config.toml",
];

/// Numbers at the edges; large ones in tables only, where nothing is built from them.
const NUMBERS: [&str; 16] =
    ["0", "1", "2", "3", "-1", "64", "1000", "0.0", "0.5", "1.0", "1e-30", "1e30", "-0.5", "nan", "inf", "1e999"];

/// One of `0..n`; 0 for nothing to choose from.
fn below(rng: &mut Rng, n: usize) -> usize {
    usize::try_from(rng.below(n as u64)).unwrap_or(0)
}

fn one<'a, T: ?Sized>(rng: &mut Rng, of: &[&'a T]) -> Option<&'a T> {
    of.get(below(rng, of.len())).copied()
}

/// One to three changes to the tables, to the configuration, or to both: most configurations that were changed are refused,
/// so tables are changed more often.
pub(crate) fn mutated(pair: &Pair, rng: &mut Rng) -> Pair {
    let mut pair = pair.clone();
    let what = below(rng, 10);
    for _ in 0..=below(rng, 3) {
        match below(rng, 2) {
            _ if (7..9).contains(&what) => config(&mut pair.config, rng),
            0 => table(&mut pair.train, rng),
            _ => table(&mut pair.test, rng),
        }
    }
    if what == 9 {
        config(&mut pair.config, rng);
    }
    pair
}

fn table(text: &mut Vec<u8>, rng: &mut Rng) {
    match below(rng, 12) {
        0..=2 => bytes(text, rng),
        3..=4 => lines(text, rng),
        5..=8 => field(text, rng),
        9 => {
            let end: &[u8] = [b"\r\n".as_slice(), b"\r", b"\n\n", b" \n"][below(rng, 4)];
            *text = text.split(|&b| b == b'\n').collect::<Vec<_>>().join(end);
        }
        10 => text.splice(0..0, [0xef, 0xbb, 0xbf]).for_each(drop),
        _ => text.truncate(below(rng, text.len() + 1)),
    }
}

fn config(text: &mut Vec<u8>, rng: &mut Rng) {
    match below(rng, 10) {
        0 => bytes(text, rng),
        1..=3 => lines(text, rng),
        _ => word(text, rng),
    }
}

/// A byte changed, put in, taken out, or a stretch repeated.
fn bytes(text: &mut Vec<u8>, rng: &mut Rng) {
    let at = below(rng, text.len());
    let byte = BYTES[below(rng, BYTES.len())];
    let end = (at + 1 + below(rng, 12)).min(text.len());
    match below(rng, 5) {
        _ if text.is_empty() => text.push(byte),
        0 => text[at] = byte,
        1 => text[at] ^= 1 << below(rng, 8),
        2 => text.insert(at, byte),
        3 => text.drain(at..end).for_each(drop),
        _ => {
            let stretch = text[at..end].to_vec();
            text.splice(at..at, stretch).for_each(drop);
        }
    }
}

/// A line taken out, repeated, moved, emptied or filled with blanks.
fn lines(text: &mut Vec<u8>, rng: &mut Rng) {
    let mut lines: Vec<Vec<u8>> = text.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    let (at, other) = (below(rng, lines.len()), below(rng, lines.len()));
    match below(rng, 6) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => lines.insert(at, Vec::new()),
        4 => lines.insert(at, b"   ".to_vec()),
        _ => lines[at].clear(),
    }
    *text = lines.join(&b'\n');
}

/// A field replaced, put in or taken out.
fn field(text: &mut Vec<u8>, rng: &mut Rng) {
    let is_border = |b: &u8| matches!(b, b',' | b';' | b'\t' | b'\n');
    let borders: Vec<usize> = (0..text.len()).filter(|&at| is_border(&text[at])).collect();
    let Some(&start) = borders.get(below(rng, borders.len())) else { return };
    let end = borders.iter().copied().find(|&at| at > start).unwrap_or(text.len());
    let new = one(rng, &FIELDS).unwrap_or_default().bytes();
    match below(rng, 4) {
        0 => text.splice(start..end, []).for_each(drop),
        1 => {
            let border = if text[start] == b'\n' { b',' } else { text[start] };
            text.splice(end..end, std::iter::once(border).chain(new)).for_each(drop);
        }
        _ => text.splice(start + 1..end.max(start + 1), new).for_each(drop),
    }
}

/// A word, number or sign of a configuration replaced, taken out, repeated or exchanged with another.
fn word(text: &mut Vec<u8>, rng: &mut Rng) {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let mut end = at + 1;
        while is_word(text[at]) && end < text.len() && is_word(text[end]) {
            end += 1;
        }
        if !text[at].is_ascii_whitespace() {
            words.push((at, end));
        }
        at = end;
    }
    let Some(&(start, end)) = words.get(below(rng, words.len())) else { return };
    let other = words.get(below(rng, words.len())).map(|&(from, to)| text[from..to].to_vec()).unwrap_or_default();
    let is_number = text[start].is_ascii_digit();
    let new: Vec<u8> = match below(rng, 6) {
        0 => Vec::new(),
        1 => [&text[start..end], &text[start..end]].concat(),
        2 => other,
        3..=4 if is_number => one(rng, &NUMBERS).unwrap_or_default().into(),
        _ => one(rng, &WORDS).unwrap_or_default().into(),
    };
    text.splice(start..end, new).for_each(drop);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::pairs::valid;

    #[test]
    fn a_mutation_is_a_function_of_its_seed_and_changes_something() {
        for (at, pair) in valid().iter().enumerate() {
            let mutate = |seed| mutated(pair, &mut Rng::new(seed));
            let changed = (0..200).filter(|&seed| mutate(seed) != *pair).count();
            assert!(changed > 170, "pair {at}: {changed} of 200");
            assert!((0..50).all(|seed| mutate(seed) == mutate(seed)));
        }
    }

    #[test]
    fn nothing_is_too_short_to_be_mutated() {
        for text in ["", "\n", "x", ",", "a = "] {
            for seed in 0..300 {
                let pair = Pair { config: text.into(), train: text.into(), test: text.into() };
                mutated(&pair, &mut Rng::new(seed));
            }
        }
    }
}
