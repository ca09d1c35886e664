//! CodePipeline as the target of a claim.

use super::*;
use crate::lane::Target;
use crate::policy::Template;

const RELEASE: &str = r#"{
    "pipeline": {"service": "codepipeline", "name": "fraud@release.v1"},
    "parameters": {"Alarm": "{alarm_name}", "Who": "{model}", "Cause": "{drift_kind|none}"},
    "drift": {"alarms": [{"alarm_name": "fraud-*"}]},
    "min_interval": "6h"
}"#;

fn release() -> Model {
    let mut model = Model::new();
    model.policy.policy = Policy::parse(RELEASE).unwrap();
    model.lookups = None;
    model
}

fn values(model: &Model) -> Vec<(&str, &str)> {
    let parameters = in_flight(model).parameters.iter();
    parameters
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

const ID: &str = "0b1a2c3d-0000-4000-8000-00000000cafe";

fn told_of(status: ExecutionStatus) -> Event {
    Event::Status(ExecutionReport {
        execution: Execution::parse(&alloc::format!("codepipeline/fraud@release.v1/{ID}")).unwrap(),
        display_name: None,
        status,
        failure: None,
        started_at: Some(at(2)),
        steps: Steps::default(),
    })
}

#[test]
fn an_empty_variable_is_left_out_for_codepipeline_only() {
    let mut model = release();
    assert_eq!(model.outcome(&manual("k", false, 0), 0), "claimed");
    assert_eq!(
        values(&model),
        [("Cause", "none"), ("Who", "fraud-detection")]
    );
    let target = in_flight(&model).target.to_string();
    assert_eq!(target, "codepipeline/fraud@release.v1");
    let mut model = release();
    model.policy.policy.pipeline = Model::new().policy.policy.pipeline;
    assert_eq!(model.outcome(&manual("k", false, 0), 0), "claimed");
    assert_eq!(values(&model).first(), Some(&("Alarm", "")));
}

#[test]
fn a_variable_has_at_most_a_thousand_characters() {
    for (chars, expected) in [(1_000, "claimed"), (1_001, "held")] {
        let mut model = release();
        let name = crate::names::PipelineParameterName::parse("Long").unwrap();
        let template = Template::parse(&"ü".repeat(chars)).unwrap();
        model.policy.policy.parameters.insert(name, template);
        let (outcome, _) = model.take(&alarmed("fraud-1", 0), 0);
        assert_eq!(outcome.name(), expected);
        if expected == "held" {
            let text = outcome.to_string();
            assert!(
                text.contains("parameters.Long: the value has more than 1000 characters"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_target_knows_its_executions() {
    let codepipeline = release().policy.policy.target().clone();
    let sagemaker = Target::sagemaker_pipeline("Fraud-Training", None).unwrap();
    let release = |name: &str| Execution::parse(&alloc::format!("codepipeline/{name}/{ID}"));
    let own = release("fraud@release.v1").unwrap();
    assert!(codepipeline.is_of(&own) && !sagemaker.is_of(&own));
    // CodePipeline tells names apart by case, SageMaker does not.
    assert!(!codepipeline.is_of(&release("Fraud@release.v1").unwrap()));
    assert!(sagemaker.is_of(&execution(1)) && !codepipeline.is_of(&execution(1)));
    let other = Target::sagemaker_pipeline("fraud", None).unwrap();
    assert!(!other.is_of(&execution(1)));
}

#[test]
fn tokens_of_targets_of_one_name_differ() {
    let mut model = release();
    model.take(&manual("k", false, 0), 0);
    let mut other = release();
    let sagemaker = RELEASE.replace("\"service\": \"codepipeline\", ", "");
    other.policy.policy = Policy::parse(&sagemaker.replace("fraud@release.v1", "release")).unwrap();
    other.take(&manual("k", false, 0), 0);
    assert_ne!(in_flight(&model).token, in_flight(&other).token);
}

#[test]
fn a_superseded_release_run_is_looked_up_by_its_console_page() {
    let mut model = release();
    model.take(&alarmed("fraud-1", 0), 0);
    let execution =
        Execution::parse(&alloc::format!("codepipeline/fraud@release.v1/{ID}")).unwrap();
    let answer = StartAnswer::Accepted {
        execution: execution.clone(),
        started_at: at(2),
        adopted: false,
    };
    assert_eq!(model.outcome(&answered(1, 1, answer), 2), "started");
    let event = told_of(ExecutionStatus::Superseded);
    let Step::Commit(commit) = model.try_step(&event, None, 60).unwrap() else {
        panic!()
    };
    let decision = commit.decision.unwrap();
    assert_eq!(decision.outcome.name(), "superseded");
    let url = decision.console_url.unwrap();
    assert!(
        url.ends_with(&alloc::format!("fraud@release.v1/executions/{ID}/timeline")),
        "{url}"
    );
    model.take(&event, 60);
    // A person retries a stage: the execution keeps its id.
    assert_eq!(
        model.outcome(&told_of(ExecutionStatus::InFlight), 70),
        "reopened"
    );
    assert_eq!(
        model.outcome(&told_of(ExecutionStatus::Succeeded), 80),
        "succeeded"
    );
}
