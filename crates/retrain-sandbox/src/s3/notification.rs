//! `GetBucketNotificationConfiguration`.

use hyper::header::HeaderMap;
use serde::Serialize;

use super::error::S3Error;
use super::objects::document;
use super::request::Call;
use super::store::Store;
use super::xml;
use crate::answer::Answer;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NotificationConfiguration {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    /// Empty, and there if EventBridge is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_bridge_configuration: Option<&'static str>,
}

pub(super) fn get(store: &Store, call: &Call<'_>) -> Result<Answer, S3Error> {
    let notifies = store.does_notify(&call.bucket)?;
    let configuration = NotificationConfiguration {
        xmlns: xml::NAMESPACE,
        event_bridge_configuration: notifies.then_some(""),
    };
    document(HeaderMap::new(), &configuration)
}
