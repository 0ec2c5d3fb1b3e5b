//! Tables of every sort to the schema that is proposed for them.

use std::path::PathBuf;

use super::*;
use crate::{
    datasets::CsvFiles,
    table::{Column, FittedSchema, LabelSpec, MissingNumber, Table, Transform},
};

struct Place(tempfile::TempDir);

impl Place {
    fn with(text: impl AsRef<[u8]>) -> (Self, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        (Self(dir), path)
    }
}

fn noise(i: usize, n: usize) -> usize {
    (i * 7919 + 13) % 1009 % n
}

fn survey(text: impl AsRef<[u8]>) -> Survey {
    let (_place, path) = Place::with(text);
    Survey::read(&[&path], None).unwrap()
}

fn propose(text: impl AsRef<[u8]>, targets: &[&str]) -> Result<Proposal> {
    let targets: Vec<String> = targets.iter().map(|t| (*t).to_owned()).collect();
    survey(text).propose(&targets)
}

fn entry<'a>(proposal: &'a Proposal, name: &str) -> &'a ColumnProposal {
    proposal.columns.iter().find(|column| column.entry.name() == name).unwrap()
}

/// Flats: a number that rises, texts, amounts, gaps, a date, a leak, a weight and so on.
fn flats(n: usize) -> String {
    let mut text = String::from(
        "id,area,town,income,day,note,tenant,sample_weight,flag,rooms,euros,empty,city,quality,rent,let\n",
    );
    for i in 0..n {
        let rent = 300 + noise(i, 900) * 2 + i % 7;
        let area = if i % 11 == 0 { "NA".to_owned() } else { format!("{}.5", 20 + noise(i * 3, 100)) };
        let income = if i % 50 == 0 { 9_000_000 } else { 1000 + noise(i * 5, 900) };
        text += &format!(
            "{i},{area},town {},{income},2024-{:02}-{:02},\"a text, about number {i}, and {} more\",t{},{}.5,{},{},{},,basel,{},{rent},{}\n",
            noise(i * 7, 6),
            1 + noise(i, 12),
            1 + noise(i, 28),
            noise(i * 13, 1000),
            noise(i, 60),
            1 + noise(i, 3),
            noise(i * 11, 2),
            1 + noise(i * 17, 5),
            f64::from(u32::try_from(rent).unwrap()) / 1.1,
            1 + noise(i * 19, 5),
            ["yes", "no", "no", ""][noise(i * 23, 4)],
        );
    }
    text
}

