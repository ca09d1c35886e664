//! Step caching: a step takes the result of an earlier one that was given the same.
//!
//! What counts as the same is a list of members for each type of step (developer guide,
//! "Default cache key attributes by pipeline step type"). What the arguments point to is not
//! looked at: new objects below the same URI, and new code in the same place, are the same.

use jiff::tz::TimeZone;
use jiff::{Span, SpanFieldwise, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::StepType;

/// `CacheConfig` of a step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct CacheConfig {
    /// How old a result may be; none if nothing is taken.
    expire_after: Option<SpanFieldwise>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
    enabled: bool,
    expire_after: Option<String>,
}

impl TryFrom<Written> for CacheConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if !written.enabled {
            return Ok(Self { expire_after: None });
        }
        // The SDK asks for it; what the service does without is not documented.
        let text = written.expire_after;
        let text = text.ok_or("a step that is cached needs ExpireAfter")?;
        let span = duration(&text).ok_or_else(|| format!("ExpireAfter {text} is no duration"))?;
        Ok(Self {
            expire_after: Some(span.fieldwise()),
        })
    }
}

/// `P30DT5H`, or without the first letter and in small ones, as the guide writes it too.
fn duration(text: &str) -> Option<Span> {
    let text = text.to_ascii_uppercase();
    let span: Span = format!("P{}", text.strip_prefix('P').unwrap_or(&text))
        .parse()
        .ok()?;
    span.is_positive().then_some(span)
}

/// A step that has succeeded.
#[derive(Clone, Debug)]
pub(in crate::sagemaker) struct CachedStep {
    pub(in crate::sagemaker) pipeline: String,
    pub(super) step: String,
    /// What of its arguments decides.
    pub(super) key: Value,
    pub(super) at: Timestamp,
    pub(super) execution_arn: String,
    pub(super) properties: Value,
    pub(super) metadata: Value,
}

impl CacheConfig {
    /// The newest of these steps that was given the same and is young enough.
    pub(super) fn find<'a>(
        &self,
        cached: &'a [CachedStep],
        (pipeline, step): (&str, &str),
        key: &Value,
        now: Timestamp,
    ) -> Option<&'a CachedStep> {
        let after = self.expire_after?.0;
        let mut newest_first = cached.iter().rev();
        newest_first.find(|one| {
            let expires = one.at.to_zoned(TimeZone::UTC).checked_add(after);
            // What would expire after the end of time does not.
            let is_young = expires.map_or(true, |expires| now < expires.timestamp());
            is_young && one.pipeline == pipeline && one.step == step && one.key == *key
        })
    }
}

/// What of a step's arguments decides; none if steps of this type are not cached.
pub(super) fn key(kind: StepType, arguments: &Value) -> Option<Value> {
    const OF_TUNED_JOB: [&str; 5] = [
        "AlgorithmSpecification",
        "HyperParameterRanges",
        "InputDataConfig",
        "StaticHyperParameters",
        "TuningObjective",
    ];
    let members: &[&str] = match kind {
        StepType::Processing => &["AppSpecification", "Environment", "ProcessingInputs"],
        StepType::Training => &[
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ],
        StepType::Tuning => {
            let mut key = pick(
                arguments,
                &["HyperParameterTuningJobConfig", "TrainingJobDefinitions"],
            );
            let tuned = arguments.get("TrainingJobDefinition")?;
            key["TrainingJobDefinition"] = pick(tuned, &OF_TUNED_JOB);
            return Some(key);
        }
        StepType::Condition | StepType::Fail | StepType::RegisterModel => return None,
    };
    Some(pick(arguments, members))
}

fn pick(from: &Value, members: &[&str]) -> Value {
    let picked = members.iter().filter_map(|name| {
        let value = from.get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    Value::Object(picked.collect::<Map<_, _>>())
}
