//! The page in a real browser: no width may make it scroll sideways, and nothing may be wrong on its console.
//!
//! Everything else about layout can be looked at; these are easy to break with a long name and easy to overlook. Pages are
//! opened in frames of the widths of a telephone, a tablet and a desk, with a probe added (and the policy against scripts
//! removed for it) that reports how far the content sticks out; then once more as they are, and whatever the browser writes
//! on their consoles is an error: a refused style, a broken address. The tests run where Chromium or Chrome is installed and
//! can start; elsewhere they are skipped, and counted so.

#[path = "../../../xtask/src/skip.rs"]
mod skip;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use mtl_train::report::{Cell, Column, Details, Document, LineChart, Row, Series, Table};

use crate::{demo::demo, laws::random_document};

const WIDTHS: [u16; 4] = [360, 390, 768, 1280];
const PATIENCE: Duration = Duration::from_secs(120);

/// Names of programs that take Chromium's flags; the first that is there is asked.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Reports by how much the page is too wide, and the first thing that is.
const PROBE: &str = r#"<script>
addEventListener("load", () => {
  const room = document.documentElement.clientWidth;
  const outside = [...document.body.querySelectorAll("*")].filter(e =>
    e.getBoundingClientRect().right > room + 1 && !e.closest(".scroll, .inner, .names"));
  // Names of rows stay while numbers scroll: they must leave room for them. What a figure cuts off sticks out of nothing.
  outside.push(...[...document.querySelectorAll("tbody th")].filter(e => {
    const box = e.closest(".scroll");
    return box.scrollWidth > box.clientWidth + 1 && e.getBoundingClientRect().width > box.clientWidth * .6;
  }));
  outside.push(...[...document.querySelectorAll(".legend li")].filter(e => e.scrollWidth > e.clientWidth + 1));
  const first = outside.length ? outside[0].tagName + "." + outside[0].getAttribute("class") : "-";
  parent.postMessage([location.hash, document.documentElement.scrollWidth - room, first].join(" "), "*");
});
</script>"#;

/// Writes down what the frames report.
const LISTENER: &str = r#"<script>
addEventListener("message", e => { document.getElementById("found").textContent += "|" + e.data; });
</script><pre id="found"></pre>"#;

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Ends the browser that this test started, whatever happens.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the browser says about a file: its document after loading, and the lines of its console.
struct Answer {
    document: String,
    console: Vec<String>,
}

/// What a browser says about a file; why not, where none does. It is asked a second time when it hung or loaded nothing, as
/// browsers do on a busy machine.
fn open(folder: &Path, page: &Path, has_loaded: impl Fn(&Answer) -> bool) -> Result<Answer, String> {
    let mut reason = String::new();
    for _ in 0..2 {
        match ask(folder, page) {
            Ok(answer) if has_loaded(&answer) => return Ok(answer),
            Ok(_) => reason = "it started and loaded nothing".into(),
            Err(e) => reason = e,
        }
    }
    Err(reason)
}

