//! The rules about single files, and the one about the changelog.
//!
//! A rule takes a file and returns its complaints; files it does not concern give none. Words that a
//! rule forbids are put together at run time, so that the rules pass their own check.

use std::path::Path;

use super::crates;
use super::kinds;
use super::lexer::code_only;
use super::{Complaint, SourceFile};

/// Lines of a file above which it should be split, and above which it must be.
const SOFT_LIMIT: usize = 400;
const HARD_LIMIT: usize = 800;

type Rule = fn(&SourceFile) -> Vec<Complaint>;

/// Every rule about a file.
pub(super) const ALL: [Rule; 12] = [
    module_docs,
    trailing_space,
    tabs,
    length,
    vague_name,
    prints,
    unsafe_code,
    silenced_tests,
    host_names,
    machine_paths,
    crates::direction,
    kinds::wildcards,
];

fn is_rust(file: &SourceFile) -> bool {
    file.path.ends_with(".rs")
}

/// A reader should learn from the first line of a file why it exists.
fn module_docs(file: &SourceFile) -> Vec<Complaint> {
    if !is_rust(file) {
        return Vec::new();
    }
    let first = file.text.lines().next().unwrap_or_default();
    let build_script = Path::new(&file.path).file_name().is_some_and(|name| name == "build.rs");
    let good = first.starts_with("//!") || (build_script && first.starts_with("//"));
    if good {
        Vec::new()
    } else {
        vec![Complaint::at(1, "the first line must be a `//!` comment that says what the file is for")]
    }
}

fn trailing_space(file: &SourceFile) -> Vec<Complaint> {
    // Two blanks at the end of a Markdown line are a line break, invisible and easily lost: use `\`.
    lines_with(file, |line| line.ends_with([' ', '\t', '\r']), "blanks at the end of the line")
}

fn tabs(file: &SourceFile) -> Vec<Complaint> {
    if !is_rust(file) {
        return Vec::new();
    }
    lines_with(file, |line| line.contains('\t'), "a tab: use blanks, or \\t in a literal")
}

fn length(file: &SourceFile) -> Vec<Complaint> {
    if !is_rust(file) || file.text.lines().take(5).any(|line| line.contains("@generated")) {
        return Vec::new();
    }
    let lines = file.text.lines().count();
    let message = |limit| format!("{lines} lines, more than {limit}: split it by concept");
    if lines > HARD_LIMIT {
        vec![Complaint::file(message(HARD_LIMIT))]
    } else if lines > SOFT_LIMIT {
        vec![Complaint::warning(message(SOFT_LIMIT))]
    } else {
        Vec::new()
    }
}

/// A file that is named after nothing collects everything.
fn vague_name(file: &SourceFile) -> Vec<Complaint> {
    let vague = ["util", "utils", "helper", "helpers", "common", "misc"];
    let path = Path::new(&file.path);
    let named_so = is_rust(file)
        && path.with_extension("").components().any(|part| vague.iter().any(|name| part.as_os_str() == *name));
    if named_so { vec![Complaint::file("a vague name: name the file by what it holds")] } else { Vec::new() }
}

/// Only programs talk to the terminal.
fn prints(file: &SourceFile) -> Vec<Complaint> {
    let program_folders = ["bin", "examples", "benches", "tests", "xtask"];
    let path = Path::new(&file.path);
    let program = path.components().any(|part| program_folders.iter().any(|f| part.as_os_str() == *f))
        || path.file_name().is_some_and(|name| name == "build.rs" || name == "main.rs");
    if !is_rust(file) || program {
        return Vec::new();
    }
    // Stderr is left alone: the trainer's progress lines go there.
    let macros = ["println", "print", "dbg"];
    library_lines(file)
        .filter(|(_, line)| {
            macros.iter().any(|name| words(line).any(|(word, rest)| word == *name && rest.starts_with('!')))
        })
        .map(|(number, _)| Complaint::at(number, "a library must not print: return it or use a writer"))
        .collect()
}

fn unsafe_code(file: &SourceFile) -> Vec<Complaint> {
    if !is_rust(file) || file.path.starts_with("mtl-core/src/shim") {
        return Vec::new();
    }
    code_only(&file.text)
        .lines()
        .enumerate()
        // `deny(unsafe_code)` is another word and passes.
        .filter(|(_, line)| words(line).any(|(word, _)| word == "unsafe"))
        .map(|(index, _)| Complaint::at(index + 1, "unsafe code belongs in mtl-core/src/shim"))
        .collect()
}

