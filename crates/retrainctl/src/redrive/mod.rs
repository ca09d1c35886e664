//! `retrainctl redrive`: dead letters, back to the functions and queues where they belong.

mod invoke;
mod letter;
mod listing;
mod models;
mod queue;

use std::io::Write;

use jiff::Timestamp;
use retrain_controller::Clock;
use retrain_policies::PolicySet;

use self::invoke::Invoker;
use self::letter::{Letter, Message, Own, To};
use self::listing::{Became, Shown, table, tell};
use self::queue::{Queue, Sender};
use crate::arns::{name_of, stack_of_queue};
use crate::cli::redrive::RedriveArgs;
use crate::exit::{Exit, Failure};
use crate::operate::Surroundings;
use crate::operate::place::{StoredPolicies, any_policy_place};
use crate::words::several;

/// A letter with where it lies.
struct Chosen {
    queue: usize,
    message: Message,
    letter: Letter,
    shown: Shown,
}

/// Does what the command line asks.
pub(crate) async fn run(
    args: &RedriveArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    if !(args.yes || args.dry_run) {
        // Otherwise letters would be hidden from others for nothing.
        around.must_be_attended()?;
    }
    let now = around.clock.now();
    let policies = policies(args, around).await?;
    let client = aws_sdk_sqs::Client::new(around.aws);
    let mut queues = Vec::new();
    for url in &args.queues {
        match Queue::receive(&client, url, args.max, now).await {
            Ok(queue) => queues.push(queue),
            Err(failure) => {
                give_back(&queues, &[]).await;
                return Err(failure);
            }
        }
    }
    let mut chosen = chosen(args, &queues, policies.as_ref(), now);
    let done = Box::pin(go_on(args, around, &queues, &mut chosen, out, err)).await;
    let sent: Vec<&str> = chosen
        .iter()
        .filter(|one| one.shown.became == Became::Sent)
        .map(|one| one.message.id.as_str())
        .collect();
    give_back(&queues, &sent).await;
    if matches!(done, Ok(false)) {
        writeln!(err, "nothing was done")?;
        return Ok(Exit::No);
    }
    tell(args, &queues, &chosen, now, out, err)?;
    done?;
    let stays = chosen.iter().any(|one| one.shown.became == Became::Stays);
    Ok(if stays { Exit::No } else { Exit::Done })
}

/// Sends what was chosen, if that is wanted; whether it was.
async fn go_on(
    args: &RedriveArgs,
    around: &Surroundings<'_, impl Clock>,
    queues: &[Queue],
    chosen: &mut [Chosen],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<bool, Failure> {
    let now = around.clock.now();
    let count = chosen.iter().filter(|one| one.letter.to.is_ok()).count();
    if args.dry_run || count == 0 {
        return Ok(true);
    }
    if !args.yes {
        write!(err, "{}", table(chosen, now))?;
        let question = format!("Send {} again?", several(count as u64, "letter"));
        if !around.goes_on(&question, out, err)? {
            return Ok(false);
        }
    }
    let mut sender = Sender::new(aws_sdk_sqs::Client::new(around.aws));
    let invoker = Invoker::new(around.aws, args.wait);
    for one in chosen {
        let (Ok(to), Some(queue)) = (&one.letter.to, queues.get(one.queue)) else {
            continue;
        };
        if !queue.is_hidden(around.clock.now()) {
            return Err(Failure::Aws(
                "it took so long that others may receive the letters by now: run it again".into(),
            ));
        }
        let refused = match to {
            To::Function(arn) => invoker.invoke(arn, &one.letter.payload).await?,
            To::Queue(arn) => sender.send(arn, &one.message).await?,
        };
        if let Some(why) = refused {
            (one.shown.became, one.shown.why) = (Became::Stays, Some(why));
            continue;
        }
        one.shown.became = Became::Sent;
        queue.delete(&one.message).await?;
    }
    Ok(true)
}

async fn give_back(queues: &[Queue], sent: &[&str]) {
    for queue in queues {
        let left = |message: &Message| !sent.contains(&message.id.as_str());
        queue.give_back(left).await;
    }
}

/// The policies, where it is known where they are.
async fn policies(
    args: &RedriveArgs,
    around: &Surroundings<'_, impl Clock>,
) -> Result<Option<PolicySet>, Failure> {
    match any_policy_place(&args.policies, around)? {
        Some(place) => Ok(Some(StoredPolicies::at(place, around).policies().await?)),
        None if args.model.is_none() => Ok(None),
        None => Err(Failure::Usage(
            "--model needs the policies: give --policy-path or --policy-bundle, or set RETRAIN_POLICY_PATH or RETRAIN_POLICY_BUNDLE"
                .to_owned(),
        )),
    }
}

/// The letters that are meant, the oldest first.
fn chosen(
    args: &RedriveArgs,
    queues: &[Queue],
    policies: Option<&PolicySet>,
    now: Timestamp,
) -> Vec<Chosen> {
    let mut chosen = Vec::new();
    for (number, queue) in queues.iter().enumerate() {
        let own = Own {
            account: queue.account(),
            stack: args
                .stack
                .as_deref()
                .or_else(|| stack_of_queue(queue.name())),
            data_queue: args.data_queue.as_deref(),
        };
        for message in &queue.messages {
            let letter = Letter::read(message, own);
            let shown = Shown::of(queue, message, &letter, policies);
            if is_meant(args, message, &letter, &shown, now) {
                chosen.push(Chosen {
                    queue: number,
                    message: message.clone(),
                    letter,
                    shown,
                });
            }
        }
    }
    chosen.sort_by(|a, b| (a.message.sent, &a.message.id).cmp(&(b.message.sent, &b.message.id)));
    chosen.truncate(args.limit.unwrap_or(usize::MAX));
    chosen
}

fn is_meant(
    args: &RedriveArgs,
    message: &Message,
    letter: &Letter,
    shown: &Shown,
    now: Timestamp,
) -> bool {
    let age = now.duration_since(message.sent);
    let to = shown.to.as_deref().map(name_of).unwrap_or_default();
    let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    args.model
        .as_ref()
        .is_none_or(|model| shown.models.contains(model))
        && args
            .from
            .as_ref()
            .is_none_or(|part| has(&letter.from, part) || has(to, part))
        && args
            .reason
            .as_ref()
            .is_none_or(|part| has(&letter.reason, part))
        && args.older_than.is_none_or(|least| age > least.duration())
        && args.newer_than.is_none_or(|most| age < most.duration())
}
