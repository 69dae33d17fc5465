//! Which counts an image gets, and what they add up to.

use super::*;
use crate::ImageBytes;
use crate::device::shape::FLOAT;

/// Counts that are easy to add up.
const SNAPSHOT: &str = "\
M4F workspace predict 1 0 1000 0
M4F workspace predict_for 1 0 600 0
M4F workspace predict_for_mf 1 0 100 0
M4F workspace predict_i16 1 0 2000 0
M4F workspace predict_mf 1 0 500 0
M4F workspace rank 256 0 396 0
M4F workspace rank_i16 256 0 100 0
M4F workspace rank_half 256 0 50 0
M4F workspace other 64 0 800 0
M4F workspace dim16 64 0 1300 0
M4F workspace dim32 64 0 3000 0
M4F workspace dim4 64 0 528 0
M4F workspace other_i16 64 0 400 0
M4F workspace mf 64 0 50 0
M4F workspace mf_i8 64 0 200 0
M4F workspace list_first 256 0 100 0
M4F workspace list 1792 0 80 0
M4F workspace list_interest_first 256 0 120 0
M4F workspace list_interest 1792 0 90 0
M4F workspace poll_i8 64 0 700 0
M4F workspace answer 1 0 300 0
M4F workspace interest 1 0 20000 0
M4F workspace step 1 0 300 0
M4F workspace step_i16 1 0 900 0
M4F workspace fold_in 20 0 700 0
M4F workspace fold_in_1 1 0 1500 0
M0 workspace rank 16 0 39600 0
M0 workspace predict 1 0 100000 0
M0 workspace list 256 0 500 0
M0 workspace list_interest 256 0 600 0
M0 workspace fold_in 2 0 9000 0
";

fn estimates(shape: &Shape, core: &str) -> Vec<(String, Option<(f64, String)>)> {
    works(shape, Counts::read(SNAPSHOT, core), 64_000_000)
        .into_iter()
        .map(|work| {
            let told = |estimate: Estimate| (estimate.cycles.round(), estimate.to_string());
            (work.name, work.estimate.map(told))
        })
        .collect()
}

/// The estimate of the work whose name begins so.
fn estimate(shape: &Shape, core: &str, name: &str) -> Option<(f64, String)> {
    let all = estimates(shape, core);
    let found = all.into_iter().find(|(work, _)| work.starts_with(name));
    found.unwrap_or_else(|| panic!("no work `{name}`")).1
}

fn is(estimate: Option<(f64, String)>, cycles: f64, from: &str) {
    assert_eq!(estimate, Some((cycles, from.to_owned())));
}

fn lesson(element: Element) -> Shape {
    Shape {
        movies: 1_000,
        ..Shape::plain(8, &[32, 4], element)
    }
}

#[test]
fn the_lessons_shape_gets_its_own_counts_and_they_are_told_as_counted() {
    let shape = lesson(Element::F16);
    is(estimate(&shape, FLOAT, "a prediction"), 1000.0, "`predict`");
    is(
        estimate(&shape, FLOAT, "a ranking"),
        396_000.0,
        "1,000 x `rank`",
    );
    is(estimate(&shape, FLOAT, "a step"), 300.0, "`step`");
    is(
        estimate(&shape, FLOAT, "a fold-in of 1"),
        1500.0,
        "`fold_in_1`",
    );
    is(
        estimate(&shape, FLOAT, "a fold-in of 20"),
        14_000.0,
        "20 x `fold_in`",
    );
    let shape = lesson(Element::I16);
    is(
        estimate(&shape, FLOAT, "a ranking"),
        100_000.0,
        "1,000 x `rank_i16`",
    );
    is(estimate(&shape, FLOAT, "a step"), 900.0, "`step_i16`");
}

#[test]
fn a_fold_in_counted_over_fewer_ratings_is_an_estimate() {
    let shape = lesson(Element::F16);
    is(
        estimate(&shape, "M0", "a fold-in of 20"),
        180_000.0,
        "about: 20 x `fold_in`",
    );
}

#[test]
fn work_that_nobody_counted_has_no_figure() {
    let shape = lesson(Element::F16);
    assert_eq!(estimate(&shape, "M0", "a step"), None);
    assert_eq!(estimate(&shape, "M0", "a fold-in of 1"), None);
    let shape = Shape::plain(8, &[], Element::F16);
    assert_eq!(estimate(&shape, FLOAT, "a step"), None);
}

