//! The life-cycle, transition by transition.

use alloc::string::ToString;

use super::*;
use crate::decision::Stale;
use crate::event::{ExecutionReport, ExecutionStatus, Refusal, StartAnswer};
use crate::facts::{ControllerState, Lookup, Lookups, Timing};
use crate::names::{ModelName, ModelPackageArn};
use crate::policy::Policy;
use crate::policy::tests::SAMPLE;
use crate::slot::Pause;
use crate::token::Epoch;
use crate::trigger::tests::{alarm, at, drift};
use crate::trigger::{Cause, Trigger};

/// A slot with everything that a step needs around it. Markers are the test's
/// business: `seen` says what the store would say.
struct Model {
    slot: Slot,
    policy: PolicyInForce,
    controller: ControllerState,
    lookups: Option<Lookups>,
}

impl Model {
    fn new() -> Self {
        Self {
            slot: Slot::new(),
            policy: PolicyInForce {
                model: ModelName::parse("fraud-detection").unwrap(),
                version: 3,
                policy: Policy::parse(SAMPLE).unwrap(),
            },
            controller: ControllerState {
                epoch: Epoch::derive(&["table"]),
                paused: None,
            },
            lookups: Some(Lookups {
                training_data_uri: Lookup::Found("s3://fraud/data/".into()),
                baseline: Lookup::Found(
                    ModelPackageArn::parse(
                        "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-detection/4",
                    )
                    .unwrap(),
                ),
            }),
        }
    }

    fn try_step(
        &self,
        event: &Event,
        seen: Option<&Seen>,
        seconds: i64,
    ) -> Result<Step, StepError> {
        let facts = Facts {
            controller: &self.controller,
            seen,
            lookups: self.lookups.as_ref(),
            timing: Timing::default(),
        };
        step(&self.slot, event, &facts, &self.policy, at(seconds))
    }

    /// Steps and commits; gives the outcome and the commands.
    fn take(&mut self, event: &Event, seconds: i64) -> (Outcome, Vec<Command>) {
        match self.try_step(event, None, seconds).unwrap() {
            Step::Settled(outcome) => (outcome, vec![]),
            Step::Commit(commit) => {
                assert_eq!(commit.slot.version, self.slot.version + 1);
                self.slot = commit.slot;
                let moved = Outcome::Unchanged {
                    because: Unchanged::NothingDue,
                };
                let outcome = commit.decision.map_or(moved, |decision| decision.outcome);
                (outcome, commit.commands)
            }
            Step::NeedFacts(needed) => panic!("{needed:?}"),
        }
    }

    fn outcome(&mut self, event: &Event, seconds: i64) -> &'static str {
        self.take(event, seconds).0.name()
    }

    fn start(&mut self, seconds: i64) -> PipelineExecutionArn {
        assert_eq!(self.outcome(&alarmed("dq", seconds), seconds), "claimed");
        let claim = self.slot.claims;
        assert_eq!(self.outcome(&accepted(claim, seconds), seconds), "started");
        execution(claim)
    }
}

fn alarmed(name: &str, seconds: i64) -> Event {
    Event::Trigger(drift(name, seconds))
}

fn cleared(name: &str, seconds: i64) -> Event {
    Event::AlarmCleared {
        alarm: alarm(name),
        at: at(seconds),
    }
}

fn execution(claim: u64) -> PipelineExecutionArn {
    let text = alloc::format!(
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/e{claim}"
    );
    PipelineExecutionArn::parse(text).unwrap()
}

fn answered(claim: u64, attempt: u32, answer: StartAnswer) -> Event {
    Event::StartAnswered {
        claim,
        attempt,
        answer,
    }
}

fn accepted(claim: u64, seconds: i64) -> Event {
    let answer = StartAnswer::Accepted {
        execution: execution(claim),
        started_at: at(seconds),
        adopted: false,
    };
    answered(claim, 1, answer)
}

fn no_capacity() -> StartAnswer {
    let what = "ResourceLimitExceeded".to_string();
    StartAnswer::Refused {
        refusal: Refusal::NoCapacity { what },
        looked: false,
    }
}

fn refused_for_good() -> StartAnswer {
    let what = "ResourceNotFound".to_string();
    StartAnswer::Refused {
        refusal: Refusal::Misconfigured { what },
        looked: false,
    }
}

