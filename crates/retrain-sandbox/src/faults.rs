//! Faults that a test or a demo orders in advance.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Service;

/// The faults of a sandbox. Clones share them.
///
/// Nothing here is random and nothing waits for time to pass: a fault counts the
/// calls it matches.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    armed: Arc<Mutex<Vec<Arc<Armed>>>>,
}

/// What is to go wrong, with which calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The service whose calls it matches.
    pub service: Service,
    /// The operation it matches; any, if none is given.
    pub operation: Option<String>,
    /// How many matching calls pass unharmed first.
    pub skip: u64,
    /// How many calls it then harms.
    pub times: u64,
    /// What it does to them.
    pub kind: FaultKind,
}

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// HTTP 400 `ThrottlingException`, or CloudWatch's `Throttling`, or DynamoDB's
    /// `ProvisionedThroughputExceededException`, or S3's HTTP 503 `SlowDown`. No
    /// effect.
    Throttle,
    /// HTTP 500, no effect.
    ServerError,
    /// HTTP 503, no effect.
    Unavailable,
    /// HTTP 500 after the effect: the answer lies.
    ServerErrorAfter,
    /// The connection closes without an answer; no effect.
    DropBefore,
    /// The connection closes without an answer after the effect.
    DropAfter,
    /// HTTP 400 with this error, or the status that S3 gives it; no effect.
    Refuse {
        /// The error code, such as `AccessDeniedException`.
        code: String,
        /// The message.
        message: String,
    },
    /// The call is parked before its effect, until released or discarded.
    HoldBefore,
    /// The call is parked after its effect, until released or discarded.
    HoldAfter,
    /// What DynamoDB answers when two writers meet on one item:
    /// `TransactionCanceledException` with the reason `TransactionConflict` for
    /// each item of a `TransactWriteItems`, `TransactionConflictException` for
    /// any other operation. No effect.
    TransactionConflict,
}

impl Fault {
    /// Harms the next call of one operation.
    pub fn on(service: Service, operation: &str, kind: FaultKind) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::any(service, kind)
        }
    }

    /// Harms the next call of any operation of a service.
    pub fn any(service: Service, kind: FaultKind) -> Self {
        Self {
            service,
            operation: None,
            skip: 0,
            times: 1,
            kind,
        }
    }

    /// Lets the first `calls` matching calls pass.
    #[must_use]
    pub fn skip(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// Harms this many calls instead of one.
    #[must_use]
    pub fn times(mut self, calls: u64) -> Self {
        self.times = calls;
        self
    }

    fn matches(&self, service: Service, operation: &str) -> bool {
        self.service == service && self.operation.as_deref().is_none_or(|own| own == operation)
    }
}

impl Faults {
    /// Orders a fault. Of several that match a call, the one ordered first takes
    /// it, and the later ones do not see it.
    pub fn inject(&self, fault: Fault) -> FaultHandle {
        let mut armed = self.lock();
        let fault = Arc::new(Armed {
            number: armed.last().map_or(1, |last| last.number + 1),
            counters: Mutex::new(Counters {
                skip: fault.skip,
                times: fault.times,
                fired: 0,
            }),
            gate: watch::Sender::new(Gate::default()),
            fault,
        });
        armed.push(Arc::clone(&fault));
        FaultHandle { armed: fault }
    }

    /// All faults ever ordered, spent ones included.
    pub fn all(&self) -> Vec<FaultHandle> {
        self.lock()
            .iter()
            .map(|armed| FaultHandle {
                armed: Arc::clone(armed),
            })
            .collect()
    }

    /// Spends all faults and releases what they hold.
    pub fn clear(&self) {
        for handle in self.all() {
            handle.remove();
        }
    }

