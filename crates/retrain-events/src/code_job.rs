//! CodePipeline's Lambda action: a stage that asks for retraining and waits.
//!
//! The shape is that of the CodePipeline user guide's page on invoking a Lambda
//! function in a pipeline. Its `UserParameters` are text of the pipeline author's; here
//! they are JSON, such as
//! `{"model": "fraud-detection", "key": "#{codepipeline.PipelineExecutionId}"}`. The
//! job's id would not do as a key: each look at an unfinished job has another.

use jiff::Timestamp;
use retrain_core::event::Event;
use retrain_core::names::ModelName;
use retrain_core::trigger::{Cause, Trigger};
use serde_json::Value;

use crate::error::InvalidEvent;
use crate::node::Node;

/// The longest key. It is kept in the slot.
const LONGEST_KEY: usize = 100;

/// The longest commit id or other name of what is released.
const LONGEST_COMMIT: usize = 200;

/// One look of a stage at its retraining.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeJob {
    /// The job to answer.
    pub id: String,
    /// What it asks for; an error belongs into the job's answer.
    pub asks: Result<CodeRequest, InvalidEvent>,
}

/// What a stage asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRequest {
    /// The model.
    pub model: ModelName,
    /// The release's key: asking twice with one key is asking once.
    pub key: String,
    /// The commit that is released.
    pub commit: Option<String>,
    /// What the stage makes of a run that found no improvement.
    pub no_improvement: NoImprovement,
}

/// What a new model that is no better means to a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoImprovement {
    /// The release wanted a better model.
    #[default]
    Fail,
    /// The release wanted to know that the code trains; the old model goes on serving.
    Succeed,
}

/// The job in an event, or nothing if the event is none of CodePipeline's jobs.
pub fn code_job(event: &Value) -> Result<Option<CodeJob>, InvalidEvent> {
    let Some(job) = Node::root(event).peek("CodePipeline.job") else {
        return Ok(None);
    };
    let id = job.required("id")?.text_up_to(100)?.to_owned();
    Ok(Some(CodeJob {
        id,
        asks: asks(&job),
    }))
}

fn asks(job: &Node<'_>) -> Result<CodeRequest, InvalidEvent> {
    let configuration = job
        .required("data")?
        .required("actionConfiguration")?
        .required("configuration")?;
    let parameters = configuration.required("UserParameters")?;
    let json: Value = serde_json::from_str(parameters.text()?)
        .map_err(|error| parameters.invalid(format!("is not JSON: {error}")))?;
    let parameters = Node::at(&parameters.path(), &json);
    for (name, field) in parameters.entries()? {
        if !["model", "key", "commit", "no_improvement"].contains(&name) {
            return Err(
                field.invalid("is none of model, key, commit and no_improvement".to_owned())
            );
        }
    }
    let key = parameters.required("key")?;
    let text = key.text_up_to(LONGEST_KEY)?;
    if text.is_empty() {
        return Err(key.invalid("is empty".to_owned()));
    }
    Ok(CodeRequest {
        model: parameters.required("model")?.named(ModelName::parse)?,
        key: text.to_owned(),
        commit: parameters
            .optional("commit")?
            .map(|commit| commit.text_up_to(LONGEST_COMMIT).map(str::to_owned))
            .transpose()?,
        no_improvement: parameters
            .optional("no_improvement")?
            .map(|field| no_improvement(&field))
            .transpose()?
            .unwrap_or_default(),
    })
}

fn no_improvement(field: &Node<'_>) -> Result<NoImprovement, InvalidEvent> {
    match field.text()? {
        "fail" => Ok(NoImprovement::Fail),
        "succeed" => Ok(NoImprovement::Succeed),
        _ => Err(field.invalid("is neither fail nor succeed".to_owned())),
    }
}

impl CodeRequest {
    /// The request as an event for the model's slot.
    pub fn event(&self, now: Timestamp) -> Event {
        Event::Trigger(Trigger {
            cause: Cause::Code {
                key: self.key.clone(),
                commit: self.commit.clone(),
            },
            at: now,
        })
    }
}
