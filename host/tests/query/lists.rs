//! Lists by genre and year, with what is below one's mean, and for two.

use super::*;

fn ids(list: &str) -> Vec<u64> {
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let movies = list["movies"].as_array().unwrap().iter();
    movies.map(|movie| movie["id"].as_u64().unwrap()).collect()
}

#[test]
fn a_board_filters_its_list_and_where_it_knows_no_genres_the_pc_does_to_the_same_list() {
    let (knows, not) = (place_of(None, true), place_of(None, false));
    let mut lists = Vec::new();
    for place in [&knows, &not] {
        let port = board(place, |_| ());
        for part in ["part 3", "part 7"] {
            succeeds(place, &port, &["query", "rate", part, "4"], &[]);
        }
        for whose in [&[][..], &["7"]] {
            let asks = |more: &[&str]| {
                let top = ["query", "top", "--count", "20", "--json"];
                ids(&succeeds(
                    place,
                    &port,
                    &[&top[..], whose, more].concat(),
                    &[],
                ))
            };
            let comedies = asks(&["--genre", "comedy"]);
            assert!(!comedies.is_empty());
            assert!(comedies.iter().all(|id| id % 30 == 0), "{comedies:?}");
            let others = asks(&["--not", "comedy", "--year", "1955..", "--include-below"]);
            assert!(others.iter().all(|id| id % 30 != 0), "{others:?}");
            assert_eq!(others.len(), 20);
            assert!(asks(&["--year", "..1959"]).is_empty());
            let both = asks(&["--not", "comedy", "--with-user", "8"]);
            assert!(both.iter().all(|id| id % 30 != 0), "{both:?}");
            lists.push((comedies, others, both));
        }
        let no_genre = ["query", "top", "--genre", "western"];
        let said = ["no movie has the genre `western`", "Comedy, Drama"];
        fails(place, &port, 2, &no_genre, &said);
    }
    assert_eq!(lists[..2], lists[2..]);
    assert!(lists.iter().any(|(.., both)| !both.is_empty()));
    let port = board(&knows, |_| ());
    let comedies = ["query", "top", "7", "--genre", "comedy", "--twin"];
    succeeds(&knows, &port, &comedies, &["are those of core on this PC"]);
    let port = board(&not, |_| ());
    let here = ["query", "top", "--genre", "comedy"];
    succeeds(&not, &port, &here, &["Filtered on this PC"]);
}

