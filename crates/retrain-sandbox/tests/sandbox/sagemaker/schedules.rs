use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::operation::describe_monitoring_schedule::DescribeMonitoringScheduleOutput;
use aws_sdk_sagemaker::operation::list_monitoring_schedules::ListMonitoringSchedulesOutput;
use aws_sdk_sagemaker::types::{
    MonitoringScheduleConfig, MonitoringType as Kind, ScheduleConfig, ScheduleStatus as Status,
};
use jiff::SignedDuration;
use retrain_sandbox::sagemaker::{
    ControlError, MonitoringType, NewJobDefinition, NewSchedule, ScheduleStatus,
};
use retrain_sandbox::{Fault, FaultKind, Seed, Service};
use serde_json::json;

use super::{TYPES, code, message, monitored, sandbox};

fn pointing_at(name: &str, kind: Kind) -> MonitoringScheduleConfig {
    let hourly = ScheduleConfig::builder()
        .schedule_expression("cron(0 * ? * * *)")
        .build();
    MonitoringScheduleConfig::builder()
        .schedule_config(hourly)
        .monitoring_job_definition_name(name)
        .monitoring_type(kind)
        .build()
}

async fn describe(client: &Client, name: &str) -> DescribeMonitoringScheduleOutput {
    let describe = client
        .describe_monitoring_schedule()
        .monitoring_schedule_name(name);
    describe.send().await.unwrap()
}

#[tokio::test]
async fn a_schedule_is_described_with_what_it_points_at() {
    let (sandbox, client) = sandbox().await;
    monitored(sandbox.sagemaker());
    let schedule = describe(&client, "ModelBias").await;
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:monitoring-schedule/ModelBias";
    assert_eq!(schedule.monitoring_schedule_arn(), Some(arn));
    assert_eq!(
        schedule.monitoring_schedule_status(),
        Some(&Status::Scheduled)
    );
    assert_eq!(schedule.monitoring_type(), Some(&Kind::ModelBias));
    assert_eq!(schedule.endpoint_name(), Some("churn"));
    let config = schedule.monitoring_schedule_config().unwrap();
    assert_eq!(config.monitoring_job_definition_name(), Some("ModelBias-1"));
    assert_eq!(config.monitoring_type(), Some(&Kind::ModelBias));
    let hourly = config.schedule_config().unwrap().schedule_expression();
    assert_eq!(hourly, Some("cron(0 * ? * * *)"));
    let unknown = client
        .describe_monitoring_schedule()
        .monitoring_schedule_name("none");
    let unknown = unknown.send().await.unwrap_err().into_service_error();
    assert!(unknown.is_resource_not_found());
}

