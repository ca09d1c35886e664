//! EventBridge: the rules of the default bus, their targets, and which events they match.
//! It delivers nothing.

mod pattern;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::request::Parts;
use serde_json::{Value, json};

use crate::answer::ServiceError;
use crate::input::{Input, Text};
use crate::page::Page;
use crate::service::{AnswerFuture, Endpoint, Request, Service, target};
use pattern::Pattern;

/// API model: `RuleName`.
const NAME: Text = Text::of(1, 64);

/// A rule of the default bus.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Which events it matches, or when it makes one.
    pub on: On,
    /// Whether it does anything.
    pub enabled: bool,
    /// The ARNs of what it tells.
    pub targets: Vec<String>,
}

/// What makes a rule do something.
#[derive(Clone, Debug, PartialEq)]
pub enum On {
    /// An event of this pattern.
    Events(Value),
    /// The time, as `rate(5 minutes)`.
    Schedule(String),
}

impl Rule {
    /// An enabled rule without targets yet.
    pub fn new(name: &str, on: On) -> Self {
        Self {
            name: name.to_owned(),
            on,
            enabled: true,
            targets: Vec::new(),
        }
    }

    /// Adds a target.
    #[must_use]
    pub fn target(mut self, arn: &str) -> Self {
        self.targets.push(arn.to_owned());
        self
    }
}

/// A control call that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The pattern is none, or one that the sandbox does not have.
    #[error("the pattern of the rule {rule} is invalid: {why}")]
    Pattern {
        /// The rule.
        rule: String,
        /// What is wrong with it.
        why: String,
    },
}

/// `EventBridge`'s rules, and a way to them that makes no request. Clones share them.
#[derive(Clone, Debug)]
pub struct EventBridge {
    /// `arn:aws:events:REGION:ACCOUNT:rule/`.
    arn_prefix: String,
    rules: Arc<Mutex<BTreeMap<String, Rule>>>,
}

impl EventBridge {
    pub(crate) fn new(region: &str, account: &str) -> Self {
        Self {
            arn_prefix: format!("arn:aws:events:{region}:{account}:rule/"),
            rules: Arc::default(),
        }
    }

    /// Creates a rule, or replaces the one with its name.
    pub fn put_rule(&self, rule: Rule) -> Result<(), RuleError> {
        if let On::Events(pattern) = &rule.on {
            Pattern::read(pattern).map_err(|why| RuleError::Pattern {
                rule: rule.name.clone(),
                why,
            })?;
        }
        self.lock().insert(rule.name.clone(), rule);
        Ok(())
    }

    /// A rule, if it exists.
    pub fn rule(&self, name: &str) -> Option<Rule> {
        self.lock().get(name).cloned()
    }

    /// Deletes a rule; whether there was one.
    pub fn delete_rule(&self, name: &str) -> bool {
        self.lock().remove(name).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform(&self, operation: &str, request: &Value) -> Result<Value, ServiceError> {
        match operation {
            "ListRules" => self.list_rules(request),
            "ListTargetsByRule" => self.list_targets(request),
            "TestEventPattern" => test_pattern(request),
            unknown => Err(ServiceError::unknown_operation(unknown)),
        }
    }

    fn list_rules(&self, request: &Value) -> Result<Value, ServiceError> {
        let known = ["NamePrefix", "EventBusName", "NextToken", "Limit"];
        let input = Input::new(request, &known)?;
        of_the_default_bus(&input)?;
        let prefix = input.optional_text("NamePrefix", NAME)?.unwrap_or_default();
        let rules = self.lock();
        let (shown, token) = page(&input)?.cut(
            rules.values().collect(),
            |rule: &&Rule| rule.name.clone(),
            |rule| rule.name.starts_with(prefix),
        )?;
        let shown: Vec<Value> = shown.into_iter().map(|rule| self.shown(rule)).collect();
        let mut answer = json!({"Rules": shown});
        if let Some(token) = token {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }

    fn shown(&self, rule: &Rule) -> Value {
        let mut shown = json!({
            "Name": rule.name,
            "Arn": format!("{}{}", self.arn_prefix, rule.name),
            "State": if rule.enabled { "ENABLED" } else { "DISABLED" },
            "EventBusName": "default",
        });
        match &rule.on {
            On::Events(pattern) => shown["EventPattern"] = json!(pattern.to_string()),
            On::Schedule(expression) => shown["ScheduleExpression"] = json!(expression),
        }
        shown
    }

    fn list_targets(&self, request: &Value) -> Result<Value, ServiceError> {
        let known = ["Rule", "EventBusName", "NextToken", "Limit"];
        let input = Input::new(request, &known)?;
        of_the_default_bus(&input)?;
        let name = input.text("Rule", NAME)?;
        let rules = self.lock();
        let rule = rules.get(name).ok_or_else(|| {
            let why = format!("Rule {name} does not exist on EventBus default.");
            ServiceError::refused("ResourceNotFoundException", why)
        })?;
        let targets = rule.targets.iter().zip(1..);
        let (shown, token) = page(&input)?.cut(
            targets.collect(),
            |(_, number): &(&String, u32)| number.to_string(),
            |_| true,
        )?;
        let shown: Vec<Value> = shown
            .into_iter()
            .map(|(arn, number)| json!({"Id": number.to_string(), "Arn": arn}))
            .collect();
        let mut answer = json!({"Targets": shown});
        if let Some(token) = token {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }
}

/// API model: `Limit` 1..=100.
fn page<'a>(input: &Input<'a>) -> Result<Page<'a>, ServiceError> {
    let size = input.integer("Limit", 1, 100)?;
    Ok(Page {
        size: size
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(100),
        next_token: input.optional_text("NextToken", Text::of(1, 2048))?,
        bad_token: "ValidationException",
    })
}

fn of_the_default_bus(input: &Input<'_>) -> Result<(), ServiceError> {
    match input.optional_text("EventBusName", Text::of(1, 1600))? {
        None | Some("default") => Ok(()),
        Some(other) => {
            let why = format!("Event bus {other} does not exist.");
            Err(ServiceError::refused("ResourceNotFoundException", why))
        }
    }
}

/// What an event must have to be tested (API reference).
const NEEDED: [&str; 7] = [
    "id",
    "account",
    "source",
    "time",
    "region",
    "resources",
    "detail-type",
];

fn test_pattern(request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["EventPattern", "Event"])?;
    let pattern = input.text("EventPattern", Text::of(0, 4096))?;
    let event = input.text("Event", Text::of(0, usize::MAX))?;
    let invalid = |why: String| {
        let why = format!("Event pattern is not valid. Reason: {why}");
        ServiceError::refused("InvalidEventPatternException", why)
    };
    let pattern: Value =
        serde_json::from_str(pattern).map_err(|error| invalid(error.to_string()))?;
    let pattern = Pattern::read(&pattern).map_err(invalid)?;
    let event: Value = serde_json::from_str(event)
        .map_err(|error| ServiceError::validation(format!("Event is not valid: {error}")))?;
    if let Some(missing) = NEEDED.iter().find(|name| event.get(**name).is_none()) {
        let why = format!("Parameter Event is not valid. It has no {missing}.");
        return Err(ServiceError::validation(why));
    }
    Ok(json!({"Result": pattern.matches(&event)}))
}

impl Endpoint for EventBridge {
    fn service(&self) -> Service {
        Service::EventBridge
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        target(head, "AWSEvents")
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        request.answered(self.service(), |operation, members| {
            self.perform(operation, members)
        })
    }
}
