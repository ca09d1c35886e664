//! Gzip, member by member (RFC 1952).
//!
//! The fields of a header may be as long as a file: they are skipped, not kept.

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// A gzip stream that is being read.
#[derive(Debug)]
pub(crate) struct Gzip {
    want: Want,
    inflater: Decompress,
    crc: Crc,
}

#[derive(Clone, Copy, Debug)]
enum Want {
    /// The fixed part of a header, from this byte on.
    Header {
        at: usize,
        flags: u8,
    },
    ExtraLength {
        at: u32,
        length: u16,
        flags: u8,
    },
    Extra {
        left: u16,
        flags: u8,
    },
    /// Bytes up to a zero.
    Text {
        flags: u8,
    },
    HeaderCrc {
        left: u8,
    },
    Body,
    Trailer {
        at: u32,
        value: u64,
    },
    /// After a member: another one, or zeros to fill a block, or nothing.
    Between,
    Padding,
}

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const HEADER_LENGTH: usize = 10;
const FLAGS_AT: usize = 3;
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

impl Gzip {
    pub(crate) fn new() -> Self {
        Self {
            want: Want::Header { at: 0, flags: 0 },
            inflater: Decompress::new(false),
            crc: Crc::new(),
        }
    }

    /// Takes some input and makes some output: how much of both.
    pub(crate) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), String> {
        if matches!(self.want, Want::Body) {
            return self.inflate(input, out);
        }
        for (taken, byte) in input.iter().enumerate() {
            if matches!(self.want, Want::Body) {
                return Ok((taken, 0));
            }
            self.want = self.frame(*byte)?;
        }
        Ok((input.len(), 0))
    }

    /// May the stream end here?
    pub(crate) const fn may_end(&self) -> bool {
        matches!(self.want, Want::Between | Want::Padding)
    }

    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), String> {
        let before = (self.inflater.total_in(), self.inflater.total_out());
        let status = self
            .inflater
            .decompress(input, out, FlushDecompress::None)
            .map_err(|error| error.to_string())?;
        let moved = |now: u64, before: u64| usize::try_from(now - before).unwrap_or_default();
        let taken = moved(self.inflater.total_in(), before.0);
        let made = moved(self.inflater.total_out(), before.1);
        self.crc.update(out.get(..made).unwrap_or_default());
        if status == Status::StreamEnd {
            self.want = Want::Trailer { at: 0, value: 0 };
        }
        Ok((taken, made))
    }

    /// Takes one byte of what stands around the compressed text.
    fn frame(&mut self, byte: u8) -> Result<Want, String> {
        Ok(match self.want {
            Want::Header { at, flags } => {
                if MAGIC.get(at).is_some_and(|magic| *magic != byte) {
                    return Err("a member does not begin as one".to_owned());
                }
                let flags = if at == FLAGS_AT { byte } else { flags };
                if flags & RESERVED != 0 {
                    return Err(format!("unknown flags {flags:#04x}"));
                }
                match at + 1 {
                    HEADER_LENGTH => after_fixed(flags),
                    at => Want::Header { at, flags },
                }
            }
            Want::ExtraLength { at, length, flags } => {
                let length = length | u16::from(byte) << (8 * at);
                match (at, length) {
                    (0, _) => Want::ExtraLength {
                        at: 1,
                        length,
                        flags,
                    },
                    (_, 0) => after_extra(flags),
                    (_, left) => Want::Extra { left, flags },
                }
            }
            Want::Extra { left: 1, flags } => after_extra(flags),
            Want::Extra { left, flags } => Want::Extra {
                left: left - 1,
                flags,
            },
            Want::Text { flags } if byte == 0 => after_extra(flags),
            Want::HeaderCrc { left: 1 } => Want::Body,
            Want::HeaderCrc { left } => Want::HeaderCrc { left: left - 1 },
            Want::Trailer { at, value } => {
                let value = value | u64::from(byte) << (8 * at);
                match at {
                    7 => self.member_ended(value)?,
                    at => Want::Trailer { at: at + 1, value },
                }
            }
            Want::Between if byte == 0 => Want::Padding,
            Want::Between => {
                self.want = Want::Header { at: 0, flags: 0 };
                self.frame(byte)?
            }
            Want::Padding if byte != 0 => return Err("bytes after the last member".to_owned()),
            want @ (Want::Text { .. } | Want::Body | Want::Padding) => want,
        })
    }

    fn member_ended(&mut self, trailer: u64) -> Result<Want, String> {
        let text = u64::from(self.crc.sum()) | u64::from(self.crc.amount()) << 32;
        if text != trailer {
            return Err("a member's checksum or length is not that of its text".to_owned());
        }
        self.inflater.reset(false);
        self.crc.reset();
        Ok(Want::Between)
    }
}

fn after_fixed(flags: u8) -> Want {
    if flags & EXTRA != 0 {
        return Want::ExtraLength {
            at: 0,
            length: 0,
            flags,
        };
    }
    after_extra(flags)
}

/// Name and comment come one after the other, and each flag is taken down when its field
/// begins.
fn after_extra(flags: u8) -> Want {
    match flags {
        flags if flags & NAME != 0 => Want::Text {
            flags: flags & !NAME,
        },
        flags if flags & COMMENT != 0 => Want::Text {
            flags: flags & !COMMENT,
        },
        flags if flags & HEADER_CRC != 0 => Want::HeaderCrc { left: 2 },
        _ => Want::Body,
    }
}
