//! What a dead letter is: its event, where that belongs, and why it is here.

use std::collections::HashMap;

use aws_sdk_sqs::types::MessageAttributeValue;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::arns::{account_of, function_of, is_queue, name_of, own_function};

/// A message of a queue of dead letters, as it was received.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) receipt: String,
    pub(super) body: String,
    /// Its attributes, as they are.
    pub(super) attributes: HashMap<String, MessageAttributeValue>,
    /// When it was sent first.
    pub(super) sent: Timestamp,
    /// The ARN of the queue that has given it up. SQS tells it, and no sender.
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

/// Where letters may go. Whoever may send to the queue of dead letters writes what is in
/// them, and must not choose what is run or told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'a> {
    /// The account of the queue of dead letters.
    pub(super) account: &'a str,
    /// The stack whose functions are invoked.
    pub(super) stack: Option<&'a str>,
    /// The URL of the queue that rules may have meant.
    pub(super) data_queue: Option<&'a str>,
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

/// What Lambda sends when a function has failed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    request_context: Context,
    #[serde(borrow)]
    request_payload: &'a RawValue,
    #[serde(default)]
    response_payload: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    function_arn: String,
    #[serde(default)]
    condition: Value,
}

impl Letter {
    /// Reads a message, and says where it may go.
    pub(super) fn read(message: &Message, own: Own<'_>) -> Self {
        // Only SQS can say that a queue has given a message up: it goes back to that one,
        // whatever else it says.
        if let Some(queue) = &message.given_up_by {
            return Self {
                to: of_account(queue, own).map(|()| To::Queue(queue.clone())),
                from: name_of(queue).to_owned(),
                reason: "it was received too often".to_owned(),
                payload: message.body.clone(),
            };
        }
        let mut letter = Self::understood(message);
        letter.to = letter.to.and_then(|to| allowed(to, own));
        letter
    }

    fn understood(message: &Message) -> Self {
        let plain = |to, from: &str, reason: String| Self {
            to,
            from: name_of(from).to_owned(),
            reason,
            payload: message.body.clone(),
        };
        let attribute = |name: &str| message.attributes.get(name)?.string_value();
        let json = serde_json::from_str::<&RawValue>(&message.body);
        if let Some(target) = attribute("TARGET_ARN") {
            let from = attribute("RULE_ARN").or_else(|| attribute("SCHEDULE_ARN"));
            let to = match &json {
                Err(error) => Err(format!("its event is no JSON: {error}")),
                Ok(_) if attribute("IS_PAYLOAD_TRUNCATED") == Some("true") => {
                    Err("its event is cut off".to_owned())
                }
                Ok(_) => addressed(target),
            };
            let parts = ["ERROR_CODE", "ERROR_MESSAGE"].map(attribute);
            return plain(to, from.unwrap_or(target), told(parts));
        }
        if let Ok(envelope) = serde_json::from_str(&message.body) {
            return Self::of_function(&envelope);
        }
        let nobody = "it names no function, rule or queue";
        let why = match json {
            Ok(_) => nobody.to_owned(),
            Err(error) => format!("{nobody}: it is no JSON: {error}"),
        };
        plain(Err(why), "", String::new())
    }

    fn of_function(envelope: &Envelope<'_>) -> Self {
        let Context {
            function_arn,
            condition,
        } = &envelope.request_context;
        let error = |name: &str| envelope.response_payload.get(name)?.as_str();
        let failed = [error("errorType"), error("errorMessage")];
        let reason = if failed == [None, None] {
            told([condition.as_str(), None])
        } else {
            told(failed)
        };
        Self {
            to: addressed(function_arn),
            from: name_of(function_arn).to_owned(),
            reason,
            payload: envelope.request_payload.get().to_owned(),
        }
    }

