//! Names, ARNs and the text rules of SageMaker's API model.

use super::rules;
use crate::input::{Pattern, Text};

/// Where the ARNs of a sandbox live.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) region: String,
    pub(super) account: String,
}

impl Names {
    pub(super) fn pipeline(&self, name: &str) -> String {
        self.arn("pipeline", name)
    }

    pub(super) fn execution(&self, pipeline: &str, number: u64) -> String {
        // Twelve characters, as AWS's are; counted, so that runs repeat.
        format!("{}/execution/{number:012}", self.pipeline(pipeline))
    }

    pub(super) fn package_group(&self, group: &str) -> String {
        self.arn("model-package-group", group)
    }

    pub(super) fn package(&self, group: &str, version: u32) -> String {
        format!("{}/{version}", self.arn("model-package", group))
    }

    pub(super) fn arn(&self, kind: &str, name: &str) -> String {
        format!(
            "arn:aws:sagemaker:{}:{}:{kind}/{name}",
            self.region, self.account
        )
    }
}

/// Whether `given`, a name or an ARN, means the resource. Names are compared
/// exactly, ARNs without case: the service itself has returned `AbalonePipeline`
/// as `abalonepipeline` in ARNs (executed notebooks among AWS's samples).
pub(super) fn means(given: &str, name: &str, arn: &str) -> bool {
    given == name || given.eq_ignore_ascii_case(arn)
}

/// botocore API model: `ClientRequestToken` 32..=128, no pattern.
pub(super) const TOKEN: Text = Text::of(32, 128);

/// botocore API model: `PipelineNameOrArn`.
pub(super) const PIPELINE: Text = Text::matching(
    1,
    2048,
    Pattern {
        text: r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:([0-9]{12}|aws):pipeline/.*)?([a-zA-Z0-9](-*[a-zA-Z0-9]){0,255})",
        matches: |text| {
            let name = if text.starts_with("arn:aws") {
                text.split_once(":pipeline/").map_or("", |(_, name)| name)
            } else {
                text
            };
            is_name(name, 256)
        },
    },
);

/// botocore API model: `PipelineExecutionName`.
pub(super) const DISPLAY_NAME: Text = Text::matching(
    1,
    82,
    Pattern {
        text: "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}",
        matches: |text| is_name(text, 82),
    },
);

/// botocore API model: `PipelineExecutionDescription`.
pub(super) const DESCRIPTION: Text = rules::one_line(3072);

/// botocore API model: `PipelineParameterName`.
pub(super) const PARAMETER_NAME: Text = Text::matching(
    1,
    256,
    Pattern {
        text: r"[A-Za-z0-9\-_]*",
        matches: |text| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        },
    },
);

/// botocore API model: `Value` of a pipeline parameter is a `String1024`.
pub(super) const PARAMETER_VALUE: Text = Text::of(0, 1024);

/// botocore API model: `PipelineExecutionArn`.
pub(super) const EXECUTION_ARN: Text = Text::matching(
    0,
    2048,
    Pattern {
        text: r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:pipeline\/.*\/execution\/.*",
        matches: |text| {
            text.starts_with("arn:aws")
                && text.contains(":sagemaker:")
                && text
                    .split_once(":pipeline/")
                    .is_some_and(|(_, rest)| rest.contains("/execution/"))
        },
    },
);

/// botocore API model: `ArnOrName` of a model package group.
pub(super) const PACKAGE_GROUP: Text = Text::matching(
    1,
    170,
    Pattern {
        text: r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)",
        matches: |text| is_name(after_arn_prefix(text), 63),
    },
);

/// botocore API model: `VersionedArnOrName` of a model package.
pub(super) const PACKAGE: Text = Text::matching(
    1,
    176,
    Pattern {
        text: r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)(\/[0-9]{1,9})?",
        matches: |text| {
            let rest = after_arn_prefix(text);
            match rest.split_once('/') {
                None => is_name(rest, 63),
                Some((name, version)) => {
                    is_name(name, 63)
                        && (1..=9).contains(&version.len())
                        && version.bytes().all(|byte| byte.is_ascii_digit())
                }
            }
        },
    },
);

/// botocore API model: `NextToken`.
pub(super) const NEXT_TOKEN: Text = Text::of(0, 8192);

fn after_arn_prefix(text: &str) -> &str {
    if text.starts_with("arn:aws") {
        text.split_once('/').map_or("", |(_, rest)| rest)
    } else {
        text
    }
}

/// Letters and digits with hyphens between them. `{0,n}` of the models counts
/// the letters and digits only; the length limit counts all.
pub(super) fn is_name(text: &str, max_alphanumerics: usize) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
        && bytes.iter().filter(|byte| alphanumeric(byte)).count() <= max_alphanumerics
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(rule: Text, text: &str) -> bool {
        rule.pattern.is_none_or(|pattern| (pattern.matches)(text))
    }

    #[test]
    fn display_names_begin_and_end_with_a_letter_or_digit() {
        for good in ["a", "7", "retrain-0a", "a--b"] {
            assert!(accepts(DISPLAY_NAME, good), "{good}");
        }
        for bad in ["", "-a", "a-", "a_b", "a b", "ä"] {
            assert!(!accepts(DISPLAY_NAME, bad), "{bad}");
        }
    }

    #[test]
    fn descriptions_have_one_line() {
        assert!(accepts(DESCRIPTION, "drift: \u{fc}ber 0.1"));
        assert!(!accepts(DESCRIPTION, "two\nlines"));
    }

    #[test]
    fn pipelines_and_packages_go_by_name_or_arn() {
        let arn = "arn:aws:sagemaker:us-east-1:111122223333";
        assert!(accepts(PIPELINE, &format!("{arn}:pipeline/churn")));
        assert!(!accepts(PIPELINE, &format!("{arn}:pipeline/churn_1")));
        assert!(accepts(
            PACKAGE_GROUP,
            &format!("{arn}:model-package-group/churn")
        ));
        assert!(accepts(PACKAGE, &format!("{arn}:model-package/churn/12")));
        assert!(!accepts(PACKAGE, "churn/x"));
        assert!(accepts(
            EXECUTION_ARN,
            &format!("{arn}:pipeline/churn/execution/0a")
        ));
        assert!(!accepts(EXECUTION_ARN, &format!("{arn}:pipeline/churn")));
    }

    #[test]
    fn names_are_compared_with_case_and_arns_without() {
        assert!(means("Churn", "Churn", "arn:x/Churn"));
        assert!(!means("churn", "Churn", "arn:x/Churn"));
        assert!(means("arn:x/churn", "Churn", "arn:x/Churn"));
    }
}
