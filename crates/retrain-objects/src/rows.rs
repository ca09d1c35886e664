//! Counting the rows of a text as it streams by.

use csv_core::{ReadRecordResult, Reader};

use crate::expand::{Opening, Sink};
use crate::outcome::{Part, Uncounted};

/// A text without its byte order mark.
#[derive(Debug)]
pub(crate) struct Unmarked<S> {
    opening: Option<Opening>,
    text: S,
}

impl<S: Sink> Unmarked<S> {
    pub(crate) fn new(text: S) -> Self {
        Self {
            opening: Some(Opening::of(3)),
            text,
        }
    }

    pub(crate) fn finish(mut self) -> Result<S, Uncounted> {
        if let Some(mut opening) = self.opening.take() {
            self.begin(&opening.all())?;
        }
        Ok(self.text)
    }

    fn begin(&mut self, first: &[u8]) -> Result<(), Uncounted> {
        match first {
            [0xef, 0xbb, 0xbf] => Ok(()),
            [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => Err(Uncounted::Unsupported("UTF-16".to_owned())),
            first => self.text.feed(first),
        }
    }
}

impl<S: Sink> Sink for Unmarked<S> {
    fn feed(&mut self, text: &[u8]) -> Result<(), Uncounted> {
        let Some(opening) = &mut self.opening else {
            return self.text.feed(text);
        };
        let Some((first, rest)) = opening.push(text) else {
            return Ok(());
        };
        self.opening = None;
        self.begin(&first)?;
        self.text.feed(rest)
    }
}

/// Counts the records of a CSV text.
#[derive(Debug)]
pub(crate) struct Csv {
    reader: Reader,
    records: u64,
    header: bool,
    /// Where the reader puts values and their ends. Nobody looks there: a record may be as
    /// long as it likes.
    values: Vec<u8>,
    ends: Vec<usize>,
}

impl Csv {
    pub(crate) fn new(header: bool) -> Self {
        let mut csv = Self {
            reader: Reader::new(),
            records: 0,
            header,
            values: vec![0; 16 << 10],
            ends: vec![0; 1 << 10],
        };
        // The reader drops a byte order mark from the first bytes that it sees, if they are
        // there in one piece. That is done elsewhere; a blank line gets it over with.
        csv.read(b"\n");
        csv
    }

    pub(crate) fn finish(mut self) -> Result<u64, Uncounted> {
        self.read(b"\n");
        let records = self.records;
        // The reader does not say whether a quote is open. If none is, this line is a record.
        self.read(b"x\n");
        if self.records == records {
            return Err(Uncounted::corrupt(
                Part::Csv,
                format!("a quote is open at its end, in record {}", records + 1),
            ));
        }
        Ok(records.saturating_sub(u64::from(self.header)))
    }

    fn read(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            let (result, taken, _, _) =
                self.reader
                    .read_record(text, &mut self.values, &mut self.ends);
            text = text.get(taken..).unwrap_or_default();
            match result {
                ReadRecordResult::Record => self.records += 1,
                ReadRecordResult::End => return,
                ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull => {}
            }
        }
    }
}

impl Sink for Csv {
    fn feed(&mut self, text: &[u8]) -> Result<(), Uncounted> {
        self.read(text);
        Ok(())
    }
}

/// Counts the lines that are not blank.
#[derive(Debug, Default)]
pub(crate) struct JsonLines {
    ended: u64,
    /// Is there something on the line that has not ended?
    open: bool,
}

impl JsonLines {
    pub(crate) const fn finish(self) -> u64 {
        self.ended + self.open as u64
    }
}

impl Sink for JsonLines {
    fn feed(&mut self, text: &[u8]) -> Result<(), Uncounted> {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text) {
            self.ended += u64::from(self.open || !is_blank(text.get(start..end)));
            self.open = false;
            start = end + 1;
        }
        self.open = self.open || !is_blank(text.get(start..));
        Ok(())
    }
}

fn is_blank(line: Option<&[u8]>) -> bool {
    line.is_none_or(|line| line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')))
}

/// Keeps a short text.
#[derive(Debug)]
pub(crate) struct Keep {
    pub(crate) text: Vec<u8>,
    pub(crate) max: usize,
}

impl Sink for Keep {
    fn feed(&mut self, text: &[u8]) -> Result<(), Uncounted> {
        if self.text.len() + text.len() > self.max {
            return Err(Uncounted::too_long(Part::Manifest, self.max as u64));
        }
        self.text.extend_from_slice(text);
        Ok(())
    }
}
