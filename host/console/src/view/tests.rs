use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::desk::{Desk, Moves, rated};
use crate::device::About;
use crate::state::{Over, Row};
use crate::update;
use crate::verb::Other;
use crossterm::event::{KeyCode, KeyEvent};
use pocketrec::model::{Interval, Wanted};
use pocketrec::rank::{Agreement, Order};
use pocketrec::wire::{Because, Explained, ProfileReply, Ranked, RatingEntry, Shared, Who};
use pocketrec_data::{Movie, Titles};

/// A state with a list that has just moved, of movies some of which have long and wide titles.
fn state() -> State {
    let titles = [
        "Toy Story (1995)",
        "千と千尋の神隠し Spirited Away (2001)",
        "A\u{1b}[31m (1999)",
    ];
    let movie = |id: u32| Movie {
        id,
        title: match titles.get(id as usize - 1) {
            Some(title) => (*title).into(),
            None => format!("Part {id} of a series with a name that goes on (1960)"),
        },
        genres: vec!["Drama".into(), "Adventure".into()],
        ratings: 1,
    };
    let desk = Desk {
        titles: Titles::new((1..=30).map(movie).collect()),
        movies: (1..=30).collect(),
        genres: Some("Adventure|Drama".into()),
        beside: Default::default(),
    };
    let about = About {
        line: "core on this PC".into(),
        firmware: "firmware 0.1.0".into(),
        model: "hybrid f16".into(),
        licence: "not for commercial use".into(),
        movies: 30,
        scale: (0.5, 5.0, 0.5),
        kept: "kept in target/pocketrec/model.profile".into(),
        is_sure: true,
    };
    let list = |ids: &[u32]| -> Vec<Ranked> {
        let ranked = |(at, id): (usize, &u32)| Ranked {
            movie: *id,
            score: 4.9 - at as f32 / 10.0,
            stars: 4.8 - at as f32 / 10.0,
        };
        ids.iter().enumerate().map(ranked).collect()
    };
    let mut state = State::new(desk, about, 0);
    let before = list(&(1..=20).collect::<Vec<_>>());
    state.top = list(&[[3, 1, 2, 25].as_slice(), &(4..=19).collect::<Vec<_>>()].concat());
    state.moves = Moves::between(&before, &state.top);
    let likely = Interval {
        low: 2.7,
        high: 4.9,
    };
    state.likely = (1..=30).map(|id| (id, Some(likely))).collect();
    state.ratings = vec![RatingEntry {
        movie: 2,
        stars: 4.5,
        used: true,
    }];
    state.me = Some(ProfileReply {
        ratings: 1,
        bias: -0.25,
        row: [0.1, -0.2, 0.0, 0.2].into_iter().collect(),
    });
    state.say(
        "5 stars for Toy Story (1995): predicted 3.84 before, and 4.09 now",
        vec![rated(&state.desk, 1, 5.0, [3.84, 4.09])],
    );
    let sentence = state.moves.sentence(&state.desk, &state.top);
    let brief = state.moves.brief(&state.desk, &state.top);
    state.add(sentence, brief);
    let _ = update::key(&mut state, KeyEvent::from(KeyCode::Esc));
    state
}

fn screen(state: &mut State, columns: u16, lines: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
    (0..lines).map(line).collect()
}

fn shows(lines: &[String], texts: &[&str]) {
    for text in texts {
        let all = lines.join("\n");
        assert!(all.contains(text), "no `{text}` in\n{all}");
    }
}

#[test]
fn a_usual_screen_has_list_moves_owner_news_and_who_answers() {
    let lines = screen(&mut state(), 80, 24);
    shows(&lines[..1], &["The best for you", "1 rating"]);
    shows(
        &lines,
        &[
            "Score Stars",
            " 1 \u{25b2}2   100 %  4.80  A\\u{1b}[31m (1999)",
            " 2 \u{25bc}1 ",
            " 4 new ",
            "you: 4.5",
            "-0.25 stars on each movie",
            "What it makes of you",
            "you: Adventure 20, Drama",
            "within 1.1 stars",
            "5 stars for Toy Story (1995): predicted 3.84",
            "Of the best 20, 20 moved",
            "core on this PC",
            "kept in target/pocketrec/model.profile",
            "/ search  1-5 rate",
            "? help  q end",
        ],
    );
}

#[test]
fn a_narrow_screen_has_what_matters() {
    let lines = screen(&mut state(), 40, 12);
    shows(&lines[..1], &["The best for you", "1 rating"]);
    shows(
        &lines,
        &[
            "Score",
            "A\\u{1b}[31m",
            "Toy Story (1995) 5: 3.84 \u{2192} 4.09",
            "20 of 20 moved, 1 new",
            "up 2, stars +0.20",
            "core on this PC",
            "1-5 rate",
            "q end",
        ],
    );
    assert!(!lines.join("").contains("What it makes"));
}

