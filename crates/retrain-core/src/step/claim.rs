//! Writing a claim down: complete, so that whoever resumes it sends the same
//! request.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt::Write as _;

use jiff::Timestamp;

use super::Turn;
use crate::data::{Taken, Tally};
use crate::drift::DriftKind;
use crate::facts::{FactsNeeded, ManifestWanted};
use crate::guard::{earlier, later};
use crate::lane::Target;
use crate::names::{AlarmArn, PipelineParameterName, shortened};
use crate::pins::Pin;
use crate::policy::{MAX_PARAMETERS_BYTES, Placeholder};
use crate::reason::Reason;
use crate::slot::Claim;
use crate::token::ClientRequestToken;
use crate::trigger::Cause;

impl Turn<'_> {
    /// A claim that takes the held causes and the data that waits, or what makes it
    /// impossible: then nothing is taken.
    pub(super) fn write_claim(&mut self, leading: &Reason) -> Result<Claim, String> {
        let number = self.slot.claims.saturating_add(1);
        let target = self.policy.policy.target().clone();
        let token = self.next_token();
        let parameters = self.parameters(leading, &token)?;
        let lease_until = later(self.now, self.facts.timing.lease());
        let reasons = self.take_held(leading);
        Ok(Claim {
            number,
            token,
            target,
            parameters,
            description: self.description(leading, reasons.len()),
            kind: leading.cause.kind(),
            package: leading.cause.package().cloned(),
            reasons,
            data: self.take_data(),
            policy_version: self.policy.version,
            claimed_at: self.now,
            attempt: 1,
            lease_until,
            resume_at: later(lease_until, self.facts.timing.settle()),
        })
    }

    /// The token of the claim that comes next.
    fn next_token(&self) -> ClientRequestToken {
        ClientRequestToken::derive(
            &self.facts.controller.epoch,
            &self.policy.model,
            &self.policy.lane,
            self.policy.policy.target(),
            self.slot.claims.saturating_add(1),
        )
    }

    /// The data that a claim takes: all that waits.
    fn take_data(&mut self) -> Option<Taken> {
        let has_data = self.slot.data.tally != Tally::default();
        let taken = has_data.then(|| self.slot.data.take());
        // What was complete belongs to this start, also if nothing of it could be counted.
        self.slot.data.complete_at = None;
        taken
    }

    /// What must be known before a claim can be written.
    pub(super) fn facts_needed(&self, leading: &Reason) -> FactsNeeded {
        FactsNeeded {
            manifest: self.manifest_needed(),
            packages: leading.cause.package().cloned().into_iter().collect(),
            last_run: self.last_run(),
            ..FactsNeeded::of(&self.policy.policy)
        }
    }

    /// The manifest of the data that waits, if the policy wants one.
    pub(super) fn manifest_needed(&self) -> Option<Box<ManifestWanted>> {
        let policy = &self.policy.policy;
        let to = policy
            .manifest()
            .filter(|_| policy.uses(Placeholder::ManifestUri))
            .filter(|_| self.slot.data.tally.objects > 0)?;
        Some(Box::new(ManifestWanted {
            to: to.clone(),
            model: self.policy.model.clone(),
            token: self.next_token(),
            generations: self.slot.data.generations,
            tally: self.slot.data.tally,
        }))
    }

    fn parameters(
        &self,
        leading: &Reason,
        token: &ClientRequestToken,
    ) -> Result<BTreeMap<PipelineParameterName, String>, String> {
        self.check_readable()?;
        let mut parameters = BTreeMap::new();
        let mut bytes = 0;
        for (name, template) in &self.policy.policy.parameters {
            let value = template
                .render(|placeholder| self.value(placeholder, leading, token))
                .map_err(|missing| {
                    alloc::format!("parameters.{name}: {}", self.what_is_missing(missing))
                })?;
            let target = self.policy.policy.target();
            let max = target.max_value_chars();
            if value.len() > max && value.chars().count() > max {
                return Err(alloc::format!(
                    "parameters.{name}: the value has more than {max} characters"
                ));
            }
            // CodePipeline refuses an empty value; the variable's default stands in.
            if value.is_empty() && matches!(target, Target::Codepipeline { .. }) {
                continue;
            }
            bytes += name.as_str().len() + value.len();
            parameters.insert(name.clone(), value);
        }
        if bytes > MAX_PARAMETERS_BYTES {
            return Err(alloc::format!(
                "parameters: {bytes} bytes in all, more than the {MAX_PARAMETERS_BYTES} that a claim keeps"
            ));
        }
        Ok(parameters)
    }

    fn value(
        &self,
        placeholder: Placeholder,
        leading: &Reason,
        token: &ClientRequestToken,
    ) -> Option<String> {
        let policy = &self.policy.policy;
        let lookups = self.facts.lookups;
        match placeholder {
            Placeholder::Model => Some(self.policy.model.to_string()),
            Placeholder::Trigger => Some(leading.cause.kind().to_string()),
            Placeholder::TrainingDataUri => {
                lookups.and_then(|known| known.training_data_uri.found().cloned())
            }
            Placeholder::TrainingWindowStart => policy
                .training_window
                .map(|window| in_seconds(earlier(self.now, window.duration()))),
            Placeholder::TrainingWindowEnd => Some(in_seconds(self.now)),
            Placeholder::BaselineModelPackageArn => {
                lookups.and_then(|known| known.baseline.found().map(ToString::to_string))
            }
            Placeholder::DriftKind => Some(self.of_drift(leading, |drift| drift.kind.to_string())),
            Placeholder::AlarmName => {
                Some(self.of_drift(leading, |drift| drift.alarm.alarm_name().to_string()))
            }
            Placeholder::Evidence => Some(self.of_drift(leading, |drift| drift.evidence.into())),
            Placeholder::DataRows => Some(self.slot.data.tally.rows.to_string()),
            Placeholder::DataObjects => Some(self.slot.data.tally.objects.to_string()),
            Placeholder::ManifestUri => {
                lookups.and_then(|known| known.manifest_uri.found().cloned())
            }
            Placeholder::CodeKey => Some(self.code_key(leading)),
            Placeholder::Token => Some(token.as_str().into()),
            Placeholder::PolicyVersion => Some(self.policy.version.to_string()),
            Placeholder::Environment
            | Placeholder::ModelPackageArn
            | Placeholder::ModelPackageVersion
            | Placeholder::TrainingDataVersion
            | Placeholder::ImageDigest
            | Placeholder::CommitId
            | Placeholder::BuildSpecVersion
            | Placeholder::RequirementsHash => self.deployment_value(placeholder, leading),
        }
    }

    fn deployment_value(&self, placeholder: Placeholder, leading: &Reason) -> Option<String> {
        let package = leading.cause.package()?;
        let pin = |pin: Pin| pin.of(self.described(package)?).map(ToString::to_string);
        match placeholder {
            Placeholder::Environment => Some(self.policy.environment()?.name.to_string()),
            Placeholder::ModelPackageArn => Some(package.to_string()),
            Placeholder::ModelPackageVersion => Some(package.version().to_string()),
            Placeholder::TrainingDataVersion => pin(Pin::TrainingDataS3VersionId),
            Placeholder::ImageDigest => pin(Pin::ContainerImageDigest),
            Placeholder::CommitId => pin(Pin::CodeCommitId),
            Placeholder::BuildSpecVersion => pin(Pin::BuildSpecVersion),
            Placeholder::RequirementsHash => pin(Pin::RequirementsHash),
            _ => None,
        }
    }

    /// The key of the release that asked: the leading cause, or the oldest one.
    fn code_key(&self, leading: &Reason) -> String {
        core::iter::once(leading)
            .chain(self.slot.held.iter())
            .find_map(|reason| match &reason.cause {
                Cause::Code { key, .. } => Some(key.clone()),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// A default stands in for what does not exist, but never for what exists and
    /// cannot be read: that would train on something else than was meant.
    fn check_readable(&self) -> Result<(), String> {
        let Some(known) = self.facts.lookups else {
            return Ok(());
        };
        let unreadable = [
            (
                "the training data URI",
                known.training_data_uri.unreadable(),
            ),
            ("the baseline", known.baseline.unreadable()),
            ("the manifest", known.manifest_uri.unreadable()),
            ("the model package", known.packages.unreadable()),
        ];
        match unreadable
            .into_iter()
            .find_map(|(what, why)| Some((what, why?)))
        {
            Some((what, why)) => Err(alloc::format!(
                "{what} is unreadable: {}",
                shortened(why, 300)
            )),
            None => Ok(()),
        }
    }

    fn what_is_missing(&self, placeholder: Placeholder) -> String {
        let policy = &self.policy.policy;
        match (
            placeholder,
            &policy.training_data_uri_parameter,
            &policy.model_package_group,
        ) {
            (Placeholder::TrainingDataUri, Some(name), _) => {
                alloc::format!("the Parameter Store parameter {name} does not exist")
            }
            (Placeholder::BaselineModelPackageArn, _, Some(group)) => {
                alloc::format!("the model package group {group} has no approved package")
            }
            (other, _, _) => alloc::format!("{{{other}}} has no value"),
        }
    }

    /// A text about the drift that the parameters tell about: the leading cause, or the
    /// oldest drift that it carries along. Without any drift it is empty.
    fn of_drift(&self, leading: &Reason, text: impl Fn(Drift<'_>) -> String) -> String {
        core::iter::once(leading)
            .chain(self.slot.held.iter())
            .find_map(|reason| match &reason.cause {
                Cause::Drift {
                    alarm,
                    drift,
                    evidence,
                } => Some(text(Drift {
                    kind: *drift,
                    alarm,
                    evidence: evidence.as_deref().unwrap_or_default(),
                })),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// One line for the console. `PipelineExecutionDescription` takes no line
    /// breaks, and alarm names are other people's text.
    fn description(&self, leading: &Reason, causes: usize) -> String {
        let Self { policy, .. } = self;
        let verb = match policy.environment() {
            Some(_) => "Deploy",
            None => "Retrain",
        };
        let mut text = String::with_capacity(160);
        text.extend([verb, " ", policy.model.as_str(), " because of "]);
        // A text takes everything.
        let _ = write!(text, "{}", leading.cause);
        if causes > 1 {
            let _ = write!(text, " and {} more", causes - 1);
        }
        // Nearly every text is printable ASCII. To count what is not, instead of stopping at
        // the first, is done for many bytes at once.
        let others = text.bytes().filter(|byte| !matches!(byte, b' '..=b'~'));
        if others.count() > 0 {
            text = text.replace(char::is_control, " ");
        }
        if text.len() > 500 {
            text = shortened(&text, 500);
        }
        text
    }
}

/// What is known of a drift.
struct Drift<'a> {
    kind: DriftKind,
    alarm: &'a AlarmArn,
    evidence: &'a str,
}

/// RFC 3339 in UTC without fractions, which every training script can parse.
fn in_seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}
