//! A queue of dead letters.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry as Visible, MessageSystemAttributeName as System,
};
use jiff::{SignedDuration, Timestamp};
use retrain_controller::chain;

use super::letter::Message;
use crate::arns::{account_of, name_of};
use crate::exit::Failure;

/// For how long what is received is hidden from others: a person may read a list
/// meanwhile.
const HIDDEN: SignedDuration = SignedDuration::from_mins(15);

/// What has to be left of that when a letter is sent: more than the longest function takes.
pub(super) const MARGIN: SignedDuration = SignedDuration::from_mins(4);

/// How many messages one call receives, or gives back.
const BATCH: usize = 10;

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
        while self.messages.len() < most {
            let left = BATCH.min(most - self.messages.len());
            let received = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(i32::try_from(left).unwrap_or(1))
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
                keep(&mut self.messages, message_of(message));
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
        let left: Vec<&Message> = self.messages.iter().filter(|one| which(one)).collect();
        for messages in left.chunks(BATCH) {
            let numbered = messages.iter().enumerate();
            let entries = numbered.filter_map(|(number, message)| {
                let entry = Visible::builder().id(number.to_string());
                let entry = entry.receipt_handle(&message.receipt).visibility_timeout(0);
                entry.build().ok()
            });
            let request = self.client.change_message_visibility_batch();
            let request = request.queue_url(&self.url);
            // Otherwise they are visible by themselves after a while.
            let _ = request.set_entries(Some(entries.collect())).send().await;
        }
    }
}

/// Sends messages to queues.
pub(super) struct Sender {
    client: Client,
    /// The URLs of queues, by their ARNs.
    urls: BTreeMap<String, String>,
}

impl Sender {
    pub(super) const fn new(client: Client) -> Self {
        Self {
            client,
            urls: BTreeMap::new(),
        }
    }

    /// Sends a message to the queue of this ARN, as it is; why SQS refuses it, if it does.
    pub(super) async fn send(
        &mut self,
        queue: &str,
        message: &Message,
    ) -> Result<Option<String>, Failure> {
        let url = match self.urls.get(queue) {
            Some(url) => url.clone(),
            None => match self.url(queue).await? {
                Ok(url) => url,
                Err(why) => return Ok(Some(why)),
            },
        };
        let mut request = self
            .client
            .send_message()
            .queue_url(url)
            .message_body(&message.body);
        // Those of a rule's failure say nothing to who receives it.
        if message.given_up_by.is_some() && !message.attributes.is_empty() {
            request = request.set_message_attributes(Some(message.attributes.clone()));
        }
        let doing = || format!("send to the queue {}", name_of(queue));
        match request.send().await {
            Ok(_) => Ok(None),
            // SQS's answer is about this queue: the letters of others may go.
            Err(error) if error.as_service_error().is_some() => Ok(Some(told(&doing(), &error))),
            Err(error) => Err(failed(&doing(), error)),
        }
    }

    /// The URL of a queue, or why SQS does not tell it.
    async fn url(&mut self, queue: &str) -> Result<Result<String, String>, Failure> {
        let name = name_of(queue);
        let doing = || format!("find the queue {name}");
        let found = self.client.get_queue_url().queue_name(name);
        let found = found.set_queue_owner_aws_account_id(account_of(queue).map(str::to_owned));
        match found.send().await {
            Ok(found) => {
                let url = found.queue_url.unwrap_or_default();
                self.urls.insert(queue.to_owned(), url.clone());
                Ok(Ok(url))
            }
            Err(error) if error.as_service_error().is_some() => Ok(Err(told(&doing(), &error))),
            Err(error) => Err(failed(&doing(), error)),
        }
    }
}

/// Keeps a message that was received. A standard queue may deliver one twice: then the
/// newest receipt is the one that surely deletes it.
fn keep(messages: &mut Vec<Message>, received: Message) {
    let known = messages.iter_mut().find(|known| known.id == received.id);
    match known {
        Some(known) => known.receipt = received.receipt,
        None => messages.push(received),
    }
}

fn message_of(message: aws_sdk_sqs::types::Message) -> Message {
    let system = message.attributes.unwrap_or_default();
    let millis = system.get(&System::SentTimestamp);
    let sent = millis.and_then(|millis| millis.parse().ok());
    Message {
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: message.message_attributes.unwrap_or_default(),
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
    Failure::Aws(told(doing, &error))
}

fn told(doing: &str, error: &dyn std::error::Error) -> String {
    format!("{doing}: {}", chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_message_that_comes_twice_the_newest_receipt_is_kept() {
        let received = |id: &str, receipt: &str| Message {
            id: id.to_owned(),
            receipt: receipt.to_owned(),
            ..Message::default()
        };
        let mut messages = Vec::new();
        for (id, receipt) in [("a", "a/1"), ("b", "b/1"), ("a", "a/2")] {
            keep(&mut messages, received(id, receipt));
        }
        let kept: Vec<&str> = messages.iter().map(|one| one.receipt.as_str()).collect();
        assert_eq!(kept, ["a/2", "b/1"]);
    }
}
