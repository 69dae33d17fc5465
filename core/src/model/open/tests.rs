//! What a slice takes, of images of every kind of table, much longer than a slice.

use super::*;
use crate::ids::{elias_fano_size, fill_bitmap, fill_elias_fano};
use crate::image::builder::{
    DenseLayer, OwnedTable, Title, dense_tables, integer_tables, room, stored_halves, write,
};
use crate::image::integers::{IntegerNetwork, SingleNetwork};
use crate::kernels::Precision;
use crate::model::facets::PAIR;
use crate::model::interest::LATEST;
use crate::numeric::pace::WALKED;
use std::vec;
use std::vec::Vec;

const MOVIES: usize = 3_000;
const USERS: usize = 1_000;
const DIM: usize = 8;
const UNITS: usize = 16;

/// What a slice may take beside its cycles, as `Opening::go_on` says: with a network, and without one.
const BESIDE: [u64; 2] = [360_000, 170_000];

fn numbers(count: usize) -> Vec<f32> {
    (0..count)
        .map(|at| (at * 7919 % 200) as f32 / 400.0 - 0.25)
        .collect()
}

fn elias_fano(kind: TableKind, ids: &[u32]) -> OwnedTable {
    let (words, low_bits) = elias_fano_size(ids).unwrap();
    let mut table = vec![0; words];
    fill_elias_fano(ids, low_bits, &mut table);
    OwnedTable::of(kind, 1, &table)
}

