//! Ratings by row, seen from one side, and the tags of users and movies: the lists that the sampler walks.

/// Ratings of each row of one side.
#[derive(Clone, Debug)]
pub(super) struct Links {
    starts: Vec<usize>,
    others: Vec<u32>,
    stars: Vec<f32>,
    inverse_roots: Vec<f32>,
}

impl Links {
    /// Ratings as (own row, other row, stars), in any order, which is kept within a row.
    /// 8 bytes a rating.
    pub(super) fn new(rows: usize, ratings: impl Iterator<Item = (u32, u32, f32)> + Clone) -> Self {
        let mut starts = vec![0; rows + 1];
        for (row, ..) in ratings.clone() {
            starts[row as usize + 1] += 1;
        }
        for i in 0..rows {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut others = vec![0; starts[rows]];
        let mut stars = vec![0.0; starts[rows]];
        for (row, other, value) in ratings {
            let at = next[row as usize];
            next[row as usize] += 1;
            others[at] = other;
            stars[at] = value;
        }
        let inverse_roots = starts
            .windows(2)
            .map(|pair| 1.0 / ((pair[1] - pair[0]).max(1) as f32).sqrt())
            .collect();
        Self {
            starts,
            others,
            stars,
            inverse_roots,
        }
    }

    /// Rows of the other side that `row` has ratings with.
    pub(super) fn rows(&self, row: usize) -> &[u32] {
        &self.others[self.starts[row]..self.starts[row + 1]]
    }

    /// The same, and behind them those of the rows that follow.
    pub(super) fn rows_on(&self, row: usize) -> &[u32] {
        &self.others[self.starts[row]..]
    }

    /// Stars of those ratings.
    pub(super) fn stars(&self, row: usize) -> &[f32] {
        &self.stars[self.starts[row]..self.starts[row + 1]]
    }

    /// How many ratings each row has.
    pub(super) fn counts(&self) -> impl Iterator<Item = usize> {
        self.starts.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// One over the square root of each row's number of ratings.
    pub(super) fn inverse_roots(&self) -> &[f32] {
        &self.inverse_roots
    }
}

/// Labels that rows of a side have, such as the genres of movies or the ages of users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    members: Vec<Vec<u32>>,
}

impl Tags {
    /// Tags from pairs of a label and a row, numbered in the order of labels; a pair counts once.
    pub fn new(pairs: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut tags = std::collections::BTreeMap::<String, Vec<u32>>::new();
        for (label, row) in pairs {
            tags.entry(label).or_default().push(row);
        }
        let members = tags.into_values().map(|mut rows| {
            rows.sort_unstable();
            rows.dedup();
            rows
        });
        Self {
            members: members.collect(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Rows with tag number `tag`.
    pub fn members(&self, tag: usize) -> &[u32] {
        &self.members[tag]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rating_is_found_from_its_row_in_the_order_given() {
        let ratings = [(2, 7, 3.0), (0, 1, 4.0), (2, 5, 1.0), (2, 9, 2.0)];
        let links = Links::new(3, ratings.iter().copied());
        assert_eq!(links.rows(0), [1]);
        assert_eq!(links.rows(1), [0u32; 0]);
        assert_eq!(
            (links.rows(2), links.stars(2)),
            (&[7, 5, 9][..], &[3.0, 1.0, 2.0][..])
        );
        assert_eq!(links.counts().collect::<Vec<_>>(), [1, 0, 3]);
        assert_eq!(links.inverse_roots()[2], 1.0 / 3.0f32.sqrt());
    }

    #[test]
    fn a_tag_has_each_of_its_rows_once() {
        let pair = |label: &str, row| (label.to_owned(), row);
        let tags = Tags::new([
            pair("war", 4),
            pair("crime", 2),
            pair("war", 1),
            pair("war", 4),
        ]);
        assert_eq!(
            (tags.len(), tags.members(0), tags.members(1)),
            (2, &[2][..], &[1, 4][..])
        );
    }
}
