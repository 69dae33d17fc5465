//! Promises of the checkpoint file.

use std::path::PathBuf;

use pocketrec_data::{Names, Reading};
use safetensors::SafeTensors;

use super::*;
use crate::{KEYS, SidesNote};

fn checkpoint(model: ModelKind) -> Checkpoint {
    let options = Options {
        model,
        user_dim: 3,
        movie_dim: 3,
        hidden: vec![4],
        seed: 21,
        l2: 0.1,
        table_learning_rate: Some(0.02),
        ..Options::default()
    };
    let is_linear = model == ModelKind::Mf;
    Checkpoint {
        parameters: Parameters::initial(&options, 2, 3, 3.528_35),
        user_ids: vec![1, 9],
        movie_ids: vec![2, 5, 131_262],
        user_counts: vec![20, 33],
        movie_counts: vec![1, 2, 50],
        data: DataNote {
            name: "test".into(),
            source: "ratings \"of\" nobody/ü.csv".into(),
            fingerprint: 0x00ab_cdef_0123_4567,
            licence: "not for commercial use".into(),
            reading: Reading {
                columns: Some("user=1,item=ISBN,rating=3".parse().unwrap()),
                scale: Some("0.5..5/0.5".parse().unwrap()),
                licence: Some("not for commercial use".into()),
                titles: None,
                user_table: None,
                movie_table: None,
                item: Some("joke".parse().unwrap()),
            },
            user_names: Names::new((1..=9).map(|n| format!("a \"{n}\", ü")).collect()),
            movie_names: Names::default(),
            sides: SidesNote {
                known: vec!["age of users".into()],
                users: 77,
                movies: 78,
            },
            added: vec![Added {
                id: 900,
                title: "New, \"one\" (2001)".into(),
                genres: vec!["Drama".into()],
            }],
        },
        split: SplitNote {
            seed: u64::MAX,
            share: 0.05,
        },
        options,
        best_epoch: 6,
        newcomer: is_linear.then(|| vec![0.1, -0.2, 0.3, 1.0 / 3.0]),
        drift: model.has_biases().then(|| Drift {
            fade: 0.9,
            pull: 5.0,
            users: vec![0.25, -1.0 / 3.0],
        }),
        odds: Some(Odds {
            noise: 0.7,
            slope: -0.15,
            low: -1.3,
            high: 1.0 + 1.0 / 3.0,
            users: vec![0.9, 1.25],
        }),
        interest: None,
        validation: Some(Validation {
            ratings: 7,
            rmse: 0.9 + 1.0 / 3.0,
            movie_means: 1.25,
            personal: true,
        }),
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("pocketrec-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn what_is_written_is_read_back_in_every_bit_for_every_kind() {
    let folder = folder("checkpoint-round");
    for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
        let path = folder.join(model.name());
        let written = checkpoint(model);
        written.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), written);
    }
    let names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 3, "nothing is left beside: {names:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn names_that_are_not_those_of_the_ids_are_refused() {
    let mut wrong = checkpoint(ModelKind::Hybrid);
    wrong.data.user_names = Names::new(vec!["only one".into()]);
    let Err(Kind::Content(why)) = wrong
        .file()
        .map_err(Kind::Content)
        .and_then(|file| Checkpoint::from_bytes(&file.to_bytes()))
    else {
        panic!("taken");
    };
    assert!(
        why.contains("user 9 has no name among the 1 of user_names"),
        "{why}"
    );
}

#[test]
fn the_same_checkpoint_is_the_same_bytes() {
    let first = checkpoint(ModelKind::Hybrid)
        .unchecked()
        .unwrap()
        .to_bytes();
    for _ in 0..8 {
        assert_eq!(
            checkpoint(ModelKind::Hybrid)
                .unchecked()
                .unwrap()
                .to_bytes(),
            first
        );
    }
}