fn ended(claim: u64, status: ExecutionStatus) -> Event {
    Event::Status(ExecutionReport {
        execution: execution(claim),
        display_name: None,
        status,
        failure: None,
        started_at: None,
    })
}

const HOUR: i64 = 3_600;

#[test]
fn the_first_alarm_claims_with_its_final_parameters() {
    let mut model = Model::new();
    let (outcome, commands) = model.take(&alarmed("dq", 0), 5);
    let Outcome::Claimed { claim } = outcome else {
        panic!("{outcome:?}")
    };
    let values: Vec<(&str, &str)> = claim
        .parameters
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        values,
        [
            (
                "Baseline",
                "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-detection/4"
            ),
            ("Cause", "drift/data_quality/dq"),
            ("InputDataUri", "s3://fraud/data/"),
            ("Token", claim.token.as_str()),
            ("WindowEnd", "2026-01-05T00:00:05Z"),
            ("WindowStart", "2025-12-06T00:00:05Z"),
        ]
    );
    assert_eq!(claim.lease_until, at(5 + 100));
    assert_eq!(claim.resume_at, at(5 + 160));
    assert_eq!(model.slot.due_at, Some(at(5 + 160)));
    assert_eq!(
        commands,
        [Command::EnsureStarted {
            claim,
            look: Look::No
        }]
    );
}

#[test]
fn a_start_asks_for_the_facts_that_its_parameters_need() {
    let mut model = Model::new();
    model.lookups = None;
    let step = model.try_step(&alarmed("dq", 0), None, 0).unwrap();
    let Step::NeedFacts(needed) = step else {
        panic!("{step:?}")
    };
    assert_eq!(
        needed.training_data_uri.unwrap().as_str(),
        "/fraud/training-data-uri"
    );
    assert_eq!(needed.baseline.unwrap().as_str(), "fraud-detection");
    // Inside the interval nothing will start, so nothing needs to be looked up.
    model.lookups = Some(Lookups::default());
    model.policy.policy.parameters.clear();
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    model.lookups = None;
    assert_eq!(model.outcome(&alarmed("mq", 70), 70), "held");
}

#[test]
fn a_missing_fact_holds_the_trigger_and_says_what_is_missing() {
    let mut model = Model::new();
    model.lookups = Some(Lookups::default());
    let (outcome, commands) = model.take(&alarmed("dq", 0), 0);
    let text = outcome.to_string();
    assert!(
        text.contains("/fraud/training-data-uri does not exist"),
        "{text}"
    );
    assert!(commands.is_empty());
    assert_eq!(
        (model.slot.phase.clone(), model.slot.held.len()),
        (Phase::Idle, 1)
    );
    // Told once: the next look finds the same and writes nothing new.
    let due = model.slot.due_at.unwrap();
    assert_eq!(due, at(HOUR));
    // Another version of the policy is another chance.
    model.policy.version = 4;
    model.lookups = Model::new().lookups;
    assert_eq!(model.outcome(&Event::Tick, HOUR), "claimed");
}

#[test]
fn a_default_never_stands_in_for_what_cannot_be_read() {
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().baseline = Lookup::Absent;
    assert_eq!(model.outcome(&alarmed("dq", 0), 0), "claimed");
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().baseline = Lookup::Unreadable("AccessDenied".into());
    let (outcome, _) = model.take(&alarmed("dq", 0), 0);
    assert!(
        outcome
            .to_string()
            .contains("the baseline is unreadable: AccessDenied"),
        "{outcome}"
    );
}

#[test]
fn a_value_longer_than_aws_takes_is_a_misconfiguration() {
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().training_data_uri = Lookup::Found("s".repeat(1_024));
    assert_eq!(model.outcome(&alarmed("dq", 0), 0), "claimed");
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().training_data_uri = Lookup::Found("s".repeat(1_025));
    let (outcome, _) = model.take(&alarmed("dq", 0), 0);
    assert!(
        outcome.to_string().contains("parameters.InputDataUri"),
        "{outcome}"
    );
}

