//! Three weeks of the model `fraud-detection`.

use std::io::Write;

use retrain_sandbox::sagemaker::ApprovalStatus;
use serde_json::json;

use super::stage::{Days, Stage};
use super::training::{NOT_BETTER, Run};
use super::{Problem, ensure};
use crate::MODEL;

/// How high prices are before and after they have risen.
const CALM: f64 = 1.0;
const RISEN: f64 = 2.0;

pub(super) async fn tell(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.say(
        "The reference loop on a local AWS: the example's own scripts train, evaluate and measure;\n\
         the controller decides. Policy: examples/fraud-detection/policy.json.",
    )?;
    let run = first_model(stage).await?;
    let first = stage.released("release-1", run.trainings).await?;
    stage.at("2026-01-30T09:00")?;
    stage.refactored().await?;
    drift(stage, &first).await?;
    quick_try(stage, &first).await?;
    renamed_column(stage).await?;
    better_model(stage).await?;
    close(stage)
}

/// The first model is trained and registered.
pub(super) async fn first_model(stage: &mut Stage<impl Write>) -> Result<Run, Problem> {
    stage.at("2026-01-26T06:00")?;
    let days = Days {
        from: "2026-01-12",
        count: 14,
        price_level: CALM,
        seed: 1,
        rename: "",
    };
    stage
        .data_arrives("Two weeks of transactions arrive", days)
        .await?;
    let request = json!({
        "request": "retrain", "model": MODEL, "key": "first", "by": "ana", "why": "the first model",
    });
    stage
        .asks("A person asks for the first model", &request)
        .await?;
    let title = "Its pipeline runs: process, train, evaluate, compare, register";
    let run = stage.training_runs(title, "the first one").await?;
    run.must_succeed()?;
    Ok(run)
}

async fn drift(stage: &mut Stage<impl Write>, serving: &str) -> Result<(), Problem> {
    stage.at("2026-02-10T00:00")?;
    let title = "The endpoint on a calm evening";
    stage.hours_pass(title, serving, 2, CALM).await?;
    let days = Days {
        from: "2026-01-26",
        count: 15,
        price_level: CALM,
        seed: 2,
        rename: "",
    };
    stage
        .data_arrives("Labelled transactions up to yesterday", days)
        .await?;
    stage.at("2026-02-10T03:00")?;
    let title = "Prices have doubled overnight: the feature amount shifts";
    stage.hours_pass(title, serving, 3, RISEN).await?;
    ensure(
        stage.monitor.is_in_alarm(),
        "three hours of risen prices are no drift",
    )?;
    let title = "Retraining on data that does not know the new prices yet";
    let run = stage.training_runs(title, "too early").await?;
    run.must_fail_in(NOT_BETTER.0, NOT_BETTER.1)?;
    ensure(
        stage.newest_package()?.version == 1,
        "a model that is no better was registered",
    )
}

async fn quick_try(stage: &mut Stage<impl Write>, serving: &str) -> Result<(), Problem> {
    stage.at("2026-02-10T09:00")?;
    let given = [
        (
            "InputDataUri",
            "s3://fraud-detection-data-111122223333/training/",
        ),
        ("TrainingWindowStart", "2026-01-27T00:00:00Z"),
        ("BaselineModelPackageArn", serving),
        ("ControllerToken", "by-hand"),
        ("MaxIterations", "3"),
        ("MinAucImprovement", "-1"),
    ];
    let title = "Somebody starts a quick try by hand, with the pipeline's own check switched off";
    stage.started_by_hand(title, &given).await?;
    let title = "It is really worse, is registered all the same, and meets the gate";
    let run = stage.training_runs(title, "the quick try").await?;
    run.must_succeed()?;
    let package = stage.newest_package()?;
    ensure(
        package.version == 2 && package.approval_status == ApprovalStatus::Rejected,
        "the gate has not rejected the worse model",
    )?;
    let verdict = stage.judged.last().map(|judged| judged.verdict.as_str());
    ensure(
        verdict.is_some_and(|verdict| verdict.contains("fail: /comparison/auc_improvement/value")),
        "the gate has rejected it over something else",
    )
}

