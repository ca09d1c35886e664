//! `retrainctl history`: what was decided.

use std::fmt::Write as _;

use retrain_core::decision::Decision;
use retrain_core::lane::{Lane, SlotKey};

use super::Page;
use super::place::Place;
use crate::cli::operate::HistoryArgs;
use crate::exit::Failure;
use crate::words::{moment, one_line};

pub(super) async fn page(args: &HistoryArgs, place: &Place) -> Result<Page, Failure> {
    let deploys = args.environment.clone().map(Lane::Deploy);
    let lane = args.package.clone().or(deploys).unwrap_or(Lane::Retrain);
    let slot = SlotKey::new(args.model.clone(), lane);
    let decisions = place.store.decisions(&slot, args.limit).await?;
    let mut page = Page::new(text(&decisions), &decisions)?;
    if decisions.is_empty() {
        page.notes.push(format!("nothing was decided about {slot}"));
    }
    Ok(page)
}

/// Decisions as paragraphs: what happened and what was decided are sentences.
pub(super) fn text(decisions: &[Decision]) -> String {
    let mut text = String::new();
    for decision in decisions {
        let _ = writeln!(
            text,
            "{}  #{} {} (policy {})\n    {}\n    {}",
            moment(decision.at),
            decision.number,
            decision.outcome.name(),
            decision.policy_version,
            one_line(&decision.event.to_string()),
            one_line(&decision.outcome.to_string()),
        );
        if let Some(url) = &decision.console_url {
            let _ = writeln!(text, "    {url}");
        }
    }
    text
}
