//! `retrainctl redrive`: dead letters, back to the functions and queues where they belong.

mod letter;
mod models;
mod queue;

use std::io::{self, Write};

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Clock, chain};
use retrain_core::names::{ModelName, ParameterName};
use retrain_policies::{ParameterStore, PolicySet};
use serde::Serialize;

use self::letter::{Letter, Message, To};
use self::queue::Queue;
use crate::arns::name_of;
use crate::cli::redrive::RedriveArgs;
use crate::exit::{Exit, Failure};
use crate::operate::Surroundings;
use crate::words::{Table, ago, one_line, several};

/// A letter as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    queue: String,
    sent_at: Timestamp,
    models: Vec<ModelName>,
    from: String,
    /// The ARN where it goes; nothing if it stays.
    to: Option<String>,
    reason: String,
    became: Became,
    /// Why it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    /// It was not sent yet, or is not meant to be.
    WouldBeSent,
    Sent,
    Stays,
}

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
    let now = around.clock.now();
    let policies = policies(args, around, now).await?;
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
    let mut chosen = chosen(args, &queues, policies.as_deref(), now);
    let done = Box::pin(go_on(args, around, &queues, &mut chosen, err)).await;
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
        if !around.goes_on(&question, err)? {
            return Ok(false);
        }
    }
    let sqs = aws_sdk_sqs::Client::new(around.aws);
    let lambda = aws_sdk_lambda::Client::new(around.aws);
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
            To::Function(arn) => invoke(&lambda, arn, &one.letter.payload, args.wait).await?,
            To::Queue(arn) => {
                queue::send(&sqs, arn, &one.message).await?;
                None
            }
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

/// Hands an event to a function; why the function could not handle it, if it was waited
/// for.
///
/// Without waiting, Lambda has put the event into the function's own queue and answers for
/// it: it tries three times, and what fails then is a letter again. Waiting has no such
/// second line, so the letter itself stays until the function has handled it.
async fn invoke(
    client: &aws_sdk_lambda::Client,
    function: &str,
    event: &str,
    wait: bool,
) -> Result<Option<String>, Failure> {
    let kind = if wait {
        InvocationType::RequestResponse
    } else {
        InvocationType::Event
    };
    let invoked = client
        .invoke()
        .function_name(function)
        .invocation_type(kind)
        .payload(Blob::new(event))
        .send()
        .await;
    let invoked = match invoked {
        Ok(invoked) => invoked,
        // Lambda's answer is about this function: the letters of others may go.
        Err(error) if error.as_service_error().is_some() => return Ok(Some(chain(&error))),
        Err(error) => {
            let name = name_of(function);
            return Err(Failure::Aws(format!("invoke {name}: {}", chain(&error))));
        }
    };
    let answer = invoked.payload.map(Blob::into_inner).unwrap_or_default();
    Ok(match (invoked.function_error, wait) {
        (Some(error), _) => Some(failure_of(&error, &answer)),
        (None, false) if invoked.status_code != 202 => {
            Some(format!("Lambda answers {}", invoked.status_code))
        }
        (None, _) => None,
    })
}

fn failure_of(error: &str, answer: &[u8]) -> String {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |name| answer.get(name).and_then(serde_json::Value::as_str);
    match (text("errorType"), text("errorMessage")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(kind), None) => kind.to_owned(),
        (None, message) => format!("{error}: {}", message.unwrap_or("it does not say why")),
    }
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
    now: Timestamp,
) -> Result<Option<std::sync::Arc<PolicySet>>, Failure> {
    let path = args.policy_path.clone();
    let path = path.or_else(|| (around.variable)("RETRAIN_POLICY_PATH"));
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        return match &args.model {
            None => Ok(None),
            Some(_) => Err(Failure::Usage(
                "--model needs the policies: give --policy-path, or set RETRAIN_POLICY_PATH"
                    .to_owned(),
            )),
        };
    };
    let path = ParameterName::parse(path).map_err(|error| Failure::Usage(error.to_string()))?;
    let settings = retrain_policies::Settings {
        path,
        time_to_live: SignedDuration::ZERO,
    };
    let store = ParameterStore::new(aws_sdk_ssm::Client::new(around.aws), settings);
    Ok(Some(store.policies(now).await?))
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
        for message in &queue.messages {
            let letter = Letter::read(message, queue.account());
            let shown = shown(queue, message, &letter, policies);
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

fn shown(queue: &Queue, message: &Message, letter: &Letter, policies: Option<&PolicySet>) -> Shown {
    let event = serde_json::from_str(&letter.payload).unwrap_or_default();
    let models = letter.function().zip(policies);
    let models = models.map(|(function, policies)| models::of(&event, function, policies));
    let (to, became, why) = match &letter.to {
        Ok(To::Function(arn) | To::Queue(arn)) => (Some(arn.clone()), Became::WouldBeSent, None),
        Err(why) => (None, Became::Stays, Some(why.clone())),
    };
    Shown {
        id: message.id.clone(),
        queue: queue.name().to_owned(),
        sent_at: message.sent,
        models: models.into_iter().flatten().collect(),
        from: letter.from.clone(),
        to,
        reason: letter.reason.clone(),
        became,
        why,
    }
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

/// Says what became of the letters.
fn tell(
    args: &RedriveArgs,
    queues: &[Queue],
    chosen: &[Chosen],
    now: Timestamp,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    if args.json {
        let all: Vec<&Shown> = chosen.iter().map(|one| &one.shown).collect();
        let json = serde_json::to_value(all).map_err(io::Error::from)?;
        writeln!(out, "{json:#}")?;
    } else if !chosen.is_empty() {
        write!(out, "{}", table(chosen, now))?;
    }
    let count = |became| {
        let of = chosen.iter().filter(|one| one.shown.became == became);
        several(of.count() as u64, "letter")
    };
    let received: usize = queues.iter().map(|queue| queue.messages.len()).sum();
    let others = received - chosen.len();
    writeln!(
        err,
        "{} sent, {} would be sent, {} cannot be, {} not meant",
        count(Became::Sent),
        count(Became::WouldBeSent),
        count(Became::Stays),
        several(others as u64, "other"),
    )?;
    for queue in queues.iter().filter(|queue| !queue.is_all) {
        writeln!(
            err,
            "{} may hold more: --max looks at more at once",
            queue.name()
        )?;
    }
    Ok(())
}

fn table(chosen: &[Chosen], now: Timestamp) -> String {
    let columns = ["sent", "model", "from", "to", "reason", ""];
    let mut table = Table::new(columns.len(), columns.map(str::to_owned));
    for Chosen { shown, .. } in chosen {
        let models: Vec<&str> = shown.models.iter().map(ModelName::as_str).collect();
        let or_none = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
        let became = match (shown.became, &shown.why) {
            (Became::WouldBeSent, _) => String::new(),
            (Became::Sent, _) => "sent".to_owned(),
            (Became::Stays, why) => format!("stays: {}", why.as_deref().unwrap_or_default()),
        };
        table.row([
            ago(shown.sent_at, now),
            or_none(&models.join(", ")),
            or_none(&shown.from),
            or_none(shown.to.as_deref().map(name_of).unwrap_or_default()),
            or_none(&retrain_core::names::shortened(
                &one_line(&shown.reason),
                120,
            )),
            became,
        ]);
    }
    table.to_string()
}
