use retrain_sandbox::sagemaker::{ControlError, MonitoringType, NewJobDefinition};
use serde_json::{Value, json};

use super::{TYPES, code, monitored, sandbox};
use crate::client;

/// Sends an operation past the SDK, and tells its error's code.
async fn refusal(plain: &client::Client, operation: &str, request: &Value) -> String {
    let target = format!("SageMaker.{operation}");
    plain
        .call(&target, request)
        .await
        .unwrap()
        .code()
        .to_owned()
}

#[tokio::test]
async fn the_tags_of_a_definition_are_listed() {
    let (sandbox, client) = sandbox().await;
    let plain = client::of(&sandbox);
    let kind = MonitoringType::ModelBias;
    let mut request = NewJobDefinition::new(kind, "tagged", "churn").request();
    request["Tags"] = json!([{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}]);
    assert_eq!(
        refusal(&plain, "CreateModelBiasJobDefinition", &request).await,
        ""
    );
    let arn = sandbox.sagemaker().job_definitions()[0].arn.clone();
    let list = || client.list_tags().resource_arn(&arn);
    let first = list().max_results(1).send().await.unwrap();
    assert_eq!(first.tags()[0].key(), Some("b"));
    let rest = list().next_token(first.next_token().unwrap());
    let rest = rest.send().await.unwrap();
    let tags: Vec<_> = rest
        .tags()
        .iter()
        .map(|tag| (tag.key(), tag.value()))
        .collect();
    assert_eq!(
        (tags, rest.next_token()),
        (vec![(Some("a"), Some(""))], None)
    );
    let unknown = client
        .list_tags()
        .resource_arn(format!("{arn}x"))
        .send()
        .await;
    assert_eq!(code(&unknown), "ResourceNotFound");
}

#[tokio::test]
async fn the_baselines_of_all_types_survive_a_round_trip_through_the_sdk() {
    let (sandbox, client) = sandbox().await;
    monitored(sandbox.sagemaker());

    let old = client.describe_data_quality_job_definition();
    let old = old
        .job_definition_name("DataQuality-1")
        .send()
        .await
        .unwrap();
    let baseline = old.data_quality_baseline_config().unwrap().clone();
    let statistics = baseline.statistics_resource().unwrap().s3_uri();
    assert_eq!(statistics, Some("s3://baselines/statistics.json"));
    let created = client
        .create_data_quality_job_definition()
        .job_definition_name("data-2")
        .data_quality_baseline_config(baseline)
        .set_data_quality_app_specification(old.data_quality_app_specification().cloned())
        .set_data_quality_job_input(old.data_quality_job_input().cloned())
        .set_data_quality_job_output_config(old.data_quality_job_output_config().cloned())
        .set_job_resources(old.job_resources().cloned())
        .role_arn(old.role_arn().unwrap())
        .send()
        .await
        .unwrap();
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:data-quality-job-definition/data-2";
    assert_eq!(created.job_definition_arn(), Some(arn));

    let old = client.describe_model_quality_job_definition();
    let old = old
        .job_definition_name("ModelQuality-1")
        .send()
        .await
        .unwrap();
    client
        .create_model_quality_job_definition()
        .job_definition_name("quality-2")
        .set_model_quality_baseline_config(old.model_quality_baseline_config().cloned())
        .set_model_quality_app_specification(old.model_quality_app_specification().cloned())
        .set_model_quality_job_input(old.model_quality_job_input().cloned())
        .set_model_quality_job_output_config(old.model_quality_job_output_config().cloned())
        .set_job_resources(old.job_resources().cloned())
        .role_arn(old.role_arn().unwrap())
        .send()
        .await
        .unwrap();

    let old = client.describe_model_bias_job_definition();
    let old = old.job_definition_name("ModelBias-1").send().await.unwrap();
    client
        .create_model_bias_job_definition()
        .job_definition_name("bias-2")
        .set_model_bias_baseline_config(old.model_bias_baseline_config().cloned())
        .set_model_bias_app_specification(old.model_bias_app_specification().cloned())
        .set_model_bias_job_input(old.model_bias_job_input().cloned())
        .set_model_bias_job_output_config(old.model_bias_job_output_config().cloned())
        .set_job_resources(old.job_resources().cloned())
        .role_arn(old.role_arn().unwrap())
        .send()
        .await
        .unwrap();

    let old = client.describe_model_explainability_job_definition();
    let old = old
        .job_definition_name("ModelExplainability-1")
        .send()
        .await
        .unwrap();
    client
        .create_model_explainability_job_definition()
        .job_definition_name("shap-2")
        .set_model_explainability_baseline_config(
            old.model_explainability_baseline_config().cloned(),
        )
        .set_model_explainability_app_specification(
            old.model_explainability_app_specification().cloned(),
        )
        .set_model_explainability_job_input(old.model_explainability_job_input().cloned())
        .set_model_explainability_job_output_config(
            old.model_explainability_job_output_config().cloned(),
        )
        .set_job_resources(old.job_resources().cloned())
        .role_arn(old.role_arn().unwrap())
        .send()
        .await
        .unwrap();

    let all = sandbox.sagemaker().job_definitions();
    for (old, new) in all[..4].iter().zip(&all[4..]) {
        assert_eq!(old.members, new.members);
        assert_eq!(old.monitoring_type, new.monitoring_type);
        let constraints = format!(
            "s3://baselines/{}/constraints.json",
            old.monitoring_type.as_str()
        );
        assert_eq!(new.constraints(), Some(constraints.as_str()));
    }
    assert_eq!(all[4].statistics(), Some("s3://baselines/statistics.json"));
}

