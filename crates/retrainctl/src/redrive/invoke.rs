//! Handing events to functions.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Builder;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use retrain_controller::chain;
use serde_json::Value;

use crate::arns::name_of;
use crate::exit::Failure;

/// How long a function is waited for: longer than the template lets any of them run.
const LONGEST: Duration = Duration::from_secs(150);

/// Who hands events to functions.
pub(super) struct Invoker {
    client: Client,
    waits: bool,
}

impl Invoker {
    /// Whoever waits sends each event once, and waits as long as a function may run: the
    /// patience of other calls would end in the middle, and their repetitions run the
    /// function again beside itself.
    pub(super) fn new(aws: &SdkConfig, waits: bool) -> Self {
        let mut config = Builder::from(aws);
        if waits {
            let timeouts = aws.timeout_config().map(TimeoutConfig::to_builder);
            let timeouts = timeouts
                .unwrap_or_default()
                .operation_attempt_timeout(LONGEST)
                .operation_timeout(LONGEST);
            config = config
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts.build());
        }
        Self {
            client: Client::from_conf(config.build()),
            waits,
        }
    }

    /// Hands an event to a function; why it was not handled, if it was not.
    ///
    /// Without waiting, Lambda has put the event into the function's own queue and answers
    /// for it: it tries three times, and what fails then is a letter again. Waiting has no
    /// such second line, so the letter itself stays until the function has handled it.
    pub(super) async fn invoke(
        &self,
        function: &str,
        event: &str,
    ) -> Result<Option<String>, Failure> {
        let kind = if self.waits {
            InvocationType::RequestResponse
        } else {
            InvocationType::Event
        };
        let invoked = self
            .client
            .invoke()
            .function_name(function)
            .invocation_type(kind)
            .payload(Blob::new(event))
            .send()
            .await;
        let invoked = match invoked {
            Ok(invoked) => invoked,
            Err(SdkError::TimeoutError(_)) if self.waits => {
                let seconds = LONGEST.as_secs();
                return Ok(Some(format!(
                    "no answer within {seconds} s: perhaps it is handled, perhaps not"
                )));
            }
            // Lambda's answer is about this function: the letters of others may go.
            Err(error) if error.as_service_error().is_some() => return Ok(Some(chain(&error))),
            Err(error) => {
                let name = name_of(function);
                return Err(Failure::Aws(format!("invoke {name}: {}", chain(&error))));
            }
        };
        let answer = invoked.payload.map(Blob::into_inner).unwrap_or_default();
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        Ok(match (invoked.function_error, self.waits) {
            (Some(error), _) => Some(failure_of(&error, &answer)),
            (None, false) if invoked.status_code != 202 => {
                Some(format!("Lambda answers {}", invoked.status_code))
            }
            (None, false) => None,
            (None, true) => not_counted(&answer),
        })
    }
}

fn failure_of(error: &str, answer: &Value) -> String {
    let text = |name| answer.get(name).and_then(Value::as_str);
    match (text("errorType"), text("errorMessage")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(kind), None) => kind.to_owned(),
        (None, message) => format!("{error}: {}", message.unwrap_or("it does not say why")),
    }
}

/// A batch of objects may fail in parts, which is no error to Lambda.
fn not_counted(answer: &Value) -> Option<String> {
    let failed = answer.get("batchItemFailures")?.as_array()?.len();
    (failed > 0).then(|| format!("{failed} of its messages could not be handled"))
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::super::queue::MARGIN;
    use super::*;

    #[test]
    fn every_function_of_the_template_has_the_time_that_it_may_take() {
        let template = include_str!("../../../../template.yaml");
        let timeouts = template.lines().filter_map(|line| {
            let seconds = line.trim_start().strip_prefix("Timeout: ")?;
            seconds.parse::<u64>().ok()
        });
        let longest = timeouts.max().unwrap();
        assert!(Duration::from_secs(longest) < LONGEST, "{longest} s");
        // Nobody else may receive a letter while it is waited for.
        assert!(LONGEST < MARGIN.unsigned_abs());
    }

    #[test]
    fn only_whoever_waits_is_patient_and_tries_once() {
        let impatient = Duration::from_secs(3);
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(impatient);
        let aws = SdkConfig::builder().timeout_config(timeouts.build());
        let aws = aws.retry_config(RetryConfig::standard());
        let aws = aws.behavior_version(BehaviorVersion::latest()).build();
        for (waits, patience, attempts) in [(true, LONGEST, 1), (false, impatient, 3)] {
            let client = Invoker::new(&aws, waits).client;
            let timeouts = client.config().timeout_config().unwrap();
            assert_eq!(timeouts.operation_attempt_timeout(), Some(patience));
            let retries = client.config().retry_config().unwrap();
            assert_eq!(retries.max_attempts(), attempts);
        }
    }
}
