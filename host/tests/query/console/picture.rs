//! The README's picture of `host console`: what the program draws in a pseudo-terminal, as SVG that moves.

use std::fmt::Write as _;

use vt100::{Cell, Color};

use super::{ON_PC, Terminal};

/// Columns and lines of the picture.
const SIZE: (u16, u16) = (100, 26);
/// Width and height of a character.
const CELL: (f32, f32) = (8.4, 18.0);

/// What is pressed, what is then waited for, and for how many seconds it stands.
type Step = (&'static str, &'static [&'static str], f32);

/// What the README's picture shows of the real catalogue.
const STORY: &[Step] = &[
    ("", &["The best for you", "answers in"], 2.5),
    (
        "/toy story",
        &["Search: toy story", "Toy Story 2 (1999)"],
        1.5,
    ),
    ("\r", &["Found"], 1.0),
    ("5", &["5 stars for Toy Story (1995)", "you: 5"], 2.0),
    ("/alien", &["Search: alien", "Aliens (1986)"], 1.0),
    ("\r", &["Found"], 0.6),
    ("5", &["5 stars for Alien (1979)", "you: 5"], 1.5),
    ("/notting", &["Search: notting", "Notting Hill (1999)"], 1.0),
    ("\r", &["Found"], 0.6),
    ("1", &["1 star for Notting Hill (1999)", "you: 1"], 1.5),
    ("\u{1b}", &["The best for you", "\u{25b2}"], 4.0),
    ("w", &["Why "], 4.0),
];

/// The same of a catalogue of made-up movies.
const OF_PARTS: &[Step] = &[
    ("", &["The best for you", "answers in"], 1.0),
    ("/part 12", &["Search: part 12", "Part 12 (1960)"], 1.0),
    ("\r", &["Found"], 1.0),
    ("5", &["5 stars for Part 12 (1960)", "you: 5"], 1.0),
    ("\u{1b}", &["The best for you"], 1.0),
];

/// `cargo xtask picture` runs this with the real catalogue's image and a place to write to.
#[test]
fn a_picture_has_each_step_as_the_program_showed_it() {
    let Ok(to) = std::env::var("POCKETREC_PICTURE") else {
        let drawn = svg(OF_PARTS, &frames(&super::place(), OF_PARTS));
        has_each_step(&drawn, OF_PARTS);
        return;
    };
    let image = std::env::var("POCKETREC_IMAGE").expect("POCKETREC_IMAGE should be set");
    let place = tempfile::tempdir().unwrap();
    for name in ["model.img", "model.titles.csv"] {
        let from = std::path::Path::new(&image).with_file_name(name);
        std::fs::copy(from, place.path().join(name)).unwrap();
    }
    std::fs::write(to, svg(STORY, &frames(&place, STORY))).unwrap();
}

#[test]
fn the_readmes_picture_has_every_step_of_the_story() {
    let svg = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/console.svg"));
    has_each_step(&svg.unwrap(), STORY);
}

fn has_each_step(svg: &str, story: &[Step]) {
    for (_, shown, _) in story {
        for text in *shown {
            assert!(
                svg.contains(&*escaped(text)),
                "no `{text}`: `cargo xtask picture` draws it anew"
            );
        }
    }
    assert_eq!(svg.matches("<g class=\"f f").count(), story.len());
    assert!(svg.contains("prefers-color-scheme: dark"));
}

/// What the program shows at each step.
fn frames(place: &tempfile::TempDir, story: &[Step]) -> Vec<vt100::Screen> {
    let mut terminal = Terminal::start(place, SIZE, &ON_PC);
    story
        .iter()
        .map(|(keys, shown, _)| {
            terminal.press(keys);
            terminal.shows(shown);
            // What comes behind the last answer, such as how long it took, and how sure predictions are.
            let now = || terminal.screen.lock().unwrap().screen().clone();
            let mut screen = now();
            loop {
                std::thread::sleep(std::time::Duration::from_millis(400));
                let next = now();
                if next.contents() == screen.contents() {
                    return next;
                }
                screen = next;
            }
        })
        .collect()
}

/// Colours of a theme: ink, paper, its edge, and the terminal's green, red and magenta.
const LIGHT: [&str; 6] = [
    "#1f2328", "#ffffff", "#d0d7de", "#1a7f37", "#cf222e", "#8250df",
];
const DARK: [&str; 6] = [
    "#e6edf3", "#0d1117", "#30363d", "#3fb950", "#ff7b72", "#d2a8ff",
];

fn theme([ink, paper, edge, green, red, magenta]: &[&str; 6]) -> String {
    format!(
        "text,.ink{{fill:{ink}}}.paper{{fill:{paper};stroke:{edge}}}.g{{fill:{green}}}.r{{fill:{red}}}.m{{fill:{magenta}}}.i{{fill:{paper}}}"
    )
}

fn svg(story: &[Step], frames: &[vt100::Screen]) -> String {
    // Where nothing moves, the list that moved.
    let still = story.iter().rposition(|(keys, ..)| *keys == "\u{1b}");
    let still = still.unwrap_or(0);
    let (columns, lines) = SIZE;
    let (width, height) = (
        f32::from(columns) * CELL.0 + 24.0,
        f32::from(lines) * CELL.1 + 24.0,
    );
    let whole: f32 = story.iter().map(|(.., seconds)| seconds).sum();
    let mut style = String::from(
        "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}\
         .b{font-weight:bold}.d{opacity:.65}.f{opacity:0}",
    );
    let _ = write!(
        style,
        "{}@media (prefers-color-scheme: dark){{{}}}",
        theme(&LIGHT),
        theme(&DARK)
    );
    let _ = write!(
        style,
        ".f{still}{{opacity:1}}@media (prefers-reduced-motion: no-preference){{"
    );
    let mut begin = 0.0;
    for (at, (.., seconds)) in story.iter().enumerate() {
        let (from, to) = (100.0 * begin / whole, 100.0 * (begin + seconds) / whole);
        let _ = write!(
            style,
            ".f{at}{{animation:k{at} {whole}s step-end infinite}}@keyframes k{at}{{0%{{opacity:{}}}{from:.2}%{{opacity:1}}{to:.2}%{{opacity:0}}100%{{opacity:0}}}}",
            u8::from(at == 0)
        );
        begin += seconds;
    }
    style.push('}');
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>host console: rating three movies, and how the list moves</title>\n<style>{style}</style>\n\
         <rect x=\"1\" y=\"1\" width=\"{}\" height=\"{}\" rx=\"8\" class=\"paper\"/>\n",
        width - 2.0,
        height - 2.0
    );
    for (at, screen) in frames.iter().enumerate() {
        let _ = writeln!(svg, "<g class=\"f f{at}\">");
        for line in 0..lines {
            draw_line(&mut svg, screen, line, columns);
        }
        svg.push_str("</g>\n");
    }
    svg + "</svg>\n"
}

/// Runs of characters that look alike, each at its place whatever font there is.
fn draw_line(svg: &mut String, screen: &vt100::Screen, line: u16, columns: u16) {
    let y = 12.0 + f32::from(line) * CELL.1;
    let mut column = 0;
    while column < columns {
        let Some(cell) = screen.cell(line, column) else {
            return;
        };
        let class = class(cell);
        let begin = column;
        let mut text = String::new();
        while let Some(next) = screen
            .cell(line, column)
            .filter(|next| self::class(next) == class)
        {
            match next.contents() {
                "" if next.is_wide_continuation() => {}
                "" => text.push(' '),
                shown => text.push_str(shown),
            }
            column += 1;
        }
        let x = 12.0 + f32::from(begin) * CELL.0;
        let width = f32::from(column - begin) * CELL.0;
        if cell.inverse() {
            let _ = writeln!(
                svg,
                "<rect class=\"ink\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\"/>",
                CELL.1
            );
        }
        // Two spaces and more are a gap: viewers differ in what they make of them.
        let mut before = 0;
        for part in text.split("  ") {
            let bare = part.trim_start();
            let at = before + part.len() - bare.len();
            before += pocketrec_base::print::width::width(part) + 2;
            let bare = bare.trim_end();
            if bare.is_empty() {
                continue;
            }
            let length = pocketrec_base::print::width::width(bare) as f32 * CELL.0;
            let _ = writeln!(
                svg,
                "<text class=\"{class}\" x=\"{:.1}\" y=\"{}\" textLength=\"{length:.1}\">{}</text>",
                x + at as f32 * CELL.0,
                y + 13.5,
                escaped(bare)
            );
        }
    }
}

fn class(cell: &Cell) -> String {
    let colour = match cell.fgcolor() {
        Color::Idx(2) => "g",
        Color::Idx(1) => "r",
        Color::Idx(5) => "m",
        _ => "",
    };
    let mut all = vec![colour];
    all.extend(cell.bold().then_some("b"));
    all.extend(cell.dim().then_some("d"));
    all.extend(cell.inverse().then_some("i"));
    all.retain(|class| !class.is_empty());
    all.join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