async fn renamed_column(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.at("2026-02-13T09:00")?;
    let days = |from, count, seed, rename| Days {
        from,
        count,
        price_level: RISEN,
        seed,
        rename,
    };
    stage
        .data_arrives("Two more days are labelled", days("2026-02-10", 2, 3, ""))
        .await?;
    let renamed = days("2026-02-12", 1, 4, "amount=amount_eur");
    stage
        .data_arrives("And one in which somebody has renamed a column", renamed)
        .await?;
    let title = "The interval is over, and the alarm still stands";
    stage.reconcile(title).await?;
    let title = "The renamed column is caught before anything is trained";
    let run = stage.training_runs(title, "of a renamed column").await?;
    run.must_fail_in("ProcessData", "amount_eur")?;
    ensure(run.steps() == 1, "it was trained on a renamed column")?;
    stage.at("2026-02-13T15:00")?;
    stage
        .data_arrives("Upstream has mended the day", days("2026-02-12", 1, 4, ""))
        .await
}

async fn better_model(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.at("2026-02-16T09:00")?;
    let days = Days {
        from: "2026-02-13",
        count: 3,
        price_level: RISEN,
        seed: 5,
        rename: "",
    };
    stage
        .data_arrives("Three more days are labelled", days)
        .await?;
    let title = "The interval is over: the same alarm, now with a week of the new prices";
    stage.reconcile(title).await?;
    let title = "Retraining on data that knows them";
    let run = stage.training_runs(title, "the retrained one").await?;
    run.must_succeed()?;
    let serving = stage.released("release-3", run.trainings).await?;
    stage.at("2026-02-16T16:00")?;
    let title = "The new model's baseline knows the new prices: the alarm ends";
    stage.hours_pass(title, &serving, 4, RISEN).await?;
    ensure(
        !stage.monitor.is_in_alarm(),
        "the alarm outlasts the model that it asked for",
    )
}

fn close(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    let judged = std::mem::take(&mut stage.judged);
    stage.say("\nModels, each beside the approved one on the same newest data")?;
    stage.say("  model               AUC    before  verdict")?;
    for result in &judged {
        let line = format!(
            "  {:<18}  {:.3}  {:.3}   {}",
            result.model, result.auc, result.baseline, result.verdict
        );
        stage.say(&line)?;
    }
    let auc = |model: &str| {
        let mut judged = judged.iter();
        let found = judged.find(|result| result.model == model);
        found.map(|result| (result.auc, result.baseline))
    };
    let (worse, better) = (auc("the quick try"), auc("the retrained one"));
    ensure(
        worse.is_some_and(|(auc, before)| auc < before),
        "the quick try is no worse model",
    )?;
    ensure(
        better.is_some_and(|(auc, before)| auc >= before + 0.02),
        "the retrained model is no better",
    )?;
    // Both the first job and the training are cached, each by the token of its start.
    let executions = stage.deployment.sandbox.sagemaker().executions();
    let mut steps = executions.iter().flat_map(|execution| &execution.steps);
    ensure(
        steps.all(|step| step.cached_from.is_none()),
        "a start has taken the result of another one",
    )?;
    let trainings = stage.trainings();
    let deployments = stage.deployments();
    let packages = stage.deployment.sandbox.sagemaker().packages();
    let status = |status| {
        let with = packages.iter().filter(|one| one.approval_status == status);
        with.count()
    };
    let approved = status(ApprovalStatus::Approved);
    ensure(trainings == 6, "six trainings were asked for")?;
    ensure(
        (approved, status(ApprovalStatus::Rejected), packages.len()) == (2, 1, 3),
        "two of three packages are approved",
    )?;
    ensure(
        deployments == 2 * approved,
        "each approved package comes once to each environment",
    )?;
    stage.say(&format!(
        "\n{trainings} trainings, {deployments} deployments of {approved} approved packages; no approval has trained."
    ))
}
