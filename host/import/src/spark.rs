//! The folder that Spark's `ALSModel.save` writes: `metadata`, and the factors of users and items in Parquet.

use std::path::{Path, PathBuf};

use pocketrec_data::DataError;
use pocketrec_data::parquet::{self, Part};

use crate::array::{Array, Arrays, Element};
use crate::bytes::Bytes;
use crate::error::Failed;
use crate::roles::Role;

/// The folders of factors.
const FACTORS: [(&str, Role, Role); 2] = [
    ("userFactors", Role::UserTable, Role::UserIds),
    ("itemFactors", Role::MovieTable, Role::MovieIds),
];
/// Cells that are read at once.
const BATCH: usize = 1 << 15;

/// The arrays of a model's folder, or of the model in that of a pipeline or of a search for settings; and what a person
/// should know of it, a sentence each.
///
/// # Errors
/// [`Failed`] for a folder that holds none, or whose factors aren't whole.
pub fn read(folder: &Path) -> Result<(Arrays, Vec<String>), Failed> {
    let model = find(folder).ok_or_else(|| {
        Failed::input(format!(
            "{} is a folder without userFactors and itemFactors, which Spark's ALSModel.save writes, and has no stages or \
             bestModel with them",
            folder.display()
        ))
    })?;
    let rank = rank(&model)?;
    let (mut arrays, mut notes) = (Arrays::new(), Vec::new());
    for (name, table, ids) in FACTORS {
        if !model.join(name).join("_SUCCESS").exists() {
            notes.push(format!(
                "{} has no _SUCCESS, which Spark writes behind all parts: some may be missing",
                model.join(name).display()
            ));
        }
        let (found, dim, values) = factors(&model.join(name), rank)?;
        let bytes: Vec<u8> = found.iter().flat_map(|id| id.to_le_bytes()).collect();
        let (count, range) = (found.len(), 0..bytes.len());
        let of = |why: String| Failed::input(format!("{}: {why}", model.join(name).display()));
        arrays.insert(
            ids.name().into(),
            Array::new(vec![count], Element::Signed(8), bytes.into(), range).map_err(of)?,
        );
        arrays.insert(
            table.name().into(),
            Array::of_floats(vec![count, dim], &values).map_err(of)?,
        );
    }
    Ok((arrays, notes))
}

/// The folder with the factors: the given one, that of a pipeline's stage, or that of the best model that Spark's
/// CrossValidator or TrainValidationSplit found.
fn find(folder: &Path) -> Option<PathBuf> {
    // A search for settings in a pipeline, or a pipeline in a search.
    const DEEPEST: usize = 4;
    fn within(folder: &Path, deep: usize) -> Option<PathBuf> {
        if FACTORS.iter().all(|(name, ..)| folder.join(name).is_dir()) {
            return Some(folder.to_owned());
        }
        let deep = deep.checked_sub(1)?;
        let stages = std::fs::read_dir(folder.join("stages"))
            .into_iter()
            .flatten();
        let mut inner: Vec<PathBuf> = stages.flatten().map(|stage| stage.path()).collect();
        inner.sort();
        inner.push(folder.join("bestModel"));
        inner.iter().find_map(|folder| within(folder, deep))
    }
    within(folder, DEEPEST)
}

/// How many factors the metadata say that a row has, where there are metadata.
fn rank(model: &Path) -> Result<Option<usize>, Failed> {
    let folder = model.join("metadata");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(None);
    };
    let mut parts: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    parts.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("part-")
    });
    parts.sort();
    let Some(part) = parts.first() else {
        return Ok(None);
    };
    let shown = part.display();
    let metadata: serde_json::Value =
        serde_json::from_slice(&Bytes::of(part)?).map_err(|error| {
            Failed::input(format!("{shown} isn't JSON ({error}), as Spark writes it"))
        })?;
    let class = metadata["class"].as_str().unwrap_or_default();
    if !class.ends_with(".ALSModel") {
        return Err(Failed::input(format!(
            "{shown} is of {}, and a model of Spark's is imported from an ALSModel",
            if class.is_empty() { "no class" } else { class }
        )));
    }
    Ok(metadata["rank"]
        .as_u64()
        .and_then(|rank| usize::try_from(rank).ok()))
}

/// Ids and factors of one side, all parts one behind the other.
fn factors(folder: &Path, rank: Option<usize>) -> Result<(Vec<i64>, usize, Vec<f32>), Failed> {
    let paths = parquet::parts(folder);
    if paths.is_empty() {
        return Err(Failed::input(format!(
            "{} holds no Parquet files",
            folder.display()
        )));
    }
    let (mut ids, mut values, mut dim) = (Vec::new(), Vec::new(), rank);
    for path in &paths {
        let part = Part::open(path)?;
        let names = part.names();
        let place = |wanted: &dyn Fn(&str) -> bool, what: &str| {
            names.iter().position(|name| wanted(name)).ok_or_else(|| {
                Failed::input(format!(
                    "{} has no column {what}; its columns are {}",
                    path.display(),
                    names.join(", ")
                ))
            })
        };
        let id = place(&|name| name == "id", "`id`")?;
        let features = place(&|name| name.starts_with("features"), "`features`")?;
        for group in 0..part.groups() {
            let before = ids.len();
            let mut column = part.column(group, id)?;
            loop {
                let cells = column.cells(BATCH).map_err(|why| part.damaged(why))?;
                if cells.is_empty() {
                    break;
                }
                for cell in &cells {
                    let id = cell.whole().ok_or_else(|| {
                        Failed::input(format!("{}: an id isn't a whole number", path.display()))
                    })?;
                    ids.push(id);
                }
            }
            let mut column = part.column(group, features)?;
            let (lengths, found) = column
                .lists(part.rows(group))
                .map_err(|why| part.damaged(why))?;
            let own = ids.get(before..).unwrap_or_default();
            if lengths.len() != own.len() {
                return Err(Failed::input(format!(
                    "{} is damaged: it has {} ids and {} rows of features",
                    path.display(),
                    own.len(),
                    lengths.len()
                )));
            }
            let due = *dim.get_or_insert(lengths.first().copied().unwrap_or_default());
            if let Some(at) = lengths.iter().position(|length| *length != due) {
                return Err(Failed::input(format!(
                    "{}: the row of id {} has {} factors, and the model's rank is {due}",
                    path.display(),
                    own[at],
                    lengths[at]
                )));
            }
            values.extend(found);
        }
    }
    if ids.is_empty() {
        return Err(Failed::input(format!("{} holds no rows", folder.display())));
    }
    Ok((ids, dim.unwrap_or_default(), values))
}