#[test]
fn another_shape_is_scaled_by_multiply_adds_from_the_nearest_without_a_kernel() {
    // 20 x 32 + 32 x 4 + 4 + 20 = 792 multiply-adds, where rows of 16 take 660.
    let shape = Shape {
        movies: 10,
        ..Shape::plain(20, &[32, 4], Element::F16)
    };
    is(
        estimate(&shape, FLOAT, "a ranking"),
        10.0 * (1300.0 * 1.2 + 80.0 - 50.0),
        "about: 10 x (1.20 x `dim16` + `list` - `mf`)",
    );
    // Without a kernel, a multiply-add takes twice as long: 800 for 400 against 396 for 396.
    let (cycles, from) = estimate(&shape, FLOAT, "a prediction").unwrap();
    let factor = 2.0_f64 * (792.0 + 640.0) / (396.0 + 256.0);
    assert_eq!(cycles, (1000.0 * factor).round());
    assert_eq!(from, format!("about: {factor:.2} x `predict`"));
    // In software a shape takes as long as it has multiply-adds.
    is(
        estimate(&shape, "M0", "a ranking"),
        10.0 * 39_600.0 * 2.0,
        "about: 10 x 2.00 x `rank`",
    );
}

#[test]
fn rows_in_single_precision_have_no_kernel_and_learn_by_the_plain_form() {
    let shape = lesson(Element::F32);
    let (_, from) = estimate(&shape, FLOAT, "a ranking").unwrap();
    assert!(from.contains("`other`"), "{from}");
    is(
        estimate(&shape, FLOAT, "a step"),
        900.0,
        "about: `step_i16`",
    );
}

#[test]
fn integers_of_another_shape_are_scaled_from_integers() {
    let shape = Shape {
        movies: 10,
        ..Shape::plain(10, &[24, 6], Element::I8)
    };
    is(
        estimate(&shape, FLOAT, "a ranking"),
        10.0 * 430.0,
        "about: 10 x (`other_i16` + `list` - `mf`)",
    );
}

#[test]
fn stored_halves_of_dense_layer_0_have_a_count_of_their_own() {
    let mut shape = Shape {
        stored: true,
        ..lesson(Element::I16)
    };
    is(
        estimate(&shape, FLOAT, "a ranking"),
        50_000.0,
        "1,000 x `rank_half`",
    );
    shape.element = Element::I8;
    is(
        estimate(&shape, FLOAT, "a ranking"),
        50_000.0,
        "about: 1,000 x `rank_half`",
    );
}

#[test]
fn lists_without_an_mlp_take_interest_in_where_the_image_has_it() {
    let mut shape = Shape {
        movies: 100,
        confidence: true,
        ..Shape::plain(8, &[], Element::F16)
    };
    is(
        estimate(&shape, FLOAT, "a prediction"),
        500.0,
        "`predict_mf`",
    );
    is(
        estimate(&shape, FLOAT, "a ranking"),
        8_000.0,
        "100 x `list`",
    );
    (shape.interest, shape.sought) = (true, 36);
    is(
        estimate(&shape, FLOAT, "a ranking"),
        8_989.0,
        "about: 100 x (`list` + 0.99 x (`list_interest` - `list`))",
    );
    is(estimate(&shape, FLOAT, "before it"), 20_000.0, "`interest`");
    // An MLP's list takes on top what it takes without one.
    let shape = Shape {
        interest: true,
        sought: 364,
        confidence: true,
        ..lesson(Element::F16)
    };
    is(
        estimate(&shape, FLOAT, "a ranking"),
        406_000.0,
        "about: 1,000 x (`rank` + `list_interest` - `list`)",
    );
}

#[test]
fn an_image_with_tables_that_nobody_counted_has_estimates_only() {
    let shape = Shape {
        unknown: vec!["kind 300".into()],
        ..lesson(Element::F16)
    };
    is(
        estimate(&shape, FLOAT, "a prediction"),
        1000.0,
        "about: `predict`",
    );
}

#[test]
fn the_shape_of_an_image_is_read_from_its_tables() {
    let image = ImageBytes::copy(pocketrec::image::example().bytes());
    let shape = Shape::of(&image);
    let model = pocketrec::model::Model::open(image.as_ref()).unwrap();
    assert_eq!(shape.movies, model.movies());
    assert_eq!(shape.movie_dim, model.movie_dim());
    assert_eq!(shape.user_dim, model.user_dim());
    assert_eq!(shape.dot, model.parts().dot);
    let mlp = model.mlp().unwrap();
    let later = mlp.later().iter().map(|layer| layer.units());
    let units: Vec<usize> = std::iter::once(mlp.units()).chain(later).collect();
    assert_eq!(shape.units, units);
    assert!(shape.unknown.is_empty(), "{:?}", shape.unknown);
}

