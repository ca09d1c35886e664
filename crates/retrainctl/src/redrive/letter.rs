//! What a dead letter is: its event, where that belongs, and why it is here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::arns::{account_of, name_of, own_function};

/// A message of a queue of dead letters, as it was received.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) receipt: String,
    pub(super) body: String,
    /// Its attributes that are text.
    pub(super) attributes: BTreeMap<String, String>,
    /// When it was sent first.
    pub(super) sent: Timestamp,
    /// The ARN of the queue that has given it up.
    pub(super) given_up_by: Option<String>,
}

/// Where a letter belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// The function of this ARN, which may have a qualifier.
    Function(String),
    /// The queue of this ARN.
    Queue(String),
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    /// Where it belongs, or why it stays.
    pub(super) to: Result<To, String>,
    /// What sent it here: a function, a rule, a schedule or a queue.
    pub(super) from: String,
    /// Why.
    pub(super) reason: String,
    /// What is sent, as text that is not touched.
    pub(super) payload: String,
}

impl Letter {
    /// Reads a message of a queue of this account.
    pub(super) fn read(message: &Message, account: &str) -> Self {
        let mut letter = Self::understood(message);
        letter.to = letter.to.and_then(|to| allowed(to, account));
        letter
    }

    fn understood(message: &Message) -> Self {
        let plain = |to, from: &str, reason: String| Self {
            to,
            from: name_of(from).to_owned(),
            reason,
            payload: message.body.clone(),
        };
        let attribute = |name: &str| message.attributes.get(name).map(String::as_str);
        let body: Result<Value, _> = serde_json::from_str(&message.body);
        if let Some(target) = attribute("TARGET_ARN") {
            let from = attribute("RULE_ARN").or_else(|| attribute("SCHEDULE_ARN"));
            let to = match &body {
                Err(error) => Err(format!("its event is no JSON: {error}")),
                Ok(_) if attribute("IS_PAYLOAD_TRUNCATED") == Some("true") => {
                    Err("its event is cut off".to_owned())
                }
                Ok(_) => addressed(target),
            };
            let parts = ["ERROR_CODE", "ERROR_MESSAGE"].map(attribute);
            return plain(to, from.unwrap_or(target), told(parts));
        }
        if let Some(queue) = &message.given_up_by {
            let why = "it was received too often".to_owned();
            return plain(Ok(To::Queue(queue.clone())), queue, why);
        }
        let nobody = || "it names no function, rule or queue".to_owned();
        match body {
            Ok(body) => {
                Self::of_function(&body).unwrap_or_else(|| plain(Err(nobody()), "", String::new()))
            }
            Err(error) => plain(
                Err(format!("{}: it is no JSON: {error}", nobody())),
                "",
                String::new(),
            ),
        }
    }

    /// What Lambda sends when a function has failed, if it is that.
    fn of_function(body: &Value) -> Option<Self> {
        let context = body.get("requestContext")?;
        let function = context.get("functionArn")?.as_str()?;
        let event = body.get("requestPayload")?;
        let error = |name: &str| body.pointer("/responsePayload")?.get(name)?.as_str();
        let failed = [error("errorType"), error("errorMessage")];
        let condition = context.get("condition").and_then(Value::as_str);
        let reason = if failed == [None, None] {
            told([condition, None])
        } else {
            told(failed)
        };
        Some(Self {
            to: addressed(function),
            from: name_of(function).to_owned(),
            reason,
            payload: event.to_string(),
        })
    }

    /// The name of the function that it belongs to, without the prefix of its stack.
    pub(super) fn function(&self) -> Option<&'static str> {
        match &self.to {
            Ok(To::Function(arn)) => own_function(arn),
            Ok(To::Queue(_)) => Some("data-arrival"),
            Err(_) => None,
        }
    }
}

/// The parts of a reason that there are.
fn told(parts: [Option<&str>; 2]) -> String {
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    parts.join(": ")
}

fn addressed(arn: &str) -> Result<To, String> {
    let service = arn.split(':').nth(2);
    match service {
        Some("lambda") if arn.contains(":function:") => Ok(To::Function(arn.to_owned())),
        Some("sqs") => Ok(To::Queue(arn.to_owned())),
        _ => Err(format!("its target is {arn:?}")),
    }
}

