//! Values that are good for a while.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Class, PortError};
use tokio::sync::Mutex;

/// How long a value that cannot be refreshed may still be used.
const MAX_STALE: SignedDuration = SignedDuration::from_hours(1);

/// One value that is fetched again when it is older than its time to live.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    known: Mutex<Option<(Timestamp, Arc<T>)>>,
}

/// A value, as good as it is to be had.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    pub(crate) value: Arc<T>,
    /// Why it is an old one: it could not be fetched again.
    pub(crate) stale: Option<PortError>,
}

impl<T> Cached<T> {
    pub(crate) fn new() -> Self {
        Self {
            known: Mutex::new(None),
        }
    }

    /// The value, fetched if it is unknown or too old; whoever fetches is given the old one.
    /// If that fails for the moment, the old value will do. One fetch at a time: the others
    /// wait for it.
    pub(crate) async fn get<F>(
        &self,
        now: Timestamp,
        time_to_live: SignedDuration,
        fetch: impl FnOnce(Option<Arc<T>>) -> F,
    ) -> Result<Kept<T>, PortError>
    where
        F: Future<Output = Result<Arc<T>, PortError>>,
    {
        let mut known = self.known.lock().await;
        let age = known.as_ref().map(|(at, _)| now.duration_since(*at).abs());
        if let (Some((_, value)), Some(age)) = (&*known, age)
            && age < time_to_live
        {
            return Ok(Kept::new(value));
        }
        let old = known.as_ref().map(|(_, value)| Arc::clone(value));
        match (fetch(old.clone()).await, old) {
            (Ok(value), _) => {
                let kept = Kept::new(&value);
                *known = Some((now, value));
                Ok(kept)
            }
            (Err(error), Some(old))
                if error.class() == Class::Retryable && age.is_some_and(|age| age < MAX_STALE) =>
            {
                Ok(Kept {
                    stale: Some(error),
                    ..Kept::new(&old)
                })
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl<T> Kept<T> {
    fn new(value: &Arc<T>) -> Self {
        Self {
            value: Arc::clone(value),
            stale: None,
        }
    }
}
