use super::*;
use ApprovalStatus::{Approved, PendingManualApproval, Rejected};

/// Three versions of `Churn`, a minute apart, and one of `fraud`.
fn registry() -> SageMaker {
    let sagemaker = sagemaker();
    for (group, status) in [
        ("Churn", Approved),
        ("Churn", Rejected),
        ("fraud", Approved),
        ("Churn", Approved),
    ] {
        sagemaker.register_package(group, status, PackageStatus::Completed);
        pass(&sagemaker, 60);
    }
    sagemaker
}

fn versions(sagemaker: &SageMaker, changes: Value) -> Vec<u64> {
    let answer = list(sagemaker, changes).unwrap();
    all(&answer, "ModelPackageSummaryList", "ModelPackageVersion")
        .into_iter()
        .map(|version| version.as_u64().unwrap())
        .collect()
}

fn list(sagemaker: &SageMaker, changes: Value) -> Result<Value, ServiceError> {
    let request = json!({"ModelPackageGroupName": "Churn"});
    sagemaker.perform("ListModelPackages", &over(request, changes))
}

#[test]
fn the_oldest_come_first_unless_asked_otherwise() {
    let registry = registry();
    assert_eq!(versions(&registry, json!({})), [1, 2, 3]);
    assert_eq!(
        versions(&registry, json!({"SortOrder": "Descending"})),
        [3, 2, 1]
    );
    assert_eq!(versions(&registry, json!({"SortBy": "Name"})), [1, 2, 3]);
}

#[test]
fn packages_are_filtered_by_approval_and_time() {
    let registry = registry();
    let newest_approved = json!({
        "ModelApprovalStatus": "Approved",
        "SortOrder": "Descending",
        "MaxResults": 1,
    });
    assert_eq!(versions(&registry, newest_approved), [3]);
    let second = registry.packages()[1].creation_time.as_second();
    assert_eq!(
        versions(&registry, json!({"CreationTimeAfter": second})),
        [3]
    );
    assert_eq!(
        versions(&registry, json!({"CreationTimeBefore": second})),
        [1]
    );
    let unknown = list(&registry, json!({"ModelApprovalStatus": "Maybe"}));
    assert_eq!(code(unknown), "ValidationException");
}

#[test]
fn versions_are_listed_only_with_their_group_or_type() {
    let registry = registry();
    let without_group = |kind: Value| {
        versions(
            &registry,
            json!({"ModelPackageGroupName": null, "ModelPackageType": kind}),
        )
        .len()
    };
    assert_eq!(without_group(Value::Null), 0);
    assert_eq!(without_group(json!("Versioned")), 4);
    assert_eq!(without_group(json!("Both")), 4);
    assert!(versions(&registry, json!({"ModelPackageType": "Unversioned"})).is_empty());
}

#[test]
fn a_group_goes_by_its_name_or_by_its_arn_in_any_case() {
    let registry = registry();
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package-group/churn";
    assert_eq!(
        versions(&registry, json!({"ModelPackageGroupName": arn})).len(),
        3
    );
    let unknown = |name: &str| list(&registry, json!({"ModelPackageGroupName": name}));
    assert_eq!(code(unknown("churn")), "ValidationException");
    registry.create_package_group("new");
    assert!(unknown("new").is_ok());
}

#[test]
fn a_page_that_is_filtered_keeps_its_place_when_an_approval_changes() {
    let registry = registry();
    let page = json!({"ModelApprovalStatus": "Approved", "MaxResults": 1});
    let first = list(&registry, page.clone()).unwrap();
    let shown = first["ModelPackageSummaryList"][0]["ModelPackageArn"].as_str();
    registry.set_approval(shown.unwrap(), Rejected).unwrap();
    let mut next = page;
    next["NextToken"] = first["NextToken"].clone();
    assert_eq!(versions(&registry, next), [3]);
}

#[test]
fn pages_hold_at_most_a_hundred() {
    let registry = registry();
    for (size, good) in [(1, true), (100, true), (0, false), (101, false)] {
        assert_eq!(
            list(&registry, json!({"MaxResults": size})).is_ok(),
            good,
            "{size}"
        );
    }
}

#[test]
fn a_package_is_described_by_arn_or_by_name_and_version() {
    let registry = registry();
    let arn = registry.register_package("Churn", PendingManualApproval, PackageStatus::InProgress);
    registry
        .set_package_status(&arn, PackageStatus::Completed)
        .unwrap();
    let metrics = json!({"ModelMetrics": {"ModelQuality": {}}});
    registry
        .set_package_details(&arn, metrics.as_object().unwrap().clone())
        .unwrap();
    let describe = |name: &str| {
        registry.perform(
            "DescribeModelPackage",
            &json!({"ModelPackageName": name, "IncludedData": "MetadataOnly"}),
        )
    };
    let answer = describe(&arn).unwrap();
    assert_eq!(answer["ModelPackageVersion"], 4);
    assert_eq!(answer["ModelPackageStatus"], "Completed");
    assert_eq!(answer["ModelApprovalStatus"], "PendingManualApproval");
    assert_eq!(answer["ModelMetrics"]["ModelQuality"], json!({}));
    assert_eq!(describe("Churn/4"), Ok(answer.clone()));
    assert_eq!(describe(&arn.to_lowercase()), Ok(answer));
    assert_eq!(code(describe("Churn/5")), "ValidationException");
    assert!(registry.set_approval("arn:none", Approved).is_err());
}
