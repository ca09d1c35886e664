//! How a command ends.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The exit codes. Everything else that a shell sees is a signal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and the answer is good.
    Done = 0,
    /// Something could not be read or written, or AWS did not answer.
    Failed = 1,
    /// The command line makes no sense. clap ends so by itself.
    Usage = 2,
    /// Done, and the answer is no: a policy or an event is invalid, two policies differ,
    /// or a request was refused.
    No = 3,
}

impl Exit {
    /// The code.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command could not do its work.
#[derive(Debug, Error)]
pub enum Failure {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// The arguments do not fit together, or not to what they name.
    #[error("{0}")]
    Usage(String),
    /// What was given is invalid.
    #[error("{0}")]
    Invalid(String),
    /// AWS did not answer as it should.
    #[error("{0}")]
    Aws(String),
}

impl Failure {
    /// A file that cannot be read or written.
    pub fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    /// The exit code that it leads to.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::File { .. } | Self::Output(_) | Self::Aws(_) => Exit::Failed,
            Self::Usage(_) => Exit::Usage,
            Self::Invalid(_) => Exit::No,
        }
    }

    /// Whether the reader of the output has gone.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