/// A test that does not run, that any panic satisfies, or that says to nobody that it was skipped, is worse than none.
fn silenced_tests(file: &SourceFile) -> Vec<Complaint> {
    if !is_rust(file) {
        return Vec::new();
    }
    code_only(&file.text)
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let attribute = line.trim_start().strip_prefix("#[")?;
            let (word, _) = words(attribute).next()?;
            let advice = match word {
                "ignore" => "tests are not ignored: make it fast, or remove it",
                "should_panic" => "assert the error value instead of a panic",
                _ => return None,
            };
            Some(Complaint::at(index + 1, advice))
        })
        .chain(lines_with(
            file,
            says_skipped,
            "libtest swallows it: note a skipped test with xtask/src/skip.rs, which is counted",
        ))
        .collect()
}

/// Whether a line prints that something was skipped.
fn says_skipped(line: &str) -> bool {
    let prints = words(line).any(|(word, rest)| matches!(word, "println" | "eprintln") && rest.starts_with("!(\""));
    prints && line.to_lowercase().contains("(\"skip")
}

/// Packages are fetched by name through their clients; an address would bypass the user's mirror.
fn host_names(file: &SourceFile) -> Vec<Complaint> {
    if file.path == "Cargo.lock" {
        return Vec::new(); // cargo writes the address of its index
    }
    let hosts: Vec<String> = [
        ["pypi", "org"],
        ["pythonhosted", "org"],
        ["crates", "io"],
        ["npmjs", "org"],
        ["npmjs", "com"],
        ["deb.debian", "org"],
        ["download.pytorch", "org"],
        ["anaconda", "org"],
    ]
    .iter()
    .map(|parts| parts.join("."))
    .collect();
    lines_with(
        file,
        |line| hosts.iter().any(|host| line.contains(host.as_str())),
        "the host name of a package registry: name the package and its client",
    )
}

/// A path of the machine where something was written exists nowhere else.
fn machine_paths(file: &SourceFile) -> Vec<Complaint> {
    let roots = ["work", "root"].map(|name| format!("/{name}/"));
    let is_absolute = |line: &str| {
        roots.iter().any(|root| {
            line.match_indices(root.as_str()).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                // `a/work/b` and `..` before the slash are relative paths.
                before.is_none_or(|c| !(c.is_alphanumeric() || "._-/}>".contains(c)))
            })
        })
    };
    lines_with(file, is_absolute, "an absolute path of one machine")
}

/// The changelog is written with the change, so it always has a place for the next one.
pub(super) fn changelog(files: &[SourceFile]) -> Option<Complaint> {
    let Some(file) = files.iter().find(|file| file.path == "CHANGELOG.md") else {
        return Some(Complaint::file("is missing"));
    };
    let has_section =
        file.text.lines().any(|line| line.starts_with("## ") && line.to_lowercase().contains("unreleased"));
    (!has_section).then(|| Complaint::file("has no section `## [Unreleased]`"))
}

fn lines_with(file: &SourceFile, bad: impl Fn(&str) -> bool, message: &str) -> Vec<Complaint> {
    file.text
        .split('\n')
        .enumerate()
        .filter(|(_, line)| bad(line))
        .map(|(index, _)| Complaint::at(index + 1, message))
        .collect()
}

/// Code lines before the test module, numbered from 1.
fn library_lines(file: &SourceFile) -> impl Iterator<Item = (usize, String)> {
    let lines: Vec<String> = code_only(&file.text).lines().map(str::to_owned).collect();
    lines
        .into_iter()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
}

