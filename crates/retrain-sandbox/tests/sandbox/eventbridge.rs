use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata as _;
use aws_sdk_eventbridge::types::RuleState;
use retrain_sandbox::eventbridge::{On, Rule};
use retrain_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::client;

async fn eventbridge() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let client = Client::new(&client::config(&sandbox));
    (sandbox, client)
}

fn event() -> Value {
    json!({
        "version": "0",
        "id": "1",
        "source": "own",
        "detail-type": "Own",
        "account": "111122223333",
        "region": "us-east-1",
        "time": "2026-01-05T00:00:00Z",
        "resources": [],
        "detail": {"a": 1},
    })
}

#[tokio::test]
async fn rules_are_listed_in_pages_with_what_they_wait_for() {
    let (sandbox, client) = eventbridge().await;
    let own = sandbox.eventbridge();
    let pattern = json!({"source": ["own"]});
    let mut off = Rule::new("off", On::Events(pattern.clone()));
    off.enabled = false;
    own.put_rule(off).unwrap();
    let schedule = On::Schedule("rate(5 minutes)".to_owned());
    own.put_rule(Rule::new("on", schedule)).unwrap();
    let first = client.list_rules().limit(1).send().await.unwrap();
    let [rule] = first.rules() else {
        panic!("{first:?}")
    };
    assert_eq!(rule.state(), Some(&RuleState::Disabled));
    assert_eq!(rule.event_pattern(), Some(pattern.to_string().as_str()));
    let arn = "arn:aws:events:us-east-1:111122223333:rule/off";
    assert_eq!(rule.arn(), Some(arn));
    let rest = client.list_rules().set_next_token(first.next_token);
    let rest = rest.send().await.unwrap();
    assert_eq!(
        rest.rules()[0].schedule_expression(),
        Some("rate(5 minutes)")
    );
    assert_eq!(rest.next_token(), None);
    let of = client.list_rules().name_prefix("of").send().await.unwrap();
    assert_eq!(of.rules().len(), 1);
    assert!(own.delete_rule("off"));
    assert_eq!(client.list_rules().send().await.unwrap().rules().len(), 1);
}

#[tokio::test]
async fn the_targets_of_a_rule_are_listed() {
    let (sandbox, client) = eventbridge().await;
    let rule = Rule::new("on", On::Events(json!({"source": ["own"]})));
    let rule = rule.target("arn:a").target("arn:b");
    sandbox.eventbridge().put_rule(rule).unwrap();
    let first = client.list_targets_by_rule().rule("on").limit(1);
    let first = first.send().await.unwrap();
    assert_eq!(first.targets()[0].arn(), "arn:a");
    let rest = client.list_targets_by_rule().rule("on");
    let rest = rest.set_next_token(first.next_token).send().await.unwrap();
    assert_eq!(rest.targets()[0].arn(), "arn:b");
    let none = client.list_targets_by_rule().rule("none").send().await;
    let none = none.unwrap_err().into_service_error();
    assert_eq!(none.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn a_pattern_is_tested_against_a_whole_event() {
    let (_sandbox, client) = eventbridge().await;
    let test = |pattern: &Value, event: &Value| {
        let request = client.test_event_pattern();
        let request = request.event_pattern(pattern.to_string());
        request.event(event.to_string()).send()
    };
    let pattern = json!({"source": ["own"], "detail": {"a": [1]}});
    assert!(test(&pattern, &event()).await.unwrap().result());
    let other = json!({"source": ["other"]});
    assert!(!test(&other, &event()).await.unwrap().result());
    let bad = test(&json!({"source": "own"}), &event()).await;
    let bad = bad.unwrap_err().into_service_error();
    assert!(bad.is_invalid_event_pattern_exception(), "{bad:?}");
    let mut part = event();
    part.as_object_mut().unwrap().remove("account");
    assert!(test(&pattern, &part).await.is_err());
}

#[tokio::test]
async fn a_rule_with_a_pattern_that_is_none_is_refused() {
    let (sandbox, _client) = eventbridge().await;
    let rule = Rule::new(
        "on",
        On::Events(json!({"source": [{"cidr": "10.0.0.0/8"}]})),
    );
    let refused = sandbox.eventbridge().put_rule(rule).unwrap_err();
    assert!(refused.to_string().contains("cidr"), "{refused}");
}
