//! Messages from postcard's bytes.
//!
//! Of postcard's data model this knows what requests and images consist of, as the writer does; anything else is an
//! error wherever it stands, so the first test of a message sees it. What fails is remembered, so that only text and
//! sequences, which say how long they are, hand an error up.

use postcard::{Error, Result};
use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// Behind the end its bytes are zeros.
pub(super) struct Reader<'de> {
    pub(super) rest: &'de [u8],
    /// Whether a byte wasn't there, or a number wasn't one.
    pub(super) failed: bool,
}

// None of these is inlined: a field of a message is a call, and no more.
impl<'de> Reader<'de> {
    #[inline(never)]
    fn byte(&mut self) -> u8 {
        match self.rest {
            [byte, rest @ ..] => {
                self.rest = rest;
                *byte
            }
            [] => {
                self.failed = true;
                0
            }
        }
    }

    /// A number of as many bits as `largest` has, all of them ones. Longer codes of small numbers are taken up to the
    /// length of the longest number's, as postcard takes them.
    #[inline(never)]
    fn varint(&mut self, largest: usize) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = usize::from(self.byte());
            if byte > largest >> shift {
                self.failed = true;
                return 0;
            }
            number |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
    }

    #[inline(never)]
    fn word(&mut self) -> u32 {
        let mut word = 0;
        for _ in 0..4 {
            word = word >> 8 | u32::from(self.byte()) << 24;
        }
        word
    }

    /// Whether a byte is 1 and not 0.
    #[inline(never)]
    fn flag(&mut self) -> bool {
        let byte = self.byte();
        self.failed |= byte > 1;
        byte == 1
    }

    #[inline(never)]
    fn bytes(&mut self) -> Result<&'de [u8]> {
        let count = self.varint(usize::MAX);
        let (bytes, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Error::DeserializeUnexpectedEnd)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// Values without parts.
macro_rules! plain {
    ($($method:ident($self:ident) $visit:ident($value:expr);)*) => {$(
        #[inline(always)]
        fn $method<V: Visitor<'de>>($self, visitor: V) -> Result<V::Value> {
            visitor.$visit($value)
        }
    )*};
}

/// Values that no message has.
macro_rules! unknown {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
            Err(Error::WontImplement)
        }
    )*};
}

type Name = &'static str;

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    plain! {
        deserialize_bool(self) visit_bool(self.flag());
        deserialize_u8(self) visit_u8(self.byte());
        deserialize_u16(self) visit_u16(self.varint(u16::MAX.into()) as u16);
        deserialize_u32(self) visit_u32(self.varint(u32::MAX as usize) as u32);
        deserialize_f32(self) visit_f32(f32::from_bits(self.word()));
        deserialize_bytes(self) visit_borrowed_bytes(self.bytes()?);
    }

    unknown! {
        deserialize_any
        deserialize_i8
        deserialize_i16
        deserialize_i32
        deserialize_i64
        deserialize_u64
        deserialize_f64
        deserialize_char
        deserialize_string
        deserialize_byte_buf
        deserialize_unit
        deserialize_map
        deserialize_identifier
        deserialize_ignored_any
    }

    #[inline(always)]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let text = core::str::from_utf8(self.bytes()?);
        visitor.visit_borrowed_str(text.map_err(|_| Error::DeserializeBadUtf8)?)
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.flag() {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    #[inline(always)]
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: Name, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: Name, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    #[inline(always)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.varint(usize::MAX);
        visitor.visit_seq(Elements { reader: self, left })
    }

    #[inline(always)]
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Parts { reader: self })
    }

    #[inline(always)]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: Name,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Parts { reader: self })
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: Name,
        _: &'static [Name],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Parts { reader: self })
    }

    #[inline(always)]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: Name,
        _: &'static [Name],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a tuple or struct: its type knows how many it asks for.
struct Parts<'r, 'de> {
    reader: &'r mut Reader<'de>,
}

impl<'de> de::SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// The elements of a sequence.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        // Bytes that aren't there would be elements without end.
        if self.left == 0 || self.reader.failed {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::EnumAccess<'de> for &mut Reader<'de> {
    type Error = Error;
    type Variant = Self;

    #[inline(always)]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let number = self.varint(u32::MAX as usize) as u32;
        let number: U32Deserializer<Error> = number.into_deserializer();
        Ok((seed.deserialize(number)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    #[inline(always)]
    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    #[inline(always)]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self)
    }

    #[inline(always)]
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Parts { reader: self })
    }

    #[inline(always)]
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [Name], visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Parts { reader: self })
    }
}