/// Whoever may send to the queue could name any function: only the controller's own are
/// invoked.
fn allowed(to: To, account: &str) -> Result<To, String> {
    let (To::Function(arn) | To::Queue(arn)) = &to;
    if account_of(arn) != Some(account) {
        return Err(format!("its target is of another account: {arn:?}"));
    }
    match &to {
        To::Function(arn) if own_function(arn).is_none() => {
            Err(format!("its function is none of the controller's: {arn:?}"))
        }
        _ => Ok(to),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACCOUNT: &str = "111122223333";
    const DRIFT: &str = "arn:aws:lambda:us-east-1:111122223333:function:retrain-drift-alarm:live";
    const RULE: &str = "arn:aws:events:us-east-1:111122223333:rule/retrain-alarms";

    type Attributes<'a> = &'a [(&'a str, &'a str)];

    fn read(body: &str, attributes: Attributes<'_>) -> Letter {
        let attributes = attributes.iter();
        let message = Message {
            body: body.to_owned(),
            attributes: attributes
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Message::default()
        };
        Letter::read(&message, ACCOUNT)
    }

    fn envelope(function: &str) -> String {
        let envelope = json!({
            "version": "1.0",
            "requestContext": {"functionArn": function, "condition": "RetriesExhausted"},
            "requestPayload": {"source": "aws.cloudwatch"},
            "responsePayload": {"errorType": "Terminal.InvalidEvent", "errorMessage": "no state"},
        });
        envelope.to_string()
    }

    #[test]
    fn the_event_of_a_failed_function_goes_to_it_under_its_qualifier() {
        let letter = read(&envelope(DRIFT), &[]);
        assert_eq!(letter.to, Ok(To::Function(DRIFT.to_owned())));
        assert_eq!(letter.from, "retrain-drift-alarm");
        assert_eq!(letter.reason, "Terminal.InvalidEvent: no state");
        assert_eq!(letter.payload, r#"{"source":"aws.cloudwatch"}"#);
        assert_eq!(letter.function(), Some("drift-alarm"));
        // A function that was never reached has only a condition.
        let unreached = json!({
            "requestContext": {"functionArn": DRIFT, "condition": "EventAgeExceeded"},
            "requestPayload": {},
        });
        assert_eq!(read(&unreached.to_string(), &[]).reason, "EventAgeExceeded");
    }

    #[test]
    fn the_event_of_a_rule_goes_to_its_target_as_it_is() {
        let body = r#"{ "source":  "aws.cloudwatch" }"#;
        let letter = read(
            body,
            &[
                ("RULE_ARN", RULE),
                ("TARGET_ARN", DRIFT),
                ("ERROR_CODE", "NO_PERMISSIONS"),
            ],
        );
        assert_eq!(letter.to, Ok(To::Function(DRIFT.to_owned())));
        assert_eq!(
            (letter.from.as_str(), letter.reason.as_str()),
            ("retrain-alarms", "NO_PERMISSIONS")
        );
        assert_eq!(letter.payload, body);
        // The rule of objects has a queue behind it.
        let queue = "arn:aws:sqs:us-east-1:111122223333:data";
        let letter = read(body, &[("RULE_ARN", RULE), ("TARGET_ARN", queue)]);
        assert_eq!(letter.to, Ok(To::Queue(queue.to_owned())));
    }

    #[test]
    fn what_belongs_nowhere_or_elsewhere_stays() {
        let topic = "arn:aws:sns:us-east-1:111122223333:notices";
        let other = "arn:aws:lambda:us-east-1:111122223333:function:payroll";
        let foreign = "arn:aws:lambda:us-east-1:444455556666:function:retrain-drift-alarm";
        let lookalike = "arn:aws:lambda:us-east-1:111122223333:function:undrift-alarm";
        let cut = ("IS_PAYLOAD_TRUNCATED", "true");
        let cases: [(&str, Attributes<'_>, &str); 8] = [
            (
                "{}",
                &[("TARGET_ARN", topic)],
                "its target is \"arn:aws:sns",
            ),
            ("{}", &[("TARGET_ARN", other)], "none of the controller's"),
            (
                "{}",
                &[("TARGET_ARN", lookalike)],
                "none of the controller's",
            ),
            ("{}", &[("TARGET_ARN", foreign)], "another account"),
            ("{}", &[("TARGET_ARN", DRIFT), cut], "cut off"),
            ("{", &[("TARGET_ARN", DRIFT)], "no JSON"),
            (r#"{"note": 1}"#, &[], "names no function"),
            ("x", &[], "it is no JSON"),
        ];
        for (body, attributes, why) in cases {
            let stays = read(body, attributes).to.unwrap_err();
            assert!(stays.contains(why), "{stays}");
        }
        let stays = read(&envelope(other), &[]).to.unwrap_err();
        assert!(stays.contains("none of the controller's"), "{stays}");
    }
}
