//! The operations of SQS.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::model::{Attribute, Message, VISIBILITY, md5};
use super::{Scene, no_such_queue};
use crate::answer::ServiceError;
use crate::input::{Input, Text};
use crate::service::Service;

type Done = Result<Value, ServiceError>;

const URL: Text = Text::of(1, 2048);

/// What one message may have, with its attributes (SQS quotas: 1 MiB).
const MAX_BYTES: usize = 1024 * 1024;

/// API model: `VisibilityTimeout` is at most twelve hours.
const MAX_VISIBILITY: i64 = 43_200;

impl Scene<'_> {
    pub(super) fn perform(&mut self, operation: &str, request: &Value) -> Done {
        match operation {
            "SendMessage" => self.send(request),
            "ReceiveMessage" => self.receive(request),
            "DeleteMessage" => self.delete(request),
            "ChangeMessageVisibility" => self.change_visibility(request),
            "ChangeMessageVisibilityBatch" => self.change_visibilities(request),
            "GetQueueUrl" => self.queue_url(request),
            unknown => Err(ServiceError::unknown_operation(unknown)),
        }
    }

    fn send(&mut self, request: &Value) -> Done {
        let known = ["QueueUrl", "MessageBody", "MessageAttributes"];
        let input = Input::new(request, &known)?;
        let url = input.text("QueueUrl", URL)?;
        let body = input.text("MessageBody", Text::of(1, MAX_BYTES))?;
        let attributes = attributes(request)?;
        let of_attributes = attributes
            .iter()
            .map(|(name, own)| name.len() + own.data_type.len() + own.value.len());
        if body.len() + of_attributes.sum::<usize>() > MAX_BYTES {
            let why = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
            return Err(refusal("InvalidParameterValue", why));
        }
        self.queue(url)?;
        let name = self.names.name(url).ok_or_else(no_such_queue)?;
        let sent = self.state.send(name, body, attributes, self.now);
        let id = sent.map_err(|_| no_such_queue())?;
        Ok(json!({"MessageId": id, "MD5OfMessageBody": md5(body)}))
    }

    fn receive(&mut self, request: &Value) -> Done {
        let input = Input::new(
            request,
            &[
                "QueueUrl",
                "MaxNumberOfMessages",
                "VisibilityTimeout",
                "WaitTimeSeconds",
                "MessageAttributeNames",
                "MessageSystemAttributeNames",
            ],
        )?;
        let url = input.text("QueueUrl", URL)?;
        let most = input.integer("MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
        let hidden = input.integer("VisibilityTimeout", 0, MAX_VISIBILITY)?;
        let hidden = hidden.map_or(VISIBILITY, SignedDuration::from_secs);
        let wait = input.integer("WaitTimeSeconds", 0, 20)?.unwrap_or(0);
        let any = Text::of(0, 256);
        let names = |member| input.optional_texts(member, 0, 20, any);
        let own = names("MessageAttributeNames")?.unwrap_or_default();
        let of_system = names("MessageSystemAttributeNames")?.unwrap_or_default();
        // A short poll asks a sample of the servers, so that it may miss what is there.
        let most = if wait == 0 { 1 } else { most };
        let now = self.now;
        self.bury_what_failed(url)?;
        let queue = self.queue(url)?;
        let visible = queue.messages.iter_mut();
        let visible = visible.filter(|message| !message.is_hidden(now));
        let mut messages = Vec::new();
        for message in visible.take(usize::try_from(most).unwrap_or(1)) {
            message.receives += 1;
            message.first_received.get_or_insert(now);
            message.visible_at = now.saturating_add(hidden).unwrap_or(Timestamp::MAX);
            messages.push(shown(message, &own, &of_system));
        }
        Ok(if messages.is_empty() {
            json!({})
        } else {
            json!({"Messages": messages})
        })
    }

    /// What was received often enough is given up when it would be received again.
    fn bury_what_failed(&mut self, url: &str) -> Result<(), ServiceError> {
        let name = self.names.name(url).ok_or_else(no_such_queue)?.to_owned();
        let now = self.now;
        let queue = self.queue(url)?;
        let Some((behind, most)) = queue.redrive.clone() else {
            return Ok(());
        };
        let failed = |message: &mut Message| message.receives >= most && !message.is_hidden(now);
        let dead = queue.messages.extract_if(.., failed).collect();
        let arn = self.names.arn(&name);
        self.state.bury(&behind, &arn, dead, now);
        Ok(())
    }

    fn delete(&mut self, request: &Value) -> Done {
        let input = Input::new(request, &["QueueUrl", "ReceiptHandle"])?;
        let url = input.text("QueueUrl", URL)?;
        let (id, receipt) = receipt(&input)?;
        let queue = self.queue(url)?;
        // API reference: with an older handle the request succeeds, and the message stays;
        // what is deleted already is no error.
        let same = |message: &Message| message.id == id && message.receipt() == receipt;
        queue.messages.retain(|message| !same(message));
        Ok(json!({}))
    }

    fn change_visibility(&mut self, request: &Value) -> Done {
        let known = ["QueueUrl", "ReceiptHandle", "VisibilityTimeout"];
        let input = Input::new(request, &known)?;
        let url = input.text("QueueUrl", URL)?;
        self.change(url, &input)?;
        Ok(json!({}))
    }

    /// What fails is told of each message.
    fn change_visibilities(&mut self, request: &Value) -> Done {
        let input = Input::new(request, &["QueueUrl", "Entries"])?;
        let url = input.text("QueueUrl", URL)?;
        self.queue(url)?;
        let entries = request.get("Entries").and_then(Value::as_array);
        let entries = entries.map(Vec::as_slice).unwrap_or_default();
        let codes = match entries.len() {
            0 => Some(("EmptyBatchRequest", "There should be at least one entry.")),
            1..=10 => None,
            _ => Some((
                "TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10.",
            )),
        };
        if let Some((code, why)) = codes {
            return Err(refusal(code, why));
        }
        let (mut changed, mut failed) = (Vec::new(), Vec::new());
        let mut ids = BTreeSet::new();
        for entry in entries {
            let entry = Input::new(entry, &["Id", "ReceiptHandle", "VisibilityTimeout"])?;
            let id = entry.text("Id", Text::of(1, 80))?;
            if !ids.insert(id) {
                let why = format!("Id {id} repeated.");
                return Err(refusal("BatchEntryIdsNotDistinct", &why));
            }
            match self.change(url, &entry) {
                Ok(()) => changed.push(json!({"Id": id})),
                Err(error) => failed.push(json!({
                    "Id": id,
                    "SenderFault": true,
                    "Code": error.code.rsplit('#').next(),
                    "Message": error.message,
                })),
            }
        }
        Ok(json!({"Successful": changed, "Failed": failed}))
    }

    /// Hides the message of a receipt for another time.
    fn change(&mut self, url: &str, input: &Input<'_>) -> Result<(), ServiceError> {
        let (id, receipt) = receipt(input)?;
        input.require("VisibilityTimeout")?;
        let hidden = input.integer("VisibilityTimeout", 0, MAX_VISIBILITY)?;
        let hidden = SignedDuration::from_secs(hidden.unwrap_or_default());
        let now = self.now;
        let queue = self.queue(url)?;
        let mut messages = queue.messages.iter_mut();
        let message = messages.find(|message| message.id == id && message.receipt() == receipt);
        let Some(message) = message.filter(|message| message.is_hidden(now)) else {
            let why = "The specified message is not in flight.";
            return Err(refusal("MessageNotInflight", why));
        };
        message.visible_at = now.saturating_add(hidden).unwrap_or(Timestamp::MAX);
        Ok(())
    }

    fn queue_url(&mut self, request: &Value) -> Done {
        let input = Input::new(request, &["QueueName", "QueueOwnerAWSAccountId"])?;
        let name = input.text("QueueName", Text::of(1, 80))?;
        let owner = input.optional_text("QueueOwnerAWSAccountId", Text::of(12, 12))?;
        let ours = owner.is_none_or(|owner| owner == self.names.account);
        if !ours || !self.state.queues.contains_key(name) {
            return Err(no_such_queue());
        }
        Ok(json!({"QueueUrl": self.names.url(name)}))
    }
}

