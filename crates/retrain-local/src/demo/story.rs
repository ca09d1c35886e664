//! What happens to the model `fraud-detection` on three days.

use std::io::Write;

use super::Problem;
use super::stage::Stage;

pub(super) async fn tell(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.introduce(
        "Three days of the model fraud-detection on a local AWS: real handlers, real SDK clients,\n\
         strict services, an embedded DynamoDB. Minimum interval: 6h. New training data is\n\
         enough with 10,000 rows and 10 minutes without more.",
    )?;
    first_alarm(stage).await?;
    held_and_withdrawn(stage).await?;
    crash(stage).await?;
    flapping(stage).await?;
    new_data(stage).await?;
    release(stage).await?;
    stage.close_deployments()?;
    stage.close()
}

async fn first_alarm(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.at("06:00")?;
    let alarm = stage.now("drift-alarm/alarm")?;
    stage
        .deliver("Data-quality drift: the alarm enters ALARM", &alarm)
        .await?;
    stage.wait(1);
    stage
        .deliver("EventBridge delivers the same event again", &alarm)
        .await?;
    let muted = stage.now("drift-alarm/muted")?;
    stage
        .deliver("An alarm that somebody muted", &muted)
        .await?;
    let latency = stage.now("drift-alarm/infrastructure-latency")?;
    stage
        .deliver("Latency of the endpoint: no drift", &latency)
        .await
}

async fn held_and_withdrawn(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.at("06:40")?;
    stage
        .execution_succeeds("The pipeline execution has succeeded")
        .await?;
    stage.at("07:30")?;
    let alarm = stage.now("drift-alarm/model-quality-alarm")?;
    stage
        .deliver("Model-quality drift, inside the minimum interval", &alarm)
        .await?;
    stage.at("08:15")?;
    let ok = stage
        .now("drift-alarm/ok")?
        .of_alarm("fraud-detection-model-quality");
    stage
        .deliver("It returns to OK: its cause has gone", &ok)
        .await?;
    stage
        .deliver("Its ALARM is delivered once more, late", &alarm)
        .await
}

async fn crash(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.at("12:30")?;
    let alarm = stage.now("drift-alarm/anomaly-band")?;
    stage
        .deliver_and_crash(
            "A custom metric leaves its band; the worker dies between claim and start",
            &alarm,
        )
        .await?;
    stage.wait(1);
    stage
        .deliver(
            "Lambda delivers again: the first worker's lease is live",
            &alarm,
        )
        .await?;
    stage.wait(2);
    stage
        .deliver(
            "And again: the lease is over, the claim is finished",
            &alarm,
        )
        .await
}

async fn flapping(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.at("13:15")?;
    stage
        .execution_succeeds("The pipeline execution has succeeded")
        .await?;
    for hour in 14..17 {
        stage.at(&format!("{hour}:00"))?;
        let alarm = stage.now("drift-alarm/alarm")?;
        stage
            .deliver("The data-quality alarm flaps: ALARM", &alarm)
            .await?;
        stage.at(&format!("{hour}:20"))?;
        let ok = stage.now("drift-alarm/ok")?;
        stage.deliver("… and OK", &ok).await?;
    }
    stage.at("17:00")?;
    let alarm = stage.now("drift-alarm/alarm")?;
    stage
        .deliver("… and ALARM, this time it stays", &alarm)
        .await?;
    stage.at("18:33")?;
    stage
        .reconcile("The interval is over, and the cause is still there")
        .await
}

async fn new_data(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.at("19:30")?;
    stage
        .execution_succeeds("The pipeline execution has succeeded")
        .await?;
    let rows = |count| "0.5,17,0\n".repeat(count);
    stage.next_day_at("08:00")?;
    stage
        .object_arrives(
            "The next day: training data arrives",
            "training/1.csv",
            &rows(6_000),
        )
        .await?;
    stage.wait(5);
    stage
        .object_arrives(
            "More of it; the queue delivers the first object's event again",
            "training/2.csv",
            &rows(3_000),
        )
        .await?;
    stage.wait(5);
    stage
        .object_arrives(
            "The first object is overwritten by a longer one",
            "training/1.csv",
            &rows(7_500),
        )
        .await?;
    stage.wait(5);
    stage
        .object_arrives(
            "A Parquet file that was cut off",
            "training/3.parquet",
            "PAR1 and no footer",
        )
        .await?;
    stage.wait(10);
    stage
        .reconcile("Nothing more has come for 10 minutes")
        .await?;
    stage.manifest().await?;
    stage.wait(20);
    stage
        .object_arrives(
            "What comes while it runs is for the next run",
            "training/4.csv",
            &rows(1_000),
        )
        .await?;
    stage.wait(15);
    stage
        .execution_succeeds("The pipeline execution has succeeded")
        .await
}

async fn release(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.build_environments()?;
    stage.third_day_at("06:00")?;
    stage.add_environments(
        "The third day: the policy gets a gate and two environments, staging and production",
    )?;
    stage.wait(5);
    let alarm = stage.now("drift-alarm/alarm")?;
    stage.deliver("Data-quality drift", &alarm).await?;
    stage.wait(45);
    stage
        .package_is_registered("The run registers a package with an AUC of 0.931", "0.931")
        .await?;
    stage
        .execution_succeeds("The pipeline execution has succeeded")
        .await?;
    stage.wait(2);
    stage
        .reconcile("Nobody has contradicted: what the gate approved is deployed")
        .await?;
    stage.wait(20);
    stage
        .deployment_succeeds("The deployment to staging has succeeded", "staging")
        .await?;
    stage
        .metadata_is_edited("Somebody edits the package's metadata")
        .await?;
    stage.third_day_at("09:00")?;
    stage
        .person_promotes("A person promotes it to production", "production")
        .await?;
    stage.wait(20);
    stage
        .deployment_succeeds("The deployment to production has succeeded", "production")
        .await?;
    stage.baseline()?;
    stage.third_day_at("14:00")?;
    let alarm = stage.now("drift-alarm/alarm")?;
    stage
        .deliver(
            "Drift again: the next run is compared with the new champion",
            &alarm,
        )
        .await
}