fn ask(folder: &Path, page: &Path) -> Result<Answer, String> {
    let (answer, log) = (folder.join("answer.html"), folder.join("log.txt"));
    let start = |program: &&str| {
        Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
            .args(["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000"])
            .args(["--disable-dev-shm-usage", "--enable-logging=stderr"])
            .arg(format!("--user-data-dir={}", folder.join("profile").display()))
            .args(["--window-size=1400,1000", "--dump-dom"])
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(fs::File::create(&answer).unwrap())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .ok()
    };
    let child = BROWSERS.iter().find_map(start);
    let mut browser = Browser(child.ok_or("none is installed (Debian: apt-get install chromium)")?);
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if browser.0.try_wait().unwrap().is_some() {
            let log = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
            let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
            let document = String::from_utf8_lossy(&fs::read(answer).unwrap()).into_owned();
            return Ok(Answer { document, console });
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(format!("it did not answer in {} s", PATIENCE.as_secs()))
}

/// Notes that no browser has looked at the pages.
#[track_caller]
fn not_looked_at(reason: &str) {
    skip::note(skip::Lacking::Browser, "chromium", reason);
}

fn has_document(answer: &Answer) -> bool {
    !answer.document.is_empty()
}

fn folder(name: &str) -> Folder {
    let folder = Folder(std::env::temp_dir().join(format!("mtl-{name}-{}", std::process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    folder
}

/// What the frames reported.
fn reported(answer: &Answer) -> &str {
    let found = answer.document.split("<pre id=\"found\">").nth(1);
    found.and_then(|rest| rest.split("</pre>").next()).unwrap_or_default()
}

/// Asserts of every page that it fits every width and leaves the console empty.
#[track_caller]
pub(crate) fn check(name: &str, pages: &[Document]) {
    let folder = folder(name);
    let (mut frames, mut plain) = (String::from(LISTENER), String::new());
    for (index, page) in pages.iter().enumerate() {
        let html = page.to_html();
        let policy = html.find("<meta http-equiv").unwrap();
        let end = policy + html[policy..].find('>').unwrap() + 1;
        let probed = [&html[..policy], &html[end..], PROBE].concat();
        fs::write(folder.0.join(format!("{index}.html")), probed).unwrap();
        fs::write(folder.0.join(format!("plain-{index}.html")), &html).unwrap();
        writeln!(plain, "<iframe src=\"plain-{index}.html\" width=\"1280\" height=\"800\"></iframe>").unwrap();
        for width in WIDTHS {
            let frame =
                format!("<iframe src=\"{index}.html#{index}-{width}\" width=\"{width}\" height=\"800\"></iframe>");
            writeln!(frames, "{frame}").unwrap();
        }
    }
    let page = folder.0.join("frames.html");
    fs::write(&page, frames).unwrap();
    // A browser that started but could not load its own file has measured nothing.
    let answer = match open(&folder.0, &page, |answer| reported(answer).contains('#')) {
        Ok(answer) => answer,
        Err(reason) => return not_looked_at(&reason),
    };
    let found = reported(&answer);
    for report in found.split('|').filter(|report| !report.is_empty()) {
        assert!(report.ends_with(" 0 -"), "page-width, pixels too many, first element outside or cut: {report}");
    }
    let n = found.matches('#').count();
    assert_eq!(n, pages.len() * WIDTHS.len(), "frames that reported");

    fs::write(&page, plain).unwrap();
    let answer = match open(&folder.0, &page, has_document) {
        Ok(answer) => answer,
        Err(reason) => return not_looked_at(&reason),
    };
    assert!(answer.console.is_empty(), "{}: {}", name, answer.console.join("\n"));
}

#[test]
fn no_page_scrolls_sideways() {
    let mut pages = vec![demo()];
    pages.extend((0..6).map(random_document));
    check("report", &pages);
}

/// Task names are people's column names: nothing to break them at, and as long as a line.
#[test]
fn a_long_name_leaves_room_for_what_it_names() {
    let name = "diagnosis_group_of_the_main_diagnosis_at_discharge";
    let mut page = Document::new(name);
    page.push(Table {
        columns: ["metric", "validation", "test", "constant answer, test"].map(Column::new).to_vec(),
        rows: vec![Row::measured(name, ["accuracy"; 4].map(|text| Cell::Text(text.into())).to_vec())],
        ..Table::default()
    });
    let line = |y| Series::by_epoch(name, [Some(0.0), Some(y)]);
    let chart = LineChart { title: name.into(), series: vec![line(1.0), line(2.0)], ..LineChart::default() };
    page.push(Details { open: true, ..Details::new(name, vec![chart.into()]) });
    check("long-name", &[page]);
}

#[test]
fn a_refused_script_would_be_noticed() {
    let folder = folder("console");
    let page = folder.0.join("page.html");
    let html = demo().to_html().replace("</body>", "<script>1</script></body>");
    fs::write(&page, html).unwrap();
    match open(&folder.0, &page, has_document) {
        Ok(answer) => {
            assert!(answer.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", answer.console);
        }
        Err(reason) => not_looked_at(&reason),
    }
}