impl From<DataError> for Failed {
    fn from(error: DataError) -> Failed {
        match error {
            DataError::Io(path, error) => Failed::Io(path, error),
            other => Failed::input(other),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ::parquet::basic::Compression;
    use ::parquet::data_type::{FloatType, Int32Type};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    /// As Spark 3.5 writes factors.
    const SCHEMA: &str = "message spark_schema {
        REQUIRED INT32 id;
        OPTIONAL group features (LIST) { REPEATED group list { REQUIRED FLOAT element; } }
    }";

    fn part(path: &Path, rows: &[(i32, Vec<f32>)]) {
        let schema = parse_message_type(SCHEMA).unwrap().into();
        let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let file = std::fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, snappy.build().into()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let ids: Vec<i32> = rows.iter().map(|(id, _)| *id).collect();
        column
            .typed::<Int32Type>()
            .write_batch(&ids, None, None)
            .unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<f32> = rows.iter().flat_map(|(_, row)| row.clone()).collect();
        let repeated = rows
            .iter()
            .flat_map(|(_, row)| (0..row.len()).map(|at| i16::from(at > 0)));
        let repeated: Vec<i16> = repeated.collect();
        let there = vec![2i16; values.len()];
        column
            .typed::<FloatType>()
            .write_batch(&values, Some(&there), Some(&repeated))
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }

    const METADATA: &str = r#"{"class":"org.apache.spark.ml.recommendation.ALSModel","timestamp":1732800000000,
        "sparkVersion":"3.5.3","uid":"ALS_1","paramMap":{"userCol":"userId"},"rank":3}"#;

    fn row(id: i32) -> (i32, Vec<f32>) {
        (
            id,
            (0..3)
                .map(|at| (id * 7 % 11) as f32 / 4.0 - at as f32 / 3.0)
                .collect(),
        )
    }

    /// A model in two parts a side, ids in no order.
    pub(crate) fn model(folder: &Path) {
        for (name, ids) in [
            ("userFactors", [[12, 2], [31, 7]]),
            ("itemFactors", [[5, 50], [4, 40]]),
        ] {
            let folder = folder.join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("_SUCCESS"), "").unwrap();
            for (at, ids) in ids.iter().enumerate() {
                let name = format!("part-0000{at}-c000.snappy.parquet");
                part(&folder.join(name), &ids.map(row));
            }
        }
        std::fs::create_dir_all(folder.join("metadata")).unwrap();
        std::fs::write(
            folder.join("metadata/part-00000"),
            METADATA.replace('\n', " "),
        )
        .unwrap();
    }

    fn refused(folder: &Path) -> String {
        read(folder).unwrap_err().to_string()
    }

    #[test]
    fn all_parts_of_a_saved_model_are_its_rows_and_other_models_are_searched_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let stage = folder.path().join("bestModel/stages/0_ALS_1");
        model(&stage);
        // That of a pipeline, of a CrossValidator, and the ALSModel itself.
        for folder in [&folder.path().join("bestModel"), folder.path(), &stage] {
            let (arrays, notes) = read(folder).unwrap();
            assert_eq!(notes, [""; 0]);
            assert_eq!(arrays["user_ids"].integers().unwrap(), [12, 2, 31, 7]);
            assert_eq!(arrays["movie_embedding"].shape, [4, 3]);
            let due: Vec<f32> = [5, 50, 4, 40]
                .into_iter()
                .flat_map(|id| row(id).1)
                .collect();
            assert_eq!(arrays["movie_embedding"].floats().unwrap(), due);
        }
    }

    #[test]
    fn a_folder_that_spark_did_not_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        model(folder.path());
        std::fs::remove_file(folder.path().join("itemFactors/_SUCCESS")).unwrap();
        let (_, notes) = read(folder.path()).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0].contains("itemFactors has no _SUCCESS"),
            "{notes:?}"
        );
    }

    #[test]
    fn what_is_not_whole_or_no_als_model_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(refused(folder).contains("without userFactors and itemFactors"));
        model(folder);
        let path = folder.join("itemFactors/part-00001-c000.snappy.parquet");
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let told = refused(folder);
            assert!(
                told.contains("part-00001-c000.snappy.parquet is cut or damaged"),
                "{told}"
            );
        }
        part(&path, &[(4, vec![1.0; 3]), (40, vec![1.0; 2])]);
        assert!(
            refused(folder).ends_with("the row of id 40 has 2 factors, and the model's rank is 3")
        );
        std::fs::write(&path, &whole).unwrap();
        let metadata = folder.join("metadata/part-00000");
        std::fs::write(
            &metadata,
            METADATA.replace("recommendation.ALS", "clustering.KMeans"),
        )
        .unwrap();
        assert!(refused(folder).contains("clustering.KMeansModel, and a model of Spark's"));
    }
}
