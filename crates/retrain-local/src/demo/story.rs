//! What happens to the model `fraud-detection` on one day.

use std::io::Write;

use super::Problem;
use super::stage::Stage;

pub(super) async fn tell(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.introduce(
        "One day of the model fraud-detection on a local AWS: real handler, real SDK clients,\n\
         a strict SageMaker and Parameter Store, an embedded DynamoDB. Minimum interval: 6h.",
    )?;
    first_alarm(stage).await?;
    held_and_withdrawn(stage).await?;
    crash(stage).await?;
    flapping(stage).await?;
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
