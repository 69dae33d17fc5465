//! Lists of a few items in place: no allocation, no unsafe code, and no arithmetic that could overflow, however it is
//! compiled.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};

/// Up to `N` items, in their order. It reads as a slice.
///
/// Costs `N` items and a word. Places that hold nothing hold a default, so items are plain values.
pub type List<T, const N: usize> = Held<[T; N]>;

/// A list in `A`: an array, or of a length that only its reference knows.
#[derive(Clone, Copy)]
pub struct Held<A: ?Sized> {
    length: usize,
    places: A,
}

/// The list has no room for another item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<T: Copy, const N: usize> Held<[T; N]> {
    /// An empty list, whose places hold `nothing`.
    pub const fn of(nothing: T) -> Self {
        Self {
            length: 0,
            places: [nothing; N],
        }
    }

    /// An empty list.
    pub fn new() -> Self
    where
        T: Default,
    {
        Self::of(T::default())
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    ///
    /// [`Full`]; then nothing has changed.
    #[inline]
    pub fn push(&mut self, item: T) -> Result<(), Full> {
        let list: &mut Held<[T]> = self;
        list.add(item)
    }
}

impl<T: Copy> Held<[T]> {
    /// As [`push`](Held::push).
    #[inline]
    pub(crate) fn add(&mut self, item: T) -> Result<(), Full> {
        let place = self.places.get_mut(self.length).ok_or(Full)?;
        *place = item;
        self.length = self.length.wrapping_add(1);
        Ok(())
    }

    /// The items.
    #[inline]
    pub(crate) fn all(&self) -> &[T] {
        self.places.get(..self.length).unwrap_or_default()
    }

    /// The items.
    #[inline]
    pub(crate) fn all_mut(&mut self) -> &mut [T] {
        self.places.get_mut(..self.length).unwrap_or_default()
    }
}

impl<T: Copy, const N: usize> Held<[T; N]> {
    /// Whether there is no room left.
    pub fn is_full(&self) -> bool {
        self.length >= N
    }

    /// Takes the last item away.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.last().copied()?;
        self.length = self.length.wrapping_sub(1);
        Some(last)
    }

    /// Takes all items away.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Keeps the items that `keep` says yes to, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let mut kept = 0_usize;
        for from in 0..self.length {
            let Some(item) = self.places.get(from).copied() else {
                return;
            };
            if keep(&item) {
                if let Some(place) = self.places.get_mut(kept) {
                    *place = item;
                }
                kept = kept.wrapping_add(1);
            }
        }
        self.length = kept;
    }
}

impl<T: Copy, const N: usize> Deref for Held<[T; N]> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        let list: &Held<[T]> = self;
        list.all()
    }
}

impl<T: Copy, const N: usize> DerefMut for Held<[T; N]> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let list: &mut Held<[T]> = self;
        list.all_mut()
    }
}

impl<T: Copy + Default, const N: usize> Default for Held<[T; N]> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy + PartialEq, const N: usize> PartialEq for Held<[T; N]> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Copy + Eq, const N: usize> Eq for Held<[T; N]> {}

impl<T: Copy + fmt::Debug, const N: usize> fmt::Debug for Held<[T; N]> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(feature = "defmt")]
impl<T: Copy + defmt::Format, const N: usize> defmt::Format for Held<[T; N]> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::Format::format(&**self, f);
    }
}

impl<'l, T: Copy, const N: usize> IntoIterator for &'l Held<[T; N]> {
    type Item = &'l T;
    type IntoIter = core::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What doesn't fit is left out.
impl<T: Copy + Default, const N: usize> FromIterator<T> for Held<[T; N]> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::new();
        for item in items {
            if list.push(item).is_err() {
                break;
            }
        }
        list
    }
}

impl<T: Copy + Serialize, const N: usize> Serialize for Held<[T; N]> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut items = to.serialize_seq(Some(self.len()))?;
        for item in self {
            items.serialize_element(item)?;
        }
        items.end()
    }
}

impl<'de, T: Copy + Default + Deserialize<'de>, const N: usize> Deserialize<'de> for Held<[T; N]> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Items(PhantomData))
    }
}

/// Reads a list's items; more than it has room for are refused.
struct Items<T, const N: usize>(PhantomData<T>);

impl<'de, T: Copy + Default + Deserialize<'de>, const N: usize> Visitor<'de> for Items<T, N> {
    type Value = List<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = List::new();
        while let Some(item) = items.next_element()? {
            if list.push(item).is_err() {
                return Err(serde::de::Error::invalid_length(N.saturating_add(1), &self));
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn a_list_does_what_a_vector_of_bounded_length_does(
            actions in proptest::collection::vec((0_u8..8, any::<u8>()), 0..60)
        ) {
            let (mut list, mut vector) = (List::<u8, 5>::new(), Vec::new());
            for (action, number) in actions {
                match action {
                    0..4 => {
                        let room = vector.len() < 5;
                        prop_assert_eq!(list.push(number), if room { Ok(()) } else { Err(Full) });
                        if room {
                            vector.push(number);
                        }
                    }
                    4 => prop_assert_eq!(list.pop(), vector.pop()),
                    5 => {
                        list.retain(|item| item % 3 != number % 3);
                        vector.retain(|item| item % 3 != number % 3);
                    }
                    6 => {
                        list.reverse();
                        vector.reverse();
                    }
                    _ if number > 200 => {
                        list.clear();
                        vector.clear();
                    }
                    _ => {}
                }
                prop_assert_eq!(&*list, &*vector);
                prop_assert_eq!(list.is_full(), vector.len() == 5);
            }
        }

        #[test]
        fn its_bytes_are_a_sequences_and_one_that_is_too_long_is_refused(
            items in proptest::collection::vec(any::<u32>(), 0..9)
        ) {
            let mut buffer = [0; 60];
            let bytes = postcard::to_slice(&items[..], &mut buffer).unwrap();
            let read = postcard::from_bytes::<List<u32, 6>>(bytes);
            if items.len() > 6 {
                prop_assert!(read.is_err());
            } else {
                let list = read.unwrap();
                prop_assert_eq!(&*list, &*items);
                let mut own = [0; 60];
                prop_assert_eq!(&*postcard::to_slice(&list, &mut own).unwrap(), &*bytes);
                prop_assert_eq!(items.into_iter().collect::<List<u32, 6>>(), list);
            }
        }
    }
}
