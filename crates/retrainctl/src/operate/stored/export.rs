//! `retrainctl policy export`: from Parameter Store to files.

use std::fs;
use std::io::Write;
use std::path::Path;

use retrain_controller::Clock;
use retrain_core::names::ModelName;
use retrain_policies::Document;

use super::super::Surroundings;
use super::super::place::StoredPolicies;
use crate::cli::stored::ExportArgs;
use crate::exit::{Exit, Failure};
use crate::words::several;

pub(super) async fn run(
    args: &ExportArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let stored = StoredPolicies::of(&args.place, around)?;
    let mut wanted = stored.parameters.documents().await?;
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    if !args.models.is_empty() {
        let is_there = |model: &&ModelName| wanted.iter().any(|of| of.name == model.as_str());
        if let Some(missing) = args.models.iter().find(|model| !is_there(model)) {
            return Err(stored.none_of(missing));
        }
        wanted.retain(|of| args.models.iter().any(|model| of.name == model.as_str()));
    }
    let Some(directory) = &args.to else {
        for document in &wanted {
            writeln!(out, "{}", document.text.trim_end())?;
        }
        return Ok(Exit::Done);
    };
    let mut written: u64 = 0;
    for document in &wanted {
        if let Err(error) = ModelName::parse(document.name.as_str()) {
            writeln!(err, "retrainctl: {:?} is no policy: {error}", document.name)?;
            continue;
        }
        written += u64::from(write(document, directory, args.overwrite)?);
    }
    let directory = directory.display();
    writeln!(err, "{} written to {directory}", several(written, "file"))?;
    Ok(Exit::Done)
}

/// Writes one policy, and says whether it was not there already.
fn write(document: &Document, directory: &Path, overwrite: bool) -> Result<bool, Failure> {
    let path = directory.join(format!("{}.json", document.name));
    let failed = |error| Failure::file(&path, error);
    let text = format!("{}\n", document.text.trim_end());
    match fs::read_to_string(&path) {
        Ok(known) if known.trim_end() == document.text.trim_end() => return Ok(false),
        Ok(_) if !overwrite => {
            return Err(Failure::Invalid(format!(
                "{} holds something else: --overwrite replaces it",
                path.display()
            )));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    fs::create_dir_all(directory).map_err(failed)?;
    fs::write(&path, text).map_err(failed)?;
    Ok(true)
}