#[test]
fn every_column_has_a_kind_a_reason_and_a_line() {
    let proposal = propose(flats(400), &["rent", "let", "quality"]).unwrap();
    let kind = |name: &str| {
        let column = entry(&proposal, name);
        let entry = match &column.entry {
            Column::Numeric { transform: Transform::Standard, missing: MissingNumber::Refuse, .. } => "numeric",
            Column::Numeric { transform: Transform::Standard, missing: MissingNumber::Mean, .. } => "numeric, gaps",
            Column::Numeric { transform: Transform::Standard, missing: MissingNumber::Indicator, .. } => {
                "numeric, marked"
            }
            Column::Numeric { transform: Transform::Log1pStandard, .. } => "numeric, log",
            Column::Numeric { transform: Transform::None, .. } => "numeric, as it is",
            Column::Numeric { transform: Transform::Robust | Transform::Quantile, .. } => "numeric, of its ranks",
            Column::Categorical { .. } => "categorical",
            Column::Label { .. } => "label",
            Column::Ignore { .. } => "ignore",
            Column::Date { .. } => "date",
            Column::Set { .. } => "set",
            Column::Vector { .. } => "vector",
            Column::Id { .. } => "id",
            Column::Weight { .. } | Column::Group { .. } => "other",
        };
        (column.kind.words(), entry)
    };
    for (name, expected) in [
        ("id", ("id", "id")),
        ("area", ("number", "numeric, gaps")),
        ("town", ("category", "categorical")),
        ("income", ("number", "numeric, log")),
        ("day", ("date", "date")),
        ("note", ("text", "ignore")),
        ("tenant", ("group", "ignore")),
        ("sample_weight", ("number", "ignore")),
        ("flag", ("yes/no", "numeric, as it is")),
        ("rooms", ("whole numbers", "numeric")),
        ("euros", ("number", "ignore")),
        ("empty", ("empty", "ignore")),
        ("city", ("constant", "ignore")),
        ("rent", ("number", "label")),
    ] {
        assert_eq!(kind(name), expected, "{name}: {}", entry(&proposal, name).reason);
    }
    assert!(entry(&proposal, "euros").reason.contains("gives \"rent\" away"), "{}", entry(&proposal, "euros").reason);
    assert!(entry(&proposal, "sample_weight").reason.contains("kind = \"weight\""));
    assert_eq!(proposal.missing, ["", "NA"]);
    assert_eq!(proposal.split.group.as_deref(), Some("tenant"));
    assert!(proposal.notes.iter().any(|note| note.contains("split = { time = \"day\" }")), "{:?}", proposal.notes);
    let labels: Vec<&LabelSpec> = proposal.targets.iter().map(|target| &target.label).collect();
    let [LabelSpec::Ordinal(grades), LabelSpec::Value, LabelSpec::Binary { positive, .. }] = labels[..] else {
        panic!("{labels:?}")
    };
    assert_eq!((grades.join(" "), positive.join(" ")), ("1 2 3 4 5".to_owned(), "yes".to_owned()));
    assert!(proposal.targets[2].reason.contains("rows without"), "{}", proposal.targets[2].reason);
}

#[test]
fn what_is_proposed_is_read_and_cut() {
    let (place, path) = Place::with(flats(400));
    let proposal = Survey::read(&[&path], None).unwrap().propose(&["rent".into(), "let".into()]).unwrap();
    let data = CsvFiles {
        dir: Some(place.0.path().to_owned()),
        train: "t.csv".into(),
        format: proposal.format,
        schema: proposal.schema(),
        split: proposal.split.clone(),
        ..CsvFiles::default()
    };
    let splits = data.load().unwrap();
    assert_eq!(splits.train.len() + splits.validation.len() + splits.test.len(), 400);
    let tasks: Vec<String> = proposal.tasks().unwrap().iter().map(|(task, _)| task.to_string()).collect();
    assert_eq!(tasks, ["rent", "let"]);
}

#[test]
fn dates_sets_and_vectors_are_read_as_they_are_proposed() {
    let row = |i: usize| {
        let (day, month) = (1 + noise(i, 28), 1 + noise(i * 3, 12));
        let tags = format!("g{}|g{}|g{}", noise(i, 9), noise(i + 3, 9), noise(i + 5, 9));
        let bought = if i.is_multiple_of(9) {
            "never".to_owned()
        } else {
            format!("{day}.{month}.2023 {:02}:30", noise(i * 5, 24))
        };
        let at = 1_700_000_000 + noise(i * 7, 1000) * 40_000;
        format!("{bought},{month}/{}/2024,{tags},[{i}; 0.5; {day}],{at},{}\n", 1 + day % 12, noise(i * 11, 50))
    };
    let text: String = (0..300).map(row).collect();
    let text = format!("bought,due,tags,embedding,created_at,y\n{text}");
    let (place, path) = Place::with(&text);
    let proposal = Survey::read(&[&path], None).unwrap().propose(&["y".into()]).unwrap();
    let seen = |name: &str| (entry(&proposal, name).kind.words(), entry(&proposal, name).entry.clone());
    let date = |name: &str, format: &str| {
        let (kind, column) = seen(name);
        let Column::Date { format: found, missing, .. } = column else { panic!("{name}: {column:?}") };
        assert_eq!((kind, String::from(found).as_str()), ("date", format), "{name}");
        missing
    };
    assert_eq!(date("bought", "%d.%m.%Y %H:%M"), MissingNumber::Mean);
    assert!(entry(&proposal, "bought").reason.contains("but for \"never\""), "{}", entry(&proposal, "bought").reason);
    assert_eq!(date("due", "%m/%d/%Y"), MissingNumber::Refuse);
    let due = entry(&proposal, "due");
    assert!(due.is_doubtful && due.reason.contains("\"%d/%m/%Y\" would read all of them too"), "{}", due.reason);
    assert_eq!(date("created_at", "unix"), MissingNumber::Refuse);
    assert!(matches!(seen("tags"), ("set", Column::Set { separator: '|', members: 64, .. })), "{:?}", seen("tags"));
    let embedding = seen("embedding");
    assert!(matches!(embedding, ("vector", Column::Vector { separator: ';', length: 3, .. })), "{embedding:?}");
    assert!(proposal.missing.contains(&"never".to_owned()));
    let dir = Some(place.0.path().to_owned());
    let data = CsvFiles { dir, train: "t.csv".into(), schema: proposal.schema(), ..CsvFiles::default() };
    // Days and two circles, a third of what has hours; nine members and the others; three places.
    let splits = data.load().unwrap();
    let n = splits.info.inputs.get("numeric").unwrap().layout().cells();
    assert_eq!(n, 7 + 5 + 10 + 3 + 7);
}

