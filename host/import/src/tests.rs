//! From a file of another program's to the image's own predictions, compared with a plain product.

use std::io::Write;
use std::path::{Path, PathBuf};

use pocketrec_base::random::Sequence;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::{Dataset, Ratings, Titles};
use pocketrec_export::{Chosen, Precision, build};
use pocketrec_train::{ModelKind, Solver};
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::check::Due;
use crate::checkpoint::{Beside, Made, Mean, make};
use crate::found::{Found, Wishes};
use crate::npy;

/// Numbers around zero.
pub(crate) fn numbers(count: usize, seed: u64, scale: f64) -> Vec<f32> {
    let mut random = Sequence::new(seed);
    (0..count)
        .map(|_| ((random.unit() - 0.5) * 2.0 * scale) as f32)
        .collect()
}

pub(crate) fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A folder with a file in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn npz(&self, arrays: &[(&str, &str, &[u8])]) -> PathBuf {
        let path = self.0.path().join("model.npz");
        let mut writer = ZipWriter::new(std::fs::File::create(&path).unwrap());
        for (name, form, bytes) in arrays {
            let (descr, shape) = form.split_once(' ').unwrap();
            writer
                .start_file(format!("{name}.npy"), SimpleFileOptions::default())
                .unwrap();
            writer
                .write_all(&npy::written(descr, shape, bytes))
                .unwrap();
        }
        writer.finish().unwrap();
        path
    }
}

/// The tables of 2 users and 3 movies of 4 numbers, and `more`.
pub(crate) fn small(folder: &Folder, more: &[(&str, &str, &[u8])]) -> PathBuf {
    let tables = (bytes(&numbers(8, 1, 1.0)), bytes(&numbers(12, 2, 1.0)));
    let tables: [(&str, &str, &[u8]); 2] = [
        ("user_embedding", "<f4 (2, 4)", &tables.0),
        ("movie_embedding", "<f4 (3, 4)", &tables.1),
    ];
    folder.npz(&[&tables[..], more].concat())
}

pub(crate) const BARE: Beside<'_> = Beside {
    name: "made up",
    data: None,
    scale: None,
    licence: None,
    mean: None,
    dim: None,
};

pub(crate) fn imported(path: &Path, wishes: &Wishes<'_>, beside: &Beside<'_>) -> Made {
    make(Found::read(path, wishes).unwrap(), beside).unwrap()
}

pub(crate) fn refused(path: &Path, wishes: &Wishes<'_>) -> String {
    Found::read(path, wishes).unwrap_err().to_string()
}

