//! Pointing monitoring schedules at the baselines of a package.
//!
//! A job definition cannot be changed, so a schedule that has one gets another, in three
//! writes: create it, point the schedule at it, delete the one before. Each write can be the
//! last that is done, and whoever calls again goes on from there: the new definition's name is
//! derived, and its tag names the one that it replaces.

mod baseline;
mod definition;
mod name;
mod obstacle;

use aws_sdk_sagemaker::operation::describe_monitoring_schedule::DescribeMonitoringScheduleOutput;
use aws_sdk_sagemaker::types::{MonitoringScheduleConfig, ScheduleStatus, Tag};
use retrain_controller::{Monitoring, PortError};
use retrain_core::names::{ModelPackageArn, MonitoringScheduleName};
use retrain_core::package::{BaselineAnswer, Baselines};

use self::baseline::{Baseline, Kind};
use self::obstacle::Obstacle;
use crate::SageMaker;

/// The tag by which a definition of ours names the one that it replaces.
const REPLACES: &str = "RetrainReplaces";

impl Monitoring for SageMaker {
    async fn refresh_baseline(
        &self,
        schedule: &MonitoringScheduleName,
        package: &ModelPackageArn,
        baselines: &Baselines,
    ) -> Result<BaselineAnswer, PortError> {
        match self.refresh(schedule, package, baselines).await {
            Ok(answer) => Ok(answer),
            Err(Obstacle::Missing(what) | Obstacle::Refused(what)) => {
                Ok(BaselineAnswer::Refused { what })
            }
            Err(Obstacle::Passing(error)) => Err(error),
        }
    }
}

/// A schedule as it is described.
struct Schedule<'a> {
    name: &'a MonitoringScheduleName,
    kind: Kind,
    config: MonitoringScheduleConfig,
    /// It is being changed, and takes no other change until then.
    is_pending: bool,
}

impl SageMaker {
    async fn refresh(
        &self,
        name: &MonitoringScheduleName,
        package: &ModelPackageArn,
        baselines: &Baselines,
    ) -> Result<BaselineAnswer, Obstacle> {
        let schedule = self.schedule(name).await?;
        let Some(baseline) = Baseline::of(schedule.kind, baselines) else {
            return Ok(BaselineAnswer::NoBaseline {
                monitoring_type: schedule.kind.name().to_owned(),
            });
        };
        let Some(current) = schedule.config.monitoring_job_definition_name.clone() else {
            return self.refresh_inline(schedule, &baseline).await;
        };
        match self.replace(schedule, &current, package, &baseline).await {
            // Another worker may have replaced it meanwhile.
            Err(Obstacle::Missing(what)) => {
                let schedule = self.schedule(name).await?;
                match schedule.config.monitoring_job_definition_name.clone() {
                    Some(now) if now != current => {
                        self.replace(schedule, &now, package, &baseline).await
                    }
                    _ => Err(Obstacle::Missing(what)),
                }
            }
            done => done,
        }
    }

