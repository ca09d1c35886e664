//! The text rules of model packages and monitoring (botocore API model).

use super::names::is_name;
use crate::input::{Pattern, Text};

/// botocore API model: `ModelPackageArn`.
pub(super) const PACKAGE_ARN: Text = Text::matching(
    1,
    2048,
    Pattern {
        text: r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]{9,16}:[0-9]{12}:model-package/[\S]{1,2048}",
        matches: |text| {
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            let [arn, partition, service, region, account, resource] = parts[..] else {
                return false;
            };
            let package = resource.strip_prefix("model-package/");
            arn == "arn"
                && partition.starts_with("aws")
                && service == "sagemaker"
                && (9..=16).contains(&region.len())
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && package
                    .is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
        },
    },
);

/// botocore API model: `EntityName`, `MonitoringJobDefinitionName`,
/// `MonitoringScheduleName`, `ProcessingJobName` and `EndpointName`.
pub(super) const ENTITY: Text = Text::matching(
    1,
    63,
    Pattern {
        text: "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        matches: |text| is_name(text, 63),
    },
);

/// botocore API model: `NameContains`.
pub(super) const NAME_CONTAINS: Text = Text::matching(
    0,
    63,
    Pattern {
        text: r"[a-zA-Z0-9\-]+",
        matches: |text| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        },
    },
);

/// botocore API model: `ClientToken`.
pub(super) const CLIENT_TOKEN: Text = Text::matching(
    1,
    36,
    Pattern {
        text: "[a-zA-Z0-9-]+",
        matches: |text| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        },
    },
);

/// botocore API model: `CustomerMetadataKey`.
pub(super) const METADATA_KEY: Text = metadata(128);

/// botocore API model: `CustomerMetadataValue`.
pub(super) const METADATA_VALUE: Text = metadata(256);

const fn metadata(max: usize) -> Text {
    Text::matching(
        1,
        max,
        Pattern {
            text: r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)",
            // What is alphabetic is a letter, but for a few combining vowel signs.
            matches: |text| {
                text.chars().all(|char| {
                    char.is_alphabetic()
                        || char.is_numeric()
                        || is_separator(char)
                        || "_.:/=+-@".contains(char)
                })
            },
        },
    )
}

/// `\p{Z}`: whitespace that is no control character.
fn is_separator(char: char) -> bool {
    char.is_whitespace() && !char.is_control()
}

/// botocore API model: `ModelPackageSourceUri`. Of the symbols, which `\p{P}`
/// leaves out, those of ASCII are refused.
pub(super) const SOURCE_URI: Text = Text::matching(
    0,
    1024,
    Pattern {
        text: r"[\p{L}\p{M}\p{Z}\p{N}\p{P}]{0,1024}",
        matches: |text| {
            !text.contains(|char: char| char.is_control() || "$+<=>^`|~".contains(char))
        },
    },
);

/// botocore API model: `S3Uri`, `S3ModelUri` and `Url`.
pub(super) const S3_URI: Text = s3_uri(1024);

/// botocore API model: `MonitoringS3Uri` and `DestinationS3Uri`.
pub(super) const MONITORING_S3_URI: Text = s3_uri(512);

const fn s3_uri(max: usize) -> Text {
    Text::matching(
        0,
        max,
        Pattern {
            text: "(https|s3)://([^/]+)/?(.*)",
            matches: |text| {
                let rest = text
                    .strip_prefix("s3://")
                    .or_else(|| text.strip_prefix("https://"));
                rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
            },
        },
    )
}

/// botocore API model: `ContentDigest` and `ImageDigest`.
pub(super) const DIGEST: Text = Text::matching(
    0,
    72,
    Pattern {
        text: "[Ss][Hh][Aa]256:[0-9a-fA-F]{64}",
        matches: |text| {
            text.split_once(':').is_some_and(|(algorithm, digits)| {
                algorithm.eq_ignore_ascii_case("sha256")
                    && digits.len() == 64
                    && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        },
    },
);

/// botocore API model: `RoleArn`.
pub(super) const ROLE_ARN: Text = Text::matching(
    20,
    2048,
    Pattern {
        text: r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
        matches: |text| {
            text.starts_with("arn:aws")
                && text.split_once(":iam::").is_some_and(|(_, rest)| {
                    rest.split_once(":role").is_some_and(|(account, name)| {
                        account.len() == 12
                            && account.bytes().all(|byte| byte.is_ascii_digit())
                            && name.len() > 1
                            && name.chars().all(|char| {
                                char.is_ascii_alphanumeric() || "_+=,.@-/".contains(char)
                            })
                    })
                })
        },
    },
);

/// Text of one line: `.*` in the API model.
pub(super) const fn one_line(max: usize) -> Text {
    Text::matching(
        0,
        max,
        Pattern {
            text: ".*",
            // `.` is no line break.
            matches: |text| !text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(rule: Text, text: &str) -> bool {
        rule.pattern.is_none_or(|pattern| (pattern.matches)(text))
    }

    #[test]
    fn metadata_has_letters_digits_separators_and_a_few_signs() {
        for good in [
            "retrain:gate/1.0",
            "a b",
            "\u{fc}ber=x+y@z-_",
            "\u{4e2d}\u{6587} \u{bd}",
        ] {
            assert!(accepts(METADATA_KEY, good), "{good}");
        }
        for bad in ["a,b", "{}", "\"", "#", "%", "a\tb", "a\nb", "\u{20ac}"] {
            assert!(!accepts(METADATA_VALUE, bad), "{bad}");
        }
    }

    #[test]
    fn an_arn_of_a_package_is_one() {
        let good = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/1";
        assert!(accepts(PACKAGE_ARN, good));
        for bad in [
            "churn/1",
            "arn:aws:sagemaker:us-east-1:111122223333:model-package/",
            "arn:aws:sagemaker:us-east-1:111122223333:model-package/a b",
            "arn:aws:sagemaker:us-east-1:1111:model-package/churn/1",
            "arn:aws:sagemaker:us:111122223333:model-package/churn/1",
            "arn:aws:s3:us-east-1:111122223333:model-package/churn/1",
            "arn:aws:sagemaker:us-east-1:111122223333:model/churn",
        ] {
            assert!(!accepts(PACKAGE_ARN, bad), "{bad}");
        }
    }

    #[test]
    fn places_digests_and_roles_have_their_form() {
        for (rule, good, bad) in [
            (S3_URI, "s3://b/k", "s3:///k"),
            (S3_URI, "https://b", "http://b/k"),
            (
                DIGEST,
                "SHA256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "sha256:0123",
            ),
            (
                ROLE_ARN,
                "arn:aws:iam::111122223333:role/a/b",
                "arn:aws:iam::111122223333:user/a",
            ),
            (SOURCE_URI, "https://git/repo#1", "a+b"),
            (CLIENT_TOKEN, "a-1", "a_1"),
            (NAME_CONTAINS, "-1", "a_1"),
        ] {
            assert!(accepts(rule, good), "{good}");
            assert!(!accepts(rule, bad), "{bad}");
        }
    }
}
