//! A function that panics or aborts when its event asks for it: no input makes those of the
//! controller do so, and a test wants to see what Lambda makes of it.

use lambda_runtime::Error;
use retrain_lambda::{Failure, Handle, InvocationClock};
use serde_json::Value;

struct Panics;

impl Handle for Panics {
    type Answer = &'static str;

    async fn handle(&self, event: &Value, _: &InvocationClock) -> Result<Self::Answer, Failure> {
        match event.as_str() {
            Some("panic") => panic!("as the event asked"),
            Some("abort") => std::process::abort(),
            _ => Ok("done"),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    retrain_lambda::run(|_, _| Panics).await
}
