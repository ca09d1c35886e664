//! Parameter Store: the team's own parameters, and what all its calls have in common.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::types::Parameter;
use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Parameters, PortError};
use retrain_core::names::ParameterName;
use tokio::sync::Mutex;

use crate::cache::Cached;

/// Parameter Store, as far as policies name parameters.
#[derive(Debug)]
pub struct ParameterStore {
    client: Client,
    time_to_live: SignedDuration,
    parameters: Mutex<HashMap<ParameterName, Arc<Cached<Option<String>>>>>,
}

impl ParameterStore {
    /// Parameter Store behind this client. Parameters are used for so long before they are
    /// read again.
    pub fn new(client: Client, time_to_live: SignedDuration) -> Self {
        Self {
            client,
            time_to_live,
            parameters: Mutex::new(HashMap::new()),
        }
    }

    async fn read_parameter(&self, name: &ParameterName) -> Result<Option<String>, PortError> {
        let found = get(&self.client, name.as_str()).await?;
        Ok(found.and_then(|parameter| parameter.value))
    }
}

impl Parameters for ParameterStore {
    async fn parameter(
        &self,
        name: &ParameterName,
        now: Timestamp,
    ) -> Result<Option<String>, PortError> {
        let cached = {
            let mut parameters = self.parameters.lock().await;
            Arc::clone(
                parameters
                    .entry(name.clone())
                    .or_insert_with(|| Arc::new(Cached::new())),
            )
        };
        let read = async |_| Ok(Arc::new(self.read_parameter(name).await?));
        let kept = cached.get(now, self.time_to_live, read).await?;
        Ok((*kept.value).clone())
    }
}

/// A parameter, if there is one of this name.
pub(crate) async fn get(client: &Client, name: &str) -> Result<Option<Parameter>, PortError> {
    let answer = client
        .get_parameter()
        .name(name)
        .with_decryption(true)
        .send()
        .await;
    match answer {
        Ok(answer) => Ok(answer.parameter),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(failed(format!("read the parameter {name}"), error)),
    }
}

pub(crate) fn is_not_found<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    matches!(code, Some("ParameterNotFound" | "ParameterVersionNotFound"))
}

/// What is not known to be hopeless is worth another delivery.
pub(crate) fn failed<E, R>(doing: String, error: SdkError<E, R>) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match code {
        Some(
            "AccessDeniedException"
            | "ValidationException"
            | "ParameterAlreadyExists"
            | "ParameterLimitExceeded"
            | "ParameterMaxVersionLimitExceeded",
        ) => PortError::terminal(doing, error),
        _ => PortError::retryable(doing, error),
    }
}