#[test]
fn movies_below_ones_own_mean_are_listed_only_where_they_are_asked_for() {
    let place = place();
    let port = board(&place, |_| ());
    let info = succeeds(&place, &port, &["query", "profile", "7", "--json"], &[]);
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    let mean = 3.5 + info["bias"].as_f64().unwrap();
    let stars = |more: &[&str]| -> Vec<f64> {
        let top = ["query", "top", "7", "--count", "20", "--json"];
        let list = succeeds(&place, &port, &[&top[..], more].concat(), &[]);
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let movies = list["movies"].as_array().unwrap().iter();
        movies
            .map(|movie| movie["stars"].as_f64().unwrap())
            .collect()
    };
    // The worst of each: of as many genres as leave few movies.
    let comedies = stars(&["--genre", "comedy"]);
    assert!(
        comedies.iter().all(|stars| *stars >= mean - 1e-6),
        "{comedies:?}"
    );
    let all = stars(&["--genre", "comedy", "--include-below"]);
    assert!(all.len() > comedies.len(), "{all:?}, {comedies:?}");
    assert!(all.iter().any(|stars| *stars < mean));
    // A list that is short for it says so, and a full one doesn't.
    let of =
        |more: &[&'static str]| [&["query", "top", "7", "--genre", "comedy"][..], more].concat();
    let said = "below the mean of user 7 (`--include-below` lists them too)";
    succeeds(&place, &port, &of(&["-n", "20"]), &[said]);
    for more in [&["-n", "1"][..], &["-n", "20", "--include-below"]] {
        let text = succeeds(&place, &port, &of(more), &[]);
        assert!(!text.contains("predicted below"), "{more:?}: {text}");
    }
    let for_two = of(&["-n", "20", "--with-user", "8"]);
    let text = succeeds(&place, &port, &for_two, &["below the mean of either"]);
    assert!(!text.contains("--include-below"), "{text}");
    for (more, said) in [
        (
            &[][..],
            "below the mean of user 7 (`--include-below` lists them too)",
        ),
        (
            &["--with", "8"],
            "below the mean of either (`--include-below` lists them too)",
        ),
    ] {
        let list = [
            "recommend",
            "7",
            "--genre",
            "comedy",
            "-n",
            "20",
            "--image",
            "model.img",
        ];
        let told = program(&place).args(list).args(more).output().unwrap();
        let text = String::from_utf8(told.stdout).unwrap();
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn two_owners_get_a_list_of_what_both_would_like_with_reasons_and_its_twin() {
    let place = place();
    let port = board(&place, |_| ());
    for (owner, part, stars) in [
        ("0", "part 3", "5"),
        ("1", "part 8", "5"),
        ("1", "part 9", "1"),
    ] {
        let rate = ["query", "rate", part, stars, "--owner", owner];
        succeeds(&place, &port, &rate, &[]);
    }
    let top = ["query", "top", "--owner", "0", "--include-rated"];
    let all = [&top[..4], &["--with", "1", "--count", "20", "--json"]].concat();
    let list = succeeds(&place, &port, &all, &[]);
    let both = ids(&list);
    assert!(!both.is_empty() && !both.contains(&30) && !both.contains(&80));
    assert!(
        list.contains("stars 1") && list.contains("reasons"),
        "{list}"
    );
    let told = [
        "Score  Stars 1",
        "Stars 2",
        "(1) ",
        "; (2) ",
        "are those of core on this PC",
    ];
    for more in [
        &["--with", "1", "--twin"][..],
        &["--with", "1", "--agree", "mean", "--twin"],
        &["--with-user", "7", "--twin"],
    ] {
        succeeds(&place, &port, &[&top[..4], more].concat(), &told);
    }
    for (more, code, said) in [
        (&["--with", "0"][..], 2, "--with names another"),
        (
            &["--with", "99"],
            2,
            "no owner 99: it has owners from 0 to ",
        ),
        (&["--with-user", "99"], 2, "user 99 is not"),
        (&["--agree", "mean"], 2, "required"),
    ] {
        fails(&place, &port, code, &[&top[..4], more].concat(), &[said]);
    }
    fails(
        &place,
        &port,
        2,
        &[&top[..], &["--with", "1"]].concat(),
        &["cannot be used"],
    );
}

/// Takes from a board's `Hello` that it sorts lists and makes some for two.
fn sort_nothing(bytes: &mut [u8]) {
    change(bytes, |reply| {
        if let Reply::Hello(hello) = reply {
            hello.capabilities &= !(Capabilities::ORDERS | Capabilities::TOGETHER);
        }
    });
}

/// Takes from what a board says of its model that it filters lists, as a firmware without `facets` does.
fn filter_nothing(bytes: &mut [u8]) {
    change(bytes, |reply| {
        if let Reply::ModelInfo(info) = reply {
            info.facets = false;
        }
    });
}

#[test]
fn a_list_that_this_pc_makes_says_whether_the_image_or_the_firmware_lacks_it_and_what_would_help() {
    let (knows, not) = (place_of(None, true), place_of(None, false));
    let comedies = &["query", "top", "--genre", "comedy"][..];
    let by_taste = &["query", "top", "--genre", "comedy", "--by", "taste"][..];
    let for_two = &["query", "top", "--year", "1960..", "--with", "1"][..];
    let no_firmware = "its firmware is built without what filters by them";
    let no_image = "stores no genres and years; `export --genres all` stores them";
    let (sorts, alone) = (
        "sorts lists by their score only",
        "makes lists for one person only",
    );
    let asks = |place, damage: fn(&mut [u8]), question, said: [&str; 2]| {
        succeeds(place, &board(place, damage), question, &said);
    };
    let filtered = "Filtered on this PC";
    asks(&knows, filter_nothing, comedies, [filtered, no_firmware]);
    asks(&knows, filter_nothing, by_taste, [filtered, no_firmware]);
    asks(&not, |_| (), comedies, [filtered, no_image]);
    asks(&not, |_| (), for_two, [filtered, no_image]);
    // It filters, and can't do what else is asked for.
    asks(&knows, sort_nothing, by_taste, ["Sorted on this PC", sorts]);
    asks(&knows, sort_nothing, for_two, ["Made on this PC", alone]);
}

#[test]
fn a_board_sorts_its_list_as_the_pc_does_and_where_it_cannot_the_pc_sorts_it() {
    let place = place();
    let boards = [board(&place, |_| ()), board(&place, sort_nothing)];
    for port in &boards {
        for (part, stars) in [("part 3", "5"), ("part 7", "1")] {
            succeeds(&place, port, &["query", "rate", part, stars], &[]);
        }
    }
    let mut lists = Vec::new();
    for (by, name, said) in [
        ("stars", "stars", "Sorted by predicted stars"),
        ("taste", "taste", "Taste is what of the stars"),
        ("surprise", "above", "Above is by how much"),
    ] {
        let list = |port: &str, more: &[&str]| {
            let top = ["query", "top", "-n", "20", "--by", by, "--json"];
            let list = succeeds(&place, port, &[&top[..], more].concat(), &[]);
            serde_json::from_str::<serde_json::Value>(&list).unwrap()["movies"].take()
        };
        let [own, here] = [0, 1].map(|at| list(&boards[at], &[]));
        let numbers: Vec<f64> = own
            .as_array()
            .unwrap()
            .iter()
            .map(|movie| movie[name].as_f64().unwrap())
            .collect();
        assert!(numbers.len() > 5, "{by}: {own}");
        assert!(numbers.is_sorted_by(|a, b| a >= b), "{by}: {numbers:?}");
        let without_likely = |list: &serde_json::Value| {
            let mut list = list.clone();
            for movie in list.as_array_mut().unwrap() {
                movie.as_object_mut().unwrap().remove("likely");
            }
            list
        };
        assert_eq!(without_likely(&own), without_likely(&here), "{by}");
        assert!(!lists.contains(&own));
        lists.push(own);
        let top = ["query", "top", "--by", by];
        let twin = [&top[..], &["--twin"]].concat();
        let text = succeeds(&place, &boards[0], &twin, &["are those of core on this PC"]);
        assert!(text.contains(said), "{text}");
        succeeds(&place, &boards[1], &top, &["Sorted on this PC"]);
        // Of a user of the image, the command that asks no board has the same list.
        let numbers = |list: &serde_json::Value| -> Vec<(u64, f32)> {
            let movies = list.as_array().unwrap().iter();
            movies
                .map(|movie| {
                    (
                        movie["id"].as_u64().unwrap(),
                        movie[name].as_f64().unwrap() as f32,
                    )
                })
                .collect()
        };
        let user = numbers(&list(&boards[0], &["--user", "7"]));
        let pc = program(&place)
            .args([
                "recommend",
                "7",
                "--image",
                "model.img",
                "-n",
                "20",
                "--by",
                by,
                "--json",
            ])
            .output()
            .unwrap();
        let pc: serde_json::Value = serde_json::from_slice(&pc.stdout).unwrap();
        assert_eq!(user, numbers(&pc["movies"]), "{by}");
    }
    // This image says nothing of it.
    let fame = ["query", "top", "--by", "fame"];
    for port in &boards {
        fails(&place, port, 2, &fame, &["how well known its movies are"]);
    }
    // Lists for two likewise, and with whom it makes a difference.
    let both = |port: &str, by: &str, more: &[&str]| {
        let top = ["query", "top", "-n", "20", "--by", by, "--json"];
        let list = succeeds(&place, port, &[&top[..], more].concat(), &[]);
        serde_json::from_str::<serde_json::Value>(&list).unwrap()
    };
    let mut seen = Vec::new();
    for (by, name) in [
        ("score", "score"),
        ("stars", "above"),
        ("taste", "taste"),
        ("surprise", "above"),
    ] {
        for with in [&["--with", "1"][..], &["7", "--with-user", "8"]] {
            let [own, here] = [0, 1].map(|at| both(&boards[at], by, with));
            assert_eq!(own, here, "{by}, {with:?}");
            let movies = own["movies"].as_array().unwrap();
            let numbers = movies.iter().map(|movie| movie[name].as_f64().unwrap());
            assert!(numbers.is_sorted_by(|a, b| a >= b), "{by}: {own}");
            if !movies.is_empty() {
                seen.push(own["movies"].clone());
            }
            let twin = [&["query", "top", "--by", by, "--twin"][..], with].concat();
            succeeds(&place, &boards[0], &twin, &["are those of core on this PC"]);
        }
    }
    let lists = seen.len();
    seen.dedup();
    assert!(seen.len() == lists && lists > 4, "{seen:?}");
    let here = ["query", "top", "--with", "1"];
    succeeds(&place, &boards[1], &here, &["Made on this PC"]);
    let fame = ["query", "top", "--by", "fame", "--with", "1"];
    for port in &boards {
        fails(&place, port, 2, &fame, &["how well known its movies are"]);
    }
}
