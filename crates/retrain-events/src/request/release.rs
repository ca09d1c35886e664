//! Requests about a model package, and about the deployments to an environment.

use core::fmt;

use retrain_core::gate::{Opinion, Role};
use retrain_core::names::{EnvironmentName, ModelName, ModelPackageArn};
use retrain_core::order::{Order, OrderKind};

use super::fields;
use crate::error::InvalidEvent;
use crate::node::Node;

/// Something that a person asks about one model package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRequest {
    /// The model.
    pub model: ModelName,
    /// The package.
    pub package: PackageRef,
    /// What is asked.
    pub asks: PackageAsks,
}

/// A model package as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageRef {
    /// Its `ModelPackageVersion` in the model's group.
    Version(u64),
    /// Its ARN. Whether it is one of the model's group is not checked here.
    Arn(ModelPackageArn),
}

impl fmt::Display for PackageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Arn(arn) => arn.fmt(f),
        }
    }
}

/// What can be asked about a model package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageAsks {
    /// To record a person's word for one role.
    SignOff {
        /// The role.
        role: Role,
        /// The word.
        opinion: Opinion,
        /// Who says it.
        by: String,
        /// Why.
        why: String,
    },
    /// To approve or reject it.
    Order(Order),
}

/// Something that a person asks about the deployments of a model to one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentRequest {
    /// The model.
    pub model: ModelName,
    /// The environment.
    pub environment: EnvironmentName,
    /// What is asked.
    pub asks: DeploymentAsks,
}

/// What can be asked about the deployments to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploymentAsks {
    /// To deploy a package. A promotion to the next environment is asked in the same
    /// way.
    Deploy {
        /// The package.
        package: PackageRef,
        /// Asking twice with one key is asking once.
        key: String,
        /// Who asks.
        by: String,
        /// Why.
        why: String,
        /// Whether to pass over what keeps others waiting.
        force: bool,
    },
    /// To deploy what the environment ran before, or what can be asked about any lane.
    Order(Order),
}

/// What a `sign_off` says.
pub(super) fn sign_off(root: &Node<'_>) -> Result<PackageAsks, InvalidEvent> {
    const ROLES: [(&str, Role); 3] = [
        ("technical", Role::Technical),
        ("fairness", Role::Fairness),
        ("compliance", Role::Compliance),
    ];
    const OPINIONS: [(&str, Opinion); 2] = [
        ("approves", Opinion::Approves),
        ("rejects", Opinion::Rejects),
    ];
    Ok(PackageAsks::SignOff {
        role: fields::choice(&root.required("role")?, &ROLES)?,
        opinion: fields::choice(&root.required("opinion")?, &OPINIONS)?,
        by: fields::by(root)?,
        why: fields::why(root)?,
    })
}

/// What a `deploy` says.
pub(super) fn deploy(root: &Node<'_>) -> Result<DeploymentAsks, InvalidEvent> {
    Ok(DeploymentAsks::Deploy {
        package: fields::package(root)?,
        key: fields::key(root)?,
        by: fields::by(root)?,
        why: fields::why(root)?,
        force: fields::force(root)?,
    })
}

/// What a `rollback` says.
pub(super) fn rollback(root: &Node<'_>) -> Result<DeploymentAsks, InvalidEvent> {
    let key = Some(fields::key(root)?);
    let order = fields::order(root, OrderKind::RollBack)?;
    Ok(DeploymentAsks::Order(Order { key, ..order }))
}

/// The request about a package.
pub(super) fn of_package(
    root: &Node<'_>,
    asks: PackageAsks,
) -> Result<PackageRequest, InvalidEvent> {
    Ok(PackageRequest {
        model: fields::model(root)?,
        package: fields::package(root)?,
        asks,
    })
}

/// The request about an environment.
pub(super) fn of_environment(
    root: &Node<'_>,
    asks: DeploymentAsks,
) -> Result<DeploymentRequest, InvalidEvent> {
    Ok(DeploymentRequest {
        model: fields::model(root)?,
        environment: fields::environment(root)?,
        asks,
    })
}
