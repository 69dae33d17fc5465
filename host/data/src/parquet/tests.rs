//! Ratings in Parquet as Spark, pandas and DuckDB write them, compared with the same ratings as text.

use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::parser::parse_message_type;
use tempfile::TempDir;

use crate::reading::Reading;
use crate::{Dataset, Silent};

/// What a column is filled with.
enum Fill {
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
    Texts(Vec<String>),
    Fixed(Vec<Vec<u8>>),
    /// Whole numbers, some of them nothing.
    Some(Vec<Option<i32>>),
}

/// Writes rows as groups of at most `group`, all columns alike.
fn write(path: &Path, schema: &str, properties: WriterProperties, columns: &[Fill], group: usize) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, properties.into()).unwrap();
    let rows = match &columns[0] {
        Fill::Ints(values) => values.len(),
        Fill::Longs(values) => values.len(),
        Fill::Texts(values) => values.len(),
        _ => 0,
    };
    for start in (0..rows).step_by(group) {
        let end = rows.min(start + group);
        let mut rows = writer.next_row_group().unwrap();
        for fill in columns {
            let mut column = rows.next_column().unwrap().unwrap();
            put(&mut column, fill, start..end);
            column.close().unwrap();
        }
        rows.close().unwrap();
    }
    writer.close().unwrap();
}

fn put(column: &mut SerializedColumnWriter<'_>, fill: &Fill, part: std::ops::Range<usize>) {
    let written = match fill {
        Fill::Ints(v) => column
            .typed::<Int32Type>()
            .write_batch(&v[part], None, None),
        Fill::Longs(v) => column
            .typed::<Int64Type>()
            .write_batch(&v[part], None, None),
        Fill::Floats(v) => column
            .typed::<FloatType>()
            .write_batch(&v[part], None, None),
        Fill::Doubles(v) => column
            .typed::<DoubleType>()
            .write_batch(&v[part], None, None),
        Fill::Texts(v) => {
            let texts: Vec<ByteArray> = v[part].iter().map(|text| text.as_str().into()).collect();
            column
                .typed::<ByteArrayType>()
                .write_batch(&texts, None, None)
        }
        Fill::Fixed(v) => {
            let bytes: Vec<FixedLenByteArray> =
                v[part].iter().map(|bytes| bytes.clone().into()).collect();
            column
                .typed::<FixedLenByteArrayType>()
                .write_batch(&bytes, None, None)
        }
        Fill::Some(v) => {
            let there: Vec<i16> = v[part.clone()]
                .iter()
                .map(|v| i16::from(v.is_some()))
                .collect();
            let values: Vec<i32> = v[part].iter().flatten().copied().collect();
            column
                .typed::<Int32Type>()
                .write_batch(&values, Some(&there), None)
        }
    };
    written.unwrap();
}

fn packed(compression: Compression) -> WriterProperties {
    WriterProperties::builder()
        .set_compression(compression)
        .build()
}

/// User, movie, halves of stars and seconds of 500 ratings.
fn ratings() -> Vec<(i32, i32, i32, i64)> {
    (0..500)
        .map(|i| {
            (
                i / 20 + 3,
                i % 20 * 7 + 1,
                i * 7 % 10 + 1,
                1_000_000_000 + i64::from(i),
            )
        })
        .collect()
}

const SPARK: &str = "message spark_schema {
    REQUIRED INT32 userId; REQUIRED INT32 movieId; REQUIRED FLOAT rating; REQUIRED INT64 timestamp;
}";

fn spark(ratings: &[(i32, i32, i32, i64)]) -> [Fill; 4] {
    [
        Fill::Ints(ratings.iter().map(|r| r.0).collect()),
        Fill::Ints(ratings.iter().map(|r| r.1).collect()),
        Fill::Floats(ratings.iter().map(|r| r.2 as f32 / 2.0).collect()),
        Fill::Longs(ratings.iter().map(|r| r.3).collect()),
    ]
}

fn as_text(folder: &TempDir) -> Dataset {
    let mut text = "userId,movieId,rating,timestamp\n".to_owned();
    for (user, movie, halves, time) in ratings() {
        text += &format!("{user},{movie},{},{time}\n", halves as f32 / 2.0);
    }
    let path = folder.path().join("text.csv");
    std::fs::write(&path, text).unwrap();
    Dataset::load(&path, &Silent).unwrap()
}

