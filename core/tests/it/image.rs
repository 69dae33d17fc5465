//! Images that are cut, flipped, forged and newer than their reader.

use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::ImageError;
use pocketrec::image::{
    AlignedBytes, Element, Image, ImageWriter, MAX_TABLES, Table, TableKind, WriteError, example,
};
use pocketrec::model::{LIMIT, Model};
use pocketrec::rank::{Nearest, TopN};

/// Asks an accepted model everything there is, and requires finite answers in bounds.
pub fn answers_in_bounds(model: &Model<'_>) {
    let scale = model.scale();
    let finite = |x: f32| assert!(x.is_finite() && x.abs() <= LIMIT, "{x}");
    let movies = model.movies().min(64);
    let mut users = vec![
        model.mean_user(),
        model.user_state(&[f32::NAN, f32::INFINITY, -1e38], f32::NAN),
    ];
    for row in 0..model.users().min(16) {
        let id = model.user_ids().unwrap().id(row).unwrap();
        assert_eq!(model.user_ids().unwrap().row(id), Some(row));
        users.push(model.user(UserId(id)).unwrap());
    }
    for row in 0..movies {
        let id = model.movie_ids().id(row).unwrap();
        assert_eq!(model.movie_ids().row(id), Some(row));
        for user in &users {
            finite(model.score(user, row));
            let stars = model.predict_for(user, MovieId(id)).unwrap();
            assert!(stars >= scale.lowest && stars <= scale.highest);
        }
        let cosine = model.similarity(row, (row * 7 + 1) % model.movies());
        assert!((-1.0..=1.0).contains(&cosine));
    }
    finite(model.score(&users[0], u32::MAX));
    let mut top = TopN::<5>::new();
    while !top
        .advance(model, &users[0], |id| id != MovieId(20), 3)
        .is_done()
    {}
    for hit in top.hits() {
        finite(hit.score);
        assert!(model.movie_row(hit.movie).is_ok() && hit.movie != MovieId(20));
    }
    let mut nearest = Nearest::<5>::with_limit(5, model, 0);
    while !nearest.advance(model, 3).is_done() {}
    assert!(nearest.hits().len() <= 5);
    #[cfg(feature = "learn")]
    {
        use pocketrec::{learn, profile::Private};
        let mut own = Private::mean(model);
        for row in 0..movies.min(8) {
            learn::step(
                model,
                &mut own,
                row,
                scale.highest,
                learn::StepOptions::DEFAULT,
            );
            assert!(own.bias.is_finite() && own.row.iter().all(|x| x.is_finite()));
        }
    }
}

#[test]
fn the_example_opens_and_answers() {
    let image = example();
    let model = crate::open(image.bytes()).unwrap();
    assert_eq!((model.movies(), model.users()), (4, 3));
    assert_eq!(model.header().name, "example");
    assert_eq!(model.parts().name(), "hybrid");
    answers_in_bounds(&model);
}

#[test]
fn a_truncated_image_is_refused_at_every_length() {
    let image = example();
    for length in 0..image.bytes().len() {
        assert!(
            crate::open(&image.bytes()[..length]).is_err(),
            "{length} bytes were enough"
        );
    }
}

#[test]
fn a_region_longer_than_its_image_opens() {
    let image = example();
    let mut region = AlignedBytes::<400>::new();
    region.bytes_mut().fill(0xff);
    region.bytes_mut()[..image.bytes().len()].copy_from_slice(image.bytes());
    assert!(crate::open(region.bytes()).is_ok());
}

