//! How letters are shown.

use std::io::Write;

use jiff::Timestamp;
use retrain_core::names::{ModelName, shortened};
use retrain_policies::PolicySet;
use serde::Serialize;

use super::letter::{Letter, Message, To};
use super::queue::Queue;
use super::{Chosen, models};
use crate::arns::name_of;
use crate::cli::redrive::RedriveArgs;
use crate::exit::Failure;
use crate::words::{self, Table, ago, one_line, several};

/// A letter as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: String,
    queue: String,
    sent_at: Timestamp,
    pub(super) models: Vec<ModelName>,
    from: String,
    /// The ARN where it goes; nothing if it stays.
    pub(super) to: Option<String>,
    /// What it asks of the reconciler, in its own word: whoever may send to the queue of
    /// dead letters could ask for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    asks: Option<String>,
    reason: String,
    pub(super) became: Became,
    /// Why it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Became {
    /// It was not sent yet, or is not meant to be.
    WouldBeSent,
    Sent,
    Stays,
}

impl Shown {
    pub(super) fn of(
        queue: &Queue,
        message: &Message,
        letter: &Letter,
        policies: Option<&PolicySet>,
    ) -> Self {
        let event = serde_json::from_str(&letter.payload).unwrap_or_default();
        let function = letter.function();
        let asks = function.and_then(|function| models::asks(&event, function));
        let models = function.zip(policies);
        let models = models.map(|(function, policies)| models::of(&event, function, policies));
        let (to, became, why) = match &letter.to {
            Ok(To::Function(arn) | To::Queue(arn)) => {
                (Some(arn.clone()), Became::WouldBeSent, None)
            }
            Err(why) => (None, Became::Stays, Some(why.clone())),
        };
        Self {
            id: message.id.clone(),
            queue: queue.name().to_owned(),
            sent_at: message.sent,
            models: models.into_iter().flatten().collect(),
            from: letter.from.clone(),
            to,
            asks,
            reason: letter.reason.clone(),
            became,
            why,
        }
    }

    /// Where it goes, and what it asks there.
    fn goes_to(&self) -> String {
        let to = self.to.as_deref().map(name_of).unwrap_or_default();
        match &self.asks {
            Some(word) => format!("{to}: {}", shortened(&one_line(word), 40)),
            None => to.to_owned(),
        }
    }
}

/// Says what became of the letters.
pub(super) fn tell(
    args: &RedriveArgs,
    queues: &[Queue],
    chosen: &[Chosen],
    now: Timestamp,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    if args.json {
        let all: Vec<&Shown> = chosen.iter().map(|one| &one.shown).collect();
        words::json(&all, out)?;
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

pub(super) fn table(chosen: &[Chosen], now: Timestamp) -> String {
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
            or_none(&shown.goes_to()),
            or_none(&shortened(&one_line(&shown.reason), 120)),
            became,
        ]);
    }
    table.to_string()
}