fn refused(path: &Path) -> String {
    Dataset::load(path, &Silent).unwrap_err().to_string()
}

#[test]
fn parts_in_a_folder_or_of_a_pattern_are_the_ratings_of_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    let due = as_text(&folder);
    let parts = folder.path().join("ratings");
    std::fs::create_dir(&parts).unwrap();
    std::fs::write(parts.join("_SUCCESS"), "").unwrap();
    let all = ratings();
    for (at, part) in all.chunks(210).enumerate() {
        let path = parts.join(format!("part-0000{at}.snappy.parquet"));
        write(&path, SPARK, packed(Compression::SNAPPY), &spark(part), 64);
    }
    for path in [parts.clone(), parts.join("part-*.parquet")] {
        let data = Dataset::load(&path, &Silent).unwrap();
        assert_eq!(data.ratings, due.ratings);
        assert_eq!(data.fingerprint, due.fingerprint);
        assert_eq!(data.notes, []);
    }
}

#[test]
fn parts_in_folders_that_a_table_is_parted_into_are_read_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let due = as_text(&folder);
    let table = folder.path().join("ratings");
    let all = ratings();
    for (at, part) in all.chunks(210).enumerate() {
        let inner = table.join(format!("year={at}/month=1"));
        std::fs::create_dir_all(&inner).unwrap();
        let path = inner.join("part-0.parquet");
        write(&path, SPARK, packed(Compression::SNAPPY), &spark(part), 64);
    }
    std::fs::create_dir(table.join("_temporary=1")).unwrap();
    let data = Dataset::load(&table, &Silent).unwrap();
    assert_eq!(data.ratings, due.ratings);
}

#[test]
fn what_only_the_folders_say_is_a_column_of_every_row_below() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "message m { REQUIRED INT64 movieId; REQUIRED DOUBLE rating; }";
    let due = |users: &[(&str, &str)]| {
        let mut due = String::from("userId,movieId,rating\n");
        for (_, user) in users {
            for movie in 1..=3 {
                due += &format!("{user},{movie},{}.5\n", movie % 5);
            }
        }
        let path = folder.path().join("due.csv");
        std::fs::write(&path, due).unwrap();
        Dataset::load(&path, &Silent).unwrap().ratings
    };
    // Numbers, and names of which some bytes are written by their codes.
    let numbers: &[(&str, &str)] = &[("userId=12", "12"), ("userId=7", "7")];
    let names: &[(&str, &str)] = &[("userId=a%2Fb", "a/b"), ("userId=x=y", "x=y")];
    for (at, users) in [numbers, names].into_iter().enumerate() {
        let table = folder.path().join(format!("ratings{at}"));
        for (user, _) in users {
            let inner = table.join("year=2020").join(user);
            std::fs::create_dir_all(&inner).unwrap();
            let columns = vec![
                Fill::Longs((1..=3).collect()),
                Fill::Doubles((1..=3).map(|movie| f64::from(movie % 5) + 0.5).collect()),
            ];
            write(
                &inner.join("part-0.parquet"),
                rows,
                packed(Compression::SNAPPY),
                &columns,
                2,
            );
        }
        let data = Dataset::load(&table, &Silent).unwrap();
        assert_eq!(data.ratings, due(users));
        let found = data.user_names.all();
        let due: Vec<&str> = users.iter().map(|(_, name)| *name).collect();
        assert!(at == 0 && found.is_empty() || found == due, "{found:?}");
    }
    // Nobody's ratings are told as that.
    let nobody = folder
        .path()
        .join("ratings0/year=2020/userId=__HIVE_DEFAULT_PARTITION__");
    std::fs::rename(folder.path().join("ratings0/year=2020/userId=7"), &nobody).unwrap();
    let told = refused(&folder.path().join("ratings0"));
    assert!(told.contains("part-0.parquet, row 1: "), "{told}");
}

/// A few ratings packed with snappy, for tests of damage.
pub(crate) fn snappy() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let few: Vec<_> = ratings().into_iter().take(16).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    write(&path, SPARK, properties, &spark(&few), 10);
    std::fs::read(&path).unwrap()
}