fn interested(shape: Shape) -> Shape {
    Shape {
        interest: true,
        ..shape
    }
}

#[test]
fn what_a_service_reckons_with_is_within_three_times_of_what_was_counted() {
    let shapes = [
        ("list", Shape::plain(8, &[], Element::F16)),
        ("list_i8", Shape::plain(8, &[], Element::I8)),
        ("rank", lesson(Element::F16)),
        ("rank_i8", lesson(Element::I8)),
        ("rank_i16", lesson(Element::I16)),
        ("other", Shape::plain(10, &[24, 6], Element::F16)),
        ("other_i16", Shape::plain(10, &[24, 6], Element::I16)),
        ("dim32", Shape::plain(32, &[32, 4], Element::F16)),
        ("list_codes", Shape::coded()),
        ("list_codes_mlp", Shape::coded_lesson()),
        (
            "list_interest",
            interested(Shape::plain(8, &[], Element::F16)),
        ),
        (
            "list_interest_i8",
            interested(Shape::plain(8, &[], Element::I8)),
        ),
        ("list_interest_codes", interested(Shape::coded())),
    ];
    let learned = [
        ("fold_in", lesson(Element::F16)),
        ("fold_in_mf", Shape::plain(8, &[], Element::F16)),
    ];
    let plain = Shape::plain(8, &[], Element::F16);
    let mut compared = 0;
    for core in ["M0", FLOAT] {
        let counts = Counts::of(core);
        let mut near = |work: &str, reckoned: u32| {
            let Some(count) = counts.get(work) else {
                return;
            };
            let factor = f64::from(reckoned) / count.cycles;
            assert!(
                (1.0 / 3.0..3.0).contains(&factor),
                "{core} {work}: {reckoned} cycles are reckoned with, {} were counted",
                count.cycles
            );
            compared += 1;
        };
        for (work, shape) in &shapes {
            near(work, shape.costs(core).ranked);
        }
        for (work, shape) in &learned {
            near(work, shape.costs(core).rating);
        }
        near("similar", plain.costs(core).compared);
        near("similar_kin", plain.costs(core).with_kin().compared);
    }
    assert!(compared > 15, "{compared}");
}

#[test]
fn a_list_is_billed_with_its_polls_and_its_answer() {
    let shape = lesson(Element::F16);
    // 2,040 cycles are reckoned with for a movie, so a poll of a 64th of 64 MHz has 490 of them.
    let (cycles, from) = estimate(&shape, FLOAT, "a list").unwrap();
    assert_eq!(
        from,
        "about: 1,000 x `rank` + 2 x `poll_i8` + `predict` + 9 x `predict_for` + `answer`"
    );
    assert_eq!(cycles, 396_000.0 + 1_400.0 + 1_000.0 + 5_400.0 + 300.0);
}

#[test]
fn the_beginning_of_a_list_is_billed_by_itself() {
    let mut shape = Shape {
        movies: 1_000,
        confidence: true,
        ..Shape::plain(8, &[], Element::F16)
    };
    let (cycles, from) = estimate(&shape, FLOAT, "a list").unwrap();
    assert_eq!(
        from,
        "about: 1,000 x `list` + 256 x (`list_first` - `list`) + `predict_mf` + 9 x `predict_for_mf` + `answer`"
    );
    assert_eq!(cycles, 80_000.0 + 5_120.0 + 500.0 + 900.0 + 300.0);
    shape.movies = 100;
    let (cycles, _) = estimate(&shape, FLOAT, "a list").unwrap();
    assert_eq!(cycles, 10_000.0 + 500.0 + 900.0 + 300.0);
}

#[test]
fn interest_is_billed_by_how_many_movies_are_known_well_enough() {
    let mut shape = Shape {
        movies: 1_000,
        sought: 182,
        confidence: true,
        ..interested(Shape::plain(8, &[], Element::F16))
    };
    is(
        estimate(&shape, FLOAT, "a ranking"),
        85_000.0,
        "about: 1,000 x (`list` + 0.50 x (`list_interest` - `list`))",
    );
    shape.sought = 364;
    is(
        estimate(&shape, FLOAT, "a ranking"),
        90_000.0,
        "1,000 x `list_interest`",
    );
}
