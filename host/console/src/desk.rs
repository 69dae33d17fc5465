//! What lies on the desk whoever asks: titles, what is known of the board, the last lists, and what moved in them.

use std::collections::{BTreeMap, HashMap};

use pocketrec::model::{Interval, Wanted};
use pocketrec::rank::{Agreement, Order};
use pocketrec::wire::{Ranked, RatingEntry, Refusal};
use pocketrec_base::error::BadInput;
use pocketrec_base::print::number::{count, fixed, signed};
use pocketrec_base::print::width::{shortened, width};
use pocketrec_data::Titles;
use pocketrec_link::filter::Filter;
use pocketrec_link::lists::{Beside, word};

use super::device::Ask;
use super::verb::Other;

/// Movies by their ids, and those that the board's model has.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// What movies are called.
    pub titles: Titles,
    /// Ids that the model has, ascending; empty where no image at hand says so.
    pub movies: Vec<u32>,
    /// The genres by which the board filters; none where no image at hand says them.
    pub genres: Option<String>,
    /// What scores count beside predicted stars.
    pub beside: Beside,
}

impl Desk {
    /// What a person wants in a list, as the board filters by it.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for a genre or years that there aren't, and where no image says genres.
    pub fn wanted(&self, line: &str) -> Result<Wanted, BadInput> {
        let filter = Filter::read(line)?;
        match &self.genres {
            _ if filter.is_open() => Ok(Wanted::ANY),
            Some(names) => filter.wanted(names),
            None => Err(BadInput::new(
                "the image at hand says no genres and years: `export --genres all` stores them",
            )),
        }
    }

    /// Whether the model has a movie, as far as is known here.
    pub fn has(&self, id: u32) -> bool {
        match self.movies.is_empty() {
            true => self.titles.is_empty() || self.titles.get(id).is_some(),
            false => self.movies.binary_search(&id).is_ok(),
        }
    }

    /// The movie's title, in which nothing steers a terminal.
    pub fn title(&self, id: u32) -> String {
        let title = self.titles.title(id);
        match self.titles.get(id) {
            Some(_) => pocketrec_base::print::escape(&title).into_owned(),
            None => pocketrec_base::print::worded(&title).into_owned(),
        }
    }

    /// Why something wasn't done, with the title where that is that a movie is to be forgotten which wasn't rated.
    pub fn not_rated(&self, ask: Ask, why: anyhow::Error) -> anyhow::Error {
        match ask {
            Ask::Forget(id) if why.to_string() == Refusal::NotRated(id).to_string() => {
                BadInput::new(format!("you have not rated {}", self.title(id))).into()
            }
            _ => why,
        }
    }

    /// Its genres.
    pub fn genres(&self, id: u32) -> String {
        let genres = self.titles.get(id).map(|movie| movie.genres.join(", "));
        pocketrec_base::print::escape(&genres.unwrap_or_default()).into_owned()
    }
}

/// Where a movie of a list was before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Move {
    /// At the same place.
    Stays,
    /// So many places further up now, or down for a negative number; and what that did to its stars.
    By(i32, f32),
    /// It wasn't in the list.
    New,
}

/// A sentence in short, of which a movie's title gives way where there is no room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brief {
    /// What stands before the title.
    pub before: String,
    /// The title.
    pub title: String,
    /// What stands behind it.
    pub after: String,
}

impl Brief {
    /// All of it.
    pub fn whole(&self) -> String {
        format!("{}{}{}", self.before, self.title, self.after)
    }

    /// All of it that there is room for in so many columns.
    pub fn within(&self, columns: usize) -> String {
        let room = columns.saturating_sub(width(&self.before) + width(&self.after));
        let title = shortened(&self.title, room);
        shortened(&format!("{}{title}{}", self.before, self.after), columns)
    }
}

/// A rating and what it did to the prediction, in short.
pub fn rated(desk: &Desk, movie: u32, stars: f32, [before, after]: [f32; 2]) -> Brief {
    Brief {
        before: String::new(),
        title: desk.title(movie),
        after: format!(
            " {stars}: {} \u{2192} {}",
            fixed(before, 2),
            fixed(after, 2)
        ),
    }
}

/// What became of the best movies when something was learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moves {
    by: HashMap<u32, Move>,
}