#[tokio::test]
async fn a_definition_keeps_what_the_sandbox_does_not_look_at() {
    let (sandbox, _client) = sandbox().await;
    let plain = client::of(&sandbox);
    let mut request = NewJobDefinition::new(MonitoringType::DataQuality, "full", "churn").request();
    request["NetworkConfig"] = json!({"VpcConfig": {"Subnets": ["a"], "SecurityGroupIds": ["b"]}});
    request["StoppingCondition"] = json!({"MaxRuntimeInSeconds": 3600});
    request["DataQualityAppSpecification"]["Environment"] =
        json!({"publish_cloudwatch_metrics": "Enabled"});
    request["DataQualityJobInput"]["EndpointInput"]["ProbabilityThresholdAttribute"] = json!(0.5);
    request["Tags"] = json!([{"Key": "team", "Value": "retention"}]);
    let create = "SageMaker.CreateDataQualityJobDefinition";
    assert_eq!(plain.call(create, &request).await.unwrap().status, 200);
    let name = json!({"JobDefinitionName": "full"});
    let described = plain
        .call("SageMaker.DescribeDataQualityJobDefinition", &name)
        .await
        .unwrap();
    let mut expected = request;
    expected.as_object_mut().unwrap().remove("Tags");
    expected["JobDefinitionArn"] =
        json!("arn:aws:sagemaker:us-east-1:111122223333:data-quality-job-definition/full");
    expected["CreationTime"] = json!(sandbox.clock().now().as_second());
    assert_eq!(described.body, expected);
}

#[tokio::test]
async fn a_name_is_taken_once_in_each_type_and_free_when_it_is_deleted() {
    let (sandbox, _client) = sandbox().await;
    let plain = client::of(&sandbox);
    let name = json!({"JobDefinitionName": "churn-1"});
    for kind in TYPES {
        let operation = |verb: &str| format!("{verb}{}JobDefinition", kind.as_str());
        let request = NewJobDefinition::new(kind, "churn-1", "churn").request();
        for verb in ["Describe", "Delete"] {
            assert_eq!(
                refusal(&plain, &operation(verb), &name).await,
                "ResourceNotFound"
            );
        }
        let create = operation("Create");
        assert_eq!(refusal(&plain, &create, &request).await, "");
        assert_eq!(refusal(&plain, &create, &request).await, "ResourceInUse");
        let mut other_case = request.clone();
        other_case["JobDefinitionName"] = json!("Churn-1");
        assert_eq!(refusal(&plain, &create, &other_case).await, "ResourceInUse");
        assert_eq!(refusal(&plain, &operation("Delete"), &name).await, "");
        assert_eq!(refusal(&plain, &create, &request).await, "");
    }
    assert_eq!(sandbox.sagemaker().job_definitions().len(), 4);
}

