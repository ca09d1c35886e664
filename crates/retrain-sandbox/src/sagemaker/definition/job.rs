//! One job: its folder is filled, its container runs, and what it leaves is stored.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::containers::{Container, Containers, Folder, files, pack};
use super::expression::at;
use super::run::{RunError, Stop};
use super::text_of;
use crate::S3;
use crate::s3::NewObject;

/// A job of a pipeline's step.
pub(super) struct Job<'a> {
    pub(super) name: String,
    pub(super) s3: &'a S3,
    pub(super) containers: &'a dyn Containers,
}

impl Job<'_> {
    /// `CreateProcessingJob`: returns what the step's properties are.
    pub(super) fn process(&self, arguments: &Value) -> Result<Value, Stop> {
        let folder = Folder::create().map_err(RunError::from)?;
        for input in list(arguments, "ProcessingInputs") {
            let (uri, place) = (
                text(input, "S3Input.S3Uri")?,
                text(input, "S3Input.LocalPath")?,
            );
            self.fetch(uri, &self.inside(&folder, place)?)?;
        }
        let outputs: Vec<&Value> = list(arguments, "ProcessingOutputConfig.Outputs").collect();
        for output in &outputs {
            let place = text(output, "S3Output.LocalPath")?;
            make(&self.inside(&folder, place)?)?;
        }
        let image = text(arguments, "AppSpecification.ImageUri")?;
        self.run(arguments, "AppSpecification", image, &folder, "message")?;
        for output in outputs {
            let place = self.inside(&folder, text(output, "S3Output.LocalPath")?)?;
            self.store(&place, text(output, "S3Output.S3Uri")?)?;
        }
        Ok(with(arguments, &[("ProcessingJobName", json!(self.name))]))
    }

    /// `CreateTrainingJob`: returns what the step's properties are.
    pub(super) fn train(&self, arguments: &Value) -> Result<Value, Stop> {
        self.trained(arguments).map(|(properties, _)| properties)
    }

    /// The same, with what the job has printed.
    pub(super) fn trained(&self, arguments: &Value) -> Result<(Value, String), Stop> {
        let folder = Folder::create().map_err(RunError::from)?;
        for channel in list(arguments, "InputDataConfig") {
            let name = text(channel, "ChannelName")?;
            let place = format!("/opt/ml/input/data/{name}");
            let uri = text(channel, "DataSource.S3DataSource.S3Uri")?;
            self.fetch(uri, &self.inside(&folder, &place)?)?;
        }
        let config = self.inside(&folder, "/opt/ml/input/config")?;
        make(&config)?;
        // Hyperparameters are text, whatever they say.
        let given = arguments.get("HyperParameters").and_then(Value::as_object);
        let given: Map<String, Value> = given
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text_of(value).into()))
            .collect();
        let written = Value::Object(given).to_string();
        fs::write(config.join("hyperparameters.json"), written).map_err(RunError::from)?;
        let model = self.inside(&folder, "/opt/ml/model")?;
        make(&model)?;
        let image = text(arguments, "AlgorithmSpecification.TrainingImage")?;
        let specification = "AlgorithmSpecification";
        let said = self.run(arguments, specification, image, &folder, "failure")?;

        let archive = folder.path().join("model.tar.gz");
        pack(&model, &archive).map_err(RunError::from)?;
        let base = text(arguments, "OutputDataConfig.S3OutputPath")?;
        let uri = format!("{base}/{}/output/model.tar.gz", self.name);
        let content = fs::read(&archive).map_err(RunError::from)?;
        self.s3.write(&uri, NewObject::new(content))?;
        let artifacts = json!({"S3ModelArtifacts": uri});
        let own = [
            ("ModelArtifacts", artifacts),
            ("TrainingJobName", json!(self.name)),
        ];
        Ok((with(arguments, &own), said))
    }

    fn run(
        &self,
        arguments: &Value,
        specification: &str,
        image: &str,
        folder: &Folder,
        told: &str,
    ) -> Result<String, Stop> {
        let part = |name: &str| list(arguments, &format!("{specification}.{name}")).map(text_of);
        let environment = arguments.get("Environment").and_then(Value::as_object);
        let environment: BTreeMap<String, String> = environment
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text_of(value)))
            .collect();
        let mut entry: Vec<String> = part("ContainerEntrypoint").collect();
        if entry.is_empty() && specification == "AlgorithmSpecification" {
            // SageMaker starts the image with this argument.
            entry.push("train".to_owned());
        }
        let container = Container {
            image,
            command: entry
                .into_iter()
                .chain(part("ContainerArguments"))
                .collect(),
            environment,
            root: folder.path(),
        };
        self.containers.run(&container).map_err(|said| {
            // What the program has written for SageMaker says it better.
            let told = fs::read_to_string(folder.path().join("output").join(told));
            Stop::Failed(format!("AlgorithmError: {}", told.unwrap_or(said)))
        })
    }

    fn inside(&self, folder: &Folder, place: &str) -> Result<std::path::PathBuf, Stop> {
        let path = folder.at(place);
        path.ok_or_else(|| Stop::Failed(format!("{place} of {} is not in /opt/ml", self.name)))
    }

    /// Copies the object, or all below a prefix, into a folder.
    fn fetch(&self, uri: &str, folder: &Path) -> Result<(), Stop> {
        make(folder)?;
        let none = || Stop::Failed(format!("ClientError: there is nothing at {uri}"));
        let (bucket, prefix) = uri
            .strip_prefix("s3://")
            .and_then(|place| place.split_once('/'))
            .ok_or_else(none)?;
        let objects = self.s3.objects(bucket).map_err(|_| none())?;
        let mut any = false;
        for object in objects {
            let Some(name) = name_below(&object.key, prefix) else {
                continue;
            };
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                make(parent)?;
            }
            let content = self.s3.read(&format!("s3://{bucket}/{}", object.key))?;
            fs::write(path, content).map_err(RunError::from)?;
            any = true;
        }
        if any { Ok(()) } else { Err(none()) }
    }

    /// Writes what is in a folder below a URI.
    fn store(&self, folder: &Path, uri: &str) -> Result<(), Stop> {
        for (name, path) in files(folder).map_err(RunError::from)? {
            let content = fs::read(path).map_err(RunError::from)?;
            self.s3
                .write(&format!("{uri}/{name}"), NewObject::new(content))?;
        }
        Ok(())
    }
}

/// What an object of a prefix is called in the folder, as SageMaker lays it out: the object
/// itself by its last name, one below by the rest of its path. Folders of S3 are nothing.
pub(super) fn name_below<'a>(key: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = key.strip_prefix(prefix)?;
    let from = match rest.strip_prefix('/') {
        Some(rest) => rest,
        None if prefix.is_empty() || prefix.ends_with('/') => rest,
        // The prefix is the beginning of a name.
        None => key.rsplit_once('/').map_or(key, |(_, name)| name),
    };
    let leaves = from.split('/').any(|part| part == "..");
    (!from.is_empty() && !from.ends_with('/') && !leaves).then_some(from)
}

fn make(folder: &Path) -> Result<(), RunError> {
    Ok(fs::create_dir_all(folder)?)
}

pub(super) fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    at(value, path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Value, path: &str) -> Result<&'a str, Stop> {
    let found = at(value, path).and_then(Value::as_str);
    found.ok_or_else(|| Stop::Failed(format!("ValidationException: {path} is missing")))
}

/// A structure with further members.
pub(super) fn with(arguments: &Value, members: &[(&str, Value)]) -> Value {
    let mut properties = arguments.clone();
    for (name, value) in members {
        properties[*name] = value.clone();
    }
    properties
}
