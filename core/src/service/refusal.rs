//! Why a service refuses a request, in two registers and on the wire.

use super::Service;
use crate::image::ImageError;
use crate::store::{Store, StoreError};
use crate::wire::{NoModel, Refusal, StorageState};

/// Why a request is refused: a [`Refusal`] that two registers hold, so that handing it up is little code.
#[derive(Clone, Copy)]
pub(super) enum Why {
    UnknownMovie(u32),
    UnknownUser(u32),
    NoModel,
    UnknownOwner(u32),
    NotAnOwner,
    #[cfg(feature = "learn")]
    OffScale,
    ListTooLong,
    #[cfg(not(all(
        feature = "learn",
        feature = "odds",
        feature = "orders",
        feature = "together"
    )))]
    NotSupported,
    NoFacets,
    #[cfg(feature = "orders")]
    NoFame,
    #[cfg(feature = "learn")]
    LogFull,
    #[cfg(feature = "learn")]
    NotRated(u32),
    #[cfg(feature = "learn")]
    NothingToUndo,
    Store(StoreError),
    NotFormatted,
}

impl From<StoreError> for Why {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl<const OWNERS: usize, const LOG: usize, S: Store> Service<'_, OWNERS, LOG, S> {
    /// Whether it is no refusal: the store isn't done, and the request is to be carried out anew when it is.
    pub(super) fn is_deferred(&self, why: Why) -> bool {
        self.store.is_pending() && matches!(why, Why::Store(StoreError::Pending))
    }

    #[inline(never)]
    pub(super) fn refusal(&self, why: Why) -> Refusal {
        match why {
            Why::UnknownMovie(id) => Refusal::UnknownMovie(id),
            Why::UnknownUser(id) => Refusal::UnknownUser(id),
            Why::NoModel => {
                let why = self.model.as_ref().err();
                Refusal::NoModel(NoModel::from(*why.unwrap_or(&ImageError::Header)))
            }
            Why::UnknownOwner(owner) => Refusal::UnknownOwner(owner as u8),
            Why::NotAnOwner => Refusal::NotAnOwner,
            #[cfg(feature = "learn")]
            Why::OffScale => Refusal::OffScale,
            Why::ListTooLong => Refusal::ListTooLong,
            Why::NoFacets => Refusal::NoFacets,
            #[cfg(feature = "orders")]
            Why::NoFame => Refusal::NoFame,
            #[cfg(not(all(
                feature = "learn",
                feature = "odds",
                feature = "orders",
                feature = "together"
            )))]
            Why::NotSupported => Refusal::NotSupported,
            #[cfg(feature = "learn")]
            Why::LogFull => Refusal::LogFull,
            #[cfg(feature = "learn")]
            Why::NotRated(id) => Refusal::NotRated(id),
            #[cfg(feature = "learn")]
            Why::NothingToUndo => Refusal::NothingToUndo,
            Why::Store(why) => match why {
                StoreError::Full | StoreError::Failed | StoreError::Pending => {
                    Refusal::StorageFailed
                }
                StoreError::Unsure => Refusal::StorageUnsure,
                StoreError::NotErased => Refusal::NotErased,
                StoreError::Closed => match self.store.report().state {
                    StorageState::OtherVersion => Refusal::StorageOfOtherVersion,
                    _ => Refusal::StorageClosed,
                },
            },
            Why::NotFormatted => Refusal::NotFormatted,
        }
    }
}
