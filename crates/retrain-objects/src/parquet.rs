//! The footer of a Parquet file: `footer | its length (4 bytes) | PAR1`.

use crate::limits::Limits;
use crate::outcome::{How, Part, Uncounted};
use crate::tail::{Footer, Place};
use crate::thrift::Finder;

/// `num_rows` of `FileMetaData`.
const NUM_ROWS: i64 = 3;

/// A footer that is being read.
#[derive(Debug)]
pub(crate) struct ParquetFooter(Finder);

impl Footer for ParquetFooter {
    const HOW: How = How::ParquetFooter;

    fn locate(tail: &[u8], total: u64, limits: &Limits) -> Result<(Self, Place), Uncounted> {
        let Some((_, [length @ .., b'P', b'A', b'R', last])) = tail.split_last_chunk::<8>() else {
            return Err(corrupt("the file does not end with PAR1"));
        };
        match last {
            b'1' => {}
            b'E' => return Err(Uncounted::EncryptedFooter),
            _ => return Err(corrupt("the file does not end with PAR1")),
        }
        let length = u64::from(u32::from_le_bytes(*length));
        let end = total.saturating_sub(8);
        let Some(start) = end.checked_sub(length) else {
            return Err(corrupt(format!(
                "it is said to have {length} bytes, the whole object has {total}"
            )));
        };
        if length > limits.max_footer_bytes {
            return Err(Uncounted::too_long(
                Part::ParquetFooter,
                limits.max_footer_bytes,
            ));
        }
        Ok((Self(Finder::new(NUM_ROWS)), Place { start, end }))
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<Option<u64>, Uncounted> {
        match self.0.feed(bytes).map_err(corrupt)? {
            None => Ok(None),
            Some(rows) => match u64::try_from(rows) {
                Ok(rows) => Ok(Some(rows)),
                Err(_) => Err(corrupt(format!("it says {rows} rows"))),
            },
        }
    }

    fn ended() -> Uncounted {
        corrupt("it ends before the number of rows")
    }
}

fn corrupt(why: impl Into<String>) -> Uncounted {
    Uncounted::corrupt(Part::ParquetFooter, why)
}
