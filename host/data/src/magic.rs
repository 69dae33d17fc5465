//! What a file is by its first bytes, whatever its name: packed text, which is unpacked on the way, or something that
//! isn't text, which is refused by its name.

/// Bytes that [`of`] looks at: a tar archive is told by those from the 257th on.
pub const LOOKED_AT: usize = 512;

/// What the first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, as far as can be seen.
    Text,
    /// Gzip, of one member or more.
    Gzip,
    /// Zstandard, of one frame or more.
    Zstd,
    /// A zip file.
    Zip,
    /// JSON, as far as can be seen.
    Json,
    /// Something else: what it is called, and what to do with it.
    Other(&'static str, &'static str),
}

const UNPACK: &str = "unpack it first, or pipe its text in with --data -";
const CSV: &str = "save it as CSV with the program that wrote it";
const PANDAS: &str = "make a CSV of it, for instance with pandas (`read_…` and `.to_csv(\"ratings.csv\", index=False)`)";
const PARQUET: &str =
    "name the file itself: it is read from its end, which no pipe and no packed file gives first";
const WRONG: &str = "--data should name a file of ratings";
const UTF8: &str = "save it as UTF-8, for instance with `iconv -t UTF-8`";

/// First bytes of what isn't text.
const STARTS: [(&[u8], &str, &str); 35] = [
    (b"PAR1", "a Parquet file", PARQUET),
    (b"ARROW1", "an Arrow or Feather file", PANDAS),
    (b"FEA1", "a Feather file", PANDAS),
    (b"\xff\xff\xff\xff", "an Arrow stream", PANDAS),
    (b"ORC", "an ORC file", PANDAS),
    (b"Obj\x01", "an Avro file", PANDAS),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", PANDAS),
    (b"\x93NUMPY", "a NumPy array", PANDAS),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", PANDAS),
    (b"RDX", "an R data file", CSV),
    (b"X\n\0\0", "an R data file", CSV),
    (b"$FL2", "an SPSS file", CSV),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export the table, for instance with `sqlite3 -csv -header FILE 'select … from …'`",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel workbook",
        CSV,
    ),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"\xfd7zXZ\0", "packed with xz", UNPACK),
    (b"BZh", "packed with bzip2", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"\x04\x22\x4d\x18", "packed with LZ4", UNPACK),
    (b"\xff\x06\0\0sNaPpY", "packed with Snappy", UNPACK),
    (b"LZIP", "packed with lzip", UNPACK),
    (b"\x1f\x9d", "packed with compress", UNPACK),
    (b"\x5d\0\0", "packed with LZMA", UNPACK),
    (b"%PDF", "a PDF document", WRONG),
    (b"{\\rtf", "an RTF document", WRONG),
    (b"\x89PNG", "a picture", WRONG),
    (b"\xff\xd8\xff", "a picture", WRONG),
    (b"GIF8", "a picture", WRONG),
    (b"\x7fELF", "a program", WRONG),
    (b"MZ\x90", "a program", WRONG),
    (
        b"version https://git-lfs",
        "the pointer of a file in Git LFS",
        "fetch the file with `git lfs pull`",
    ),
    (b"\xff\xfe\0\0", "in UTF-32", UTF8),
    (b"\0\0\xfe\xff", "in UTF-32", UTF8),
    (b"\xff\xfe", "in UTF-16", UTF8),
    (b"\xfe\xff", "in UTF-16", UTF8),
];

/// What `head`, the first [`LOOKED_AT`] bytes or all there are, begins.
pub fn of(head: &[u8]) -> Kind {
    if head.starts_with(b"\x1f\x8b") {
        return Kind::Gzip;
    }
    // A frame, or one of the frames that a decoder skips.
    if head.starts_with(b"\x28\xb5\x2f\xfd")
        || (head.get(1..4) == Some(b"\x2a\x4d\x18") && head[0] & 0xf0 == 0x50)
    {
        return Kind::Zstd;
    }
    // The second is of a zip without an entry, the third of one in parts.
    if [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"]
        .iter()
        .any(|zip| head.starts_with(*zip))
    {
        return Kind::Zip;
    }
    if let Some((_, name, way)) = STARTS.iter().find(|(start, ..)| head.starts_with(start)) {
        return Kind::Other(name, way);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Kind::Other("a tar archive", UNPACK);
    }
    if head.get(8..12) == Some(b"DUCK") {
        return Kind::Other(
            "a DuckDB database",
            "export the table, for instance with `copy … to 'ratings.csv' (header)`",
        );
    }
    if matches!(head, [0x80, 2..=5, ..]) {
        return Kind::Other("a Python pickle", PANDAS);
    }
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let begins = |wanted: &str| {
        text.get(..wanted.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    if begins("<!doctype html") || begins("<html") {
        return Kind::Other(
            "a web page",
            "it may be what a site said in place of the file; fetch the file again",
        );
    }
    if begins("<?xml") || begins("<") {
        return Kind::Other("XML", CSV);
    }
    if begins("{") || begins("[") {
        return Kind::Json;
    }
    if head.contains(&0) {
        return Kind::Other("not text: it has zero bytes", WRONG);
    }
    Kind::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_called_by_its_name() {
        let mut tar = vec![b'r'; 257];
        tar.extend(b"ustar\x0000");
        for (head, name) in [
            (&b"PAR1\x15\x04"[..], "a Parquet file"),
            (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive"),
            (b"SQLite format 3\0\x10", "an SQLite database"),
            (b"\xfd7zXZ\0\0", "packed with xz"),
            (b"BZh91AY", "packed with bzip2"),
            (b"Rar!\x1a\x07\x01", "a RAR archive"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"ARROW1\0\0", "an Arrow or Feather file"),
            (b"\x80\x04\x95", "a Python pickle"),
            (b"\x93NUMPY\x01", "a NumPy array"),
            (b"%PDF-1.7", "a PDF document"),
            (b"\n<!DOCTYPE HTML>", "a web page"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
            (b"\xff\xfeu\0", "in UTF-16"),
            (b"1,2\0,3", "not text: it has zero bytes"),
            (&tar, "a tar archive"),
        ] {
            assert!(
                matches!(of(head), Kind::Other(said, _) if said == name),
                "{name}"
            );
        }
    }

    #[test]
    fn ratings_are_text_and_what_is_unpacked_is_known() {
        for head in [
            "userId,movieId\n",
            "\u{feff}1,2,3\n",
            "1::2::3",
            "",
            "\"a\"",
            "X,n",
            "Oracle",
        ] {
            assert_eq!(of(head.as_bytes()), Kind::Text, "{head}");
        }
        assert_eq!(of(b"\x1f\x8b\x08"), Kind::Gzip);
        assert_eq!(of(b"\x28\xb5\x2f\xfd"), Kind::Zstd);
        assert_eq!(of(b"\x50\x2a\x4d\x18"), Kind::Zstd);
        assert_eq!(of(b"PK\x05\x06"), Kind::Zip);
        assert_eq!(of(b"{\"user_id\": 1}"), Kind::Json);
        assert_eq!(of(b"\xef\xbb\xbf[{\"a\": 1}]"), Kind::Json);
    }
}
