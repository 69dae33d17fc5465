//! What a device says of itself and of its model.

use super::{Answer, Board, Service};
use crate::model::Model;
use crate::profile::UNDO_DEPTH;
use crate::store::Store;
use crate::wire::{
    Capabilities, HELLO_MAGIC, Health, Hello, Limits, MAX_BODY, MAX_FRAME, MAX_LIST, ModelInfo,
    Reply, Status, StorageState, VERSION,
};
use crate::{MAX_DIM, MAX_UNITS};

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    pub(super) fn hello(&self) -> Hello {
        let learn = if cfg!(feature = "learn") {
            Capabilities::LEARN
        } else {
            0
        };
        let lists = if cfg!(feature = "orders") {
            Capabilities::ORDERS
        } else {
            0
        } | if cfg!(feature = "together") {
            Capabilities::TOGETHER
        } else {
            0
        };
        let odds = match &self.model {
            Ok(model) if cfg!(feature = "odds") && model.has_odds() => Capabilities::ODDS,
            _ => 0,
        };
        #[cfg(feature = "grow")]
        let grow = match self.added.room() {
            0 => 0,
            _ => Capabilities::GROW,
        };
        #[cfg(not(feature = "grow"))]
        let grow = 0;
        let storage = match self.store.report().state {
            StorageState::Flash | StorageState::Formatted => Capabilities::STORAGE,
            _ => 0,
        };
        Hello {
            magic: HELLO_MAGIC,
            oldest: VERSION,
            newest: VERSION,
            firmware: self.board.firmware,
            status: if self.model.is_ok() {
                Status::Ready
            } else {
                Status::NoModel
            } as u8,
            capabilities: self.board.capabilities.0 | learn | lists | storage | odds | grow,
            largest_frame: MAX_FRAME as u16,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            owners: OWNERS as u8,
            list: MAX_LIST as u8,
            dimensions: MAX_DIM as u8,
            units: MAX_UNITS as u8,
            body: MAX_BODY as u16,
            image: self.board.image_region,
            ratings: LOG as u16,
            undo: UNDO_DEPTH as u8,
            storage: self.store.report().bytes,
        }
    }

    pub(super) fn health(&self, uptime: u32) -> Health<'static> {
        let Board {
            name,
            reset,
            at,
            crashes,
            ..
        } = self.board;
        Health {
            board: name,
            reset,
            at,
            crashes,
            uptime,
        }
    }
}

#[inline(never)]
pub(super) fn model_info<'m>(model: &Model<'m>) -> Answer<'m> {
    let (header, scale) = (model.header(), model.scale());
    Ok(Some(Reply::ModelInfo(ModelInfo {
        name: header.name,
        license: header.license,
        fingerprint: header.fingerprint,
        length: header.length,
        crc: header.crc,
        movies: model.own_movies(),
        users: model.users(),
        user_dim: model.user_dim() as u8,
        movie_dim: model.movie_dim() as u8,
        parts: model.parts().bits(),
        mean: scale.mean,
        lowest: scale.lowest,
        highest: scale.highest,
        step: scale.step,
        seen: model.has_seen(),
        facets: model.has_facets(),
        validation: model.validation(),
    })))
}