#[test]
fn every_single_bit_flip_is_refused() {
    let mut image = example();
    for bit in 0..image.bytes().len() * 8 {
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        assert!(crate::open(image.bytes()).is_err(), "bit {bit}");
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(crate::open(image.bytes()).is_ok());
}

#[test]
fn a_flipped_and_resealed_image_is_refused_by_name_or_answers_in_bounds() {
    let (mut accepted, mut refused) = (0, std::collections::BTreeMap::new());
    let original = example();
    for bit in 0..original.bytes().len() * 8 {
        let mut image = original.clone();
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        image.reseal();
        match crate::open(image.bytes()) {
            Ok(model) => {
                accepted += 1;
                answers_in_bounds(&model);
            }
            Err(why) => *refused.entry(why.to_numbers().0).or_insert(0) += 1,
        }
    }
    // Both happen, and the refusals have many names, so the test can't pass by refusing everything.
    assert!(accepted > 500, "{accepted} accepted");
    assert!(refused.len() >= 9, "{refused:?}");
}

#[test]
fn several_resealed_flips_and_noise_never_panic() {
    let original = example();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..4000 {
        let mut image = original.clone();
        let length = image.bytes().len();
        for _ in 0..1 + random() % 6 {
            image.bytes_mut()[random() % length] = random() as u8;
        }
        image.reseal();
        if let Ok(model) = crate::open(image.bytes()) {
            answers_in_bounds(&model);
        }
    }
}

#[test]
fn an_unaligned_image_is_refused() {
    let image = example();
    let mut shifted = AlignedBytes::<400>::new();
    let end = 1 + image.bytes().len();
    shifted.bytes_mut()[1..end].copy_from_slice(image.bytes());
    assert_eq!(
        crate::open(&shifted.bytes()[1..end]).err(),
        Some(ImageError::Misaligned)
    );
}

/// An image that is made out of another.
pub type Forged = AlignedBytes<1024>;

/// The example's tables, changed by `change`, and others behind them.
pub fn forge(change: impl Fn(&mut Table<'_>) -> bool, more: &[Table<'_>]) -> Forged {
    let original = example();
    let image = Image::parse(original.bytes()).unwrap();
    let mut tables: Vec<Table<'_>> = Vec::new();
    for table in image.tables() {
        let mut table = table.unwrap();
        if change(&mut table) {
            tables.push(table);
        }
    }
    tables.extend_from_slice(more);
    let mut forged = AlignedBytes::new();
    let header = image.header;
    let mut writer = ImageWriter::new(
        forged.bytes_mut(),
        header.name,
        header.fingerprint,
        header.license,
        tables.len() as u16,
    )
    .unwrap();
    for table in tables {
        writer.raw(table).unwrap();
    }
    let length = writer.finish().unwrap();
    forged.truncate(length);
    forged
}

pub fn refusal(change: impl Fn(&mut Table<'_>) -> bool, more: &[Table<'_>]) -> Option<ImageError> {
    crate::open(forge(change, more).bytes()).err()
}

pub fn is(table: &Table<'_>, kind: TableKind) -> bool {
    table.kind == kind.number()
}

const FUTURE: Table<'static> = Table {
    kind: 4711,
    index: 3,
    required: false,
    element: 200,
    rows: u32::MAX,
    columns: 0,
    scale: 0.0,
    padding: &[],
    bytes: &[1, 2, 3, 4, 5],
};

#[test]
fn an_optional_table_of_an_unknown_kind_is_skipped_and_a_required_one_refused_by_name() {
    assert_eq!(refusal(|_| true, &[FUTURE]), None);
    let required = Table {
        required: true,
        ..FUTURE
    };
    assert_eq!(
        refusal(|_| true, &[required]),
        Some(ImageError::UnknownTable { kind: 4711 })
    );
}

#[test]
fn an_image_of_as_many_tables_as_there_may_be_opens_and_one_more_is_refused_by_the_number() {
    let own = Image::parse(example().bytes()).unwrap().header.tables;
    let most = vec![FUTURE; usize::from(MAX_TABLES - own)];
    let whole = forge(|_| true, &most);
    answers_in_bounds(&crate::open(whole.bytes()).unwrap());
    // One more than the writer lets through: the count is the header's last byte.
    let mut image = forge(|_| true, &most);
    let name = image.bytes()[13];
    let license = 13 + 1 + usize::from(name) + 8;
    let count = license + 1 + usize::from(image.bytes()[license]);
    assert_eq!(u16::from(image.bytes()[count]), MAX_TABLES);
    image.bytes_mut()[count] += 1;
    image.reseal();
    let due = ImageError::TooManyTables {
        found: MAX_TABLES + 1,
    };
    assert_eq!(crate::open(image.bytes()).err(), Some(due));
    assert!(due.to_string().contains("65 tables"), "{due}");
    let mut buffer = [0; 200];
    assert_eq!(
        ImageWriter::new(&mut buffer, "", 0, "", MAX_TABLES + 1).err(),
        Some(WriteError::TooManyTables {
            announced: MAX_TABLES + 1
        })
    );
    assert!(ImageWriter::new(&mut buffer, "", 0, "", MAX_TABLES).is_ok());
}