    async fn schedule<'a>(
        &self,
        name: &'a MonitoringScheduleName,
    ) -> Result<Schedule<'a>, Obstacle> {
        let described = self
            .client
            .describe_monitoring_schedule()
            .monitoring_schedule_name(name.as_str())
            .send()
            .await
            .map_err(|error| Obstacle::of(format!("describe monitoring schedule {name}"), error))?;
        understand(name, described).map_err(Obstacle::Refused)
    }

    /// A schedule with its job definition inline: it is written anew.
    async fn refresh_inline(
        &self,
        mut schedule: Schedule<'_>,
        baseline: &Baseline,
    ) -> Result<BaselineAnswer, Obstacle> {
        let refreshed = BaselineAnswer::Refreshed { definition: None };
        let Some(definition) = schedule.config.monitoring_job_definition.as_mut() else {
            let name = schedule.name;
            return Err(Obstacle::Refused(format!("{name} has no job definition")));
        };
        let before = definition.baseline_config.take();
        if before.and_then(Baseline::inline).as_ref() == Some(baseline) {
            return Ok(refreshed);
        }
        definition.baseline_config = Some(baseline.to_inline());
        self.write(schedule).await?;
        Ok(refreshed)
    }

    /// A schedule with a job definition by name: it gets another.
    async fn replace(
        &self,
        mut schedule: Schedule<'_>,
        current: &str,
        package: &ModelPackageArn,
        baseline: &Baseline,
    ) -> Result<BaselineAnswer, Obstacle> {
        let (name, kind) = (schedule.name, schedule.kind);
        let wanted = name::derived(current, name, package);
        let definition = self.definition(kind, current).await?;
        if wanted == current || definition.baseline.as_ref() == Some(baseline) {
            // Whoever pointed the schedule at it may have got no further.
            leave_if_refused(self.remove_replaced(kind, &definition.arn, name).await)?;
            return Ok(BaselineAnswer::Refreshed {
                definition: Some(current.to_owned()),
            });
        }
        schedule.must_be_settled()?;
        let mut tags = self.tags(&definition.arn).await?;
        tags.retain(|tag| !is_not_copied(tag.key().unwrap_or_default()));
        tags.push(Tag::builder().key(REPLACES).value(current).build());
        self.create_definition(&wanted, definition, baseline, tags)
            .await?;
        schedule.config.monitoring_job_definition_name = Some(wanted.clone());
        self.write(schedule).await?;
        leave_if_refused(self.remove(kind, current, name).await)?;
        Ok(BaselineAnswer::Refreshed {
            definition: Some(wanted),
        })
    }

    async fn write(&self, schedule: Schedule<'_>) -> Result<(), Obstacle> {
        schedule.must_be_settled()?;
        let name = schedule.name;
        self.client
            .update_monitoring_schedule()
            .monitoring_schedule_name(name.as_str())
            .monitoring_schedule_config(schedule.config)
            .send()
            .await
            .map_err(|error| Obstacle::of(format!("update monitoring schedule {name}"), error))?;
        Ok(())
    }

    /// Removes what the definition's tag says that it replaces.
    async fn remove_replaced(
        &self,
        kind: Kind,
        arn: &str,
        schedule: &MonitoringScheduleName,
    ) -> Result<(), Obstacle> {
        let tags = self.tags(arn).await?;
        let replaced = tags.iter().find(|tag| tag.key() == Some(REPLACES));
        match replaced.and_then(Tag::value) {
            Some(replaced) => self.remove(kind, replaced, schedule).await,
            None => Ok(()),
        }
    }

    /// Removes a definition that this schedule has used, unless another one uses it too.
    async fn remove(
        &self,
        kind: Kind,
        definition: &str,
        schedule: &MonitoringScheduleName,
    ) -> Result<(), Obstacle> {
        let mut pages = self
            .client
            .list_monitoring_schedules()
            .monitoring_job_definition_name(definition)
            .monitoring_type_equals(kind.into())
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                Obstacle::of(
                    format!("list the monitoring schedules of {definition}"),
                    error,
                )
            })?;
            let mut names = page
                .monitoring_schedule_summaries()
                .iter()
                .filter_map(|summary| summary.monitoring_schedule_name());
            if names.any(|other| other != schedule.as_str()) {
                return Ok(());
            }
        }
        self.delete_definition(kind, definition).await
    }

    async fn tags(&self, arn: &str) -> Result<Vec<Tag>, Obstacle> {
        self.client
            .list_tags()
            .resource_arn(arn)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| Obstacle::of(format!("list the tags of {arn}"), error))
    }
}

impl Schedule<'_> {
    fn must_be_settled(&self) -> Result<(), Obstacle> {
        if self.is_pending {
            let doing = format!("update monitoring schedule {}", self.name);
            let pending = PortError::retryable(doing, "it is being changed");
            return Err(Obstacle::Passing(pending));
        }
        Ok(())
    }
}

fn understand(
    name: &MonitoringScheduleName,
    described: DescribeMonitoringScheduleOutput,
) -> Result<Schedule<'_>, String> {
    let config = described
        .monitoring_schedule_config
        .ok_or_else(|| format!("{name} has no configuration"))?;
    let monitoring_type = config
        .monitoring_type
        .as_ref()
        .or(described.monitoring_type.as_ref());
    Ok(Schedule {
        name,
        kind: Kind::of(monitoring_type)?,
        config,
        is_pending: described.monitoring_schedule_status == Some(ScheduleStatus::Pending),
    })
}

/// What is AWS's own cannot be given, and what is ours is of that definition alone.
fn is_not_copied(key: &str) -> bool {
    key == REPLACES
        || key
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The schedule monitors as it should already. A definition that may not be removed stays.
fn leave_if_refused(removed: Result<(), Obstacle>) -> Result<(), Obstacle> {
    match removed {
        Err(Obstacle::Refused(_) | Obstacle::Missing(_)) => Ok(()),
        removed => removed,
    }
}
