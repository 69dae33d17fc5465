//! Opening in slices: what it comes to is what opening at one go comes to, for every image that any of these tests opens.

use pocketrec::image::{ImageError, example};
use pocketrec::model::{Model, Opening};

/// Opens an image at one go and in slices, which must come to the same, and go on to.
pub fn open(bytes: &[u8]) -> Result<Model<'_>, ImageError> {
    let whole = Model::open(bytes);
    for cycles in [700, 20_000] {
        same(&whole, &in_slices(bytes, || cycles));
    }
    whole
}

/// What opening in slices of these cycles comes to, twice.
fn in_slices<'a>(
    bytes: &'a [u8],
    mut cycles: impl FnMut() -> u32,
) -> Result<Model<'a>, ImageError> {
    let mut opening = Opening::new(bytes);
    let mut most = 40 * bytes.len() + 10_000;
    loop {
        if let Some(opened) = opening.go_on(cycles()) {
            let again = opening.go_on(u32::MAX).expect("it stays at its end");
            same(&opened, &again);
            return opened;
        }
        most = most.checked_sub(1).expect("each slice gets somewhere");
    }
}

fn same(whole: &Result<Model<'_>, ImageError>, other: &Result<Model<'_>, ImageError>) {
    match (whole, other) {
        (Ok(whole), Ok(other)) => assert!(
            format!("{whole:?}") == format!("{other:?}"),
            "{whole:?}\nin slices {other:?}"
        ),
        (Err(whole), Err(other)) => assert_eq!(whole, other),
        _ => panic!("{whole:?}\nin slices {other:?}"),
    }
}

#[test]
fn an_image_opens_in_slices_of_any_length() {
    let image = example();
    let whole = Model::open(image.bytes());
    for cycles in (0..2_000).chain((2_000..300_000).step_by(977)) {
        same(&whole, &in_slices(image.bytes(), || cycles));
    }
    let (mut slices, mut opening) = (0, Opening::new(image.bytes()));
    while opening.go_on(1_000).is_none() {
        slices += 1;
    }
    assert!(slices > 20, "{slices}");
}

#[test]
fn what_is_wrong_with_an_image_is_the_same_in_slices() {
    let image = example();
    let mut state = 1_u32;
    for at in 0..image.bytes().len() {
        for bits in [1, 0x80, 0xff] {
            let mut damaged = image.clone();
            damaged.bytes_mut()[at] ^= bits;
            if at >= 13 {
                damaged.reseal();
            }
            let whole = Model::open(damaged.bytes());
            // Slices of many lengths, one behind the other.
            let cycles = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) >> (state & 15)
            };
            same(&whole, &in_slices(damaged.bytes(), cycles));
        }
    }
}
