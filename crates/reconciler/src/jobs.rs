//! Stages of release pipelines that ask for retraining and wait for it.

use retrain_aws::{Answer, AwsController, Fulfilment, JobAnswer};
use retrain_controller::{Class, Clock};
use retrain_core::policy::PolicyInForce;
use retrain_core::slot::{Fate, Settled};
use retrain_events::{CodeJob, CodeRequest, NoImprovement};
use retrain_lambda::Failure;

/// Handles one look of a stage, and answers its job.
///
/// Whatever is wrong with what the stage asks for is told to the stage, which fails at
/// once instead of waiting until it is too late. So is a failure that stays, which is
/// an error here too. After one that may pass the look is repeated.
pub(crate) async fn look(
    controller: &AwsController,
    job: &CodeJob,
    clock: &impl Clock,
) -> Result<Answer, Failure> {
    let looked = answered(controller, job, clock).await;
    if let Err(failure) = &looked
        && failure.class() == Class::Terminal
    {
        refuse(controller, job, &failure.to_string(), clock).await?;
    }
    looked
}

async fn answered(
    controller: &AwsController,
    job: &CodeJob,
    clock: &impl Clock,
) -> Result<Answer, Failure> {
    let request = match &job.asks {
        Ok(request) => request,
        Err(error) => return refuse(controller, job, &error.to_string(), clock).await,
    };
    let policies = controller.policies(clock).await?;
    let Some(policy) = policies.of(&request.model) else {
        let why = match policies.broken_of(&request.model) {
            Some(invalid) => invalid.to_string(),
            None => format!("no policy is stored for the model {}", request.model),
        };
        return refuse(controller, job, &why, clock).await;
    };
    let event = request.event(clock.now());
    let subject = event.to_string();
    let answer = controller.handle(&subject, &event, policy, clock).await?;
    let reply = reply(controller, request, policy, &answer, clock).await?;
    controller.answer_job(&job.id, &reply).await?;
    Ok(answer)
}

async fn refuse(
    controller: &AwsController,
    job: &CodeJob,
    why: &str,
    clock: &impl Clock,
) -> Result<Answer, Failure> {
    let reply = JobAnswer::Failed {
        why: why.to_owned(),
    };
    controller.answer_job(&job.id, &reply).await?;
    Ok(AwsController::ignore(
        &format!("job {}", job.id),
        &why,
        clock,
    ))
}

async fn reply(
    controller: &AwsController,
    request: &CodeRequest,
    policy: &PolicyInForce,
    answer: &Answer,
    clock: &impl Clock,
) -> Result<JobAnswer, Failure> {
    let found = controller.settled(&policy.model, &request.key, clock);
    Ok(match found.await? {
        Fulfilment::Waits => JobAnswer::Wait,
        Fulfilment::Settled(settled) => fate(&settled, request.no_improvement),
        // The policy drops it, say; or it was settled so long ago that nobody knows.
        Fulfilment::Unknown => JobAnswer::Failed {
            why: format!("{}: {}", answer.outcome, answer.reason),
        },
    })
}

fn fate(settled: &Settled, no_improvement: NoImprovement) -> JobAnswer {
    let by = match &settled.execution {
        Some(execution) => format!("{execution} ({})", execution.console_url()),
        None => "no execution".to_owned(),
    };
    let failed = |why: &str| JobAnswer::Failed {
        why: format!("{why}: {by}"),
    };
    match settled.fate {
        Fate::Served => JobAnswer::Done {
            summary: format!("retrained by {by}"),
        },
        Fate::NoImprovement => match no_improvement {
            NoImprovement::Fail => failed("the new model is no better than the old one"),
            NoImprovement::Succeed => JobAnswer::Done {
                summary: format!("the new model is no better, the old one stays: {by}"),
            },
        },
        Fate::GivenUp => failed("too many executions have failed, at last"),
        Fate::Discarded => failed("a person stopped the execution"),
        Fate::Observed => failed("the policy only observes"),
    }
}
