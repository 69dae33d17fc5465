//! Modelled cycles of core's work, as `cargo xtask bench device` counted them for the snapshot in the repository.

const SNAPSHOT: &str = include_str!("../../../../bench/snapshot.txt");

/// The build that the firmware has.
const BUILD: &str = "workspace";

/// A count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    /// How many were counted at once: movies of a ranking, ratings of a fold-in.
    pub units: u32,
    /// Instructions of one.
    pub instructions: f64,
    /// Cycles of one.
    pub cycles: f64,
}

/// The counts of a core.
#[derive(Clone, Copy, Debug)]
pub struct Counts<'s> {
    snapshot: &'s str,
    core: &'s str,
}

impl<'s> Counts<'s> {
    /// Those of the repository.
    pub fn of(core: &'s str) -> Self {
        Self::read(SNAPSHOT, core)
    }

    /// Those of a snapshot.
    pub fn read(snapshot: &'s str, core: &'s str) -> Self {
        Self { snapshot, core }
    }

    /// The core's name.
    pub fn core(&self) -> &'s str {
        self.core
    }

    /// The count of `work`, where there is one with cycles.
    pub fn get(&self, work: &str) -> Option<Count> {
        find(self.snapshot, self.core, work)
    }
}

fn find(snapshot: &str, core: &str, work: &str) -> Option<Count> {
    snapshot.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [of, build, name, units, instructions, cycles, _]
                if of == core && build == BUILD && name == work =>
            {
                Some(Count {
                    units: units.parse().ok()?,
                    instructions: instructions.parse().ok()?,
                    cycles: cycles.parse().ok()?,
                })
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use boards::BOARDS;

    #[test]
    fn a_count_is_found_by_core_build_and_name() {
        let snapshot = "# core build work units instructions cycles stack\n\
                        M4F    no-flags    rank 256 1.0 2.0 3\n\
                        M4F    workspace   rank 256 960.6 1278.1 1056\n\
                        M7     workspace   rank 256 960.6 - 1056\n";
        let get = |core, work| Counts::read(snapshot, core).get(work);
        let found = get("M4F", "rank");
        assert_eq!(
            found,
            Some(Count {
                units: 256,
                instructions: 960.6,
                cycles: 1278.1
            })
        );
        assert_eq!(get("M7", "rank"), None);
        assert_eq!(get("M4F", "step"), None);
    }

    #[test]
    fn the_snapshot_has_the_counts_that_the_others_are_scaled_from() {
        for board in BOARDS {
            for work in ["predict", "rank", "list", "list_interest", "mf", "mf_i8"] {
                assert!(
                    Counts::of(board.core).get(work).is_some(),
                    "{} {work}",
                    board.name
                );
            }
            for work in ["step", "fold_in", "interest", "rank_i16", "other_i16"] {
                assert!(
                    Counts::of(board.core).get(work).is_some(),
                    "{} {work}",
                    board.name
                );
            }
        }
    }
}
