//! The contract with Lambda about errors.

use std::error::Error;
use std::fmt;

use lambda_runtime::Diagnostic;
use retrain_controller::{Class, ControllerError, PortError, chain};

/// Why an invocation ends with an error.
///
/// Its type in Lambda's answer is `Retryable.NAME` or `Terminal.NAME`, for metric
/// filters and for whoever reads the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    class: Class,
    name: &'static str,
    message: String,
}

/// How many failures of one invocation are told one by one.
const MAX_SHOWN: usize = 5;

impl Failure {
    /// A failure that delivering the event again cannot mend.
    pub fn terminal(name: &'static str, error: &dyn Error) -> Self {
        Self {
            class: Class::Terminal,
            name,
            message: chain(error),
        }
    }

    /// A failure that may pass when the event is delivered again.
    pub fn retryable(name: &'static str, error: &dyn Error) -> Self {
        Self {
            class: Class::Retryable,
            name,
            message: chain(error),
        }
    }

    /// What the caller can do.
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Its type in Lambda's answer.
    pub fn error_type(&self) -> String {
        match self.class {
            Class::Retryable => format!("Retryable.{}", self.name),
            Class::Terminal => format!("Terminal.{}", self.name),
        }
    }

    /// One failure for several: retryable if any of them is, because delivering
    /// again does no harm to what was decided, and helps what was not.
    pub fn all(failures: Vec<Self>) -> Option<Self> {
        let mut failures = failures;
        failures.sort_by_key(|failure| failure.class == Class::Terminal);
        let mut messages: Vec<String> = failures
            .iter()
            .take(MAX_SHOWN)
            .map(ToString::to_string)
            .collect();
        let unshown = failures.len() - messages.len();
        if unshown > 0 {
            messages.push(format!("and {unshown} more"));
        }
        let first = failures.into_iter().next()?;
        Some(Self {
            message: messages.join("; "),
            ..first
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

impl From<ControllerError> for Failure {
    fn from(error: ControllerError) -> Self {
        Self {
            class: error.class(),
            name: error.name(),
            message: chain(&error),
        }
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        ControllerError::from(error).into()
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.error_type(),
            error_message: failure.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_type_says_what_to_do() {
        let terminal = Failure::terminal(
            "InvalidField",
            &std::io::Error::other("detail.state: missing"),
        );
        let retryable = Failure::from(PortError::retryable("read the slot", "connection reset"));
        assert_eq!(
            Diagnostic::from(terminal.clone()),
            Diagnostic {
                error_type: "Terminal.InvalidField".into(),
                error_message: "detail.state: missing".into(),
            }
        );
        assert_eq!(retryable.error_type(), "Retryable.DependencyFailed");
        assert_eq!(retryable.to_string(), "read the slot: connection reset");
        let both = Failure::all(vec![terminal, retryable]).unwrap();
        assert_eq!(both.class(), Class::Retryable);
        assert_eq!(
            both.to_string(),
            "read the slot: connection reset; detail.state: missing"
        );
    }
}
