//! Parameter values with placeholders.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Something that a parameter can be given when a claim is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placeholder {
    /// The model's name.
    Model,
    /// The kind of the trigger that led to the start.
    Trigger,
    /// The URI that the policy's Parameter Store parameter holds.
    TrainingDataUri,
    /// The claim's moment minus the training window, RFC 3339 in UTC.
    TrainingWindowStart,
    /// The claim's moment, RFC 3339 in UTC.
    TrainingWindowEnd,
    /// The newest approved package of the model package group.
    BaselineModelPackageArn,
    /// The kind of drift, empty when no drift is among the causes.
    DriftKind,
    /// The alarm's name, empty when no drift is among the causes.
    AlarmName,
    /// CloudWatch's sentence about the alarm, shortened; empty without one.
    Evidence,
    /// How many new rows the start takes with it.
    DataRows,
    /// In how many objects they are.
    DataObjects,
    /// The URI of the manifest that lists exactly those objects.
    ManifestUri,
    /// The key of what asked for a start of kind `code`, such as the execution of the
    /// release pipeline; empty otherwise.
    CodeKey,
    /// The claim's token.
    Token,
    /// The version of this policy.
    PolicyVersion,
    /// The environment that is deployed to.
    Environment,
    /// The package that is deployed.
    ModelPackageArn,
    /// `ModelPackageVersion` of it.
    ModelPackageVersion,
    /// Its training data, as its metadata pins it.
    TrainingDataVersion,
    /// The digest of its container image, as its metadata pins it.
    ImageDigest,
    /// The commit that it was made from, as its metadata pins it.
    CommitId,
    /// The image that built it, as its metadata pins it.
    BuildSpecVersion,
    /// The hash of its requirements, as its metadata pins it.
    RequirementsHash,
}

impl Placeholder {
    /// All placeholders, in the order in which the documentation lists them.
    pub const ALL: [Self; 23] = [
        Self::Model,
        Self::Trigger,
        Self::TrainingDataUri,
        Self::TrainingWindowStart,
        Self::TrainingWindowEnd,
        Self::BaselineModelPackageArn,
        Self::DriftKind,
        Self::AlarmName,
        Self::Evidence,
        Self::DataRows,
        Self::DataObjects,
        Self::ManifestUri,
        Self::CodeKey,
        Self::Token,
        Self::PolicyVersion,
        Self::Environment,
        Self::ModelPackageArn,
        Self::ModelPackageVersion,
        Self::TrainingDataVersion,
        Self::ImageDigest,
        Self::CommitId,
        Self::BuildSpecVersion,
        Self::RequirementsHash,
    ];