#[test]
fn a_trigger_inside_the_interval_is_held_and_starts_when_it_ends() {
    let mut model = Model::new();
    model.start(0);
    assert_eq!(model.outcome(&alarmed("mq", 10), 10), "held");
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), HOUR),
        "succeeded"
    );
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    let early = model.try_step(&Event::Tick, None, 6 * HOUR - 1).unwrap();
    assert!(matches!(early, Step::Settled(_)), "{early:?}");
    let (outcome, _) = model.take(&Event::Tick, 6 * HOUR);
    let Outcome::Claimed { claim } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((claim.number, claim.reasons.len()), (2, 1));
    assert!(model.slot.held.is_empty());
}

#[test]
fn a_policy_may_drop_instead_of_hold() {
    let mut model = Model::new();
    model.policy.policy.within_min_interval = crate::policy::WithinMinInterval::Drop;
    model.start(0);
    // In flight is not the interval: the run does not cover a later cause.
    assert_eq!(model.outcome(&alarmed("mq", 10), 10), "held");
    model.take(&cleared("mq", 11), 11);
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    assert_eq!(model.outcome(&alarmed("mq", 70), 70), "dropped");
    assert!(model.slot.held.is_empty());
}

#[test]
fn a_force_by_a_person_ignores_the_interval_but_not_a_run_in_flight() {
    let manual = Event::Trigger(Trigger {
        cause: Cause::Manual {
            key: "k".into(),
            by: "ana".into(),
            why: "audit".into(),
            force: true,
        },
        at: at(20),
    });
    let mut model = Model::new();
    model.start(0);
    assert_eq!(model.outcome(&manual, 20), "held");
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    assert_eq!(model.slot.due_at, Some(at(60)));
    assert_eq!(model.outcome(&Event::Tick, 60), "claimed");
}

#[test]
fn an_ok_withdraws_what_its_alarm_asked_before() {
    let mut model = Model::new();
    model.start(0);
    model.take(&alarmed("mq", 10), 10);
    model.take(&alarmed("bias", 11), 11);
    let (outcome, _) = model.take(&cleared("mq", 20), 20);
    assert_eq!(
        outcome,
        Outcome::AlarmCleared {
            withdrawn: 1,
            marked: 0
        }
    );
    assert_eq!(model.slot.held.len(), 1);
    // The same OK again tells nothing new.
    assert_eq!(model.outcome(&cleared("mq", 20), 21), "unchanged");
}

#[test]
fn an_ok_before_its_older_alarm_starts_nothing() {
    let mut model = Model::new();
    assert_eq!(model.outcome(&cleared("dq", 20), 20), "alarm_cleared");
    let (outcome, commands) = model.take(&alarmed("dq", 10), 21);
    assert_eq!(
        outcome,
        Outcome::Stale {
            because: Stale::NewerTransition { at: at(20) }
        }
    );
    assert!(commands.is_empty());
    // The next real transition starts.
    assert_eq!(model.outcome(&alarmed("dq", 30), 30), "claimed");
}

#[test]
fn a_cause_that_clears_in_flight_does_not_come_back_with_a_failure() {
    let mut model = Model::new();
    model.start(0);
    let (outcome, _) = model.take(&cleared("dq", 20), 20);
    assert_eq!(
        outcome,
        Outcome::AlarmCleared {
            withdrawn: 0,
            marked: 1
        }
    );
    model.take(&ended(1, ExecutionStatus::Failed), 60);
    assert!(model.slot.held.is_empty());
}

#[test]
fn events_older_than_the_policy_wants_are_stale() {
    let mut model = Model::new();
    let week = 7 * 24 * HOUR;
    assert_eq!(model.outcome(&alarmed("dq", 0), week + 1), "stale");
    let mut model = Model::new();
    assert_eq!(model.outcome(&alarmed("dq", 0), week), "claimed");
}

#[test]
fn an_event_from_the_future_is_an_error_and_poisons_nothing() {
    let model = Model::new();
    for event in [alarmed("dq", 61), cleared("dq", 61)] {
        let error = model.try_step(&event, None, 0).unwrap_err();
        assert_eq!(
            error,
            StepError::FromTheFuture {
                at: at(61),
                now: at(0)
            }
        );
    }
    assert!(model.try_step(&alarmed("dq", 60), None, 0).is_ok());
}

