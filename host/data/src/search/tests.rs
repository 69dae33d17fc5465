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
