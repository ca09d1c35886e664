//! Causes as a claim or a held set remembers them: one entry each, bounded.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::AlarmArn;
use crate::omitted::is_default;
use crate::trigger::{Cause, Trigger};

/// One cause inside a claim or among the held ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What asks.
    pub cause: Cause,
    /// When it first asked.
    pub first_at: Timestamp,
    /// When it last asked.
    pub last_at: Timestamp,
    /// How often it asked.
    pub count: u32,
    /// How many failed runs it has survived.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failures: u32,
    /// How many runs it has survived that found no improvement.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_improvements: u32,
    /// Whether enough other kinds of signals have agreed with it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub confirmed: bool,
    /// Whether it went away after a claim took it: it is not held again then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub withdrawn: bool,
}

impl Reason {
    /// The reason that a trigger gives.
    pub fn of(trigger: &Trigger) -> Self {
        Self {
            cause: trigger.cause.clone().shortened(),
            first_at: trigger.at,
            last_at: trigger.at,
            count: 1,
            failures: 0,
            no_improvements: 0,
            confirmed: false,
            withdrawn: false,
        }
    }

    /// Whether it asks because of training data.
    pub(crate) const fn is_data(&self) -> bool {
        matches!(self.cause, Cause::Data { .. })
    }

    fn is_of(&self, cause: &Cause) -> bool {
        self.cause.kind() == cause.kind() && self.cause.id() == cause.id()
    }

    /// Takes in another telling of the same cause; the weightier one gives the details,
    /// of equals the newer one.
    fn absorb(&mut self, other: Self) {
        self.first_at = self.first_at.min(other.first_at);
        self.count = self.count.saturating_add(other.count);
        self.failures = self.failures.max(other.failures);
        self.no_improvements = self.no_improvements.max(other.no_improvements);
        self.confirmed |= other.confirmed;
        self.withdrawn &= other.withdrawn;
        if (other.cause.weight(), other.last_at) >= (self.cause.weight(), self.last_at) {
            self.cause = other.cause;
        }
        self.last_at = self.last_at.max(other.last_at);
    }

    /// The most that it takes in the store, now or after it asked again in other
    /// words.
    fn bytes(&self) -> usize {
        self.cause.id().len() + MAX_EVIDENCE_BYTES + 290
    }
}

/// Causes, one entry each, bounded in number and size.
///
/// What does not fit is counted, and the newest of it is kept as an example: a
/// cause that is not listed still leads to a start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasons {
    listed: Vec<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unlisted: Option<Box<Unlisted>>,
}

/// The causes that did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unlisted {
    count: u32,
    example: Reason,
}

/// The most causes that are listed one by one.
pub const MAX_REASONS: usize = 50;

/// The most bytes that listed causes take: with a claim and a held set, a slot
/// stays under 64 KB whatever the names in it are.
const MAX_REASONS_BYTES: usize = 10 * 1024;

/// The most bytes of one cause's free text.
pub(crate) const MAX_EVIDENCE_BYTES: usize = 120;

/// Cuts text to a number of bytes, at a character boundary, with spaces for control
/// characters.
pub(crate) fn within_bytes(text: &str, max: usize) -> String {
    let mut cut = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if cut.len() + c.len_utf8() > max - '…'.len_utf8() {
            cut.push('…');
            return cut;
        }
        cut.push(c);
    }
    cut
}

impl Reasons {
    /// The causes one by one, oldest first; those that are not listed are
    /// represented by an example at the end.
    pub fn iter(&self) -> impl Iterator<Item = &Reason> {
        self.listed
            .iter()
            .chain(self.unlisted.iter().map(|rest| &rest.example))
    }

    /// How many causes are not listed.
    pub fn unlisted(&self) -> u32 {
        self.unlisted.as_ref().map_or(0, |rest| rest.count)
    }

    /// How many causes there are, listed or not.
    pub fn len(&self) -> usize {
        let unlisted = usize::try_from(self.unlisted()).unwrap_or(usize::MAX);
        self.listed.len().saturating_add(unlisted)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.unlisted.is_none()
    }

