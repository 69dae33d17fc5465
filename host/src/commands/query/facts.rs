//! What a board tells of itself, as tables: a row a fact, in words and units.

use pocketrec::model::Parts;
use pocketrec::wire::{
    Health, Limits, LinkCounters, ModelInfo, Owners, Reply, Reset, Storage, StorageState,
};

use super::super::image::held;
use crate::print::width::{self, wrapped};
use crate::print::{Align, count, grouped, table};

/// The table of an answer that is one; `None` for those about movies and ratings.
pub(super) fn of(reply: &Reply<'_>) -> Option<String> {
    Some(match reply {
        Reply::Limits(limits) => facts("Limit", of_limits(limits)),
        Reply::ModelInfo(info) => facts("Model", of_model(info)),
        Reply::Health(health) => facts("Board", of_health(health)),
        Reply::LinkCounters(counters) => facts("Serial line", of_counters(counters)),
        Reply::Storage(storage) => {
            facts("Ratings", of_storage(storage)) + what_to_do(storage).unwrap_or_default()
        }
        Reply::Owners(owners) => of_owners(owners),
        _ => return None,
    })
}

type Fact = (&'static str, String);

/// The least columns that values are broken into: where names leave fewer, these are broken too.
const LEAST: usize = 20;

/// A table of facts. A licence or an advice that is cut says something else, so nothing is: it is broken into lines.
fn facts(title: &str, facts: Vec<Fact>) -> String {
    // A space ahead, and two between the columns.
    let room = width::columns().saturating_sub(3);
    let names = facts.iter().map(|(name, _)| width::width(name)).max();
    let names = names.unwrap_or(0).min(room.saturating_sub(LEAST));
    let mut rows = vec![vec![title.to_owned(), String::new()]];
    for (name, value) in facts {
        let name = wrapped(name, names);
        let value = wrapped(&value, room.saturating_sub(names));
        let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
        for at in 0..name.len().max(value.len()) {
            rows.push(vec![line(&name, at), line(&value, at)]);
        }
    }
    table(&[Align::Left, Align::Left], &rows)
}

fn of_bytes(number: u32) -> String {
    count(number, "byte")
}

fn of_limits(limits: &Limits) -> Vec<Fact> {
    vec![
        ("Owners", limits.owners.to_string()),
        (
            "Ratings of each owner",
            format!("{}; more are refused", grouped(limits.ratings.into())),
        ),
        ("Ratings that can be undone", limits.undo.to_string()),
        ("Movies in a list", limits.list.to_string()),
        ("Numbers in a row", limits.dimensions.to_string()),
        ("Units of a hidden layer", limits.units.to_string()),
        ("Body of a frame", of_bytes(limits.body.into())),
        ("Image", of_bytes(limits.image)),
        (
            "Region for ratings",
            match limits.storage {
                0 => "none: they are in RAM".into(),
                bytes => of_bytes(bytes),
            },
        ),
    ]
}

fn of_model(info: &ModelInfo<'_>) -> Vec<Fact> {
    let parts = Parts::from_bits(info.parts).map_or("of parts unknown here", Parts::name);
    let rows = |rows: u32, dim: u8| match rows {
        0 => "none".to_owned(),
        number => format!(
            "{}, in rows of {}",
            grouped(number.into()),
            count(dim, "number")
        ),
    };
    let lists = ("Lists for its users", held(info.seen).to_owned());
    let mut facts = vec![
        ("Name", format!("{} ({parts})", info.name)),
        ("Movies", rows(info.movies, info.movie_dim)),
        ("Users", rows(info.users, info.user_dim)),
        (
            "Stars",
            format!(
                "{} to {} in steps of {}, {:.4} on average",
                info.lowest, info.highest, info.step, info.mean
            ),
        ),
        (
            "Image",
            format!("{}, CRC-32 {:08x}", of_bytes(info.length), info.crc),
        ),
        ("Data", format!("fingerprint {:016x}", info.fingerprint)),
        ("Licence of the data", info.license.to_owned()),
    ];
    if info.users > 0 {
        facts.push(lists);
    }
    if let Some(measured) = info.validation {
        facts.push((
            "Ratings held out",
            format!(
                "RMSE {:.4}, each movie's mean {:.4}",
                measured.rmse, measured.movie_means
            ),
        ));
    }
    facts
}

fn of_health(health: &Health<'_>) -> Vec<Fact> {
    let why = match health.reset {
        Reset::Power => "power or the reset button".to_owned(),
        Reset::Panic => format!("a panic in line {}", health.at),
        Reset::Fault => format!("a fault at address {:#010x}", health.at),
        Reset::Arithmetic => "failed its check of the arithmetic".to_owned(),
    };
    vec![
        ("Name", health.board.to_owned()),
        ("Up for", uptime(health.uptime)),
        ("Started by", why),
        (
            "Crashes since the power came on",
            grouped(health.crashes.into()),
        ),
    ]
}

/// Milliseconds in the units that people use: the counter wraps after 49 days.
fn uptime(milliseconds: u32) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match (hours, minutes) {
        (0, 0) => format!("{:.1} s", f64::from(milliseconds) / 1e3),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        (1..48, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} days {} h", hours / 24, hours % 24),
    }
}

