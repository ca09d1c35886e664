//! Answers that are kept.

use std::collections::BTreeMap;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde_json::Value;

/// The answers to each operation, in their order. The last one answers whatever comes after.
#[derive(Clone, Default)]
pub(crate) struct Tape {
    answers: BTreeMap<String, Vec<(Response<()>, Bytes)>>,
    played: BTreeMap<String, usize>,
}

impl Tape {
    pub(super) fn keep(&mut self, operation: &str, head: Response<()>, body: Bytes) {
        let answers = self.answers.entry(operation.to_owned()).or_default();
        answers.push((head, body));
    }

    pub(super) fn play(&mut self, operation: &str) -> Response<Full<Bytes>> {
        let Some(answers) = self.answers.get(operation) else {
            let unknown = format!("{operation} was not recorded");
            let mut answer = Response::new(Full::new(unknown.into()));
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            return answer;
        };
        let played = self.played.entry(operation.to_owned()).or_default();
        let (head, body) = &answers[(*played).min(answers.len() - 1)];
        *played += 1;
        head.clone().map(|()| Full::new(body.clone()))
    }

    /// The body of an operation's answer of this number, from 0.
    pub(crate) fn body(&self, operation: &str, number: usize) -> Value {
        let kept = self
            .answers
            .get(operation)
            .and_then(|answers| answers.get(number));
        kept.map_or(Value::Null, |(_, body)| {
            serde_json::from_slice(body).unwrap_or_default()
        })
    }

    pub(super) fn rewind(&mut self) {
        self.played.clear();
    }
}