#[test]
fn a_missing_table_is_named() {
    for kind in TableKind::ALL {
        let present = Image::parse(example().bytes())
            .unwrap()
            .tables()
            .any(|t| is(&t.unwrap(), kind));
        if !present {
            continue;
        }
        let found = refusal(|table| !is(table, kind), &[]);
        // Users without ids or rows, and ids in another form, are named by the table that would be there.
        assert!(
            matches!(found, Some(ImageError::Missing(_))),
            "{kind}: {found:?}"
        );
    }
}

#[test]
fn a_table_that_occurs_twice_is_named() {
    let scale = [3.5_f32, 0.5, 5.0, 0.5].map(f32::to_le_bytes).concat();
    let again = Table {
        kind: TableKind::RatingScale.number(),
        index: 0,
        required: true,
        element: Element::F32.code(),
        rows: 1,
        columns: 4,
        scale: 1.0,
        padding: &[],
        bytes: &scale,
    };
    assert_eq!(
        refusal(|_| true, &[again]),
        Some(ImageError::Duplicate(TableKind::RatingScale))
    );
    let ids = 7_u32.to_le_bytes();
    let ids = [ids, ids].concat();
    let range = Table {
        kind: TableKind::MovieIdRange.number(),
        element: Element::U32.code(),
        rows: 1,
        columns: 2,
        bytes: &ids,
        ..again
    };
    assert!(matches!(
        refusal(|_| true, &[range]),
        Some(ImageError::Duplicate(_))
    ));
}

#[test]
fn row_counts_of_zero_and_of_u32_max_are_refused_by_table() {
    for kind in TableKind::ALL {
        let present = Image::parse(example().bytes())
            .unwrap()
            .tables()
            .any(|t| is(&t.unwrap(), kind));
        if !present {
            continue;
        }
        for (rows, expected) in [
            (0, ImageError::Shape(kind)),
            (u32::MAX, ImageError::Size(kind)),
        ] {
            let change = |table: &mut Table<'_>| {
                if is(table, kind) {
                    table.rows = rows;
                }
                true
            };
            assert_eq!(refusal(change, &[]), Some(expected), "{rows} rows");
        }
        let wrapping = |table: &mut Table<'_>| {
            if is(table, kind) {
                (table.rows, table.columns) = (1 << 31, 1 << 31);
            }
            true
        };
        assert_eq!(
            refusal(wrapping, &[]),
            Some(ImageError::Size(kind)),
            "a product that wraps"
        );
    }
}

#[test]
fn ids_that_do_not_ascend_are_refused() {
    for ids in [[10_u32, 300, 20, 4000], [10, 20, 20, 4000], [0, 0, 0, 0]] {
        let bytes = ids.map(u32::to_le_bytes).concat();
        let found = refusal(
            |table| !is(table, TableKind::MovieIdSorted),
            &[Table {
                kind: TableKind::MovieIdSorted.number(),
                index: 0,
                required: true,
                element: Element::U32.code(),
                rows: 4,
                columns: 1,
                scale: 1.0,
                padding: &[],
                bytes: &bytes,
            }],
        );
        assert_eq!(found, Some(ImageError::Ids(TableKind::MovieIdSorted)));
    }
}

#[test]
fn a_length_that_exceeds_or_wraps_is_refused_where_it_stands() {
    let image = example();
    let plain = image.bytes();
    // The last table is the activations, two bytes behind its length.
    let at = plain.len() - 3;
    assert_eq!(plain[at], 2);
    for forged in [3, 0x7f, 0xff] {
        let mut image = image.clone();
        image.bytes_mut()[at] = forged;
        image.reseal();
        assert_eq!(
            crate::open(image.bytes()).err(),
            Some(ImageError::Table { at: 15 }),
            "length {forged}"
        );
    }
    let mut shorter = image.clone();
    shorter.bytes_mut()[at] = 1;
    shorter.reseal();
    assert!(matches!(
        crate::open(shorter.bytes()).err(),
        Some(ImageError::Alignment(_) | ImageError::Size(_) | ImageError::Trailing { .. })
    ));
}