#[tokio::test]
async fn an_update_points_a_schedule_at_another_definition() {
    let (sandbox, client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    monitored(sagemaker);
    let next = NewJobDefinition::new(MonitoringType::ModelQuality, "quality-2", "churn-b")
        .constraints("s3://baselines/2.json");
    sagemaker.create_job_definition(&next).unwrap();
    sandbox.clock().advance(SignedDuration::from_hours(1));
    let updated = client
        .update_monitoring_schedule()
        .monitoring_schedule_name("ModelQuality")
        .monitoring_schedule_config(pointing_at("quality-2", Kind::ModelQuality))
        .send()
        .await
        .unwrap();
    assert!(
        updated
            .monitoring_schedule_arn()
            .unwrap()
            .ends_with("monitoring-schedule/ModelQuality")
    );
    let target = sagemaker.scheduled_definition("ModelQuality").unwrap();
    assert_eq!(target.constraints(), Some("s3://baselines/2.json"));
    let schedule = describe(&client, "ModelQuality").await;
    assert_eq!(schedule.endpoint_name(), Some("churn-b"));
    let (created, modified) = (
        schedule.creation_time().unwrap(),
        schedule.last_modified_time().unwrap(),
    );
    assert_eq!(modified.secs() - created.secs(), 3600);
    let untouched = sagemaker.scheduled_definition("ModelBias").unwrap();
    assert_eq!(untouched.name, "ModelBias-1");

    // The configuration is replaced as a whole.
    let bare = MonitoringScheduleConfig::builder()
        .monitoring_job_definition_name("ModelQuality-1")
        .monitoring_type(Kind::ModelQuality)
        .build();
    let update = client
        .update_monitoring_schedule()
        .monitoring_schedule_name("ModelQuality");
    update
        .monitoring_schedule_config(bare)
        .send()
        .await
        .unwrap();
    let schedule = describe(&client, "ModelQuality").await;
    assert!(
        schedule
            .monitoring_schedule_config()
            .unwrap()
            .schedule_config()
            .is_none()
    );
}

#[tokio::test]
async fn an_update_that_makes_no_sense_changes_nothing() {
    let (sandbox, client) = sandbox().await;
    monitored(sandbox.sagemaker());
    let before = sandbox.sagemaker().schedule("ModelBias").unwrap();
    let update = |name: &str, config| {
        let update = client
            .update_monitoring_schedule()
            .monitoring_schedule_name(name);
        update.monitoring_schedule_config(config).send()
    };
    let unknown = update("none", pointing_at("ModelBias-1", Kind::ModelBias)).await;
    assert_eq!(code(&unknown), "ResourceNotFound");
    let config = MonitoringScheduleConfig::builder;
    for (config, reason) in [
        (pointing_at("none", Kind::ModelBias), "does not exist"),
        // It exists, but is of another type.
        (
            pointing_at("ModelBias-1", Kind::ModelQuality),
            "does not exist",
        ),
        (
            config()
                .monitoring_job_definition_name("ModelBias-1")
                .build(),
            "must be given",
        ),
        (config().build(), "must be given"),
        (
            config()
                .schedule_config(
                    ScheduleConfig::builder()
                        .schedule_expression("rate(1 hour)")
                        .build(),
                )
                .monitoring_job_definition_name("ModelBias-1")
                .monitoring_type(Kind::ModelBias)
                .build(),
            "schedule expression",
        ),
    ] {
        let refused = update("ModelBias", config).await;
        assert_eq!(code(&refused), "ValidationException", "{reason}");
        assert!(message(&refused).contains(reason), "{}", message(&refused));
    }
    let kind = FaultKind::Refuse {
        code: "ResourceLimitExceeded".to_owned(),
        message: "full".to_owned(),
    };
    sandbox.faults().inject(Fault::on(
        Service::SageMaker,
        "UpdateMonitoringSchedule",
        kind,
    ));
    let refused = update("ModelBias", pointing_at("ModelBias-1", Kind::ModelBias)).await;
    assert!(
        refused
            .unwrap_err()
            .into_service_error()
            .is_resource_limit_exceeded()
    );
    assert_eq!(sandbox.sagemaker().schedule("ModelBias").unwrap(), before);
}

#[tokio::test]
async fn a_definition_within_a_schedule_is_read_and_checked() {
    let (sandbox, client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    let named = NewJobDefinition::new(MonitoringType::DataQuality, "x", "churn").request();
    let inline = json!({
        "BaselineConfig": {"ConstraintsResource": {"S3Uri": "s3://b/c"}},
        "MonitoringInputs": [named["DataQualityJobInput"]],
        "MonitoringOutputConfig": named["DataQualityJobOutputConfig"],
        "MonitoringResources": named["JobResources"],
        "MonitoringAppSpecification": {"ImageUri": "monitor"},
        "RoleArn": named["RoleArn"],
    });
    let config = json!({"MonitoringJobDefinition": inline});
    sagemaker
        .create_schedule(NewSchedule::with_config("old", config.clone()))
        .unwrap();
    let again = sagemaker.create_schedule(NewSchedule::with_config("Old", config.clone()));
    assert!(matches!(again, Err(ControlError::Taken(_))));
    let schedule = describe(&client, "old").await;
    assert_eq!(schedule.endpoint_name(), Some("churn"));
    assert_eq!(schedule.monitoring_type(), Some(&Kind::DataQuality));
    let config = schedule.monitoring_schedule_config().unwrap();
    let baseline = config
        .monitoring_job_definition()
        .unwrap()
        .baseline_config()
        .unwrap();
    assert_eq!(
        baseline.constraints_resource().unwrap().s3_uri(),
        Some("s3://b/c")
    );
    assert_eq!(sagemaker.scheduled_definition("old"), None);
    let both = json!({"MonitoringJobDefinition": inline, "MonitoringJobDefinitionName": "x"});
    assert!(sagemaker.edit_schedule("old", &both).is_err());
    let lacking = json!({"MonitoringJobDefinition": {"RoleArn": named["RoleArn"]}});
    assert!(sagemaker.edit_schedule("old", &lacking).is_err());
}

#[tokio::test]
async fn schedules_are_listed_newest_first_and_filtered() {
    let (sandbox, client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    for (kind, endpoint) in TYPES.into_iter().zip(["a", "b", "a", "b"]) {
        let name = kind.as_str();
        let definition = NewJobDefinition::new(kind, name, endpoint);
        sagemaker.create_job_definition(&definition).unwrap();
        sagemaker
            .create_schedule(NewSchedule::hourly(name, kind, name))
            .unwrap();
        sandbox.clock().advance(SignedDuration::from_mins(1));
    }
    sagemaker
        .set_schedule_status("ModelBias", ScheduleStatus::Stopped)
        .unwrap();
    let list = || client.list_monitoring_schedules();
    let names = |answer: &ListMonitoringSchedulesOutput| {
        let summaries = answer.monitoring_schedule_summaries().iter();
        summaries
            .map(|item| item.monitoring_schedule_name().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = list().send().await.unwrap();
    assert_eq!(
        names(&all),
        [
            "ModelExplainability",
            "ModelBias",
            "ModelQuality",
            "DataQuality"
        ]
    );
    let newest = &all.monitoring_schedule_summaries()[0];
    assert_eq!(
        newest.monitoring_job_definition_name(),
        Some("ModelExplainability")
    );
    assert_eq!(newest.monitoring_type(), Some(&Kind::ModelExplainability));
    let found = list().endpoint_name("a").send().await.unwrap();
    assert_eq!(names(&found), ["ModelBias", "DataQuality"]);
    let found = list()
        .monitoring_type_equals(Kind::ModelQuality)
        .send()
        .await
        .unwrap();
    assert_eq!(names(&found), ["ModelQuality"]);
    let found = list().status_equals(Status::Stopped).send().await.unwrap();
    assert_eq!(names(&found), ["ModelBias"]);
    let found = list()
        .monitoring_job_definition_name("DataQuality")
        .send()
        .await
        .unwrap();
    assert_eq!(names(&found), ["DataQuality"]);
    let found = list()
        .name_contains("Quality")
        .max_results(1)
        .send()
        .await
        .unwrap();
    assert_eq!(names(&found), ["ModelQuality"]);
    let rest = list()
        .name_contains("Quality")
        .next_token(found.next_token().unwrap());
    assert_eq!(names(&rest.send().await.unwrap()), ["DataQuality"]);
}

#[tokio::test]
async fn schedules_and_packages_are_seeded() {
    let (sandbox, client) = sandbox().await;
    let seed = Seed::from_json(
        r#"{
            "modelPackages": [{"group": "churn", "approvalStatus": "Approved", "details": {
                "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Live"}
            }}],
            "jobDefinitions": [{"type": "DataQuality", "name": "d-1", "endpoint": "churn",
                "constraints": "s3://b/c", "statistics": "s3://b/s"}],
            "monitoringSchedules": [{"name": "data", "type": "DataQuality", "definition": "d-1"}]
        }"#,
    )
    .unwrap();
    sandbox.seed(&seed).unwrap();
    let target = sandbox.sagemaker().scheduled_definition("data").unwrap();
    assert_eq!(
        (target.constraints(), target.statistics()),
        (Some("s3://b/c"), Some("s3://b/s"))
    );
    assert_eq!(
        describe(&client, "data").await.endpoint_name(),
        Some("churn")
    );
    let package = &sandbox.sagemaker().packages()[0];
    assert_eq!(package.details["ModelLifeCycle"]["Stage"], "Production");
    for bad in [
        r#"{"modelPackages": [{"group": "a", "approvalStatus": "Approved", "details": {"X": 1}}]}"#,
        r#"{"monitoringSchedules": [{"name": "b", "type": "ModelBias", "definition": "d-1"}]}"#,
        r#"{"jobDefinitions": [{"type": "DataQuality", "name": "d-1", "endpoint": "churn"}]}"#,
    ] {
        assert!(
            sandbox.seed(&Seed::from_json(bad).unwrap()).is_err(),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn faults_and_lower_case_arns_work_as_elsewhere() {
    let (sandbox, client) = sandbox().await;
    monitored(sandbox.sagemaker());
    sandbox.sagemaker().lower_case_arns(true);
    let fault = Fault::on(
        Service::SageMaker,
        "DescribeMonitoringSchedule",
        FaultKind::Throttle,
    );
    sandbox.faults().inject(fault);
    let read = || {
        client
            .describe_monitoring_schedule()
            .monitoring_schedule_name("ModelBias")
            .send()
    };
    assert_eq!(code(&read().await), "ThrottlingException");
    let arn = read().await.unwrap().monitoring_schedule_arn.unwrap();
    assert!(arn.ends_with("monitoring-schedule/modelbias"), "{arn}");
    let definition = sandbox
        .sagemaker()
        .scheduled_definition("ModelBias")
        .unwrap();
    assert!(
        definition
            .arn
            .ends_with("model-bias-job-definition/modelbias-1")
    );
}
