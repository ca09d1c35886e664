//! Executions and packages, as AWS has them, and what people do to them.

use std::collections::BTreeMap;

use retrain_core::event::{ExecutionReport, ExecutionStatus, Steps};
use retrain_core::execution::Execution;
use retrain_core::lane::Target;
use retrain_core::names::{AlarmArn, ModelPackageArn};
use retrain_core::package::{
    PackageApproval, PackageDescription, PackageStatus, PackageUpdate, ReportUris,
};
use retrain_core::slot::Claim;
use retrain_core::trigger::Cause;

use crate::mutant::Mutant;
use crate::print::{Print, Shared};
use crate::search::{Broken, broken};
use crate::setup::{Ends, News, at, index_of, package};
use crate::state::{Parcel, Ran, Registered, State};
use crate::world::World;

impl World {
    /// AWS has taken a start call: the execution that its token means.
    pub(crate) fn started(
        &self,
        state: &mut State,
        claim: &Claim,
        skew: i64,
        event: Print,
    ) -> Result<Execution, Broken> {
        let token = if self.is(Mutant::TokenOfEvent) {
            format!("retrain-{event:?}")
        } else {
            claim.token.display_name()
        };
        let resumed = self.is(Mutant::ParametersAnew) && claim.attempt > 1;
        let parameters = Print::of_shown(&(&claim.parameters, resumed));
        let window = self.setup.timing.settle().as_secs();
        let mut executions = state.executions.iter();
        let known = executions
            .find(|ran| ran.token.as_ref() == Some(&token) && ran.started + window >= state.now);
        if let Some(known) = known {
            if known.parameters != parameters {
                return broken(5, "one token, and other parameters");
            }
            return Ok(known.execution.clone());
        }
        let lane = self.lane_of(&claim.target);
        self.judge_start(state, lane, claim, parameters, skew)?;
        let execution = name(&claim.target, state.executions.len());
        state.executions.push(Shared::new(Ran {
            lane,
            execution: execution.clone(),
            token: Some(token),
            claim: claim.number,
            parameters,
            started: state.now,
            ended: None,
            package: claim.package.as_ref().map(index_of),
        }));
        Ok(execution)
    }

    fn lane_of(&self, target: &Target) -> usize {
        let mut lanes = self.setup.lanes.iter();
        lanes
            .position(|(_, policy)| policy.policy.target() == target)
            .expect("each pipeline belongs to one lane")
    }

    /// What a person does.
    pub(crate) fn do_deed(&self, state: &mut State, deed: &News) {
        match deed {
            News::StartByHand => {
                let target = self.setup.policy.policy.target();
                let place = state.executions.len();
                state.executions.push(Shared::new(Ran {
                    lane: 0,
                    execution: name(target, place),
                    token: None,
                    claim: 0,
                    parameters: Print::default(),
                    started: state.now,
                    ended: None,
                    package: None,
                }));
                tell(state, News::Execution(place), false);
            }
            News::Decide { package, approval } => {
                decide(state, *package, Some(*approval));
            }
            News::Edit(package) => {
                let known = &mut state.packages[*package].metadata;
                *known = known.with(|metadata| {
                    metadata.insert("note".to_owned(), "edited".to_owned());
                });
                decide(state, *package, None);
            }
            News::Event { .. } | News::Execution(_) | News::Package { .. } => {}
        }
    }

    /// `UpdateModelPackage`, which has no condition.
    pub(crate) fn write_package(
        state: &mut State,
        update: &PackageUpdate,
        saw: Option<PackageApproval>,
    ) -> Result<(), Broken> {
        let index = index_of(&update.package);
        let approval = update.approval.as_ref();
        if let Some(decided) = approval.filter(|decided| saw != Some(decided.over)) {
            let how = format!("it writes {:?} over {saw:?}", decided.approval);
            return broken(10, how);
        }
        let known = &mut state.packages[index].metadata;
        *known = known.with(|metadata| {
            let added = update.metadata.iter();
            metadata.extend(added.map(|(key, value)| (key.to_string(), value.to_string())));
        });
        decide(state, index, approval.map(|decided| decided.approval));
        Ok(())
    }

