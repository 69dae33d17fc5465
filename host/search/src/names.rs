//! What a title is made of: `Cité des enfants perdus, La (City of Lost Children, The) (1995)` is two names, whose
//! articles stand behind, and a year.

/// Articles that titles files put behind a comma.
const ARTICLES: [&str; 35] = [
    "the", "a", "an", "le", "la", "les", "l'", "l’", "un", "une", "des", "il", "lo", "gli", "i",
    "el", "los", "las", "una", "unos", "der", "die", "das", "den", "ein", "eine", "o", "os", "as",
    "um", "het", "de", "det", "en", "et",
];

/// A title taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// The year in brackets, or the first of a series' years.
    pub year: Option<u16>,
    /// The title's name, then those in brackets behind it.
    pub names: Vec<Name<'a>>,
}

/// A name of a movie.
#[derive(Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The article that stands behind a comma, else nothing.
    pub article: &'a str,
    /// The rest of it.
    pub body: &'a str,
}

impl<'a> Name<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        if let Some((body, article)) = text.rsplit_once(',') {
            let article = article.trim();
            let is = |known: &str| known.eq_ignore_ascii_case(article);
            if article.len() <= 5 && ARTICLES.iter().any(|known| is(known)) {
                return Name { article, body };
            }
        }
        Name {
            article: "",
            body: text,
        }
    }

    /// What stands between colons and dashes: `Star Wars`, `Episode IV` and `A New Hope`.
    pub fn parts(&self) -> impl Iterator<Item = &'a str> {
        let dashes = [" - ", " – ", " — "];
        // Most names have none.
        let may_have = !self.body.is_ascii() || self.body.contains('-');
        self.body.split(':').flat_map(move |part| {
            let dash = dashes
                .into_iter()
                .find(|dash| may_have && part.contains(dash));
            let (first, rest) = match dash {
                Some(dash) => (part, dash),
                None => (part, "\0"),
            };
            first.split(rest)
        })
    }
}

/// Takes a title apart.
pub fn parse(title: &str) -> Parsed<'_> {
    let mut rest = title.trim();
    let mut year = None;
    let mut others = Vec::new();
    while let Some((before, inside)) = last_bracket(rest) {
        if before.is_empty() {
            break;
        }
        rest = before;
        match year_of(inside) {
            Some(found) if year.is_none() => year = Some(found),
            _ => others.push(Name::of(without_aka(inside))),
        }
    }
    others.push(Name::of(rest));
    others.reverse();
    Parsed {
        year,
        names: others,
    }
}

/// What stands before the bracket at the end of `text`, and in it.
fn last_bracket(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_suffix(')')?;
    let mut depth = 1;
    for (at, c) in inside.char_indices().rev() {
        match c {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((inside[..at].trim_end(), inside[at + 1..].trim()));
        }
    }
    None
}

/// The year of `1994`, `1975-1979` and `2007-`.
fn year_of(inside: &str) -> Option<u16> {
    let (digits, behind) = inside.split_at_checked(4)?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let range = |c: char| c.is_ascii_digit() || matches!(c, '-' | '–' | ' ');
    (plain && behind.chars().all(range))
        .then(|| year(digits))
        .flatten()
}

/// The year that a word of four digits is; there were no films before 1870.
pub fn year(word: &str) -> Option<u16> {
    let year = (word.len() == 4).then(|| word.parse().ok()).flatten()?;
    (1870..=2100).contains(&year).then_some(year)
}

fn without_aka(name: &str) -> &str {
    for mark in ["a.k.a.", "aka "] {
        if let Some((start, rest)) = name.split_at_checked(mark.len())
            && start.eq_ignore_ascii_case(mark)
        {
            return rest.trim();
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(title: &str) -> (Option<u16>, Vec<String>) {
        let parsed = parse(title);
        let name = |name: &Name<'_>| format!("{}|{}", name.article, name.body);
        (parsed.year, parsed.names.iter().map(name).collect())
    }

    #[test]
    fn a_title_is_taken_apart_into_names_articles_and_year() {
        for (title, year, is) in [
            ("Matrix, The (1999)", Some(1999), &["The|Matrix"][..]),
            (
                "Cité des enfants perdus, La (City of Lost Children, The) (1995)",
                Some(1995),
                &["La|Cité des enfants perdus", "The|City of Lost Children"],
            ),
            (
                "Seven (a.k.a. Se7en) (1995)",
                Some(1995),
                &["|Seven", "|Se7en"],
            ),
            (
                "(500) Days of Summer (2009)",
                Some(2009),
                &["|(500) Days of Summer"],
            ),
            ("Fawlty Towers (1975-1979)", Some(1975), &["|Fawlty Towers"]),
            (
                "Big Bang Theory, The (2007-)",
                Some(2007),
                &["The|Big Bang Theory"],
            ),
            (
                "Avventura, L' (Adventure, The) (1960)",
                Some(1960),
                &["L'|Avventura", "The|Adventure"],
            ),
            ("Hyena Road", None, &["|Hyena Road"]),
            ("I, Robot", None, &["|I, Robot"]),
            ("(1999)", None, &["|(1999)"]),
            ("(", None, &["|("]),
            (")", None, &["|)"]),
            ("", None, &["|"]),
            ("A (B (C)) (2000)", Some(2000), &["|A", "|B (C)"]),
        ] {
            let is = is.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(names(title), (year, is), "{title}");
        }
    }

    #[test]
    fn a_name_has_parts_between_colons_and_dashes() {
        let parsed = parse("Star Wars: Episode IV - A New Hope (1977)");
        let parts: Vec<&str> = parsed.names[0].parts().map(str::trim).collect();
        assert_eq!(parts, ["Star Wars", "Episode IV", "A New Hope"]);
    }
}