impl Moves {
    /// From one list to the next.
    pub fn between(before: &[Ranked], now: &[Ranked]) -> Self {
        let place = |list: &[Ranked], id: u32| list.iter().position(|ranked| ranked.movie == id);
        let by = now.iter().enumerate().map(|(at, ranked)| {
            let moved =
                match place(before, ranked.movie).and_then(|was| Some((was, before.get(was)?))) {
                    None => Move::New,
                    Some((was, _)) if was == at => Move::Stays,
                    Some((was, old)) => Move::By(was as i32 - at as i32, ranked.stars - old.stars),
                };
            (ranked.movie, moved)
        });
        Self { by: by.collect() }
    }

    /// What a movie of the list did, if the list moved.
    pub fn of(&self, id: u32) -> Option<Move> {
        self.by.get(&id).copied()
    }

    /// How many movies of the list are at another place than before, and how many of those are new.
    fn number(&self, list: &[Ranked]) -> [usize; 2] {
        let moves = || list.iter().filter_map(|ranked| self.of(ranked.movie));
        [
            moves().filter(|moved| *moved != Move::Stays).count(),
            moves().filter(|moved| *moved == Move::New).count(),
        ]
    }

    /// The movie that went furthest: by how many places, what that did to its stars, and its id.
    fn furthest(&self, list: &[Ranked]) -> Option<(i32, f32, u32)> {
        let mut most: Option<(i32, f32, u32)> = None;
        for ranked in list {
            if let Some(Move::By(places, stars)) = self.of(ranked.movie)
                && most.is_none_or(|(most, ..)| places.abs() > most.abs())
            {
                most = Some((places, stars, ranked.movie));
            }
        }
        most
    }

    /// What moved in one sentence; `list` is the list as it is now.
    pub fn sentence(&self, desk: &Desk, list: &[Ranked]) -> String {
        let [moved, new] = self.number(list);
        if moved == 0 {
            return format!("None of the best {} moved", list.len());
        }
        let mut sentence = format!("Of the best {}, {moved} moved", list.len());
        if let Some((places, stars, id)) = self.furthest(list) {
            let far = count(places.unsigned_abs(), "place");
            let by = fixed(stars.abs(), 2);
            let is_none = by == fixed(0.0, 2);
            sentence += &format!(": most {}, {} {far}", desk.title(id), way(places));
            // Others may have risen or fallen further.
            sentence += &match (places > 0, stars > 0.0) {
                (true, false) if !is_none => format!(", though its stars fell by {by}"),
                (false, true) if !is_none => format!(", though its stars rose by {by}"),
                _ => format!(" ({} stars)", signed(stars, 2)),
            };
        }
        let mut all = list.iter().map(|ranked| ranked.movie);
        if let Some(first) = all.find(|id| self.of(*id) == Some(Move::New)) {
            sentence += &match new {
                1 => format!("; {} is new", desk.title(first)),
                new => format!("; {new} are new, {} first", desk.title(first)),
            };
        }
        sentence
    }

    /// The same in short: how many moved, and the one that went furthest.
    pub fn brief(&self, desk: &Desk, list: &[Ranked]) -> Vec<Brief> {
        let [moved, new] = self.number(list);
        let mut before = format!("{moved} of {} moved", list.len());
        if new > 0 {
            before += &format!(", {new} new");
        }
        let mut all = vec![Brief {
            before,
            ..Brief::default()
        }];
        all.extend(self.furthest(list).map(|(places, stars, id)| Brief {
            before: String::new(),
            title: desk.title(id),
            after: format!(
                " {} {}, stars {}",
                way(places),
                places.unsigned_abs(),
                signed(stars, 2)
            ),
        }));
        all
    }
}

fn way(places: i32) -> &'static str {
    match places > 0 {
        true => "up",
        false => "down",
    }
}

/// What a list of the best movies for the owner is: of what genres and years, and in what order.
pub fn heading(only: &str, order: Order) -> String {
    by_order(of_only("The best for you".to_owned(), only), order)
}

fn by_order(heading: String, order: Order) -> String {
    match order {
        Order::Score => heading,
        order => format!("{heading}, by {}", word(order)),
    }
}

/// What a list for two is.
pub fn heading_for_two(other: &Other, only: &str, order: Order) -> String {
    let heading = of_only(format!("The best for you and {}", other.name()), only);
    let heading = by_order(heading, order);
    match (other.agreement, order) {
        (Agreement::Mean, Order::Score) => heading + ", by the mean of both",
        (Agreement::Mean, _) => heading + ", the mean of both",
        (Agreement::Least, _) => heading,
    }
}

