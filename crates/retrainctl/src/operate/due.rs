//! `retrainctl due`: when somebody looks at what again.

use jiff::Timestamp;

use super::Page;
use super::place::Place;
use crate::cli::operate::DueArgs;
use crate::exit::Failure;
use crate::words::{Table, ago, moment};

pub(super) async fn page(args: &DueArgs, place: &Place, now: Timestamp) -> Result<Page, Failure> {
    let horizon = args.within.map_or(Timestamp::MAX, |within| {
        let horizon = now.saturating_add(within.duration());
        horizon.unwrap_or(Timestamp::MAX)
    });
    let (due, is_all) = place.due(horizon).await?;
    let mut table = Table::new(4, ["due", "when", "model", "lane"].map(str::to_owned));
    for slot in &due {
        table.row([
            moment(slot.due_at),
            ago(slot.due_at, now),
            slot.model.to_string(),
            slot.lane.clone(),
        ]);
    }
    let mut page = Page::new(table.to_string(), &due)?;
    if !is_all {
        let note = "more is due than is shown: --within shows the first";
        page.notes.push(note.to_owned());
    }
    Ok(page)
}
