//! `retrainctl held`: what waits, and which guard keeps it.

use jiff::Timestamp;

use super::Page;
use super::place::{Place, Seat, Waiting, worth_seeing};
use crate::cli::operate::HeldArgs;
use crate::exit::Failure;
use crate::words::{Table, ago, moment};

pub(super) async fn page(args: &HeldArgs, place: &Place, now: Timestamp) -> Result<Page, Failure> {
    let policies = place.policies().await?;
    let (due, _) = place.due(Timestamp::MAX).await?;
    let keys = worth_seeing(&policies, &due, args.model.as_ref());
    let seen = place.store.look(&keys).await?;
    if let Some(model) = &args.model
        && policies.of(model).is_none()
        && policies.broken_of(model).is_none()
        && seen.slots.is_empty()
    {
        return Err(place.unknown(model));
    }
    let mut held = Vec::new();
    for key in keys {
        held.extend(Seat::of(key, &policies, &seen).held(&seen, now));
    }
    Page::new(table(&held, now), &held)
}

/// What waits, one line each.
fn table(held: &[Waiting], now: Timestamp) -> String {
    let columns = [
        "model", "lane", "cause", "since", "times", "until", "held by",
    ];
    let mut table = Table::new(columns.len(), columns.map(str::to_owned));
    for one in held {
        table.row([
            one.model.to_string(),
            one.lane.clone(),
            one.cause.clone(),
            ago(one.first_at, now),
            one.count.to_string(),
            one.until.map_or_else(|| "-".to_owned(), moment),
            one.why.clone(),
        ]);
    }
    table.to_string()
}