#[test]
fn a_duplicate_does_nothing_while_the_lease_is_live_and_resumes_after() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let seen = Seen {
        decision: 1,
        claim: Some(1),
    };
    for seconds in [0, 159] {
        let step = model
            .try_step(&alarmed("dq", 0), Some(&seen), seconds)
            .unwrap();
        assert_eq!(
            step,
            Step::Settled(Outcome::Duplicate {
                decision: 1,
                claim: Some(1)
            })
        );
    }
    let step = model.try_step(&alarmed("dq", 0), Some(&seen), 160).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    let [
        Command::EnsureStarted {
            claim,
            look: Look::First,
        },
    ] = commit.commands.as_slice()
    else {
        panic!("{:?}", commit.commands)
    };
    assert_eq!((claim.number, claim.attempt), (1, 2));
    let Phase::Starting(before) = &model.slot.phase else {
        panic!()
    };
    assert_eq!(
        (&claim.token, &claim.parameters),
        (&before.token, &before.parameters)
    );
    assert!(claim.lease_until > at(160));
}

#[test]
fn a_definite_refusal_for_capacity_holds_and_refunds_the_interval() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    assert_eq!(
        model.outcome(&answered(1, 1, no_capacity()), 1),
        "not_started"
    );
    assert!(model.slot.starts.is_empty());
    let until = model.slot.no_capacity.clone().unwrap().until;
    assert_eq!(model.slot.due_at, Some(until));
    assert!(until > at(120) && until <= at(1 + 132), "{until}");
    let seconds = until.as_second() - at(0).as_second() + 1;
    assert_eq!(model.outcome(&Event::Tick, seconds), "claimed");
    assert_eq!(model.slot.claims, 2);
}

#[test]
fn a_misconfiguration_is_held_until_the_policy_changes_or_a_person_resumes() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    model.take(&answered(1, 1, refused_for_good()), 1);
    assert_eq!(model.slot.held.len(), 1);
    assert_eq!(model.outcome(&alarmed("mq", 2), 2), "held");
    assert_eq!(model.outcome(&unpause(), 3), "unpaused");
    assert_eq!(model.outcome(&Event::Tick, 4), "claimed");
}

fn unpause() -> Event {
    Event::Unpause {
        by: "ana".into(),
        why: "fixed".into(),
    }
}

#[test]
fn a_refusal_after_an_ambiguous_attempt_is_ambiguous() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let unknown = StartAnswer::Unknown {
        what: "timeout".into(),
    };
    assert_eq!(model.outcome(&answered(1, 1, unknown), 30), "start_unknown");
    assert_eq!(model.outcome(&Event::Tick, 159), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 160), "resumed");
    for answer in [no_capacity(), refused_for_good()] {
        assert_eq!(model.outcome(&answered(1, 2, answer), 161), "start_unknown");
        assert!(matches!(model.slot.phase, Phase::Starting(_)));
    }
    // The first worker's late refusal changes nothing either.
    assert_eq!(
        model.outcome(&answered(1, 1, no_capacity()), 162),
        "unchanged"
    );
    // But its late success is true whoever tells it.
    assert_eq!(model.outcome(&accepted(1, 20), 163), "started");
}

#[test]
fn a_request_that_can_never_work_is_definite_once_nothing_was_found() {
    let refused = |refusal| StartAnswer::Refused {
        refusal,
        looked: true,
    };
    let what = || "ValidationException".to_string();
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    assert_eq!(model.outcome(&Event::Tick, 160), "resumed");
    // A lack of capacity may be caused by our own execution.
    let busy = refused(Refusal::NoCapacity { what: what() });
    assert_eq!(model.outcome(&answered(1, 2, busy), 161), "start_unknown");
    let never = refused(Refusal::Misconfigured { what: what() });
    assert_eq!(model.outcome(&answered(1, 2, never), 162), "not_started");
    assert_eq!(
        (model.slot.phase.clone(), model.slot.held.len()),
        (Phase::Idle, 1)
    );
}

