//! The body of an answer, made while it is sent.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Bytes, Frame, SizeHint};

use crate::s3::Content;

/// How much is made at once.
const FRAME_BYTES: u64 = 64 * 1024;

/// What is left to send. A client that stops reading stops the making.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    content: Content,
    left: Range<u64>,
}

impl Body {
    /// A part of some content; what lies beyond its end is not sent.
    pub(crate) fn part(content: Content, range: Range<u64>) -> Self {
        let end = range.end.min(content.size());
        Self {
            left: range.start.min(end)..end,
            content,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.left.end - self.left.start
    }
}

impl<T: Into<Content>> From<T> for Body {
    fn from(content: T) -> Self {
        let content = content.into();
        let end = content.size();
        Self::part(content, 0..end)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let end = self.left.end.min(self.left.start + FRAME_BYTES);
        let bytes = self.content.read(self.left.start..end);
        self.left.start = end;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size())
    }
}
