//! Whether EventBridge's rules bring what the policy needs.

use std::collections::BTreeSet;
use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::Rule;
use retrain_controller::PortError;
use serde_json::{Value, json};

use super::needs::{Hears, Need, Needs, Otherwise};
use super::report::{Report, quoted};
use crate::arns::own_function;

/// A rule with what it tells.
struct Seen {
    name: String,
    arn: String,
    is_on: bool,
    pattern: Option<String>,
    has_schedule: bool,
    targets: Vec<String>,
}

/// Looks at the rules, and returns the ARNs of the functions that they reach.
pub(super) async fn look(aws: &SdkConfig, needs: &Needs, report: &mut Report) -> BTreeSet<String> {
    let client = Client::new(aws);
    let listed = rules(&client, needs).await;
    let Some(rules) = report.known("rules", "the default bus", listed) else {
        return BTreeSet::new();
    };
    let mut reached = BTreeSet::new();
    let same = |a: &Need, b: &Need| a.check == b.check && a.subject == b.subject;
    for needs in needs.0.chunk_by(same) {
        let Some(need) = needs.first() else {
            continue;
        };
        let heard = heard(&client, needs, &rules).await;
        match report.known(need.check, &need.subject, heard) {
            Some(Heard::Of(rule)) => {
                reached.extend(functions(rule));
                let what = format!("the rule {} tells of it", rule.name);
                report.ok(need.check, &need.subject, what);
            }
            Some(Heard::Not(matching)) => unheard(need, &matching, report),
            None => {}
        }
    }
    reconcile(&rules, &mut reached, report);
    reached
}

/// Whether a thing's events are heard of.
enum Heard<'a> {
    /// All of them, at least by this rule.
    Of(&'a Seen),
    /// One is not; these rules match it.
    Not(Vec<&'a Seen>),
}

/// Whether somebody hears of all these events about one thing.
async fn heard<'a>(
    client: &Client,
    needs: &[Need],
    rules: &'a [Seen],
) -> Result<Heard<'a>, PortError> {
    let mut by = None;
    for need in needs {
        let matching = matching(client, need, rules).await?;
        let reaches =
            |rule: &&&Seen| rule.is_on && rule.targets.iter().any(|arn| is_heard(need.hears, arn));
        match matching.iter().find(reaches) {
            Some(rule) => by = Some(*rule),
            None => return Ok(Heard::Not(matching)),
        }
    }
    Ok(by.map_or(Heard::Not(Vec::new()), Heard::Of))
}

/// Says why nobody hears of what is needed.
fn unheard(need: &Need, matching: &[&Seen], report: &mut Report) {
    let Need {
        check,
        subject,
        parameter,
        ..
    } = need;
    let who = match need.hears {
        Hears::Function(name) => format!("the function {name}"),
        Hears::Queue => "the queue of data-arrival".to_owned(),
    };
    match need.otherwise {
        Otherwise::Function => {
            return report.ok(check, subject, "an action of the alarm tells of it");
        }
        Otherwise::Topic => {
            let what = format!("no rule tells {who} of it; perhaps the alarm's topic does");
            let fix = format!(
                "see who is subscribed to the topic, or deploy with a value of {parameter} that covers it"
            );
            return report.warn(check, subject, what, fix);
        }
        Otherwise::No => {}
    }
    let off = matching.iter().find(|rule| !rule.is_on);
    let astray = matching.iter().find(|rule| rule.is_on);
    match (off, astray) {
        (_, Some(rule)) => report.fail(
            check,
            subject,
            format!("the rule {} matches, and does not tell {who}", rule.name),
            "deploy the stack again, which sets the rule's target: sam deploy",
        ),
        (Some(rule), None) => report.fail(
            check,
            subject,
            format!("the rule {} is disabled", rule.name),
            format!(
                "aws events enable-rule --name {}\nor deploy with RuleState=ENABLED",
                quoted(&rule.name)
            ),
        ),
        (None, None) => report.fail(
            check,
            subject,
            format!("no rule tells {who} of it"),
            format!("deploy with a value of {parameter} that covers it: sam deploy --guided"),
        ),
    }
}