    /// Adds a cause, or another telling of one that is here.
    pub fn add(&mut self, reason: Reason) {
        if let Some(known) = self
            .listed
            .iter_mut()
            .find(|known| known.is_of(&reason.cause))
        {
            known.absorb(reason);
            return;
        }
        let bytes: usize = self.listed.iter().map(Reason::bytes).sum();
        if self.listed.len() < MAX_REASONS && bytes + reason.bytes() <= MAX_REASONS_BYTES {
            let at = self
                .listed
                .partition_point(|known| known.first_at <= reason.first_at);
            self.listed.insert(at, reason);
        } else {
            self.count_unlisted(1, reason);
        }
    }

    /// Adds all of `others`.
    pub fn add_all(&mut self, others: Self) {
        for reason in others.listed {
            self.add(reason);
        }
        if let Some(rest) = others.unlisted {
            self.count_unlisted(rest.count, rest.example);
        }
    }

    fn count_unlisted(&mut self, count: u32, mut example: Reason) {
        let before = self.unlisted();
        if let Some(rest) = &self.unlisted {
            example.failures = example.failures.max(rest.example.failures);
        }
        self.unlisted = Some(Box::new(Unlisted {
            count: before.saturating_add(count),
            example,
        }));
    }

    /// This cause as it is remembered, if it is listed.
    pub(crate) fn of(&self, cause: &Cause) -> Option<&Reason> {
        self.listed.iter().find(|known| known.is_of(cause))
    }

    /// Marks those that `agree` as confirmed by each other.
    pub(crate) fn confirm(&mut self, agree: impl Fn(&Reason) -> bool) {
        for reason in self.all_mut() {
            reason.confirmed |= agree(reason);
        }
    }

