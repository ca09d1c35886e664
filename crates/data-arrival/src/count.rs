//! From an object that arrived to its rows.

use retrain_core::data::ObjectVersion;
use retrain_core::names::shortened;
use retrain_core::policy::ObjectFormat;
use retrain_objects::{CountError, DataFormat, Format, Limits, S3Objects, Uncounted, count};

use crate::fold::Arrived;

/// An object with its rows, or with the reason why it has none to count. An error
/// means that nothing is known about it, and that its messages must come again.
pub(crate) async fn rows(
    objects: &S3Objects,
    arrived: &Arrived,
    trusted: Option<&str>,
) -> Result<ObjectVersion, CountError> {
    let object = &arrived.object;
    let version = |rows, uncounted| ObjectVersion {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        version_id: object.version_id.clone(),
        etag: object.etag.clone(),
        sequencer: arrived.sequencer.clone(),
        rows,
        bytes: object.size.unwrap_or_default(),
        uncounted,
    };
    let Some(format) = format(arrived) else {
        let why = "neither its key nor the policy tells its format";
        return Ok(version(0, Some(why.to_owned())));
    };
    let pinned = retrain_objects::ObjectVersion {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        version_id: object.version_id.clone(),
        etag: object.etag.clone(),
        size: object.size,
    };
    match count(objects, &pinned, &format, &Limits::default(), trusted).await {
        Ok(count) => Ok(version(count.rows, None)),
        // It is the function that may not read it, or not yet: mending that must not
        // cost the rows.
        Err(error) if must_come_again(&error) => Err(error),
        Err(error) => Ok(version(0, Some(shortened(&error.to_string(), 300)))),
    }
}

const fn must_come_again(error: &CountError) -> bool {
    matches!(
        error,
        CountError::Unavailable { .. }
            | CountError::Uncounted(
                Uncounted::Denied(_) | Uncounted::Archived | Uncounted::Refused(_)
            )
    )
}

fn format(arrived: &Arrived) -> Option<Format> {
    let data = |format| Some(Format::Data(format));
    match arrived.format {
        Some(ObjectFormat::Parquet) => data(DataFormat::Parquet),
        Some(ObjectFormat::Orc) => data(DataFormat::Orc),
        Some(ObjectFormat::Csv) => data(DataFormat::Csv { header: false }),
        Some(ObjectFormat::CsvWithHeader) => data(DataFormat::Csv { header: true }),
        Some(ObjectFormat::JsonLines) => data(DataFormat::JsonLines),
        Some(ObjectFormat::RedshiftManifest) => Some(Format::RedshiftManifest { header: false }),
        Some(ObjectFormat::SagemakerManifest) => {
            Some(Format::SageMakerManifest { csv_header: false })
        }
        // Whether a CSV has a header is not told by its name: rather one row too
        // many than one short of a minimum.
        None => DataFormat::of_key(&arrived.object.key, false).map(Format::Data),
    }
}
