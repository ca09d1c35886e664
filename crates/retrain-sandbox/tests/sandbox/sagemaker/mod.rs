//! SageMaker's registry and monitoring, through the SDK.

mod definitions;
mod events;
mod groups;
mod limits;
mod packages;
mod schedules;
mod update;

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use retrain_sandbox::sagemaker::{MonitoringType, NewJobDefinition, NewSchedule, SageMaker};
use retrain_sandbox::{Options, Sandbox};

use crate::client;

/// A sandbox and a client of it.
async fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let client = Client::new(&client::config(&sandbox));
    (sandbox, client)
}

/// The code of an error; nothing if there is none.
fn code<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E>>) -> &str {
    let error = result.as_ref().err();
    error.map_or("", |error| error.code().expect("it is answered"))
}

/// The message of an error.
fn message<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E>>) -> &str {
    let error = result.as_ref().err().expect("it is refused");
    error.message().expect("it is answered")
}

const TYPES: [MonitoringType; 4] = [
    MonitoringType::DataQuality,
    MonitoringType::ModelQuality,
    MonitoringType::ModelBias,
    MonitoringType::ModelExplainability,
];

/// A schedule of each type, each with its definition `{type}-1`.
fn monitored(sagemaker: &SageMaker) {
    for kind in TYPES {
        let name = kind.as_str();
        let definition = NewJobDefinition::new(kind, &format!("{name}-1"), "churn")
            .constraints(&format!("s3://baselines/{name}/constraints.json"));
        let definition = match kind {
            MonitoringType::DataQuality => definition.statistics("s3://baselines/statistics.json"),
            _ => definition,
        };
        sagemaker.create_job_definition(&definition).unwrap();
        let schedule = NewSchedule::hourly(name, kind, &definition.name);
        sagemaker.create_schedule(schedule).unwrap();
    }
}