#[test]
fn columns_that_give_an_answer_away_are_left_out() {
    let row = |i: usize| {
        let sick = noise(i, 3) == 0;
        let left = if sick { format!("{}.5", noise(i * 3, 50)) } else { String::new() };
        let code = if sick { format!("A{}", noise(i, 4)) } else { format!("B{}", noise(i, 4)) };
        format!("{}.5,{left},{code},{}\n", noise(i * 5, 300), if sick { "yes" } else { "no" })
    };
    let text: String = (0..300).map(row).collect();
    let proposal = propose(format!("age,died_after,ward,sick\n{text}"), &["sick"]).unwrap();
    for (name, is_input) in [("age", true), ("died_after", false), ("ward", false)] {
        assert_eq!(entry(&proposal, name).entry.is_input(), is_input, "{name}: {}", entry(&proposal, name).reason);
    }
    assert!(entry(&proposal, "died_after").reason.contains("where it is filled in"));
    assert_eq!(proposal.split.stratify, ["sick"]);
}

#[test]
fn targets_are_found_or_refused_in_one_line() {
    let text = flats(60);
    let refusal = |targets: &[&str]| {
        let e = propose(&text, targets).unwrap_err().to_string();
        assert!(!e.contains('\n'), "{e}");
        e
    };
    assert!(refusal(&["Rent"]).ends_with("found \"Rent\"; is it \"rent\"?"), "{}", refusal(&["Rent"]));
    assert!(refusal(&["city"]).contains("all labels are \"basel\""), "{}", refusal(&["city"]));
    assert!(refusal(&["note"]).contains("no answers to choose from"), "{}", refusal(&["note"]));
    assert!(refusal(&["empty"]).contains("no row has a label"));
    assert!(refusal(&["z*"]).contains("columns of the file"));
    assert!(refusal(&[]).contains("at least one column"));
    let several = propose(&text, &["r*"]).unwrap();
    let names: Vec<&str> = several.targets.iter().map(|target| target.column.as_str()).collect();
    assert_eq!(names, ["rooms", "rent"]);
    let e = propose("a,b,a\n1,2,3\n2,3,4\n", &["a"]).unwrap_err().to_string();
    assert!(e.contains("holds once"), "{e}");
    let e = propose("k,y\na,1\na,0\na,1\n", &["y"]).unwrap_err().to_string();
    assert!(e.contains("one to answer from") && e.contains("k (\"a\" in all rows)"), "{e}");
}