#[test]
fn every_packing_and_version_gives_the_same_ratings() {
    use ::parquet::file::properties::WriterVersion;
    let folder = tempfile::tempdir().unwrap();
    let due = as_text(&folder);
    let path = folder.path().join("one.parquet");
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_writer_version(version)
                .build();
            write(&path, SPARK, properties, &spark(&ratings()), 200);
            assert_eq!(Dataset::load(&path, &Silent).unwrap().ratings, due.ratings);
        }
    }
    // As pyarrow writes them, users in a dictionary of texts and times as timestamps; the second in pages of version 2.
    for bytes in [
        &include_bytes!("zstd.parquet")[..],
        include_bytes!("gzip.parquet"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let data = Dataset::load(&path, &Silent).unwrap();
        assert_eq!(data.user_names.all(), ["u0", "u1", "u2", "u3", "u4"]);
        assert_eq!(data.ratings.movie_ids, [1, 4, 7, 10, 13, 16, 19, 22]);
        let due = (0..40).map(|i| (i * 7 % 10) as f32 / 2.0 + 0.5);
        assert!(due.eq(data.ratings.stars.iter().copied()));
        assert!((1_000_000_000..1_000_000_040).eq(data.ratings.times.iter().copied()));
    }
}

#[test]
fn decimals_texts_dates_and_cells_without_a_time_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ratings.parquet");
    let schema = "message m {
        REQUIRED BYTE_ARRAY reviewerID (UTF8); REQUIRED INT64 asin; REQUIRED FIXED_LEN_BYTE_ARRAY(3) overall (DECIMAL(5,2));
        OPTIONAL INT32 day (DATE); REQUIRED BYTE_ARRAY text (UTF8);
    }";
    let columns = [
        Fill::Texts(["zoe", "adam", "zoe"].map(String::from).into()),
        Fill::Longs(vec![5_000_000_000, 7, 7]),
        Fill::Fixed(vec![vec![0, 1, 0x5e], vec![0, 0, 100], vec![0, 1, 0xf4]]),
        Fill::Some(vec![Some(12_000), None, Some(12_001)]),
        Fill::Texts(["a", "b", "c"].map(String::from).into()),
    ];
    write(&path, schema, packed(Compression::SNAPPY), &columns, 2);
    let reading = Reading {
        columns: Some(
            "user=reviewerID,item=asin,rating=overall,time=day"
                .parse()
                .unwrap(),
        ),
        ..Reading::default()
    };
    let data = Dataset::load_as(&path, &reading, &Silent).unwrap();
    assert_eq!(data.user_names.all(), ["adam", "zoe"]);
    assert_eq!(data.movie_names.all(), ["5000000000", "7"]);
    let r = &data.ratings;
    assert_eq!(
        (&r.users[..], &r.movies[..], &r.stars[..]),
        (&[1, 0, 1][..], &[0, 1, 1][..], &[3.5, 1.0, 5.0][..])
    );
    assert_eq!(r.times, [12_000 * 86_400, 0, 12_001 * 86_400]);
    // Without being told, the day isn't known to be a time.
    assert!(!Dataset::load(&path, &Silent).unwrap().has_times);
}

#[test]
fn whole_numbers_without_a_sign_stay_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ratings.parquet");
    let write = |user: &str, movie: &str, columns: [Fill; 2]| {
        let schema = format!(
            "message m {{ REQUIRED INT32 userId ({user}); REQUIRED INT64 movieId ({movie}); REQUIRED FLOAT rating; }}"
        );
        let [users, movies] = columns;
        let columns = [users, movies, Fill::Floats(vec![4.0, 2.0])];
        write(&path, &schema, packed(Compression::SNAPPY), &columns, 10);
        Dataset::load(&path, &Silent).unwrap()
    };
    for (user, movie) in [
        ("UINT_32", "UINT_64"),
        ("INTEGER(32,false)", "INTEGER(64,false)"),
    ] {
        let small = [Fill::Ints(vec![-2, 7]), Fill::Longs(vec![1 << 31, 8])];
        let data = write(user, movie, small);
        assert_eq!(data.ratings.user_ids, [7, u32::MAX - 1], "{user}");
        assert_eq!(data.ratings.movie_ids, [8, 1 << 31], "{movie}");
        let large = [Fill::Ints(vec![1, 2]), Fill::Longs(vec![-1, 8])];
        let data = write(user, movie, large);
        assert_eq!(data.movie_names.all(), ["18446744073709551615", "8"]);
    }
}

