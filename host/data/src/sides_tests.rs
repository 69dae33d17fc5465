//! Tables of users and movies, as people have them.

use super::*;
use crate::reading::TableFile;
use crate::{Dataset, Reading, Silent, movies};

fn of(text: &str, whose: Whose) -> Result<Side, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    std::fs::write(&path, text).unwrap();
    let read = read(&path, whose, &movies::number, &|id| id < 100);
    read.map_err(|error| {
        error
            .to_string()
            .replace(&path.display().to_string(), "table")
    })
}

fn ids(side: &Side, label: &str) -> Vec<u32> {
    let labels = side.labels.iter().filter(|(other, _)| other == label);
    labels.map(|(_, id)| *id).collect()
}

#[test]
fn the_tables_of_old_releases_are_known_without_a_header() {
    let bars = "1|24|M|writer|85711\n2|24|F|writer|94043\n3|53|M|none|1\n4|53|F|none|2\n";
    let colons = "1::M::24::10::48067\n2::F::24::10::70072\n3::M::53::1::9\n4::F::53::1::8\n";
    let [bars, colons] = [bars, colons].map(|text| of(text, Whose::Users).unwrap());
    // Nobody shares a postcode, and a missing occupation is none.
    assert_eq!(bars.columns, ["age", "gender"]);
    assert_eq!(colons.columns, ["gender", "age", "occupation"]);
    for side in [bars, colons] {
        assert_eq!(ids(&side, "gender f"), [2, 4]);
        assert_eq!(ids(&side, "age 24"), [1, 2]);
    }
}

#[test]
fn numbers_and_dates_of_many_values_are_cut_into_tenths_and_cells_may_hold_several() {
    let mut text = "movieId,title,length:float,released,genres\n".to_owned();
    for id in 0..80u32 {
        let genres = ["war|crime", "war"][id as usize % 2];
        let day = time::day(id * 86_400 * 40);
        text += &format!("{id},\"No, {id}\",{}.5,{day},{genres}\n", 60 + id);
    }
    text += "400,Not rated,999,1999-01-01,romance\n";
    let side = of(&text, Whose::Movies).unwrap();
    assert_eq!(side.columns, ["length", "released", "genres"]);
    assert_eq!(ids(&side, "length from 60.5"), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(ids(&side, "released from 1970-01-01").len(), 8);
    assert_eq!(ids(&side, "genres war").len(), 80);
    assert_eq!(ids(&side, "genres crime").len(), 40);
}

#[test]
fn tags_that_people_gave_are_the_movies_however_often_they_gave_them() {
    let text = "userId,movieId,tag,timestamp\n1,5,Noir,99\n2,5,noir,98\n2,6,noir,97\n3,6,twist,9\n3,7,twist,8\n";
    let side = of(text, Whose::Movies).unwrap();
    assert_eq!(side.columns, ["tag"]);
    assert_eq!(ids(&side, "tag noir"), [5, 6]);
    assert_eq!(ids(&side, "tag twist"), [6, 7]);
}

#[test]
fn a_bad_table_gets_its_sentence() {
    for (text, said) in [
        (
            "",
            "table, line 1: ``: it should be a header that names the column of a user's id",
        ),
        ("age,sex\n1,2\n", "line 1: `age,sex`: it should be a header"),
        (
            "user,age\n1,20\n2\n",
            "line 3: `2`: it has 1 fields, and the table has 2 columns: user, age",
        ),
        (
            "user,age\n1,20\n,30\n",
            "line 3: ` 30`: its field user has no user id",
        ),
        (
            "user,age\n1000,20\n",
            "no user of the ratings is in table, whose column user is taken for their ids",
        ),
    ] {
        let error = of(text, Whose::Users).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let missing = read(
        Path::new("nowhere"),
        Whose::Movies,
        &movies::number,
        &|_| true,
    );
    let error = missing.unwrap_err().to_string();
    assert!(
        error.starts_with("there is no nowhere; it should be a table"),
        "{error}"
    );
}

#[test]
fn a_table_beside_ratings_is_a_help_and_one_that_is_named_must_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ratings =
        "1\t5\t3\t881250949\n2\t5\t4\t881250950\n3\t6\t5\t881250951\n4\t6\t1\t881250952\n";
    std::fs::write(path("u.data"), ratings).unwrap();
    let table = "1|24|M|writer|1\n2|24|F|writer|2\n3|53|M|none|3\n4|53|F|none|4\n";
    std::fs::write(path("u.user"), table).unwrap();
    for of in [folder.path().to_owned(), path("u.data")] {
        let data = Dataset::load(&of, &Silent).unwrap();
        assert_eq!(data.sides.users.columns, ["age", "gender"]);
        assert_eq!(data.sides.movies, Side::default());
    }
    std::fs::write(path("u.user"), "nonsense\n").unwrap();
    let data = Dataset::load(folder.path(), &Silent).unwrap();
    assert_eq!(data.sides, Sides::default());
    let told: String = data.notes.iter().map(ToString::to_string).collect();
    assert!(
        told.contains("u.user, line 1: `nonsense`: it should be a header"),
        "{told}"
    );
    let reading = Reading {
        user_table: Some(TableFile(path("u.user"))),
        ..Reading::default()
    };
    assert!(Dataset::load_as(folder.path(), &reading, &Silent).is_err());
}
