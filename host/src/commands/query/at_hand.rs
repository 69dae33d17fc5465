//! The image at hand, beside the board's own: titles of the one are shown for answers of the other only where they are
//! the same.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::wire::{Capabilities, ModelInfo, Refusal, Reply, Request, StorageState, Who};

use super::super::image::{DEFAULT, Loaded, TitlesArgs};
use super::{not_rated, off_scale, refused};
use crate::print::{self, count};
use crate::report::verdict;
use crate::warn;
use pocketrec_base::error::BadInput;
use pocketrec_data::Titles;
use pocketrec_export::people::People;
use pocketrec_export::sidecar;
use pocketrec_link::running::Running;
use pocketrec_link::{Connection, Known, LinkError, added, sense};

/// What `--image` names, and what is there.
pub(in super::super) struct AtHand {
    path: PathBuf,
    /// Somebody asked for no image.
    is_left: bool,
    loaded: Option<Loaded>,
    titles: Titles,
    /// Somebody said where titles are, or that there are none.
    titles_are_named: bool,
    /// What the image says, where it is one.
    known: Option<Known>,
}

impl AtHand {
    /// The image that is `named`, or else the usual one, where it is there; of `none` nothing is read.
    ///
    /// # Errors
    /// [`BadInput`] where there is no image of the name, or none of its titles where `titles` name them.
    pub fn find(named: Option<&Path>, titles: &TitlesArgs) -> Result<Self> {
        let path = named.unwrap_or(Path::new(DEFAULT));
        let is_left = named.is_some_and(|named| named == Path::new("none"));
        let is_there = !is_left && (named.is_some() || path.exists());
        let loaded = is_there.then(|| Loaded::read(path, titles)).transpose()?;
        let model = loaded.as_ref().and_then(|loaded| loaded.model().ok());
        Ok(Self {
            path: path.to_owned(),
            is_left,
            titles: match &loaded {
                Some(loaded) => loaded.titles.clone(),
                None => titles.read(None, None)?,
            },
            titles_are_named: titles.is_given(),
            known: model.as_ref().map(Known::of),
            loaded,
        })
    }

    /// Where the image is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The titles; none where there is no image and none are named.
    pub fn titles(&self) -> Titles {
        self.titles.clone()
    }

    /// What the image's users are called; nothing where there is no image.
    pub fn people(&self) -> People {
        let loaded = self.loaded.as_ref();
        loaded.map_or_else(People::default, |loaded| loaded.people.clone())
    }

    /// Ids of the image's movies, ascending; none where no image tells.
    pub fn movies(&self) -> Vec<u32> {
        let known = self.known.as_ref();
        known.map_or_else(Vec::new, |known| known.movies().to_vec())
    }

    /// Whether the image has a movie, or one was added to it whose title lies beside it; `None` where no image tells.
    pub fn has_movie(&self, id: u32) -> Option<bool> {
        let known = self.known.as_ref()?;
        let is_behind = known.movies().last().is_some_and(|last| id > *last);
        Some(known.has_movie(id) || is_behind && self.titles.get(id).is_some())
    }

    /// Whether the image has a user; `None` where no image tells.
    pub fn has_user(&self, id: u32) -> Option<bool> {
        Some(self.known.as_ref()?.has_user(id))
    }

    /// The genres by which the image's lists can be filtered; none where it doesn't say them, or there is no image.
    pub fn genres(&self) -> Option<&str> {
        self.known.as_ref()?.genres()
    }

    /// What scores count beside predicted stars, as far as an image tells.
    pub fn beside(&self) -> print::Beside {
        let known = self.known.as_ref();
        known.map_or_else(print::Beside::default, Known::beside)
    }

    /// The image, which `option` needs.
    ///
    /// # Errors
    /// [`BadInput`] where there is none.
    pub fn needed(&self, option: &str) -> Result<&Loaded> {
        match &self.loaded {
            Some(loaded) => Ok(loaded),
            None if self.is_left => Err(BadInput::new(format!(
                "{option} needs an image, and `--image none` says that none is to be used; name one with `--image FILE`"
            ))
            .into()),
            None => Err(BadInput::new(format!(
                "{option} needs an image, and {} does not exist; `cargo run -p host -- export` writes one",
                self.path.display()
            ))
            .into()),
        }
    }

    /// What an emulated board that holds this image would refuse, before one is built and booted: it has no rating yet.
    ///
    /// # Errors
    /// [`BadInput`], as behind the board's own refusal.
    pub fn foresee(&self, request: &Request) -> Result<()> {
        // What is no image is for the firmware to refuse.
        let Some(known) = &self.known else {
            return Ok(());
        };
        let without = |why: &dyn std::fmt::Display| {
            Err(BadInput::new(format!(
                "{why}: an emulated board starts without ratings, and what it learns ends with the command; `emulate` boots one that keeps it"
            ))
            .into())
        };
        if let Some(id) = sense::movie(request)
            && !known.has_movie(id)
        {
            return Err(refused(Refusal::UnknownMovie(id)));
        }
        if let Some(Who::ImageUser(id)) = sense::who(request)
            && !known.has_user(id)
        {
            return Err(refused(Refusal::UnknownUser(id)));
        }
        let scale = known.scale();
        match *request {
            Request::Rate { stars, .. } if !scale.contains(stars) => {
                Err(off_scale(scale.lowest, scale.highest, scale.step))
            }
            Request::Forget { movie, .. } => without(&not_rated(&self.titles, movie)),
            Request::Undo { .. } => without(&Refusal::NothingToUndo),
            _ => Ok(()),
        }
    }

