//! Counting one object.

use crate::expand::{Expander, Sink};
use crate::format::{DataFormat, Format};
use crate::limits::Limits;
use crate::manifest;
use crate::objects::{ObjectVersion, Objects, Span};
use crate::orc::OrcFooter;
use crate::outcome::{Count, CountError, How, Part, Uncounted};
use crate::parquet::ParquetFooter;
use crate::reader::{Reader, Spent};
use crate::rows::{Csv, JsonLines, Keep, Unmarked};
use crate::tail::{self, Footer};

/// Counts the rows of an object.
///
/// With `trusted_metadata_key` the number that the producer wrote into the object's user
/// metadata under that key is taken without a look at the object, if there is one.
///
/// Every failure that stays is an [`Uncounted`]; only [`CountError::Unavailable`] is worth
/// another delivery.
pub async fn count<O: Objects>(
    objects: &O,
    object: &ObjectVersion,
    format: &Format,
    limits: &Limits,
    trusted_metadata_key: Option<&str>,
) -> Result<Count, CountError> {
    let mut spent = Spent::default();
    let mut reader = Reader::new(objects, object.clone(), &mut spent);
    if let Some(key) = trusted_metadata_key
        && let Some(rows) = reader.metadata(key).await?
    {
        return Ok(spent.count(rows, How::Metadata));
    }
    let (rows, how) = match *format {
        Format::Data(format) => data(&mut reader, format, limits).await?,
        Format::RedshiftManifest { header } => {
            let text = kept(&mut reader, limits).await?;
            (manifest::redshift_rows(&text, header)?, How::Manifest)
        }
        Format::SageMakerManifest { csv_header } => {
            let text = kept(&mut reader, limits).await?;
            let listed = manifest::sagemaker_objects(&text, limits.max_manifest_objects)?;
            let mut rows: u64 = 0;
            for object in listed {
                let more = one_listed(objects, &object, csv_header, limits, &mut spent).await?;
                rows = rows.checked_add(more).ok_or_else(|| {
                    Uncounted::corrupt(Part::Manifest, "the rows of its objects have no sum")
                })?;
            }
            (rows, How::Manifest)
        }
        Format::Unknown => return Err(Uncounted::UnknownFormat.into()),
    };
    Ok(spent.count(rows, how))
}

/// Counts an object that a manifest lists. One that has no count leaves the whole manifest
/// without one.
async fn one_listed<O: Objects>(
    objects: &O,
    object: &ObjectVersion,
    csv_header: bool,
    limits: &Limits,
    spent: &mut Spent,
) -> Result<u64, CountError> {
    let listed = |why: Uncounted| Uncounted::Listed {
        object: object.to_string(),
        why: Box::new(why),
    };
    let Some(format) = DataFormat::of_key(&object.key, csv_header) else {
        let why = Uncounted::Unsupported("what its key does not tell".to_owned());
        return Err(listed(why).into());
    };
    let mut reader = Reader::new(objects, object.clone(), spent);
    match data(&mut reader, format, limits).await {
        Ok((rows, _)) => Ok(rows),
        Err(CountError::Uncounted(why)) => Err(listed(why).into()),
        Err(unavailable @ CountError::Unavailable { .. }) => Err(unavailable),
    }
}

async fn data<O: Objects>(
    reader: &mut Reader<'_, O>,
    format: DataFormat,
    limits: &Limits,
) -> Result<(u64, How), CountError> {
    Ok(match format {
        DataFormat::Parquet => (
            tail::count::<ParquetFooter, O>(reader, limits).await?,
            ParquetFooter::HOW,
        ),
        DataFormat::Orc => (
            tail::count::<OrcFooter, O>(reader, limits).await?,
            OrcFooter::HOW,
        ),
        DataFormat::Csv { header } => (
            text(reader, Csv::new(header), limits).await?.finish()?,
            How::Streamed,
        ),
        DataFormat::JsonLines => (
            text(reader, JsonLines::default(), limits).await?.finish(),
            How::Streamed,
        ),
    })
}

async fn kept<O: Objects>(
    reader: &mut Reader<'_, O>,
    limits: &Limits,
) -> Result<Vec<u8>, CountError> {
    let keep = Keep {
        text: Vec::new(),
        max: limits.max_manifest_bytes,
    };
    Ok(text(reader, keep, limits).await?.text)
}

/// Streams the whole object through a sink.
async fn text<S: Sink, O: Objects>(
    reader: &mut Reader<'_, O>,
    sink: S,
    limits: &Limits,
) -> Result<S, CountError> {
    let too_long = || Uncounted::too_long(Part::Object, limits.max_object_bytes);
    if reader.size() > Some(limits.max_object_bytes) {
        return Err(too_long().into());
    }
    let mut object = reader.open(Span::Whole).await?;
    if object.total > limits.max_object_bytes {
        return Err(too_long().into());
    }
    let mut expander = Expander::new(limits);
    let mut sink = Unmarked::new(sink);
    while let Some(chunk) = object.chunk().await? {
        expander.feed(&chunk, &mut sink)?;
    }
    expander.finish(&mut sink)?;
    Ok(sink.finish()?)
}