#[test]
fn a_list_says_what_its_score_is_and_on_a_wide_screen_what_ratings_are_likely_to_be() {
    let mut state = state();
    state.news.clear();
    for (columns, lines) in [(40, 12), (80, 24), (100, 26)] {
        let shown = screen(&mut state, columns, lines);
        shows(
            &shown,
            &["Score is predicted stars,", "the first has 100 %"],
        );
        assert_eq!(shown.join("").contains("Likely"), columns == 100);
    }
    shows(
        &screen(&mut state, 100, 26),
        &["100 %  4.80  2.7 to 4.9", "98 %"],
    );
}

#[test]
fn a_key_sorts_the_list_otherwise_and_the_list_says_by_what() {
    use crate::device::{Ask, Told};
    let mut state = state();
    let key = KeyEvent::from(KeyCode::Char('y'));
    for (order, said) in [
        (Order::Stars, ["by stars", "Sorted by predicted stars"]),
        (Order::Taste, ["Taste Stars", "Taste is what of the stars"]),
        (Order::Fame, [" Fame Stars", "Fame is how well known"]),
        (Order::Surprise, ["Above Stars", "Above is by how much"]),
        (Order::Score, ["Score Stars", "Score is predicted stars"]),
    ] {
        let ask = Ask::Top(Wanted::ANY, order);
        assert_eq!(update::key(&mut state, key), [ask]);
        let ranked = Ranked {
            movie: 1,
            score: 0.5,
            stars: 4.25,
        };
        let told = Told::Movies(ask, vec![ranked]);
        update::heard(&mut state, ask, Ok(told), std::time::Duration::ZERO);
        let lines = screen(&mut state, 80, 24);
        shows(&lines, &said);
        let heading = lines[0].contains(", by ");
        assert_eq!(heading, order != Order::Score, "{}", lines[0]);
        let number = match order {
            Order::Stars => "    ",
            Order::Score => "100 %",
            _ => "0.50",
        };
        shows(&lines, &[&format!("{number}  4.25  Toy")]);
    }
}

#[test]
fn how_sure_it_is_is_asked_of_what_is_on_the_screen_one_by_one_while_nobody_waits() {
    use crate::device::{Ask, Told};
    let took = std::time::Duration::ZERO;
    // How many movies of the list are in sight, and asked.
    for (columns, lines, due) in [(40, 12, 0), (80, 24, 17), (100, 60, 20)] {
        let mut state = state();
        state.likely.clear();
        screen(&mut state, columns, lines);
        state.waiting = 1;
        assert_eq!(update::at_leisure(&mut state), None);
        state.waiting = 0;
        let mut asked = Vec::new();
        while let Some(Ask::Likely(movie)) = update::at_leisure(&mut state) {
            assert_eq!(update::at_leisure(&mut state), None);
            asked.push(movie);
            let told = Told::Likely(movie, None);
            update::heard(&mut state, Ask::Likely(movie), Ok(told), took);
        }
        let shown: Vec<u32> = state.top.iter().take(due).map(|one| one.movie).collect();
        assert_eq!(asked, shown, "{columns}");
    }
    let mut state = state();
    state.likely.clear();
    state.about.is_sure = false;
    screen(&mut state, 100, 60);
    assert_eq!(update::at_leisure(&mut state), None);
}

#[test]
fn what_has_no_room_below_the_list_ends_with_an_ellipsis() {
    let mut state = state();
    state.complain("what went wrong is told in a long sentence ".repeat(9));
    for (columns, lines) in [(40, 12), (80, 24)] {
        let lines = screen(&mut state, columns, lines);
        let told = lines.iter().rposition(|line| line.contains("sentence"));
        assert!(
            lines[told.unwrap()].trim_end().ends_with('\u{2026}'),
            "{lines:?}"
        );
    }
    state.complain("what went wrong is told in a long sentence that has room");
    shows(&screen(&mut state, 40, 12), &["that has room"]);
}

