//! The rule about the table "Where a new thing goes" in `CONTRIBUTING.md`: what it says is so.
//!
//! ```text
//! new thing   words
//! file        every path is there; `x.rs` stands for the new file, its folder is; `<a,b>` stands for either
//! line        `macro!` in `path`, or a name in `path`: the file holds it; `none` where no line is needed
//! checks      a path to tests, or the path of public laws (`mtl_core::laws::encoder`), which have a function `check`
//! ```
//! The other way round, every registry of the workspace has a row: a list of members that nobody can find grows by accident.

use super::lexer::code_only;
use super::{Complaint, SourceFile};

/// The file, and the heading under which the table stands.
pub(super) const PAGE: &str = "CONTRIBUTING.md";
const HEADING: &str = "## Where a new thing goes";

/// Macros whose call is a list of members: a line each.
const REGISTRIES: [&str; 3] = ["registry!", "modalities!", "answers!"];

/// What the table says wrongly, by its lines, and which registries it leaves out.
pub(super) fn table(files: &[SourceFile]) -> Vec<Complaint> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return Vec::new();
    };
    let Some(start) = page.text.lines().position(|line| line == HEADING) else {
        return vec![Complaint::file(format!("no heading {HEADING:?}, under which the table of new things stands"))];
    };
    let tree = Tree(files);
    let (mut found, mut named) = (Vec::new(), Vec::new());
    let lines = page.text.lines().enumerate().skip(start + 1);
    let rows = lines.skip_while(|(_, line)| !line.starts_with('|')).take_while(|(_, line)| line.starts_with('|'));
    for (at, line) in rows.skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [thing, file, registered, checks] = cells[..] else {
            found.push(Complaint::at(at + 1, format!("a row of {} cells: new thing, file, line, checks", cells.len())));
            continue;
        };
        let wrong = [tree.wrong_files(file), tree.wrong_lines(registered, &mut named), tree.wrong_checks(checks)];
        let wrong = wrong.into_iter().flatten();
        found.extend(wrong.map(|message| Complaint::at(at + 1, format!("{thing}: {message}"))));
    }
    for (path, registry) in tree.registries() {
        if !named.contains(&path) {
            let message = format!("no row has its line in {path}, where a `{registry}` lists members");
            found.push(Complaint::at(start + 1, message));
        }
    }
    found
}

/// The texts between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// `a/<b,c>/d` as `a/b/d` and `a/c/d`.
fn spread(path: &str) -> Vec<String> {
    match path.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?))) {
        Some((before, (choices, after))) => choices.split(',').map(|one| format!("{before}{one}{after}")).collect(),
        None => vec![path.to_owned()],
    }
}

struct Tree<'a>(&'a [SourceFile]);

impl Tree<'_> {
    fn file(&self, path: &str) -> Option<&SourceFile> {
        self.0.iter().find(|file| file.path == path)
    }

    /// Whether there is a file of that path, or a folder.
    fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.file(path).is_some() || self.0.iter().any(|file| file.path.starts_with(&folder))
    }

    fn wrong_files(&self, cell: &str) -> Vec<String> {
        let paths: Vec<&str> = quoted(cell).into_iter().filter(|text| text.contains('/')).collect();
        if paths.is_empty() && !cell.starts_with("a field") {
            return vec!["no path in its column \"file\"".to_owned()];
        }
        let real = paths.into_iter().flat_map(spread).map(|path| match path.rsplit_once('/') {
            Some((folder, "x.rs" | "x.py")) => folder.to_owned(),
            _ => path,
        });
        real.filter(|path| !self.has(path)).map(|path| format!("{path} is not there")).collect()
    }

    /// Names before a path are names in it. Paths that are files are noted in `named`.
    fn wrong_lines(&self, cell: &str, named: &mut Vec<String>) -> Vec<String> {
        if cell == "none" {
            return Vec::new();
        }
        let (mut wrong, mut names) = (Vec::new(), Vec::new());
        for text in quoted(cell) {
            if !text.contains('/') {
                names.push(text);
                continue;
            }
            match self.file(text) {
                None => wrong.push(format!("{text} is not there")),
                Some(_) if names.is_empty() => wrong.push(format!("say what the line in {text} stands in: `x!` in it")),
                Some(file) => {
                    let code = code_only(&file.text);
                    let lacking = names.iter().filter(|name| !code.contains(**name));
                    wrong.extend(lacking.map(|name| format!("{text} holds no {name}")));
                    named.push(text.to_owned());
                }
            }
            names.clear();
        }
        if !names.is_empty() || quoted(cell).is_empty() {
            wrong.push("no path in its column \"line\"; `none` where there is no line".to_owned());
        }
        wrong
    }

    fn wrong_checks(&self, cell: &str) -> Vec<String> {
        // What holds a blank is a command.
        let texts: Vec<&str> = quoted(cell).into_iter().filter(|text| !text.contains(' ')).collect();
        let said = cell.contains("its own tests") || cell.contains("the compiler");
        if texts.is_empty() && !said {
            return vec!["nothing checks it".to_owned()];
        }
        let wrong = texts.into_iter().filter_map(|text| match text.contains("::") {
            true => (!self.is_law(text)).then(|| format!("{text} is no public law: no `pub fn check` there")),
            false => (!self.is_test(text)).then(|| format!("{text} holds no test")),
        });
        wrong.collect()
    }

    /// `mtl_core::laws::encoder`: a module of that crate with a public function `check`.
    fn is_law(&self, path: &str) -> bool {
        let mut parts = path.split("::");
        let krate = parts.next().unwrap_or_default().replace('_', "-");
        let module = format!("{krate}/src/{}", parts.collect::<Vec<_>>().join("/"));
        let files = [format!("{module}.rs"), format!("{module}/mod.rs")];
        files
            .iter()
            .filter_map(|file| self.file(file))
            .any(|file| code_only(&file.text).contains("pub fn check") && self.0.iter().any(|user| uses(user, &module)))
    }

    /// A file with tests, or a folder with one.
    fn is_test(&self, path: &str) -> bool {
        let is_here =
            |file: &SourceFile| file.path == path || file.path.starts_with(&format!("{}/", path.trim_end_matches('/')));
        self.0.iter().any(|file| is_here(file) && (file.text.contains("#[test]") || file.text.contains("proptest!")))
    }

    /// Files of libraries that call a registry, and which.
    fn registries(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        for file in self.0.iter().filter(|file| file.path.ends_with(".rs") && file.path.contains("/src/")) {
            if file.path.starts_with("xtask/") {
                continue;
            }
            let code = code_only(&file.text);
            let calls = |name: &str| {
                code.lines().map(str::trim_start).any(|line| {
                    line.strip_suffix(" {")
                        .and_then(|line| line.strip_suffix(name))
                        .is_some_and(|before| before.is_empty() || before.ends_with("::"))
                })
            };
            found.extend(REGISTRIES.iter().filter(|name| calls(name)).map(|name| (file.path.clone(), *name)));
        }
        found
    }
}