fn refusal(code: &str, message: &str) -> ServiceError {
    Service::Sqs.refusal(code, message)
}

/// The message of a receipt handle, and the handle.
fn receipt<'a>(input: &Input<'a>) -> Result<(&'a str, &'a str), ServiceError> {
    let handle = input.text("ReceiptHandle", Text::of(1, 1024))?;
    let parts = handle.split_once('/');
    let (id, _) = parts.ok_or_else(|| {
        let why = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        refusal("ReceiptHandleIsInvalid", &why)
    })?;
    Ok((id, handle))
}

/// The attributes of a message that is sent.
fn attributes(request: &Value) -> Result<BTreeMap<String, Attribute>, ServiceError> {
    let Some(given) = request.get("MessageAttributes") else {
        return Ok(BTreeMap::new());
    };
    let given = given.as_object().map(Map::iter);
    let given = given.ok_or_else(|| ServiceError::serialization("MessageAttributes is no map"))?;
    if given.len() > 10 {
        let why = "Number of message attributes exceeds the allowed maximum [10].";
        return Err(refusal("InvalidParameterValue", why));
    }
    given
        .map(|(name, value)| {
            let input = Input::new(value, &["DataType", "StringValue", "BinaryValue"])?;
            // A type may have a label of its own, as in `Number.int`.
            let data_type = input.text("DataType", Text::of(1, 256))?;
            let member = match data_type.split('.').next() {
                Some("String" | "Number") => "StringValue",
                Some("Binary") => "BinaryValue",
                _ => {
                    let why = format!(
                        "The type of message (user) attribute '{name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
                    );
                    return Err(refusal("InvalidParameterValue", &why));
                }
            };
            let value = input.text(member, Text::of(1, MAX_BYTES))?;
            Ok((name.clone(), Attribute::new(data_type, value)))
        })
        .collect()
}

/// A message as it is received: of its attributes those that were asked for.
fn shown(message: &Message, own: &[&str], of_system: &[&str]) -> Value {
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt(),
        "Body": message.body,
        "MD5OfBody": md5(&message.body),
    });
    let asked = |names: &[&str], name: &str| names.contains(&"All") || names.contains(&name);
    let attributes: Map<String, Value> = message
        .attributes
        .iter()
        .filter(|(name, _)| asked(own, name))
        .map(|(name, attribute)| {
            let Attribute { data_type, value } = attribute;
            let member = if data_type.starts_with("Binary") {
                "BinaryValue"
            } else {
                "StringValue"
            };
            (name.clone(), json!({"DataType": data_type, member: value}))
        })
        .collect();
    if !attributes.is_empty() {
        shown["MessageAttributes"] = Value::Object(attributes);
    }
    let millis = |at: Timestamp| at.as_millisecond().to_string();
    let system = [
        ("SentTimestamp", Some(millis(message.sent))),
        (
            "ApproximateReceiveCount",
            Some(message.receives.to_string()),
        ),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received.map(millis),
        ),
        ("DeadLetterQueueSourceArn", message.source.clone()),
    ];
    let system: Map<String, Value> = system
        .into_iter()
        .filter(|(name, _)| asked(of_system, name))
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect();
    if !system.is_empty() {
        shown["Attributes"] = Value::Object(system);
    }
    shown
}
