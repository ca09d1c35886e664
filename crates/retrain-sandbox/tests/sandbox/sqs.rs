use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry as Entry, Message, MessageAttributeValue,
    MessageSystemAttributeName as System,
};
use jiff::SignedDuration;
use retrain_sandbox::{Options, Sandbox};

use crate::client;

async fn queue() -> (Sandbox, Client, String) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let url = sandbox.sqs().create_queue("letters").unwrap();
    let client = Client::new(&client::config(&sandbox));
    (sandbox, client, url)
}

fn receive(client: &Client, url: &str) -> ReceiveMessageFluentBuilder {
    let request = client.receive_message().queue_url(url);
    request.max_number_of_messages(10).wait_time_seconds(1)
}

async fn received(request: ReceiveMessageFluentBuilder) -> Vec<Message> {
    request.send().await.unwrap().messages.unwrap_or_default()
}

#[tokio::test]
async fn what_is_received_is_hidden_until_its_time_has_passed_or_it_is_given_back() {
    let (sandbox, client, url) = queue().await;
    sandbox.sqs().send("letters", "one", &[]).unwrap();
    let first = received(receive(&client, &url).visibility_timeout(60)).await;
    assert_eq!(first[0].body(), Some("one"));
    assert!(received(receive(&client, &url)).await.is_empty());
    sandbox.clock().advance(SignedDuration::from_secs(60));
    let second = received(receive(&client, &url)).await;
    assert_ne!(second[0].receipt_handle(), first[0].receipt_handle());
    let give_back = |message: &Message| {
        let request = client.change_message_visibility().queue_url(&url);
        let request = request.set_receipt_handle(message.receipt_handle.clone());
        request.visibility_timeout(0).send()
    };
    give_back(&second[0]).await.unwrap();
    let again = give_back(&second[0])
        .await
        .unwrap_err()
        .into_service_error();
    assert!(again.is_message_not_inflight(), "{again:?}");
    assert!(!sandbox.sqs().letters("letters").unwrap()[0].hidden);
}

#[tokio::test]
async fn only_the_newest_receipt_deletes() {
    let (sandbox, client, url) = queue().await;
    sandbox.sqs().send("letters", "one", &[]).unwrap();
    let first = received(receive(&client, &url).visibility_timeout(0)).await;
    let second = received(receive(&client, &url)).await;
    let delete = |message: &Message| {
        let request = client.delete_message().queue_url(&url);
        request
            .set_receipt_handle(message.receipt_handle.clone())
            .send()
    };
    delete(&first[0]).await.unwrap();
    assert_eq!(sandbox.sqs().letters("letters").unwrap().len(), 1);
    for _ in 0..2 {
        delete(&second[0]).await.unwrap();
        assert!(sandbox.sqs().letters("letters").unwrap().is_empty());
    }
    let bad = client.delete_message().queue_url(&url).receipt_handle("x");
    let bad = bad.send().await.unwrap_err().into_service_error();
    assert!(bad.is_receipt_handle_is_invalid(), "{bad:?}");
}

#[tokio::test]
async fn attributes_are_told_to_those_who_ask() {
    let (sandbox, client, url) = queue().await;
    let text = MessageAttributeValue::builder().data_type("String");
    let sent = client.send_message().queue_url(&url).message_body("one");
    let sent = sent.message_attributes("WHY", text.string_value("so").build().unwrap());
    sent.send().await.unwrap();
    let silent = received(receive(&client, &url).visibility_timeout(0)).await;
    assert!(silent[0].message_attributes().is_none());
    assert!(silent[0].attributes().is_none());
    let asked = receive(&client, &url).message_attribute_names("All");
    let asked = asked.message_system_attribute_names(System::SentTimestamp);
    let told = received(asked).await;
    let why = &told[0].message_attributes().unwrap()["WHY"];
    assert_eq!(why.string_value(), Some("so"));
    let millis = sandbox.clock().now().as_millisecond().to_string();
    assert_eq!(
        told[0].attributes().unwrap()[&System::SentTimestamp],
        millis
    );
}

#[tokio::test]
async fn a_short_poll_sees_a_part_and_a_long_one_everything() {
    let (sandbox, client, url) = queue().await;
    for body in ["one", "two", "three"] {
        sandbox.sqs().send("letters", body, &[]).unwrap();
    }
    let short = receive(&client, &url)
        .wait_time_seconds(0)
        .visibility_timeout(0);
    assert_eq!(received(short).await.len(), 1);
    assert_eq!(received(receive(&client, &url)).await.len(), 3);
}

