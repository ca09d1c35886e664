//! Outcomes as a person reads them.

use core::fmt;

use super::release::release;
use super::{Interruption, Outcome};
use crate::data::Tally;

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { decision, .. } => write!(f, "decision {decision} answered it before"),
            Self::Unchanged { because } => because.fmt(f),
            Self::Stale { because } => because.fmt(f),
            Self::Held { guard } | Self::Dropped { guard } => guard.fmt(f),
            Self::Claimed { claim } => write!(
                f,
                "claim {} for {}: {}",
                claim.number, claim.target, claim.reasons
            ),
            Self::WouldStart { reasons, .. } => write!(f, "the policy only observes: {reasons}"),
            Self::Resumed { claim } => {
                write!(f, "claim {}, attempt {}", claim.number, claim.attempt)
            }
            Self::Started { .. }
            | Self::NotStarted { .. }
            | Self::Yielded { .. }
            | Self::NotSent { .. }
            | Self::StartUnknown { .. } => start(self, f),
            Self::AlarmCleared { withdrawn, marked } => {
                write!(
                    f,
                    "{withdrawn} held cause(s) withdrawn, {marked} marked in flight"
                )
            }
            Self::Succeeded { .. }
            | Self::NoImprovement { .. }
            | Self::Interrupted { .. }
            | Self::Failed { .. }
            | Self::Stopped { .. }
            | Self::Retired { .. } => end(self, f),
            Self::Reopened {
                execution, reasons, ..
            } => write!(f, "{execution} was retried and runs again: {reasons}"),
            Self::Counted { .. } => counted(self, f),
            Self::PackageSeen { claim, found } => write!(
                f,
                "the run of claim {claim} has registered {}, which is {}",
                found.package, found.approval
            ),
            Self::NoPackage { claim } => {
                write!(f, "the run of claim {claim} has registered no package")
            }
            Self::Unconfirmed { reasons } => {
                write!(f, "no other kind of signal agreed in time: {reasons}")
            }
            Self::SecondExecution {
                claim,
                known,
                second,
            } => {
                write!(f, "claim {claim} runs as {known} and as {second}")
            }
            Self::Abandoned { claim, held_again } => {
                write!(
                    f,
                    "claim {claim} is given up; {held_again} cause(s) held again"
                )
            }
            Self::ForeignRunSeen { execution, retried } => {
                let what = if *retried {
                    "runs again, after a newer start: what it had may be trained on twice"
                } else {
                    "runs, which is none of ours: triggers are held"
                };
                write!(f, "{execution} {what}")
            }
            Self::ForeignRunEnded { execution } => {
                write!(f, "{execution}, which is none of ours, has ended")
            }
            Self::NotApproved { .. }
            | Self::Withdrawn { .. }
            | Self::RolledBack { .. }
            | Self::Baseline { .. }
            | Self::PackageNoted { .. }
            | Self::AwaitsPerson { .. }
            | Self::Reminded { .. }
            | Self::WouldDecide { .. }
            | Self::Writing { .. }
            | Self::Wrote { .. }
            | Self::NotWritten { .. }
            | Self::WriteUnknown { .. }
            | Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::Undecided { .. }
            | Self::Contested { .. }
            | Self::SignedOff { .. }
            | Self::NotTaken { .. } => release(self, f),
            Self::Paused => f.write_str("triggers are held"),
            Self::Unpaused => f.write_str("triggers start again"),
            Self::BreakerReset => f.write_str("the breaker is closed: triggers start again"),
        }
    }
}

/// What became of a claim's start.
fn start(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match outcome {
        Outcome::Started {
            execution,
            adopted,
            reasons,
            ..
        } => {
            let how = if *adopted { "found running" } else { "started" };
            write!(f, "{how} {execution}: {reasons}")
        }
        Outcome::NotStarted {
            refusal,
            held_again,
            ..
        } => write!(f, "{refusal}; {held_again} cause(s) held again"),
        Outcome::Yielded {
            claim,
            execution,
            held_again,
        } => write!(
            f,
            "{execution} was retried: claim {claim}, which has not started, is given back; {held_again} cause(s) held again"
        ),
        Outcome::NotSent { claim, held_again } => write!(
            f,
            "claim {claim} has not started, and its package was withdrawn; {held_again} cause(s) held again"
        ),
        Outcome::StartUnknown {
            what, resume_at, ..
        } => write!(f, "{what}; looked at again at {resume_at}"),
        _ => Ok(()),
    }
}

/// How an execution of ours ended.
fn end(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match outcome {
        Outcome::Succeeded {
            execution,
            served,
            consumed,
            cached_training,
            ..
        } => {
            write!(f, "{execution} served {served} cause(s)")?;
            if *consumed != Tally::default() {
                write!(f, " and consumed {consumed}")?;
            }
            if !cached_training.is_empty() {
                let steps = cached_training.join(", ");
                write!(f, "; nothing was trained: {steps} came from the cache")?;
            }
            Ok(())
        }
        Outcome::NoImprovement {
            execution,
            failure,
            held_again,
            given_up,
            served,
            unreadable,
            ..
        } => {
            let says = failure.as_deref().unwrap_or("no reason");
            write!(
                f,
                "{execution} found no improvement: {says:?}; {held_again} drift alarm(s) held again, {given_up} given up, {served} cause(s) settled"
            )?;
            unreadable.as_ref().map_or(Ok(()), |why| {
                write!(f, "; the alarms' state is unreadable: {why}")
            })
        }
        Outcome::Interrupted {
            execution,
            how,
            held_again,
            given_up,
            ..
        } => {
            let how = match how {
                Interruption::Superseded => "was overtaken by a newer execution",
                Interruption::Canceled => "was canceled by a change of its pipeline",
            };
            write!(
                f,
                "{execution} {how}; {held_again} cause(s) held again, {given_up} given up"
            )
        }
        Outcome::Failed {
            execution,
            failure,
            held_again,
            given_up,
            ..
        } => {
            let failure = failure.as_deref().unwrap_or("no failure reason");
            write!(
                f,
                "{execution}: {failure:?}; {held_again} cause(s) held again, {given_up} given up"
            )
        }
        Outcome::Retired {
            discarded,
            execution,
        } => {
            write!(f, "the policy goes: {discarded} cause(s) discarded")?;
            match execution {
                Some(execution) => write!(f, "; {execution} goes on, and nobody waits for it"),
                None => Ok(()),
            }
        }
        Outcome::Stopped {
            execution,
            discarded,
            waits_again,
            ..
        } => {
            write!(f, "{execution} was stopped; {discarded} cause(s) discarded")?;
            if *waits_again != Tally::default() {
                write!(f, "; {waits_again} wait(s) for more")?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What training data has come, and what it still takes.
fn counted(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match outcome {
        Outcome::Counted {
            arrived,
            repeated,
            uncounted,
            waiting,
            wanted,
            ready_at,
            held_by,
        } => {
            write!(f, "{arrived} counted")?;
            if *repeated > 0 {
                write!(f, ", {repeated} known")?;
            }
            if *uncounted > 0 {
                write!(f, ", {uncounted} uncountable")?;
            }
            write!(f, "; {waiting} wait(s){wanted}")?;
            match (held_by, ready_at) {
                (Some(guard), _) => write!(f, "; {guard}"),
                (None, Some(at)) => write!(f, "; enough at {at}"),
                (None, None) => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
