//! What an object is made of.

/// How the rows of an object are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The object holds the rows itself.
    Data(DataFormat),
    /// A manifest of Redshift's `UNLOAD`, written with `MANIFEST VERBOSE`: it says how many
    /// rows each file has, and no file is read.
    RedshiftManifest {
        /// Was it unloaded with `HEADER`? Redshift counts the header line of each file
        /// as a row.
        header: bool,
    },
    /// A `ManifestFile` of SageMaker: a list of objects, whose rows are counted one by one,
    /// each in the format that its key tells.
    SageMakerManifest {
        /// Do listed CSV objects begin with a header?
        csv_header: bool,
    },
    /// Nobody tells: only its metadata can say how many rows it has.
    Unknown,
}

/// How an object that holds rows itself is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataFormat {
    /// Apache Parquet.
    Parquet,
    /// Apache ORC.
    Orc,
    /// Comma-separated values with double quotes; a quoted value may contain newlines.
    /// Blank lines are no rows.
    Csv {
        /// Is the first record a header and no row?
        header: bool,
    },
    /// One JSON value a line. Blank lines are no rows.
    JsonLines,
}

impl DataFormat {
    /// The format that a key's suffix tells, if it tells one.
    ///
    /// A suffix for compression is passed over, because what is compressed is seen from its
    /// first bytes. Names that begin with `_` or `.` are the side files of Hadoop's and Spark's
    /// writers, not data: `_metadata` is a footer with the row count of a whole directory.
    /// Nothing tells whether a CSV has a header: the caller must know.
    pub fn of_key(key: &str, csv_header: bool) -> Option<Self> {
        let name = key.rsplit('/').next()?.to_ascii_lowercase();
        if name.starts_with(['_', '.']) {
            return None;
        }
        let name = [".gz", ".gzip", ".zst", ".zstd"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "parquet" | "parq" => Some(Self::Parquet),
            "orc" => Some(Self::Orc),
            "csv" => Some(Self::Csv { header: csv_header }),
            "jsonl" | "jsonlines" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_of_a_key_tells_the_format() {
        let table = [
            ("a/b.parquet", Some(DataFormat::Parquet)),
            ("part-0.snappy.parquet", Some(DataFormat::Parquet)),
            ("PART-0.PARQUET", Some(DataFormat::Parquet)),
            ("part-0.zlib.orc", Some(DataFormat::Orc)),
            ("a.csv", Some(DataFormat::Csv { header: true })),
            ("a.csv.gz", Some(DataFormat::Csv { header: true })),
            ("a.jsonl.zst", Some(DataFormat::JsonLines)),
            ("a.ndjson", Some(DataFormat::JsonLines)),
            ("a.csv/part-0000", None),
            ("a.csv/", None),
            ("a.gz", None),
            ("parquet", None),
            ("_metadata.parquet", None),
            ("data/_SUCCESS", None),
            ("data/.part-0.csv.crc", None),
            ("", None),
        ];
        for (key, expected) in table {
            assert_eq!(DataFormat::of_key(key, true), expected, "{key}");
        }
    }

    #[test]
    fn whether_a_csv_has_a_header_is_said_by_the_caller() {
        assert_eq!(
            DataFormat::of_key("a.csv", false),
            Some(DataFormat::Csv { header: false })
        );
    }
}