#[test]
fn candidates_are_in_order_of_likelihood() {
    let candidates = survey(flats(200)).candidates();
    assert_eq!(candidates[0].column, "let", "{candidates:?}");
    assert!(candidates.iter().all(|c| !c.is_named && c.column != "id" && c.column != "note" && c.column != "city"));
    let named =
        survey("x,class,z\n1,a,5\n2,b,6\n1,a,5\n2,b,7\n3,a,5\n3,b,5\n1,a,7\n2,b,8\n4,a,5\n5,b,3\n").candidates();
    assert!(named[0].is_named && named[0].column == "class", "{named:?}");
}

#[test]
fn labels_are_what_they_look_like() {
    let of = |label: &dyn Fn(usize) -> String, name: &str| {
        let rows: String = (0..120).map(|i| format!("{}.5,{}\n", noise(i * 3, 90), label(i))).collect();
        propose(format!("x,{name}\n{rows}"), &[name]).map(|proposal| proposal.targets[0].label.clone())
    };
    let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let is = |label: LabelSpec, found: Result<LabelSpec>| assert_eq!(found.unwrap(), label);
    is(LabelSpec::Class, of(&|i| format!("k{}", noise(i, 4)), "y"));
    is(LabelSpec::Class, of(&|i| noise(i, 4).to_string(), "y"));
    is(LabelSpec::Ordinal(texts(&["1", "2", "3"])), of(&|i| (1 + noise(i, 3)).to_string(), "stage"));
    is(LabelSpec::Value, of(&|i| noise(i, 4).to_string(), "count"));
    is(LabelSpec::Value, of(&|i| noise(i, 400).to_string(), "y"));
    is(
        LabelSpec::Ordinal(texts(&["low", "medium", "high"])),
        of(&|i| ["high", "low", "medium"][noise(i, 3)].into(), "y"),
    );
    // "none" is an answer here, and no gap.
    is(LabelSpec::Class, of(&|i| ["none", "insulin", "tablets"][noise(i, 3)].into(), "therapy"));
    let yes = |positive: &str| LabelSpec::Binary { positive: texts(&[positive]), negative: Vec::new() };
    is(yes("True"), of(&|i| ["True", "False"][noise(i, 2)].into(), "y"));
    is(yes("1.0"), of(&|i| ["1.0", "0.0"][noise(i, 2)].into(), "y"));
    is(yes("bad"), of(&|i| if i % 5 == 0 { "bad" } else { "good" }.into(), "y"));
    assert!(of(&|i| format!("name {i}"), "y").unwrap_err().to_string().contains("no answers to choose from"));
}

#[test]
fn a_large_file_is_seen_up_to_its_end_in_bounded_memory() {
    let rows: String = (0..20_000).map(|i| format!("{i},{}\n", if i > 15_000 { "late" } else { "early" })).collect();
    let (_place, path) = Place::with(format!("n,when\n{rows}"));
    let mut blocks = Blocks::open(&path, CsvFormat::DEFAULT, 1 << 10, 1 << 14).unwrap();
    let mut tally = Tally::new("when", 100);
    let mut sample = Sample::new(2);
    while let Some(columns) = blocks.next_columns().unwrap() {
        if let TableColumn::Text { codes, dictionary } = &columns[1] {
            tally.add(codes, dictionary, blocks.format.numbers());
        }
        sample.add(&columns);
    }
    assert!(!blocks.is_whole && blocks.rows < 12_000 && blocks.rows > 2000, "{}", blocks.rows);
    assert_eq!(tally.texts().iter().map(|(text, _)| *text).collect::<Vec<_>>(), ["early", "late"]);
    assert_eq!(blocks.line, 20_002, "lines are counted where rows are passed by");
    let whole = survey(format!("n,when\n{rows}"));
    assert!(whole.is_whole && whole.rows == 20_000);
}

