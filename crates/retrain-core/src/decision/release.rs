//! Outcomes about packages and their deployments, as a person reads them.

use core::fmt;

use super::{Outcome, Rollback};
use crate::package::BaselineAnswer;

/// What became of a package, or of what an environment runs.
pub(super) fn release(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match outcome {
        Outcome::NotApproved {
            package,
            status,
            approval,
            dropped,
        } => write!(
            f,
            "package {} is {status}, {approval}; {dropped} cause(s) dropped",
            package.version()
        ),
        Outcome::Withdrawn {
            package,
            because,
            dropped,
            marked,
            rollback,
        } => {
            write!(
                f,
                "package {} {because}; {dropped} held cause(s) dropped, {marked} marked in flight",
                package.version()
            )?;
            match rollback {
                None => Ok(()),
                Some(Rollback::To { package }) => {
                    write!(
                        f,
                        "; the environment goes back to package {}",
                        package.version()
                    )
                }
                Some(Rollback::Nothing) => f.write_str(
                    "; the environment runs it, and no package that ran before is still approved",
                ),
                Some(Rollback::Reported) => {
                    f.write_str("; the environment runs it, and a person must decide")
                }
            }
        }
        Outcome::RolledBack { package, what } => match package {
            Some(package) => {
                write!(
                    f,
                    "package {} does not run any more: {what}",
                    package.version()
                )
            }
            None => f.write_str(what),
        },
        Outcome::Baseline {
            schedule,
            package,
            answer,
        } => {
            let version = package.version();
            match answer {
                BaselineAnswer::Refreshed { .. } => {
                    write!(
                        f,
                        "{schedule} monitors against the baselines of package {version}"
                    )
                }
                BaselineAnswer::NoBaseline { monitoring_type } => write!(
                    f,
                    "package {version} has no {monitoring_type} baseline for {schedule}, which keeps its own"
                ),
                BaselineAnswer::Refused { what } => {
                    write!(f, "{schedule} keeps its baseline: {what}")
                }
            }
        }
        _ => package(outcome, f),
    }
}

fn package(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match outcome {
        Outcome::PackageNoted { status, approval } => write!(f, "it is {status}, {approval}"),
        Outcome::AwaitsPerson { why, verdict, .. } => {
            f.write_str(why)?;
            verdict
                .as_ref()
                .map_or(Ok(()), |verdict| write!(f, ". {}", verdict.summary))
        }
        Outcome::Reminded {
            since,
            why,
            reminders,
        } => write!(
            f,
            "since {since}, reminder {}: {why}",
            reminders.saturating_add(1)
        ),
        Outcome::WouldDecide { verdict } => {
            write!(f, "the policy only observes. {}", verdict.summary)
        }
        Outcome::Writing { write, .. } => {
            write!(f, "write {}, attempt {}: ", write.number, write.attempt)?;
            match &write.update.approval {
                Some(decision) => write!(f, "{}. {}", decision.approval, decision.description),
                None => write!(f, "{} pin(s)", write.update.metadata.len()),
            }
        }
        Outcome::Wrote { number } => write!(f, "write {number} is done"),
        Outcome::NotWritten { number, why } => write!(f, "write {number} is not done: {why}"),
        Outcome::WriteUnknown {
            what, resume_at, ..
        } => write!(f, "{what}; looked at again at {resume_at}"),
        Outcome::Approved {
            by_controller,
            told,
        }
        | Outcome::Rejected {
            by_controller,
            told,
        } => write!(f, "{}; {told} environment(s) told", by(*by_controller)),
        Outcome::Undecided { status, told } => write!(
            f,
            "it is {status}, and nobody's decision stands; {told} environment(s) told"
        ),
        Outcome::Contested { contested, told } => write!(
            f,
            "a person's {} at {} was covered up by the controller's {}; {told} environment(s) told, nothing is deployed before a person decides again",
            contested.theirs, contested.at, contested.ours
        ),
        Outcome::SignedOff { standing } => f.write_str(standing),
        Outcome::NotTaken { why } => f.write_str(why),
        _ => Ok(()),
    }
}

const fn by(controller: bool) -> &'static str {
    if controller {
        "by the controller"
    } else {
        "by a person"
    }
}