#[test]
fn a_person_can_give_up_a_claim_that_nobody_holds() {
    let abandon = Event::Abandon {
        by: "ana".into(),
        why: "the role may not list executions".into(),
    };
    let mut model = Model::new();
    assert_eq!(model.outcome(&abandon, 0), "unchanged");
    model.take(&alarmed("dq", 0), 0);
    assert_eq!(
        model.outcome(&abandon, 99),
        "unchanged",
        "its worker may still send"
    );
    assert_eq!(model.outcome(&abandon, 100), "abandoned");
    assert_eq!(
        (model.slot.phase.clone(), model.slot.held.len()),
        (Phase::Idle, 1)
    );
    // Its execution may exist for all that is known, so the interval counts.
    assert_eq!(model.slot.due_at, Some(at(100 + 6 * HOUR)));
}

#[test]
fn nothing_is_sent_for_a_resumed_claim_while_a_pause_or_a_foreign_run_forbids_it() {
    let paused = Event::Pause {
        by: "ana".into(),
        why: "incident".into(),
    };
    let foreign = told("by-hand", 0, ExecutionStatus::InFlight);
    for forbids in [paused, foreign] {
        let mut model = Model::new();
        model.take(&alarmed("dq", 0), 0);
        model.take(&forbids, 10);
        let (outcome, commands) = model.take(&Event::Tick, 160);
        assert_eq!(outcome.name(), "resumed");
        let [Command::EnsureStarted { look, .. }] = commands.as_slice() else {
            panic!("{commands:?}")
        };
        assert_eq!(*look, Look::Only);
    }
}

#[test]
fn a_new_trigger_behind_an_unfinished_claim_is_held_and_finishes_the_claim() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let (outcome, commands) = model.take(&alarmed("mq", 100), 100);
    assert_eq!((outcome.name(), commands.len()), ("held", 0));
    let (outcome, commands) = model.take(&alarmed("bias", 160), 160);
    assert_eq!(outcome.name(), "held");
    assert!(matches!(
        commands.as_slice(),
        [Command::EnsureStarted {
            look: Look::First,
            ..
        }]
    ));
    assert_eq!(model.slot.held.len(), 2);
}

#[test]
fn a_run_that_is_gone_ends_as_failed_once_it_must_have_shown() {
    let mut model = Model::new();
    model.start(0);
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Gone), 30),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Gone), 900),
        "failed"
    );
    assert_eq!(model.slot.held.len(), 1);
    model.take(&told("by-hand", 900, ExecutionStatus::InFlight), 901);
    let gone = told("by-hand", 900, ExecutionStatus::Gone);
    assert_eq!(model.outcome(&gone, 2_000), "foreign_run_ended");
}

/// The largest slot that there can be stays under 64 KB, as a DynamoDB item and as
/// the text that a test can measure.
#[test]
fn the_largest_slot_stays_small() {
    let mut model = Model::new();
    let uri = "s".repeat(1_024);
    model.policy.policy.parameters = (0..15)
        .map(|n| {
            let name = crate::names::PipelineParameterName::parse(alloc::format!("P{n}")).unwrap();
            (name, crate::policy::Template::parse(&uri).unwrap())
        })
        .collect();
    let mut now = 0;
    let fill = |model: &mut Model, now: &mut i64| {
        for round in 0..2 {
            for n in 0..120 {
                *now += 1;
                let name = alloc::format!("{n}{}", "長".repeat(250));
                let mut trigger = drift(&name, *now);
                if let Cause::Drift { evidence, .. } = &mut trigger.cause {
                    *evidence = (round == 1).then(|| "\"語\n".repeat(500));
                }
                model.take(&Event::Trigger(trigger), *now);
            }
        }
    };
    model.take(&told("by-hand", 0, ExecutionStatus::InFlight), 0);
    fill(&mut model, &mut now);
    model.take(&told("by-hand", 0, ExecutionStatus::Succeeded), now);
    now += 7 * HOUR;
    assert_eq!(model.outcome(&Event::Tick, now), "claimed");
    fill(&mut model, &mut now);
    for n in 0..30 {
        let name = alloc::format!("h{n}{}", "x".repeat(60));
        model.take(&told(&name, now, ExecutionStatus::InFlight), now);
    }
    for n in 0..200 {
        model.slot.record_start(crate::slot::Start {
            at: at(n),
            claim: u64::MAX,
        });
    }
    let bytes = serde_json::to_string(&model.slot).unwrap().len();
    assert!(bytes < 64 * 1024, "{bytes}");
    assert!(
        bytes > 40 * 1024,
        "{bytes}: the worst case is no longer the worst"
    );
}