#[test]
fn further_files_add_their_gaps_and_texts() {
    let (place, train) = Place::with("x,z,y\n".to_owned() + &"1,5,a\n2,6,b\n3,7,a\n".repeat(20));
    let test = place.0.path().join("test.csv");
    std::fs::write(&test, "y,x\na,?\nb,2\n").unwrap();
    let survey = Survey::read(&[&train, &test], None).unwrap();
    let proposal = survey.propose(&["y".into()]).unwrap();
    assert_eq!((proposal.rows, proposal.missing.as_slice()), (60, ["".to_owned(), "?".to_owned()].as_slice()));
    assert!(matches!(entry(&proposal, "x").entry, Column::Numeric { missing: MissingNumber::Mean, .. }));
}

#[test]
fn bytes_that_come_late_and_are_no_utf8_change_the_encoding() {
    let mut bytes = b"town,y\n".to_vec();
    bytes.extend("bern,1\nbasel,0\n".repeat(30_000).into_bytes());
    bytes.extend(b"gen\xe8ve,1\n");
    let survey = survey(&bytes);
    assert_eq!(String::from(survey.format.encoding), "windows-1252");
    assert!(survey.notes.iter().any(|note| note.contains("further down")), "{:?}", survey.notes);
    assert!(survey.columns[0].texts().iter().any(|(text, _)| *text == "genève"));
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_place() {
    let refusal = |text: &str| {
        let (_place, path) = Place::with(text);
        Survey::read(&[&path], None).unwrap_err().to_string()
    };
    let e = refusal(&("a,b\n".to_owned() + &"1,2\n".repeat(600) + "1,2,3\n"));
    assert!(e.contains("t.csv:602: expected 2 columns, found 3"), "{e}");
    let e = refusal("a,b\n");
    assert!(e.contains("at least one row"), "{e}");
    let e = Survey::read(&["/no/such.csv".as_ref()], None).unwrap_err().to_string();
    assert!(e.contains("there is no such file"), "{e}");
}

/// Whatever bytes there are: an error of one line, or a proposal whose schema reads the file and is fitted on it.
#[test]
fn whatever_is_proposed_can_be_fitted() {
    let base = flats(60).into_bytes();
    let mut state = 88_172_645_463_325_252_u64;
    let mut draw = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % n as u64).unwrap()
    };
    let mut proposed = 0;
    for _ in 0..400 {
        let mut bytes = base.clone();
        for _ in 0..1 + draw(2) {
            if bytes.is_empty() {
                break;
            }
            let at = draw(bytes.len());
            let line_start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            match draw(6) {
                0 => bytes[at] = b",;\"\n\t |0x-?"[draw(11)],
                1 => _ = bytes.remove(at),
                2 => bytes.insert(at, b"1,\"\n;e"[draw(6)]),
                3 => bytes.truncate(at.max(1)),
                4 => _ = bytes.drain(line_start..at),
                _ => bytes[at] = u8::try_from(draw(256)).unwrap(),
            }
        }
        let (_place, path) = Place::with(&bytes);
        let one_line = |e: &Error| assert!(!e.to_string().contains('\n'), "{e}");
        let survey = match Survey::read(&[&path], None) {
            Ok(survey) => survey,
            Err(e) => {
                one_line(&e);
                continue;
            }
        };
        let targets: Vec<String> = survey.candidates().into_iter().take(2).map(|c| c.column).collect();
        let proposal = match survey.propose(&targets) {
            Ok(proposal) => proposal,
            Err(e) => {
                one_line(&e);
                continue;
            }
        };
        let schema = proposal.schema();
        let table = Table::read(&path, &proposal.format, &schema)
            .unwrap_or_else(|e| panic!("{e}\n{schema:?}\n{}", String::from_utf8_lossy(&bytes)));
        let all: Vec<u64> = (0..table.n_rows() as u64).collect();
        FittedSchema::fit(&schema, &table, &all)
            .and_then(|fitted| fitted.encode(&table))
            .unwrap_or_else(|e| panic!("{e}\n{schema:?}\n{}", String::from_utf8_lossy(&bytes)));
        proposed += 1;
    }
    assert!(proposed > 100, "{proposed} of 400");
}