#[test]
fn every_size_and_view_is_drawn_without_panic_and_the_chosen_movie_is_in_sight() {
    let explained = Explained {
        stars: 4.0,
        mean: 3.4,
        user_bias: 0.1,
        movie_bias: 0.2,
        dot: 0.3,
        mlp: 0.0,
        because: [Because {
            movie: 2,
            stars: 5.0,
            moved: 0.1,
        }]
        .into_iter()
        .collect(),
    };
    let other = Other {
        who: Who::Owner(1),
        agreement: Agreement::Least,
    };
    for (columns, height) in [
        (1, 1),
        (5, 3),
        (20, 5),
        (40, 12),
        (80, 24),
        (100, 30),
        (200, 60),
    ] {
        let mut state = state();
        for view in [
            View::Top,
            View::Suggest,
            View::Similar(2),
            View::Together(other),
            View::Found,
            View::Ratings,
        ] {
            state.view = view;
            for over in [
                None,
                Some(Over::Help),
                Some(Over::Why(2, explained.clone(), None)),
                Some(Over::WhyFor(other, 2, explained.clone())),
            ] {
                state.over = over;
                screen(&mut state, columns, height);
            }
            state.over = None;
        }
        state.typing = Some(Typing::Search("toy".into()));
        screen(&mut state, columns, height);
        state.typing = None;
        for at in (0..20).rev().chain(0..20) {
            state.chosen = at;
            let lines = screen(&mut state, columns, height);
            if columns >= 40 {
                shows(&lines, &[&format!("{:>3} ", at + 1)]);
            }
        }
    }
}

#[test]
fn an_explanation_and_the_keys_lie_over_the_list_and_any_key_goes_on() {
    for (columns, lines) in [(40, 12), (80, 24)] {
        let mut state = state();
        let _ = update::key(&mut state, KeyEvent::from(KeyCode::Char('?')));
        shows(
            &screen(&mut state, columns, lines),
            &[
                "Keys",
                "half stars",
                "1-5 rate",
                "sort by  ",
                "q   end",
                "firmware 0.1.0",
            ],
        );
        let _ = update::key(&mut state, KeyEvent::from(KeyCode::Char('q')));
        assert!(state.over.is_none() && !state.is_over);
    }
}

#[test]
fn a_search_follows_each_letter_and_stars_are_typed() {
    let mut state = state();
    let press = |state: &mut State, text: &str| {
        let keys = text.chars().map(|key| match key {
            '\n' => KeyCode::Enter,
            '\u{8}' => KeyCode::Backspace,
            key => KeyCode::Char(key),
        });
        keys.flat_map(|code| update::key(state, KeyEvent::from(code)))
            .collect::<Vec<_>>()
    };
    assert_eq!(press(&mut state, "/spix\u{8}r"), []);
    let lines = screen(&mut state, 80, 24);
    shows(&lines, &["Search: spir", "千", "you: 4.5"]);
    use crate::device::Ask;
    assert_eq!(press(&mut state, "\n"), [Ask::Predict(2)]);
    let changed = [
        Ask::Rate(2, 3.0),
        Ask::Top(Wanted::ANY, Order::Score),
        Ask::Ratings,
        Ask::Me,
    ];
    assert_eq!(press(&mut state, "3"), changed);
    assert_eq!(press(&mut state, "r4.5"), []);
    shows(&screen(&mut state, 80, 24), &["Stars: 4.5", "Enter rates"]);
    assert_eq!(press(&mut state, "\n")[0], Ask::Rate(2, 4.5));
    assert_eq!(press(&mut state, "s"), [Ask::Similar(2)]);
    assert_eq!(press(&mut state, "/zzzz"), []);
    shows(&screen(&mut state, 80, 24), &["No movie has that title"]);
}

