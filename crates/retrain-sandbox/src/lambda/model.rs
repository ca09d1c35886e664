//! What the sandbox keeps about functions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A function that can be invoked.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The aliases under which it can be invoked.
    pub aliases: Vec<String>,
    /// `State` of its configuration: `Active` unless told.
    pub state: String,
    /// Its environment's variables.
    pub environment: BTreeMap<String, String>,
    /// What whoever waits for it is answered.
    pub(super) answer: Value,
    /// Whether that is an error.
    pub(super) fails: bool,
}

impl Function {
    /// A function with the alias `live` that answers null.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            aliases: vec!["live".to_owned()],
            state: "Active".to_owned(),
            environment: BTreeMap::new(),
            answer: Value::Null,
            fails: false,
        }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets its `State`, such as `Inactive`.
    #[must_use]
    pub fn state(mut self, state: &str) -> Self {
        state.clone_into(&mut self.state);
        self
    }

    /// Lets it answer this.
    #[must_use]
    pub fn answers(mut self, answer: Value) -> Self {
        (self.answer, self.fails) = (answer, false);
        self
    }

    /// Lets it fail with an error of this type.
    #[must_use]
    pub fn fails(mut self, error_type: &str, message: &str) -> Self {
        self.answer = json!({"errorType": error_type, "errorMessage": message});
        self.fails = true;
        self
    }
}

/// A queue that Lambda reads for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Its id.
    pub uuid: String,
    /// The queue's ARN.
    pub source: String,
    /// The function's ARN, with or without a qualifier.
    pub function: String,
    /// Whether it is read.
    pub enabled: bool,
}

/// How a function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationType {
    /// Nobody waits: Lambda has taken the event.
    Event,
    /// The caller waits for the answer.
    RequestResponse,
}

/// One invocation.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The function's name.
    pub function: String,
    /// What the caller named it: a name or an ARN, with its qualifier.
    pub named: String,
    /// How it was invoked.
    pub kind: InvocationType,
    /// The event.
    pub payload: Value,
}