    /// The name of the function that it belongs to, without the name of its stack.
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

/// Whether a letter may go where it says that it belongs.
fn allowed(to: To, own: Own<'_>) -> Result<To, String> {
    let (To::Function(arn) | To::Queue(arn)) = &to;
    of_account(arn, own)?;
    match (&to, own.stack) {
        (To::Function(arn), _) if own_function(arn).is_none() => {
            Err(format!("its function is none of the controller's: {arn:?}"))
        }
        (To::Function(arn), None) => Err(format!(
            "the queue's name tells no stack, so that --stack has to say whose functions may be invoked: {arn:?}"
        )),
        (To::Function(arn), Some(stack)) if function_of(stack, arn).is_none() => Err(format!(
            "its function is none of the stack {stack}: {arn:?}"
        )),
        (To::Queue(arn), _) if !own.data_queue.is_some_and(|url| is_queue(url, arn)) => Err(
            format!("its target is a queue that --data-queue does not name: {arn:?}"),
        ),
        _ => Ok(to),
    }
}

fn of_account(arn: &str, own: Own<'_>) -> Result<(), String> {
    if account_of(arn) == Some(own.account) {
        Ok(())
    } else {
        Err(format!("its target is of another account: {arn:?}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DRIFT: &str = "arn:aws:lambda:us-east-1:111122223333:function:retrain-drift-alarm:live";
    const RULE: &str = "arn:aws:events:us-east-1:111122223333:rule/retrain-alarms";

    type Attributes<'a> = &'a [(&'a str, &'a str)];

    const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:data";
    const OWN: Own<'_> = Own {
        account: "111122223333",
        stack: Some("retrain"),
        data_queue: Some("https://sqs.us-east-1.amazonaws.com/111122223333/data"),
    };

    fn message(body: &str, attributes: Attributes<'_>) -> Message {
        let text = |value: &str| {
            let attribute = MessageAttributeValue::builder().data_type("String");
            attribute.string_value(value).build().unwrap()
        };
        let attributes = attributes.iter();
        Message {
            body: body.to_owned(),
            attributes: attributes
                .map(|(name, value)| ((*name).to_owned(), text(value)))
                .collect(),
            ..Message::default()
        }
    }

    fn read(body: &str, attributes: Attributes<'_>) -> Letter {
        Letter::read(&message(body, attributes), OWN)
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
        let letter = read(body, &[("RULE_ARN", RULE), ("TARGET_ARN", QUEUE)]);
        assert_eq!(letter.to, Ok(To::Queue(QUEUE.to_owned())));
    }

    #[test]
    fn no_digit_of_an_event_changes() {
        let event = r#"{"z": 1e400,  "a": 12345678901234567890123, "b": 1.10}"#;
        let envelope = format!(
            r#"{{"requestContext": {{"functionArn": "{DRIFT}"}}, "requestPayload": {event}}}"#
        );
        assert_eq!(read(&envelope, &[]).payload, event);
        let raw = read(event, &[("TARGET_ARN", DRIFT)]);
        assert_eq!((raw.payload.as_str(), raw.to.is_ok()), (event, true));
    }

    #[test]
    fn what_a_queue_has_given_up_goes_back_whatever_its_sender_says() {
        let attributes = [("TARGET_ARN", DRIFT)];
        let mut given_up = message(&envelope(DRIFT), &attributes);
        given_up.given_up_by = Some(QUEUE.to_owned());
        let nothing_said = Own {
            stack: None,
            data_queue: None,
            ..OWN
        };
        let letter = Letter::read(&given_up, nothing_said);
        assert_eq!(letter.to, Ok(To::Queue(QUEUE.to_owned())));
        assert_eq!(letter.payload, given_up.body);
        let account = "444455556666";
        let letter = Letter::read(&given_up, Own { account, ..OWN });
        assert!(letter.to.unwrap_err().contains("another account"));
    }

    #[test]
    fn a_sender_chooses_neither_the_queue_nor_the_stack() {
        let of = |target: &str, own| {
            let message = message("{}", &[("TARGET_ARN", target)]);
            Letter::read(&message, own).to.unwrap_err()
        };
        let no_queue = Own {
            data_queue: None,
            ..OWN
        };
        assert!(of(QUEUE, no_queue).contains("--data-queue"));
        assert!(of(&QUEUE.replace("data", "pay"), OWN).contains("--data-queue"));
        let no_stack = Own { stack: None, ..OWN };
        assert!(of(DRIFT, no_stack).contains("--stack"));
        let other = of(&DRIFT.replace("retrain-", "retrain-test-"), OWN);
        assert!(other.contains("none of the stack retrain"), "{other}");
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
