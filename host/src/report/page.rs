//! A report about a model as one page of HTML: no network, dark and light, on a phone's width too.

use std::fmt::Write;

use pocketrec_base::print::worded;
use serde_json::{Value, json};

/// Styles that it has in common with the page of a board, and its own.
const STYLES: [&str; 2] = [
    include_str!("../../../web/page/style.css"),
    include_str!("page.css"),
];
/// What draws the map, and what begins it.
const SCRIPTS: [&str; 3] = [
    include_str!("../../../web/page/words.js"),
    include_str!("../../../web/page/map.js"),
    include_str!("page.js"),
];

/// A part of a report.
#[derive(Debug, Default)]
pub struct Section {
    /// What it is about.
    pub heading: &'static str,
    /// What it shows, in a sentence or two.
    pub text: String,
    /// Pictures (what is seen on each, and SVG) and tables, as HTML.
    pub body: String,
}

impl Section {
    /// One without a body yet.
    pub fn new(heading: &'static str, text: impl Into<String>) -> Self {
        Self {
            heading,
            text: text.into(),
            body: String::new(),
        }
    }

    /// Adds a picture.
    pub fn picture(&mut self, shown: &str, svg: &str) -> &mut Self {
        // The name and the style of one picture hold for the whole page.
        let svg = worded(svg).replacen("<svg ", "<svg aria-hidden=\"true\" ", 1);
        let _ = write!(
            self.body,
            "<figure role=\"img\" aria-label=\"{0}\">{svg}<figcaption>{0}</figcaption></figure>",
            escaped(shown)
        );
        self
    }

    /// Adds a table as [`Section::table`] does, which has room beside a picture.
    pub fn small_table(&mut self, head: &[&str], rows: &[Vec<String>]) -> &mut Self {
        let before = self.body.len();
        self.table(head, &[], rows);
        let table = self.body.split_off(before);
        self.body += &table.replacen("wide", "beside", 1);
        self
    }

    /// Adds a table: its head, and rows of as many cells, of which the first is text and the others are numbers unless
    /// `texts` names their column.
    pub fn table(&mut self, head: &[&str], texts: &[usize], rows: &[Vec<String>]) -> &mut Self {
        let class = |at: usize| match at == 0 || texts.contains(&at) {
            true => "",
            false => " class=\"right\"",
        };
        let mut text = String::from("<div class=\"wide\"><table><thead><tr>");
        for (at, cell) in head.iter().enumerate() {
            let _ = write!(
                text,
                "<th scope=\"col\"{}>{}</th>",
                class(at),
                escaped(cell)
            );
        }
        text.push_str("</tr></thead><tbody>");
        for row in rows {
            text.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let _ = match at {
                    0 => write!(text, "<th scope=\"row\">{}</th>", escaped(cell)),
                    // Where a row has no room beside itself, its numbers stand below each other by name.
                    _ => write!(
                        text,
                        "<td{} data-name=\"{}\">{}</td>",
                        class(at),
                        escaped(head.get(at).unwrap_or(&"")),
                        escaped(cell)
                    ),
                };
            }
            text.push_str("</tr>");
        }
        text.push_str("</tbody></table></div>");
        self.body += &text;
        self
    }
}

/// A movie on the map.
#[derive(Debug)]
pub struct Dot {
    /// Its id.
    pub id: u32,
    /// As the data has it.
    pub title: String,
    /// As the data has them.
    pub genres: Vec<String>,
    /// How many people rated it.
    pub ratings: u32,
    /// From -1 to 1 either way.
    pub place: [f32; 2],
}