fn of_only(heading: String, only: &str) -> String {
    match only {
        "" => heading,
        only => format!("{heading} of {only}"),
    }
}

/// Who of two has rated nothing yet, so that the list can't know them; nothing where both have.
pub fn unknown([own, theirs]: [bool; 2], other: &Other) -> Option<String> {
    match (own, theirs) {
        (true, true) => Some("Neither of you has rated anything yet".into()),
        (true, false) => Some("You have rated nothing yet".into()),
        (false, true) => Some(format!("So far {} has rated nothing", other.name())),
        (false, false) => None,
    }
}

/// How many genres are named where there are more.
const GENRES: usize = 4;

/// What the device makes of the owner, in sentences: the genres of the movies that it lists for them, how they rate genres, and how
/// sure it is.
pub fn taste(
    desk: &Desk,
    top: &[Ranked],
    likely: &[Interval],
    ratings: &[RatingEntry],
) -> Vec<String> {
    let mut lines = Vec::new();
    let listed = by_genre(desk, top.iter().map(|ranked| (ranked.movie, 1.0)));
    let mut listed: Vec<(usize, &str)> = listed
        .into_iter()
        .map(|(genre, (number, _))| (number, genre))
        .collect();
    listed.sort_by_key(|(number, genre)| (std::cmp::Reverse(*number), *genre));
    let most = listed.iter().take(GENRES);
    let most: Vec<String> = most
        .map(|(number, genre)| format!("{genre} {number}"))
        .collect();
    if !most.is_empty() {
        let of = count(top.len(), "movie");
        lines.push(format!("The best {of} for you: {}", most.join(", ")));
    }
    let rated = by_genre(
        desk,
        ratings.iter().map(|rating| (rating.movie, rating.stars)),
    );
    let mut rated: Vec<(f32, &str)> = rated
        .into_iter()
        .map(|(genre, (number, sum))| (sum / number as f32, genre))
        .collect();
    rated.sort_by(|(one, a), (other, b)| other.total_cmp(one).then(a.cmp(b)));
    let told = |(stars, genre): &(f32, &str)| format!("{genre} {}", fixed(*stars, 1));
    if let [best, .., worst] = &rated[..]
        && best.0 > worst.0
    {
        let (best, worst) = (told(best), told(worst));
        lines.push(format!(
            "You gave the most stars to {best}, the fewest to {worst}"
        ));
    }
    if !likely.is_empty() {
        let widths = likely.iter().map(|ends| ends.high - ends.low);
        let half = widths.sum::<f32>() / likely.len() as f32 / 2.0;
        let within = fixed(half, 1);
        lines.push(format!(
            "It expects to be right within {within} stars, four times in five"
        ));
    }
    lines
}