/// Whether a test calls the laws of that module (`mtl-core/src/laws/encoder`).
fn uses(file: &SourceFile, module: &str) -> bool {
    let laws = module.rsplit("/src/").next().unwrap_or_default().replace('/', "::");
    let name = laws.rsplit("::").next().unwrap_or_default();
    file.path.contains("/tests/")
        && (file.text.contains(&format!("{name}::check")) || file.text.contains(&format!("{laws}::check")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::read_tree;
    use std::path::Path;

    fn tree(rows: &str) -> Vec<SourceFile> {
        let page = format!(
            "# Contributing\n\n{HEADING}\n\n| new thing | file | line | what checks it |\n|---|---|---|---|\n{rows}\n\nMore.\n"
        );
        let files = [
            (PAGE, page.as_str()),
            ("core/src/a/one.rs", "//! a\n"),
            ("core/src/b/two.rs", "//! b\n"),
            ("core/src/a/mod.rs", "//! a\nregistry! {\n}\n"),
            ("core/src/laws/a.rs", "//! laws\npub fn check() {}\n"),
            ("core/tests/a.rs", "//! tests\n#[test]\nfn a() { laws::a::check(); }\n"),
            ("core/tests/helper.rs", "//! none\n"),
        ];
        files.map(|(path, text)| SourceFile { path: path.into(), text: text.into() }).into()
    }

    fn complaints(rows: &str) -> Vec<String> {
        let of_line = |c: Complaint| format!("{} {}", c.line.unwrap_or(0), c.message);
        table(&tree(rows)).into_iter().map(of_line).collect()
    }

    const GOOD: &str =
        "| a | `core/src/<a,b>/x.rs` | `registry!` in `core/src/a/mod.rs` | `core::laws::a`, `core/tests/a.rs` |";

    #[test]
    fn a_true_table_passes_and_every_lie_is_found() {
        assert_eq!(complaints(GOOD), Vec::<String>::new());
        for (truth, lie, complaint) in [
            ("<a,b>", "<a,c>", "7 a: core/src/c is not there"),
            ("`core/src/<a,b>/x.rs`", "somewhere", "7 a: no path in its column \"file\""),
            ("`registry!` in", "`answers!` in", "7 a: core/src/a/mod.rs holds no answers!"),
            ("`registry!` in ", "", "7 a: say what the line in core/src/a/mod.rs stands in: `x!` in it"),
            ("core::laws::a", "core::laws::b", "7 a: core::laws::b is no public law: no `pub fn check` there"),
            ("core/tests/a.rs", "core/tests/helper.rs", "7 a: core/tests/helper.rs holds no test"),
            ("core/tests/a.rs", "core/tests/b.rs", "7 a: core/tests/b.rs holds no test"),
            ("`core::laws::a`, `core/tests/a.rs`", "somebody", "7 a: nothing checks it"),
            (" | `core::laws", " `core::laws", "7 a row of 3 cells: new thing, file, line, checks"),
        ] {
            let found = complaints(&GOOD.replace(truth, lie));
            assert!(found.contains(&complaint.to_owned()), "{truth} -> {lie}: {found:?}");
        }
        let found = complaints(&GOOD.replace("`registry!` in `core/src/a/mod.rs`", "none"));
        assert_eq!(found, ["3 no row has its line in core/src/a/mod.rs, where a `registry!` lists members"]);
        let mut other = tree(GOOD);
        other[0].text = "# Contributing\n".into();
        assert_eq!(table(&other).len(), 1, "the table may not be moved away");
    }

    #[test]
    fn the_table_of_this_repository_is_true() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let complaints = table(&read_tree(&root).unwrap());
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}
