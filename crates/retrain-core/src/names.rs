//! Names and ARNs that are valid by construction.
//!
//! Every value that AWS or a policy gives us is parsed here once; the rest of the
//! workspace takes these types and never checks again. Patterns and lengths are
//! those of the AWS API models.
//!
//! A name is shared, not copied: slots, claims and records repeat the same few names many
//! times.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A value that does not fit the type that it was meant for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{shown}\" is not a valid {what}: {rule}")]
pub struct InvalidText {
    what: &'static str,
    rule: &'static str,
    shown: String,
}

impl InvalidText {
    pub(crate) fn new(what: &'static str, rule: &'static str, value: &str) -> Self {
        // Hostile input can be megabytes long and hold control characters; an error
        // line must not.
        let shown = value.escape_debug().take(80).collect();
        Self { what, rule, shown }
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses the value, or says which rule it breaks.
            pub fn parse(value: impl AsRef<str>) -> Result<Self, InvalidText> {
                let value = value.as_ref();
                let check: fn(&str) -> bool = $check;
                if check(value) {
                    Ok(Self(value.into()))
                } else {
                    Err(InvalidText::new($what, $rule, value))
                }
            }

            /// The value as AWS spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(value: String) -> Result<Self, InvalidText> {
                Self::parse(value)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": concat!($what, ": ", $rule) })
            }
        }
    };
}

text!(
    /// The name of a model in the policy tree: the unit that is retrained,
    /// approved and deployed.
    ModelName, "model name",
    "1 to 63 letters, digits and inner hyphens",
    |v| is_hyphenated(v, 63)
);

text!(
    /// The name of a SageMaker pipeline (API model: `PipelineName`).
    PipelineName, "pipeline name",
    "1 to 256 letters, digits and inner hyphens",
    |v| is_hyphenated(v, 256)
);

text!(
    /// The name of a parameter that a SageMaker pipeline declares (API model:
    /// `PipelineParameterName`).
    PipelineParameterName, "pipeline parameter name",
    "1 to 256 letters, digits, hyphens and underscores",
    |v| (1..=256).contains(&v.len())
        && v.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
);

text!(
    /// The name of a model package group (API model: `EntityName`).
    ModelPackageGroupName, "model package group name",
    "1 to 63 letters, digits and inner hyphens",
    |v| is_hyphenated(v, 63)
);

text!(
    /// The name of an environment that models are deployed to.
    EnvironmentName, "environment name",
    "1 to 32 lower-case letters, digits and inner hyphens",
    |v| is_hyphenated(v, 32) && !v.bytes().any(|b| b.is_ascii_uppercase())
);

text!(
    /// The number of an AWS account.
    AccountId, "AWS account id",
    "12 digits",
    |v| v.len() == 12 && v.bytes().all(|b| b.is_ascii_digit())
);

text!(
    /// The name of a SageMaker endpoint (API model: `EndpointName`).
    EndpointName, "endpoint name",
    "1 to 63 letters, digits and inner hyphens",
    |v| is_hyphenated(v, 63)
);

text!(
    /// The name of a Model Monitor schedule (API model: `MonitoringScheduleName`).
    MonitoringScheduleName, "monitoring schedule name",
    "1 to 63 letters, digits and inner hyphens",
    |v| is_hyphenated(v, 63)
);

text!(
    /// The name of a Systems Manager parameter.
    ParameterName, "Parameter Store name",
    "1 to 1011 letters, digits and . - _, in levels that start with /",
    |v| (2..=1011).contains(&v.len())
        && v.starts_with('/')
        && !v.ends_with('/')
        && !v.contains("//")
        && v.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/'))
);

text!(
    /// The ARN of a CloudWatch alarm.
    AlarmArn, "alarm ARN",
    "arn:PARTITION:cloudwatch:REGION:ACCOUNT:alarm:NAME",
    |v| v.len() <= 1600
        && arn(v, "cloudwatch")
            .and_then(|resource| resource.strip_prefix("alarm:"))
            .is_some_and(|name| (1..=255).contains(&name.chars().count()))
);

text!(
    /// The ARN of a versioned model package.
    ModelPackageArn, "model package ARN",
    "arn:PARTITION:sagemaker:REGION:ACCOUNT:model-package/GROUP/VERSION",
    |v| arn(v, "sagemaker")
        .and_then(|resource| resource.strip_prefix("model-package/"))
        .and_then(|name| name.split_once('/'))
        .is_some_and(|(group, version)| {
            is_hyphenated(group, 63)
                && !version.is_empty()
                && version.len() <= 10
                && version.bytes().all(|b| b.is_ascii_digit())
        })
);

