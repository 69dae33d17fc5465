//! The movies of the page: what they are called, and the search that the PC has too.

use pocketrec_search::{Movie, Shelf, Titles};

/// Titles, folded for many searches.
#[derive(Default)]
pub struct Movies {
    shelf: Option<Shelf>,
}

impl Movies {
    /// Reads a movie a line: its id, title, genres with `|` between, and how many people have rated it, with tabs
    /// between; what stands behind is the page's. A line that is none, as the header, is left out.
    pub fn new(text: &str) -> Self {
        let movies = text.lines().filter_map(|line| {
            let mut cells = line.split('\t');
            Some(Movie {
                id: cells.next()?.parse().ok()?,
                title: cells.next()?.to_owned(),
                // No search asks for them.
                genres: Vec::new(),
                ratings: cells.nth(1)?.parse().ok()?,
            })
        });
        let titles = Titles::new(movies.collect());
        let shelf = Some(Shelf::new(&titles, |_| true));
        Self { shelf }
    }

    /// The ids of at most `most` movies that fit `words`, the likeliest first, as a JSON list.
    pub fn search(&self, words: &str, most: usize) -> Vec<u8> {
        let found = self.shelf.as_ref().map(|shelf| shelf.listed(words, most));
        serde_json::to_vec(&found.unwrap_or_default()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movies_are_found_by_words_and_mistyped_ones() {
        let text = "movieId\ttitle\tgenres\tratings\tx\ty\n\
                    1\tToy Story (1995)\tComedy\t247\t0.1\t0.2\n\
                    2571\tMatrix, The (1999)\tAction|Sci-Fi\t259\t0\t1\n";
        let movies = Movies::new(text);
        for (words, ids) in [("the matrix", "[2571]"), ("toy sotry", "[1]"), ("", "[]")] {
            assert_eq!(movies.search(words, 5), ids.as_bytes(), "{words}");
        }
        assert_eq!(Movies::default().search("toy", 5), b"[]");
    }
}
