//! What SageMaker does, at its worst, and what workers make of it.

use alloc::collections::BTreeMap;
use alloc::format;

use super::world::{Fate, Ran, Worker, World};
use crate::event::{ExecutionReport, ExecutionStatus, Refusal, StartAnswer, Steps};
use crate::step::*;

impl World {
    pub(super) fn send(&mut self, worker: u8, fate: Fate) {
        let now = self.now;
        let Some(at) = waiting(&self.workers, worker) else {
            return;
        };
        let Some(worker) = self.workers.get(at) else {
            return;
        };
        let claim = worker.claim.clone();
        let (look, decided) = (worker.look, worker.decided);
        // Promise 8: the shell checks this just before it sends.
        if now - self.timing.send_within() > worker.began {
            self.workers.remove(at);
            return;
        }
        let found = (look != Look::No).then(|| self.find(&claim)).flatten();
        let answer = match (found, fate) {
            (Some(answer), _) => answer,
            (None, _) if look == Look::Only => StartAnswer::Absent,
            (None, Fate::Accepted) => self.start(&claim, decided),
            (None, Fate::LostAfter) => {
                self.start(&claim, decided);
                StartAnswer::Unknown {
                    what: "lost".into(),
                }
            }
            (None, Fate::LostBefore) => StartAnswer::Unknown {
                what: "lost".into(),
            },
            (None, Fate::NoCapacity) => StartAnswer::Refused {
                refusal: Refusal::NoCapacity {
                    what: "busy".into(),
                },
                looked: look != Look::No,
            },
            (None, Fate::Refused) => StartAnswer::Refused {
                refusal: Refusal::Misconfigured { what: "no".into() },
                looked: look != Look::No,
            },
        };
        if let Some(worker) = self.workers.get_mut(at) {
            worker.answer = Some(answer);
        }
    }

    /// The list lags by as much as `settle` allows.
    pub(super) fn find(&self, claim: &Claim) -> Option<StartAnswer> {
        self.executions
            .iter()
            .find(|execution| {
                execution.name == claim.token.display_name()
                    && execution.started + self.timing.settle() <= self.now
                    && execution.started >= self.timing.earliest_start(claim.claimed_at)
            })
            .map(|execution| StartAnswer::Accepted {
                execution: execution.arn.clone(),
                started_at: execution.started,
                adopted: true,
            })
    }

    /// The token's window outlasts the list's lag, and not by a second more.
    fn start(&mut self, claim: &Claim, decided: usize) -> StartAnswer {
        let window = self.timing.settle();
        let known = self.executions.iter().find(|execution| {
            execution.token.as_ref() == Some(&claim.token) && execution.started + window >= self.now
        });
        if let Some(known) = known {
            assert_eq!(
                known.parameters, claim.parameters,
                "promise 5: same token, other parameters"
            );
            return StartAnswer::Accepted {
                execution: known.arn.clone(),
                started_at: known.started,
                adopted: false,
            };
        }
        let arn = self.next_arn();
        self.executions.push(Ran {
            arn: arn.clone(),
            token: Some(claim.token),
            claim: claim.number,
            decided,
            parameters: claim.parameters.clone(),
            name: claim.token.display_name(),
            started: self.now,
            status: ExecutionStatus::InFlight,
            not_better: false,
            retried: None,
        });
        StartAnswer::Accepted {
            execution: arn,
            started_at: self.now,
            adopted: false,
        }
    }

    pub(super) fn next_arn(&self) -> Execution {
        let id = self.executions.len();
        let arn = format!(
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/e{id}"
        );
        Execution::parse(&arn).unwrap()
    }

    pub(super) fn by_hand(&mut self) {
        let n = self.executions.len();
        self.executions.push(Ran {
            arn: self.next_arn(),
            token: None,
            claim: 0,
            decided: self.ops,
            parameters: BTreeMap::new(),
            name: format!("by-hand-{n}"),
            started: self.now,
            status: ExecutionStatus::InFlight,
            not_better: false,
            retried: None,
        });
        self.report(u8::try_from(n).unwrap(), true);
    }

    pub(super) fn answer(&mut self, worker: u8) {
        let answered: Vec<usize> = self
            .workers
            .iter()
            .enumerate()
            .filter(|(_, worker)| worker.answer.is_some())
            .map(|(at, _)| at)
            .collect();
        let Some(at) = pick(&answered, worker).copied() else {
            return;
        };
        let worker = self.workers.remove(at);
        if let Some(answer) = worker.answer {
            self.take(&Event::StartAnswered {
                claim: worker.claim.number,
                attempt: worker.claim.attempt,
                answer,
            });
        }
    }

    pub(super) fn end(&mut self, execution: u8, status: ExecutionStatus, not_better: bool) {
        let index = usize::from(execution) % self.executions.len().max(1);
        if let Some(execution) = self.executions.get_mut(index)
            && execution.status == ExecutionStatus::InFlight
        {
            execution.status = status;
            execution.not_better = not_better && status == ExecutionStatus::Failed;
        }
    }

    pub(super) fn retry(&mut self, execution: u8) {
        let index = usize::from(execution) % self.executions.len().max(1);
        let not_retried = [ExecutionStatus::InFlight, ExecutionStatus::Succeeded];
        if let Some(execution) = self.executions.get_mut(index)
            && !not_retried.contains(&execution.status)
        {
            execution.status = ExecutionStatus::InFlight;
            execution.not_better = false;
            execution.retried = Some(self.ops);
        }
    }

    pub(super) fn report(&mut self, execution: u8, named: bool) {
        let Some(execution) = pick(&self.executions, execution) else {
            return;
        };
        let report = ExecutionReport {
            execution: execution.arn.clone(),
            display_name: named.then(|| execution.name.clone()),
            status: execution.status,
            failure: None,
            started_at: Some(execution.started),
            steps: Steps {
                failed: execution
                    .not_better
                    .then(|| "NotBetter".into())
                    .into_iter()
                    .collect(),
                ..Steps::default()
            },
        };
        self.take(&Event::Status(report));
    }
}

pub(super) fn pick<T>(items: &[T], n: u8) -> Option<&T> {
    items.get(usize::from(n) % items.len().max(1))
}

fn waiting(workers: &[Worker], n: u8) -> Option<usize> {
    let open: Vec<usize> = workers
        .iter()
        .enumerate()
        .filter(|(_, worker)| worker.answer.is_none())
        .map(|(at, _)| at)
        .collect();
    pick(&open, n).copied()
}
