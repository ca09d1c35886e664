//! The pipelines that are started, what they are given, and the group that they fill.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use retrain_codepipeline::CodePipeline;
use retrain_controller::{Clock, Parameters as _};
use retrain_core::lane::{RETRAIN_TOKEN, Target};
use retrain_core::names::{CodePipelineName, PipelineParameterName};
use retrain_core::policy::{PolicyInForce, Template};
use retrain_policies::ParameterStore;
use retrain_sagemaker::SageMaker;

use super::needs::Needs;
use super::report::{Report, quoted};
use crate::operate::Surroundings;

/// What a policy gives to what is started.
type Given = BTreeMap<PipelineParameterName, Template>;

/// Looks at the pipelines, and notes whose ends must be heard of.
pub(super) async fn look(
    around: &Surroundings<'_, impl Clock>,
    policy: &PolicyInForce,
    needs: &mut Needs,
    report: &mut Report,
) {
    let policy = &policy.policy;
    if let Some(name) = &policy.training_data_uri_parameter {
        let ssm = aws_sdk_ssm::Client::new(around.aws);
        let parameters = ParameterStore::new(ssm, SignedDuration::ZERO);
        let looked = parameters.parameter(name, around.clock.now()).await;
        match report.known("training-data", name.as_str(), looked) {
            Some(Some(uri)) => report.ok("training-data", name.as_str(), uri),
            Some(None) => report.fail(
                "training-data",
                name.as_str(),
                "there is no such parameter",
                format!(
                    "aws ssm put-parameter --type String --name {} --value s3://BUCKET/PREFIX/",
                    quoted(name.as_str())
                ),
            ),
            None => {}
        }
    }
    let sagemaker = SageMaker::new(aws_sdk_sagemaker::Client::new(around.aws));
    let codepipeline = CodePipeline::new(aws_sdk_codepipeline::Client::new(around.aws));
    match policy.target() {
        Target::SagemakerPipeline { name, version_id } => {
            let declared = sagemaker.declared(name, *version_id).await;
            match report.known("pipeline", name.as_str(), declared) {
                Some(Some(declared)) => {
                    report.ok("pipeline", name.as_str(), declared.arn.clone());
                    given(
                        "pipeline-parameters",
                        name.as_str(),
                        &policy.parameters,
                        &declared.parameters,
                        "parameter",
                        report,
                    );
                    needs.execution(name.as_str(), &declared.arn);
                }
                Some(None) => no_pipeline("pipeline", name.as_str(), "pipeline", report),
                None => {}
            }
        }
        Target::Codepipeline { name } => {
            let check = ("pipeline", "pipeline-parameters", "pipeline");
            let of = (name, &policy.parameters);
            release(&codepipeline, check, of, needs, report).await;
        }
    }
    if let Some(group) = &policy.model_package_group {
        let arn = sagemaker.group_arn(group).await;
        match report.known("package-group", group.as_str(), arn) {
            Some(Some(arn)) => {
                report.ok("package-group", group.as_str(), arn.clone());
                if policy.gate.is_some() || !policy.environments.is_empty() {
                    needs.package(group.as_str(), &arn);
                }
            }
            Some(None) => report.fail(
                "package-group",
                group.as_str(),
                "there is no such model package group",
                format!(
                    "aws sagemaker create-model-package-group --model-package-group-name {}",
                    quoted(group.as_str())
                ),
            ),
            None => {}
        }
    }
    for environment in &policy.environments {
        let check = (
            "deployment-pipeline",
            "deployment-variables",
            "environments",
        );
        let of = (&environment.pipeline, &environment.variables);
        release(&codepipeline, check, of, needs, report).await;
        if let Some(endpoint) = &environment.endpoint {
            needs.endpoint(endpoint.as_str());
        }
    }
}

/// A pipeline of CodePipeline's.
async fn release(
    codepipeline: &CodePipeline,
    (exists, has, field): (&'static str, &'static str, &str),
    (name, variables): (&CodePipelineName, &Given),
    needs: &mut Needs,
    report: &mut Report,
) {
    let declared = codepipeline.declared(name).await;
    let name = name.as_str();
    let Some(declared) = report.known(exists, name, declared) else {
        return;
    };
    let Some(declared) = declared else {
        return no_pipeline(exists, name, field, report);
    };
    needs.release(name, &declared.arn);
    if !declared.is_v2 {
        let what = "it is not of the type V2, and has no variables";
        return report.fail(exists, name, what, "PipelineType: V2");
    }
    report.ok(exists, name, declared.arn.clone());
    if !declared.variables.contains_key(RETRAIN_TOKEN) {
        let what = format!("it does not declare the variable {RETRAIN_TOKEN}");
        let fix = format!("Variables: [{{ Name: {RETRAIN_TOKEN}, DefaultValue: none }}]");
        return report.fail(has, name, what, fix);
    }
    let mut others = declared.variables;
    // The controller gives it by itself.
    others.remove(RETRAIN_TOKEN);
    given(has, name, variables, &others, "variable", report);
}

fn no_pipeline(check: &'static str, name: &str, field: &str, report: &mut Report) {
    let fix = format!("create the pipeline, or correct {field} in the policy");
    report.fail(check, name, "there is no such pipeline or version", fix);
}

/// Whether what is given is declared, and what is needed is given.
fn given(
    check: &'static str,
    pipeline: &str,
    given: &Given,
    declared: &BTreeMap<String, bool>,
    kind: &str,
    report: &mut Report,
) {
    let undeclared: Vec<&str> = given
        .keys()
        .map(PipelineParameterName::as_str)
        .filter(|name| !declared.contains_key(*name))
        .collect();
    let names: Vec<&str> = given.keys().map(PipelineParameterName::as_str).collect();
    let needed: Vec<&str> = declared
        .iter()
        .filter(|(name, has_default)| !**has_default && !names.contains(&name.as_str()))
        .map(|(name, _)| name.as_str())
        .collect();
    if !undeclared.is_empty() {
        let list = undeclared.join(", ");
        report.fail(
            check,
            pipeline,
            format!("the policy gives what the pipeline does not declare: {list}"),
            format!("declare each as a {kind} of the pipeline, or take it out of the policy"),
        );
    }
    if !needed.is_empty() {
        let list = needed.join(", ");
        report.fail(
            check,
            pipeline,
            format!("the policy does not give what has no default: {list}"),
            format!("give each {kind} in the policy, or a default in the pipeline"),
        );
    }
    if undeclared.is_empty() && needed.is_empty() {
        let count = names.len();
        report.ok(
            check,
            pipeline,
            format!("all {count} that are given are declared"),
        );
    }
}
