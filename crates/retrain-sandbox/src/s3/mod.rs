//! Amazon S3, as far as data arrives in it.

mod condition;
mod content;
mod error;
mod event;
mod ids;
mod list;
mod multipart;
mod notification;
mod objects;
mod payload;
mod range;
mod request;
mod seed;
mod sqs;
mod store;
mod xml;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;

pub use content::Content;
pub use error::S3Error;
pub use event::Event;
pub use seed::{SeedBucket, SeedObject};
pub use sqs::sqs_batch;
pub use store::Versioning;

use crate::VirtualClock;
use crate::answer::Answer;
use crate::service::{AnswerFuture, Endpoint, Request, Service};
use event::Creation;
use request::{Call, Operation};
use store::{Object, Store, Version, Write};

/// S3, without a request. Clones share one S3.
///
/// What is written and deleted here is announced like what clients write and
/// delete.
#[derive(Clone, Debug)]
pub struct S3 {
    store: Arc<Mutex<Store>>,
    clock: VirtualClock,
}

/// An object to write.
#[derive(Clone, Debug)]
pub struct NewObject {
    content: Content,
    headers: Vec<(String, String)>,
}

impl NewObject {
    /// An object with this content and no metadata.
    pub fn new(content: impl Into<Content>) -> Self {
        Self {
            content: content.into(),
            headers: Vec::new(),
        }
    }

    /// Adds user metadata, which clients see as `x-amz-meta-NAME`.
    #[must_use]
    pub fn metadata(self, name: &str, value: &str) -> Self {
        self.header(&format!("x-amz-meta-{name}"), value)
    }

    /// Gives it a `Content-Type`.
    #[must_use]
    pub fn content_type(self, value: &str) -> Self {
        self.header("content-type", value)
    }

    /// Gives it a `Content-Encoding`. The content is taken as it is.
    #[must_use]
    pub fn content_encoding(self, value: &str) -> Self {
        self.header("content-encoding", value)
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn description(&self) -> Result<HeaderMap, S3Error> {
        let mut description = HeaderMap::new();
        for (name, value) in &self.headers {
            let header = HeaderName::from_bytes(name.as_bytes())
                .ok()
                .zip(HeaderValue::from_str(value).ok());
            let (name, value) = header
                .ok_or_else(|| S3Error::invalid_argument("This is not a header.", name, value))?;
            description.insert(name, value);
        }
        Ok(description)
    }
}

/// An object that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key.
    pub key: String,
    /// The id of its newest version, in a bucket with versioning.
    pub version_id: Option<String>,
    /// Its `ETag`, without quotes.
    pub etag: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its user metadata, by names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

impl StoredObject {
    fn new(key: &str, version: &Version, object: &Object) -> Self {
        let metadata = object.description.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-amz-meta-")?;
            Some((name.to_owned(), value.to_str().ok()?.to_owned()))
        });
        Self {
            key: key.to_owned(),
            version_id: version.id.clone(),
            etag: object.etag.clone(),
            size: object.content.size(),
            last_modified: object.modified,
            metadata: metadata.collect(),
        }
    }
}

impl S3 {
    pub(crate) fn new(clock: VirtualClock, region: &str, account: &str) -> Self {
        Self {
            store: Arc::new(Mutex::new(Store::new(region, account))),
            clock,
        }
    }

    /// Creates a bucket. Buckets that clients create are without versioning.
    pub fn create_bucket(&self, name: &str, versioning: Versioning) -> Result<(), S3Error> {
        self.lock().create_bucket(name, versioning)
    }

    /// Lets a bucket tell EventBridge of its objects, or stop to. A new bucket does not.
    pub fn notify_eventbridge(&self, bucket: &str, notify: bool) -> Result<(), S3Error> {
        *self.lock().notifies(bucket)? = notify;
        Ok(())
    }

    /// Writes an object, as `PutObject` does.
    pub fn put_object(
        &self,
        bucket: &str,
        key: &str,
        object: NewObject,
    ) -> Result<StoredObject, S3Error> {
        let mut store = self.lock();
        let occasion = store.occasion(self.clock.now());
        let write = Write {
            by: Creation::PutObject,
            description: object.description()?,
            content: object.content,
            etag: None,
            checksum: None,
        };
        store.write(bucket, key, write, &occasion)?;
        let (version, object) = store.find(bucket, key, None)?;
        Ok(StoredObject::new(key, version, object))
    }

