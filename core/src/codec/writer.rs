//! Messages to postcard's bytes.
//!
//! Of postcard's data model this knows what messages consist of: numbers of up to 32 bits, text, options, sequences,
//! tuples, structs and enums. Anything else is an error wherever it stands, so the first test of a message sees it.

use postcard::{Error, Result};
use serde::ser::{self, Impossible, Serialize};

/// Bytes that don't fit are only counted, so that writing can't fail before its end.
pub(super) struct Writer<'b> {
    pub(super) out: &'b mut [u8],
    pub(super) at: usize,
}

// None of these is inlined: a field of a message is a call, and no more.
impl Writer<'_> {
    #[inline(never)]
    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.out.get_mut(self.at) {
            *place = byte;
        }
        self.at = self.at.saturating_add(1);
    }

    #[inline(never)]
    fn varint(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    #[inline(never)]
    fn word(&mut self, mut word: u32) {
        for _ in 0..4 {
            self.byte(word as u8);
            word >>= 8;
        }
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        self.varint(text.len() as u32);
        for &byte in text.as_bytes() {
            self.byte(byte);
        }
    }
}

/// Values without parts.
macro_rules! plain {
    ($($method:ident($self:ident, $value:ident: $type:ty) $write:expr;)*) => {$(
        #[inline(always)]
        fn $method($self, $value: $type) -> Result<()> {
            $write;
            Ok(())
        }
    )*};
}

/// Values that no message has.
macro_rules! unknown {
    ($($method:ident: $type:ty)*) => {$(
        fn $method(self, _: $type) -> Result<()> {
            Err(Error::WontImplement)
        }
    )*};
}

type Name = &'static str;

impl ser::Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool(self, v: bool) self.byte(v.into());
        serialize_u8(self, v: u8) self.byte(v);
        serialize_u16(self, v: u16) self.varint(v.into());
        serialize_u32(self, v: u32) self.varint(v);
        serialize_f32(self, v: f32) self.word(v.to_bits());
        serialize_str(self, v: &str) self.text(v);
    }

    unknown! {
        serialize_i8: i8
        serialize_i16: i16
        serialize_i32: i32
        serialize_i64: i64
        serialize_u64: u64
        serialize_f64: f64
        serialize_char: char
        serialize_bytes: &[u8]
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<()> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_struct(self, _: Name) -> Result<()> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<()> {
        self.serialize_u8(0)
    }

    #[inline(always)]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<()> {
        self.byte(1);
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: Name, value: &T) -> Result<()> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self> {
        self.varint(length.ok_or(Error::SerializeSeqLengthUnknown)? as u32);
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple(self, _: usize) -> Result<Self> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: Name, _: usize) -> Result<Self> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct(self, _: Name, _: usize) -> Result<Self> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_unit_variant(self, _: Name, variant: u32, _: Name) -> Result<()> {
        self.serialize_u32(variant)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: Name,
        variant: u32,
        _: Name,
        value: &T,
    ) -> Result<()> {
        self.varint(variant);
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_tuple_variant(self, _: Name, variant: u32, _: Name, _: usize) -> Result<Self> {
        self.varint(variant);
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct_variant(self, _: Name, variant: u32, _: Name, _: usize) -> Result<Self> {
        self.varint(variant);
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap> {
        Err(Error::WontImplement)
    }

    fn collect_str<T: ?Sized + core::fmt::Display>(self, _: &T) -> Result<()> {
        Err(Error::WontImplement)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Everything with parts is its parts, one after another; names aren't written.
macro_rules! parts {
    ($($kind:ident: $method:ident($($name:ty)?);)*) => {$(
        impl ser::$kind for &mut Writer<'_> {
            type Ok = ();
            type Error = Error;

            #[inline(always)]
            fn $method<T: ?Sized + Serialize>(&mut self, $(_: $name,)? value: &T) -> Result<()> {
                value.serialize(&mut **self)
            }

            #[inline(always)]
            fn end(self) -> Result<()> {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(Name);
    SerializeStructVariant: serialize_field(Name);
}
