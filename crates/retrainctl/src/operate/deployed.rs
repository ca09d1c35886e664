//! `retrainctl deployed`: what an environment runs, or ran.

use jiff::Timestamp;
use retrain_core::decision::Decision;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::{EnvironmentName, ModelName};
use serde::Serialize;

use super::Page;
use super::place::Place;
use super::served::{Served, is_told, served};
use crate::cli::operate::DeployedArgs;
use crate::exit::{Exit, Failure};
use crate::words::{Table, ago, moment};

/// What one environment of a model served at a time.
#[derive(Serialize)]
struct There {
    model: ModelName,
    environment: EnvironmentName,
    at: Timestamp,
    /// Nothing, if nothing is known to have been deployed by then.
    served: Option<Served>,
}

pub(super) async fn page(
    args: &DeployedArgs,
    place: &Place,
    now: Timestamp,
) -> Result<Page, Failure> {
    let at = args.at.unwrap_or(now);
    let lanes = deployments(place, args.model.as_ref(), args.environment.as_ref()).await?;
    let mut found = Vec::new();
    for (key, environment) in lanes {
        found.push(There {
            served: at_time(place, &key, at).await?,
            model: key.model,
            environment,
            at,
        });
    }
    let columns = ["model", "environment", "package", "since", "", "execution"];
    let mut table = Table::new(columns.len(), columns.map(str::to_owned));
    for one in &found {
        let served = one.served.as_ref();
        let package = served.and_then(|served| served.package.as_ref());
        let execution = served.and_then(|served| served.execution.as_ref());
        table.row([
            one.model.to_string(),
            one.environment.to_string(),
            package.map_or_else(
                || "-".to_owned(),
                |arn| format!("{}/{}", arn.group_name(), arn.version()),
            ),
            served.map_or_else(|| "-".to_owned(), |served| moment(served.since)),
            served.map_or_else(String::new, |served| ago(served.since, at)),
            execution.map_or_else(|| "-".to_owned(), ToString::to_string),
        ]);
    }
    let mut page = Page::new(table.to_string(), &found)?;
    let is_there = |one: &There| one.served.as_ref().is_some_and(|it| it.package.is_some());
    if !found.iter().any(is_there) {
        page.notes.push(format!(
            "nothing is known to be deployed there at {}",
            moment(at)
        ));
        page.exit = Exit::No;
    }
    Ok(page)
}

/// What the environment served at a time. What its decisions do not tell any more, the
/// slot may.
async fn at_time(place: &Place, key: &SlotKey, at: Timestamp) -> Result<Option<Served>, Failure> {
    let enough = |read: &[Decision]| is_told(read, at);
    let decisions = place.store.decisions_until(key, enough).await?;
    let told = served(decisions.iter());
    let told = told.into_iter().rfind(|served| served.since <= at);
    if told.is_some() {
        return Ok(told);
    }
    let seen = place.store.look(std::slice::from_ref(key)).await?;
    let current = seen
        .slots
        .get(key)
        .and_then(|slot| slot.deployment.current.as_ref());
    let current = current.filter(|current| current.at <= at);
    Ok(current.map(|current| Served {
        since: current.at,
        package: Some(current.package.clone()),
        execution: Some(current.execution.clone()),
    }))
}

/// The environments that policies have, or the one that is named by its model, which needs
/// no policy: what has served is known when that is gone.
pub(super) async fn deployments(
    place: &Place,
    model: Option<&ModelName>,
    environment: Option<&EnvironmentName>,
) -> Result<Vec<(SlotKey, EnvironmentName)>, Failure> {
    if let (Some(model), Some(environment)) = (model, environment) {
        let lane = Lane::Deploy(environment.clone());
        return Ok(vec![(
            SlotKey::new(model.clone(), lane),
            environment.clone(),
        )]);
    }
    let policies = place.policies().await?;
    if let Some(model) = model
        && policies.of(model).is_none()
    {
        return Err(place.stored.none_of(model));
    }
    let mut found = Vec::new();
    for policy in policies.iter() {
        if model.is_some_and(|model| *model != policy.model) {
            continue;
        }
        for own in &policy.policy.environments {
            if environment.is_none_or(|wanted| *wanted == own.name) {
                let lane = Lane::Deploy(own.name.clone());
                found.push((SlotKey::new(policy.model.clone(), lane), own.name.clone()));
            }
        }
    }
    match environment {
        Some(environment) if found.is_empty() => Err(Failure::Invalid(format!(
            "no policy has an environment {environment}"
        ))),
        _ => Ok(found),
    }
}
