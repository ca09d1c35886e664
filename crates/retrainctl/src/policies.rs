//! Policies in files: `DIRECTORY/MODEL.json`, as they are put into Parameter Store at
//! `PATH/MODEL`.

use std::fs;
use std::path::{Path, PathBuf};

use retrain_policies::{Document, PolicySet};

use crate::exit::Failure;

/// A file that should hold a policy.
#[derive(Clone, Debug)]
pub(crate) struct PolicyFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// The model: the file's name without `.json`.
    pub(crate) model: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The policies of a directory, or of one file, by the models' names.
pub(crate) fn files(path: &Path) -> Result<Vec<PolicyFile>, Failure> {
    let failed = |error| Failure::file(path, error);
    let mut paths = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                paths.push(path);
            }
        }
        paths.sort();
    } else {
        paths.push(path.to_owned());
    }
    if paths.is_empty() {
        let path = path.display();
        return Err(Failure::Usage(format!(
            "{path} holds no policies: each is a file MODEL.json"
        )));
    }
    paths.into_iter().map(file).collect()
}

fn file(path: PathBuf) -> Result<PolicyFile, Failure> {
    let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
    let model = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(PolicyFile {
        model: model.into_owned(),
        text,
        path,
    })
}

/// The files as the functions would read them from Parameter Store.
pub(crate) fn set(files: &[PolicyFile]) -> PolicySet {
    PolicySet::parse(files.iter().map(|file| Document {
        name: file.model.clone(),
        version: 1,
        text: file.text.clone(),
    }))
}

/// All policies of a directory or a file, of which none may be invalid.
pub(crate) fn valid(path: &Path) -> Result<PolicySet, Failure> {
    let set = set(&files(path)?);
    match set.invalid() {
        [] => Ok(set),
        [invalid, ..] => Err(Failure::Invalid(format!(
            "{invalid}: {} (`retrainctl policy check {}` tells more)",
            invalid.error,
            path.display()
        ))),
    }
}
