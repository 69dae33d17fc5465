//! Answers of a board as JSON, question by question: docs/JSON.md has the members.

use pocketrec::model::{Parts, Validation};
use pocketrec::wire::{
    Capabilities, Hello, ModelInfo, Owners, Reply, Reset, Storage, StorageState, Who,
};
use serde_json::{Value, json};

use super::{Asked, Question};
use crate::print::Movie;

/// Who is there, and the model where there is one.
pub(super) fn of_hello(hello: &Hello, line: &str, model: Option<&ModelInfo<'_>>) -> Value {
    let can = Capabilities(hello.capabilities);
    let [major, minor, patch] = hello.firmware;
    json!({
        "line": line,
        "firmware": format!("{major}.{minor}.{patch}"),
        "learns": can.has(Capabilities::LEARN),
        "remembers": can.has(Capabilities::STORAGE),
        "logs": can.has(Capabilities::LOG),
        "model": model.map(of_model),
    })
}

impl Asked<'_> {
    /// An answer with what it is about.
    pub(super) fn json(&self, reply: &Reply<'_>) -> Value {
        let movie = |id: u32| Movie::of(&self.titles, id);
        let about = self.movie.map(movie);
        match reply {
            Reply::Stars(stars) => json!({
                "movie": about,
                "for": self.whom(),
                "stars": stars,
                "likely": self.likely_of(0),
            }),
            Reply::Movies(_) => {
                let mut list =
                    json!({ "movie": about, "for": self.whom(), "movies": self.listed(reply) });
                if let Some(rated) = self.rated {
                    list["may_name_rated"] = rated.may_be_named().into();
                }
                list
            }
            Reply::Together(_) => json!({
                "for": self.whom(),
                "movies": self.listed(reply),
                "reasons": self.reasons,
            }),
            Reply::Rated {
                before,
                after,
                ratings,
            } => json!({
                "movie": about,
                "predicted_before": before,
                "predicted_now": after,
                "likely": self.likely_of(0),
                "ratings": ratings,
            }),
            Reply::Profile(profile) => json!({
                "for": self.whom(),
                "ratings": profile.ratings,
                "bias": profile.bias,
                "row": &profile.row[..],
            }),
            Reply::Undone {
                movie: id,
                stars,
                ratings,
            } => json!({ "movie": movie(*id), "stars": stars, "ratings": ratings }),
            Reply::Forgotten { ratings } => json!({ "movie": about, "ratings": ratings }),
            Reply::Explained(explained) => {
                let because = explained.because.iter().map(|because| {
                    json!({
                        "movie": movie(because.movie),
                        "stars": because.stars,
                        "moved": because.moved,
                    })
                });
                json!({
                    "movie": about,
                    "for": self.whom(),
                    "stars": explained.stars,
                    "likely": self.likely_of(0),
                    "parts": {
                        "mean": explained.mean,
                        "user": explained.user_bias,
                        "movie": explained.movie_bias,
                        "dot_product": explained.dot,
                        "network": explained.mlp,
                    },
                    "because": because.collect::<Vec<_>>(),
                })
            }
            Reply::Limits(limits) => json!({
                "owners": limits.owners,
                "ratings_of_each": limits.ratings,
                "undo": limits.undo,
                "list": limits.list,
                "dimensions": limits.dimensions,
                "units": limits.units,
                "body_bytes": limits.body,
                "image_bytes": limits.image,
                "storage_bytes": limits.storage,
            }),
            Reply::ModelInfo(info) => of_model(info),
            Reply::LinkCounters(counters) => json!({
                "received_bytes": counters.received,
                "received_while_working_bytes": counters.while_working,
                "lost_bytes": counters.lost,
                "bad_frames": counters.bad_frames,
            }),
            Reply::Health(health) => json!({
                "board": health.board,
                "uptime_ms": health.uptime,
                "started_by": match health.reset {
                    Reset::Power => "power",
                    Reset::Panic => "panic",
                    Reset::Fault => "fault",
                    Reset::Arithmetic => "arithmetic",
                },
                "at": health.at,
                "crashes": health.crashes,
            }),
            Reply::Owners(owners) => of_owners(owners),
            Reply::Storage(storage) => of_storage(storage),
            // Those answer what isn't asked here.
            Reply::Hello(_)
            | Reply::Added(_)
            | Reply::Refused(_)
            | Reply::Working { .. }
            | Reply::Cancelled(_)
            | Reply::Likely(_)
            | Reply::Ratings(_)
            | Reply::Imported { .. } => Value::Null,
        }
    }

    /// Whom the question is about: `{"user": 42}` or `{"owner": 0}`.
    fn whom(&self) -> Value {
        let who = match (&self.args.question, &self.who) {
            (Question::Suggest { owner, .. }, _) => Some(owner.who(self.usual)),
            (_, Some(who)) => who.who(&self.people, self.usual).ok(),
            (_, None) => None,
        };
        match who {
            Some(Who::ImageUser(id)) => json!({ "user": id }),
            Some(Who::Owner(owner)) => json!({ "owner": owner }),
            None => Value::Null,
        }
    }
}

fn of_model(info: &ModelInfo<'_>) -> Value {
    json!({
        "name": info.name,
        "parts": Parts::from_bits(info.parts).map(Parts::name),
        "movies": info.movies,
        "users": info.users,
        "movie_dim": info.movie_dim,
        "user_dim": info.user_dim,
        "lowest": info.lowest,
        "highest": info.highest,
        "step": info.step,
        "mean": info.mean,
        "bytes": info.length,
        "crc": format!("{:08x}", info.crc),
        "fingerprint": format!("{:016x}", info.fingerprint),
        "licence": info.license,
        "knows_what_users_rated": info.seen,
        "validation": info.validation.map(|Validation { rmse, movie_means, personal }| json!({
            "rmse": rmse,
            "movie_means": movie_means,
            "personal": personal,
        })),
    })
}

fn of_owners(owners: &Owners) -> Value {
    let each = owners.ratings.iter().zip(&owners.unused);
    let each = each.take(owners.owners.into());
    let one = |(ratings, unused)| json!({ "ratings": ratings, "not_for_this_model": unused });
    json!({
        "owners": each.map(one).collect::<Vec<_>>(),
        "capacity": owners.capacity,
        "ram_bytes_of_each": owners.ram,
        "flash_bytes_of_each": owners.flash,
    })
}

fn of_storage(storage: &Storage) -> Value {
    json!({
        "state": match storage.state {
            StorageState::Absent => "absent",
            StorageState::Flash => "flash",
            StorageState::Formatted => "formatted",
            StorageState::Failed => "failed",
            StorageState::Closed => "closed",
            StorageState::OtherVersion => "of_another_version",
        },
        "bytes": storage.bytes,
        "pages": storage.pages,
        "erased_pages": storage.free,
        "records": storage.records,
        "capacity": storage.capacity,
        "rounds": storage.rounds,
        "torn_records": storage.torn,
        "bad_writes": storage.bad_writes,
    })
}
