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
    let mut wanted = stored.documents().await?;
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
    // Nothing is written before everything can be.
    let mut new = Vec::new();
    for document in &wanted {
        if let Err(error) = ModelName::parse(document.name.as_str()) {
            writeln!(err, "retrainctl: {:?} is no policy: {error}", document.name)?;
            continue;
        }
        let path = directory.join(format!("{}.json", document.name));
        if !is_there(document, &path, args.overwrite)? {
            new.push((path, document));
        }
    }
    fs::create_dir_all(directory).map_err(|error| Failure::file(directory, error))?;
    for (path, document) in &new {
        let text = format!("{}\n", document.text.trim_end());
        fs::write(path, text).map_err(|error| Failure::file(path, error))?;
    }
    let (files, directory) = (several(new.len() as u64, "file"), directory.display());
    writeln!(err, "{files} written to {directory}")?;
    Ok(Exit::Done)
}

/// Whether the file holds the policy already. What else it holds may only be written over
/// if that is said.
fn is_there(document: &Document, path: &Path, overwrite: bool) -> Result<bool, Failure> {
    match fs::read_to_string(path) {
        Ok(known) if known.trim_end() == document.text.trim_end() => Ok(true),
        Ok(_) if !overwrite => Err(Failure::Invalid(format!(
            "nothing was written: {} holds something else, and --overwrite replaces it",
            path.display()
        ))),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::file(path, error)),
    }
}
