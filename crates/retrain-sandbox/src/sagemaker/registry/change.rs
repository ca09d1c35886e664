//! Every change of a model package, whoever makes it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::Scene;
use super::super::model::{ApprovalStatus, ModelPackage, PackageStatus};
use super::super::names::Names;
use super::event::announce;

/// Who changes a package.
#[derive(Clone, Copy)]
pub(super) enum Author {
    /// Whoever calls the API. Signatures are not checked, so all callers are one.
    Client,
    /// A person in the console.
    Person,
    /// The service itself.
    Service,
}

impl Author {
    /// `UserContext` of the API.
    fn context(self, names: &Names) -> Option<Value> {
        let Names { region, account } = names;
        match self {
            Self::Client => Some(json!({"IamIdentity": {
                "Arn": format!("arn:aws:sts::{account}:assumed-role/sandbox/client"),
                "PrincipalId": "AROASANDBOX:client",
            }})),
            Self::Person => Some(json!({
                "DomainId": "d-sandbox",
                "UserProfileArn":
                    format!("arn:aws:sagemaker:{region}:{account}:user-profile/d-sandbox/reviewer"),
                "UserProfileName": "reviewer",
            })),
            Self::Service => None,
        }
    }
}

/// Registers the next version of a group, and announces it.
pub(super) fn register(
    scene: &mut Scene<'_>,
    group: &str,
    approval_status: ApprovalStatus,
    status: PackageStatus,
    details: Map<String, Value>,
) -> String {
    if !scene.state.groups.iter().any(|existing| existing == group) {
        scene.state.groups.push(group.to_owned());
    }
    // The number of a deleted version is not given again.
    let version = scene.state.versions.entry(group.to_owned()).or_default();
    *version += 1;
    let version = *version;
    let package = ModelPackage {
        arn: scene.names.package(group, version),
        group: group.to_owned(),
        version,
        creation_time: scene.now,
        last_modified_time: None,
        approval_status,
        status,
        details,
    };
    announce(scene, &package, &[]);
    let arn = scene.state.shown(&package.arn);
    scene.state.packages.push(package);
    arn
}

/// Changes the package of this ARN, if there is one, and announces what is
/// different afterwards. A change that changes nothing is not announced.
pub(super) fn change(
    scene: &mut Scene<'_>,
    arn: &str,
    author: Author,
    change: impl FnOnce(&mut ModelPackage),
) -> Option<()> {
    let mut packages = scene.state.packages.iter_mut();
    let package = packages.find(|package| package.arn.eq_ignore_ascii_case(arn))?;
    let before = package.clone();
    change(package);
    let same = *package == before;
    package.last_modified_time = Some(scene.now);
    if let Some(context) = author.context(scene.names) {
        package.details.insert("LastModifiedBy".to_owned(), context);
    }
    let after = package.clone();
    if !same {
        announce(scene, &after, &updated_fields(&before, &after));
    }
    Some(())
}

/// `UpdatedModelPackageFields`: the names of `UpdateModelPackage`, but for one,
/// which AWS documents with a small letter.
fn updated_fields<'a>(before: &'a ModelPackage, after: &'a ModelPackage) -> Vec<&'a str> {
    let members: BTreeSet<&str> = [&before.details, &after.details]
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .filter(|member| !["LastModifiedBy", "ModelPackageStatusDetails"].contains(member))
        .filter(|member| before.details.get(*member) != after.details.get(*member))
        .collect();
    let approval =
        (before.approval_status != after.approval_status).then_some("ModelApprovalStatus");
    let name = |member| {
        if member == "SourceUri" {
            "sourceUri"
        } else {
            member
        }
    };
    approval
        .into_iter()
        .chain(members.into_iter().map(name))
        .collect()
}
