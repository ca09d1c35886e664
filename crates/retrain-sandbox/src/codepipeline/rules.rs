//! The text rules of CodePipeline's API model.

use crate::input::{Pattern, Text};

/// botocore API model: `PipelineName`, `StageName` and `ActionName` share a rule.
pub(super) const NAME: Text = Text::matching(
    1,
    100,
    Pattern {
        text: r"[A-Za-z0-9.@\-_]+",
        matches: |text| of(text, ".@-_"),
    },
);

/// botocore API model: `ClientRequestToken`.
pub(super) const TOKEN: Text = Text::matching(
    1,
    128,
    Pattern {
        text: "^[a-zA-Z0-9-]+$",
        matches: |text| of(text, "-"),
    },
);

/// botocore API model: `PipelineVariableName`.
pub(super) const VARIABLE_NAME: Text = Text::matching(
    1,
    128,
    Pattern {
        text: r"[A-Za-z0-9@\-_]+",
        matches: |text| of(text, "@-_"),
    },
);

/// botocore API model: `PipelineVariableValue`; `.` is no line break.
pub(super) const VARIABLE_VALUE: Text = Text::matching(
    1,
    1000,
    Pattern {
        text: ".*",
        matches: |text| !text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
    },
);

/// botocore API model: `PipelineExecutionId` and `ApprovalToken` share a pattern
/// and have no length of their own.
pub(super) const UUID: Text = Text::matching(
    0,
    usize::MAX,
    Pattern {
        text: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        matches: |text| {
            let lengths = text.split('-').map(str::len);
            lengths.eq([8, 4, 4, 4, 12])
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        },
    },
);

/// botocore API model: `NextToken`.
pub(super) const NEXT_TOKEN: Text = Text::of(1, 2048);

/// botocore API model: `StopPipelineExecutionReason`.
pub(super) const STOP_REASON: Text = Text::of(0, 200);

/// botocore API model: `ApprovalSummary`.
pub(super) const APPROVAL_SUMMARY: Text = Text::of(0, 512);

fn of(text: &str, others: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
}

/// botocore API model: `ContinuationToken`.
pub(super) const CONTINUATION_TOKEN: Text = Text::of(1, 2_048);

/// botocore API model: `ExecutionSummary`.
pub(super) const EXECUTION_SUMMARY: Text = Text::of(1, 2_048);

/// botocore API model: `ExecutionId` of a job's details.
pub(super) const EXTERNAL_ID: Text = Text::of(1, 1_500);

/// botocore API model: `Message` of a job's failure.
pub(super) const MESSAGE: Text = Text::of(1, 5_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_lets_through_what_it_says() {
        for (rule, good, bad) in [
            (NAME, "a.b@c-D_0", "a/b"),
            (TOKEN, "0a-Z", "0_a"),
            (VARIABLE_NAME, "RETRAIN_TOKEN@1-x", "a.b"),
            (VARIABLE_VALUE, "s3://a b/\u{fc}", "two\nlines"),
            (
                UUID,
                "0a1b2c3d-0000-4000-8000-0123456789ab",
                "0A1b2c3d-0000-4000-8000-0123456789ab",
            ),
            (
                UUID,
                "00000000-0000-0000-0000-000000000000",
                "000000000000-0000-0000-0000-00000000",
            ),
        ] {
            let matches = rule.pattern.unwrap().matches;
            assert!(matches(good), "{good}");
            assert!(!matches(bad), "{bad}");
        }
    }
}
