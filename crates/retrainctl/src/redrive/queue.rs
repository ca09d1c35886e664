//! A queue of dead letters.

use std::collections::BTreeSet;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName as System};
use jiff::{SignedDuration, Timestamp};
use retrain_controller::chain;

use super::letter::Message;
use crate::arns::{account_of, name_of};
use crate::exit::Failure;

/// For how long what is received is hidden from others: a person may read a list
/// meanwhile.
const HIDDEN: SignedDuration = SignedDuration::from_mins(15);

/// What has to be left of that when a letter is sent.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);

/// How many messages one call receives.
const BATCH: i32 = 10;

/// How long one call waits for messages: without it a queue that has some may seem to
/// have none.
const WAIT_SECONDS: i32 = 1;

/// A queue of dead letters, of which messages were received.
pub(super) struct Queue {
    client: Client,
    url: String,
    /// What was received and is hidden from others.
    pub(super) messages: Vec<Message>,
    /// Whether that is all that was there.
    pub(super) is_all: bool,
    hidden_until: Timestamp,
}

impl Queue {
    /// Receives what is in a queue, before anything is sent: what comes back is not sent
    /// in a circle.
    pub(super) async fn receive(
        client: &Client,
        url: &str,
        most: usize,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let mut queue = Self {
            client: client.clone(),
            url: url.to_owned(),
            messages: Vec::new(),
            is_all: true,
            hidden_until: now.saturating_add(HIDDEN).unwrap_or(Timestamp::MAX),
        };
        let received = queue.fill(most).await;
        if let Err(failure) = received {
            queue.give_back(|_| true).await;
            return Err(failure);
        }
        Ok(queue)
    }

    async fn fill(&mut self, most: usize) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        while self.messages.len() < most {
            let left = i32::try_from(most - self.messages.len()).unwrap_or(BATCH);
            let received = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(left.min(BATCH))
                .visibility_timeout(i32::try_from(HIDDEN.as_secs()).unwrap_or(i32::MAX))
                .wait_time_seconds(WAIT_SECONDS)
                .message_attribute_names("All")
                .message_system_attribute_names(System::SentTimestamp)
                .message_system_attribute_names(System::DeadLetterQueueSourceArn)
                .send()
                .await
                .map_err(|error| failed(&format!("receive from {}", self.url), error))?;
            if received.messages().is_empty() {
                return Ok(());
            }
            for message in received.messages.unwrap_or_default() {
                let message = message_of(message);
                // A standard queue may deliver one twice.
                if seen.insert(message.id.clone()) {
                    self.messages.push(message);
                }
            }
        }
        self.is_all = false;
        Ok(())
    }

    /// The account in the queue's URL.
    pub(super) fn account(&self) -> &str {
        self.url.rsplit('/').nth(1).unwrap_or_default()
    }

    /// The name in the queue's URL.
    pub(super) fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Whether what was received stays hidden long enough to be sent.
    pub(super) fn is_hidden(&self, now: Timestamp) -> bool {
        self.hidden_until.duration_since(now) > MARGIN
    }

    /// Deletes a message for good.
    pub(super) async fn delete(&self, message: &Message) -> Result<(), Failure> {
        let deleted = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(&message.receipt)
            .send()
            .await;
        let doing = || {
            let id = &message.id;
            format!("delete the letter {id}, which was sent: it may be sent once more")
        };
        deleted.map(drop).map_err(|error| failed(&doing(), error))
    }

    /// Lets others receive messages at once.
    pub(super) async fn give_back(&self, which: impl Fn(&Message) -> bool) {
        let left = self.messages.iter().filter(|message| which(message));
        for message in left {
            let visible = self
                .client
                .change_message_visibility()
                .queue_url(&self.url)
                .receipt_handle(&message.receipt)
                .visibility_timeout(0)
                .send();
            // Otherwise they are visible by themselves after a while.
            let _ = visible.await;
        }
    }
}

/// Sends a message to the queue of this ARN, as it is.
pub(super) async fn send(client: &Client, queue: &str, message: &Message) -> Result<(), Failure> {
    let name = name_of(queue);
    let url = client
        .get_queue_url()
        .queue_name(name)
        .set_queue_owner_aws_account_id(account_of(queue).map(str::to_owned))
        .send()
        .await
        .map_err(|error| failed(&format!("find the queue {name}"), error))?;
    let mut request = client
        .send_message()
        .set_queue_url(url.queue_url)
        .message_body(&message.body);
    // Those of a rule's failure say nothing to who receives it.
    if message.given_up_by.is_some() {
        for (name, text) in &message.attributes {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(text);
            let value = value.build().map_err(|error| Failure::Aws(chain(&error)))?;
            request = request.message_attributes(name, value);
        }
    }
    let sent = request.send().await;
    sent.map(drop)
        .map_err(|error| failed(&format!("send to the queue {name}"), error))
}

fn message_of(message: aws_sdk_sqs::types::Message) -> Message {
    let system = message.attributes.unwrap_or_default();
    let millis = system.get(&System::SentTimestamp);
    let sent = millis.and_then(|millis| millis.parse().ok());
    let attributes = message.message_attributes.unwrap_or_default();
    let attributes = attributes.into_iter();
    Message {
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: attributes
            .filter_map(|(name, value)| Some((name, value.string_value?)))
            .collect(),
        sent: sent
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .unwrap_or_default(),
        given_up_by: system.get(&System::DeadLetterQueueSourceArn).cloned(),
    }
}

/// A call of SQS that failed, with all its causes.
fn failed<E, R>(doing: &str, error: SdkError<E, R>) -> Failure
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
    SdkError<E, R>: std::error::Error,
{
    Failure::Aws(format!("{doing}: {}", chain(&error)))
}
