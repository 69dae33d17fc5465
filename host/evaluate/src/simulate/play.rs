//! People who rate on a device, over its wire: N and D.

use pocketrec::ids::MovieId;
use std::io::{Read, Write};

use anyhow::{Result, bail};
use pocketrec::model::{Model, UserState};
use pocketrec::wire::{Reply, Request, Who};

use super::outcome::{AFTER, Outcome, PersonErrors};
use super::people::Person;
use pocketrec_link::{Connection, LinkError};
use pocketrec_metrics::Errors;

const OWNER: Who = Who::Owner(0);

/// Lets each person rate on the device, in turn, and measures its predictions after each of [`AFTER`].
///
/// Predictions are computed by core on this PC from the row and bias that the device sends, bit for bit; one of them
/// after each k is asked of the device too and compared.
///
/// # Errors
/// What the device refuses or doesn't answer, and a prediction of its that isn't core's.
pub fn play<L: Read + Write>(
    device: &mut Connection<L>,
    model: &Model<'_>,
    people: &[Person],
    mut tell: impl FnMut(usize),
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (number, person) in people.iter().enumerate() {
        tell(number);
        device.ask_for(
            &Request::ForgetMe { who: OWNER },
            |_, _| (),
            |reply| matches!(reply, Reply::Forgotten { ratings: 0 }).then_some(()),
        )?;
        let mut errors = PersonErrors::default();
        let mut given = 0;
        for (k, device_errors) in AFTER.into_iter().zip(&mut errors.device) {
            for rating in &person.given[given..k] {
                let request = Request::Rate {
                    who: OWNER,
                    movie: rating.movie,
                    stars: rating.stars,
                };
                device.ask_for(
                    &request,
                    |_, _| (),
                    |reply| matches!(reply, Reply::Rated { .. }).then_some(()),
                )?;
            }
            given = k;
            let state = state(device, model)?;
            *device_errors = measure(model, &state, person)?;
            if let Some(rating) = person.rest.get(k % person.rest.len().max(1)) {
                let due = model.predict_for(&state, MovieId(rating.movie))?;
                let request = Request::Predict {
                    who: OWNER,
                    movie: rating.movie,
                };
                let came = device.ask_for(
                    &request,
                    |_, _| (),
                    |reply| match reply {
                        Reply::Stars(stars) => Some(stars),
                        _ => None,
                    },
                )?;
                if came.to_bits() != due.to_bits() {
                    bail!(
                        "the device predicts {came} for movie {}, and core on this PC {due}",
                        rating.movie
                    );
                }
                outcome.compared += 1;
            }
        }
        let [nothing, ..] = errors.device;
        errors.nothing = nothing;
        outcome.people.push(errors);
    }
    Ok(outcome)
}

/// The owner's state, from the row and bias on the device.
fn state<L: Read + Write>(
    device: &mut Connection<L>,
    model: &Model<'_>,
) -> Result<UserState, LinkError> {
    device.ask_for(
        &Request::Profile { who: OWNER },
        |_, _| (),
        |reply| match reply {
            Reply::Profile(profile) => Some(model.user_state(&profile.row, profile.bias)),
            _ => None,
        },
    )
}

fn measure(model: &Model<'_>, state: &UserState, person: &Person) -> Result<Errors> {
    let mut errors = Errors::default();
    for rating in &person.rest {
        errors.add(
            model.predict_for(state, MovieId(rating.movie))?,
            rating.stars,
        );
    }
    Ok(errors)
}
