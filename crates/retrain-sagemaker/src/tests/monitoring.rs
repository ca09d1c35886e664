//! Monitoring schedules.

use aws_sdk_sagemaker::types;
use retrain_controller::{Monitoring, PortError};
use retrain_core::names::{ModelPackageArn, MonitoringScheduleName};
use retrain_core::package::{BaselineAnswer, Baselines};
use retrain_sandbox::sagemaker::{
    JobDefinition, MonitoringType, NewJobDefinition, NewSchedule, ScheduleStatus,
};
use serde_json::Value;

use super::*;

const SCHEDULE: &str = "fraud-hourly";
const DEFINITION: &str = "fraud-monitor";
const KINDS: [MonitoringType; 4] = [
    MonitoringType::DataQuality,
    MonitoringType::ModelQuality,
    MonitoringType::ModelBias,
    MonitoringType::ModelExplainability,
];
/// What a whole refresh of a schedule of the quality of data calls.
const CALLS: [&str; 7] = [
    "DescribeMonitoringSchedule",
    "DescribeDataQualityJobDefinition",
    "ListTags",
    "CreateDataQualityJobDefinition",
    "UpdateMonitoringSchedule",
    "ListMonitoringSchedules",
    "DeleteDataQualityJobDefinition",
];

fn schedule(name: &str) -> MonitoringScheduleName {
    MonitoringScheduleName::parse(name).unwrap()
}

fn package(version: u32) -> ModelPackageArn {
    ModelPackageArn::parse(format!(
        "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud/{version}"
    ))
    .unwrap()
}

fn baselines(version: u32) -> Baselines {
    let uri = |name: &str| Some(format!("s3://baselines/{version}/{name}.json"));
    Baselines {
        data_statistics: uri("statistics"),
        data_constraints: uri("data"),
        model_constraints: uri("model"),
        bias_constraints: uri("bias"),
        explainability_constraints: uri("shap"),
    }
}

fn definition(kind: MonitoringType, name: &str) -> NewJobDefinition {
    let new =
        NewJobDefinition::new(kind, name, "fraud-endpoint").constraints("s3://baselines/0/c.json");
    match kind {
        MonitoringType::DataQuality => new.statistics("s3://baselines/0/s.json"),
        _ => new,
    }
}

/// A schedule with a definition of this type.
async fn bench_of(kind: MonitoringType) -> Bench {
    let bench = Bench::start().await;
    let sagemaker = bench.sandbox.sagemaker();
    sagemaker
        .create_job_definition(&definition(kind, DEFINITION))
        .unwrap();
    sagemaker
        .create_schedule(NewSchedule::hourly(SCHEDULE, kind, DEFINITION))
        .unwrap();
    bench
}

async fn refresh_of(bench: &Bench, name: &str, version: u32) -> Result<BaselineAnswer, PortError> {
    bench
        .sagemaker
        .refresh_baseline(&schedule(name), &package(version), &baselines(version))
        .await
}

async fn refresh(bench: &Bench, version: u32) -> BaselineAnswer {
    refresh_of(bench, SCHEDULE, version).await.unwrap()
}

fn refreshed(definition: &str) -> BaselineAnswer {
    BaselineAnswer::Refreshed {
        definition: Some(definition.to_owned()),
    }
}

fn definitions(bench: &Bench) -> Vec<String> {
    let all = bench.sandbox.sagemaker().job_definitions();
    all.into_iter().map(|definition| definition.name).collect()
}

fn scheduled(bench: &Bench) -> JobDefinition {
    let sagemaker = bench.sandbox.sagemaker();
    sagemaker.scheduled_definition(SCHEDULE).unwrap()
}

fn request_of(bench: &Bench, operation: &str) -> Value {
    let calls = bench.sandbox.calls().all();
    let mut calls = calls.into_iter().filter(|call| call.operation == operation);
    calls.next().unwrap().request
}

