//! The one place that writes tags, and the one place that escapes text.
//!
//! Names of tasks, columns and classes come from files that somebody else wrote. Whatever reaches the page goes through
//! [`text`] or through an attribute of [`element`] and [`empty`], and both escape; no other file of this module writes
//! an angle bracket. [`element`] takes its content as a closure, so that a tag which is opened is always closed.

use std::fmt::{Display, Write};

/// Names and values of a tag; values are escaped when written.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a dyn Display)];

/// A writer that escapes what passes through it.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                // HTML has no way to write these, not even as a reference.
                c if c.is_control() || is_noncharacter(c) => self.0.push('\u{fffd}'),
                // Marks that reorder what follows could make a name swallow the text after it.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

fn write_escaped(out: &mut String, value: &dyn Display) {
    // Writing to a string cannot fail; a `Display` that fails by itself leaves what it wrote.
    let _ = write!(Escaping(out), "{value}");
}

/// Writes `text` so that it is read as text, wherever it stands.
pub(super) fn text(out: &mut String, text: &str) {
    write_escaped(out, &text);
}

/// Writes running text, in which words between backticks become code.
pub(super) fn prose(out: &mut String, source: &str) {
    // An odd number of backticks leaves the last one as it is: it opens nothing.
    let pieces: Vec<&str> = source.split('`').collect();
    for (index, piece) in pieces.iter().enumerate() {
        let is_code = index % 2 == 1;
        if !is_code {
            text(out, piece);
        } else if index + 1 < pieces.len() {
            leaf(out, "code", &[], piece);
        } else {
            text(out, "`");
            text(out, piece);
        }
    }
}

fn open(out: &mut String, name: &str, attributes: Attributes<'_>) {
    out.push('<');
    out.push_str(name);
    for (key, value) in attributes {
        out.push(' ');
        out.push_str(key);
        out.push_str("=\"");
        write_escaped(out, value);
        out.push('"');
    }
}

/// Writes a tag, its content and its end.
pub(super) fn element(out: &mut String, name: &str, attributes: Attributes<'_>, content: impl FnOnce(&mut String)) {
    open(out, name, attributes);
    out.push('>');
    content(out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Writes a tag that holds text only.
pub(super) fn leaf(out: &mut String, name: &str, attributes: Attributes<'_>, content: &str) {
    element(out, name, attributes, |out| text(out, content));
}

/// Writes a tag that holds nothing.
pub(super) fn empty(out: &mut String, name: &str, attributes: Attributes<'_>) {
    open(out, name, attributes);
    out.push_str("/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(source: &str) -> String {
        let mut out = String::new();
        text(&mut out, source);
        out
    }

    #[test]
    fn hostile_names_stay_text() {
        assert_eq!(escaped("<script>alert('1')</script>"), "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
        assert_eq!(escaped(r#"a & b "c""#), "a &amp; b &quot;c&quot;");
        assert_eq!(escaped("&amp;"), "&amp;amp;", "what looks escaped is text too");
        assert_eq!(escaped("a\0b\u{1b}c\u{ffff}d"), "a\u{fffd}b\u{fffd}c\u{fffd}d");
        assert_eq!(escaped("x\u{202e}y"), "x\u{fffd}y", "a name must not turn around what follows it");
        assert_eq!(escaped("größe 大 μ\n"), "größe 大 μ\n");
    }

    #[test]
    fn attributes_are_escaped_and_tags_close() {
        let mut out = String::new();
        element(&mut out, "g", &[("class", &"a\" onload=\"b"), ("x", &1.5)], |out| {
            empty(out, "rect", &[]);
            leaf(out, "title", &[], "1 < 2");
        });
        assert_eq!(out, "<g class=\"a&quot; onload=&quot;b\" x=\"1.5\"><rect/><title>1 &lt; 2</title></g>");
    }

    #[test]
    fn backticks_make_code() {
        let prose_of = |source| {
            let mut out = String::new();
            prose(&mut out, source);
            out
        };
        assert_eq!(prose_of("run `a<b` now"), "run <code>a&lt;b</code> now");
        assert_eq!(prose_of("a ` b"), "a ` b");
        assert_eq!(prose_of(""), "");
    }
}
