//! Names of job definitions.

use retrain_core::names::{ModelPackageArn, MonitoringScheduleName};
use retrain_core::token::digest;

/// API model: `MonitoringJobDefinitionName`.
const MAX_CHARS: usize = 63;

const DIGEST_CHARS: usize = 12;

/// The name of the definition that takes the place of `current` when the schedule gets the
/// baselines of a package: the name before, without a suffix of ours, and a new suffix. It is
/// the same however often it is asked for.
pub(super) fn derived(
    current: &str,
    schedule: &MonitoringScheduleName,
    package: &ModelPackageArn,
) -> String {
    // SageMaker spells one package's ARN in both lower and original case.
    let package = package.as_str().to_ascii_lowercase();
    let suffix: String = digest(&format!("{schedule} {package}"))
        .chars()
        .take(DIGEST_CHARS)
        .collect();
    let base: String = base(current)
        .chars()
        .take(MAX_CHARS - DIGEST_CHARS - 1)
        .collect();
    format!("{}-{suffix}", base.trim_end_matches('-'))
}

fn base(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((base, suffix)) if is_digest(suffix) && !base.is_empty() => base,
        _ => name,
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_CHARS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(current: &str, version: u32) -> String {
        let schedule = MonitoringScheduleName::parse("fraud-data").unwrap();
        let package =
            format!("arn:aws:sagemaker:us-east-1:111122223333:model-package/Fraud/{version}");
        derived(
            current,
            &schedule,
            &ModelPackageArn::parse(package).unwrap(),
        )
    }

    #[test]
    fn a_suffix_takes_the_place_of_the_one_before() {
        let first = name("fraud", 1);
        assert_eq!(first, "fraud-383765067c8f");
        let second = name(&first, 2);
        assert!(
            second.starts_with("fraud-") && second.len() == first.len(),
            "{second}"
        );
        assert_ne!(first, second);
        assert_eq!(name(&second, 1), first);
        assert_eq!(name(&first, 1), first);
    }

    #[test]
    fn every_name_is_one_that_sagemaker_takes() {
        let table = [
            ("a".repeat(63), 63),
            ("a".repeat(50), 63),
            (format!("{}---b", "a".repeat(48)), 61),
            // Not a suffix of ours.
            ("fraud-8A2D0B6C4E1F".to_owned(), 31),
            ("fraud-8a2d0b6c4e1".to_owned(), 30),
            ("8a2d0b6c4e1f".to_owned(), 25),
        ];
        for (current, length) in table {
            let derived = name(&current, 1);
            assert_eq!(derived.len(), length, "{derived}");
            assert!(
                MonitoringScheduleName::parse(&*derived).is_ok(),
                "{derived}"
            );
        }
    }
}
