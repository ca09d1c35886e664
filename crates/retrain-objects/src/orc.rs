//! The tail of an ORC file: `footer | postscript | the postscript's length (1 byte)`.

use crate::limits::Limits;
use crate::orc_block::{Blocks, Compression};
use crate::outcome::{How, Part, Uncounted};
use crate::protobuf::Numbers;
use crate::tail::{Footer, Place};

/// `numberOfRows` of `Footer`.
const NUMBER_OF_ROWS: u64 = 6;

/// The block size of a file that does not say it.
const DEFAULT_BLOCK: u64 = 256 << 10;

/// A footer that is being read.
#[derive(Debug)]
pub(crate) struct OrcFooter {
    blocks: Blocks,
    numbers: Numbers,
}

impl Footer for OrcFooter {
    const HOW: How = How::OrcTail;

    fn locate(tail: &[u8], total: u64, limits: &Limits) -> Result<(Self, Place), Uncounted> {
        let Some((&length, before)) = tail.split_last() else {
            return Err(corrupt("it is empty"));
        };
        let Some(postscript) = before
            .len()
            .checked_sub(usize::from(length))
            .and_then(|start| before.get(start..))
        else {
            return Err(corrupt(format!(
                "its postscript is said to have {length} bytes, the whole object has {total}"
            )));
        };
        let Postscript {
            footer_length,
            compression,
            block_size,
        } = Postscript::parse(postscript)?;
        let end = total.saturating_sub(1 + u64::from(length));
        let Some(start) = end.checked_sub(footer_length) else {
            return Err(corrupt(format!(
                "its footer is said to have {footer_length} bytes, the whole object has {total}"
            )));
        };
        if footer_length > limits.max_footer_bytes {
            return Err(Uncounted::too_long(Part::OrcTail, limits.max_footer_bytes));
        }
        let block_size = usize::try_from(block_size)
            .ok()
            .filter(|size| *size <= limits.max_block_bytes)
            .ok_or(Uncounted::TooLarge {
                part: Part::OrcTail,
                limit: limits.max_block_bytes as u64,
                unit: "bytes in a block",
            })?;
        let footer = Self {
            blocks: Blocks::new(compression, block_size),
            numbers: Numbers::default(),
        };
        Ok((footer, Place { start, end }))
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<Option<u64>, Uncounted> {
        while !bytes.is_empty() {
            let mut message = self.blocks.next(&mut bytes).map_err(corrupt)?;
            while let Some((field, value)) = self.numbers.next(&mut message).map_err(corrupt)? {
                if field == NUMBER_OF_ROWS {
                    return match i64::try_from(value) {
                        Ok(_) => Ok(Some(value)),
                        Err(_) => Err(corrupt(format!("it says {value} rows"))),
                    };
                }
            }
        }
        Ok(None)
    }

    fn ended() -> Uncounted {
        corrupt("its footer ends before the number of rows")
    }
}

/// What the postscript says about the footer.
struct Postscript {
    footer_length: u64,
    compression: Compression,
    block_size: u64,
}

impl Postscript {
    fn parse(mut bytes: &[u8]) -> Result<Self, Uncounted> {
        if !bytes.ends_with(b"ORC") {
            return Err(corrupt("the postscript does not end with ORC"));
        }
        let (mut footer_length, mut compression, mut block_size) = (None, 0, DEFAULT_BLOCK);
        let mut numbers = Numbers::default();
        while let Some((field, value)) = numbers.next(&mut bytes).map_err(corrupt)? {
            match field {
                1 => footer_length = Some(value),
                2 => compression = value,
                3 => block_size = value,
                _ => {}
            }
        }
        if !numbers.may_end() {
            return Err(corrupt("the postscript ends within a field"));
        }
        Ok(Self {
            footer_length: footer_length
                .ok_or_else(|| corrupt("the postscript has no length of the footer"))?,
            compression: match compression {
                0 => Compression::None,
                1 => Compression::Zlib,
                2 => Compression::Snappy,
                3 => return Err(unsupported("LZO")),
                4 => Compression::Lz4,
                5 => Compression::Zstd,
                6 => return Err(unsupported("Brotli")),
                other => return Err(unsupported(&format!("kind {other} of"))),
            },
            block_size,
        })
    }
}

fn unsupported(compression: &str) -> Uncounted {
    Uncounted::Unsupported(format!("{compression} compression in ORC"))
}

fn corrupt(why: impl Into<String>) -> Uncounted {
    Uncounted::corrupt(Part::OrcTail, why)
}
