//! What a commit commands, done at AWS.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use retrain_core::errand::{Errand, Task};
use retrain_core::event::{Event, StartAnswer};
use retrain_core::lane::Lane;
use retrain_core::names::{ModelPackageArn, MonitoringScheduleName};
use retrain_core::package::{
    BaselineAnswer, PackageDescription, PackageStatus, PackageUpdate, UpdateAnswer,
};
use retrain_core::review::Write;
use retrain_core::slot::Claim;
use retrain_core::step::{Command, Look};

use crate::controller::Controller;
use crate::error::{ControllerError, PortError, chain};
use crate::ports::{
    Alarms, Clock, Executions, Manifests, Monitoring, Packages, Parameters, Registry, Reports,
    SlotStore, Started, Updated,
};

/// The longest that a start call may take.
const START_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// A start call with less time than this is not worth sending.
const MIN_START_TIMEOUT: SignedDuration = SignedDuration::from_secs(1);

/// What came of a command.
pub(crate) enum Performed {
    /// The slot is told this.
    Answered(Event),
    /// There was no time left to do it: it is taken up later.
    Unsent,
    /// Another slot of the model is to be told this; then the errand is done.
    Told {
        lane: Lane,
        event: Box<Event>,
        number: u64,
    },
}

impl<S, E, R, P, A, M> Controller<S, E, R, P, A, M>
where
    S: SlotStore,
    E: Executions,
    R: Registry + Packages + Monitoring,
    P: Parameters,
    A: Alarms,
    M: Manifests + Reports,
{
    /// Does what a commit commands.
    pub(crate) async fn perform(
        &self,
        command: &Command,
        decided_at: Timestamp,
        clock: &impl Clock,
    ) -> Result<Performed, ControllerError> {
        let event = match command {
            Command::EnsureStarted { claim, look } => {
                let Some(answer) = self.ensure_started(claim, *look, decided_at, clock).await
                else {
                    return Ok(Performed::Unsent);
                };
                Event::StartAnswered {
                    claim: claim.number,
                    attempt: claim.attempt,
                    answer,
                }
            }
            Command::FindPackage { group, after } => {
                let found = self.registry.newest_since(group, *after).await?;
                Event::Registered { found }
            }
            Command::Describe { execution } => {
                Event::Status(self.executions.describe(execution).await?)
            }
            Command::DescribePackage { package } => Event::Package {
                description: Box::new(self.description(package).await?),
                told: None,
            },
            Command::UpdatePackage(write) => {
                let Some(answer) = self.write(write, decided_at, clock).await else {
                    return Ok(Performed::Unsent);
                };
                Event::PackageWritten {
                    number: write.number,
                    attempt: write.attempt,
                    answer,
                }
            }
            Command::Errand(errand) => return self.errand(errand).await,
            Command::Look => Event::Tick,
        };
        Ok(Performed::Answered(event))
    }

    /// What the registry says of a package now. One that is gone is being deleted.
    pub async fn description(
        &self,
        package: &ModelPackageArn,
    ) -> Result<PackageDescription, PortError> {
        let described = self.registry.describe_package(package).await?;
        Ok(described.unwrap_or_else(|| PackageDescription::gone(package.clone())))
    }

    async fn errand(&self, errand: &Errand) -> Result<Performed, ControllerError> {
        let number = errand.number;
        Ok(match &errand.task {
            Task::Tell { lane, event } => Performed::Told {
                lane: lane.clone(),
                event: event.clone(),
                number,
            },
            Task::RefreshBaseline { schedule, package } => {
                let baseline = Some(self.refresh(schedule, package).await?);
                Performed::Answered(Event::ErrandDone { number, baseline })
            }
        })
    }

    async fn refresh(
        &self,
        schedule: &MonitoringScheduleName,
        package: &ModelPackageArn,
    ) -> Result<BaselineAnswer, PortError> {
        let described = self.description(package).await?;
        if described.status == PackageStatus::Deleting {
            let what = "the package is gone".to_owned();
            return Ok(BaselineAnswer::Refused { what });
        }
        self.registry
            .refresh_baseline(schedule, package, &described.baselines)
            .await
    }

    /// Writes to a package, if it still is what the update is to be written over:
    /// `UpdateModelPackage` has no condition of its own. Nothing where the lease leaves
    /// no time for it.
    async fn write(
        &self,
        write: &Write,
        decided_at: Timestamp,
        clock: &impl Clock,
    ) -> Option<UpdateAnswer> {
        self.time_to_send(decided_at, clock)?;
        let update = &write.update;
        let read_at = clock.now();
        let described = match self.description(&update.package).await {
            Ok(described) => described,
            Err(error) => {
                return Some(UpdateAnswer::Unknown {
                    read_at: None,
                    what: format!("could not look at the package: {}", chain(&error)),
                });
            }
        };
        if let Some(answer) = overtaken(update, &described, read_at) {
            return Some(answer);
        }
        let timeout = self.time_to_send(decided_at, clock)?;
        Some(match self.registry.update_package(update, timeout).await {
            Updated::Written => UpdateAnswer::Written {
                read_at,
                written_at: clock.now(),
            },
            Updated::Refused(what) => UpdateAnswer::Refused { what },
            Updated::Unknown(what) => UpdateAnswer::Unknown {
                read_at: Some(read_at),
                what,
            },
        })
    }

    async fn ensure_started(
        &self,
        claim: &Claim,
        look: Look,
        decided_at: Timestamp,
        clock: &impl Clock,
    ) -> Option<StartAnswer> {
        if look != Look::No {
            let earliest = self.timing.earliest_start(claim.claimed_at);
            match self.executions.find(claim, earliest).await {
                Ok(Some(found)) => {
                    return Some(StartAnswer::Accepted {
                        execution: found.execution,
                        started_at: found.started_at,
                        adopted: true,
                    });
                }
                Ok(None) if look == Look::Only => return Some(StartAnswer::Absent),
                Ok(None) => {}
                // Without having looked, nothing may be sent.
                Err(error) => {
                    return Some(StartAnswer::Unknown {
                        what: format!("could not look for the execution: {}", chain(&error)),
                    });
                }
            }
        }
        let timeout = self.time_to_send(decided_at, clock)?;
        Some(match self.executions.start(claim, timeout).await {
            Started::Accepted(execution) => StartAnswer::Accepted {
                execution,
                // Later than the true start, if at all: intervals are never cut short.
                started_at: clock.now(),
                adopted: false,
            },
            Started::Refused(refusal) => StartAnswer::Refused {
                refusal,
                looked: look == Look::First,
            },
            Started::Unknown(what) => StartAnswer::Unknown { what },
        })
    }

    /// How long a start call may take that is sent now; nothing when the lease
    /// that was taken at `decided_at` leaves no time for one.
    ///
    /// The fence in the store protects the slot from a worker that was frozen
    /// between its claim and its call. This protects AWS from it.
    fn time_to_send(&self, decided_at: Timestamp, clock: &impl Clock) -> Option<Duration> {
        let elapsed = clock.now().duration_since(decided_at);
        let left = self.timing.send_within() - elapsed;
        let timeout = left.min(START_TIMEOUT);
        (timeout >= MIN_START_TIMEOUT && !elapsed.is_negative()).then(|| timeout.unsigned_abs())
    }
}

/// Why an update is not sent: what it decides is decided.
fn overtaken(
    update: &PackageUpdate,
    described: &PackageDescription,
    read_at: Timestamp,
) -> Option<UpdateAnswer> {
    let decision = update.approval.as_ref()?;
    if update.is_shown_by(described) {
        // An earlier attempt has written it after all.
        return Some(UpdateAnswer::Written {
            read_at,
            written_at: read_at,
        });
    }
    let is_expected =
        described.status == PackageStatus::Completed && described.approval == decision.over;
    (!is_expected).then_some(UpdateAnswer::Overtaken {
        approval: described.approval,
    })
}
