//! The approval gate: what a registered model package must show to be approved.
//!
//! [`evaluate`] compares the evidence of a candidate, and that of the approved
//! champion, with the conditions of the policy. It approves only what is known: a
//! metric that is missing or cannot be read, whatever the reason, asks a person.
//! Nothing here fails, because an event that fails for ever approves nobody.

mod bias;
mod evidence;
mod margin;
mod metric;
mod number;
mod policy;
mod report;
mod signoff;
#[cfg(test)]
mod tests;
mod text;
mod verdict;

use alloc::format;
use alloc::string::ToString;

use self::evidence::Documents;
use self::policy::Test;

pub use self::evidence::Evidence;
pub use self::margin::Margin;
pub use self::metric::{InvalidMetric, Metric, Pointer};
pub use self::number::{NotANumber, Number};
pub use self::policy::{Condition, Direction, Gate, Limit, OnFail, WithoutChampion};
pub use self::report::{MAX_REPORT_BYTES, Report};
pub use self::signoff::{InvalidSignoff, Opinion, Recorded, Role, Signoff, Signoffs, Standing};
pub use self::text::{
    ApprovalDescription, MAX_APPROVAL_DESCRIPTION, MAX_METADATA_KEY, MAX_METADATA_VALUE,
    MetadataKey, MetadataValue, one_line,
};
pub use self::verdict::{ConditionResult, ConditionVerdict, Outcome, Verdict};

/// Holds a candidate against the gate. The champion is the model package that is
/// approved now, `None` if there is none.
///
/// Any unknown asks a person. Else a clear failure rejects, or asks, as the gate says.
/// Else anything borderline asks. Only what passes every condition is approved.
pub fn evaluate(gate: &Gate, candidate: &Evidence, champion: Option<&Evidence>) -> Verdict {
    let candidate = Documents::of(candidate);
    let champion = champion.map(Documents::of);
    let conditions = gate
        .conditions
        .iter()
        .map(|condition| judge(gate, condition, &candidate, champion.as_ref()))
        .collect();
    Verdict::of(gate, conditions)
}

fn judge(
    gate: &Gate,
    condition: &Condition,
    candidate: &Documents<'_>,
    champion: Option<&Documents<'_>>,
) -> ConditionResult {
    let found = candidate.find(&condition.metric);
    let champion = champion.map(|champion| champion.find(&condition.metric));
    let limit = match (condition.test, &champion, gate.without_champion) {
        (Test::Within(limit), ..) => Ok(Some(limit)),
        (_, None, WithoutChampion::Pass) => Ok(None),
        (_, None, WithoutChampion::Ask) => Err("there is no champion to compare with".to_string()),
        (_, Some(Err(why)), _) => Err(format!("of the champion, {why}")),
        (Test::BetterThanChampion { by, direction }, Some(Ok(champion)), _) => {
            Limit::beyond(champion.value, by, direction)
                .map(Some)
                .ok_or_else(|| {
                    let champion = champion.value;
                    format!("the champion's {champion} is too far from {by} to compute with")
                })
        }
    };
    let verdict = match (&found, &limit) {
        (Err(why), _) | (Ok(_), Err(why)) => ConditionVerdict::Unknown { why: why.clone() },
        (Ok(_), Ok(None)) => ConditionVerdict::Pass,
        (Ok(found), Ok(Some(limit))) => limit.judge(found.value, condition.borderline),
    };
    let limit = limit.ok().flatten();
    let (value, found_at) = found.ok().map(|found| (found.value, found.at)).unzip();
    ConditionResult {
        name: condition.metric.to_string(),
        wanted: condition.wanted(limit),
        value,
        found_at,
        limit,
        champion: champion.and_then(Result::ok).map(|found| found.value),
        verdict,
    }
}
