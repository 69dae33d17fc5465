//! What an image says of how good its model is.

use crate::image::forge;
use pocketrec::image::ImageError;
use pocketrec::image::{Element, Table, TableKind, example};
use pocketrec::model::Validation;

const KIND: TableKind = TableKind::Validation;

/// What an image with this table says, or why it is refused.
fn told(values: &[f32]) -> Result<Option<Validation>, ImageError> {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let table = Table {
        kind: KIND.number(),
        index: 0,
        required: false,
        element: Element::F32.code(),
        rows: 1,
        columns: values.len() as u32,
        scale: 1.0,
        padding: &[],
        bytes: &bytes,
    };
    let image = forge(|_| true, &[table]);
    crate::open(image.bytes()).map(|model| model.validation())
}

#[test]
fn an_image_says_how_good_its_model_is_or_nothing() {
    let image = example();
    assert_eq!(crate::open(image.bytes()).unwrap().validation(), None);
    for personal in [true, false] {
        let due = Validation {
            rmse: 0.875,
            movie_means: 1.0,
            personal,
        };
        let values = [0.875, 1.0, f32::from(u8::from(personal))];
        assert_eq!(told(&values), Ok(Some(due)));
    }
}

#[test]
fn errors_that_are_none_are_refused() {
    for (values, why) in [
        (&[0.9, 1.0][..], ImageError::Shape(KIND)),
        (&[0.9, 1.0, 1.0, 1.0], ImageError::Shape(KIND)),
        (&[-0.9, 1.0, 1.0], ImageError::Value(KIND)),
        (&[0.9, f32::NAN, 1.0], ImageError::NotFinite(KIND)),
        (&[f32::INFINITY, 1.0, 1.0], ImageError::NotFinite(KIND)),
        (&[1e-40, 1.0, 1.0], ImageError::Subnormal(KIND)),
    ] {
        assert_eq!(told(values), Err(why), "{values:?}");
    }
}
