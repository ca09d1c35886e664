//! Parameter Store: reading policies and parameters, and changing policies.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::types::{Parameter, ParameterTier, ParameterType};
use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Parameters, PortError};
use retrain_core::names::{ModelName, ParameterName, shortened};
use tokio::sync::Mutex;

use crate::cache::Cached;
use crate::set::{Document, PolicySet};

/// Parameter Store user guide: more than this needs the advanced tier.
const STANDARD_BYTES: usize = 4_096;

/// API model: the longest `Description`.
const MAX_NOTE: usize = 1_024;

/// Where policies are, and how long they are kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The path under which each model has its policy, without a slash at its end.
    pub path: ParameterName,
    /// How long policies and parameters are used before they are read again.
    pub time_to_live: SignedDuration,
}

/// Parameter Store, as far as the controller needs it.
#[derive(Debug)]
pub struct ParameterStore {
    client: Client,
    settings: Settings,
    policies: Cached<PolicySet>,
    parameters: Mutex<HashMap<ParameterName, Arc<Cached<Option<String>>>>>,
}

impl ParameterStore {
    /// Parameter Store behind this client.
    pub fn new(client: Client, settings: Settings) -> Self {
        Self {
            client,
            settings,
            policies: Cached::new(),
            parameters: Mutex::new(HashMap::new()),
        }
    }

    /// All policies as they are, or were within the time to live.
    pub async fn policies(&self, now: Timestamp) -> Result<Arc<PolicySet>, PortError> {
        self.policies
            .get(now, self.settings.time_to_live, self.read_policies())
            .await
    }

    async fn read_policies(&self) -> Result<PolicySet, PortError> {
        Ok(PolicySet::parse(self.documents().await?))
    }

    /// All documents under the path, as they are now.
    pub async fn documents(&self) -> Result<Vec<Document>, PortError> {
        let path = self.settings.path.as_str();
        let mut pages = self
            .client
            .get_parameters_by_path()
            .path(path)
            .with_decryption(true)
            .max_results(10)
            .into_paginator()
            .send();
        let mut documents = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| failed(format!("read the policies under {path}"), error))?;
            documents.extend(
                page.parameters
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(document),
            );
        }
        Ok(documents)
    }

    /// The document of a model as it is now.
    pub async fn document(&self, model: &ModelName) -> Result<Option<Document>, PortError> {
        let found = self.get(&self.name_of(model)).await?;
        Ok(found.and_then(document))
    }

    /// Puts the policy of a model, and says which version it is then. Without a version
    /// that it replaces, there must be none yet. Parameter Store shows the note to whoever
    /// looks at the parameter's history.
    pub async fn put(
        &self,
        model: &ModelName,
        text: &str,
        replaces: Option<u64>,
        note: &str,
    ) -> Result<u64, PortError> {
        let name = self.name_of(model);
        let is_new = replaces.is_none();
        let is_long = text.len() > STANDARD_BYTES;
        let answer = self
            .client
            .put_parameter()
            .name(&name)
            .value(text)
            .description(shortened(note, MAX_NOTE))
            .overwrite(!is_new)
            // What is there keeps its type and its tier.
            .set_type(is_new.then_some(ParameterType::String))
            .set_tier(is_long.then_some(ParameterTier::IntelligentTiering))
            .send()
            .await;
        let answer = answer.map_err(|error| failed(format!("put the policy {name}"), error))?;
        Ok(u64::try_from(answer.version).unwrap_or_default())
    }

    /// Removes the policy of a model. Says whether there was one.
    pub async fn remove(&self, model: &ModelName) -> Result<bool, PortError> {
        let name = self.name_of(model);
        match self.client.delete_parameter().name(&name).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_not_found(&error) => Ok(false),
            Err(error) => Err(failed(format!("remove the policy {name}"), error)),
        }
    }

    /// The parameter that holds the policy of a model.
    fn name_of(&self, model: &ModelName) -> String {
        format!("{}/{model}", self.settings.path)
    }

    async fn read_parameter(&self, name: &ParameterName) -> Result<Option<String>, PortError> {
        let found = self.get(name.as_str()).await?;
        Ok(found.and_then(|parameter| parameter.value))
    }

    async fn get(&self, name: &str) -> Result<Option<Parameter>, PortError> {
        let answer = self
            .client
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
        let value = cached
            .get(now, self.settings.time_to_live, self.read_parameter(name))
            .await?;
        Ok((*value).clone())
    }
}

fn document(parameter: Parameter) -> Option<Document> {
    let name = parameter.name?;
    Some(Document {
        name: name.rsplit('/').next().unwrap_or_default().to_owned(),
        version: u64::try_from(parameter.version).unwrap_or_default(),
        text: parameter.value.unwrap_or_default(),
    })
}

fn is_not_found<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    matches!(code, Some("ParameterNotFound" | "ParameterVersionNotFound"))
}

/// What is not known to be hopeless is worth another delivery.
fn failed<E, R>(doing: String, error: SdkError<E, R>) -> PortError
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