fn of_counters(counters: &LinkCounters) -> Vec<Fact> {
    vec![
        ("Received", of_bytes(counters.received)),
        ("Of them while it worked", of_bytes(counters.while_working)),
        ("Lost, too fast or damaged", of_bytes(counters.lost)),
        ("Not understood", count(counters.bad_frames, "frame")),
    ]
}

fn of_storage(storage: &Storage) -> Vec<Fact> {
    let place = match storage.state {
        StorageState::Absent => "in RAM: this firmware keeps nothing",
        StorageState::Flash => "in flash",
        StorageState::Formatted => "in flash, which held something else before",
        StorageState::Failed => {
            "in RAM: flash took no write when it was tried, or its region is too small"
        }
        StorageState::Closed => "in flash that can't be opened: none is in use, and none is taken",
        StorageState::OtherVersion => {
            "in flash, as a firmware of another version writes them: none is in use, and none is taken"
        }
    };
    let mut facts = vec![("Kept", place.to_owned())];
    // Elsewhere no page counts, and no record.
    let in_use = matches!(storage.state, StorageState::Flash | StorageState::Formatted);
    if storage.bytes > 0 {
        facts.push((
            "Region",
            format!(
                "{}: {}{}",
                of_bytes(storage.bytes),
                count(storage.pages, "page"),
                match in_use {
                    true => format!(", {} of them erased and ready", storage.free),
                    false => String::new(),
                }
            ),
        ));
        if in_use {
            facts.push((
                "Records in use",
                format!(
                    "{} of {}",
                    grouped(storage.records.into()),
                    grouped(storage.capacity.into())
                ),
            ));
        }
        facts.extend([
            (
                "Wear",
                format!("{} from front to back", count(storage.rounds, "round")),
            ),
            (
                "Since the start",
                format!(
                    "{}, {}",
                    count(storage.torn, "torn record"),
                    count(storage.bad_writes, "bad write")
                ),
            ),
        ]);
    }
    facts
}

/// What a person should do about a board's storage, where there is something.
fn what_to_do(storage: &Storage) -> Option<&'static str> {
    match storage.state {
        StorageState::Closed => Some(
            "A restart tries again to open it; `query format` erases all ratings and starts over\n",
        ),
        StorageState::OtherVersion => Some(
            "With that version's firmware on the board, `query ratings --save FILE` of its day saves them; \
             `query format` erases them and starts over\n",
        ),
        StorageState::Flash if storage.free == 0 => Some(
            "No page is left to compact into, so changes are refused once the newest one is full: \
             `query ratings --save FILE` keeps the ratings, `query format` erases the region, and \
             `query ratings --load FILE` gives them back\n",
        ),
        _ => None,
    }
}

fn of_owners(owners: &Owners) -> String {
    let mut rows = vec![
        ["Owner", "Ratings", "Not for this model"]
            .map(String::from)
            .to_vec(),
    ];
    let each = owners.ratings.iter().zip(&owners.unused);
    for (owner, (ratings, unused)) in each.take(owners.owners.into()).enumerate() {
        rows.push(
            [owner, usize::from(*ratings), usize::from(*unused)]
                .map(|n| n.to_string())
                .to_vec(),
        );
    }
    let flash = match owners.flash {
        0 => "none of flash".to_owned(),
        bytes => format!("{} of flash", of_bytes(bytes.into())),
    };
    format!(
        "{}Each holds up to {}, in {} of RAM and {flash}\n",
        table(&[Align::Right; 3], &rows),
        count(owners.capacity, "rating"),
        of_bytes(owners.ram.into())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_is_told_in_the_units_that_suit_it() {
        for (milliseconds, text) in [
            (0, "0.0 s"),
            (12_340, "12.3 s"),
            (59_999, "60.0 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
            (u32::MAX, "49 days 17 h"),
        ] {
            assert_eq!(uptime(milliseconds), text);
        }
    }
}
