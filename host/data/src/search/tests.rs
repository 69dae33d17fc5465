use super::catalogue::Catalogue;
use super::*;
use crate::builtin;

/// The built-in titles with the number of ratings of each.
fn built_in() -> Titles {
    let data = builtin::load();
    let mut counts = vec![0; data.ratings.movie_ids.len()];
    for row in &data.ratings.movies {
        counts[*row as usize] += 1;
    }
    let ids = data.ratings.movie_ids.iter().copied();
    data.titles.counted(ids.zip(counts))
}

fn found(titles: &Titles, text: &str) -> Found {
    find(titles, |id| titles.get(id).is_some(), text)
}

/// As `searches.txt` writes it.
fn written(titles: &Titles, found: &Found) -> String {
    let list = |ids: &[u32]| {
        let titles: Vec<String> = ids.iter().take(3).map(|id| titles.title(*id)).collect();
        titles.join("; ")
    };
    match found {
        Found::One(hit) => {
            let how = match hit.how {
                How::Literal => "exactly ",
                How::Named => "",
                How::Guessed => "a guess: ",
            };
            format!("{how}{}", titles.title(hit.id))
        }
        Found::Several(ids) => format!("one of {}: {}", ids.len(), list(ids)),
        Found::Nothing(ids) => format!("none, near: {}", list(ids)),
    }
}

#[test]
fn what_people_type_finds_the_movie_that_they_mean() {
    let titles = built_in();
    let table = include_str!("searches.txt");
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.split_once('|').unwrap())
        .collect();
    assert!(rows.len() >= 60);
    let wrong: Vec<String> = rows
        .iter()
        .map(|(typed, answer)| (typed.trim(), answer.trim()))
        .filter_map(|(typed, answer)| {
            let is = written(&titles, &found(&titles, typed));
            (is != answer).then(|| format!("{typed} | {is}\n    and not {answer}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_title_of_the_built_in_ones_finds_itself() {
    let titles = built_in();
    // Folding all titles for each search is for one search a run: some of them stand for all.
    for movie in titles.movies().iter().step_by(499) {
        for typed in [
            movie.title.clone(),
            movie.title.to_uppercase(),
            movie.title.replace(['(', ')', ',', ':'], " "),
        ] {
            let found = found(&titles, &typed);
            let ids = match &found {
                Found::One(hit) => vec![hit.id],
                Found::Several(ids) => ids.clone(),
                Found::Nothing(_) => vec![],
            };
            assert!(ids.contains(&movie.id), "{typed}: {found:?}");
        }
    }
}

#[test]
fn movies_that_are_not_known_are_not_found_by_title_or_id() {
    let titles = built_in();
    let without = |id| id != 2571;
    assert!(find(&titles, without, "#2571").is_nothing());
    let found = find(&titles, without, "matrix");
    assert_eq!(
        written(&titles, &found),
        "one of 2: Matrix Reloaded, The (2003); Matrix Revolutions, The (2003)"
    );
}

#[test]
fn without_numbers_of_ratings_a_part_of_a_name_is_as_good_as_the_name() {
    let titles = builtin::load().titles;
    match found(&titles, "lord of the rings") {
        Found::Several(ids) => assert_eq!(ids.len(), 4),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_text_is_too_odd_to_be_searched_for() {
    let titles = built_in();
    let long = "word ".repeat(200);
    for text in [
        "", " ", "()", "(1999)", "#", "id:", "#x", "…", "'", "千", "\u{301}", "1 1 1", &long,
    ] {
        let _ = found(&titles, text);
    }
    assert_eq!(id("#300"), Some(300));
    assert_eq!(id("ID: 300"), Some(300));
    assert_eq!(id(" 300 "), Some(300));
    assert_eq!(id("#99999999999"), None);
    assert_eq!(id("300 (2007)"), None);
    assert!(found(&titles, "#99999999999").is_nothing());
}

#[test]
fn titles_as_other_sites_write_them_are_found_by_year() {
    let titles = builtin::load().titles;
    let catalogue = Catalogue::new(&titles);
    for (title, year, is) in [
        ("The Matrix", 1999, "Matrix, The (1999)"),
        (
            "The Lord of the Rings: The Fellowship of the Ring",
            2001,
            "Lord of the Rings: The Fellowship of the Ring, The (2001)",
        ),
        (
            "Amélie",
            2001,
            "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)",
        ),
        (
            "Star Wars",
            1977,
            "Star Wars: Episode IV - A New Hope (1977)",
        ),
        ("Se7en", 1995, "Seven (a.k.a. Se7en) (1995)"),
        ("Hamlet", 1996, "Hamlet (1996)"),
        ("WALL·E", 2008, "WALL·E (2008)"),
        ("Rocky 2", 1979, "Rocky II (1979)"),
        (
            "Spirited Away",
            2001,
            "Spirited Away (Sen to Chihiro no kamikakushi) (2001)",
        ),
        // Shown at a festival a year before.
        ("Memento", 2001, "Memento (2000)"),
    ] {
        let found = catalogue.find(title, Some(year)).map(|id| titles.title(id));
        assert_eq!(found.as_deref(), Some(is), "{title}");
    }
    for (title, year) in [
        ("The Matrix", Some(2009)),
        ("Hamlet", None),
        ("", None),
        ("No such film", Some(1999)),
    ] {
        assert_eq!(catalogue.find(title, year), None, "{title}");
    }
}

#[test]
fn titles_folded_once_are_searched_as_those_folded_for_each_search() {
    let titles = built_in();
    let known = |id| id != 2571;
    let shelf = Shelf::new(&titles, known);
    for text in ["matrix", "#1", "2571", "alein", "", "lord rings"] {
        assert_eq!(
            shelf.listed(text, 7),
            listed(&titles, known, text, 7),
            "{text}"
        );
    }
    assert_eq!(shelf.listed("toy story", 1), [1]);
}