    /// The name between the braces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Trigger => "trigger",
            Self::TrainingDataUri => "training_data_uri",
            Self::TrainingWindowStart => "training_window_start",
            Self::TrainingWindowEnd => "training_window_end",
            Self::BaselineModelPackageArn => "baseline_model_package_arn",
            Self::DriftKind => "drift_kind",
            Self::AlarmName => "alarm_name",
            Self::Evidence => "evidence",
            Self::DataRows => "data_rows",
            Self::DataObjects => "data_objects",
            Self::ManifestUri => "manifest_uri",
            Self::CodeKey => "code_key",
            Self::Token => "token",
            Self::PolicyVersion => "policy_version",
            Self::Environment => "environment",
            Self::ModelPackageArn => "model_package_arn",
            Self::ModelPackageVersion => "model_package_version",
            Self::TrainingDataVersion => "training_data_version",
            Self::ImageDigest => "image_digest",
            Self::CommitId => "commit_id",
            Self::BuildSpecVersion => "build_spec_version",
            Self::RequirementsHash => "requirements_hash",
        }
    }

    /// Whether it has a value when a package is deployed.
    pub const fn is_of_deployment(self) -> bool {
        matches!(
            self,
            Self::Model | Self::Trigger | Self::Token | Self::PolicyVersion
        ) || !self.is_of_retraining()
    }

    /// Whether it has a value when a model is retrained.
    pub const fn is_of_retraining(self) -> bool {
        match self {
            Self::Model
            | Self::Trigger
            | Self::TrainingDataUri
            | Self::TrainingWindowStart
            | Self::TrainingWindowEnd
            | Self::BaselineModelPackageArn
            | Self::DriftKind
            | Self::AlarmName
            | Self::Evidence
            | Self::DataRows
            | Self::DataObjects
            | Self::ManifestUri
            | Self::CodeKey
            | Self::Token
            | Self::PolicyVersion => true,
            Self::Environment
            | Self::ModelPackageArn
            | Self::ModelPackageVersion
            | Self::TrainingDataVersion
            | Self::ImageDigest
            | Self::CommitId
            | Self::BuildSpecVersion
            | Self::RequirementsHash => false,
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Text with placeholders: `s3://bucket/{model}/{alarm_name|none}`.
///
/// `{name|default}` gives the default when the value is missing or empty. There is
/// no way to write a literal brace: no pipeline parameter needs one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "String"))]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value {
        placeholder: Placeholder,
        default: Option<String>,
    },
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidTemplate {
    /// A brace without its partner.
    #[error("a brace has no partner")]
    LoneBrace,
    /// A placeholder that does not exist.
    #[error("unknown placeholder {{{name}}}; there are: {}", known())]
    Unknown {
        /// The name between the braces, shortened.
        name: String,
    },
    /// More than AWS takes.
    #[error("longer than 1024 characters, the limit of a pipeline parameter value")]
    TooLong,
}

fn known() -> String {
    let names: Vec<&str> = Placeholder::ALL.iter().map(|p| p.name()).collect();
    names.join(", ")
}

/// The longest text of a value, before placeholders are filled in.
const MAX_VALUE_CHARS: usize = 1024;

impl Template {
    /// Parses a template.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        if text.chars().count() > MAX_VALUE_CHARS {
            return Err(InvalidTemplate::TooLong);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (literal, tail) = rest.split_at(open);
            let body = tail.strip_prefix('{').ok_or(InvalidTemplate::LoneBrace)?;
            let (inner, after) = body.split_once('}').ok_or(InvalidTemplate::LoneBrace)?;
            if inner.contains('{') {
                return Err(InvalidTemplate::LoneBrace);
            }
            if !literal.is_empty() {
                parts.push(Part::Text(literal.to_string()));
            }
            parts.push(Part::value(inner)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_string()));
        }
        Ok(Self(parts))
    }

    /// The placeholders in it.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value { placeholder, .. } => Some(*placeholder),
        })
    }

    /// Fills the placeholders in. `lookup` gives `None` for a value that does not
    /// exist; without a default that is an error which names the placeholder.
    pub(crate) fn render(
        &self,
        lookup: impl Fn(Placeholder) -> Option<String>,
    ) -> Result<String, Placeholder> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Value {
                    placeholder,
                    default,
                } => {
                    let value = lookup(*placeholder);
                    match (value, default) {
                        (Some(value), Some(default)) if value.is_empty() => text.push_str(default),
                        // By far most templates are one placeholder.
                        (Some(value), _) if text.is_empty() => text = value,
                        (Some(value), _) => text.push_str(&value),
                        (None, Some(default)) => text.push_str(default),
                        (None, None) => return Err(*placeholder),
                    }
                }
            }
        }
        Ok(text)
    }
}

impl Part {
    fn value(inner: &str) -> Result<Self, InvalidTemplate> {
        let (name, default) = match inner.split_once('|') {
            Some((name, default)) => (name, Some(default.to_string())),
            None => (inner, None),
        };
        let placeholder = Placeholder::ALL
            .into_iter()
            .find(|placeholder| placeholder.name() == name)
            .ok_or_else(|| InvalidTemplate::Unknown {
                name: name.chars().take(40).collect(),
            })?;
        Ok(Self::Value {
            placeholder,
            default,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(literal) => f.write_str(literal)?,
                Part::Value {
                    placeholder,
                    default: None,
                } => write!(f, "{{{placeholder}}}")?,
                Part::Value {
                    placeholder,
                    default: Some(default),
                } => write!(f, "{{{placeholder}|{default}}}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl TryFrom<String> for Template {
    type Error = InvalidTemplate;

    fn try_from(text: String) -> Result<Self, InvalidTemplate> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str) -> Result<String, Placeholder> {
        Template::parse(template)
            .unwrap()
            .render(|placeholder| match placeholder {
                Placeholder::Model => Some("fraud".into()),
                Placeholder::AlarmName => Some(String::new()),
                _ => None,
            })
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(render("s3://b/{model}/x").unwrap(), "s3://b/fraud/x");
        assert_eq!(render("{model}{model|y}").unwrap(), "fraudfraud");
        assert_eq!(render("").unwrap(), "");
    }

    #[test]
    fn a_default_stands_in_for_what_is_missing_or_empty() {
        assert_eq!(
            render("{evidence|none}/{alarm_name|none}").unwrap(),
            "none/none"
        );
        assert_eq!(render("{evidence|}").unwrap(), "");
        assert_eq!(render("{evidence}").unwrap_err(), Placeholder::Evidence);
    }

    #[test]
    fn what_is_not_a_template_is_refused() {
        for text in ["{", "}", "a{b", "{{model}}", "{mod{el}"] {
            assert_eq!(
                Template::parse(text).unwrap_err(),
                InvalidTemplate::LoneBrace,
                "{text}"
            );
        }
        assert!(matches!(
            Template::parse("{nope}"),
            Err(InvalidTemplate::Unknown { .. })
        ));
        assert!(Template::parse(&"x".repeat(1024)).is_ok());
        assert_eq!(
            Template::parse(&"x".repeat(1025)).unwrap_err(),
            InvalidTemplate::TooLong
        );
    }
}