/// Of each genre how many movies have it, and the sum of their numbers.
fn by_genre(desk: &Desk, movies: impl Iterator<Item = (u32, f32)>) -> BTreeMap<&str, (usize, f32)> {
    let mut all = BTreeMap::new();
    for (id, number) in movies {
        let genres = desk.titles.get(id).map_or(&[][..], |movie| &movie.genres);
        for genre in genres {
            let entry = all.entry(genre.as_str()).or_insert((0, 0.0));
            entry.0 += 1;
            entry.1 += number;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::Movie;

    fn desk() -> Desk {
        let movie = |id: u32| Movie {
            id,
            title: format!("Part {id}"),
            genres: vec!["Drama".into()],
            ratings: 1,
        };
        Desk {
            titles: Titles::new((1..=9).map(movie).collect()),
            movies: (1..=9).collect(),
            genres: None,
            beside: Beside::default(),
        }
    }

    fn list(ids: &[u32]) -> Vec<Ranked> {
        let ranked = |(at, id): (usize, &u32)| Ranked {
            movie: *id,
            score: 5.0 - at as f32,
            stars: 5.0 - at as f32,
        };
        ids.iter().enumerate().map(ranked).collect()
    }

    #[test]
    fn what_moved_is_told_by_places_and_stars_and_what_is_new_by_its_title() {
        let (before, now) = (list(&[1, 2, 3, 4]), list(&[4, 1, 2, 5]));
        let moves = Moves::between(&before, &now);
        assert_eq!(moves.of(4), Some(Move::By(3, 3.0)));
        assert_eq!(moves.of(1), Some(Move::By(-1, -1.0)));
        assert_eq!(moves.of(5), Some(Move::New));
        assert_eq!(
            moves.sentence(&desk(), &now),
            "Of the best 4, 4 moved: most Part 4, up 3 places (+3.00 stars); Part 5 is new"
        );
        let whole = |briefs: Vec<Brief>| briefs.iter().map(Brief::whole).collect::<Vec<_>>();
        assert_eq!(
            whole(moves.brief(&desk(), &now)),
            ["4 of 4 moved, 1 new", "Part 4 up 3, stars +3.00"]
        );
        // Down, though with more stars than before: others rose further.
        let mut risen = list(&[2, 3, 1]);
        risen[2].stars = 5.25;
        let moves = Moves::between(&list(&[1, 2, 3]), &risen);
        assert_eq!(
            moves.sentence(&desk(), &risen),
            "Of the best 3, 3 moved: most Part 1, down 2 places, though its stars rose by 0.25"
        );
        let same = Moves::between(&before, &before);
        assert_eq!(same.sentence(&desk(), &before), "None of the best 4 moved");
    }

    #[test]
    fn taste_is_told_by_genres_of_the_list_and_of_ratings_and_by_how_sure_it_is() {
        let genres = [&["Drama", "War"][..], &["Comedy"], &["Drama"]];
        let movie = |(id, genres): (u32, &&[&str])| Movie {
            id,
            title: format!("Part {id}"),
            genres: genres.iter().map(|genre| (*genre).into()).collect(),
            ratings: 1,
        };
        let desk = Desk {
            titles: Titles::new((1..).zip(&genres).map(movie).collect()),
            ..desk()
        };
        let rating = |movie, stars| RatingEntry {
            movie,
            stars,
            used: true,
        };
        let likely = [Interval {
            low: 3.0,
            high: 5.0,
        }];
        let told = taste(
            &desk,
            &list(&[1, 3, 2]),
            &likely,
            &[rating(1, 5.0), rating(2, 1.5)],
        );
        assert_eq!(
            told,
            [
                "The best 3 movies for you: Drama 2, Comedy 1, War 1",
                "You gave the most stars to Drama 5.0, the fewest to Comedy 1.5",
                "It expects to be right within 1.0 stars, four times in five",
            ]
        );
        assert!(taste(&desk, &[], &[], &[]).is_empty());
    }

    #[test]
    fn a_list_for_two_says_of_what_by_what_and_who_has_rated_nothing() {
        let other = Other::read("1 mean").unwrap();
        assert_eq!(
            heading_for_two(&other, "comedy", Order::Score),
            "The best for you and owner 1 of comedy, by the mean of both"
        );
        assert_eq!(
            heading_for_two(&other, "", Order::Taste),
            "The best for you and owner 1, by taste, the mean of both"
        );
        assert_eq!(heading("", Order::Score), "The best for you");
        assert_eq!(
            heading("war", Order::Taste),
            "The best for you of war, by taste"
        );
        for (none, said) in [
            ([false, false], None),
            ([true, false], Some("You have rated nothing yet")),
            ([false, true], Some("So far owner 1 has rated nothing")),
            ([true, true], Some("Neither of you has rated anything yet")),
        ] {
            assert_eq!(unknown(none, &other).as_deref(), said);
        }
    }

    #[test]
    fn a_title_gives_way_to_what_is_told_of_it() {
        let brief = Brief {
            before: String::new(),
            title: "Shawshank Redemption, The (1994)".into(),
            after: " 5: 4.53 \u{2192} 4.62".into(),
        };
        assert_eq!(
            brief.within(38),
            "Shawshank Redemption,\u{2026} 5: 4.53 \u{2192} 4.62"
        );
        assert_eq!(brief.within(80), brief.whole());
        for columns in 0..60 {
            assert!(width(&brief.within(columns)) <= columns);
        }
    }

    #[test]
    fn a_movie_is_there_by_the_image_or_else_by_its_title() {
        let mut desk = desk();
        assert!(desk.has(9) && !desk.has(10));
        desk.movies = vec![1];
        assert!(!desk.has(9));
        desk.movies = Vec::new();
        assert!(desk.has(9) && !desk.has(10));
        assert_eq!(desk.title(10), "movie 10");
    }
}