    /// Takes those out that are `wanted`, each with the count of the unlisted ones
    /// that its example stands for.
    pub(crate) fn take(&mut self, wanted: impl Fn(&Reason) -> bool) -> Self {
        let (taken, kept) = core::mem::take(&mut self.listed)
            .into_iter()
            .partition(|reason| wanted(reason));
        self.listed = kept;
        let unlisted = match &self.unlisted {
            Some(rest) if wanted(&rest.example) => self.unlisted.take(),
            _ => None,
        };
        Self {
            listed: taken,
            unlisted,
        }
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Reason> {
        self.listed
            .iter_mut()
            .chain(self.unlisted.as_mut().map(|rest| &mut rest.example))
    }

    /// Removes what the alarm asked for before it cleared; says how many.
    pub fn remove_cleared(&mut self, alarm: &AlarmArn, cleared_at: Timestamp) -> usize {
        let before = self.len();
        self.listed
            .retain(|reason| !is_cleared(reason, alarm, cleared_at));
        if let Some(rest) = &mut self.unlisted
            && !rest.example.withdrawn
            && is_cleared(&rest.example, alarm, cleared_at)
        {
            // Marked, so that a repeated OK does not count another one off.
            rest.example.withdrawn = true;
            rest.count -= 1;
            if rest.count == 0 {
                self.unlisted = None;
            }
        }
        before - self.len()
    }

    /// Marks what the alarm asked for before it cleared; says how many were not
    /// marked yet.
    pub fn mark_cleared(&mut self, alarm: &AlarmArn, cleared_at: Timestamp) -> usize {
        let mut marked = 0;
        for reason in &mut self.listed {
            if !reason.withdrawn && is_cleared(reason, alarm, cleared_at) {
                reason.withdrawn = true;
                marked += 1;
            }
        }
        marked
    }

    /// Marks those that are `wanted`; says how many were not marked yet.
    pub(crate) fn mark(&mut self, wanted: impl Fn(&Reason) -> bool) -> usize {
        let mut marked = 0;
        for reason in self.all_mut() {
            if !reason.withdrawn && wanted(reason) {
                reason.withdrawn = true;
                marked += 1;
            }
        }
        marked
    }

    /// Those that have not gone away meanwhile.
    #[must_use]
    pub fn without_withdrawn(mut self) -> Self {
        self.listed.retain(|reason| !reason.withdrawn);
        self
    }

    /// After a failed run: the causes that are still worth another run, and those
    /// that are given up. Those that are not listed fail together.
    pub fn after_failure(self, max_failures: u32) -> (Self, Self) {
        let mut kept = self.without_withdrawn();
        for reason in kept.all_mut() {
            reason.failures = reason.failures.saturating_add(1);
        }
        let given_up = kept.take(|reason| reason.failures >= max_failures);
        (kept, given_up)
    }

    /// After a run that found no improvement: of the drift whose alarm
    /// `is_in_alarm`, what is still worth another run and what is given up.
    pub(crate) fn after_no_improvement(
        self,
        max_times: u32,
        is_in_alarm: impl Fn(&AlarmArn) -> bool,
    ) -> (Self, Self) {
        let mut kept = self.without_withdrawn().take(|reason| match &reason.cause {
            Cause::Drift { alarm, .. } => is_in_alarm(alarm),
            _ => false,
        });
        for reason in kept.all_mut() {
            reason.no_improvements = reason.no_improvements.saturating_add(1);
        }
        let given_up = kept.take(|reason| reason.no_improvements >= max_times);
        (kept, given_up)
    }
}

fn is_cleared(reason: &Reason, alarm: &AlarmArn, cleared_at: Timestamp) -> bool {
    match &reason.cause {
        Cause::Drift { alarm: of, .. } => of == alarm && reason.last_at < cleared_at,
        Cause::Schedule { .. }
        | Cause::Age { .. }
        | Cause::Data { .. }
        | Cause::Code { .. }
        | Cause::Deployment { .. }
        | Cause::Manual { .. } => false,
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.iter().next() else {
            return f.write_str("no cause");
        };
        f.write_str(&first.cause.to_string())?;
        match self.len() - 1 {
            0 => Ok(()),
            1 => f.write_str(" and 1 more cause"),
            more => write!(f, " and {more} more causes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::tests::{alarm, at, drift};

    #[test]
    fn one_cause_is_one_entry_however_often_it_asks() {
        let mut reasons = Reasons::default();
        for seconds in [20, 0, 10] {
            reasons.add(Reason::of(&drift("a", seconds)));
        }
        reasons.add(Reason::of(&drift("b", 5)));
        assert_eq!(reasons.len(), 2);
        let first = reasons.iter().next().unwrap();
        assert_eq!(
            (first.first_at, first.last_at, first.count),
            (at(0), at(20), 3)
        );
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut reasons = Reasons::default();
        for n in 0..60 {
            reasons.add(Reason::of(&drift(&alloc::format!("a{n}"), n)));
        }
        let listed = reasons.iter().count() - 1;
        assert!((20..=50).contains(&listed), "{listed}");
        assert_eq!(listed + reasons.unlisted() as usize, 60);
        assert_eq!(reasons.len(), 60);
        let mut long = Reasons::default();
        for n in 0..60 {
            long.add(Reason::of(&drift(
                &alloc::format!("{n}{}", "長".repeat(250)),
                n,
            )));
        }
        let bytes = serde_json::to_string(&long).unwrap().len();
        assert!(bytes <= MAX_REASONS_BYTES + 1_600, "{bytes}");
        assert_eq!(long.len(), 60);
    }

    #[test]
    fn a_cleared_alarm_takes_back_only_what_it_asked_before() {
        let mut reasons = Reasons::default();
        reasons.add(Reason::of(&drift("a", 10)));
        reasons.add(Reason::of(&drift("b", 10)));
        assert_eq!(reasons.clone().remove_cleared(&alarm("a"), at(10)), 0);
        assert_eq!(reasons.mark_cleared(&alarm("a"), at(11)), 1);
        assert_eq!(reasons.mark_cleared(&alarm("a"), at(12)), 0);
        assert_eq!(reasons.without_withdrawn().len(), 1);
    }

    #[test]
    fn a_cause_is_given_up_after_its_last_failure() {
        let mut reasons = Reasons::default();
        reasons.add(Reason::of(&drift("a", 0)));
        let (reasons, given_up) = reasons.after_failure(2);
        assert_eq!((reasons.len(), given_up.len()), (1, 0));
        let (reasons, given_up) = reasons.after_failure(2);
        assert_eq!((reasons.len(), given_up.len()), (0, 1));
    }

    #[test]
    fn unlisted_causes_are_given_up_too() {
        let mut reasons = Reasons::default();
        for n in 0..60 {
            reasons.add(Reason::of(&drift(&alloc::format!("a{n}"), n)));
        }
        let (kept, given_up) = reasons.after_failure(2);
        assert_eq!((kept.len(), given_up.len()), (60, 0));
        let (kept, given_up) = kept.after_failure(2);
        assert!(kept.is_empty());
        assert_eq!(given_up.len(), 60);
    }
}