#[test]
fn genres_and_somebody_else_are_typed_and_a_movie_for_two_is_explained_for_both() {
    use crate::device::{Ask, Told};
    let mut state = state();
    let press = |state: &mut State, text: &str| {
        let keys = text.chars().map(|key| match key {
            '\n' => KeyCode::Enter,
            key => KeyCode::Char(key),
        });
        keys.flat_map(|code| update::key(state, KeyEvent::from(code)))
            .collect::<Vec<_>>()
    };
    assert_eq!(press(&mut state, "odrama 1960.."), []);
    shows(
        &screen(&mut state, 80, 24),
        &["Only: drama 1960..", "Enter lists"],
    );
    let wanted = Wanted {
        all_of: 2,
        from: 1960,
        ..Wanted::ANY
    };
    assert_eq!(press(&mut state, "\n"), [Ask::Top(wanted, Order::Score)]);
    shows(
        &screen(&mut state, 80, 24),
        &["The best for you of drama 1960.."],
    );
    // What is rated now moves the filtered list.
    assert_eq!(press(&mut state, "u")[1], Ask::Top(wanted, Order::Score));
    // What was said before stands there to be changed.
    assert_eq!(press(&mut state, "owestern\n"), []);
    shows(&screen(&mut state, 80, 24), &["`1960..western`"]);

    let other = Other {
        who: Who::Owner(1),
        agreement: Agreement::Least,
    };
    assert_eq!(
        press(&mut state, "b1\n"),
        [Ask::Together(other, wanted, Order::Score)]
    );
    let shared = Shared {
        movie: 1,
        score: 0.75,
        stars: [4.25, 3.5],
    };
    let told = Told::Shared(other, vec![shared], [false, true]);
    let took = std::time::Duration::ZERO;
    update::heard(
        &mut state,
        Ask::Together(other, wanted, Order::Score),
        Ok(told),
        took,
    );
    let lines = screen(&mut state, 80, 24);
    shows(
        &lines,
        &[
            "The best for you and owner 1 of drama 1960..",
            "Score is the lower of both scores, each counted",
            "So far owner 1 has rated nothing",
            "Score Yours Other",
            "100 %  4.25  3.50  Toy",
        ],
    );
    // Another order is that of the list for two too, and so is what moves the owner's.
    let both = |order| [Ask::Top(wanted, order), Ask::Together(other, wanted, order)];
    assert_eq!(press(&mut state, "y"), both(Order::Stars));
    assert_eq!(state.view, View::Together(other));
    assert_eq!(press(&mut state, "yyyy")[6..], both(Order::Score));
    let told = Told::Shared(other, vec![shared], [false, true]);
    let ask = Ask::Together(other, wanted, Order::Score);
    update::heard(&mut state, ask, Ok(told), took);
    assert_eq!(press(&mut state, "5").last(), Some(&ask));
    shows(&screen(&mut state, 80, 24)[23..], &["t top", "/ search"]);
    let asks = [Ask::Why(1), Ask::WhyFor(other, 1)];
    assert_eq!(press(&mut state, "w"), asks);
    let explained = Explained {
        stars: 3.5,
        mean: 3.4,
        user_bias: 0.1,
        movie_bias: 0.0,
        dot: 0.0,
        mlp: 0.0,
        because: pocketrec::list::List::new(),
    };
    let told = [
        Told::Why(1, explained.clone(), None),
        Told::WhyFor(other, 1, explained),
    ];
    for (ask, told) in asks.into_iter().zip(told) {
        update::heard(&mut state, ask, Ok(told), took);
    }
    shows(
        &screen(&mut state, 80, 24),
        &["Why Toy Story", "how you rate"],
    );
    let _ = press(&mut state, " ");
    shows(
        &screen(&mut state, 80, 24),
        &["for owner 1", "how they rate"],
    );
    let _ = press(&mut state, " ");
    assert!(state.over.is_none());
}

#[test]
fn stars_that_are_known_are_shown_only_where_their_column_has_a_name() {
    let mut state = state();
    state.stars.insert(2, 3.21);
    let row = Row {
        movie: 2,
        number: Some(0.5),
        stars: None,
        theirs: None,
    };
    for (view, is_shown) in [
        (View::Found, true),
        (View::Suggest, true),
        (View::Similar(1), false),
        (View::Ratings, false),
    ] {
        state.show(view, vec![row]);
        let lines = screen(&mut state, 80, 24);
        assert_eq!(lines.iter().any(|line| line.contains("3.21")), is_shown);
    }
}

#[test]
fn what_an_explanation_has_no_room_for_is_shown_to_be_missing_and_a_list_counts_more_than_stars() {
    let mut state = state();
    let explained = Explained {
        stars: 4.0,
        mean: 3.5,
        user_bias: 0.25,
        movie_bias: 0.25,
        dot: 0.0,
        mlp: 0.0,
        because: pocketrec::list::List::new(),
    };
    state.over = Some(Over::Why(3, explained.clone(), None));
    let whole = screen(&mut state, 80, 24);
    shows(
        &whole,
        &["18 % of its score comes from popularity and your latest ratings"],
    );
    assert!(!whole.iter().any(|line| line.contains("\u{2502} \u{2026}")));
    shows(
        &screen(&mut state, 80, 6),
        &["4.00 stars", "\u{2502} \u{2026}"],
    );
    // Of many lines those of single ratings are left out first.
    let told = Because {
        movie: 3,
        stars: 4.0,
        moved: 0.1,
    };
    let all = Explained {
        dot: 0.25,
        because: [told; 5].into_iter().collect(),
        ..explained
    };
    state.over = Some(Over::Why(3, all, None));
    shows(
        &screen(&mut state, 40, 12),
        &["13 % of its score comes", "\u{2502} \u{2026}"],
    );
    state.over = Some(Over::Why(3, explained, None));
    // By another order a list doesn't count them.
    state.order = Order::Taste;
    let lines = screen(&mut state, 80, 24);
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("popularity and your"))
    );
}

#[test]
fn an_empty_list_says_in_whole_words_why_on_a_narrow_screen_too() {
    let mut state = state();
    state.news.clear();
    for (view, words) in [
        (View::Top, &["None is predicted above your own mean"][..]),
        (
            View::Ratings,
            &["Nothing yet", "for a movie", "that you know"],
        ),
    ] {
        state.show(view, Vec::new());
        shows(&screen(&mut state, 40, 12), words);
    }
}