#[test]
fn answers_to_other_claims_change_nothing_or_are_errors() {
    let mut model = Model::new();
    model.start(0);
    assert_eq!(model.outcome(&accepted(1, 0), 5), "unchanged");
    assert_eq!(
        model.try_step(&accepted(2, 0), None, 5).unwrap_err(),
        StepError::NoSuchClaim { claim: 2, last: 1 }
    );
    let other = StartAnswer::Accepted {
        execution: execution(9),
        started_at: at(0),
        adopted: false,
    };
    let (outcome, _) = model.take(&answered(1, 1, other), 5);
    assert!(
        matches!(outcome, Outcome::SecondExecution { claim: 1, .. }),
        "{outcome}"
    );
    assert_eq!(
        model.slot.foreign.len(),
        1,
        "the other one is not forgotten"
    );
    model.slot.foreign.clear();
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    assert_eq!(model.outcome(&accepted(1, 0), 61), "unchanged");
}

#[test]
fn a_status_with_the_display_name_is_an_implied_answer() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let Phase::Starting(claim) = model.slot.phase.clone() else {
        panic!()
    };
    let report = |name: Option<alloc::string::String>, status| {
        Event::Status(ExecutionReport {
            execution: execution(1),
            display_name: name,
            status,
            failure: None,
            started_at: Some(at(3)),
        })
    };
    assert_eq!(
        model.outcome(&report(None, ExecutionStatus::InFlight), 4),
        "unchanged"
    );
    let named = Some(claim.token.display_name());
    let mut quick = Model {
        slot: model.slot.clone(),
        ..Model::new()
    };
    assert_eq!(
        model.outcome(&report(named.clone(), ExecutionStatus::InFlight), 4),
        "started"
    );
    assert_eq!(model.slot.last_start().unwrap(), at(3));
    assert_eq!(
        quick.outcome(&report(named, ExecutionStatus::Succeeded), 900),
        "succeeded"
    );
    assert_eq!(quick.slot.last_start().unwrap(), at(3));
}

#[test]
fn known_statuses_change_nothing() {
    let mut model = Model::new();
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Failed), 0),
        "unchanged"
    );
    model.start(0);
    assert_eq!(
        model.outcome(&ended(7, ExecutionStatus::Failed), 1),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::InFlight), 1),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), 2),
        "succeeded"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), 3),
        "unchanged"
    );
}

fn told(name: &str, started: i64, status: ExecutionStatus) -> Event {
    let text = alloc::format!(
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/{name}"
    );
    Event::Status(ExecutionReport {
        execution: PipelineExecutionArn::parse(text).unwrap(),
        display_name: Some(name.into()),
        status,
        failure: None,
        started_at: Some(at(started)),
    })
}

#[test]
fn a_foreign_run_blocks_a_start_and_counts_for_the_interval() {
    let mut model = Model::new();
    let runs = told("by-hand", 0, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&runs, 10), "foreign_run_seen");
    let (outcome, _) = model.take(&alarmed("dq", 20), 20);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::ForeignRun { .. }
            }
        ),
        "{outcome}"
    );
    // Nobody tells that it ended: it is looked at when that is overdue.
    assert_eq!(model.slot.due_at, Some(at(910)));
    let step = model.try_step(&Event::Tick, None, 910).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    assert!(matches!(
        commit.commands.as_slice(),
        [Command::Describe { .. }]
    ));
    assert_eq!(commit.slot.due_at, Some(at(910 + 900)));
    let ended = told("by-hand", 0, ExecutionStatus::Failed);
    assert_eq!(model.outcome(&ended, 1_000), "foreign_run_ended");
    // It consumed nothing, and the interval counts from its start.
    assert_eq!(model.slot.held.len(), 1);
    assert_eq!(model.slot.failures, 0);
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    assert_eq!(model.outcome(&ended, 1_001), "unchanged");
}

#[test]
fn a_foreign_run_that_was_never_told_counts_when_it_has_ended() {
    let mut model = Model::new();
    let ended = told("by-hand", 100, ExecutionStatus::Succeeded);
    assert_eq!(model.outcome(&ended, 500), "foreign_run_ended");
    assert_eq!(model.outcome(&alarmed("dq", 600), 600), "held");
    assert_eq!(model.slot.due_at, Some(at(100 + 6 * HOUR)));
}

