//! A small, strict reader of our own pages, for tests.
//!
//! Browsers repair whatever they get, so a page that looks right proves little. [`check`] repairs nothing: tags nest,
//! attributes are quoted and unique, angle brackets and ampersands are escaped, and every geometric attribute is made of
//! finite numbers.

/// Attributes that place or size something.
const GEOMETRY: [&str; 17] =
    ["x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "width", "height", "d", "transform", "style"];

/// Words that geometry may contain beside numbers.
const WORDS: [&str; 14] =
    ["translate", "rotate", "px", "em", "ch", "left", "right", "height", "width", "column", "M", "L", "Z", "ZM"];

const VOID: [&str; 1] = ["meta"];

/// Says what is wrong with a page or a part of one, and where.
pub(super) fn check(html: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").unwrap_or(html);
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start])?;
        let inside = &rest[start + 1..];
        let end = tag_end(inside).ok_or_else(|| format!("tag without end: {}", excerpt(inside)))?;
        let tag = &inside[..end];
        rest = &inside[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing, before {}", excerpt(rest)));
            }
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag.trim_end_matches('/'), ""));
        let name_is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
        if !name_is_plain {
            return Err(format!("no tag: {}", excerpt(tag)));
        }
        check_attributes(attributes.trim_end_matches('/')).map_err(|problem| format!("<{name}>: {problem}"))?;
        if name == "style" {
            let end = rest.find("</style>").ok_or("style without end")?;
            rest = &rest[end + "</style>".len()..];
        } else if !tag.ends_with('/') {
            open.push(name);
        } else if ["div", "p", "td", "span", "title"].contains(&name) {
            return Err(format!("<{name}/> is not closed by its slash in HTML"));
        }
        if tag.ends_with('/') && name == "script" || VOID.contains(&name) && !tag.ends_with('/') {
            return Err(format!("<{name}> must not stand so"));
        }
    }
    check_text(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("never closed: {open:?}")) }
}

/// Where the tag ends; a bracket inside quotes does not count.
fn tag_end(inside: &str) -> Option<usize> {
    let mut quoted = false;
    inside.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == '>' && !quoted).then_some(at)
    })
}

fn check_text(text: &str) -> Result<(), String> {
    if text.contains('>') {
        return Err(format!("bare bracket in {}", excerpt(text)));
    }
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        if !known.iter().any(|entity| text[at..].starts_with(entity)) {
            return Err(format!("bare ampersand in {}", excerpt(&text[at..])));
        }
    }
    Ok(())
}

fn check_attributes(mut rest: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    while !rest.trim().is_empty() {
        let (key, after) = rest.trim_start().split_once("=\"").ok_or_else(|| format!("no value: {}", excerpt(rest)))?;
        let (value, after) = after.split_once('"').ok_or_else(|| format!("{key} is not closed"))?;
        rest = after;
        if value.contains('<') {
            return Err(format!("bracket in {key}"));
        }
        check_text(value)?;
        if key.starts_with("on") || seen.contains(&key) {
            return Err(format!("{key} must not be there"));
        }
        if GEOMETRY.contains(&key) {
            check_geometry(value).map_err(|word| format!("{word} in {key}=\"{}\"", excerpt(value)))?;
        }
        seen.push(key);
    }
    Ok(())
}

fn check_geometry(value: &str) -> Result<(), String> {
    let mut words = value.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    words.find(|word| !WORDS.contains(word)).map_or(Ok(()), |word| Err(word.into()))
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

#[test]
fn the_checker_finds_what_it_is_for() {
    assert_eq!(check("<p>a &lt; b</p><svg><line x1=\"1%\"/></svg>"), Ok(()));
    for bad in [
        "<p>",
        "</p>",
        "<p><b></p></b>",
        "<p>a & b</p>",
        "<p>a > b</p>",
        "<p title=\"<\"></p>",
        "<p title=x></p>",
        "<p a=\"1\" a=\"2\"></p>",
        "<p onclick=\"x\"></p>",
        "<rect x=\"NaN\"/>",
        "<path d=\"M0 infL1 1\"/>",
        "<p/>",
        "<meta>",
        "<p",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
}