    pub(crate) fn describe_package(&self, state: &State, index: usize) -> PackageDescription {
        let known = &state.packages[index];
        PackageDescription {
            status: PackageStatus::Completed,
            approval: known.approval,
            modified_at: Some(at(known.modified)),
            metadata: BTreeMap::clone(&known.metadata),
            reports: ReportUris {
                evaluation: Some(format!("s3://reports/{}", self.setup.packages[index])),
                ..ReportUris::default()
            },
            ..PackageDescription::gone(package(index))
        }
    }

    pub(crate) fn newest_approved(state: &State) -> Option<ModelPackageArn> {
        let is_approved = |known: &Registered| known.approval == PackageApproval::Approved;
        state.packages.iter().rposition(is_approved).map(package)
    }

    /// Whether the alarm is in ALARM now: what was told of it last, by its own time.
    pub(crate) fn rings(&self, state: &State, alarm: &AlarmArn) -> bool {
        use retrain_core::event::Event;
        let events = self
            .setup
            .news
            .iter()
            .filter_map(|(_, _, news)| match news {
                News::Event { event, .. } => Some(event),
                _ => None,
            });
        let told = events.filter_map(|event| match event {
            Event::Trigger(trigger) => match &trigger.cause {
                Cause::Drift { alarm: of, .. } if of == alarm => Some((trigger.at, true)),
                _ => None,
            },
            Event::AlarmCleared { alarm: of, at } if of == alarm => Some((*at, false)),
            _ => None,
        });
        let told = told.filter(|(when, _)| *when <= at(state.now));
        told.max().is_some_and(|(_, rings)| rings)
    }
}

/// An execution ends, and AWS may tell.
pub(crate) fn end_execution(state: &mut State, execution: usize, ends: Ends) {
    let ran = &mut state.executions[execution];
    *ran = ran.with(|ran| ran.ended = Some(ends));
    tell(state, News::Execution(execution), false);
}

/// AWS may tell of something once.
fn tell(state: &mut State, news: News, owed: bool) {
    state.news.push(Parcel {
        news: Shared::new(news),
        from: 0,
        left: 1,
        owed,
    });
}

/// Something is written to a package, and SageMaker tells.
///
/// That may be lost while nobody has decided about the package: it is looked at then. Of
/// a decision that is taken back only SageMaker tells, so that is taken to arrive.
fn decide(state: &mut State, index: usize, approval: Option<PackageApproval>) {
    // No two things happen to a package in one second.
    let now = state.now + 1;
    state.pass_until(now);
    let known = &mut state.packages[index];
    let before = known.approval;
    let told = approval.filter(|approval| *approval != before);
    if let Some(approval) = told {
        known.approval = approval;
        if approval == PackageApproval::Approved {
            known.approvals += 1;
            known.approved = Some(now);
        }
    }
    known.modified = now;
    let news = News::Package {
        package: index,
        told,
        at: now,
    };
    let owed = told.is_some() && before != PackageApproval::PendingManualApproval;
    tell(state, news, owed);
}

fn name(target: &Target, place: usize) -> Execution {
    let text = match target {
        Target::SagemakerPipeline { name, .. } => {
            format!("arn:aws:sagemaker:us-east-1:111122223333:pipeline/{name}/execution/e{place}")
        }
        Target::Codepipeline { name } => {
            format!("codepipeline/{name}/0b1a2c3d-0000-4000-8000-{place:012}")
        }
    };
    Execution::parse(&text).expect("an execution's name")
}

impl Ran {
    pub(crate) fn report(&self) -> ExecutionReport {
        let (status, failed) = match self.ended {
            None => (ExecutionStatus::InFlight, vec![]),
            Some(Ends::As(status)) => (status, vec![]),
            Some(Ends::NotBetter) => (ExecutionStatus::Failed, vec!["NotBetter".to_owned()]),
        };
        // CodePipeline's description lacks the start.
        let is_dated = matches!(self.execution, Execution::SagemakerPipeline(_));
        ExecutionReport {
            execution: self.execution.clone(),
            display_name: self.token.clone(),
            status,
            failure: None,
            started_at: is_dated.then(|| at(self.started)),
            steps: Steps {
                failed,
                cached_training: vec![],
            },
        }
    }
}

impl Registered {
    /// A package that somebody must decide about.
    pub(crate) fn new() -> Self {
        Self {
            approval: PackageApproval::PendingManualApproval,
            metadata: Shared::new(BTreeMap::new()),
            modified: 0,
            approved: None,
            approvals: 0,
        }
    }
}
