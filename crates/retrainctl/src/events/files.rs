//! Files of events: which there are, and what is in them.
//!
//! A file holds JSON Lines, JSON values one after the other (as Firehose writes them
//! to S3), one JSON array, or a single event; compressed with gzip or not. What it
//! holds is told by its first bytes, not by its name.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;

use super::progress::Counted;
use crate::exit::Failure;

/// How much of the lines of a file is handed on at once.
const BATCH_BYTES: usize = 1 << 20;

/// How many values of an array are handed on at once.
const BATCH_VALUES: usize = 500;

/// Standard input, as an argument.
const STDIN: &str = "-";

/// A piece of a file.
#[derive(Debug)]
pub(crate) enum Batch {
    /// Whole lines, the first of which has this number.
    Lines {
        /// Their bytes.
        bytes: Vec<u8>,
        /// The number of the first, from 1.
        first: u64,
    },
    /// Values, the first of which has this number.
    Values {
        /// The values.
        values: Vec<Value>,
        /// The number of the first, from 1.
        first: u64,
    },
    /// The rest of the file cannot be read.
    Broken {
        /// After this many values.
        after: u64,
        /// Why.
        why: String,
    },
}

/// All files that the paths name: directories are searched, hidden files and
/// documents left out.
pub(crate) fn all(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == STDIN || !path.is_dir() {
            files.push(path.clone());
        } else {
            below(path, &mut files).map_err(|error| Failure::file(path, error))?;
        }
    }
    Ok(files)
}

fn below(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_document = Path::new(name.as_ref())
            .extension()
            .is_some_and(|extension| extension == "md");
        if name.starts_with('.') || is_document {
            continue;
        }
        if path.is_dir() {
            below(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Hands on everything in a file, in order.
pub(crate) fn read(
    path: &Path,
    counted: &Counted,
    mut take: impl FnMut(Batch),
) -> Result<(), Failure> {
    let failed = |error| Failure::file(path, error);
    let source: Box<dyn Read> = if path.as_os_str() == STDIN {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let mut source = BufReader::with_capacity(1 << 16, counted.reading(source));
    let is_gzip = source
        .fill_buf()
        .map_err(failed)?
        .starts_with(&[0x1f, 0x8b]);
    let mut text: Box<dyn BufRead> = if is_gzip {
        let plain = MultiGzDecoder::new(source);
        Box::new(BufReader::with_capacity(1 << 18, plain))
    } else {
        Box::new(source)
    };
    if first_byte(&mut *text).map_err(failed)? == Some(b'[') {
        return values(text, &mut take, true).map_err(failed);
    }
    let mut line = Vec::new();
    text.read_until(b'\n', &mut line).map_err(failed)?;
    let mut on_line = serde_json::Deserializer::from_slice(&line).into_iter::<Value>();
    if on_line.all(|value| value.is_ok()) {
        lines(line, &mut *text, &mut take).map_err(failed)
    } else {
        // An event that is printed over several lines, perhaps with others after it.
        let whole = io::Cursor::new(line).chain(text);
        values(whole, &mut take, false).map_err(failed)
    }
}

/// The first byte that is no white space; what is before it is skipped.
fn first_byte(text: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = text.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace());
        let (blank, first) = (
            blank.count(),
            bytes.iter().find(|b| !b.is_ascii_whitespace()),
        );
        let first = first.copied();
        text.consume(blank);
        if first.is_some() {
            return Ok(first);
        }
    }
}

fn lines(first: Vec<u8>, text: &mut dyn BufRead, take: &mut impl FnMut(Batch)) -> io::Result<()> {
    let mut number = 1;
    let mut next = 2;
    let mut bytes = first;
    loop {
        let length = text.read_until(b'\n', &mut bytes)?;
        next += u64::from(length > 0);
        if (length == 0 && !bytes.is_empty()) || bytes.len() >= BATCH_BYTES {
            let next_bytes = Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 16);
            take(Batch::Lines {
                bytes: std::mem::replace(&mut bytes, next_bytes),
                first: number,
            });
            number = next;
        }
        if length == 0 {
            return Ok(());
        }
    }
}

fn values(text: impl Read, take: &mut impl FnMut(Batch), is_array: bool) -> io::Result<()> {
    let text = BufReader::with_capacity(1 << 18, text);
    let mut batches = Batches {
        values: Vec::new(),
        given: 0,
        take,
    };
    let read = if is_array {
        serde_json::Deserializer::from_reader(text).deserialize_seq(Elements(&mut batches))
    } else {
        let mut values = serde_json::Deserializer::from_reader(text).into_iter::<Value>();
        values.try_for_each(|value| value.map(|value| batches.add(value)))
    };
    batches.give();
    match read {
        Err(error) if error.is_io() => Err(error.into()),
        Err(error) => {
            let (after, why) = (batches.given, error.to_string());
            take(Batch::Broken { after, why });
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Values on their way.
struct Batches<'a, T: FnMut(Batch)> {
    values: Vec<Value>,
    given: u64,
    take: &'a mut T,
}

impl<T: FnMut(Batch)> Batches<'_, T> {
    fn add(&mut self, value: Value) {
        self.values.push(value);
        if self.values.len() >= BATCH_VALUES {
            self.give();
        }
    }

    fn give(&mut self) {
        let values = std::mem::take(&mut self.values);
        let first = self.given + 1;
        self.given += values.len() as u64;
        if !values.is_empty() {
            (self.take)(Batch::Values { values, first });
        }
    }
}

/// The elements of an array, one at a time: the array may be larger than the memory.
struct Elements<'a, 'b, T: FnMut(Batch)>(&'a mut Batches<'b, T>);

impl<'de, T: FnMut(Batch)> Visitor<'de> for Elements<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(value) = elements.next_element()? {
            self.0.add(value);
        }
        Ok(())
    }
}