    /// Deletes an object, as `DeleteObject` does.
    pub fn delete_object(&self, bucket: &str, key: &str) -> Result<(), S3Error> {
        let mut store = self.lock();
        let occasion = store.occasion(self.clock.now());
        store.delete(bucket, key, None, &occasion).map(|_| ())
    }

    /// The objects of a bucket, in the order of their keys.
    pub fn objects(&self, bucket: &str) -> Result<Vec<StoredObject>, S3Error> {
        let store = self.lock();
        let objects = store.objects(bucket)?;
        Ok(objects
            .map(|(key, version, object)| StoredObject::new(key, version, object))
            .collect())
    }

    /// What the object at `s3://BUCKET/KEY` holds.
    pub(crate) fn read(&self, uri: &str) -> Result<Bytes, S3Error> {
        let (bucket, key) = place(uri)?;
        let store = self.lock();
        let (_, object) = store.find(bucket, key, None)?;
        Ok(object.content.read(0..u64::MAX))
    }

    /// Writes the object at `s3://BUCKET/KEY`.
    pub(crate) fn write(&self, uri: &str, object: NewObject) -> Result<(), S3Error> {
        let (bucket, key) = place(uri)?;
        self.put_object(bucket, key, object).map(|_| ())
    }

    /// Whether a read of a missing object answers 403 `AccessDenied` instead of
    /// 404, as S3 does to a caller without `s3:ListBucket`.
    pub fn deny_missing(&self, denied: bool) {
        self.lock().missing_is_denied = denied;
    }

    /// What happened since the last call, the oldest first.
    pub fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.lock().events)
    }

    fn perform(&self, call: &Call<'_>, body: &Bytes) -> Answer {
        let mut store = self.lock();
        let occasion = store.occasion(self.clock.now());
        let result = owned(&store, call)
            .and_then(|()| call.operation())
            .and_then(|operation| match operation {
                Operation::CreateBucket => objects::create_bucket(&mut store, call, body),
                Operation::GetBucketNotificationConfiguration => notification::get(&store, call),
                Operation::ListObjectsV2 => list::list_objects(&store, call),
                Operation::PutObject => objects::put(&mut store, call, body, &occasion),
                Operation::CopyObject => objects::copy(&mut store, call, &occasion),
                Operation::GetObject | Operation::HeadObject => objects::get(&store, call),
                Operation::DeleteObject => objects::delete(&mut store, call, &occasion),
                Operation::CreateMultipartUpload => multipart::create(&mut store, call),
                Operation::UploadPart => multipart::upload_part(&mut store, call, body),
                Operation::CompleteMultipartUpload => {
                    multipart::complete(&mut store, call, body, &occasion)
                }
                Operation::AbortMultipartUpload => multipart::abort(&mut store, call),
            });
        let mut answer = result.unwrap_or_else(|error| error.answer());
        let id = &occasion.request_id;
        objects::set(&mut answer.headers, "x-amz-request-id", id);
        objects::set(&mut answer.headers, "x-amz-id-2", &ids::uuid(id));
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All buckets are the sandbox's account's; a caller may insist on an owner.
fn owned(store: &Store, call: &Call<'_>) -> Result<(), S3Error> {
    match call.header("x-amz-expected-bucket-owner") {
        Some(owner) if owner != store.account => Err(S3Error::new("AccessDenied", "Access Denied")),
        _ => Ok(()),
    }
}

impl Endpoint for S3 {
    fn service(&self) -> Service {
        Service::S3
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        let name = Call::read(head)?.map(|call| call.name());
        Some(name.unwrap_or_else(|_| format!("{} {}", head.method, head.uri.path())))
    }

    fn members(&self, request: &Request) -> Value {
        match Call::read(&request.head) {
            Some(Ok(call)) => call.members(),
            _ => Value::Null,
        }
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        Box::pin(async move {
            match Call::read(&request.head) {
                Some(Ok(call)) => self.perform(&call, &request.bytes),
                Some(Err(error)) => error.answer(),
                // It was S3's when it was routed here.
                None => S3Error::not_implemented("request", request.head.uri.path()).answer(),
            }
        })
    }
}

/// Bucket and key of a URI.
fn place(uri: &str) -> Result<(&str, &str), S3Error> {
    uri.strip_prefix("s3://")
        .and_then(|place| place.split_once('/'))
        .ok_or_else(|| S3Error::new("InvalidURI", "Couldn't parse the specified URI."))
}
