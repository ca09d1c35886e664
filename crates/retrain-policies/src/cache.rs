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

impl<T> Cached<T> {
    pub(crate) fn new() -> Self {
        Self {
            known: Mutex::new(None),
        }
    }

    /// The value, fetched if it is unknown or too old. If that fails for the
    /// moment, an older value will do. One fetch at a time: the others wait for it.
    pub(crate) async fn get<F>(
        &self,
        now: Timestamp,
        time_to_live: SignedDuration,
        fetch: F,
    ) -> Result<Arc<T>, PortError>
    where
        F: Future<Output = Result<T, PortError>>,
    {
        let mut known = self.known.lock().await;
        let age = known.as_ref().map(|(at, _)| now.duration_since(*at).abs());
        if let (Some((_, value)), Some(age)) = (&*known, age)
            && age < time_to_live
        {
            return Ok(Arc::clone(value));
        }
        match fetch.await {
            Ok(value) => {
                let value = Arc::new(value);
                *known = Some((now, Arc::clone(&value)));
                Ok(value)
            }
            Err(error)
                if error.class() == Class::Retryable && age.is_some_and(|age| age < MAX_STALE) =>
            {
                known
                    .as_ref()
                    .map(|(_, value)| Arc::clone(value))
                    .ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}
