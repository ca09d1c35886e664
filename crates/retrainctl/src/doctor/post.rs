//! EventBridge's rules as they are, and the controller's functions that they reach.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::Rule as Listed;
use retrain_controller::PortError;
use serde_json::Value;

use super::deployment::{Configured, configured, variable};
use super::needs::{Need, Needs};
use crate::arns::own_function;

/// A rule, with whom it tells.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) is_on: bool,
    pub(super) pattern: Option<String>,
    pub(super) has_schedule: bool,
    pub(super) reached: Vec<Reached>,
}

/// One of the controller's functions that a rule reaches.
#[derive(Clone)]
pub(super) struct Reached {
    pub(super) arn: String,
    /// The mapping that is off, if the function would have to read a queue by it.
    asleep: Option<String>,
}

impl Rule {
    /// Whether it leads to this function, on or off.
    pub(super) fn reaches(&self, function: &str) -> bool {
        let mut reached = self.reached.iter();
        reached.any(|one| own_function(&one.arn) == Some(function))
    }

    /// Whether it tells this function what it matches.
    pub(super) fn tells(&self, function: &str) -> bool {
        self.is_on && self.reaches(function) && self.asleep(function).is_none()
    }

    /// The mapping that is off, if only that keeps the rule from this function.
    pub(super) fn asleep(&self, function: &str) -> Option<&str> {
        let own = |one: &&Reached| own_function(&one.arn) == Some(function);
        let mut reached = self.reached.iter().filter(own);
        let first = reached.clone().next()?;
        let all = reached.all(|one| one.asleep.is_some());
        first.asleep.as_deref().filter(|_| all)
    }
}

/// The rules that may matter, and the functions behind them.
pub(super) struct Post {
    pub(super) rules: Vec<Rule>,
    pub(super) functions: BTreeMap<String, Configured>,
}

impl Post {
    /// Looks at the rules and what they tell. Where functions of several stacks are told,
    /// those of this table count.
    pub(super) async fn look(
        client: &Client,
        lambda: &aws_sdk_lambda::Client,
        needs: &Needs,
        table: &str,
    ) -> Result<Self, PortError> {
        let mut rules = rules(client, lambda, needs).await?;
        let mut functions = BTreeMap::new();
        for one in rules.iter().flat_map(|rule| &rule.reached) {
            if !functions.contains_key(&one.arn) {
                functions.insert(one.arn.clone(), configured(lambda, &one.arn).await);
            }
        }
        let table_of = |arn: &str| {
            let configured = functions.get(arn)?.as_ref().ok()?.as_ref()?;
            variable(configured, "RETRAIN_TABLE")
        };
        let here = functions.keys().filter(|arn| table_of(arn) == Some(table));
        let here: BTreeSet<_> = here.filter_map(|arn| own_function(arn)).collect();
        let is_elsewhere = |arn: &str| {
            let known = own_function(arn).is_some_and(|own| here.contains(own));
            known && table_of(arn).is_some_and(|other| other != table)
        };
        rules.retain_mut(|rule| {
            let before = rule.reached.len();
            rule.reached.retain(|one| !is_elsewhere(&one.arn));
            before == 0 || !rule.reached.is_empty()
        });
        Ok(Self { rules, functions })
    }
}

/// The rules that may matter.
async fn rules(
    client: &Client,
    lambda: &aws_sdk_lambda::Client,
    needs: &Needs,
) -> Result<Vec<Rule>, PortError> {
    let mut listed: Vec<Listed> = Vec::new();
    let mut token = None;
    loop {
        let page = client.list_rules().set_next_token(token).send().await;
        let page = page.map_err(|error| failed("list the rules", error))?;
        listed.extend(page.rules.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let mut rules = Vec::new();
    for rule in listed {
        let pattern = rule.event_pattern.as_deref();
        let may_match = needs.0.iter().any(|need| is_candidate(pattern, need));
        let (Some(name), true) = (
            rule.name.clone(),
            may_match || rule.schedule_expression.is_some(),
        ) else {
            continue;
        };
        let mut reached = Vec::new();
        for target in targets(client, &name).await? {
            if own_function(&target).is_some() {
                reached.push(Reached {
                    arn: target,
                    asleep: None,
                });
            } else if target.split(':').nth(2) == Some("sqs") {
                reached.extend(readers(lambda, &target).await?);
            }
        }
        rules.push(Rule {
            reached,
            name,
            arn: rule.arn.unwrap_or_default(),
            is_on: rule
                .state
                .is_some_and(|state| state.as_str().starts_with("ENABLED")),
            pattern: rule.event_pattern,
            has_schedule: rule.schedule_expression.is_some(),
        });
    }
    Ok(rules)
}

async fn targets(client: &Client, rule: &str) -> Result<Vec<String>, PortError> {
    let mut arns = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .list_targets_by_rule()
            .rule(rule)
            .set_next_token(token)
            .send()
            .await;
        let doing = || format!("list the targets of the rule {rule}");
        let page = page.map_err(|error| failed(&doing(), error))?;
        let targets = page.targets.unwrap_or_default();
        arns.extend(targets.into_iter().map(|target| target.arn));
        token = page.next_token;
        if token.is_none() {
            return Ok(arns);
        }
    }
}

/// The controller's functions that read a queue.
async fn readers(client: &aws_sdk_lambda::Client, queue: &str) -> Result<Vec<Reached>, PortError> {
    let mut pages = client
        .list_event_source_mappings()
        .event_source_arn(queue)
        .into_paginator()
        .send();
    let mut readers = Vec::new();
    while let Some(page) = pages.next().await {
        let doing = || format!("list who reads the queue {queue}");
        let page = page.map_err(|error| failed(&doing(), error))?;
        let mappings = page.event_source_mappings.unwrap_or_default().into_iter();
        readers.extend(mappings.filter_map(|mapping| {
            let arn = mapping.function_arn?;
            own_function(&arn)?;
            let is_off = mapping
                .state
                .is_some_and(|state| ["Disabled", "Disabling"].contains(&state.as_str()));
            Some(Reached {
                arn,
                asleep: is_off.then(|| mapping.uuid.unwrap_or_default()),
            })
        }));
    }
    Ok(readers)
}

/// Whether a rule speaks of the event's kind: others need not be asked about.
pub(super) fn is_candidate(pattern: Option<&str>, need: &Need) -> bool {
    let pattern: Option<Value> = pattern.and_then(|text| serde_json::from_str(text).ok());
    let allows = |field: &str| {
        let values = pattern.as_ref().and_then(|pattern| pattern.get(field));
        let values = values.and_then(Value::as_array);
        values.is_none_or(|values| {
            let mut values = values.iter();
            values.any(|value| value.is_object() || Some(value) == need.event.get(field))
        })
    };
    pattern.is_some() && allows("source") && allows("detail-type")
}

pub(super) fn failed(doing: &str, error: impl Error + Send + Sync + 'static) -> PortError {
    PortError::terminal(doing, error)
}
