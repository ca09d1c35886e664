use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType as Type, State};
use retrain_sandbox::lambda::{Function, InvocationType, Mapping};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};
use serde_json::json;

use crate::client;

const ARN: &str = "arn:aws:lambda:us-east-1:111122223333:function:churn";

async fn function(function: Function) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    assert_eq!(sandbox.lambda().put_function(function), ARN);
    let client = Client::new(&client::config(&sandbox));
    (sandbox, client)
}

fn invoke(client: &Client, function: &str) -> InvokeFluentBuilder {
    let request = client.invoke().function_name(function);
    request.payload(Blob::new(r#"{"a": 1}"#))
}

fn code<E: aws_sdk_lambda::error::ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    let error = error.as_service_error();
    error.and_then(|error| error.code()).unwrap_or_default()
}

#[tokio::test]
async fn an_event_is_taken_for_every_name_of_the_function() {
    let (sandbox, client) = function(Function::new("churn")).await;
    let names = ["churn", "churn:live", "churn:$LATEST"].map(str::to_owned);
    let arns = [ARN.to_owned(), format!("{ARN}:live")];
    for name in names.iter().chain(&arns) {
        let taken = invoke(&client, name).invocation_type(Type::Event);
        assert_eq!(taken.send().await.unwrap().status_code(), 202, "{name}");
        let invoked = sandbox.lambda().invocations();
        assert_eq!(invoked.len(), 1);
        assert_eq!(&invoked[0].named, name);
        assert_eq!(invoked[0].function, "churn");
        assert_eq!(invoked[0].kind, InvocationType::Event);
        assert_eq!(invoked[0].payload, json!({"a": 1}));
    }
    for name in ["other", "churn:other", &format!("{ARN}:2")] {
        let refused = invoke(&client, name).send().await.unwrap_err();
        assert_eq!(code(&refused), "ResourceNotFoundException", "{name}");
    }
    assert!(sandbox.lambda().invocations().is_empty());
}

#[tokio::test]
async fn whoever_waits_is_answered_even_by_an_error() {
    let (sandbox, client) = function(Function::new("churn").answers(json!({"b": 2}))).await;
    let answer = invoke(&client, "churn").send().await.unwrap();
    assert_eq!((answer.status_code(), answer.function_error()), (200, None));
    assert_eq!(answer.payload().unwrap().as_ref(), br#"{"b":2}"#);
    let fails = Function::new("churn").fails("Terminal.InvalidEvent", "no");
    sandbox.lambda().put_function(fails);
    let failed = invoke(&client, "churn").send().await.unwrap();
    assert_eq!(failed.function_error(), Some("Unhandled"));
    let payload = String::from_utf8(failed.payload.unwrap().into_inner()).unwrap();
    assert!(payload.contains("Terminal.InvalidEvent"), "{payload}");
    // Nobody waits for that.
    let taken = invoke(&client, "churn").invocation_type(Type::Event).send();
    assert_eq!(taken.await.unwrap().function_error(), None);
}

#[tokio::test]
async fn what_is_no_event_is_refused() {
    let (sandbox, client) = function(Function::new("churn")).await;
    let text = invoke(&client, "churn").payload(Blob::new("no JSON"));
    let refused = text.send().await.unwrap_err();
    assert_eq!(code(&refused), "InvalidRequestContentException");
    let long = format!("\"{}\"", "x".repeat(1024 * 1024));
    let long = invoke(&client, "churn").payload(Blob::new(long));
    let refused = long.clone().invocation_type(Type::Event).send().await;
    assert_eq!(code(&refused.unwrap_err()), "RequestTooLargeException");
    assert!(long.send().await.is_ok());
    let throttle = Fault::on(Service::Lambda, "Invoke", FaultKind::Throttle);
    sandbox.faults().inject(throttle);
    let throttled = invoke(&client, "churn").send().await.unwrap_err();
    assert_eq!(code(&throttled), "TooManyRequestsException");
}

#[tokio::test]
async fn a_function_tells_its_configuration() {
    let own = Function::new("churn")
        .variable("TABLE", "t")
        .state("Inactive");
    let (sandbox, client) = function(own).await;
    let get = |name: &str| client.get_function_configuration().function_name(name);
    let told = get(&format!("{ARN}:live")).send().await.unwrap();
    assert_eq!(told.function_arn(), Some(ARN));
    assert_eq!(told.state(), Some(&State::Inactive));
    let variables = told.environment().unwrap().variables().unwrap();
    assert_eq!(variables["TABLE"], "t");
    assert!(sandbox.lambda().delete_function("churn"));
    let gone = get("churn").send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn the_queues_that_functions_read_are_told_by_queue() {
    let (sandbox, client) = function(Function::new("churn")).await;
    let queue = |name: &str| format!("arn:aws:sqs:us-east-1:111122223333:{name}");
    let mapping = |uuid: &str, source: &str, enabled| Mapping {
        uuid: uuid.to_owned(),
        source: queue(source),
        function: ARN.to_owned(),
        enabled,
    };
    sandbox.lambda().put_mapping(mapping("1", "data", true));
    sandbox.lambda().put_mapping(mapping("2", "other", true));
    sandbox.lambda().put_mapping(mapping("2", "other", false));
    let list = |source: Option<String>| {
        let request = client.list_event_source_mappings();
        request.set_event_source_arn(source).send()
    };
    let told = list(Some(queue("other"))).await.unwrap();
    let [other] = told.event_source_mappings() else {
        panic!("{told:?}")
    };
    assert_eq!(other.function_arn(), Some(ARN));
    assert_eq!((other.uuid(), other.state()), (Some("2"), Some("Disabled")));
    assert_eq!(list(None).await.unwrap().event_source_mappings().len(), 2);
}
