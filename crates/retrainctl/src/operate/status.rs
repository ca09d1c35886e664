//! `retrainctl status`: how all models are, or everything about one.

use std::fmt::Write as _;

use jiff::Timestamp;
use retrain_core::data::Tally;
use retrain_core::names::ModelName;
use retrain_core::policy::Mode;
use retrain_core::slot::{Pause, Phase, Slot};
use retrain_debounce::Seen;
use retrain_policies::PolicySet;
use serde::Serialize;

use super::Page;
use super::history;
use super::place::{Place, Seat, Waiting, worth_seeing};
use crate::cli::operate::StatusArgs;
use crate::exit::Failure;
use crate::words::{Table, ago, moment, one_line, several};

/// How many decisions a model's page shows of each lane.
const DECISIONS: usize = 3;

/// All that is shown.
#[derive(Serialize)]
struct Status<'a> {
    /// Who pauses the whole controller, if somebody does.
    controller_paused: Option<&'a Pause>,
    lanes: Vec<LaneStatus<'a>>,
    invalid_policies: Vec<Invalid>,
}

/// One lane of a model.
#[derive(Serialize)]
struct LaneStatus<'a> {
    model: &'a ModelName,
    lane: String,
    policy_version: Option<u64>,
    mode: Option<Mode>,
    /// What a person should look at.
    attention: Vec<String>,
    held: Vec<Waiting>,
    slot: Option<&'a Slot>,
}

/// A policy that cannot be used.
#[derive(Serialize)]
struct Invalid {
    model: String,
    version: u64,
    error: String,
}

pub(super) async fn page(
    args: &StatusArgs,
    place: &Place,
    now: Timestamp,
) -> Result<Page, Failure> {
    let policies = place.policies().await?;
    let (due, _) = place.due(Timestamp::MAX).await?;
    let of = args.model.as_ref();
    let keys = worth_seeing(&policies, &due, of);
    let seen = place.store.look(&keys).await?;
    let seats: Vec<Seat<'_>> = keys
        .into_iter()
        .map(|key| Seat::of(key, &policies, &seen))
        .collect();
    let status = Status {
        controller_paused: seen.controller.as_ref().and_then(|it| it.paused.as_ref()),
        lanes: seats.iter().map(|seat| lane(seat, &seen, now)).collect(),
        invalid_policies: invalid(&policies, of),
    };
    let Some(model) = of else {
        return Page::new(overview(&status, now), &status);
    };
    if status.lanes.is_empty() && status.invalid_policies.is_empty() {
        return Err(place.unknown(model));
    }
    let mut text = switch(&status);
    for (seat, lane) in seats.iter().zip(&status.lanes) {
        let decisions = place.store.decisions(&seat.key, DECISIONS).await?;
        text += &lane_text(lane, now);
        if !decisions.is_empty() {
            text += "  decided last\n";
            for line in history::text(&decisions).lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    text += &invalid_text(&status);
    Page::new(text, &status)
}

fn lane<'a>(seat: &'a Seat<'_>, seen: &Seen, now: Timestamp) -> LaneStatus<'a> {
    let policy = seat.policy.as_ref();
    let mut attention = Vec::new();
    if policy.is_none() {
        attention.push("no valid policy".to_owned());
    }
    if policy.is_some_and(|policy| policy.policy.mode == Mode::Observe) {
        attention.push("only observes".to_owned());
    }
    attention.extend(seat.slot.map(of_slot).unwrap_or_default());
    LaneStatus {
        model: &seat.key.model,
        lane: seat.key.lane.to_string(),
        policy_version: policy.map(|policy| policy.version),
        mode: policy.map(|policy| policy.policy.mode),
        attention,
        held: seat.held(seen, now),
        slot: seat.slot,
    }
}

/// What a person should look at.
fn of_slot(slot: &Slot) -> Vec<String> {
    let mut attention = Vec::new();
    if let Some(pause) = &slot.paused {
        attention.push(format!("{:?} paused it: {:?}", pause.by, pause.why));
    }
    if let Some(open) = &slot.breaker_open {
        attention.push(format!(
            "{} failed runs opened the breaker at {}",
            open.failures,
            moment(open.since)
        ));
    } else if slot.failures > 0 {
        attention.push(format!("{} failed run(s) in a row", slot.failures));
    }
    if let Some(wrong) = &slot.misconfigured {
        attention.push(format!("misconfigured: {}", wrong.what));
    }
    if let Some(lack) = &slot.no_capacity {
        attention.push(format!("no capacity until {}", moment(lack.until)));
    }
    if !slot.foreign.is_empty() {
        attention.push(several(slot.foreign.len() as u64, "run by others"));
    }
    if slot.awaited.is_some() {
        attention.push("its package is awaited".to_owned());
    }
    let review = slot.review.as_deref();
    if let Some(waits) = review.and_then(|review| review.waits.as_ref()) {
        attention.push(format!("waits for a person: {}", waits.why));
    }
    attention
}

fn invalid(policies: &PolicySet, of: Option<&ModelName>) -> Vec<Invalid> {
    let all = policies.invalid().iter();
    all.filter(|invalid| of.is_none_or(|model| invalid.name == model.as_str()))
        .map(|invalid| Invalid {
            model: invalid.name.clone(),
            version: invalid.version,
            error: invalid.error.to_string(),
        })
        .collect()
}

/// All lanes, one line each.
fn overview(status: &Status<'_>, now: Timestamp) -> String {
    let head = [
        "model",
        "lane",
        "phase",
        "held",
        "due",
        "last start",
        "last success",
        "look at",
    ];
    let mut table = Table::new(head.len(), head.map(str::to_owned));
    let when = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| ago(at, now));
    for lane in &status.lanes {
        let slot = lane.slot;
        table.row([
            lane.model.to_string(),
            lane.lane.clone(),
            slot.map_or("-", |slot| phase(&slot.phase)).to_owned(),
            slot.map_or(0, |slot| slot.held.len()).to_string(),
            when(slot.and_then(|slot| slot.due_at)),
            when(slot.and_then(Slot::last_start)),
            when(slot.and_then(|slot| slot.succeeded_at)),
            lane.attention.join("; "),
        ]);
    }
    format!("{}{table}{}", switch(status), invalid_text(status))
}

fn switch(status: &Status<'_>) -> String {
    status.controller_paused.map_or_else(String::new, |pause| {
        format!(
            "THE CONTROLLER IS PAUSED by {:?} since {}: {:?}\n",
            pause.by,
            moment(pause.since),
            pause.why
        )
    })
}

fn invalid_text(status: &Status<'_>) -> String {
    let mut text = String::new();
    for invalid in &status.invalid_policies {
        let Invalid {
            model,
            version,
            error,
        } = invalid;
        let _ = writeln!(
            text,
            "INVALID POLICY of {model}, version {version}: {}",
            one_line(error)
        );
    }
    text
}

const fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Starting(_) => "starting",
        Phase::Running(_) => "running",
    }
}

