//! What users have rated, as a table of an image: a device's lists leave it out.

use std::str::FromStr;

use pocketrec::ids::{elias_fano_size, fill_elias_fano};
use pocketrec::image::TableKind;
use pocketrec::image::builder::OwnedTable;

use super::rated::Rated;
use super::selection::Chosen;

/// Whether an image holds tables that it may be without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Where they fit the board beside the others.
    #[default]
    Fit,
    /// In any case.
    All,
    /// No.
    None,
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fit" => Ok(Self::Fit),
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            _ => Err(format!("`{text}` should be fit, all or none")),
        }
    }
}

/// The most users whose pairs with so many movies an image's table can number, which it does in 32 bits.
pub fn most_users(movies: usize) -> usize {
    usize::try_from((1_u64 << 32) / movies.max(1) as u64).unwrap_or(usize::MAX)
}

/// The table of what the chosen users have rated of the chosen movies; none where they rated none of them.
pub(super) fn table(rated: &Rated, chosen: &Chosen) -> Option<OwnedTable> {
    let most = chosen.movies.last().map_or(0, |last| last + 1);
    let mut places = vec![None; most];
    for (place, row) in (0_u32..).zip(&chosen.movies) {
        places[*row] = Some(place);
    }
    let mut pairs = Vec::new();
    for (user, row) in (0_u32..).zip(&chosen.users) {
        let first = user.wrapping_mul(chosen.movies.len() as u32);
        let start = pairs.len();
        let of_user = rated.of(*row).iter();
        let held = of_user.filter_map(|movie| *places.get(*movie as usize)?);
        pairs.extend(held.map(|place| first.wrapping_add(place)));
        pairs[start..].sort_unstable();
    }
    let (size, low_bits) = elias_fano_size(&pairs)?;
    let mut words = vec![0; size];
    fill_elias_fano(&pairs, low_bits, &mut words);
    Some(OwnedTable::of(TableKind::UserSeen, 1, &words).optional())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::builtin;

    #[test]
    fn each_users_movies_are_those_of_their_ratings() {
        let ratings = builtin::load().ratings;
        let rated = Rated::new(&ratings);
        let mut plain = vec![Vec::new(); ratings.user_count()];
        for (user, movie) in ratings.users.iter().zip(&ratings.movies) {
            plain[*user as usize].push(*movie);
        }
        for (row, plain) in plain.iter().enumerate() {
            assert_eq!(rated.of(row), plain);
        }
        assert!(rated.of(plain.len()).is_empty());
    }

    #[test]
    fn a_rating_of_the_built_in_set_takes_ten_bits() {
        let ratings = builtin::load().ratings;
        let chosen = Chosen {
            users: (0..ratings.user_count()).collect(),
            movies: (0..ratings.movie_count()).collect(),
            seen: None,
            facets: None,
        };
        let table = table(&Rated::new(&ratings), &chosen).unwrap();
        let bits = table.bytes.len() * 8 / ratings.len();
        assert!((7..11).contains(&bits), "{bits} bits a rating");
    }

    #[test]
    fn a_choice_is_read_as_people_write_it() {
        assert_eq!("fit".parse(), Ok(Keep::default()));
        assert_eq!("all".parse(), Ok(Keep::All));
        assert_eq!("none".parse(), Ok(Keep::None));
        let why = "some".parse::<Keep>().unwrap_err();
        assert!(why.contains("fit, all or none"), "{why}");
    }
}