#[test]
fn weights_that_are_not_finite_or_subnormal_are_refused_by_table() {
    for (bits, subnormal) in [
        (0x7f80_0000_u32, false),
        (0xffc0_0000, false),
        (1, true),
        (0x807f_ffff, true),
    ] {
        let bytes = [bits.to_le_bytes(), bits.to_le_bytes()].concat();
        for kind in [TableKind::MeanUser, TableKind::MovieEmbedding] {
            let (element, rows) = (
                Element::F32,
                if kind == TableKind::MeanUser { 1 } else { 4 },
            );
            let bytes = bytes.repeat(rows as usize);
            let table = Table {
                kind: kind.number(),
                index: 0,
                required: true,
                element: element.code(),
                rows,
                columns: 2,
                scale: 1.0,
                padding: &[],
                bytes: &bytes,
            };
            let expected = if subnormal {
                ImageError::Subnormal(kind)
            } else {
                ImageError::NotFinite(kind)
            };
            assert_eq!(refusal(|t| !is(t, kind), &[table]), Some(expected));
        }
    }
    for (half, subnormal) in [
        (0x7c00_u16, false),
        (0xfe00, false),
        (0x03ff, true),
        (0x8001, true),
    ] {
        let kind = TableKind::MovieBias;
        let bytes = half.to_le_bytes().repeat(4);
        let table = Table {
            kind: kind.number(),
            index: 0,
            required: true,
            element: Element::F16.code(),
            rows: 4,
            columns: 1,
            scale: 1.0,
            padding: &[],
            bytes: &bytes,
        };
        let expected = if subnormal {
            ImageError::Subnormal(kind)
        } else {
            ImageError::NotFinite(kind)
        };
        assert_eq!(refusal(|t| !is(t, kind), &[table]), Some(expected));
    }
}

/// The example with the f32 table `kind` (and `index`) filled with `value`.
fn filled(kind: TableKind, index: u8, value: f32) -> Forged {
    let original = example();
    let image = Image::parse(original.bytes()).unwrap();
    let table = image
        .tables()
        .map(Result::unwrap)
        .find(|t| is(t, kind) && t.index == index)
        .unwrap();
    assert_eq!(table.element, Element::F32.code());
    let bytes = value.to_le_bytes().repeat(table.bytes.len() / 4);
    forge(
        |t| !(is(t, kind) && t.index == index),
        &[Table {
            bytes: &bytes,
            ..table
        }],
    )
}

#[test]
fn a_model_that_could_pass_the_limit_is_refused_by_layer() {
    let cases = [
        (
            TableKind::DenseUserWeights,
            0,
            ImageError::LayerBound { layer: 0 },
        ),
        (
            TableKind::DenseMovieWeights,
            0,
            ImageError::LayerBound { layer: 0 },
        ),
        (TableKind::DenseBias, 0, ImageError::LayerBound { layer: 0 }),
        (
            TableKind::DenseWeights,
            1,
            ImageError::LayerBound { layer: 1 },
        ),
        (TableKind::DenseBias, 1, ImageError::LayerBound { layer: 1 }),
        (TableKind::MeanUser, 0, ImageError::DotBound),
        (TableKind::MeanUserBias, 0, ImageError::SumBound),
    ];
    for (kind, index, expected) in cases {
        let image = filled(kind, index, 1.5e30);
        assert_eq!(
            crate::open(image.bytes()).err(),
            Some(expected),
            "{kind} {index}"
        );
        let image = filled(kind, index, f32::MAX);
        assert!(
            crate::open(image.bytes()).is_err(),
            "{kind} {index} at f32::MAX"
        );
    }
    // Large and legal: nothing passes the limit, and everything stays finite.
    for (kind, index) in [
        (TableKind::DenseWeights, 1),
        (TableKind::DenseUserWeights, 0),
        (TableKind::MeanUser, 0),
    ] {
        let image = filled(kind, index, 1.0e27);
        answers_in_bounds(&crate::open(image.bytes()).unwrap());
    }
}

#[test]
fn every_image_error_survives_its_way_over_the_wire() {
    let mut known = 0;
    for code in 0..=u8::MAX {
        for a in [0, 1, 2, 32, 35] {
            if let Some(error) = ImageError::from_numbers(code, a, 9) {
                let (c, x, y) = error.to_numbers();
                assert_eq!(ImageError::from_numbers(c, x, y), Some(error));
                assert_eq!(c, code);
                assert!(!error.to_string().is_empty());
                known += 1;
            }
        }
    }
    assert!(known > 60, "{known}");
}
