//! Tables read back: Parquet by the reader that takes other programs' files, text by eye and by JSON's own reader.

use super::*;
use pocketrec_data::parquet::Part;
use pocketrec_data::parquet::column::Cell;

const COLUMNS: [(&str, Kind); 4] = [
    ("user", Kind::Whole),
    ("joke", Kind::Text),
    ("prediction", Kind::Number),
    ("features", Kind::List(2)),
];

fn cells(rows: std::ops::Range<i64>) -> Vec<Cells> {
    vec![
        Cells::Whole(rows.clone().map(|row| row * 3).collect()),
        Cells::Texts(
            rows.clone()
                .map(|row| format!("a, \"{}\"\né", row % 5))
                .collect(),
        ),
        Cells::Numbers(
            rows.clone()
                .map(|row| {
                    if row % 4 == 1 {
                        f32::NAN
                    } else {
                        row as f32 / 8.0
                    }
                })
                .collect(),
        ),
        Cells::Lists(rows.flat_map(|row| [row as f32, 0.1]).collect()),
    ]
}

/// A table of so many rows, put some at a time.
fn written(format: Format, rows: i64, at_a_time: usize) -> Vec<u8> {
    let table = Table::new(format, &COLUMNS);
    let mut bytes = Vec::new();
    let mut writer = table.to(&mut bytes).unwrap();
    for start in (0..rows).step_by(at_a_time) {
        let end = rows.min(start + at_a_time as i64);
        writer.put(table.packed(cells(start..end))).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

#[test]
fn text_has_a_line_for_each_row_and_nothing_where_there_is_no_number() {
    let csv = String::from_utf8(written(Format::Csv, 2, 1)).unwrap();
    assert_eq!(
        csv,
        "user,joke,prediction,features_0,features_1\n0,\"a, \"\"0\"\"\né\",0,0,0.1\n3,\"a, \"\"1\"\"\né\",,1,0.1\n"
    );
    let json = String::from_utf8(written(Format::JsonLines, 2, 2)).unwrap();
    let lines: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["joke"], "a, \"0\"\né");
    assert_eq!(lines[1]["prediction"], serde_json::Value::Null);
    assert_eq!(lines[1]["features"][0], 1.0);
}

#[test]
fn parquet_comes_back_through_the_reader_whatever_the_groups() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    for (rows, at_a_time) in [(0, 1), (1, 1), (10, 3), (GROUP as i64 + 30_000, 50_000)] {
        std::fs::write(&path, written(Format::Parquet, rows, at_a_time)).unwrap();
        let part = Part::open(&path).unwrap();
        let names = ["user", "joke", "prediction", "features.list.element"];
        assert_eq!(part.names(), names);
        let groups = if rows == 0 {
            0
        } else {
            1 + usize::from(rows > GROUP as i64)
        };
        assert_eq!(part.groups(), groups);
        let mut read: Vec<Vec<Cell>> = vec![Vec::new(); 3];
        let mut numbers = Vec::new();
        for group in 0..part.groups() {
            for (at, column) in read.iter_mut().enumerate() {
                column.extend(part.column(group, at).unwrap().cells(1 << 20).unwrap());
            }
            let (lengths, lists) = part
                .column(group, 3)
                .unwrap()
                .lists(part.rows(group))
                .unwrap();
            assert!(lengths.iter().all(|length| *length == 2));
            numbers.extend(lists);
        }
        let due = cells(0..rows);
        let as_cells = |cells: &Cells| -> Vec<Cell> {
            match cells {
                Cells::Whole(cells) => cells.iter().map(|cell| Cell::Whole(*cell)).collect(),
                Cells::Texts(cells) => cells
                    .iter()
                    .map(|cell| Cell::Text(cell.clone().into()))
                    .collect(),
                Cells::Numbers(cells) | Cells::Lists(cells) => cells
                    .iter()
                    .map(|cell| match cell.is_nan() {
                        true => Cell::Null,
                        false => Cell::Number((*cell).into()),
                    })
                    .collect(),
            }
        };
        for (read, due) in read.iter().zip(&due) {
            assert!(*read == as_cells(due), "{rows} rows");
        }
        assert_eq!(Cells::Lists(numbers), due[3]);
    }
}

#[test]
fn an_archive_holds_an_array_for_each_column() {
    let bytes = written(Format::Npz, 3, 2);
    let mut zip = zip::ZipArchive::new(io::Cursor::new(bytes)).unwrap();
    let mut of = |name: &str| {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut zip.by_name(name).unwrap(), &mut bytes).unwrap();
        let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!(end % 64, 0);
        (
            String::from_utf8_lossy(&bytes[10..end]).trim().to_owned(),
            bytes[end..].to_vec(),
        )
    };
    let (head, bytes) = of("user.npy");
    assert_eq!(
        head,
        "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }"
    );
    let whole: Vec<u8> = [0i64, 3, 6].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(bytes, whole);
    let (head, bytes) = of("joke.npy");
    assert_eq!(
        head,
        "{'descr': '<U8', 'fortran_order': False, 'shape': (3,), }"
    );
    assert_eq!(
        (bytes.len(), &bytes[28..36]),
        (96, &[0xe9, 0, 0, 0, b'a', 0, 0, 0][..])
    );
    let (head, bytes) = of("features.npy");
    assert_eq!(
        head,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,2,), }"
    );
    assert_eq!(bytes[8..12], 1.0f32.to_le_bytes());
}

#[test]
fn a_file_says_its_format_by_its_end() {
    for (name, format) in [
        ("a.parquet", Some(Format::Parquet)),
        ("a.PQ", Some(Format::Parquet)),
        ("a.npz", Some(Format::Npz)),
        ("a.b.csv", Some(Format::Csv)),
        ("a.ndjson", Some(Format::JsonLines)),
        ("a.json", None),
        ("csv", None),
    ] {
        assert_eq!(Format::of_name(Path::new(name)), format, "{name}");
    }
    assert!(
        "xlsx"
            .parse::<Format>()
            .unwrap_err()
            .contains("parquet, npz, csv or jsonl")
    );
}