#[test]
fn timestamps_are_seconds_whatever_they_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    for (unit, parts) in [
        ("MILLIS", 1_000i64),
        ("MICROS", 1_000_000),
        ("NANOS", 1_000_000_000),
    ] {
        let schema = format!(
            "message m {{ REQUIRED INT32 user_id; REQUIRED INT32 item_id; REQUIRED DOUBLE rating;
             REQUIRED INT64 timestamp (TIMESTAMP({unit},true)); }}"
        );
        let columns = [
            Fill::Ints(vec![1, 2]),
            Fill::Ints(vec![3, 4]),
            Fill::Doubles(vec![3.0, 4.5]),
            Fill::Longs(vec![1_000_000_000 * parts, 1_000_000_060 * parts + 1]),
        ];
        write(&path, &schema, packed(Compression::SNAPPY), &columns, 10);
        let data = Dataset::load(&path, &Silent).unwrap();
        assert_eq!(data.ratings.times, [1_000_000_000, 1_000_000_060], "{unit}");
        assert_eq!(data.ratings.stars, [3.0, 4.5]);
    }
}

#[test]
fn bad_rows_columns_and_files_are_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let mut columns = spark(&ratings());
    columns[2] = Fill::Floats(
        (0..500)
            .map(|i| if i == 333 { f32::NAN } else { 4.0 })
            .collect(),
    );
    write(&path, SPARK, packed(Compression::SNAPPY), &columns, 100);
    let told = refused(&path);
    assert!(
        told.contains("x.parquet, row 334: the rating `NaN` should be a number of stars"),
        "{told}"
    );
    let other = SPARK.replace("userId", "a").replace("movieId", "b");
    write(
        &path,
        &other,
        packed(Compression::SNAPPY),
        &spark(&ratings()),
        100,
    );
    let told = refused(&path);
    assert!(
        told.contains(
            "no column that is known to be the user or the movie; its columns are `a`, `b`"
        ),
        "{told}"
    );
    let nested = "message m { REQUIRED INT32 userId; OPTIONAL group item { REQUIRED INT32 movieId; } REQUIRED FLOAT rating; }";
    let rows = [
        Fill::Ints(vec![1]),
        Fill::Some(vec![Some(3)]),
        Fill::Floats(vec![4.0]),
    ];
    write(&path, nested, packed(Compression::SNAPPY), &rows, 100);
    let told = refused(&path);
    assert!(
        told.contains("its columns are `userId`, `item.movieId`, `rating`"),
        "{told}"
    );
    let reading = Reading {
        columns: Some("user=1,item=2,rating=3".parse().unwrap()),
        ..Reading::default()
    };
    let told = Dataset::load_as(&path, &reading, &Silent)
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("the column `item.movieId` is nested"),
        "{told}"
    );
    std::fs::write(&path, b"PARExxxxxxxxPARE").unwrap();
    assert!(refused(&path).ends_with("is encrypted; write it without encryption"));
    // By pyarrow 26, with `plaintext_footer=True`: the column of ratings is encrypted.
    std::fs::write(&path, include_bytes!("encrypted.parquet")).unwrap();
    assert!(refused(&path).ends_with("has encrypted columns; write it without encryption"));
}

#[test]
fn a_file_that_is_cut_anywhere_or_has_a_byte_changed_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let whole = snappy();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let told = refused(&path);
        assert!(
            told.contains("x.parquet is cut or damaged"),
            "{length}: {told}"
        );
    }
    // Without its beginning it ends like a whole one, and its places are others.
    for from in 1..=4 {
        std::fs::write(&path, &whole[from..]).unwrap();
        let told = refused(&path);
        assert!(
            told.contains("x.parquet is cut or damaged (it doesn't begin as Parquet does)"),
            "{from}: {told}"
        );
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        // Whatever it says now: it is read or refused.
        if let Err(error) = Dataset::load(&path, &Silent) {
            assert!(error.to_string().contains("x.parquet"), "{error}");
        }
    }
    crate::damage::no_memory_is_claimed();
}