/// A table of predictions, as a program would write it.
fn predictions(folder: &Folder, pairs: impl Iterator<Item = (String, String, f32)>) -> PathBuf {
    let mut text = "userId,movieId,prediction\n".to_owned();
    for (user, movie, predicted) in pairs {
        text += &format!("{user},{movie},{predicted}\n");
    }
    folder.file("predictions.csv", text.as_bytes())
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn an_image_of_npz_factors_predicts_their_products_to_a_hundred_thousandth() {
    let (users, movies, dim) = (30, 40, 12);
    let (p, q) = (numbers(users * dim, 1, 0.9), numbers(movies * dim, 2, 0.9));
    let ids: Vec<u8> = (0..users as i64)
        .flat_map(|row| (1000 - row * 3).to_le_bytes())
        .collect();
    let folder = Folder::new();
    let path = folder.npz(&[
        ("user_factors", "<f4 (30, 12)", &bytes(&p)),
        ("item_factors", "<f4 (40, 12)", &bytes(&q)),
        ("user_ids", "<i8 (30,)", &ids),
        // What implicit keeps beside them.
        ("factors", "<i8 ()", &12i64.to_le_bytes()),
        ("dtype", "|O ()", b"\x80\x04."),
    ]);
    let made = imported(&path, &Wishes::default(), &BARE);
    let checkpoint = &made.checkpoint;
    assert_eq!(checkpoint.parameters.model, ModelKind::Mf);
    assert_eq!(checkpoint.options.solver, Solver::Imported);
    assert_eq!(checkpoint.user_ids.first(), Some(&913));
    let all = (0..users).flat_map(|u| (0..movies).map(move |m| (u, m)));
    let due = all.map(|(u, m)| {
        let predicted = dot(&p[u * dim..][..dim], &q[m * dim..][..dim]);
        ((1000 - u * 3).to_string(), m.to_string(), predicted)
    });
    let table = predictions(&folder, due);
    let due = Due::read(&table, checkpoint).unwrap();
    let exact = due.with_image(checkpoint, Precision::F32).unwrap();
    assert_eq!(exact.count, users * movies);
    assert!(exact.holds && exact.worst < 1e-5, "{exact:?}");
    let half = due.with_image(checkpoint, Precision::F16).unwrap();
    assert!(
        half.holds && half.worst > 1e-5 && half.worst < 5e-3,
        "{half:?}"
    );
    // Numbers that half precision hasn't are zeros or its least.
    let tiny = folder.npz(&[
        ("user_factors", "<f4 (1, 2)", &bytes(&[3e-5, 900.0])),
        ("item_factors", "<f4 (1, 2)", &bytes(&[900.0, 3e-5])),
        ("user_ids", "<i4 (1,)", &[1, 0, 0, 0]),
    ]);
    let given = [
        "user_embedding=user_factors",
        "movie_embedding=item_factors",
    ];
    let given = given.map(|text| text.parse().unwrap());
    let wishes = Wishes {
        map: &given,
        ..Wishes::default()
    };
    let small = imported(&tiny, &wishes, &BARE).checkpoint;
    let rows = [("1".to_owned(), "0".to_owned(), 0.054)];
    let due_small = Due::read(&predictions(&folder, rows.into_iter()), &small).unwrap();
    assert!(due_small.with_image(&small, Precision::F16).unwrap().holds);
    // A checkpoint of it is one.
    let again = pocketrec_checkpoint::Checkpoint::read(
        &folder.file("model.safetensors", &checkpoint.file().unwrap().to_bytes()),
    );
    assert_eq!(again.unwrap(), *checkpoint);
}

#[test]
fn a_check_that_differs_names_the_worst_row() {
    let folder = Folder::new();
    let path = folder.npz(&[
        ("P", "<f4 (2, 2)", &bytes(&[1.0, 0.0, 0.0, 1.0])),
        ("Q", "<f4 (2, 2)", &bytes(&[1.0, 2.0, 3.0, 4.0])),
    ]);
    let made = imported(&path, &Wishes::default(), &BARE);
    let rows = [
        (0, 0, 1.0),
        (0, 1, 3.0),
        (1, 0, 2.5),
        (1, 1, 4.0),
        (7, 1, 4.0),
    ];
    let rows = rows.map(|(u, m, v)| (u.to_string(), m.to_string(), v));
    let due = Due::read(&predictions(&folder, rows.into_iter()), &made.checkpoint).unwrap();
    assert_eq!(due.left_out(), 1);
    let compared = due.with_image(&made.checkpoint, Precision::F32).unwrap();
    assert!(!compared.holds);
    assert_eq!(compared.at, "row 4, user 1 and movie 0: 2 where 2.5 is due");
    let empty = folder.file("other.csv", b"user,movie,prediction\n9,9,1\n");
    let told = Due::read(&empty, &made.checkpoint).unwrap_err().to_string();
    assert!(told.starts_with("none of the 1 predictions"), "{told}");
    let wrong = folder.file("wrong.csv", b"user,rank\n9,9\n");
    let told = Due::read(&wrong, &made.checkpoint).unwrap_err().to_string();
    assert!(told.contains("user, movie and prediction"), "{told}");
}

#[test]
fn biases_the_mean_and_names_for_ids_come_along() {
    // As a person saves Surprise's SVD.
    let folder = Folder::new();
    let doubles = |values: &[f64]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let path = folder.npz(&[
        ("pu", "<f8 (2, 2)", &doubles(&[0.5, 1.0, -1.0, 0.25])),
        (
            "qi",
            "<f8 (3, 2)",
            &doubles(&[1.0, 0.0, 0.0, 1.0, 2.0, 2.0]),
        ),
        ("bu", "<f8 (2,)", &doubles(&[0.1, -0.2])),
        ("bi", "<f8 (3,)", &doubles(&[0.0, 0.3, -0.5])),
        ("global_mean", "<f8 ()", &doubles(&[3.5])),
        ("user_ids", "|S5 (2,)", b"zoe\0\0adam\0"),
    ]);
    let beside = Beside {
        scale: Some("1..5".parse().unwrap()),
        ..BARE
    };
    let made = imported(&path, &Wishes::default(), &beside);
    let (c, p) = (&made.checkpoint, &made.checkpoint.parameters);
    assert_eq!((p.mean, p.scale), (3.5, (1.0, 5.0)));
    assert_eq!(c.data.user_names.all(), ["adam", "zoe"]);
    let zoe = 3.5 + 0.1 + 0.3 + 1.0;
    assert!((p.raw(1, 1) - zoe).abs() < 1e-6, "{}", p.raw(1, 1));
    let rows = [("zoe".to_owned(), "1".to_owned(), zoe)];
    let due = Due::read(&predictions(&folder, rows.into_iter()), c).unwrap();
    assert!(due.with_image(c, Precision::F32).unwrap().holds);
}

/// The lesson's network as PyTorch or Keras holds it: weights and the prediction of each pair, computed plainly.
#[test]
fn a_network_of_either_layout_predicts_as_where_it_was_trained() {
    let (users, movies, dim) = (6, 7, 4);
    let (p, q) = (numbers(users * dim, 3, 1.0), numbers(movies * dim, 4, 1.0));
    // Rows are inputs.
    let (first, first_bias) = (numbers(8 * 8, 5, 0.7), numbers(8, 6, 0.5));
    let (last, last_bias) = (numbers(8, 7, 0.9), numbers(1, 8, 3.0));
    let predict = |u: usize, m: usize| {
        let input = [&p[u * dim..][..dim], &q[m * dim..][..dim]].concat();
        let hidden: Vec<f32> = (0..8)
            .map(|o| {
                let sum: f32 = (0..8).map(|i| input[i] * first[i * 8 + o]).sum();
                (sum + first_bias[o]).max(0.0)
            })
            .collect();
        dot(&hidden, &last) + last_bias[0]
    };
    let turned: Vec<f32> = (0..64).map(|k| first[(k % 8) * 8 + k / 8]).collect();
    for linear in [true, false] {
        let names = match linear {
            true => [
                "user_embedding.weight",
                "item_embedding.weight",
                "fc1.weight",
                "fc1.bias",
                "fc2.weight",
                "fc2.bias",
            ],
            false => [
                "user/embeddings",
                "item/embeddings",
                "dense/kernel",
                "dense/bias",
                "dense_1/kernel",
                "dense_1/bias",
            ],
        };
        let values = [
            &p,
            &q,
            if linear { &turned } else { &first },
            &first_bias,
            &last,
            &last_bias,
        ];
        let shapes = [
            vec![users, dim],
            vec![movies, dim],
            vec![8, 8],
            vec![8],
            if linear { vec![1, 8] } else { vec![8, 1] },
            vec![1],
        ];
        let bytes = values.map(|values| bytes(values));
        let views = (0..6).map(|at| {
            (
                names[at],
                TensorView::new(Dtype::F32, shapes[at].clone(), &bytes[at]).unwrap(),
            )
        });
        let folder = Folder::new();
        let path = folder.file(
            "net.safetensors",
            &safetensors::serialize(views, None).unwrap(),
        );
        let made = imported(&path, &Wishes::default(), &BARE);
        let c = &made.checkpoint;
        assert_eq!(c.parameters.model, ModelKind::Mlp);
        let all = (0..users).flat_map(|u| (0..movies).map(move |m| (u, m)));
        let due = all.map(|(u, m)| (u.to_string(), m.to_string(), predict(u, m)));
        let due = Due::read(&predictions(&folder, due), c).unwrap();
        let compared = due.with_image(c, Precision::F32).unwrap();
        assert!(compared.holds, "{linear}: {compared:?}");
    }
}

#[test]
fn rows_wider_than_an_image_are_cut_and_the_loss_is_told() {
    let (users, movies, dim) = (80, 90, 48);
    // Forty-eight numbers of which few matter.
    let thin = |count: usize, seed: u64| -> Vec<f32> {
        let mut values = numbers(count * dim, seed, 1.0);
        for row in values.chunks_exact_mut(dim) {
            for (at, value) in row.iter_mut().enumerate() {
                *value *= 0.95f32.powi(at as i32);
            }
        }
        values
    };
    let (p, q) = (thin(users, 9), thin(movies, 10));
    let folder = Folder::new();
    let path = folder.npz(&[
        ("user_factors", "<f4 (80, 48)", &bytes(&p)),
        ("item_factors", "<f4 (90, 48)", &bytes(&q)),
    ]);
    let made = imported(&path, &Wishes::default(), &BARE);
    let c = &made.checkpoint;
    assert_eq!(c.parameters.user_dim, pocketrec::MAX_DIM);
    let told = made
        .notes
        .iter()
        .find(|note| note.starts_with("Rows of 48 numbers are cut to the 32"))
        .unwrap();
    assert!(told.contains("predictions move by 0.0"), "{told}");
    let all = (0..users).flat_map(|u| (0..movies).map(move |m| (u, m)));
    let due = all.map(|(u, m)| {
        (
            u.to_string(),
            m.to_string(),
            dot(&p[u * dim..][..dim], &q[m * dim..][..dim]),
        )
    });
    let due = Due::read(&predictions(&folder, due), c).unwrap();
    assert!(
        due.with_numbers(c, &made.whole.as_ref().unwrap().parameters())
            .unwrap()
            .holds
    );
    let cut = due.with_image(c, Precision::F32).unwrap();
    assert!(!cut.holds && cut.rms < 0.1, "{cut:?}");
    let fewer = imported(
        &path,
        &Wishes::default(),
        &Beside {
            dim: Some(8),
            ..BARE
        },
    );
    let fewer = due.with_image(&fewer.checkpoint, Precision::F32).unwrap();
    assert!(fewer.rms > 2.0 * cut.rms && fewer.rms < 1.0, "{fewer:?}");
}

#[test]
fn libmfs_text_is_a_model_whose_unlearned_rows_are_left_out() {
    let folder = Folder::new();
    let text = "f 0\nm 2\nn 2\nk 2\nb 3.5\np0 T 1 2 \np1 F 0 0 \nq0 T 1 1 \nq1 T 0.5 0.25 \n";
    let made = imported(
        &folder.file("model.txt", text.as_bytes()),
        &Wishes::default(),
        &BARE,
    );
    let c = &made.checkpoint;
    assert_eq!((&c.user_ids[..], &c.movie_ids[..]), (&[0][..], &[0, 1][..]));
    assert_eq!((c.parameters.raw(0, 0), c.parameters.raw(0, 1)), (3.0, 1.0));
    assert!(made.notes[0].contains("left out"), "{:?}", made.notes);
}

#[test]
fn ratings_give_the_scale_and_what_lists_add() {
    let (users, movies, dim) = (25, 30, 3);
    let (p, q) = (
        numbers(users * dim, 11, 1.0),
        numbers(movies * dim, 12, 1.0),
    );
    let folder = Folder::new();
    let path = folder.npz(&[
        ("user_factors", "<f4 (25, 3)", &bytes(&p)),
        ("item_factors", "<f4 (30, 3)", &bytes(&q)),
    ]);
    let mut ratings = Ratings {
        user_ids: (5..users as u32 + 10).collect(),
        movie_ids: (0..movies as u32).collect(),
        ..Ratings::default()
    };
    for user in 0..ratings.user_ids.len() {
        for movie in (0..movies).filter(|movie| (user + movie) % 3 != 0) {
            ratings.users.push(user as u32);
            ratings.movies.push(movie as u32);
            ratings.stars.push(1.0 + ((user * movie) % 9) as f32 / 2.0);
            ratings.times.push((user * 100 + movie) as u32);
        }
    }
    let data = Dataset::new("own".into(), ratings, Titles::default(), "free".into());
    let beside = Beside {
        data: Some(&data),
        ..BARE
    };
    let made = imported(&path, &Wishes::default(), &beside);
    let c = &made.checkpoint;
    assert_eq!(c.parameters.scale, (data.scale.min, data.scale.max));
    assert_eq!(
        (c.data.fingerprint, c.data.licence.as_str()),
        (data.fingerprint, "free")
    );
    assert_eq!(c.user_counts[..5], [0; 5]);
    assert!(
        c.user_counts[5..].iter().all(|count| *count == 20),
        "{:?}",
        c.user_counts
    );
    assert!(c.options.fame.is_some() && c.interest.is_some());
    let told = made.notes.join("; ");
    assert!(
        told.contains("RMSE") && told.contains("add --mean data"),
        "{told}"
    );
    let centred = imported(
        &path,
        &Wishes::default(),
        &Beside {
            mean: Some(Mean::Ratings),
            ..beside
        },
    );
    // Of the users that both have: the first twenty of the data.
    let known = data.ratings.users.iter().zip(&data.ratings.stars);
    let known: Vec<f32> = known
        .filter(|(user, _)| **user < 20)
        .map(|(_, stars)| *stars)
        .collect();
    let mean = known.iter().sum::<f32>() / known.len() as f32;
    assert!((centred.checkpoint.parameters.mean - mean).abs() < 1e-5);
}

/// 40 users and 300 movies of 8 numbers, and what is due of a few pairs of each.
fn of_many(folder: &Folder) -> (Checkpoint, Due) {
    let (users, movies, dim) = (40, 300, 8);
    let (p, q) = (numbers(users * dim, 1, 0.9), numbers(movies * dim, 2, 0.9));
    let path = folder.npz(&[
        ("user_factors", "<f4 (40, 8)", &bytes(&p)),
        ("item_factors", "<f4 (300, 8)", &bytes(&q)),
    ]);
    let made = imported(&path, &Wishes::default(), &BARE).checkpoint;
    let all = (0..users).flat_map(|u| (u % 7..movies).step_by(7).map(move |m| (u, m)));
    let due = all.map(|(u, m)| {
        let predicted = dot(&p[u * dim..][..dim], &q[m * dim..][..dim]);
        (u.to_string(), m.to_string(), predicted)
    });
    let due = Due::read(&predictions(folder, due), &made).unwrap();
    (made, due)
}

#[test]
fn an_image_of_any_precision_is_within_what_its_rounding_can_do() {
    let (checkpoint, due) = of_many(&Folder::new());
    for precision in Precision::ALL {
        let compared = due.with_image(&checkpoint, precision).unwrap();
        assert!(compared.holds, "{precision:?}: {compared:?}");
        assert_eq!(compared.astray, None, "{precision:?}");
        assert!(
            compared.worst <= compared.bound,
            "{precision:?}: {compared:?}"
        );
    }
}

#[test]
fn a_prediction_that_is_no_number_is_none_of_those_that_are_due() {
    let (checkpoint, due) = of_many(&Folder::new());
    let mut numbers = checkpoint.parameters.clone();
    numbers.user_embedding[0] = f32::NAN;
    let compared = due.with_numbers(&checkpoint, &numbers).unwrap();
    assert!(
        !compared.holds && compared.at.contains("NaN"),
        "{compared:?}"
    );
}

#[test]
fn an_image_of_another_model_is_told_in_any_precision() {
    let (checkpoint, due) = of_many(&Folder::new());
    let mut swapped = checkpoint.clone();
    let (a, b) = swapped.parameters.movie_embedding.split_at_mut(8);
    a.swap_with_slice(&mut b[..8]);
    let mut turned = checkpoint.clone();
    turned.parameters.user_embedding.rotate_left(8);
    let mut mirrored = checkpoint.clone();
    mirrored.parameters.movie_embedding[80..88]
        .iter_mut()
        .for_each(|x| *x = -*x);
    for precision in Precision::ALL {
        for other in [&swapped, &turned, &mirrored] {
            let wrong = build(other, &Chosen::all(other), precision).unwrap();
            let told = due
                .with_bytes(&checkpoint, precision, wrong.as_ref())
                .unwrap();
            assert!(told.astray.is_some(), "{precision:?}: {told:?}");
        }
        // Predictions of another model's are told by the worst of them.
        let compared = due.with_image(&turned, precision).unwrap();
        assert!(
            !compared.holds && compared.at.starts_with("row "),
            "{precision:?}: {compared:?}"
        );
        assert_eq!(compared.astray, None, "{precision:?}");
    }
}