#[test]
fn a_foreign_run_beside_ours_holds_what_comes_after_ours() {
    let mut model = Model::new();
    model.start(0);
    let runs = told("by-hand", 30, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&runs, 40), "foreign_run_seen");
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), 60),
        "succeeded"
    );
    assert_eq!(model.slot.due_at, Some(at(940)));
    assert_eq!(model.outcome(&alarmed("mq", 7 * HOUR), 7 * HOUR), "held");
}

#[test]
fn an_execution_of_ours_that_is_retried_blocks_like_a_foreign_one() {
    let mut model = Model::new();
    model.start(0);
    let Phase::Running(run) = model.slot.phase.clone() else {
        panic!()
    };
    let name = run.claim.token.display_name();
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Failed), 60),
        "failed"
    );
    let mut again = told("e1", 0, ExecutionStatus::InFlight);
    let Event::Status(report) = &mut again else {
        panic!()
    };
    report.display_name = Some(name);
    assert_eq!(model.outcome(&again, 100), "foreign_run_seen");
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "unchanged");
}

#[test]
fn a_repeated_end_of_our_own_execution_is_no_foreign_run() {
    let mut model = Model::new();
    model.start(0);
    let Phase::Running(run) = model.slot.phase.clone() else {
        panic!()
    };
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    let mut again = told("e1", 50, ExecutionStatus::Succeeded);
    let Event::Status(report) = &mut again else {
        panic!()
    };
    report.display_name = Some(run.claim.token.display_name());
    assert_eq!(model.outcome(&again, 100), "unchanged");
}

#[test]
fn failed_runs_back_off_and_give_their_causes_up_in_the_end() {
    let mut model = Model::new();
    model.policy.policy.min_interval = crate::period::Period::from_mins(1);
    let mut now = 0;
    model.start(now);
    for (failures, wait) in [(1, 1_800), (2, 3_600)] {
        now += 600;
        let (outcome, _) = model.take(&ended(failures, ExecutionStatus::Failed), now);
        assert!(
            matches!(
                outcome,
                Outcome::Failed {
                    held_again: 1,
                    given_up: 0,
                    ..
                }
            ),
            "{outcome}"
        );
        assert_eq!(model.slot.due_at, Some(at(now + wait)));
        now += wait;
        assert_eq!(model.outcome(&Event::Tick, now), "claimed");
        model.take(&accepted(failures + 1, now), now);
    }
    let (outcome, _) = model.take(&ended(3, ExecutionStatus::Failed), now + 600);
    assert!(
        matches!(
            outcome,
            Outcome::Failed {
                held_again: 0,
                given_up: 1,
                ..
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, None);
}

#[test]
fn the_breaker_opens_after_enough_failures_and_only_a_person_closes_it() {
    let mut model = Model::new();
    model.policy.policy.breaker_after_failures = 2;
    let mut now = 0;
    for claim in 1..=2 {
        model.start(now);
        now += 600;
        let (outcome, _) = model.take(&ended(claim, ExecutionStatus::Failed), now);
        let Outcome::Failed { breaker_opened, .. } = outcome else {
            panic!("{outcome}")
        };
        assert_eq!(breaker_opened, claim == 2);
        now += 24 * HOUR;
    }
    let (outcome, _) = model.take(&alarmed("mq", now), now);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::BreakerOpen { failures: 2, .. }
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, None, "only a person can help");
    let reset = Event::ResetBreaker {
        by: "ana".into(),
        why: "the data is mended".into(),
    };
    assert_eq!(model.outcome(&reset, now), "breaker_reset");
    assert_eq!(model.outcome(&reset, now), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, now), "claimed");
}

#[test]
fn the_budget_counts_starts_in_a_sliding_window() {
    let mut model = Model::new();
    model.policy.policy.budget = Some(crate::policy::Budget {
        starts: 2,
        window: crate::period::Period::from_days(7),
    });
    let day = 24 * HOUR;
    for (claim, now) in [(1, 0), (2, day)] {
        model.start(now);
        model.take(&ended(claim, ExecutionStatus::Succeeded), now + 60);
    }
    let (outcome, _) = model.take(&alarmed("dq", 2 * day), 2 * day);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::Budget { starts: 2, .. }
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, Some(at(7 * day)));
    assert_eq!(model.outcome(&Event::Tick, 7 * day - 1), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 7 * day), "claimed");
}

