//! The first model as the best of a small grid, and what the cache keeps of it.

use std::io::Write;

use retrain_sandbox::sagemaker::ApprovalStatus;
use serde_json::Value;

use super::stage::Stage;
use super::story::first_model;
use super::training::NOT_BETTER;
use super::{Problem, ensure};

const STEP: &str = "TuneModel";

pub(super) async fn tell(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.say("The pipeline of the reference loop with a tuning job, on a local AWS.")?;
    let run = first_model(stage).await?;
    ensure(run.cached().is_empty(), "there was nothing to take yet")?;
    trials(stage)?;
    let package = stage.newest_package()?;
    ensure(
        package.approval_status == ApprovalStatus::Approved,
        "the gate has not approved the best model",
    )?;
    repeated(stage).await
}

/// Each training of the grid, the best first, which is the one that was registered.
fn trials(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    let sagemaker = stage.deployment.sandbox.sagemaker();
    let execution = sagemaker.executions().pop().ok_or("nothing was started")?;
    let tuned = sagemaker.step_properties(&execution.arn, STEP);
    let tuned = tuned.ok_or("nothing was tuned")?;
    let trials = tuned["TrainingJobSummaries"].as_array();
    let trials = trials.ok_or("the trainings are not listed")?;
    ensure(trials.len() == 4, "the grid has four points")?;
    let mut before = f64::INFINITY;
    for trial in trials {
        let metric = &trial["FinalHyperParameterTuningJobObjectiveMetric"];
        let value = metric["Value"].as_f64().ok_or("a training has no metric")?;
        ensure(value <= before, "the trainings are not in their order")?;
        before = value;
        let told = format!(
            "learning rate {}, at most {} leaves: AUC {value:.4} on the newest days",
            text(trial, "learning_rate"),
            text(trial, "max_leaf_nodes"),
        );
        stage.line("tried", &told)?;
    }
    let best = tuned["BestTrainingJob"]["TrainingJobName"].as_str();
    let package = stage.newest_package()?;
    let url = &package.details["InferenceSpecification"]["Containers"][0]["ModelDataUrl"];
    let is_best = { url.as_str().zip(best) }
        .is_some_and(|(url, best)| url.ends_with(&format!("/{best}/output/model.tar.gz")));
    ensure(is_best, "another model than the best was registered")
}

fn text<'a>(trial: &'a Value, name: &str) -> &'a str {
    trial["TunedHyperParameters"][name].as_str().unwrap_or("?")
}

/// The same start again trains nothing; under another token it would.
async fn repeated(stage: &mut Stage<impl Write>) -> Result<(), Problem> {
    stage.wait(30);
    let first = stage.deployment.sandbox.sagemaker().executions();
    let first = first.into_iter().next().ok_or("nothing was started")?;
    let given: Vec<(&str, &str)> = { first.parameters.iter() }
        .filter(|(name, _)| *name != "MinAucImprovement")
        .map(|(name, value)| (&**name, &**value))
        .chain([("MinAucImprovement", "1")])
        .collect();
    let title = "Somebody starts it again with the same token, to see another limit";
    stage.started_by_hand(title, &given).await?;
    let title = "Nothing is processed or trained: the cache has it";
    let run = stage.training_runs(title, "the same again").await?;
    run.must_fail_in(NOT_BETTER.0, NOT_BETTER.1)?;
    ensure(
        run.cached() == ["ProcessData", STEP],
        "what is there already was done again",
    )
}
