//! From an object that arrived to its rows.

use retrain_core::data::ObjectVersion;
use retrain_core::names::shortened;
use retrain_core::policy::{Is, ObjectFormat};
use retrain_objects::{CountError, DataFormat, Format, Limits, S3Objects, Uncounted, count};
use retrain_policies::Arrived;

/// An object with its rows, or with the reason why it has none to count. An error
/// means that nothing is known about it, and that its messages must come again.
pub(crate) async fn rows(
    objects: &S3Objects,
    arrived: &Arrived,
    trusted: Option<&str>,
) -> Result<ObjectVersion, CountError> {
    let object = &arrived.object;
    let format = match arrived.is {
        Is::Data(format) => of_policy(format, &object.key),
        Is::Completion => return Ok(arrived.completion()),
    };
    let pinned = retrain_objects::ObjectVersion {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        version_id: object.version_id.clone(),
        etag: object.etag.clone(),
        size: object.size,
    };
    match count(objects, &pinned, &format, &Limits::default(), trusted).await {
        Ok(count) => Ok(arrived.counted(count.rows, None)),
        Err(CountError::Uncounted(why)) if !must_come_again(&why) => {
            Ok(arrived.counted(0, Some(shortened(&why.to_string(), 300))))
        }
        Err(error) => Err(error),
    }
}

/// Whether it is the function that may not read the object, or not yet: mending that
/// must not cost the rows.
fn must_come_again(why: &Uncounted) -> bool {
    match why {
        Uncounted::Denied(_) | Uncounted::Archived | Uncounted::Refused(_) => true,
        Uncounted::Listed { why, .. } => must_come_again(why),
        _ => false,
    }
}

fn of_policy(format: Option<ObjectFormat>, key: &str) -> Format {
    Format::Data(match format {
        Some(ObjectFormat::Parquet) => DataFormat::Parquet,
        Some(ObjectFormat::Orc) => DataFormat::Orc,
        Some(ObjectFormat::Csv) => DataFormat::Csv { header: false },
        Some(ObjectFormat::CsvWithHeader) => DataFormat::Csv { header: true },
        Some(ObjectFormat::JsonLines) => DataFormat::JsonLines,
        Some(ObjectFormat::RedshiftManifest) => return Format::RedshiftManifest { header: false },
        Some(ObjectFormat::SagemakerManifest) => {
            return Format::SageMakerManifest { csv_header: false };
        }
        // Whether a CSV has a header is not told by its name: rather one row too
        // many than one short of a minimum.
        None => return DataFormat::of_key(key, false).map_or(Format::Unknown, Format::Data),
    })
}
