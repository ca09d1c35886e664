//! The definition of a pipeline, and what its steps do.
//!
//! Processing and training steps run their containers, a tuning step runs them for each point of
//! a grid, conditions choose, models are registered, and a fail step fails: in the order in
//! which they need each other, one at a time. A step that is cached takes the result of an
//! earlier one that was given the same.

mod cache;
mod condition;
mod containers;
mod expression;
mod job;
mod run;
mod tuning;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

pub use containers::{Container, Containers, LocalProcesses};
pub use run::RunError;

use cache::CacheConfig;
pub(super) use cache::CachedStep;
use expression::references;

/// The schema that the API takes (its developer guide).
const VERSION: &str = "2020-12-01";
/// Service quotas.
const MAX_PARAMETERS: usize = 200;
const MAX_STEPS: usize = 50;

/// A pipeline's definition whose steps the sandbox can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    text: String,
    parameters: Vec<Parameter>,
    /// In their order, those in the branches of conditions in their conditions only.
    steps: Vec<StepDefinition>,
}

/// Why a text is no such definition.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// It is not JSON, or not of the schema's form.
    #[error("the definition is not valid at {path}: {reason}")]
    Syntax {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// It breaks a rule.
    #[error("the definition is refused: {0}")]
    Rule(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    #[serde(default, rename = "Metadata")]
    _metadata: Map<String, Value>,
    #[serde(default, rename = "PipelineExperimentConfig")]
    _experiment: Map<String, Value>,
    #[serde(default)]
    parameters: Vec<Parameter>,
    steps: Vec<StepDefinition>,
}

/// A declared parameter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Parameter {
    name: String,
    #[serde(rename = "Type")]
    kind: ParameterType,
    #[serde(default)]
    default_value: Option<Value>,
    #[serde(default, rename = "Description")]
    _description: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum ParameterType {
    String,
    Integer,
    Float,
    Boolean,
}

/// A step as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StepDefinition {
    name: String,
    #[serde(rename = "Type")]
    kind: StepType,
    arguments: Value,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    property_files: Vec<PropertyFile>,
    #[serde(default, rename = "CacheConfig")]
    cache: Option<CacheConfig>,
}

/// The types of steps that the sandbox runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum StepType {
    Condition,
    Fail,
    Processing,
    RegisterModel,
    Training,
    Tuning,
}

/// A file of an output that other steps read values of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyFile {
    #[serde(rename = "PropertyFileName")]
    name: String,
    #[serde(rename = "OutputName")]
    output: String,
    #[serde(rename = "FilePath")]
    path: String,
}

impl ParameterType {
    /// A value of this type, as a start gives it.
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(text.into()),
            Self::Integer => text.parse::<i64>().ok().map(Value::from),
            Self::Float => text.parse::<f64>().ok().map(Value::from),
            Self::Boolean => text.parse::<bool>().ok().map(Value::from),
        }
    }
}

impl Definition {
    /// Reads and checks a definition.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let document: Document = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            DefinitionError::Syntax {
                path: error.path().to_string(),
                reason: error.inner().to_string(),
            }
        })?;
        let definition = Self {
            text: text.to_owned(),
            parameters: document.parameters,
            steps: document.steps,
        };
        let broken = if document.version == VERSION {
            definition.broken_rule()?
        } else {
            Some(format!("its version is not {VERSION}"))
        };
        match broken {
            None => Ok(definition),
            Some(rule) => Err(DefinitionError::Rule(rule)),
        }
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The declared parameters with their defaults, as text.
    pub fn defaults(&self) -> BTreeMap<String, Option<String>> {
        let default = |parameter: &Parameter| parameter.default_value.as_ref().map(text_of);
        self.parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), default(parameter)))
            .collect()
    }

    fn broken_rule(&self) -> Result<Option<String>, DefinitionError> {
        let parameters: BTreeSet<&str> = self.parameters.iter().map(|one| &*one.name).collect();
        if parameters.len() < self.parameters.len() || parameters.len() > MAX_PARAMETERS {
            return Ok(Some(
                "a parameter is declared twice, or too many are".into(),
            ));
        }
        for parameter in &self.parameters {
            let default = parameter.default_value.as_ref();
            if default.is_some_and(|value| parameter.kind.read(&text_of(value)).is_none()) {
                let name = &parameter.name;
                return Ok(Some(format!("the default of {name} is not of its type")));
            }
        }
        let mut steps = Vec::new();
        gather(&self.steps, &mut steps)?;
        let names: BTreeSet<&str> = steps.iter().map(|step| &*step.name).collect();
        if names.len() < steps.len() || steps.len() > MAX_STEPS {
            return Ok(Some("a step is named twice, or there are too many".into()));
        }
        for step in &steps {
            if let Some(obstacle) = step.obstacle() {
                return Ok(Some(format!("step {}: {obstacle}", step.name)));
            }
            if step.cache.is_some() && cache::key(step.kind, &step.arguments).is_none() {
                let (name, kind) = (&step.name, step.kind);
                return Ok(Some(format!("step {name} is cached, and {kind:?} is not")));
            }
            for name in step.needs() {
                if !names.contains(&*name) {
                    return Ok(Some(format!("step {} needs the unknown {name}", step.name)));
                }
            }
            for reference in references(&step.arguments) {
                let name = reference.strip_prefix("Parameters.");
                if name.is_some_and(|name| !parameters.contains(name)) {
                    let step = &step.name;
                    return Ok(Some(format!("step {step} uses the undeclared {reference}")));
                }
            }
        }
        Ok(None)
    }
}

impl StepDefinition {
    /// Why the sandbox does not run it.
    fn obstacle(&self) -> Option<String> {
        match self.kind {
            StepType::Tuning => tuning::obstacle(&self.arguments),
            _ => None,
        }
    }

    /// The names of the steps that must have succeeded before it.
    fn needs(&self) -> BTreeSet<String> {
        let own = match self.kind {
            // What is in the branches needs more, once it is its turn.
            StepType::Condition => self.arguments.get("Conditions"),
            _ => Some(&self.arguments),
        };
        let references = own.map(references).unwrap_or_default();
        let steps = references.iter().filter_map(|reference| {
            let rest = reference.strip_prefix("Steps.")?;
            rest.split('.').next().map(str::to_owned)
        });
        steps.chain(self.depends_on.iter().cloned()).collect()
    }

    /// The steps of a branch of a condition.
    fn branch(&self, name: &str) -> Result<Vec<Self>, DefinitionError> {
        let listed = self.arguments.get(name).cloned();
        serde_json::from_value(listed.unwrap_or_else(|| Value::Array(Vec::new()))).map_err(
            |error| DefinitionError::Syntax {
                path: format!("{} of {}", name, self.name),
                reason: error.to_string(),
            },
        )
    }
}

/// All steps, those in branches too.
fn gather(steps: &[StepDefinition], into: &mut Vec<StepDefinition>) -> Result<(), DefinitionError> {
    for step in steps {
        into.push(step.clone());
        if step.kind == StepType::Condition {
            gather(&step.branch("IfSteps")?, into)?;
            gather(&step.branch("ElseSteps")?, into)?;
        }
    }
    Ok(())
}

/// A value as text: a string as it is, anything else as JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