/// The tables that all images here have.
fn common(parts: u8, of_users: Precision) -> Vec<OwnedTable> {
    let users: Vec<u32> = (0..USERS as u32).map(|row| 5 * row).collect();
    let mut blocks = vec![[0; crate::ids::BLOCK_WORDS]; 5 * USERS / 256 + 1];
    fill_bitmap(&users, &mut blocks);
    let pairs: Vec<u32> = (0..20_000).map(|pair| pair * 150).collect();
    let latest: Vec<u8> = (0..USERS * LATEST * 2).map(|at| (at % 7) as u8).collect();
    let codebook: Vec<i8> = (0..256 * 64).map(|at| (at % 90) as i8).collect();
    let (rows, multipliers) = OwnedTable::embedding(
        TableKind::UserEmbedding,
        DIM,
        &numbers(USERS * DIM),
        of_users,
    )
    .unwrap();
    let mut tables = vec![
        OwnedTable::of(TableKind::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(TableKind::Parts, 1, &[parts]),
        OwnedTable::of(TableKind::UserIdBitmap, blocks.len(), blocks.as_flattened()),
        elias_fano(TableKind::UserSeen, &pairs),
        rows,
        OwnedTable::of(TableKind::MeanUser, 1, &numbers(DIM)),
        OwnedTable::of(TableKind::MeanUserBias, 1, &[0.0_f32]),
        OwnedTable::biases(TableKind::UserBias, &numbers(USERS), Precision::F32).unwrap(),
        OwnedTable::of(TableKind::MovieConfidence, MOVIES, &vec![9_u8; MOVIES]).with_scale(0.01),
        OwnedTable::of(TableKind::KinCode, MOVIES, &vec![3_u8; MOVIES * 8]),
        OwnedTable::of(TableKind::KinCodebook, 256, &codebook).with_scale(1.0 / 256.0),
        OwnedTable::of(TableKind::KinLevels, 1, &[200_u8; 64]),
        OwnedTable::of(TableKind::InterestCourse, 1, &[32.0_f32, 0.7]),
        OwnedTable::of(TableKind::UserLatest, USERS, &latest),
        OwnedTable::of(
            TableKind::MovieFacets,
            MOVIES / 2,
            &vec![0_u8; MOVIES / 2 * PAIR],
        ),
        OwnedTable::of(TableKind::GenreSets, 2, &[0_u32, 1]),
        OwnedTable::of(TableKind::GenreNames, 1, b"Comedy|Horror"),
        OwnedTable::of(TableKind::FirstYear, 1, &[1900_u32]),
    ];
    tables.extend(multipliers);
    tables
}

/// The tables of an MLP, with what scores in integers for movies of these, times `scale`.
fn network(integers: &[i16], scale: f32) -> Vec<OwnedTable> {
    let (first, second, third) = (numbers(2 * DIM * UNITS), numbers(UNITS * 4), numbers(4));
    let (movie_weights, bias) = (numbers(UNITS * DIM), numbers(UNITS));
    let layer = |weights, bias, activation| DenseLayer {
        weights,
        bias,
        activation,
    };
    let mut tables = dense_tables(
        &[
            layer(&first, &bias, Activation::Relu),
            layer(&second, &bias[..4], Activation::Relu),
            layer(&third, &bias[..1], Activation::Linear),
        ],
        DIM,
    );
    if !integers.is_empty() {
        let network = IntegerNetwork::new(&SingleNetwork {
            movie_weights: &movie_weights,
            movie_dim: DIM,
            movie_scale: scale,
            movie_largest: integers
                .iter()
                .map(|x| u32::from(x.unsigned_abs()))
                .max()
                .unwrap(),
            user_largest: &[2.0; UNITS],
            later: &[(&second, &bias[..4]), (&third, &bias[..1])],
        });
        let network = network.unwrap();
        tables.extend(integer_tables(&network));
        tables.push(stored_halves(&network, integers, DIM));
    }
    tables
}

/// Images of every form of ids and every precision, and what a slice of their opening may take beside its cycles.
fn images() -> Vec<(Vec<u32>, u64)> {
    let ids: Vec<u32> = (0..MOVIES as u32).map(|row| 3 * row + 1).collect();
    let precisions = [
        Precision::F32,
        Precision::F16,
        Precision::I16,
        Precision::I8,
    ];
    let mut all = Vec::new();
    for (at, precision) in precisions.into_iter().enumerate() {
        let mut tables = common(7, precision);
        tables.push(match at {
            0 => OwnedTable::of(TableKind::MovieIdSorted, MOVIES, &ids),
            _ => elias_fano(TableKind::MovieIdEliasFano, &ids),
        });
        let kind = TableKind::MovieEmbedding;
        let (rows, multipliers) =
            OwnedTable::embedding(kind, DIM, &numbers(MOVIES * DIM), precision).unwrap();
        let integers = match precision.is_integer() {
            true => rows.integers(multipliers.as_ref()),
            false => Vec::new(),
        };
        tables.extend(network(&integers, rows.scale));
        tables.extend(multipliers);
        tables.push(rows);
        let biases = OwnedTable::biases(TableKind::MovieBias, &numbers(MOVIES), precision);
        tables.push(biases.unwrap());
        all.push((tables, BESIDE[0]));
    }
    let mut coded = common(3, Precision::F16);
    let words = numbers(4 * 256 * DIM);
    let (rows, multipliers) =
        OwnedTable::embedding(TableKind::MovieEmbedding, DIM, &words, Precision::I8).unwrap();
    coded.push(rows);
    coded.extend(multipliers);
    coded
        .push(OwnedTable::biases(TableKind::MovieBias, &numbers(4 * 256), Precision::I16).unwrap());
    coded.push(OwnedTable::of(TableKind::MovieIdSorted, MOVIES, &ids));
    let codes: Vec<u8> = (0..MOVIES * 4).map(|at| at as u8).collect();
    coded.push(OwnedTable::of(TableKind::MovieCode, MOVIES, &codes));
    all.push((coded, BESIDE[1]));
    let title = Title {
        name: "slices",
        fingerprint: 1,
        license: "none",
    };
    let written = all.iter().map(|(tables, beside)| {
        let mut words = vec![0; room(tables).div_ceil(4)];
        write(title, tables, bytemuck::cast_slice_mut(&mut words)).unwrap();
        (words, *beside)
    });
    written.collect()
}

#[test]
fn a_slice_takes_its_cycles_and_a_bounded_number_beside_them() {
    for (image, beside) in images() {
        let bytes = bytemuck::cast_slice(&image);
        WALKED.set(0);
        Model::open(bytes).unwrap();
        let whole = WALKED.get();
        assert!(whole > 10 * beside, "{whole}");
        for cycles in [1_u32, 1_000, 10_000, 100_000, 1_000_000] {
            let mut opening = Opening::new(bytes);
            let mut total = 0;
            loop {
                WALKED.set(0);
                let opened = opening.go_on(cycles);
                let taken = WALKED.get();
                total += taken;
                assert!(
                    taken <= u64::from(cycles) + beside,
                    "{taken} in a slice of {cycles}"
                );
                if let Some(opened) = opened {
                    opened.unwrap();
                    break;
                }
            }
            // What is between two walks is done again, of which there is little.
            assert!(total >= whole && (cycles < 1_000_000 || total < 2 * whole));
        }
    }
}
