//! Parameters, their versions and their rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::input::epoch_seconds;

/// Parameter Store user guide: 4 KB for a standard parameter, 8 KB for an
/// advanced one.
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;

/// Parameter Store user guide: 100 versions; the oldest makes room.
const KEPT_VERSIONS: usize = 100;

/// API reference: a hierarchy has at most 15 levels.
const LEVELS: usize = 15;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum ParameterKind {
    String,
    StringList,
    SecureString,
}

impl ParameterKind {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "String" => Some(Self::String),
            "StringList" => Some(Self::StringList),
            "SecureString" => Some(Self::SecureString),
            _ => None,
        }
    }
}

/// A request that Parameter Store refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// There is no such parameter.
    #[error("parameter {0} does not exist")]
    NotFound(String),
    /// The parameter has no such version.
    #[error(
        "Systems Manager could not find version {version} of {name}. Verify the version and try again."
    )]
    VersionNotFound {
        /// The parameter's name.
        name: String,
        /// The version or label that was asked for.
        version: String,
    },
    /// It exists, and overwriting was not asked for.
    #[error(
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
    )]
    AlreadyExists,
    /// The name has too many levels.
    #[error("A hierarchy can have a maximum of {LEVELS} levels.")]
    TooDeep,
    /// Anything else about the name, type or value.
    #[error("{0}")]
    Invalid(String),
}

impl ParameterError {
    /// The error's name on the wire (botocore API model).
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "ParameterNotFound",
            Self::VersionNotFound { .. } => "ParameterVersionNotFound",
            Self::AlreadyExists => "ParameterAlreadyExists",
            Self::TooDeep => "HierarchyLevelLimitExceededException",
            Self::Invalid(_) => "ValidationException",
        }
    }
}

#[derive(Debug)]
struct Parameter {
    advanced: bool,
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Version {
    number: u64,
    value: String,
    kind: ParameterKind,
    at: Timestamp,
}

/// What `PutParameter` is asked for.
pub(super) struct Put<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) kind: Option<ParameterKind>,
    pub(super) overwrite: bool,
    pub(super) tier: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct Store {
    /// `arn:aws:ssm:REGION:ACCOUNT:parameter`.
    arn_prefix: String,
    parameters: BTreeMap<String, Parameter>,
}

impl Store {
    pub(super) fn new(region: &str, account: &str) -> Self {
        Self {
            arn_prefix: format!("arn:aws:ssm:{region}:{account}:parameter"),
            parameters: BTreeMap::new(),
        }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.parameters.keys().map(String::as_str).collect()
    }

    /// A parameter as the API shows it, by name or ARN, each with or without
    /// `:version`.
    pub(super) fn get(&self, asked: &str) -> Result<Value, ParameterError> {
        let (name, selector) = self.split_selector(asked);
        let not_found = || ParameterError::NotFound(asked.to_owned());
        let (name, parameter) = self.find(name).ok_or_else(not_found)?;
        let mut versions = parameter.versions.iter();
        let version = match selector {
            None => versions.next_back().ok_or_else(not_found)?,
            Some(selector) => versions
                .find(|version| version.number.to_string() == selector)
                .ok_or_else(|| ParameterError::VersionNotFound {
                    name: name.to_owned(),
                    version: selector.to_owned(),
                })?,
        };
        let mut shown = json!({
            "Name": name,
            "Type": version.kind,
            "Value": version.value,
            "Version": version.number,
            "LastModifiedDate": epoch_seconds(version.at),
            "ARN": self.arn(name),
            "DataType": "text",
        });
        if let Some(selector) = selector {
            shown["Selector"] = json!(format!(":{selector}"));
        }
        Ok(shown)
    }