text!(
    /// The ARN of a pipeline execution.
    PipelineExecutionArn, "pipeline execution ARN",
    "arn:PARTITION:sagemaker:REGION:ACCOUNT:pipeline/NAME/execution/ID",
    |v| arn(v, "sagemaker")
        .and_then(|resource| resource.strip_prefix("pipeline/"))
        .and_then(|name| name.split_once("/execution/"))
        .is_some_and(|(pipeline, id)| {
            is_hyphenated(pipeline, 256)
                && (1..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
);

text!(
    /// The name of a CodePipeline pipeline (API model: `PipelineName`).
    CodePipelineName, "CodePipeline name",
    "1 to 100 letters, digits and . @ - _",
    |v| (1..=100).contains(&v.len())
        && v.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'@' | b'-' | b'_'))
);

text!(
    /// The id of a CodePipeline execution (API model: `PipelineExecutionId`).
    CodePipelineExecutionId, "CodePipeline execution id",
    "36 hexadecimal digits and hyphens, a UUID",
    |v| v.len() == 36 && v.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
);

impl AlarmArn {
    /// The alarm's name, which may itself contain colons.
    pub fn alarm_name(&self) -> &str {
        let mut colons = 0;
        let sixth = self.0.bytes().position(|byte| {
            colons += u8::from(byte == b':');
            colons == 6
        });
        sixth
            .and_then(|at| self.0.get(at + 1..))
            .unwrap_or_default()
    }
}

impl ModelPackageArn {
    fn resource(&self) -> (&str, &str) {
        self.0
            .split_once(":model-package/")
            .and_then(|(_, name)| name.split_once('/'))
            .unwrap_or_default()
    }

    /// The group's name as this ARN spells it. Compare without regard to case.
    pub fn group_name(&self) -> &str {
        self.resource().0
    }

    /// `ModelPackageVersion`.
    pub fn version(&self) -> u64 {
        self.resource().1.parse().unwrap_or_default()
    }

    /// The account whose registry it is in.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// Whether both name one package. SageMaker spells a group's name in an ARN in
    /// both lower and original case.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Where a person sees it in the AWS console, signed in to its account.
    pub fn console_url(&self) -> String {
        alloc::format!("https://{}/go/view?arn={self}", console_domain(&self.0))
    }
}

/// The console's host in an ARN's partition.
pub(crate) fn console_domain(arn: &str) -> &'static str {
    match arn.split(':').nth(1) {
        Some("aws-cn") => "console.amazonaws.cn",
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

impl PipelineExecutionArn {
    /// The pipeline's name as this ARN spells it. Older ARNs are lower-cased, so
    /// compare without regard to case.
    pub fn pipeline_name(&self) -> &str {
        self.0
            .split_once(":pipeline/")
            .and_then(|(_, rest)| rest.split('/').next())
            .unwrap_or_default()
    }

    /// Where a person sees it in the AWS console, signed in to its account.
    pub fn console_url(&self) -> String {
        alloc::format!("https://{}/go/view?arn={self}", console_domain(&self.0))
    }
}

/// The resource part of an ARN of this service in a partition that we support.
fn arn<'a>(value: &'a str, service: &str) -> Option<&'a str> {
    let mut parts = value.splitn(6, ':');
    let head = parts.next()? == "arn";
    let partition = matches!(parts.next()?, "aws" | "aws-cn" | "aws-us-gov");
    let of_service = parts.next()? == service;
    let region = parts.next()?;
    let account = parts.next()?;
    let resource = parts.next()?;
    let region = !region.is_empty()
        && region
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (head && partition && of_service && region && account).then_some(resource)
}

/// SageMaker's name pattern: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,max-1}`.
///
/// The pattern alone would let runs of hyphens through without limit, so the
/// length is checked as the API model's `max` does.
fn is_hyphenated(value: &str, max: usize) -> bool {
    (1..=max).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
}

/// Cuts text for a log line or a record at a character boundary.
pub fn shortened(text: &str, max_chars: usize) -> String {
    if text.len() <= max_chars {
        return text.into();
    }
    match text.char_indices().nth(max_chars) {
        None => text.to_string(),
        Some((end, _)) => {
            let mut cut: String = text.get(..end).unwrap_or_default().into();
            cut.push('…');
            cut
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_hold_their_limits() {
        let longest = "a".repeat(63);
        for good in ["a", "fraud-detection", "A-1--b", longest.as_str()] {
            assert!(ModelName::parse(good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in ["", "-a", "a-", "a_b", "a/b", "é", too_long.as_str()] {
            assert!(ModelName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn alarm_arns_keep_colons_in_the_name() {
        let arn = AlarmArn::parse("arn:aws-us-gov:cloudwatch:us-gov-west-1:111122223333:alarm:a:b")
            .unwrap();
        assert_eq!(arn.alarm_name(), "a:b");
        for bad in [
            "arn:aws:cloudwatch:us-east-1:111122223333:alarm:",
            "arn:aws-other:cloudwatch:us-east-1:111122223333:alarm:a",
            "arn:aws:cloudwatch:us-east-1:1111:alarm:a",
            "arn:aws:sns:us-east-1:111122223333:alarm:a",
            "arn:aws:cloudwatch::111122223333:alarm:a",
        ] {
            assert!(AlarmArn::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn execution_arns_tell_their_pipeline() {
        let arn = PipelineExecutionArn::parse(
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/abc123",
        )
        .unwrap();
        assert_eq!(arn.pipeline_name(), "fraud-training");
        assert!(
            PipelineExecutionArn::parse("arn:aws:sagemaker:us-east-1:111122223333:pipeline/x")
                .is_err()
        );
    }

    #[test]
    fn errors_show_no_more_than_a_line() {
        let error = ModelName::parse("x\n".repeat(100_000))
            .unwrap_err()
            .to_string();
        assert!(error.len() < 400 && !error.contains('\n'), "{error}");
    }
}
