//! Zstandard, frame by frame. Skippable frames are skipped by the library.

use std::fmt;

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

/// A zstd stream that is being read.
pub(crate) struct Zstd {
    context: DCtx<'static>,
    /// Has a frame begun that has not ended?
    open: bool,
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd")
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

impl Zstd {
    /// A stream whose windows have at most `2^max_window_log` bytes.
    pub(crate) fn new(max_window_log: u32) -> Result<Self, String> {
        let mut context = DCtx::try_create().ok_or("there is no memory for it")?;
        context
            .set_parameter(DParameter::WindowLogMax(max_window_log))
            .map_err(told)?;
        Ok(Self {
            context,
            open: false,
        })
    }

    /// Takes some input and makes some output: how much of both.
    pub(crate) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), String> {
        if input.is_empty() && !self.open {
            return Ok((0, 0));
        }
        let mut input = InBuffer::around(input);
        let mut out = OutBuffer::around(out);
        let hint = self
            .context
            .decompress_stream(&mut out, &mut input)
            .map_err(told)?;
        self.open = hint != 0;
        Ok((input.pos, out.pos()))
    }

    /// May the stream end here?
    pub(crate) const fn may_end(&self) -> bool {
        !self.open
    }
}

fn told(code: usize) -> String {
    get_error_name(code).to_owned()
}
