//! What was called, when, and how it ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Service;

/// Every request the sandbox got, in the order of arrival. Clones share one log.
#[derive(Clone, Debug, Default)]
pub struct CallLog {
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    arrived: u64,
    calls: Vec<Call>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its place in the order of arrival, from 1. Goes on after a reset.
    pub number: u64,
    /// The service that was called; none if no service knows the request.
    pub service: Option<Service>,
    /// The operation as the client named it.
    pub operation: String,
    /// When it arrived, by the sandbox's clock.
    pub at: Timestamp,
    /// The request's members; null if the body was not JSON.
    pub request: Value,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Outcome {
    /// Not answered yet: it is running, or held by a fault.
    Pending,
    /// It was answered, with an error's code if it was one.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The error code, such as `ResourceNotFound`.
        code: Option<String>,
    },
    /// The connection was closed without an answer.
    Dropped,
}

impl CallLog {
    /// All calls since the last reset.
    pub fn all(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How often an operation was called since the last reset, with any outcome.
    pub fn count(&self, service: Service, operation: &str) -> usize {
        self.lock()
            .calls
            .iter()
            .filter(|call| call.service == Some(service) && call.operation == operation)
            .count()
    }

    /// All calls since the last reset, which this is.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    pub(crate) fn arrived(
        &self,
        service: Option<Service>,
        operation: &str,
        at: Timestamp,
        request: Value,
    ) -> u64 {
        let mut log = self.lock();
        log.arrived += 1;
        let number = log.arrived;
        log.calls.push(Call {
            number,
            service,
            operation: operation.to_owned(),
            at,
            request,
            outcome: Outcome::Pending,
        });
        number
    }

    /// A call that was taken before it ended is not put back.
    pub(crate) fn ended(&self, number: u64, outcome: Outcome) {
        let mut log = self.lock();
        // It is among the newest.
        let mut calls = log.calls.iter_mut().rev();
        if let Some(call) = calls.find(|call| call.number == number) {
            call.outcome = outcome;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_operation_until_they_are_taken() {
        let log = CallLog::default();
        let at = Timestamp::UNIX_EPOCH;
        let first = log.arrived(Some(Service::Ssm), "GetParameter", at, Value::Null);
        log.arrived(Some(Service::Ssm), "PutParameter", at, Value::Null);
        log.ended(first, Outcome::Dropped);
        assert_eq!(log.count(Service::Ssm, "GetParameter"), 1);
        assert_eq!(log.count(Service::SageMaker, "GetParameter"), 0);

        let taken = log.take();
        assert_eq!(taken[0].outcome, Outcome::Dropped);
        assert_eq!(taken[1].outcome, Outcome::Pending);
        assert!(log.all().is_empty());

        log.ended(taken[1].number, Outcome::Dropped);
        let next = log.arrived(None, "?", at, Value::Null);
        assert_eq!((next, log.all().len()), (3, 1));
    }
}
