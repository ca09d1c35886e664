//! Files that say at their end how many rows they have.

use crate::limits::Limits;
use crate::objects::{Objects, Span};
use crate::outcome::{CountError, How, Part, Uncounted};
use crate::reader::Reader;

/// How much of the end is read at first. Footers are longer only for hundreds of columns and
/// row groups.
const TAIL: u64 = 64 << 10;

/// A footer that is pushed through in pieces.
pub(crate) trait Footer: Sized {
    /// What a count from it is called.
    const HOW: How;

    /// Finds the footer from the file's last bytes.
    fn locate(tail: &[u8], total: u64, limits: &Limits) -> Result<(Self, Place), Uncounted>;

    /// Takes the footer's next bytes, and gives the number of rows when it has come by.
    fn feed(&mut self, bytes: &[u8]) -> Result<Option<u64>, Uncounted>;

    /// What it means that the footer is over and the number has not come by.
    fn ended() -> Uncounted;
}

/// Where a footer is: from a byte to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Counts with one request, or two if the footer is long. What is kept is the first answer;
/// the second one is read only until the number of rows has come by.
pub(crate) async fn count<F: Footer, O: Objects>(
    reader: &mut Reader<'_, O>,
    limits: &Limits,
) -> Result<u64, CountError> {
    if reader.size() == Some(0) {
        return Err(Uncounted::corrupt(Part::Object, "it is empty").into());
    }
    let mut last = reader.open(Span::Last(TAIL)).await?;
    let total = last.total;
    let mut tail = Vec::with_capacity(usize::try_from(total.min(TAIL)).unwrap_or_default());
    while let Some(chunk) = last.chunk().await? {
        tail.extend_from_slice(&chunk);
    }
    let tail_start = total.saturating_sub(tail.len() as u64);
    let (mut footer, Place { start, end }) = F::locate(&tail, total, limits)?;

    if start < tail_start {
        let length = end.min(tail_start) - start;
        let mut early = reader.open(Span::Part { start, length }).await?;
        while let Some(chunk) = early.chunk().await? {
            if let Some(rows) = footer.feed(&chunk)? {
                return Ok(rows);
            }
        }
    }
    let in_tail =
        |place: u64| usize::try_from(place.saturating_sub(tail_start)).unwrap_or_default();
    let rest = tail.get(in_tail(start)..in_tail(end)).unwrap_or_default();
    match footer.feed(rest)? {
        Some(rows) => Ok(rows),
        None => Err(F::ended().into()),
    }
}
