//! Answers to the jobs of CodePipeline's Lambda actions.

use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codepipeline::types::{ExecutionDetails, FailureDetails, FailureType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use retrain_controller::PortError;
use retrain_core::names::shortened;

use crate::CodePipeline;
use crate::error::failed;

/// The answer to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobAnswer {
    /// What it asked for is under way: look again.
    Wait,
    /// It is done.
    Done {
        /// One line about it.
        summary: String,
    },
    /// It will not be done: the stage fails.
    Failed {
        /// Why.
        why: String,
    },
}

/// The longest message of a failure (API model: `Message`), and of a summary.
const LONGEST: (usize, usize) = (5_000, 2_048);

impl CodePipeline {
    /// Answers a job. A job that CodePipeline does not wait for any more is answered
    /// for nobody, which is no failure.
    pub async fn answer(&self, job: &str, answer: &JobAnswer) -> Result<(), PortError> {
        let doing = || format!("answer the job {job}");
        let (longest_message, longest_summary) = LONGEST;
        match answer {
            JobAnswer::Wait => told(
                doing(),
                self.client
                    .put_job_success_result()
                    .job_id(job)
                    // Any text will do: the next look carries the same parameters.
                    .continuation_token("retraining")
                    .send()
                    .await,
            ),
            JobAnswer::Done { summary } => told(
                doing(),
                self.client
                    .put_job_success_result()
                    .job_id(job)
                    .execution_details(
                        ExecutionDetails::builder()
                            .summary(shortened(summary, longest_summary - 1))
                            .percent_complete(100)
                            .build(),
                    )
                    .send()
                    .await,
            ),
            JobAnswer::Failed { why } => {
                let details = FailureDetails::builder()
                    .r#type(FailureType::JobFailed)
                    .message(shortened(why, longest_message - 1))
                    .build()
                    .map_err(|error| PortError::terminal(doing(), error))?;
                told(
                    doing(),
                    self.client
                        .put_job_failure_result()
                        .job_id(job)
                        .failure_details(details)
                        .send()
                        .await,
                )
            }
        }
    }
}

fn told<T, E>(doing: String, answer: Result<T, SdkError<E, HttpResponse>>) -> Result<(), PortError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Ok(()),
        Err(error) if is_over(&error) => Ok(()),
        Err(error) => Err(failed(doing, error)),
    }
}

/// Whether the job was answered, or given up, before.
fn is_over<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    matches!(
        code,
        Some("InvalidJobStateException" | "JobNotFoundException")
    )
}
