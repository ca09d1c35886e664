//! Whether EventBridge's rules bring what the policy needs.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use retrain_controller::PortError;
use serde_json::{Value, json};

use super::deployment::Configured;
use super::needs::{Need, Needs, Otherwise};
use super::post::{Post, Rule, failed, is_candidate};
use super::report::{Report, quoted};

/// Looks at the rules, and returns the functions that they reach.
pub(super) async fn look(
    aws: &SdkConfig,
    table: &str,
    needs: &Needs,
    report: &mut Report,
) -> BTreeMap<String, Configured> {
    let client = Client::new(aws);
    let looked = Post::look(&client, &aws_sdk_lambda::Client::new(aws), needs, table).await;
    let Some(Post { rules, functions }) = report.known("rules", "the default bus", looked) else {
        return BTreeMap::new();
    };
    let mut reached = BTreeSet::new();
    let same = |a: &Need, b: &Need| a.check == b.check && a.subject == b.subject;
    for needs in needs.0.chunk_by(same) {
        let Some(need) = needs.first() else {
            continue;
        };
        let heard = heard(&client, needs, &rules).await;
        match report.known(need.check, &need.subject, heard) {
            Some(Heard::Of(Some(rule))) => {
                reached.extend(rule.reached.iter().map(|one| one.arn.as_str()));
                let what = format!("the rule {} tells of it", rule.name);
                report.ok(need.check, &need.subject, what);
            }
            Some(Heard::Of(None)) => {
                let what = "actions of the alarm tell of it";
                report.ok(need.check, &need.subject, what);
            }
            Some(Heard::Not(need, matching)) => unheard(need, &matching, report),
            None => {}
        }
    }
    reconcile(&rules, &mut reached, report);
    let functions = functions.into_iter();
    functions
        .filter(|(arn, _)| reached.contains(arn.as_str()))
        .collect()
}

/// Whether a thing's events are heard of.
enum Heard<'a> {
    /// All of them, at least by this rule, or by the alarm's own actions alone.
    Of(Option<&'a Rule>),
    /// This one is not; these rules match it.
    Not(&'a Need, Vec<&'a Rule>),
}

/// Whether somebody hears of all these events about one thing.
async fn heard<'a>(
    client: &Client,
    needs: &'a [Need],
    rules: &'a [Rule],
) -> Result<Heard<'a>, PortError> {
    let mut by = None;
    for need in needs {
        let matching = matching(client, need, rules).await?;
        match matching.iter().find(|rule| rule.tells(need.hears)) {
            Some(rule) => by = Some(*rule),
            None if need.otherwise == Otherwise::Function => {}
            None => return Ok(Heard::Not(need, matching)),
        }
    }
    Ok(Heard::Of(by))
}

/// Says why nobody hears of what is needed.
fn unheard(need: &Need, matching: &[&Rule], report: &mut Report) {
    let Need {
        check,
        subject,
        parameter,
        ..
    } = need;
    let who = format!("the function {}", need.hears);
    let it = need.it();
    if need.otherwise == Otherwise::Topic {
        let what = format!("no rule tells {who} of {it}; perhaps the alarm's topic does");
        let fix = format!(
            "see who is subscribed to the topic, or deploy with a value of {parameter} that covers it"
        );
        return report.warn(check, subject, what, fix);
    }
    let on = || matching.iter().filter(|rule| rule.is_on);
    if let Some((rule, asleep)) = on().find_map(|rule| Some((rule, rule.asleep(need.hears)?))) {
        return report.fail(
            check,
            subject,
            format!("the queue of the rule {} is not read", rule.name),
            format!(
                "aws lambda update-event-source-mapping --uuid {} --enabled\nor deploy with RuleState=ENABLED",
                quoted(asleep)
            ),
        );
    }
    let off = matching.iter().find(|rule| !rule.is_on);
    let astray = on().next();
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
            format!("no rule tells {who} of {it}"),
            format!("deploy with a value of {parameter} that covers it: sam deploy --guided"),
        ),
    }
}

fn reconcile<'a>(rules: &'a [Rule], reached: &mut BTreeSet<&'a str>, report: &mut Report) {
    let mut scheduled = rules
        .iter()
        .filter(|rule| rule.has_schedule && rule.reaches("reconciler"));
    let (check, fix) = ("reconcile-rule", "aws events enable-rule --name");
    match scheduled.clone().find(|rule| rule.is_on) {
        Some(rule) => {
            reached.extend(rule.reached.iter().map(|one| one.arn.as_str()));
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

/// The rules whose patterns match the event, as EventBridge itself says.
async fn matching<'a>(
    client: &Client,
    need: &Need,
    rules: &'a [Rule],
) -> Result<Vec<&'a Rule>, PortError> {
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
