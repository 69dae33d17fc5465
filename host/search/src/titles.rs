//! What movies are called.

/// Titles and genres by MovieLens id; may be empty, since a ratings file can come alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Titles {
    movies: Vec<Movie>,
}

/// One movie of a titles file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movie {
    /// MovieLens id.
    pub id: u32,
    /// Title as the file has it, year included: `Toy Story (1995)`.
    pub title: String,
    /// Genres, in the file's order.
    pub genres: Vec<String>,
    /// How many people have rated it; 0 where nobody said.
    pub ratings: u32,
}

impl Titles {
    /// Sorts by id; of movies with the same id the last stays.
    pub fn new(mut movies: Vec<Movie>) -> Titles {
        movies.reverse();
        movies.sort_by_key(|movie| movie.id);
        movies.dedup_by_key(|movie| movie.id);
        Titles { movies }
    }

    /// Movies of the ids 1, 2, … that are called `names`.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a String>) -> Titles {
        let movie = |(id, name): (u32, &String)| Movie {
            id,
            title: name.clone(),
            genres: Vec::new(),
            ratings: 0,
        };
        Titles {
            movies: (1..).zip(names).map(movie).collect(),
        }
    }

    /// The titles with the number of ratings of each movie of `counts`, by id. O(movies log movies).
    pub fn counted(mut self, counts: impl IntoIterator<Item = (u32, u32)>) -> Titles {
        for (id, count) in counts {
            if let Ok(i) = self.movies.binary_search_by_key(&id, |movie| movie.id) {
                self.movies[i].ratings = count;
            }
        }
        self
    }

    /// The movie with that id. O(log movies).
    pub fn get(&self, id: u32) -> Option<&Movie> {
        self.movies
            .binary_search_by_key(&id, |movie| movie.id)
            .ok()
            .map(|i| &self.movies[i])
    }

    /// The movie's title, or `movie 42` where none is known.
    pub fn title(&self, id: u32) -> String {
        self.get(id)
            .map_or_else(|| format!("movie {id}"), |movie| movie.title.clone())
    }

    /// All movies by ascending id.
    pub fn movies(&self) -> &[Movie] {
        &self.movies
    }

    /// Whether no title is known.
    pub fn is_empty(&self) -> bool {
        self.movies.is_empty()
    }
}