    /// The new version and the tier.
    pub(super) fn put(
        &mut self,
        put: &Put<'_>,
        now: Timestamp,
    ) -> Result<(u64, &'static str), ParameterError> {
        check_name(put.name)?;
        let existing = self.parameters.get(put.name);
        if existing.is_some() && !put.overwrite {
            return Err(ParameterError::AlreadyExists);
        }
        let was_advanced = existing.is_some_and(|parameter| parameter.advanced);
        let advanced = check_value(put, was_advanced)?;
        let last = existing.and_then(|parameter| parameter.versions.last());
        let kind = put
            .kind
            .or(last.map(|version| version.kind))
            .ok_or_else(|| {
                ParameterError::Invalid(
                    "A parameter type is required when you create a parameter.".to_owned(),
                )
            })?;
        let number = last.map_or(1, |version| version.number + 1);
        let parameter = self
            .parameters
            .entry(put.name.to_owned())
            .or_insert_with(|| Parameter {
                advanced,
                versions: Vec::new(),
            });
        parameter.advanced = advanced;
        parameter.versions.push(Version {
            number,
            value: put.value.to_owned(),
            kind,
            at: now,
        });
        if parameter.versions.len() > KEPT_VERSIONS {
            parameter.versions.remove(0);
        }
        Ok((number, if advanced { "Advanced" } else { "Standard" }))
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), ParameterError> {
        self.parameters
            .remove(name)
            .map(|_| ())
            .ok_or_else(|| ParameterError::NotFound(name.to_owned()))
    }

    fn arn(&self, name: &str) -> String {
        let slash = if name.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{name}", self.arn_prefix)
    }

    fn find(&self, name_or_arn: &str) -> Option<(&str, &Parameter)> {
        self.parameters
            .iter()
            .find(|(name, _)| *name == name_or_arn || self.arn(name) == name_or_arn)
            .map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// Names have no colon; an ARN has five before its resource.
    fn split_selector<'a>(&self, asked: &'a str) -> (&'a str, Option<&'a str>) {
        let begin = if asked.starts_with(&self.arn_prefix) {
            self.arn_prefix.len()
        } else {
            0
        };
        match asked[begin..].find(':') {
            Some(colon) => (&asked[..begin + colon], Some(&asked[begin + colon + 1..])),
            None => (asked, None),
        }
    }
}

/// Whether `name` is below `path`, at any depth if `recursive`.
pub(super) fn is_under(name: &str, path: &str, recursive: bool) -> bool {
    name.strip_prefix(path.trim_end_matches('/'))
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|rest| recursive || !rest.contains('/'))
}

/// API reference of `PutParameter`: letters, digits and `.-_/`; a hierarchy
/// begins with a slash; `aws` and `ssm` are reserved.
fn check_name(name: &str) -> Result<(), ParameterError> {
    let invalid = |why: &str| {
        Err(ParameterError::Invalid(format!(
            "Parameter name {name}: {why}"
        )))
    };
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    if !name.bytes().all(allowed) {
        return invalid("Only a mix of letters, numbers and the symbols .-_/ is allowed.");
    }
    if name.contains('/') && !name.starts_with('/') {
        return invalid("must be a fully qualified name.");
    }
    let bare = name.trim_start_matches('/').to_ascii_lowercase();
    if bare.is_empty() || name.ends_with('/') || name.contains("//") {
        return invalid("a level has no name.");
    }
    if bare.starts_with("aws") || bare.starts_with("ssm") {
        return invalid("No access to reserved parameter name.");
    }
    if bare.split('/').count() > LEVELS {
        return Err(ParameterError::TooDeep);
    }
    Ok(())
}

/// Whether the parameter is advanced from now on. An advanced one stays so.
fn check_value(put: &Put<'_>, was_advanced: bool) -> Result<bool, ParameterError> {
    if put.value.is_empty() {
        return Err(ParameterError::Invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: \
             Member must have length greater than or equal to 1"
                .to_owned(),
        ));
    }
    if put.value.contains("{{") {
        // The braces refer to other parameters elsewhere in Systems Manager.
        return Err(ParameterError::Invalid(
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value."
                .to_owned(),
        ));
    }
    let bytes = put.value.len();
    let advanced = match put.tier {
        Some("Advanced") => true,
        Some("Intelligent-Tiering") => was_advanced || bytes > STANDARD_BYTES,
        _ => was_advanced,
    };
    let (limit, tier) = if advanced {
        (ADVANCED_BYTES, "Advanced")
    } else {
        (STANDARD_BYTES, "Standard")
    };
    if bytes > limit {
        return Err(ParameterError::Invalid(format!(
            "{tier} tier parameters support a maximum parameter value of {limit} characters."
        )));
    }
    Ok(advanced)
}