    /// Makes sure that the board's image is this one, and holds the board to it; says in a line why movies are shown by
    /// their ids, where they are; `held` is what `emulate` says of it, where it holds the board. The ids of movies that were
    /// added to the board's image.
    ///
    /// # Errors
    /// [`BadInput`] where it is another one.
    pub fn settle<L: Read + Write>(
        &self,
        board: &mut Connection<L>,
        info: &ModelInfo<'_>,
        held: Option<&Running>,
    ) -> Result<Vec<u32>> {
        let added = added::all(board)?;
        if let Some(added) = added.as_ref().filter(|added| added.dropped > 0) {
            warn!(
                "the device keeps {} for another image than its own, which {} not in use: `add-movie` adds what this image lacks, and `query compact` lets go of {}, from the device's next start on",
                count(added.dropped, "added movie"),
                if added.dropped == 1 { "is" } else { "are" },
                if added.dropped == 1 { "it" } else { "them" }
            );
        }
        let added = added.map_or_else(Vec::new, |added| added.ids().collect());
        let Some(loaded) = &self.loaded else {
            if !self.is_left && !self.titles_are_named {
                crate::print::hint(&format!(
                    "{} does not exist, so movies are shown by their ids: `--image` of the image that the board holds has their titles",
                    self.path.display()
                ));
            }
            return Ok(added);
        };
        let model = loaded.model()?;
        let header = model.header();
        if (header.crc, header.length) != (info.crc, info.length) {
            if let Some(held) = held
                && held.crc == info.crc
                && std::path::absolute(&loaded.path).is_ok_and(|path| path == held.image)
            {
                return Err(BadInput::new(format!(
                    "{} was written anew since `emulate` booted the {} with it: end that `emulate` with Ctrl-C and start it again{}",
                    loaded.path.display(),
                    held.board,
                    if held.keeps { ", which keeps what it learned" } else { "" }
                ))
                .into());
            }
            let data = match header.fingerprint == info.fingerprint {
                true => "",
                false => " and was trained on other data",
            };
            return Err(BadInput::new(format!(
                "{} holds another image (CRC-32 {:08x}) than {} ({:08x}){data}, so its movies may have other titles: name the same image with `--image`, or ask by ids with `--image none`",
                board.name(),
                info.crc,
                loaded.path.display(),
                header.crc
            ))
            .into());
        }
        if loaded.titles.is_empty() && !self.titles_are_named {
            let why = match sidecar::item_of(&loaded.path, Some(header.crc)) {
                // The file beside it says what movies are called, and names none of them.
                Some(_) => format!("{} has no titles", sidecar::path_of(&loaded.path).display()),
                None => format!("no titles lie beside {}", loaded.path.display()),
            };
            crate::print::hint(&format!("{why}, so movies are shown by their ids"));
        }
        if let Some(known) = &self.known {
            board.hold_to(known.clone().with_added(added.iter().copied()));
        }
        Ok(added)
    }
}

/// Warns of a board's model that is no better than the movies' means, or gives everybody the same list.
pub(super) fn warn_of(info: &ModelInfo<'_>) {
    if let Some(warning) = info.validation.and_then(verdict::warning_of_image) {
        warn!("{warning}");
    }
}

/// Warns where ratings that a board's owners gave it aren't in use, or won't outlive its power; those of a board that is
/// `held` by `emulate` do.
///
/// # Errors
/// What went wrong on the line.
pub(super) fn warn_of_storage<L: Read + Write>(
    board: &mut Connection<L>,
    held: bool,
) -> Result<()> {
    let hello = board.greeted();
    let capabilities = Capabilities(hello.map_or(0, |hello| hello.capabilities));
    if capabilities.has(Capabilities::STORAGE) {
        return Ok(());
    }
    let answer = board.ask(&Request::Storage)?;
    let Some(Reply::Storage(storage)) = answer.reply() else {
        return Ok(());
    };
    let what = match storage.state {
        StorageState::Failed if held => return Ok(()),
        StorageState::Failed => "the device's flash takes no ratings: they are gone with its power",
        StorageState::Closed => {
            "the device's flash can't be opened, so ratings that are in it aren't in use"
        }
        StorageState::OtherVersion => {
            "the device's flash holds ratings as a firmware of another version writes them, so they aren't in use"
        }
        _ => return Ok(()),
    };
    warn!("{what}; `query storage` tells more");
    Ok(())
}

/// What model a board holds; `None` where it has none.
///
/// # Errors
/// What went wrong on the line.
pub(in super::super) fn info_of<L: Read + Write, T>(
    board: &mut Connection<L>,
    take: impl FnOnce(&mut Connection<L>, &ModelInfo<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let answer = board.ask_checked(&Request::ModelInfo, |_, _| ())?;
    match answer.reply() {
        Some(Reply::ModelInfo(info)) => take(board, &info).map(Some),
        Some(Reply::Refused(Refusal::NoModel(_))) | None => Ok(None),
        Some(Reply::Refused(why)) => Err(LinkError::Refused(why).into()),
        Some(_) => Ok(None),
    }
}
