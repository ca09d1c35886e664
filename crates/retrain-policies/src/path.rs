//! Policies in Parameter Store, each in a parameter of its own.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{Parameter, ParameterTier, ParameterType};
use retrain_controller::PortError;
use retrain_core::names::{ModelName, ParameterName, shortened};

use crate::set::Document;
use crate::store::{failed, is_not_found};

/// Parameter Store user guide: more than this needs the advanced tier.
const STANDARD_BYTES: usize = 4_096;

/// API model: the longest `Description`.
const MAX_NOTE: usize = 1_024;

/// The policies under a path of Parameter Store.
#[derive(Clone, Debug)]
pub struct PolicyParameters {
    pub(crate) client: Client,
    path: ParameterName,
}

impl PolicyParameters {
    /// The policies under this path, behind this client.
    pub const fn new(client: Client, path: ParameterName) -> Self {
        Self { client, path }
    }

    /// The path under which each model has its policy, without a slash at its end.
    pub const fn path(&self) -> &ParameterName {
        &self.path
    }

    /// All documents under the path, as they are now.
    pub async fn documents(&self) -> Result<Vec<Document>, PortError> {
        let path = self.path.as_str();
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
        let name = self.name_of(model);
        let found = crate::store::get(&self.client, &name).await?;
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
        format!("{}/{model}", self.path)
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