#[test]
fn a_truncated_checkpoint_is_refused_at_every_length() {
    let bytes = checkpoint(ModelKind::Mlp).unchecked().unwrap().to_bytes();
    for length in 0..bytes.len() {
        let refused = Checkpoint::from_bytes(&bytes[..length]);
        assert!(matches!(refused, Err(Kind::NotSafetensors(_))), "{length}");
    }
    Checkpoint::from_bytes(&bytes).unwrap();
}

#[test]
fn a_missing_or_broken_part_is_refused_by_name() {
    let refuse = |name: &str, change: &dyn Fn(&mut Checkpoint)| {
        let mut broken = checkpoint(ModelKind::Hybrid);
        change(&mut broken);
        let bytes = broken.unchecked().unwrap().to_bytes();
        let Err(Kind::Content(why)) = Checkpoint::from_bytes(&bytes) else {
            panic!("{name} passed");
        };
        assert!(why.contains(name), "{why:?} should name {name}");
    };
    refuse("user_ids", &|c| c.user_ids = vec![9, 1]);
    refuse("user_ids", &|c| c.user_ids.push(10));
    refuse("movie_counts", &|c| c.movie_counts.clear());
    refuse("finite", &|c| c.parameters.movie_bias[1] = f32::NAN);
    refuse("dense_0.weight", &|c| {
        c.parameters.layers[0].inputs = 5;
        c.parameters.layers[0].weight = vec![0.0; 20];
    });
    refuse("newcomer", &|c| c.newcomer = Some(vec![0.0; 3]));
    refuse("finite", &|c| c.newcomer = Some(vec![f32::INFINITY; 4]));
    refuse("user_drift", &|c| {
        c.drift.iter_mut().for_each(|drift| drift.users.push(0.0));
    });
    refuse("user_odds", &|c| {
        c.odds.iter_mut().for_each(|odds| odds.users.push(0.0));
    });
    refuse("one unit", &|c| c.parameters.layers.truncate(1));

    for key in KEYS {
        let bytes = checkpoint(ModelKind::Hybrid)
            .unchecked()
            .unwrap()
            .to_bytes();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let mut metadata = header.metadata().clone().unwrap();
        metadata.remove(key);
        let read = Checkpoint::from_parts(&file, &metadata);
        if key == "data_sides" {
            // Files of before it have none.
            assert_eq!(read.unwrap().data.sides, SidesNote::default());
            continue;
        }
        let why = read.unwrap_err();
        assert!(why.contains(key), "{why:?} should name {key}");
    }
}

#[test]
fn as_of_the_last_rating_biases_have_moved_and_nothing_else() {
    let whole = checkpoint(ModelKind::Mf);
    let last = whole.as_of_last().into_owned();
    let moved = (whole.parameters.user_bias.iter()).zip(&last.parameters.user_bias);
    let by: Vec<f32> = moved.map(|(before, after)| after - before).collect();
    assert_eq!(by, [0.25, -1.0 / 3.0]);
    let back = Checkpoint {
        parameters: whole.parameters.clone(),
        drift: whole.drift.clone(),
        ..last
    };
    assert_eq!(back, whole);
    assert!(matches!(
        checkpoint(ModelKind::Mlp).as_of_last(),
        Cow::Borrowed(_)
    ));
}

#[test]
fn a_file_that_is_not_there_is_told_by_its_path() {
    let path = Path::new("no/such/checkpoint.safetensors");
    let error = Checkpoint::read(path).unwrap_err();
    assert!(error.is_bad_input());
    assert!(error.to_string().contains("no/such/checkpoint.safetensors"));
}

#[test]
fn a_folder_in_place_of_a_file_is_told_as_one() {
    let folder = folder("checkpoint-folder");
    let error = Checkpoint::read(&folder).unwrap_err();
    assert!(error.is_bad_input());
    let text = error.to_string();
    assert!(
        text.contains("is a folder; it should be a checkpoint"),
        "{text}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let folder = folder("checkpoint-refused");
    let path = folder.join("taken");
    std::fs::create_dir_all(path.join("inside")).unwrap();
    let error = checkpoint(ModelKind::Mlp).write(&path).unwrap_err();
    assert!(!error.is_bad_input());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}
