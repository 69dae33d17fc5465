//! Groups of rows in Parquet.

use std::io;
use std::sync::Arc;

use ::parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{PrimitiveTypeBuilder, Type, TypePtr};

use super::{Cells, Kind};

/// A file whose bytes are handed on after each group.
pub struct Groups {
    writer: SerializedFileWriter<Vec<u8>>,
    kinds: Vec<Kind>,
}

impl Groups {
    /// Of these columns.
    pub fn new(columns: &[(String, Kind)]) -> io::Result<Groups> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("pocketrec ", env!("CARGO_PKG_VERSION")).into())
            .build();
        let fields: Result<Vec<TypePtr>> = columns
            .iter()
            .map(|(name, kind)| field(name, *kind))
            .collect();
        let made = fields.and_then(|fields| {
            let schema = Type::group_type_builder("schema")
                .with_fields(fields)
                .build()?;
            SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties.into())
        });
        Ok(Groups {
            writer: made.map_err(io::Error::other)?,
            kinds: columns.iter().map(|(_, kind)| *kind).collect(),
        })
    }

    /// The bytes of a group.
    pub fn group(&mut self, columns: &[Cells], rows: usize) -> io::Result<Vec<u8>> {
        self.write(columns, rows).map_err(io::Error::other)?;
        self.writer.flush()?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn write(&mut self, columns: &[Cells], rows: usize) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (cells, kind) in columns.iter().zip(&self.kinds) {
            let missing = || ParquetError::General("a column is missing".into());
            let mut column = group.next_column()?.ok_or_else(missing)?;
            match cells {
                Cells::Whole(cells) => {
                    column.typed::<Int64Type>().write_batch(cells, None, None)?;
                }
                Cells::Texts(cells) => {
                    let texts: Vec<ByteArray> =
                        cells.iter().map(|text| text.as_str().into()).collect();
                    column
                        .typed::<ByteArrayType>()
                        .write_batch(&texts, None, None)?;
                }
                Cells::Numbers(cells) => {
                    let there: Vec<i16> =
                        cells.iter().map(|cell| i16::from(!cell.is_nan())).collect();
                    let numbers: Vec<f32> = cells
                        .iter()
                        .copied()
                        .filter(|cell| !cell.is_nan())
                        .collect();
                    column
                        .typed::<FloatType>()
                        .write_batch(&numbers, Some(&there), None)?;
                }
                Cells::Lists(cells) => {
                    let length = match kind {
                        Kind::List(length) => *length,
                        _ => 0,
                    };
                    // A list of nothing takes a place of its own.
                    let places = rows * length.max(1);
                    let there = vec![i16::from(length > 0); places];
                    let goes_on: Vec<i16> = (0..places)
                        .map(|at| i16::from(!at.is_multiple_of(length.max(1))))
                        .collect();
                    column
                        .typed::<FloatType>()
                        .write_batch(cells, Some(&there), Some(&goes_on))?;
                }
            }
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// The bytes behind the last group.
    pub fn end(self) -> io::Result<Vec<u8>> {
        self.writer.into_inner().map_err(io::Error::other)
    }
}

/// A column, as the format has it.
fn field(name: &str, kind: Kind) -> Result<TypePtr> {
    let of = |name, physical, repetition| -> PrimitiveTypeBuilder<'_> {
        Type::primitive_type_builder(name, physical).with_repetition(repetition)
    };
    let made = match kind {
        Kind::Whole => of(name, Physical::INT64, Repetition::REQUIRED).build(),
        Kind::Text => of(name, Physical::BYTE_ARRAY, Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::String))
            .build(),
        Kind::Number => of(name, Physical::FLOAT, Repetition::OPTIONAL).build(),
        Kind::List(_) => {
            let element = of("element", Physical::FLOAT, Repetition::REQUIRED).build()?;
            let list = Type::group_type_builder("list")
                .with_repetition(Repetition::REPEATED)
                .with_fields(vec![Arc::new(element)])
                .build()?;
            Type::group_type_builder(name)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::List))
                .with_converted_type(ConvertedType::LIST)
                .with_fields(vec![Arc::new(list)])
                .build()
        }
    };
    made.map(Arc::new)
}
