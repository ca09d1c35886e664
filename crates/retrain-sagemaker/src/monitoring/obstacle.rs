//! What keeps a schedule from new baselines.

use std::error::Error;

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use retrain_controller::PortError;

use crate::error::{Verdict, code, failed, is_not_found, told, verdict};

/// Why a call did not do its work.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// There is no such thing.
    Missing(String),
    /// It may not be, and will not be next time.
    Refused(String),
    /// It may work next time.
    Passing(PortError),
}

impl Obstacle {
    pub(super) fn of<E>(doing: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let doing = doing.into();
        let what = error
            .as_service_error()
            .map(|of| format!("{doing}: {}", told(of)));
        match what {
            Some(what) if is_not_found(&error) => Self::Missing(what),
            Some(what) if code(&error).map(verdict) == Some(Verdict::Misconfigured) => {
                Self::Refused(what)
            }
            _ => Self::Passing(failed(doing, error)),
        }
    }
}