fn reconcile(rules: &[Seen], reached: &mut BTreeSet<String>, report: &mut Report) {
    let hears = Hears::Function("reconciler");
    let mut scheduled = rules
        .iter()
        .filter(|rule| rule.has_schedule && rule.targets.iter().any(|arn| is_heard(hears, arn)));
    let (check, fix) = ("reconcile-rule", "aws events enable-rule --name");
    match scheduled.clone().find(|rule| rule.is_on) {
        Some(rule) => {
            reached.extend(functions(rule));
            report.ok(check, "reconciler", format!("by the rule {}", rule.name));
        }
        None => match scheduled.next() {
            Some(rule) => report.fail(
                check,
                "reconciler",
                format!("the rule {} is disabled: nothing held starts", rule.name),
                format!("{fix} {}", quoted(&rule.name)),
            ),
            None => report.fail(
                check,
                "reconciler",
                "no rule lets it run: nothing held starts, and nothing lost is repaired",
                "deploy the stack again: sam deploy",
            ),
        },
    }
}

fn functions(rule: &Seen) -> impl Iterator<Item = String> {
    let own = rule
        .targets
        .iter()
        .filter(|arn| own_function(arn).is_some());
    own.cloned()
}

fn is_heard(hears: Hears, target: &str) -> bool {
    match hears {
        Hears::Function(name) => own_function(target) == Some(name),
        // Objects may also come to the function itself.
        Hears::Queue => {
            target.split(':').nth(2) == Some("sqs") || own_function(target) == Some("data-arrival")
        }
    }
}

/// The rules that may matter, with their targets.
async fn rules(client: &Client, needs: &Needs) -> Result<Vec<Seen>, PortError> {
    let mut listed: Vec<Rule> = Vec::new();
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
    let mut seen = Vec::new();
    for rule in listed {
        let pattern = rule.event_pattern.as_deref();
        let may_match = needs.0.iter().any(|need| is_candidate(pattern, need));
        let (Some(name), true) = (
            rule.name.clone(),
            may_match || rule.schedule_expression.is_some(),
        ) else {
            continue;
        };
        seen.push(Seen {
            targets: targets(client, &name).await?,
            name,
            arn: rule.arn.unwrap_or_default(),
            is_on: rule
                .state
                .is_some_and(|state| state.as_str().starts_with("ENABLED")),
            pattern: rule.event_pattern,
            has_schedule: rule.schedule_expression.is_some(),
        });
    }
    Ok(seen)
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

/// Whether a rule speaks of the event's kind: others need not be asked about.
fn is_candidate(pattern: Option<&str>, need: &Need) -> bool {
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

/// The rules whose patterns match the event, as EventBridge itself says.
async fn matching<'a>(
    client: &Client,
    need: &Need,
    rules: &'a [Seen],
) -> Result<Vec<&'a Seen>, PortError> {
    let mut matching = Vec::new();
    for rule in rules {
        let Some(pattern) = rule.pattern.as_deref() else {
            continue;
        };
        if !is_candidate(Some(pattern), need) {
            continue;
        }
        let tested = client
            .test_event_pattern()
            .event_pattern(pattern)
            .event(here(&need.event, &rule.arn).to_string())
            .send()
            .await;
        let doing = || format!("test the pattern of the rule {}", rule.name);
        if tested.map_err(|error| failed(&doing(), error))?.result() {
            matching.push(rule);
        }
    }
    Ok(matching)
}

/// The event as it would come to the bus of this rule.
fn here(event: &Value, rule: &str) -> Value {
    let part = |number: usize| rule.split(':').nth(number).unwrap_or_default();
    let (partition, region, account) = (part(1), part(3), part(4));
    let mut event = event.clone();
    event["version"] = json!("0");
    event["id"] = json!("00000000-0000-0000-0000-000000000000");
    event["time"] = json!("2026-01-05T00:00:00Z");
    event["region"] = json!(region);
    event["account"] = json!(account);
    for resource in event["resources"].as_array_mut().into_iter().flatten() {
        let name = resource.as_str().unwrap_or_default();
        if name.starts_with("endpoint/") {
            *resource = json!(format!(
                "arn:{partition}:sagemaker:{region}:{account}:{name}"
            ));
        } else if let Some(bucket) = name.strip_prefix("arn:aws:s3:::") {
            *resource = json!(format!("arn:{partition}:s3:::{bucket}"));
        }
    }
    event
}

fn failed(doing: &str, error: impl Error + Send + Sync + 'static) -> PortError {
    PortError::terminal(doing, error)
}
