//! Explores all states that can be reached, breadth first, so that the way to a broken
//! promise is one of the shortest.

use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Display};
use std::hash::Hash;

use crate::print::Print;

/// What can be explored.
pub(crate) trait Model {
    type State: Clone + Hash;
    type Action;

    fn first(&self) -> Self::State;

    /// All that can happen next, and what follows from it.
    fn next(&self, state: &Self::State) -> Vec<Step<Self>>;

    /// What happens, for whoever reads a trace.
    fn describe(&self, state: &Self::State, action: &Self::Action) -> String;

    /// What must be true of each state.
    fn check(&self, state: &Self::State) -> Result<(), Broken>;
}

/// What can happen, and what follows.
pub(crate) type Step<M> = (<M as Model>::Action, Result<<M as Model>::State, Broken>);

/// A promise, by its number in the list of promises, and how it was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) promise: u8,
    pub(crate) how: String,
}

pub(crate) fn broken<T>(promise: u8, how: impl Into<String>) -> Result<T, Broken> {
    let how = how.into();
    Err(Broken { promise, how })
}

/// What was explored.
#[derive(Debug)]
pub(crate) struct Explored {
    /// How many different states were reached.
    pub(crate) states: usize,
    /// How many steps the furthest of them is away.
    pub(crate) depth: u32,
    /// How many steps were taken in all.
    pub(crate) steps: usize,
}

/// A broken promise, and all that happened before it.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) broken: Broken,
    pub(crate) actions: Vec<String>,
    pub(crate) states: usize,
}

impl Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { promise, how } = &self.broken;
        writeln!(f, "promise {promise} is broken: {how}")?;
        for (number, action) in self.actions.iter().enumerate() {
            writeln!(f, "{:>4}. {action}", number + 1)?;
        }
        write!(f, "after {} states", self.states)
    }
}

/// Explores the model, but no more than `limit` states.
pub(crate) fn explore<M: Model>(model: &M, limit: usize) -> Result<Explored, Box<Trace>> {
    let first = model.first();
    // From which state each was reached first.
    let mut parents = HashMap::from([(Print::of(&first), None)]);
    let mut frontier = VecDeque::from([(first, 0)]);
    let mut explored = Explored {
        states: 1,
        depth: 0,
        steps: 0,
    };
    while let Some((state, depth)) = frontier.pop_front() {
        let own = Print::of(&state);
        explored.depth = depth;
        if let Err(broken) = model.check(&state) {
            return Err(trace(model, &parents, own, None, broken).into());
        }
        for (action, next) in model.next(&state) {
            explored.steps += 1;
            let next = match next {
                Ok(next) => next,
                Err(broken) => {
                    let last = model.describe(&state, &action);
                    return Err(trace(model, &parents, own, Some(last), broken).into());
                }
            };
            let print = Print::of(&next);
            if parents.contains_key(&print) {
                continue;
            }
            parents.insert(print, Some(own));
            frontier.push_back((next, depth + 1));
            explored.states = parents.len();
            assert!(
                explored.states <= limit,
                "there are more than {limit} states"
            );
        }
    }
    Ok(explored)
}

fn trace<M: Model>(
    model: &M,
    parents: &HashMap<Print, Option<Print>>,
    to: Print,
    last: Option<String>,
    broken: Broken,
) -> Trace {
    let mut actions = replay(model, parents, to);
    actions.extend(last);
    Trace {
        broken,
        actions,
        states: parents.len(),
    }
}

/// The way to a state: walked again, because only prints were kept.
fn replay<M: Model>(model: &M, parents: &HashMap<Print, Option<Print>>, to: Print) -> Vec<String> {
    let mut way = vec![to];
    while let Some(Some(parent)) = way.last().and_then(|print| parents.get(print)) {
        way.push(*parent);
    }
    let mut state = model.first();
    let mut actions = Vec::new();
    for print in way.into_iter().rev().skip(1) {
        let next = model.next(&state).into_iter().find_map(|(action, next)| {
            let next = next.ok().filter(|next| Print::of(next) == print)?;
            Some((model.describe(&state, &action), next))
        });
        let (action, next) = next.expect("the way was walked before");
        actions.push(action);
        state = next;
    }
    actions
}