#[test]
fn a_blackout_holds_until_it_ends() {
    let mut model = Model::new();
    let window = r#"[{"from": "00:00", "to": "06:00", "time_zone": "UTC"}]"#;
    model.policy.policy.blackouts = serde_json::from_str(window).unwrap();
    let (outcome, _) = model.take(&alarmed("dq", HOUR), HOUR);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::Blackout { .. }
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "claimed");
}

#[test]
fn a_policy_that_observes_records_and_calls_nothing() {
    let mut model = Model::new();
    model.policy.policy.mode = crate::policy::Mode::Observe;
    model.lookups = None;
    let (outcome, commands) = model.take(&alarmed("dq", 0), 0);
    assert_eq!((outcome.name(), commands.len()), ("would_start", 0));
    assert!(model.slot.starts.is_empty());
    assert_eq!(
        model.outcome(&alarmed("mq", HOUR), HOUR),
        "held",
        "as it would be"
    );
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "would_start");
    // Acting begins as if nothing had been observed.
    model.policy.policy.mode = crate::policy::Mode::Act;
    model.lookups = Model::new().lookups;
    assert_eq!(model.outcome(&alarmed("mq", 7 * HOUR), 7 * HOUR), "claimed");
}

#[test]
fn a_stopped_run_discards_its_causes() {
    let mut model = Model::new();
    model.start(0);
    let (outcome, _) = model.take(&ended(1, ExecutionStatus::Stopped), 60);
    assert!(
        matches!(outcome, Outcome::Stopped { discarded: 1, .. }),
        "{outcome}"
    );
    assert!(model.slot.held.is_empty());
}

#[test]
fn a_running_execution_is_described_when_events_are_overdue() {
    let mut model = Model::new();
    let execution = model.start(0);
    assert_eq!(model.outcome(&Event::Tick, 899), "unchanged");
    let step = model.try_step(&Event::Tick, None, 900).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    assert_eq!(commit.commands, [Command::Describe { execution }]);
    assert_eq!(
        (commit.decision, commit.slot.due_at),
        (None, Some(at(1_800)))
    );
}

#[test]
fn pauses_hold_and_nothing_starts_by_itself() {
    let mut model = Model::new();
    let pause = Event::Pause {
        by: "ana".into(),
        why: "data migration".into(),
    };
    assert_eq!(model.outcome(&pause, 0), "paused");
    assert_eq!(model.outcome(&pause, 1), "unchanged");
    let (outcome, _) = model.take(&alarmed("dq", 2), 2);
    assert!(outcome.to_string().contains("data migration"), "{outcome}");
    assert_eq!(model.slot.due_at, None);
    assert_eq!(model.outcome(&unpause(), 3), "unpaused");
    assert_eq!(model.slot.due_at, Some(at(3)));
    assert_eq!(model.outcome(&unpause(), 4), "unchanged");
    model.controller.paused = Some(Pause {
        by: "ops".into(),
        why: "incident".into(),
        since: at(0),
    });
    let (outcome, _) = model.take(&alarmed("mq", 5), 5);
    assert!(matches!(
        outcome,
        Outcome::Held {
            guard: Guard::ControllerPaused { .. }
        }
    ));
}

#[test]
fn time_never_runs_backwards_for_a_slot() {
    let mut model = Model::new();
    model.start(100);
    model.take(&ended(1, ExecutionStatus::Succeeded), 200);
    model.take(&alarmed("mq", 150), 150);
    assert_eq!(model.slot.updated_at, at(200));
}

#[test]
fn a_slot_and_a_decision_survive_serialisation() {
    let mut model = Model::new();
    let step = model.try_step(&alarmed("dq", 0), None, 0).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    let text = serde_json::to_string(&commit.slot).unwrap();
    assert_eq!(serde_json::from_str::<Slot>(&text).unwrap(), commit.slot);
    let decision = commit.decision.unwrap();
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
    model.start(0);
    let held = model.try_step(&alarmed("mq", 5), None, 5).unwrap();
    let Step::Commit(commit) = held else {
        panic!("{held:?}")
    };
    let decision = commit.decision.unwrap();
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
}