    /// The fault that takes this call, if any does.
    pub(crate) fn strike(&self, service: Service, operation: &str) -> Option<FaultHandle> {
        let ordered = self.lock();
        let mut matching = ordered
            .iter()
            .filter(|armed| armed.fault.matches(service, operation));
        let armed = matching.find(|armed| armed.strike())?;
        Some(FaultHandle {
            armed: Arc::clone(armed),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Armed>>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Armed {
    number: u64,
    fault: Fault,
    counters: Mutex<Counters>,
    gate: watch::Sender<Gate>,
}

#[derive(Debug)]
struct Counters {
    skip: u64,
    times: u64,
    fired: u64,
}

/// Where held calls wait.
#[derive(Debug, Default)]
struct Gate {
    reached: u64,
    verdict: Option<Verdict>,
}

/// What becomes of a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It goes on as if it had never been held.
    Release,
    /// Its connection is closed without an answer; an effect that was still to
    /// come does not.
    Discard,
}

/// A fault that was ordered.
#[derive(Clone, Debug)]
pub struct FaultHandle {
    armed: Arc<Armed>,
}

impl FaultHandle {
    /// Its number, from 1 in the order of injection.
    pub fn number(&self) -> u64 {
        self.armed.number
    }

    /// What was ordered.
    pub fn fault(&self) -> &Fault {
        &self.armed.fault
    }

    /// How many calls it has harmed.
    pub fn fired(&self) -> u64 {
        self.armed.counters().fired
    }

    /// Waits until a call has been held here. A call that was held earlier
    /// counts, even if it has gone on since.
    pub async fn held(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self
            .armed
            .gate
            .subscribe()
            .wait_for(|gate| gate.reached > 0)
            .await;
    }

    /// Lets what is held go on, and whatever this fault would hold later.
    pub fn release(&self) {
        self.settle(Verdict::Release);
    }

    /// Drops what is held, and whatever this fault would hold later, without an
    /// answer.
    pub fn discard(&self) {
        self.settle(Verdict::Discard);
    }

    /// Spends the fault and releases what it holds.
    pub fn remove(&self) {
        self.armed.counters().times = 0;
        self.release();
    }

    /// Gives held calls their verdict; the first one stays.
    pub(crate) fn settle(&self, verdict: Verdict) {
        self.armed.gate.send_modify(|gate| {
            gate.verdict.get_or_insert(verdict);
        });
    }

    /// Holds the calling task until a verdict; a sandbox that stops discards.
    pub(crate) async fn park(&self, stop: &mut watch::Receiver<bool>) -> Verdict {
        let mut gate = self.armed.gate.subscribe();
        self.armed.gate.send_modify(|gate| gate.reached += 1);
        tokio::select! {
            settled = gate.wait_for(|gate| gate.verdict.is_some()) => settled
                .ok()
                .and_then(|gate| gate.verdict)
                .unwrap_or(Verdict::Discard),
            _ = stop.wait_for(|stopped| *stopped) => Verdict::Discard,
        }
    }
}

impl Armed {
    fn strike(&self) -> bool {
        let mut counters = self.counters();
        if counters.times == 0 {
            return false;
        }
        if counters.skip > 0 {
            counters.skip -= 1;
            return false;
        }
        counters.times -= 1;
        counters.fired += 1;
        true
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(faults: &Faults, operation: &str, calls: usize) -> Vec<bool> {
        (0..calls)
            .map(|_| faults.strike(Service::SageMaker, operation).is_some())
            .collect()
    }

    #[test]
    fn a_fault_passes_the_first_calls_and_harms_the_next() {
        let faults = Faults::default();
        let fault = faults.inject(
            Fault::on(Service::SageMaker, "Start", FaultKind::Throttle)
                .skip(1)
                .times(2),
        );
        assert_eq!(strikes(&faults, "Describe", 1), [false]);
        assert_eq!(strikes(&faults, "Start", 4), [false, true, true, false]);
        assert!(faults.strike(Service::Ssm, "Start").is_none());
        assert_eq!(fault.fired(), 2);
    }

    #[test]
    fn the_fault_ordered_first_takes_the_call_and_hides_it_from_the_next() {
        let faults = Faults::default();
        let first = faults.inject(Fault::any(Service::Ssm, FaultKind::DropAfter));
        let second = faults.inject(Fault::any(Service::Ssm, FaultKind::Throttle));
        let struck = faults.strike(Service::Ssm, "GetParameter").unwrap();
        assert_eq!((struck.number(), second.fired()), (first.number(), 0));
        let struck = faults.strike(Service::Ssm, "GetParameter").unwrap();
        assert_eq!(struck.number(), second.number());
    }

    #[test]
    fn a_cleared_fault_harms_nothing() {
        let faults = Faults::default();
        faults.inject(Fault::any(Service::SageMaker, FaultKind::Throttle));
        faults.clear();
        assert_eq!(strikes(&faults, "Start", 1), [false]);
    }

    #[tokio::test]
    async fn a_held_call_waits_for_its_verdict_and_the_test_sees_it_wait() {
        let faults = Faults::default();
        let fault = faults.inject(Fault::any(Service::Ssm, FaultKind::HoldBefore));
        let (_keep, mut stop) = watch::channel(false);
        let parked = tokio::spawn({
            let fault = fault.clone();
            async move { fault.park(&mut stop).await }
        });
        fault.held().await;
        assert!(!parked.is_finished());
        fault.release();
        assert_eq!(parked.await.unwrap(), Verdict::Release);
    }

    #[tokio::test]
    async fn a_stopping_sandbox_discards_what_is_held() {
        let faults = Faults::default();
        let fault = faults.inject(Fault::any(Service::Ssm, FaultKind::HoldAfter));
        let (stopping, mut stop) = watch::channel(false);
        let parked = tokio::spawn({
            let fault = fault.clone();
            async move { fault.park(&mut stop).await }
        });
        fault.held().await;
        drop(stopping);
        assert_eq!(parked.await.unwrap(), Verdict::Discard);
    }
}
