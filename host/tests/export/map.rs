//! The movies of an image on a plane.

use super::*;

#[test]
fn a_map_has_a_line_for_each_movie_of_the_image_with_its_place() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    place.succeeds(&["map"]);
    let text = std::fs::read_to_string(place.path("target/pocketrec/model.map.tsv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    assert_eq!(header, "movieId\ttitle\tgenres\tratings\tx\ty");
    let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split('\t').collect()).collect();
    assert_eq!(rows.len(), 30);
    assert_eq!(
        rows[2][..3],
        ["30", "Part 3, The (1903)", "Comedy|Drama"],
        "{text}"
    );
    for row in &rows {
        assert!(row[3].parse::<u32>().unwrap() > 0, "{row:?}");
        for axis in &row[4..] {
            assert!(axis.parse::<f32>().unwrap().abs() <= 1.0, "{row:?}");
        }
    }
    let told = place.fails(2, &["map", "--titles", "none"]);
    contains(&told, &["has no titles to name on a map"]);
}
