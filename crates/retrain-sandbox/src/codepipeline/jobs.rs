//! The jobs of Lambda actions, and what their functions answer.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CodePipeline, Scene, rules, uuid};
use crate::answer::ServiceError;
use crate::input::Input;

/// A job: one invocation of a function by a Lambda action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// When it was created.
    pub at: Timestamp,
    /// What the function answered, if it has.
    pub answer: Option<JobAnswer>,
}

/// The answer of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobAnswer {
    /// The action goes on with another job.
    Continue {
        /// What the next job is given.
        token: String,
    },
    /// The action has succeeded.
    Succeeded {
        /// `executionDetails.summary`.
        summary: Option<String>,
    },
    /// The action has failed.
    Failed {
        /// `failureDetails.message`.
        message: String,
    },
}

impl CodePipeline {
    /// A Lambda action begins, or goes on: gives the event that invokes its function
    /// (CodePipeline user guide, "Invoke a Lambda function in a pipeline").
    pub fn invoke(&self, user_parameters: &str, continuation_token: Option<&str>) -> Value {
        self.within(|scene| {
            let id = uuid(9, scene.state.jobs.len() as u64 + 1);
            scene.state.jobs.push(Job {
                id: id.clone(),
                at: scene.now,
                answer: None,
            });
            let mut data = json!({
                "actionConfiguration": {"configuration": {
                    "FunctionName": "retrain-reconciler",
                    "UserParameters": user_parameters,
                }},
                "inputArtifacts": [],
                "outputArtifacts": [],
                "artifactCredentials": {
                    "accessKeyId": "id", "secretAccessKey": "secret", "sessionToken": "token",
                },
            });
            if let Some(token) = continuation_token {
                data["continuationToken"] = json!(token);
            }
            json!({"CodePipeline.job": {
                "id": id, "accountId": scene.names.account, "data": data,
            }})
        })
    }

    /// All jobs, in order.
    pub fn jobs(&self) -> Vec<Job> {
        self.lock().jobs.clone()
    }
}

pub(super) fn succeed(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &[
            "jobId",
            "currentRevision",
            "continuationToken",
            "executionDetails",
            "outputVariables",
        ],
    )?;
    input.refuse_unsupported(&["currentRevision", "outputVariables"])?;
    let id = input.text("jobId", rules::UUID)?;
    let token = input.optional_text("continuationToken", rules::CONTINUATION_TOKEN)?;
    let details = input.structure(
        "executionDetails",
        &["summary", "externalExecutionId", "percentComplete"],
    )?;
    let mut summary = None;
    if let Some(details) = &details {
        summary = details.optional_text("summary", rules::EXECUTION_SUMMARY)?;
        details.integer("percentComplete", 0, 100)?;
        details.optional_text("externalExecutionId", rules::EXTERNAL_ID)?;
    }
    let answer = match token {
        Some(token) => JobAnswer::Continue {
            token: token.to_owned(),
        },
        None => JobAnswer::Succeeded {
            summary: summary.map(str::to_owned),
        },
    };
    put(scene, id, answer)
}

pub(super) fn fail(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    const TYPES: [&str; 6] = [
        "JobFailed",
        "ConfigurationError",
        "PermissionError",
        "RevisionOutOfSync",
        "RevisionUnavailable",
        "SystemUnavailable",
    ];
    let input = Input::new(request, &["jobId", "failureDetails"])?;
    let id = input.text("jobId", rules::UUID)?;
    input.require("failureDetails")?;
    let details = input.structure(
        "failureDetails",
        &["type", "message", "externalExecutionId"],
    )?;
    let mut message = "";
    if let Some(details) = &details {
        details.require("type")?;
        details.one_of("type", &TYPES)?;
        message = details.text("message", rules::MESSAGE)?;
        details.optional_text("externalExecutionId", rules::EXTERNAL_ID)?;
    }
    let answer = JobAnswer::Failed {
        message: message.to_owned(),
    };
    put(scene, id, answer)
}

fn put(scene: &mut Scene<'_>, id: &str, answer: JobAnswer) -> Result<Value, ServiceError> {
    let Some(job) = scene.state.jobs.iter_mut().find(|job| job.id == id) else {
        return Err(ServiceError::refused(
            "JobNotFoundException",
            format!("No job with id {id} was found."),
        ));
    };
    if job.answer.is_some() {
        return Err(ServiceError::refused(
            "InvalidJobStateException",
            format!("The job with id {id} is in a final state already."),
        ));
    }
    job.answer = Some(answer);
    Ok(json!({}))
}
