//! `retrainctl explain` with what the table knows.

use std::io::Write;

use retrain_controller::{Clock, Loaded, SlotStore as _, Wanted};
use retrain_core::data::ObjectId;
use retrain_core::event::Event;
use retrain_core::slot::Slot;
use retrain_debounce::DynamoStore;

use super::Surroundings;
use crate::cli::ExplainArgs;
use crate::exit::{Exit, Failure};
use crate::explain::{Happening, State, Told};

/// The table that an argument or a variable names, unless a file says what the state is.
pub(super) fn table(
    args: &ExplainArgs,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let named = args.table.clone().or_else(|| variable("RETRAIN_TABLE"));
    named.filter(|name| !name.is_empty() && args.state.is_none())
}

/// Says what an event would lead to in the state of now. Nothing is written, and nothing
/// is done.
pub async fn explain(
    args: &ExplainArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let Some(table) = table(args, around.variable) else {
        return crate::explain::run(args, out, err);
    };
    let told = Told::by(args, err)?;
    let store = DynamoStore::new(aws_sdk_dynamodb::Client::new(around.aws), &table);
    // A table that nobody has used knows nothing, and is not begun by looking at it.
    let is_used = store.look(&[]).await?.controller.is_some();
    let mut states = Vec::new();
    for happening in &told.happenings {
        states.push(if is_used {
            state(&store, happening, around).await?
        } else {
            State::of(Slot::new())
        });
    }
    writeln!(err, "the state is that of the table {table}")?;
    told.explain(&states, args.json, out, err)
}

async fn state(
    store: &DynamoStore,
    happening: &Happening,
    around: &Surroundings<'_, impl Clock>,
) -> Result<State, Failure> {
    let objects: Vec<ObjectId> = match &happening.event {
        Event::Data(arrivals) => arrivals.ids().into_iter().collect(),
        _ => Vec::new(),
    };
    let marker = happening.event.dedupe_key();
    let wanted = Wanted {
        slot: &happening.policy.slot(),
        marker: marker.as_ref(),
        objects: &objects,
    };
    let Loaded {
        slot,
        seen,
        objects,
        controller,
    } = store.load(wanted, around.clock.now()).await?;
    Ok(State {
        slot,
        controller,
        seen,
        objects,
    })
}
