//! The page in a real browser: no width may make it scroll sideways, and nothing may be wrong on its console.
//!
//! Everything else about layout can be looked at; these are easy to break with a long name and easy to overlook. Pages are
//! opened in frames of the widths of a telephone, a tablet and a desk, with a probe added (and the policy against scripts
//! removed for it) that reports how far the content sticks out; then once more as they are, and whatever the browser writes
//! on their consoles is an error: a refused style, a broken address. The tests run where Debian's `chromium` is installed and
//! a browser can start; elsewhere they say so and pass.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Cell, Column, Details, Document, LineChart, Row, Series, Table, demo::demo, laws::random_document};

const WIDTHS: [u16; 4] = [360, 390, 768, 1280];
const PATIENCE: Duration = Duration::from_secs(120);

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

/// Opens a file; nothing without a working browser.
fn open(folder: &Path, page: &Path) -> Option<Answer> {
    let (answer, log) = (folder.join("answer.html"), folder.join("log.txt"));
    let child = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000"])
        .args(["--disable-dev-shm-usage", "--enable-logging=stderr"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(["--window-size=1400,1000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&answer).ok()?)
        .stderr(fs::File::create(&log).ok()?)
        .spawn();
    let Ok(child) = child else {
        eprintln!("skipped: there is no chromium to open pages in");
        return None;
    };
    let mut browser = Browser(child);
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if browser.0.try_wait().ok()?.is_some() {
            let log = String::from_utf8_lossy(&fs::read(log).ok()?).into_owned();
            let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
            return Some(Answer { document: fs::read_to_string(answer).ok()?, console });
        }
        thread::sleep(Duration::from_millis(50));
    }
    eprintln!("skipped: chromium did not answer in {} s", PATIENCE.as_secs());
    None
}

fn folder(name: &str) -> Folder {
    let folder = Folder(std::env::temp_dir().join(format!("mtl-{name}-{}", std::process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    folder
}

/// Asserts of every page that it fits every width and leaves the console empty.
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
    let Some(answer) = open(&folder.0, &page) else { return };
    let found = answer.document.split("<pre id=\"found\">").nth(1);
    let found = found.and_then(|rest| rest.split("</pre>").next()).unwrap_or_default();
    for report in found.split('|').filter(|report| !report.is_empty()) {
        assert!(report.ends_with(" 0 -"), "page-width, pixels too many, first element outside or cut: {report}");
    }
    // A browser that started but could not load its own file has measured nothing, and says nothing.
    let n = found.matches('#').count();
    assert!(n == 0 || n == pages.len() * WIDTHS.len(), "{n} frames of {} reported", pages.len() * WIDTHS.len());

    fs::write(&page, plain).unwrap();
    let Some(answer) = open(&folder.0, &page) else { return };
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
    if let Some(answer) = open(&folder.0, &page).filter(|a| !a.document.is_empty()) {
        assert!(answer.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", answer.console);
    }
}
