//! The events of a bucket, in the two forms in which S3 sends them.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::ids;

/// What S3 leaves as it is in the key of a classic notification, besides
/// letters and digits. A space becomes `+`.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b' ')
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'_')
    .remove(b'~');

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) at: Timestamp,
    pub(super) request_id: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version_id: Option<String>,
    /// The change's number, which makes its sequencer.
    pub(super) change: u64,
    pub(super) what: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    Created {
        by: Creation,
        size: u64,
        etag: String,
    },
    DeleteMarkerCreated,
    PermanentlyDeleted,
}

/// The operation that created an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Creation {
    PutObject,
    CopyObject,
    CompleteMultipartUpload,
}

/// What the documented sample of a delete marker's event carries: the MD5 of
/// nothing.
const MARKER_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

impl Event {
    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The object's key, as it is.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The `detail-type` that EventBridge gives it.
    pub fn detail_type(&self) -> &'static str {
        match self.what {
            Happened::Created { .. } => "Object Created",
            Happened::DeleteMarkerCreated | Happened::PermanentlyDeleted => "Object Deleted",
        }
    }

    /// The event as EventBridge delivers it. The key is raw. Twice the same
    /// event has twice the same `id`.
    pub fn eventbridge(&self) -> Value {
        let mut object = Map::new();
        object.insert("key".to_owned(), json!(self.key));
        let mut detail = json!({
            "version": "0",
            "event-version": "1.2",
            "bucket": {"name": self.bucket},
            "request-id": self.request_id,
            "requester": self.account,
            "source-ip-address": "127.0.0.1",
        });
        match &self.what {
            Happened::Created { by, size, etag } => {
                object.insert("size".to_owned(), json!(size));
                object.insert("etag".to_owned(), json!(etag));
                detail["reason"] = json!(format!("{by:?}"));
            }
            Happened::DeleteMarkerCreated => {
                object.insert("etag".to_owned(), json!(MARKER_ETAG));
                detail["reason"] = json!("DeleteObject");
                detail["deletion-type"] = json!("Delete Marker Created");
            }
            Happened::PermanentlyDeleted => {
                detail["reason"] = json!("DeleteObject");
                detail["deletion-type"] = json!("Permanently Deleted");
            }
        }
        if let Some(id) = &self.version_id {
            object.insert("version-id".to_owned(), json!(id));
        }
        object.insert("sequencer".to_owned(), json!(ids::sequencer(self.change)));
        detail["object"] = Value::Object(object);
        json!({
            "version": "0",
            "id": ids::uuid(&format!("{}/{}", self.bucket, self.change)),
            "detail-type": self.detail_type(),
            "source": "aws.s3",
            "account": self.account,
            "time": self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": self.region,
            "resources": [format!("arn:aws:s3:::{}", self.bucket)],
            "detail": detail,
        })
    }

    /// The classic notification, as S3 sends it to a queue, a topic or a
    /// function: `Records` with one record. The key is URL-encoded, and the
    /// sequencer is in capitals with a leading zero byte.
    pub fn notification(&self) -> Value {
        let mut object = Map::new();
        let key = utf8_percent_encode(&self.key, KEY).to_string();
        object.insert("key".to_owned(), json!(key.replace(' ', "+")));
        let name = match &self.what {
            Happened::Created { by, size, etag } => {
                object.insert("size".to_owned(), json!(size));
                object.insert("eTag".to_owned(), json!(etag));
                match by {
                    Creation::PutObject => "ObjectCreated:Put",
                    Creation::CopyObject => "ObjectCreated:Copy",
                    Creation::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
                }
            }
            Happened::DeleteMarkerCreated => {
                object.insert("eTag".to_owned(), json!(MARKER_ETAG));
                "ObjectRemoved:DeleteMarkerCreated"
            }
            Happened::PermanentlyDeleted => "ObjectRemoved:Delete",
        };
        if let Some(id) = &self.version_id {
            object.insert("versionId".to_owned(), json!(id));
        }
        let sequencer = format!("00{}", ids::sequencer(self.change)).to_uppercase();
        object.insert("sequencer".to_owned(), json!(sequencer));
        json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": self.region,
            "eventTime": self.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "eventName": name,
            "userIdentity": {"principalId": format!("AWS:{}", self.account)},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {
                "x-amz-request-id": self.request_id,
                "x-amz-id-2": ids::uuid(&self.request_id),
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "sandbox",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": self.account},
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": object,
            },
        }]})
    }
}