/// Everything about one lane.
fn lane_text(lane: &LaneStatus<'_>, now: Timestamp) -> String {
    let mut text = format!("{} {}", lane.model, lane.lane);
    if let Some(version) = lane.policy_version {
        let _ = write!(text, " (policy {version})");
    }
    text.push('\n');
    let mut say = |what: &str, value: &str| {
        let _ = writeln!(text, "  {what:<13} {}", one_line(value));
    };
    for attention in &lane.attention {
        say("LOOK AT", attention);
    }
    let Some(slot) = lane.slot else {
        say("phase", "nothing has ever happened");
        return text;
    };
    let when = |at: Timestamp| format!("{} ({})", moment(at), ago(at, now));
    match &slot.phase {
        Phase::Idle => say("phase", "idle"),
        Phase::Starting(claim) => {
            let lease = when(claim.resume_at);
            let number = claim.number;
            say(
                "phase",
                &format!("starting claim {number}, taken up again {lease}"),
            );
            say("description", &claim.description);
        }
        Phase::Running(run) => {
            let started = when(run.started_at);
            let number = run.claim.number;
            say(
                "phase",
                &format!("running claim {number}, started {started}"),
            );
            say("description", &run.claim.description);
            say("execution", &run.execution.to_string());
            say("console", &run.execution.console_url());
        }
    }
    for foreign in &slot.foreign {
        say("run by others", &foreign.execution.to_string());
    }
    for held in &lane.held {
        say("held", &format!("{}: {}", held.cause, held.why));
    }
    if slot.data.tally != Tally::default() {
        let waits = &slot.data;
        let since = waits.first_at.map(when).unwrap_or_default();
        say("data", &format!("{} since {since}", waits.tally));
    }
    if let Some(review) = &slot.review {
        let (status, approval) = (&review.status, &review.approval);
        say("package", &format!("{}", review.package));
        say("state", &format!("{status}, {approval}"));
        if let Some(verdict) = &review.verdict {
            say("gate", &verdict.summary);
        }
    }
    if let Some(current) = &slot.deployment.current {
        say("serves", &current.package.to_string());
        say("deployed", &when(current.at));
    }
    for earlier in slot.deployment.earlier.iter().rev() {
        say(
            "served before",
            &format!("{}, deployed {}", earlier.package, moment(earlier.at)),
        );
    }
    for (what, at) in [
        ("last start", slot.last_start()),
        ("last success", slot.succeeded_at),
        ("last failure", slot.failed_at),
        ("due", slot.due_at),
    ] {
        if let Some(at) = at {
            say(what, &when(at));
        }
    }
    text
}