/// A whole report.
#[derive(Debug)]
pub struct Page {
    /// The model's name.
    pub title: String,
    /// What is known of it, by name.
    pub facts: Vec<(&'static str, String)>,
    /// Its parts.
    pub sections: Vec<Section>,
    /// The map; none where titles are missing.
    pub dots: Vec<Dot>,
    /// What may be done with it.
    pub licence: String,
}

impl Page {
    /// As HTML.
    pub fn html(&self) -> String {
        let mut body = String::new();
        for (name, fact) in &self.facts {
            let _ = write!(body, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(fact));
        }
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{0}</title>\n<style>\n{1}</style>\n\
             <header class=\"top\"><div class=\"brand\"><h1>{0}</h1><p>What this model is worth, and what it costs.</p></div></header>\n\
             <main class=\"report\">\n<section class=\"desk\"><h2>The model</h2><dl>{body}</dl></section>\n",
            escaped(&self.title),
            STYLES.concat(),
        );
        for section in &self.sections {
            let _ = writeln!(
                html,
                "<section class=\"desk\"><h2>{}</h2><p>{}</p><div class=\"pictures\">{}</div></section>",
                escaped(section.heading),
                with_code(&section.text),
                section.body
            );
        }
        if !self.dots.is_empty() {
            html.push_str(&worded(MAP));
        }
        let _ = write!(
            html,
            "</main>\n<footer><p>{}</p></footer>\n",
            escaped(&self.licence)
        );
        if !self.dots.is_empty() {
            let dots: Vec<Value> = self.dots.iter().map(Dot::json).collect();
            // A `<` in a title must not end the element.
            let dots = Value::from(dots).to_string().replace('<', "\\u003c");
            let scripts: String = SCRIPTS.map(joined).concat();
            let _ = write!(
                html,
                "<script type=\"application/json\" id=\"movies\">{dots}</script>\n<script>\n{scripts}</script>\n"
            );
        }
        html + "</html>\n"
    }
}

impl Dot {
    fn json(&self) -> Value {
        let place = self
            .place
            .map(|at| (f64::from(at) * 1000.0).round() / 1000.0);
        json!({
            "id": self.id, "title": self.title, "genres": self.genres, "ratings": self.ratings,
            "x": place[0], "y": place[1],
        })
    }
}

/// The part with the map.
const MAP: &str = r#"<section class="atlas">
<div class="atlas-head"><h2>The map of the movies</h2>
<label class="search"><span class="hidden">Find a movie on the map</span><input id="find" type="search" list="titles" placeholder="Find a movie" autocomplete="off"></label>
<div class="zoom"><button id="closer" type="button" aria-label="Zoom in">+</button><button id="farther" type="button" aria-label="Zoom out">−</button><button id="whole" type="button">Whole map</button></div></div>
<p>Movies lie near those that <code>similar</code> names for them, as far as a plane allows (t-SNE); the larger, the more ratings; coloured by the rarest of their genres. Choose a genre to see it alone.</p>
<datalist id="titles"></datalist>
<div class="canvas"><canvas id="map" tabindex="0" role="application" aria-label="Map of the movies. The arrow keys walk from movie to movie." aria-describedby="map-name"></canvas><div id="tip" class="tip" hidden></div></div>
<p id="map-name" class="hidden" aria-live="polite"></p>
<ul id="legend" class="legend"></ul>
</section>
"#;

/// A script as a part of one: what it imports stands ahead of it, and what it exports is seen anyway.
fn joined(script: &str) -> String {
    let lines = script.lines().filter(|line| !line.starts_with("import "));
    let plain = lines.map(|line| line.strip_prefix("export ").unwrap_or(line));
    plain.flat_map(|line| [line, "\n"]).collect()
}

/// Text as it stands in HTML, within quotes too, with the things' own name; control characters are left out.
pub fn escaped(text: &str) -> String {
    let text = worded(text);
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Text of which what stands between two backticks is code.
fn with_code(text: &str) -> String {
    let parts = escaped(text);
    let marked = parts.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{part}</code>"),
    });
    marked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_asks_nothing_of_a_network_and_titles_end_no_element() {
        let evil = "</script><script>alert(1)</script>\u{1b}[31m";
        let mut section = Section::new("Lists", evil);
        section.picture(evil, "<svg width=\"1\"></svg>").table(
            &["Movie", "Stars"],
            &[],
            &[vec![evil.into(), "4.5".into()]],
        );
        let page = Page {
            title: evil.into(),
            facts: vec![("Data", evil.into())],
            sections: vec![section],
            dots: vec![Dot {
                id: 1,
                title: evil.into(),
                genres: vec!["Drama".into()],
                ratings: 3,
                place: [0.12345, -1.0],
            }],
            licence: evil.into(),
        };
        let html = page.html();
        assert!(!html.contains("<script>alert"), "{html}");
        assert_eq!(html.matches("</script>").count(), 2);
        assert!(!html.contains('\u{1b}') && !html.contains("import {"));
        assert!(
            html.contains("\"x\":0.123")
                && html.contains("class=\"right\" data-name=\"Stars\">4.5<")
        );
        for address in ["src=\"http", "href=\"http", "url(", "fetch("] {
            assert!(!html.contains(address), "{address}");
        }
        // Without titles there is no map, and then no script.
        let without = Page {
            dots: Vec::new(),
            ..page
        };
        assert!(!without.html().contains("<script"));
    }
}
