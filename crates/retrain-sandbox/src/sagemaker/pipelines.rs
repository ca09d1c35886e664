//! Pipelines and `DescribePipeline`.

use serde_json::{Value, json};

use super::model::{Pipeline, PipelineRecord};
use super::{Scene, names, not_found};
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

pub(super) fn describe(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &["PipelineName", "PipelineVersionId", "PipelineVersionAlias"],
    )?;
    let record = find(scene, input.text("PipelineName", names::PIPELINE)?)?;
    input.refuse_unsupported(&["PipelineVersionAlias"])?;
    version(&record.pipeline, &input)?;
    let last_run = scene
        .state
        .executions
        .iter()
        .filter(|execution| execution.pipeline == record.pipeline.name)
        .map(|execution| execution.start_time)
        .max();
    let mut answer = json!({
        "PipelineArn": scene.state.shown(&record.arn),
        "PipelineName": record.pipeline.name,
        "PipelineDisplayName": record.pipeline.name,
        "PipelineDefinition": definition(&record.pipeline),
        "PipelineStatus": "Active",
        "RoleArn": format!("arn:aws:iam::{}:role/pipeline", scene.names.account),
        "CreationTime": epoch_seconds(record.creation_time),
        "LastModifiedTime": epoch_seconds(record.creation_time),
    });
    if let Some(time) = last_run {
        answer["LastRunTime"] = epoch_seconds(time);
    }
    Ok(answer)
}

pub(super) fn find<'a>(
    scene: &'a Scene<'_>,
    name_or_arn: &str,
) -> Result<&'a PipelineRecord, ServiceError> {
    scene
        .state
        .pipelines
        .iter()
        .find(|record| names::means(name_or_arn, &record.pipeline.name, &record.arn))
        .ok_or_else(|| {
            let arn = if name_or_arn.starts_with("arn:") {
                name_or_arn.to_owned()
            } else {
                scene.names.pipeline(name_or_arn)
            };
            not_found("Pipeline", &arn)
        })
}

/// The version that the request names, or the last one.
pub(super) fn version(pipeline: &Pipeline, input: &Input<'_>) -> Result<u32, ServiceError> {
    let Some(asked) = input.integer("PipelineVersionId", 1, i64::MAX)? else {
        return Ok(pipeline.versions);
    };
    u32::try_from(asked)
        .ok()
        .filter(|version| *version <= pipeline.versions)
        .ok_or_else(|| not_found("Version", &format!("{asked} of pipeline {}", pipeline.name)))
}

/// The definition that it was created with. Without one, the declared parameters and no
/// steps, in the schema of 2020-12-01 that the API takes as a string.
fn definition(pipeline: &Pipeline) -> String {
    if let Some(definition) = &pipeline.definition {
        return definition.text().to_owned();
    }
    let parameters: Vec<Value> = pipeline
        .parameters
        .iter()
        .map(|(name, default)| {
            let mut parameter = json!({"Name": name, "Type": "String"});
            if let Some(default) = default {
                parameter["DefaultValue"] = json!(default);
            }
            parameter
        })
        .collect();
    json!({"Version": "2020-12-01", "Parameters": parameters, "Steps": []}).to_string()
}
