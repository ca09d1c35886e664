//! All policies, wherever they are, kept for a while.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use retrain_controller::PortError;

use crate::bucket::{Found, S3Bundle};
use crate::cache::Cached;
use crate::path::PolicyParameters;
use crate::place::PolicyPlace;
use crate::set::PolicySet;

/// Where policies are read, and by what.
#[derive(Clone, Debug)]
pub enum Source {
    /// Parameter Store.
    Path(PolicyParameters),
    /// S3.
    Bundle(S3Bundle),
}

/// The policies of all models.
#[derive(Debug)]
pub struct Policies {
    source: Source,
    time_to_live: SignedDuration,
    cached: Cached<Read>,
}

/// Policies as they were read.
#[derive(Debug)]
struct Read {
    set: Arc<PolicySet>,
    /// What tells whether a bundle is still the same.
    etag: Option<String>,
}

/// The policies, as good as they are to be had.
#[derive(Debug)]
pub struct InForce {
    /// The policies.
    pub set: Arc<PolicySet>,
    /// Why they are those of before: they could not be read anew.
    pub stale: Option<PortError>,
}

impl Source {
    /// The policies in a place, behind one of these clients.
    pub fn at(place: &PolicyPlace, ssm: aws_sdk_ssm::Client, s3: aws_sdk_s3::Client) -> Self {
        match place {
            PolicyPlace::Path(path) => Self::Path(PolicyParameters::new(ssm, path.clone())),
            PolicyPlace::Bundle(uri) => Self::Bundle(S3Bundle::new(s3, uri.clone())),
        }
    }

    /// All policies, or those of before if they are the same.
    async fn read(&self, old: Option<Arc<Read>>) -> Result<Arc<Read>, PortError> {
        let (documents, etag) = match self {
            Self::Path(parameters) => (parameters.documents().await?, None),
            Self::Bundle(bundle) => {
                let known = old.as_ref().and_then(|old| old.etag.as_deref());
                match (bundle.newer(known).await?, old) {
                    (Found::Same, Some(old)) => return Ok(old),
                    (Found::Same, None) => (Vec::new(), None),
                    (Found::New(bundle, etag), _) => (bundle.into_documents().collect(), etag),
                }
            }
        };
        let set = Arc::new(PolicySet::parse(documents));
        Ok(Arc::new(Read { set, etag }))
    }
}

impl Policies {
    /// The policies of this source. They are used for so long before they are read again.
    pub fn new(source: Source, time_to_live: SignedDuration) -> Self {
        Self {
            source,
            time_to_live,
            cached: Cached::new(),
        }
    }

    /// Where they are.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// All policies as they are, or were within the time to live.
    pub async fn in_force(&self, now: Timestamp) -> Result<InForce, PortError> {
        let read = |old| self.source.read(old);
        let kept = self.cached.get(now, self.time_to_live, read).await?;
        Ok(InForce {
            set: Arc::clone(&kept.value.set),
            stale: kept.stale,
        })
    }
}