#[tokio::test]
async fn a_definition_lacks_nothing_and_has_nothing_unknown() {
    let (sandbox, _client) = sandbox().await;
    let plain = client::of(&sandbox);
    for kind in TYPES {
        let create = format!("Create{}JobDefinition", kind.as_str());
        let valid = NewJobDefinition::new(kind, "churn-1", "churn")
            .constraints("s3://b/c")
            .request();
        let baseline = format!("{}BaselineConfig", kind.as_str());
        for member in valid.as_object().unwrap().keys() {
            let mut request = valid.clone();
            request.as_object_mut().unwrap().remove(member);
            if *member == baseline {
                continue;
            }
            assert_eq!(
                refusal(&plain, &create, &request).await,
                "ValidationException",
                "{member}"
            );
        }
        let input = format!("{}JobInput", kind.as_str());
        let changes: [(&str, Value, &str); 9] = [
            (
                "/JobDefinitionName",
                json!("n".repeat(64)),
                "ValidationException",
            ),
            ("/JobDefinitionName", json!("a_b"), "ValidationException"),
            ("/JobDefinitionName", json!("a-"), "ValidationException"),
            (
                "/RoleArn",
                json!("arn:aws:iam::111122223333:user/a"),
                "ValidationException",
            ),
            ("/JobResources", json!({}), "ValidationException"),
            (
                "/JobResources/ClusterConfig/InstanceCount",
                json!(101),
                "ValidationException",
            ),
            (
                &format!("/{input}/EndpointInput"),
                Value::Null,
                "ValidationException",
            ),
            (
                &format!("/{baseline}/ConstraintsResource"),
                json!({"S3Url": "s3://b/c"}),
                "SerializationException",
            ),
            (
                &format!("/{baseline}/ConstraintsResource/S3Uri"),
                json!("b/c"),
                "ValidationException",
            ),
        ];
        for (place, value, code) in changes {
            let mut request = valid.clone();
            *request.pointer_mut(place).unwrap() = value;
            assert_eq!(
                refusal(&plain, &create, &request).await,
                code,
                "{kind:?} {place}"
            );
        }
        let mut unknown = valid.clone();
        unknown["BaselineConfig"] = json!({});
        assert_eq!(
            refusal(&plain, &create, &unknown).await,
            "SerializationException"
        );
        let mut longest = valid.clone();
        longest["JobDefinitionName"] = json!("n".repeat(63));
        assert_eq!(refusal(&plain, &create, &longest).await, "");
    }
    // Statistics belong to the quality of data alone.
    let odd =
        NewJobDefinition::new(MonitoringType::ModelBias, "odd", "churn").statistics("s3://b/s");
    let refused = sandbox.sagemaker().create_job_definition(&odd);
    assert!(
        matches!(refused, Err(ControlError::Refused { code, .. }) if code == "SerializationException")
    );
}

#[tokio::test]
async fn what_a_schedule_runs_is_not_deleted() {
    let (sandbox, client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    monitored(sagemaker);
    let delete = || {
        let delete = client.delete_model_bias_job_definition();
        delete.job_definition_name("ModelBias-1").send()
    };
    assert_eq!(code(&delete().await), "ValidationException");
    assert!(sagemaker.scheduled_definition("ModelBias").is_some());
    sagemaker.delete_schedule("ModelBias").unwrap();
    assert_eq!(code(&delete().await), "");
    assert!(
        delete()
            .await
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found()
    );
}
