//! The loop around a function.

use aws_config::SdkConfig;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tracing::{Instrument as _, info_span};

use crate::clock::InvocationClock;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::{aws, telemetry};

/// What a function does with an event.
pub trait Handle: Sync {
    /// What it answers.
    type Answer: Serialize + Send;

    /// Handles one event. `Ok` means understood, not necessarily acted upon.
    fn handle(
        &self,
        event: &Value,
        clock: &InvocationClock,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// Runs a function: makes its handler from its settings and serves events until Lambda
/// ends the process. What is wrong with the settings ends it at once, and is told.
pub async fn run<H: Handle>(handler: impl FnOnce(&Settings, &SdkConfig) -> H) -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let handler = &handler(&settings, &aws::load().await);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        invoke(handler, event)
    }))
    .await
}

async fn invoke<H: Handle>(
    handler: &H,
    event: LambdaEvent<Value>,
) -> Result<H::Answer, Diagnostic> {
    let clock = InvocationClock::start();
    let span = info_span!("invocation", request_id = %event.context.request_id);
    // On the heap: the SDK's futures are large and deeply nested.
    let answer = Box::pin(handler.handle(&event.payload, &clock));
    let answer = answer.instrument(span.clone()).await;
    answer.map_err(|failure| {
        span.in_scope(|| telemetry::failed(&failure));
        Diagnostic::from(failure)
    })
}