#[tokio::test]
async fn each_type_gets_a_definition_that_differs_only_in_its_baseline() {
    for kind in KINDS {
        let bench = bench_of(kind).await;
        let answer = refresh(&bench, 1).await;
        let now = scheduled(&bench);
        assert_eq!(answer, refreshed(&now.name), "{kind:?}");
        assert_eq!(definitions(&bench), [now.name.as_str()], "{kind:?}");

        let (config, expected) = match kind {
            MonitoringType::DataQuality => (
                "DataQualityBaselineConfig",
                json!({
                    "ConstraintsResource": {"S3Uri": "s3://baselines/1/data.json"},
                    "StatisticsResource": {"S3Uri": "s3://baselines/1/statistics.json"},
                }),
            ),
            MonitoringType::ModelQuality => (
                "ModelQualityBaselineConfig",
                json!({"ConstraintsResource": {"S3Uri": "s3://baselines/1/model.json"}}),
            ),
            MonitoringType::ModelBias => (
                "ModelBiasBaselineConfig",
                json!({"ConstraintsResource": {"S3Uri": "s3://baselines/1/bias.json"}}),
            ),
            MonitoringType::ModelExplainability => (
                "ModelExplainabilityBaselineConfig",
                json!({"ConstraintsResource": {"S3Uri": "s3://baselines/1/shap.json"}}),
            ),
        };
        let mut created = definition(kind, DEFINITION).request();
        created["JobDefinitionName"] = json!(now.name);
        created[config] = expected;
        created["Tags"] = json!([{"Key": "RetrainReplaces", "Value": DEFINITION}]);
        let create = format!("Create{}JobDefinition", kind.as_str());
        assert_eq!(request_of(&bench, &create), created, "{kind:?}");
        assert_eq!(
            request_of(&bench, "UpdateMonitoringSchedule"),
            json!({
                "MonitoringScheduleName": SCHEDULE,
                "MonitoringScheduleConfig": {
                    "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
                    "MonitoringJobDefinitionName": now.name,
                    "MonitoringType": kind.as_str(),
                },
            }),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn everything_that_a_definition_has_is_kept() {
    let bench = Bench::start().await;
    let create = "CreateDataQualityJobDefinition";
    create_whole(&bench.sagemaker.client).await;
    let mut whole = request_of(&bench, create);
    bench
        .sandbox
        .sagemaker()
        .create_schedule(NewSchedule::hourly(
            SCHEDULE,
            MonitoringType::DataQuality,
            DEFINITION,
        ))
        .unwrap();
    bench.sandbox.calls().take();

    refresh(&bench, 1).await;
    let first = scheduled(&bench).name;
    whole["JobDefinitionName"] = json!(first);
    whole["DataQualityBaselineConfig"] = json!({
        "ConstraintsResource": {"S3Uri": "s3://baselines/1/data.json"},
        "StatisticsResource": {"S3Uri": "s3://baselines/1/statistics.json"},
    });
    whole["Tags"] = json!([
        {"Key": "team", "Value": "fraud"},
        {"Key": "RetrainReplaces", "Value": DEFINITION},
    ]);
    assert_eq!(request_of(&bench, create), whole);

    // The next one replaces this one, and says so once.
    bench.sandbox.calls().take();
    refresh(&bench, 2).await;
    assert_eq!(
        request_of(&bench, create)["Tags"],
        json!([
            {"Key": "team", "Value": "fraud"},
            {"Key": "RetrainReplaces", "Value": first},
        ])
    );
    assert_eq!(definitions(&bench), [scheduled(&bench).name.as_str()]);
}

/// Creates a definition that has something of everything.
async fn create_whole(client: &Client) {
    let output = types::MonitoringS3Output::builder()
        .s3_uri("s3://monitoring/")
        .local_path("/opt/ml/processing/output")
        .build();
    let output = types::MonitoringOutput::builder().s3_output(output).build();
    let cluster = types::MonitoringClusterConfig::builder()
        .instance_count(1)
        .instance_type(types::ProcessingInstanceType::MlM5Xlarge)
        .volume_size_in_gb(20)
        .build();
    let application = types::DataQualityAppSpecification::builder()
        .image_uri("sagemaker-monitor")
        .environment("publish_cloudwatch_metrics", "Enabled")
        .post_analytics_processor_source_uri("s3://code/after.py");
    let input = types::EndpointInput::builder()
        .endpoint_name("fraud-endpoint")
        .local_path("/opt/ml/processing/input");
    let vpc = types::VpcConfig::builder()
        .security_group_ids("sg-1")
        .subnets("subnet-1");
    let baseline = types::DataQualityBaselineConfig::builder()
        .baselining_job_name("baseline-of-0")
        .constraints_resource(
            types::MonitoringConstraintsResource::builder()
                .s3_uri("s3://baselines/0/c.json")
                .build(),
        );
    client
        .create_data_quality_job_definition()
        .job_definition_name(DEFINITION)
        .data_quality_baseline_config(baseline.build())
        .data_quality_app_specification(application.build())
        .data_quality_job_input(
            types::DataQualityJobInput::builder()
                .endpoint_input(input.build())
                .build(),
        )
        .data_quality_job_output_config(
            types::MonitoringOutputConfig::builder()
                .monitoring_outputs(output)
                .build(),
        )
        .job_resources(
            types::MonitoringResources::builder()
                .cluster_config(cluster)
                .build(),
        )
        .network_config(
            types::MonitoringNetworkConfig::builder()
                .enable_network_isolation(true)
                .vpc_config(vpc.build())
                .build(),
        )
        .role_arn("arn:aws:iam::111122223333:role/monitoring")
        .stopping_condition(
            types::MonitoringStoppingCondition::builder()
                .max_runtime_in_seconds(1_800)
                .build(),
        )
        .tags(types::Tag::builder().key("team").value("fraud").build())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_second_refresh_writes_nothing() {
    let bench = bench_of(MonitoringType::DataQuality).await;
    let answer = refresh(&bench, 1).await;
    assert_eq!(bench.operations(), CALLS);
    let before = bench.sandbox.sagemaker().schedule(SCHEDULE);
    bench.sandbox.clock().advance(SignedDuration::from_secs(60));
    assert_eq!(refresh(&bench, 1).await, answer);
    assert_eq!(bench.sandbox.sagemaker().schedule(SCHEDULE), before);
    assert!(
        bench
            .operations()
            .iter()
            .all(|name| !name.starts_with("Create") && !name.starts_with("Update"))
    );
    // A later package with the same baselines needs no other definition.
    let same = bench
        .sagemaker
        .refresh_baseline(&schedule(SCHEDULE), &package(2), &baselines(1))
        .await;
    assert_eq!(same.unwrap(), answer);
    // A rollback does.
    let second = refresh(&bench, 2).await;
    assert_ne!(second, answer);
    assert_eq!(refresh(&bench, 1).await, answer);
    assert_eq!(definitions(&bench), [scheduled(&bench).name.as_str()]);
}

#[tokio::test]
async fn a_refresh_that_breaks_off_anywhere_is_finished_by_the_next() {
    let whole = bench_of(MonitoringType::DataQuality).await;
    let answer = refresh(&whole, 1).await;
    let expected = (
        scheduled(&whole),
        whole.sandbox.sagemaker().schedule(SCHEDULE),
        definitions(&whole),
    );
    for operation in CALLS {
        for kind in [
            FaultKind::DropBefore,
            FaultKind::DropAfter,
            FaultKind::ServerErrorAfter,
            FaultKind::Throttle,
        ] {
            let cut = format!("{operation} {kind:?}");
            let bench = bench_of(MonitoringType::DataQuality).await;
            let fault = bench.fail_in(operation, 3, kind);
            let error = refresh_of(&bench, SCHEDULE, 1).await.unwrap_err();
            assert_eq!(error.class(), Class::Retryable, "{cut}");
            assert_eq!(fault.fired(), 3, "{cut}");
            assert_eq!(refresh(&bench, 1).await, answer, "{cut}");
            let found = (
                scheduled(&bench),
                bench.sandbox.sagemaker().schedule(SCHEDULE),
                definitions(&bench),
            );
            assert_eq!(found, expected, "{cut}");
        }
    }
}

#[tokio::test]
async fn a_definition_that_another_schedule_uses_stays_until_it_is_the_last() {
    let bench = bench_of(MonitoringType::ModelBias).await;
    let sagemaker = bench.sandbox.sagemaker();
    let kind = MonitoringType::ModelBias;
    sagemaker
        .create_schedule(NewSchedule::hourly("other", kind, DEFINITION))
        .unwrap();
    // Of another type, so it is another definition.
    sagemaker
        .create_job_definition(&definition(MonitoringType::DataQuality, DEFINITION))
        .unwrap();
    refresh(&bench, 1).await;
    assert_eq!(bench.count("DeleteModelBiasJobDefinition"), 0);
    let first = scheduled(&bench).name;
    assert_eq!(definitions(&bench), [DEFINITION, DEFINITION, &first]);

    refresh_of(&bench, "other", 1).await.unwrap();
    let other = sagemaker.scheduled_definition("other").unwrap();
    assert_ne!(other.name, first);
    assert_eq!(definitions(&bench), [DEFINITION, &first, &other.name]);
    let left = sagemaker.job_definitions().remove(0);
    assert_eq!(left.monitoring_type, MonitoringType::DataQuality);
}

#[tokio::test]
async fn without_baselines_of_its_type_a_schedule_stays_as_it_is() {
    for kind in KINDS {
        let bench = bench_of(kind).await;
        let mut some = baselines(1);
        match kind {
            // Statistics alone check nothing.
            MonitoringType::DataQuality => some.data_constraints = None,
            MonitoringType::ModelQuality => some.model_constraints = None,
            MonitoringType::ModelBias => some.bias_constraints = None,
            MonitoringType::ModelExplainability => some.explainability_constraints = None,
        }
        let answer = bench
            .sagemaker
            .refresh_baseline(&schedule(SCHEDULE), &package(1), &some)
            .await
            .unwrap();
        let monitoring_type = kind.as_str().to_owned();
        assert_eq!(answer, BaselineAnswer::NoBaseline { monitoring_type });
        assert_eq!(bench.operations(), ["DescribeMonitoringSchedule"]);
    }
    let bench = bench_of(MonitoringType::DataQuality).await;
    let mut some = baselines(1);
    some.data_statistics = None;
    bench
        .sagemaker
        .refresh_baseline(&schedule(SCHEDULE), &package(1), &some)
        .await
        .unwrap();
    let now = scheduled(&bench);
    assert_eq!(now.constraints(), Some("s3://baselines/1/data.json"));
    assert_eq!(now.statistics(), None, "not those of another package");
}

#[tokio::test]
async fn an_inline_definition_is_changed_in_the_schedule() {
    let bench = Bench::start().await;
    let output = json!({"S3Output": {"S3Uri": "s3://out/", "LocalPath": "/opt/ml/output"}});
    let mut config = json!({
        "ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"},
        "MonitoringJobDefinition": {
            "BaselineConfig": {
                "BaseliningJobName": "baseline-of-0",
                "ConstraintsResource": {"S3Uri": "s3://baselines/0/c.json"},
            },
            "MonitoringInputs": [{"EndpointInput": {
                "EndpointName": "fraud-endpoint",
                "LocalPath": "/opt/ml/input",
            }}],
            "MonitoringOutputConfig": {"MonitoringOutputs": [output]},
            "MonitoringResources": {"ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 20,
            }},
            "MonitoringAppSpecification": {"ImageUri": "sagemaker-monitor"},
            "Environment": {"publish_cloudwatch_metrics": "Enabled"},
            "RoleArn": "arn:aws:iam::111122223333:role/monitoring",
        },
    });
    let sagemaker = bench.sandbox.sagemaker();
    sagemaker
        .create_schedule(NewSchedule::with_config(SCHEDULE, config.clone()))
        .unwrap();
    let inline = BaselineAnswer::Refreshed { definition: None };
    assert_eq!(refresh(&bench, 1).await, inline);
    config["MonitoringJobDefinition"]["BaselineConfig"] = json!({
        "ConstraintsResource": {"S3Uri": "s3://baselines/1/data.json"},
        "StatisticsResource": {"S3Uri": "s3://baselines/1/statistics.json"},
    });
    assert_eq!(sagemaker.schedule(SCHEDULE).unwrap().config, config);
    assert_eq!(
        bench.operations(),
        ["DescribeMonitoringSchedule", "UpdateMonitoringSchedule"]
    );
    assert_eq!(refresh(&bench, 1).await, inline);
    assert_eq!(bench.operations(), ["DescribeMonitoringSchedule"]);
}

#[tokio::test]
async fn what_sagemaker_refuses_is_told_and_what_passes_is_tried_again() {
    let before = &CALLS[..5];
    for operation in before {
        for code in [
            "AccessDeniedException",
            "ValidationException",
            "ResourceNotFound",
        ] {
            let bench = bench_of(MonitoringType::DataQuality).await;
            // A definition that is missing is looked for twice.
            bench.fail_in(operation, 2, refuse(code, "No."));
            match refresh(&bench, 1).await {
                BaselineAnswer::Refused { what } => {
                    assert!(what.contains(code) && what.len() < 400, "{what}");
                }
                other => panic!("{operation} {code}: {other:?}"),
            }
            assert_eq!(scheduled(&bench).name, DEFINITION, "{operation} {code}");
        }
        let bench = bench_of(MonitoringType::DataQuality).await;
        for code in ["ResourceLimitExceeded", "InternalFailure"] {
            let fault = bench.fail_in(operation, 3, refuse(code, "No."));
            let error = refresh_of(&bench, SCHEDULE, 1).await.unwrap_err();
            assert_eq!(error.class(), Class::Retryable, "{operation} {code}");
            fault.remove();
        }
    }
    let bench = bench_of(MonitoringType::DataQuality).await;
    let answer = refresh_of(&bench, "missing", 1).await.unwrap();
    assert!(
        matches!(answer, BaselineAnswer::Refused { .. }),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_definition_that_may_not_be_removed_stays_and_the_schedule_is_refreshed() {
    for operation in &CALLS[5..] {
        for code in ["AccessDeniedException", "ValidationException"] {
            let bench = bench_of(MonitoringType::DataQuality).await;
            bench.fail_in(operation, 1, refuse(code, "No."));
            let answer = refresh(&bench, 1).await;
            let now = scheduled(&bench).name;
            assert_eq!(answer, refreshed(&now), "{operation} {code}");
            assert_eq!(definitions(&bench), [DEFINITION, &now]);
        }
    }
    for code in ["ResourceInUse", "ConflictException", "ResourceNotFound"] {
        let bench = bench_of(MonitoringType::DataQuality).await;
        bench.fail_in(CALLS[6], 1, refuse(code, "No."));
        let answer = refresh(&bench, 1).await;
        assert_eq!(answer, refreshed(&scheduled(&bench).name), "{code}");
    }
}

#[tokio::test]
async fn a_schedule_that_is_being_changed_is_waited_for() {
    let bench = bench_of(MonitoringType::DataQuality).await;
    let sagemaker = bench.sandbox.sagemaker();
    sagemaker
        .set_schedule_status(SCHEDULE, ScheduleStatus::Pending)
        .unwrap();
    let error = refresh_of(&bench, SCHEDULE, 1).await.unwrap_err();
    assert_eq!(error.class(), Class::Retryable);
    assert_eq!(definitions(&bench), [DEFINITION]);
    for status in [ScheduleStatus::Stopped, ScheduleStatus::Failed] {
        sagemaker.set_schedule_status(SCHEDULE, status).unwrap();
        refresh(&bench, 1).await;
    }
    sagemaker
        .set_schedule_status(SCHEDULE, ScheduleStatus::Pending)
        .unwrap();
    let answer = refresh(&bench, 1).await;
    assert_eq!(answer, refreshed(&scheduled(&bench).name));
}

#[tokio::test]
async fn two_workers_that_refresh_one_schedule_come_to_the_same() {
    for operation in &CALLS[..6] {
        let bench = bench_of(MonitoringType::DataQuality).await;
        let held = bench.fail_in(operation, 1, FaultKind::HoldBefore);
        let second = async {
            held.held().await;
            let answer = refresh(&bench, 1).await;
            held.release();
            answer
        };
        let (first, second) = tokio::join!(refresh(&bench, 1), second);
        assert_eq!(first, second, "{operation}");
        assert_eq!(first, refreshed(&scheduled(&bench).name), "{operation}");
        assert_eq!(definitions(&bench).len(), 1, "{operation}");
    }
}
