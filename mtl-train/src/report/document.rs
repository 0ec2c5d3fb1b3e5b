//! The document: title, blocks, and the page around them.

use serde::Serialize;

use super::{
    block::Block,
    markup::{element, empty, leaf},
    palette,
};

/// A report: a title and blocks in the order of reading.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Document {
    /// Title of the page and of the window.
    pub title: String,
    /// A line under it: data set, date, machine. May be empty.
    pub subtitle: String,
    /// The content.
    pub blocks: Vec<Block>,
}

/// Layout, type and lines; the colors of series and ramps come from [`palette::css`].
const STYLE: &str = include_str!("style.css");

/// The browser itself refuses scripts and network, whatever a bug might let through.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Documents with at least so many sections get a list of them at the top.
const FEWEST_LISTED: usize = 3;

impl Document {
    /// A document without content.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a block at the end.
    pub fn push(&mut self, block: impl Into<Block>) {
        self.blocks.push(block.into());
    }

    /// The whole page. Equal documents give equal text: nothing is read from clock, disk or environment.
    pub fn to_html(&self) -> String {
        let mut out = String::from("<!DOCTYPE html>\n");
        element(&mut out, "html", &[("lang", &"en")], |out| {
            element(out, "head", &[], |out| self.head(out));
            out.push('\n');
            element(out, "body", &[], |out| self.body(out));
        });
        out.push('\n');
        out
    }

    fn head(&self, out: &mut String) {
        empty(out, "meta", &[("charset", &"utf-8")]);
        empty(out, "meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &POLICY)]);
        empty(out, "meta", &[("name", &"viewport"), ("content", &"width=device-width, initial-scale=1")]);
        empty(out, "meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
        leaf(out, "title", &[], if self.title.is_empty() { "Report" } else { &self.title });
        // The only raw text of the page, and all of it is ours.
        element(out, "style", &[], |out| {
            out.push('\n');
            out.push_str(STYLE);
            out.push_str(&palette::css());
        });
    }

    fn body(&self, out: &mut String) {
        element(out, "header", &[], |out| {
            leaf(out, "h1", &[], &self.title);
            if !self.subtitle.is_empty() {
                leaf(out, "p", &[("class", &"subtitle")], &self.subtitle);
            }
            self.sections(out);
        });
        out.push('\n');
        element(out, "main", &[], |out| {
            let mut n_sections = 0;
            for block in &self.blocks {
                match block {
                    Block::Heading(heading) if heading.level == 2 => {
                        n_sections += 1;
                        heading.render_with_anchor(out, &anchor(n_sections));
                    }
                    block => block.render(out),
                }
                // A line break per block, so that two reports can be compared with ordinary tools.
                out.push('\n');
            }
        });
    }

    fn sections(&self, out: &mut String) {
        let headings = || {
            self.blocks.iter().filter_map(|block| match block {
                Block::Heading(heading) if heading.level == 2 => Some(heading),
                _ => None,
            })
        };
        if headings().count() < FEWEST_LISTED {
            return;
        }
        element(out, "nav", &[("aria-label", &"Sections")], |out| {
            element(out, "ul", &[], |out| {
                for (index, heading) in headings().enumerate() {
                    let target = format!("#{}", anchor(index + 1));
                    element(out, "li", &[], |out| leaf(out, "a", &[("href", &target)], &heading.text));
                }
            });
        });
    }
}

/// Numbers rather than words: two sections may have the same name.
fn anchor(section: usize) -> String {
    format!("section-{section}")
}
