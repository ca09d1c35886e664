//! The compressed blocks in which ORC writes its footer.
//!
//! A block begins with three bytes: its length, shifted left by one, and whether it was left
//! as it is because compression did not help.

use flate2::{Decompress, FlushDecompress, Status};

/// How a file compresses its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Zlib,
    Snappy,
    Lz4,
    Zstd,
}

/// Puts blocks together again, piece by piece. One block is kept at a time.
#[derive(Debug)]
pub(crate) struct Blocks {
    compression: Compression,
    /// What a block has at most, before and after decompression.
    max: usize,
    want: Want,
    block: Vec<u8>,
    out: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Want {
    Header { value: u32, bits: u32 },
    Plain(usize),
    Compressed(usize),
}

const HEADER: Want = Want::Header { value: 0, bits: 0 };

impl Blocks {
    pub(crate) const fn new(compression: Compression, max: usize) -> Self {
        Self {
            compression,
            max,
            want: HEADER,
            block: Vec::new(),
            out: Vec::new(),
        }
    }

    /// Takes some bytes and gives what can be read of the footer then; nothing if it needs
    /// more.
    pub(crate) fn next<'a, 'b: 'a>(&'a mut self, bytes: &mut &'b [u8]) -> Result<&'a [u8], String> {
        if self.compression == Compression::None {
            return Ok(std::mem::take(bytes));
        }
        while !bytes.is_empty() {
            match self.want {
                Want::Header { value, bits } => {
                    let byte = take(bytes, 1).first().copied().unwrap_or_default();
                    let value = value | u32::from(byte) << bits;
                    self.want = match bits {
                        16 => self.header(value)?,
                        bits => Want::Header {
                            value,
                            bits: bits + 8,
                        },
                    };
                }
                Want::Plain(left) => {
                    let plain = take(bytes, left);
                    self.want = match left - plain.len() {
                        0 => HEADER,
                        left => Want::Plain(left),
                    };
                    return Ok(plain);
                }
                Want::Compressed(left) => {
                    let piece = take(bytes, left);
                    self.block.extend_from_slice(piece);
                    if piece.len() == left {
                        self.want = HEADER;
                        self.decompress()?;
                        self.block.clear();
                        return Ok(&self.out);
                    }
                    self.want = Want::Compressed(left - piece.len());
                }
            }
        }
        Ok(&[])
    }

    fn header(&self, value: u32) -> Result<Want, String> {
        let length = (value >> 1) as usize;
        if length > self.max {
            return Err(format!(
                "a block of {length} bytes, where {} are the most",
                self.max
            ));
        }
        Ok(match (length, value & 1) {
            (0, _) => HEADER,
            (length, 1) => Want::Plain(length),
            (length, _) => Want::Compressed(length),
        })
    }

    fn decompress(&mut self) -> Result<(), String> {
        let block = self.block.as_slice();
        self.out.resize(self.max, 0);
        let length = match self.compression {
            Compression::None => Ok(0),
            Compression::Zlib => inflate(block, &mut self.out),
            Compression::Snappy => snap::raw::Decoder::new()
                .decompress(block, &mut self.out)
                .map_err(|error| error.to_string()),
            Compression::Lz4 => lz4_flex::block::decompress_into(block, &mut self.out)
                .map_err(|error| error.to_string()),
            Compression::Zstd => zstd_safe::decompress(self.out.as_mut_slice(), block)
                .map_err(|code| zstd_safe::get_error_name(code).to_owned()),
        }
        .map_err(|wrong| format!("a block cannot be decompressed: {wrong}"))?;
        self.out.truncate(length);
        Ok(())
    }
}

fn inflate(block: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let mut inflater = Decompress::new(false);
    match inflater.decompress(block, out, FlushDecompress::Finish) {
        Ok(Status::StreamEnd) => {
            usize::try_from(inflater.total_out()).map_err(|error| error.to_string())
        }
        Ok(_) => Err("it is cut off or too long".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}
