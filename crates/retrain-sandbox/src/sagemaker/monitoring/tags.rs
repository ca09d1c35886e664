//! `ListTags`, of job definitions: nothing else here has tags.

use serde_json::Value;

use super::super::executions::listed;
use super::super::{Scene, not_found, page};
use super::JobDefinition;
use crate::answer::ServiceError;
use crate::input::{Input, Text};

/// botocore API model: `ResourceArn`.
const RESOURCE_ARN: Text = Text::of(1, 256);

pub(super) fn list(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["ResourceArn", "NextToken", "MaxResults"])?;
    let arn = input.text("ResourceArn", RESOURCE_ARN)?;
    let page = page(&input)?;
    let mut definitions = scene.state.definitions.iter();
    let definition: &JobDefinition = definitions
        .find(|definition| definition.arn.eq_ignore_ascii_case(arn))
        .ok_or_else(|| not_found("Resource", arn))?;
    let key = |tag: &Value| tag["Key"].as_str().unwrap_or_default().to_owned();
    let (shown, token) = page.cut(definition.tags.iter().collect(), |tag| key(tag), |_| true)?;
    Ok(listed("Tags", shown.into_iter().cloned().collect(), token))
}
