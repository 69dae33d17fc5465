//! The MovieLens releases: where they are, how to recognise them, and what may be done with them.

/// A release of MovieLens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `ml-20m`: the name of its zip file and of the folder inside.
    pub name: &'static str,
    /// The zip's MD5 sum as GroupLens publishes it; `None` for a release that changes or whose sum we don't know.
    pub md5: Option<&'static str>,
    /// Ratings, users and rated movies, where they don't change.
    pub counts: Option<[usize; 3]>,
    /// Whether its terms let a copy, or a model trained on it, be passed on.
    pub may_be_passed_on: bool,
    /// The one folder that the zip holds.
    pub folder: &'static str,
    /// More bytes than its zip can have, by some margin.
    pub most_bytes: u64,
}

/// What is recognised and fetched.
pub const RELEASES: [Release; 8] = [
    release(
        "ml-100k",
        20,
        Some("0e33842e24a9c977be4e0107933c0723"),
        Some([100_000, 943, 1_682]),
        false,
    ),
    release(
        "ml-1m",
        20,
        Some("c4d9eecfca2ab87c1945afe126590906"),
        Some([1_000_209, 6_040, 3_706]),
        false,
    ),
    release(
        "ml-10m",
        200,
        Some("ce571fd55effeba0271552578f2648bd"),
        Some([10_000_054, 69_878, 10_677]),
        false,
    ),
    release(
        "ml-20m",
        500,
        Some("cd245b17a1ae2cc31bb14903e1204af3"),
        Some([20_000_263, 138_493, 26_744]),
        false,
    ),
    release(
        "ml-25m",
        700,
        Some("6b51fb2759a8657d3bfcbfc42b592ada"),
        Some([25_000_095, 162_541, 59_047]),
        false,
    ),
    release(
        "ml-32m",
        700,
        Some("d472be332d4daa821edc399621853b57"),
        Some([32_000_204, 200_948, 84_432]),
        true,
    ),
    release(
        "ml-latest-small",
        20,
        None,
        Some([100_836, 610, 9_724]),
        true,
    ),
    release("ml-latest", 2000, None, None, true),
];

const fn release(
    name: &'static str,
    most_megabytes: u64,
    md5: Option<&'static str>,
    counts: Option<[usize; 3]>,
    may_be_passed_on: bool,
) -> Release {
    Release {
        name,
        md5,
        counts,
        may_be_passed_on,
        folder: match name.as_bytes() {
            b"ml-10m" => "ml-10M100K",
            _ => name,
        },
        most_bytes: most_megabytes * 1_000_000,
    }
}

impl Release {
    /// More bytes than its files can have together.
    pub fn most_unzipped(&self) -> u64 {
        10 * self.most_bytes
    }

    /// The release of that name, `ml-` in front or not.
    pub fn named(name: &str) -> Option<&'static Release> {
        let name = name.to_ascii_lowercase();
        RELEASES.iter().find(|release| {
            release.name == name || release.name.strip_prefix("ml-") == Some(name.as_str())
        })
    }

    /// The release with so many ratings, users and rated movies.
    pub fn counted(counts: [usize; 3]) -> Option<&'static Release> {
        RELEASES
            .iter()
            .find(|release| release.counts == Some(counts))
    }

    /// One line that says what may be done with it; short enough for an image's header.
    pub fn license(&self) -> String {
        let passing = if self.may_be_passed_on {
            "to be passed on under the same terms only"
        } else {
            "not to be passed on without permission"
        };
        format!(
            "GroupLens's {}: not for commercial use, {passing}",
            self.name
        )
    }
}

/// The line for ratings that are no known release but may be some of MovieLens's.
pub const UNKNOWN_LICENSE: &str =
    "unknown terms; if these are MovieLens's ratings, they are not for commercial use";

/// The line for ratings that can't be MovieLens's.
pub const OTHER_LICENSE: &str = "unknown terms; `train --licence` states them";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_found_by_either_name_and_by_its_counts() {
        assert_eq!(Release::named("ml-20m").unwrap().name, "ml-20m");
        assert_eq!(Release::named("20M").unwrap().name, "ml-20m");
        assert_eq!(
            Release::named("latest-small").unwrap().name,
            "ml-latest-small"
        );
        assert_eq!(Release::named("ml-2m"), None);
        assert_eq!(
            Release::counted([100_000, 943, 1_682]).unwrap().name,
            "ml-100k"
        );
        assert_eq!(Release::counted([1, 1, 1]), None);
    }

    #[test]
    fn every_release_says_that_it_is_not_for_commercial_use() {
        for release in &RELEASES {
            assert!(
                release.license().contains("not for commercial use"),
                "{}",
                release.name
            );
            assert!(release.license().len() <= pocketrec::image::MAX_TEXT);
            for line in [UNKNOWN_LICENSE, OTHER_LICENSE] {
                assert!(line.len() <= pocketrec::image::MAX_TEXT);
            }
            assert!(release.md5.is_none_or(|md5| md5.len() == 32));
        }
    }
}