#[tokio::test]
async fn what_is_received_too_often_is_a_dead_letter_that_keeps_its_time() {
    let (sandbox, client, dead) = queue().await;
    let sqs = sandbox.sqs();
    let url = sqs.create_queue_before("data", "letters", 2).unwrap();
    let id = sqs.send("data", "one", &[]).unwrap();
    let sent = sqs.letters("data").unwrap()[0].sent;
    for expected in [1, 1, 0] {
        sandbox.clock().advance(SignedDuration::from_mins(1));
        assert_eq!(received(receive(&client, &url)).await.len(), expected);
    }
    let letters = sqs.letters("letters").unwrap();
    assert_eq!((&letters[0].id, letters[0].sent), (&id, sent));
    let asked = receive(&client, &dead);
    let asked = asked.message_system_attribute_names(System::DeadLetterQueueSourceArn);
    let told = received(asked).await;
    let source = &told[0].attributes().unwrap()[&System::DeadLetterQueueSourceArn];
    assert_eq!(*source, sqs.arn("data"));
}

#[tokio::test]
async fn queues_are_found_by_name_and_limits_hold() {
    let (sandbox, client, url) = queue().await;
    let found = client.get_queue_url().queue_name("letters");
    let found = found.queue_owner_aws_account_id("111122223333");
    assert_eq!(found.send().await.unwrap().queue_url(), Some(url.as_str()));
    let other = client.get_queue_url().queue_name("none").send().await;
    let other = other.unwrap_err().into_service_error();
    assert!(other.is_queue_does_not_exist(), "{other:?}");
    let many = receive(&client, &url)
        .max_number_of_messages(11)
        .send()
        .await;
    assert!(many.is_err());
    let long = "x".repeat(1024 * 1024 + 1);
    let long = client.send_message().queue_url(&url).message_body(long);
    assert!(long.send().await.is_err());
    assert!(sandbox.sqs().create_queue("letters").is_err());
    assert!(sandbox.sqs().create_queue("no/queue").is_err());
    assert!(sandbox.sqs().create_queue_before("x", "none", 1).is_err());
}

#[tokio::test]
async fn attributes_of_every_type_come_as_they_were_sent() {
    let (sandbox, client, url) = queue().await;
    let of = |data_type: &str| MessageAttributeValue::builder().data_type(data_type);
    let number = of("Number.int").string_value("7").build().unwrap();
    let bytes = of("Binary").binary_value(b"\0\xff".to_vec().into());
    let bytes = bytes.build().unwrap();
    let message = || client.send_message().queue_url(&url).message_body("one");
    let sent = message()
        .message_attributes("a", number.clone())
        .message_attributes("b", bytes.clone());
    sent.send().await.unwrap();
    let told = received(receive(&client, &url).message_attribute_names("All")).await;
    let attributes = told[0].message_attributes().unwrap();
    assert_eq!((&attributes["a"], &attributes["b"]), (&number, &bytes));
    let kept = &sandbox.sqs().letters("letters").unwrap()[0].attributes["b"];
    assert_eq!(
        (kept.data_type.as_str(), kept.value.as_str()),
        ("Binary", "AP8=")
    );
    let date = of("Date").string_value("x").build().unwrap();
    let refused = message()
        .message_attributes("a", date)
        .send()
        .await
        .unwrap_err();
    assert!(
        format!("{refused:?}").contains("InvalidParameterValue"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn several_are_given_back_at_once_and_each_failure_is_told() {
    let (sandbox, client, url) = queue().await;
    for body in ["one", "two"] {
        sandbox.sqs().send("letters", body, &[]).unwrap();
    }
    let told = received(receive(&client, &url).visibility_timeout(60)).await;
    let entry = |id: &str, message: &Message| {
        let entry = Entry::builder().id(id).visibility_timeout(0);
        let entry = entry.set_receipt_handle(message.receipt_handle.clone());
        entry.build().unwrap()
    };
    let change = |entries: Vec<Entry>| {
        let request = client.change_message_visibility_batch().queue_url(&url);
        request.set_entries(Some(entries)).send()
    };
    let done = change(vec![entry("0", &told[0])]).await.unwrap();
    assert_eq!((done.successful().len(), done.failed().len()), (1, 0));
    let both = vec![entry("0", &told[0]), entry("1", &told[1])];
    let done = change(both).await.unwrap();
    let (changed, failed) = (&done.successful()[0], &done.failed()[0]);
    assert_eq!((changed.id(), failed.id()), ("1", "0"));
    assert!(failed.sender_fault());
    assert!(failed.code().contains("MessageNotInflight"), "{failed:?}");
    for (entries, code) in [
        (Vec::new(), "EmptyBatchRequest"),
        (
            vec![entry("0", &told[0]), entry("0", &told[1])],
            "BatchEntryIdsNotDistinct",
        ),
        (
            (0..11).map(|id| entry(&id.to_string(), &told[0])).collect(),
            "TooManyEntriesInBatchRequest",
        ),
    ] {
        let refused = change(entries).await.unwrap_err();
        assert!(format!("{refused:?}").contains(code), "{refused:?}");
    }
}
