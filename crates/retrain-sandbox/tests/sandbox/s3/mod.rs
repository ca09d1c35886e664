//! S3, through the SDK.

mod conditions;
mod events;
mod faults;
mod lists;
mod notification;
mod objects;
mod ranges;
mod uploads;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use retrain_sandbox::s3::Versioning;
use retrain_sandbox::{Options, Sandbox};

use crate::client;

/// A sandbox with the bucket `data`, and a client of it.
async fn bucket(versioning: Versioning) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox.s3().create_bucket("data", versioning).unwrap();
    let config = aws_sdk_s3::config::Builder::from(&client::config(&sandbox))
        .force_path_style(true)
        .build();
    (sandbox, Client::from_conf(config))
}

/// Writes an object through the SDK and returns its version's id.
async fn put(client: &Client, key: &str, body: &str) -> Option<String> {
    let request = client.put_object().bucket("data").key(key);
    let body = body.as_bytes().to_vec().into();
    let written = request.body(body).send().await.unwrap();
    written.version_id
}

/// The status and code of an error. An answer to `HEAD` has no code.
fn refusal<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> (u16, Option<String>) {
    let error = result.err().expect("it is refused");
    let status = error.raw_response().expect("it is answered").status();
    (status.as_u16(), error.code().map(str::to_owned))
}

fn refused(status: u16, code: &str) -> (u16, Option<String>) {
    (status, Some(code.to_owned()))
}