/// The identifiers of a line, each with what follows it.
fn words(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.find(is_part)?;
        let tail = &rest[start..];
        let end = tail.find(|c| !is_part(c)).unwrap_or(tail.len());
        rest = &tail[end..];
        Some((&tail[..end], rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: impl Into<String>) -> SourceFile {
        SourceFile { path: path.into(), text: text.into() }
    }

    fn lines(found: &[Complaint]) -> Vec<usize> {
        found.iter().filter_map(|complaint| complaint.line).collect()
    }

    #[test]
    fn module_docs_come_first() {
        assert!(module_docs(&file("a/src/x.rs", "//! Why.\n")).is_empty());
        assert!(module_docs(&file("a/build.rs", "// Links.\nfn main() {}\n")).is_empty());
        assert_eq!(lines(&module_docs(&file("a/src/x.rs", "use std;\n//! Late.\n"))), [1]);
        assert_eq!(lines(&module_docs(&file("a/src/x.rs", ""))), [1]);
    }

    #[test]
    fn blanks_and_tabs_are_found_by_line() {
        let bad = file("x.rs", "a\nb \n\tc\r\n");
        assert_eq!(lines(&trailing_space(&bad)), [2, 3]);
        assert_eq!(lines(&tabs(&bad)), [3]);
        assert!(tabs(&file("Makefile", "\tcc\n")).is_empty());
    }

    #[test]
    fn long_files_warn_then_fail() {
        let long = |count| length(&file("x.rs", "x\n".repeat(count)));
        assert!(long(SOFT_LIMIT).is_empty());
        assert!(long(SOFT_LIMIT + 1)[0].warning);
        assert!(!long(HARD_LIMIT + 1)[0].warning);
        let generated = format!("// @generated\n{}", "x\n".repeat(HARD_LIMIT));
        assert!(length(&file("x.rs", generated)).is_empty());
    }

    #[test]
    fn vague_names_are_refused() {
        for path in ["a/src/utils.rs", "a/src/common/mod.rs", "a/src/helpers.rs"] {
            assert_eq!(vague_name(&file(path, "")).len(), 1, "{path}");
        }
        assert!(vague_name(&file("a/src/commonality.rs", "")).is_empty());
    }

    #[test]
    fn libraries_do_not_print_but_programs_and_tests_do() {
        let text = "//! Do not println!\nfn f() {\n    println!(\"x\");\n    dbg!(1);\n}\n\
                    fn print() {}\n#[cfg(test)]\nmod tests { fn g() { print!(\"\"); } }\n";
        assert_eq!(lines(&prints(&file("mtl-core/src/x.rs", text))), [3, 4]);
        for path in ["mtl-train/src/bin/mtl.rs", "mtl-core/examples/a.rs", "xtask/src/a.rs", "a/build.rs"] {
            assert!(prints(&file(path, text)).is_empty(), "{path}");
        }
    }

    #[test]
    fn unsafe_code_is_found_outside_the_shim_only() {
        let text = "//! unsafe in words\n#![deny(unsafe_code)]\nfn f() { unsafe { g() } }\n";
        assert_eq!(lines(&unsafe_code(&file("mtl-core/src/step.rs", text))), [3]);
        assert!(unsafe_code(&file("mtl-core/src/shim/mod.rs", text)).is_empty());
    }

    #[test]
    fn silenced_tests_are_found() {
        let text = "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n#[test]\n#[should_panic]\nfn b() {}\n";
        assert_eq!(lines(&silenced_tests(&file("x.rs", text))), [2, 5]);
        let text = "fn f() {\n    println!(\"skipped: no data\");\n    eprintln!(\"2 skipped\");\n}\n";
        assert_eq!(lines(&silenced_tests(&file("x.rs", text))), [2]);
    }

    #[test]
    fn registry_hosts_are_found_everywhere_but_in_the_lock_file() {
        let text = format!("see https://{}.{}/project\n", "pypi", "org");
        assert_eq!(lines(&host_names(&file("README.md", text.clone()))), [1]);
        assert!(host_names(&file("Cargo.lock", text)).is_empty());
        assert!(host_names(&file("README.md", "the crate tch")).is_empty());
    }

    #[test]
    fn machine_paths_are_found_and_relative_ones_are_not() {
        let path = format!("/{}/data", "work");
        for text in [path.clone(), format!("\"{path}\""), format!("cd {path}"), format!("x={path}")] {
            assert_eq!(lines(&machine_paths(&file("a.sh", text.clone()))), [1], "{text}");
        }
        for text in [format!("..{path}"), format!("a{path}"), format!("${{X}}{path}")] {
            assert!(machine_paths(&file("a.sh", text.clone())).is_empty(), "{text}");
        }
    }

    #[test]
    fn changelog_needs_an_unreleased_section() {
        assert!(changelog(&[]).is_some());
        assert!(changelog(&[file("CHANGELOG.md", "# Changelog\n\n## 0.1.0\n")]).is_some());
        assert!(changelog(&[file("CHANGELOG.md", "## [Unreleased]\n")]).is_none());
    }
}
