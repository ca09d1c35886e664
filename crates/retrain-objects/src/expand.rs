//! From the bytes of an object to its text, whatever it is compressed with.

use crate::gzip::Gzip;
use crate::limits::Limits;
use crate::outcome::{Part, Uncounted};
use crate::zstd::Zstd;

/// Takes a text piece by piece.
pub(crate) trait Sink {
    fn feed(&mut self, text: &[u8]) -> Result<(), Uncounted>;
}

/// How much text is free before the ratio counts.
const FREE_TEXT: u64 = 1 << 20;

const BUFFER: usize = 64 << 10;

/// Decompresses what is compressed, as its first bytes tell, and passes on what is not.
#[derive(Debug)]
pub(crate) struct Expander {
    limits: Limits,
    state: State,
    read: u64,
    written: u64,
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Opening(Opening),
    Open(Codec),
}

#[derive(Debug)]
enum Codec {
    Plain,
    Gzip(Box<Gzip>),
    Zstd(Zstd),
}

impl Expander {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            state: State::Opening(Opening::of(10)),
            read: 0,
            written: 0,
            buffer: Vec::new(),
        }
    }

    /// Takes the object's next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8], text: &mut impl Sink) -> Result<(), Uncounted> {
        let State::Opening(opening) = &mut self.state else {
            return self.expand(bytes, text);
        };
        match opening.push(bytes) {
            Some((first, rest)) => {
                self.open(&first, text)?;
                self.expand(rest, text)
            }
            None => Ok(()),
        }
    }

    /// Says that there are no more bytes.
    pub(crate) fn finish(&mut self, text: &mut impl Sink) -> Result<(), Uncounted> {
        if let State::Opening(opening) = &mut self.state {
            let first = opening.all();
            self.open(&first, text)?;
        }
        let (part, ended) = match &self.state {
            State::Opening(_) | State::Open(Codec::Plain) => return Ok(()),
            State::Open(Codec::Gzip(gzip)) => (Part::Gzip, gzip.may_end()),
            State::Open(Codec::Zstd(zstd)) => (Part::Zstd, zstd.may_end()),
        };
        if ended {
            return Ok(());
        }
        Err(Uncounted::corrupt(part, "it is cut off"))
    }

    fn open(&mut self, first: &[u8], text: &mut impl Sink) -> Result<(), Uncounted> {
        let codec = match first {
            [0x1f, 0x8b, ..] => Codec::Gzip(Box::new(Gzip::new())),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Codec::Zstd(
                Zstd::new(self.limits.max_window_log)
                    .map_err(|why| Uncounted::corrupt(Part::Zstd, why))?,
            ),
            first => match foreign(first) {
                Some(name) => return Err(Uncounted::Unsupported(format!("{name} compression"))),
                None => Codec::Plain,
            },
        };
        if !matches!(codec, Codec::Plain) {
            self.buffer = vec![0; BUFFER];
        }
        self.state = State::Open(codec);
        self.expand(first, text)
    }

    fn expand(&mut self, mut bytes: &[u8], text: &mut impl Sink) -> Result<(), Uncounted> {
        let State::Open(codec) = &mut self.state else {
            return Ok(());
        };
        loop {
            let (part, step) = match codec {
                Codec::Plain => return text.feed(bytes),
                Codec::Gzip(gzip) => (Part::Gzip, gzip.step(bytes, &mut self.buffer)),
                Codec::Zstd(zstd) => (Part::Zstd, zstd.step(bytes, &mut self.buffer)),
            };
            let (taken, made) = step.map_err(|why| wrong(part, &why, &self.limits, self.read))?;
            self.read += taken as u64;
            self.written += made as u64;
            if self.written > self.limits.max_decompressed_bytes {
                return Err(Uncounted::too_long(
                    Part::Text,
                    self.limits.max_decompressed_bytes,
                ));
            }
            if self.written > FREE_TEXT && self.written / self.limits.max_ratio.max(1) > self.read {
                return Err(Uncounted::DecompressionBomb {
                    part,
                    max_ratio: self.limits.max_ratio,
                });
            }
            text.feed(self.buffer.get(..made).unwrap_or_default())?;
            bytes = bytes.get(taken..).unwrap_or_default();
            if bytes.is_empty() && made < self.buffer.len() {
                return Ok(());
            }
            if taken == 0 && made == 0 {
                return Err(Uncounted::corrupt(part, "it goes nowhere"));
            }
        }
    }
}

/// Tells a window that is too large from a corrupt stream, which the library says alike.
fn wrong(part: Part, why: &str, limits: &Limits, at: u64) -> Uncounted {
    if why == "Frame requires too much memory for decoding" {
        return Uncounted::TooLarge {
            part,
            limit: 1 << limits.max_window_log.min(63),
            unit: "bytes in a window",
        };
    }
    Uncounted::corrupt(part, format!("{why}, after byte {at}"))
}

/// What is compressed in another way would be counted as if it were text.
fn foreign(first: &[u8]) -> Option<&'static str> {
    match first {
        [
            b'B',
            b'Z',
            b'h',
            b'1'..=b'9',
            0x31,
            0x41,
            0x59,
            0x26,
            0x53,
            0x59,
            ..,
        ] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("LZ4"),
        [0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', ..] => Some("Snappy"),
        [b'P', b'K', 3, 4, ..] => Some("zip"),
        _ => None,
    }
}

/// Collects the first bytes of something, which may come in small pieces.
#[derive(Debug)]
pub(crate) struct Opening {
    bytes: Vec<u8>,
    wanted: usize,
}

impl Opening {
    pub(crate) fn of(wanted: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(wanted),
            wanted,
        }
    }

    /// Gives the first bytes and what follows them, as soon as there are enough.
    pub(crate) fn push<'a>(&mut self, bytes: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
        let missing = self.wanted.saturating_sub(self.bytes.len());
        let (first, rest) = bytes.split_at(missing.min(bytes.len()));
        self.bytes.extend_from_slice(first);
        (self.bytes.len() == self.wanted).then(|| (self.all(), rest))
    }

    /// What there is.
    pub(crate) fn all(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}
