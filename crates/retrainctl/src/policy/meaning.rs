//! What a change of a field means, in words.

use retrain_core::period::Period;
use serde_json::Value;

/// What a greater value of a field means, and what a smaller one.
const MEANINGS: [(&str, &str, &str); 20] = [
    (
        "min_interval",
        "starts are further apart",
        "starts may be closer together",
    ),
    (
        "min_interval_by_kind.",
        "starts are further apart",
        "starts may be closer together",
    ),
    (
        "max_age",
        "a model may be older before it is retrained",
        "a model is retrained when it is younger",
    ),
    (
        "max_event_age",
        "older events still count",
        "events are stale earlier",
    ),
    (
        "training_window",
        "it trains on a longer time",
        "it trains on a shorter time",
    ),
    (
        "back_off.initial",
        "a longer wait after a failed run",
        "a shorter wait after a failed run",
    ),
    (
        "back_off.cap",
        "waits after failed runs may grow longer",
        "waits after failed runs stay shorter",
    ),
    (
        "back_off.max_failures",
        "a cause outlasts more failed runs",
        "a cause is given up after fewer failed runs",
    ),
    (
        "breaker_after_failures",
        "the breaker opens after more failed runs",
        "the breaker opens after fewer failed runs",
    ),
    (
        "budget.starts",
        "more starts are allowed",
        "fewer starts are allowed",
    ),
    (
        "budget.window",
        "as many starts are allowed in a longer time",
        "as many starts are allowed in a shorter time",
    ),
    (
        "data.min_rows",
        "a start needs more rows",
        "fewer rows are enough",
    ),
    (
        "data.min_objects",
        "a start needs more objects",
        "fewer objects are enough",
    ),
    (
        "data.min_bytes",
        "a start needs more bytes",
        "fewer bytes are enough",
    ),
    (
        "data.quiet_period",
        "a batch may pause longer",
        "a batch is complete earlier",
    ),
    (
        "data.max_wait",
        "few rows wait longer",
        "few rows start a run earlier",
    ),
    (
        "at_least.kinds",
        "more kinds of signals must agree",
        "fewer kinds of signals must agree",
    ),
    (
        "at_least.within",
        "signals may agree over a longer time",
        "signals must agree within a shorter time",
    ),
    (
        "no_improvement.max_times",
        "an alarm outlasts more runs without improvement",
        "an alarm is given up after fewer runs without improvement",
    ),
    (
        "pipeline.version_id",
        "a newer version of the pipeline runs",
        "an older version of the pipeline runs",
    ),
];

/// What a word means as a value of a field.
const WORDS: [(&str, &str, &str); 4] = [
    (
        "mode",
        "observe",
        "nothing is started any more, only recorded",
    ),
    ("mode", "act", "executions are started, not only recorded"),
    (
        "within_min_interval",
        "hold",
        "a trigger inside the interval waits, instead of being dropped",
    ),
    (
        "within_min_interval",
        "drop",
        "a trigger inside the interval is dropped, instead of waiting",
    ),
];

/// What a change means, if more can be said than what the field is.
pub(super) fn meaning(field: &str, old: Option<&Value>, new: Option<&Value>) -> Option<String> {
    let by_direction = old
        .zip(new)
        .and_then(|(old, new)| of_value(field, old, new));
    by_direction.or_else(|| of_parameter(field, old, new))
}

/// What another value means, if its direction says.
fn of_value(field: &str, old: &Value, new: &Value) -> Option<String> {
    let word = |(of, value, _): &&(&str, &str, &str)| *of == field && new == value;
    if let Some((_, _, meaning)) = WORDS.iter().find(word) {
        return Some((*meaning).to_owned());
    }
    let is_of = |(of, _, _): &&(&str, &str, &str)| {
        *of == field || (of.ends_with('.') && field.starts_with(of))
    };
    let (_, more, less) = MEANINGS.iter().find(is_of)?;
    let meaning = if size(new)? > size(old)? { more } else { less };
    Some((*meaning).to_owned())
}

/// What a change of a pipeline parameter means.
fn of_parameter(field: &str, old: Option<&Value>, new: Option<&Value>) -> Option<String> {
    field.strip_prefix("parameters.")?;
    Some(match (old, new) {
        (None, _) => "the pipeline is given one more parameter".to_owned(),
        (_, None) => "the pipeline's own default is taken".to_owned(),
        _ => "the pipeline is given another value".to_owned(),
    })
}

/// A number, or a time in seconds.
fn size(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => {
            let time = Period::parse(text).ok()?.duration();
            u64::try_from(time.as_secs()).ok()
        }
        value => value.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::Schema;
    use super::*;

    #[test]
    fn every_meaning_is_of_a_field_that_there_is() {
        let schema = Schema::of_policy();
        for (field, _, _) in MEANINGS.iter().chain(&WORDS) {
            assert!(
                schema.sentence(field.trim_end_matches('.')).is_some(),
                "{field}"
            );
        }
    }
}
