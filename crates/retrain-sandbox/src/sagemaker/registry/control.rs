//! What happens to model packages past the API.

use serde_json::{Map, Value, json};

use super::super::control::unknown;
use super::super::model::{ApprovalStatus, ModelPackage, PackageStatus};
use super::super::{ControlError, SageMaker, shape};
use super::change::{Author, change, register};
use super::content::NewPackage;
use super::event::{EventTimes, PackageEvent};
use super::{shapes, update};

impl SageMaker {
    /// Creates a model package group without packages, unless it exists.
    pub fn create_package_group(&self, group: &str) {
        let groups = &mut self.lock().groups;
        if !groups.iter().any(|existing| existing == group) {
            groups.push(group.to_owned());
        }
    }

    /// Registers a model package, as a pipeline's step does, and returns its ARN.
    /// What AWS would not take is refused.
    pub fn register(&self, package: NewPackage) -> Result<String, ControlError> {
        shape::read(&package.details, shapes::DETAILS)?;
        let NewPackage {
            group,
            approval_status,
            status,
            details,
        } = package;
        let details = match details {
            Value::Object(details) => details,
            // Only a structure has been read.
            _ => Map::new(),
        };
        Ok(self.scene(|scene| register(scene, &group, approval_status, status, details)))
    }

    /// Registers the next version of a group, which is created if need be, and
    /// returns its ARN.
    pub fn register_package(
        &self,
        group: &str,
        approval_status: ApprovalStatus,
        status: PackageStatus,
    ) -> String {
        self.scene(|scene| register(scene, group, approval_status, status, Map::new()))
    }

    /// All model packages, in the order of their registration.
    pub fn packages(&self) -> Vec<ModelPackage> {
        let state = self.lock();
        let shown = |package: &ModelPackage| ModelPackage {
            arn: state.shown(&package.arn),
            ..package.clone()
        };
        state.packages.iter().map(shown).collect()
    }

    /// One model package, as it is now.
    pub fn package(&self, arn: &str) -> Option<ModelPackage> {
        let mut packages = self.packages().into_iter();
        packages.find(|package| package.arn.eq_ignore_ascii_case(arn))
    }

    /// Ends the creation of a model package that is `Pending` or `InProgress`.
    pub fn complete_package(&self, arn: &str) -> Result<(), ControlError> {
        self.end_creation(arn, PackageStatus::Completed, None)
    }

    /// Ends the creation of a model package that is `Pending` or `InProgress`
    /// without success.
    pub fn fail_package(&self, arn: &str, reason: &str) -> Result<(), ControlError> {
        self.end_creation(arn, PackageStatus::Failed, Some(reason))
    }

    fn end_creation(
        &self,
        arn: &str,
        status: PackageStatus,
        reason: Option<&str>,
    ) -> Result<(), ControlError> {
        let package = self
            .package(arn)
            .ok_or_else(|| unknown("model package", arn))?;
        if !matches!(
            package.status,
            PackageStatus::Pending | PackageStatus::InProgress
        ) {
            return Err(ControlError::Created(arn.to_owned()));
        }
        self.change_package(arn, Author::Service, |package| {
            package.status = status;
            if let Some(reason) = reason {
                let details = json!({"ImageScanStatuses": [], "ValidationStatuses": [
                    {"Name": "Validation", "Status": "Failed", "FailureReason": reason},
                ]});
                package
                    .details
                    .insert("ModelPackageStatusDetails".to_owned(), details);
            }
        })
    }

    /// Approves or rejects a model package with a few words, as a person does in
    /// the console.
    pub fn decide(
        &self,
        arn: &str,
        status: ApprovalStatus,
        description: &str,
    ) -> Result<(), ControlError> {
        let edit = json!({"ModelApprovalStatus": status, "ApprovalDescription": description});
        self.edit_package(arn, &edit)
    }

    /// Approves or rejects a model package without a word.
    pub fn set_approval(&self, arn: &str, status: ApprovalStatus) -> Result<(), ControlError> {
        self.edit_package(arn, &json!({"ModelApprovalStatus": status}))
    }

    /// Changes a model package as a person does in the console. `edit` has members
    /// of `UpdateModelPackage`, such as `CustomerMetadataProperties` or
    /// `ModelLifeCycle`; what AWS would not take is refused.
    pub fn edit_package(&self, arn: &str, edit: &Value) -> Result<(), ControlError> {
        if self.package(arn).is_none() {
            return Err(unknown("model package", arn));
        }
        let mut request = edit.clone();
        if let Some(members) = request.as_object_mut() {
            members.insert("ModelPackageArn".to_owned(), json!(arn));
        }
        shape::read(&request, shapes::UPDATE)?;
        self.scene(|scene| update::apply(scene, arn, &request, Author::Person))?;
        Ok(())
    }

    /// Sets how far a model package's creation has got, whatever it was.
    pub fn set_package_status(&self, arn: &str, status: PackageStatus) -> Result<(), ControlError> {
        self.change_package(arn, Author::Service, |package| package.status = status)
    }

    /// Replaces what else `DescribeModelPackage` returns, such as `ModelMetrics`.
    pub fn set_package_details(
        &self,
        arn: &str,
        details: Map<String, Value>,
    ) -> Result<(), ControlError> {
        self.change_package(arn, Author::Service, |package| package.details = details)
    }

    /// Deletes a model package. Whether AWS announces it is not documented; here
    /// nothing is.
    pub fn delete_package(&self, arn: &str) -> Result<(), ControlError> {
        let packages = &mut self.lock().packages;
        let before = packages.len();
        packages.retain(|package| !package.arn.eq_ignore_ascii_case(arn));
        if packages.len() == before {
            return Err(unknown("model package", arn));
        }
        Ok(())
    }

    /// What happened to model packages since the last call, in its order.
    /// Delivering it is the test's part.
    pub fn package_events(&self) -> Vec<PackageEvent> {
        std::mem::take(&mut self.lock().events)
    }

    /// How events write times from now on.
    pub fn set_event_times(&self, times: EventTimes) {
        self.lock().settings.event_times = times;
    }

    fn change_package(
        &self,
        arn: &str,
        author: Author,
        with: impl FnOnce(&mut ModelPackage),
    ) -> Result<(), ControlError> {
        self.scene(|scene| change(scene, arn, author, with))
            .ok_or_else(|| unknown("model package", arn))
    }
}
