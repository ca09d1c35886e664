//! The example's scripts, in a Python that has their requirements.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use retrain_sandbox::sagemaker::LocalProcesses;
use serde_json::Value;

use super::Problem;

/// What scripts need to find the sandbox, and to do the same each time.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("AWS_ACCESS_KEY_ID", "sandbox"),
    ("AWS_SECRET_ACCESS_KEY", "sandbox"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_REGION", "us-east-1"),
    ("OMP_NUM_THREADS", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
];
const ROOT_VARIABLE: &str = "ML_ROOT";

/// The scripts and a folder in which they work.
#[derive(Debug)]
pub(super) struct Scripts {
    python: PathBuf,
    example: PathBuf,
    work: PathBuf,
}

impl Scripts {
    pub(super) fn new(python: OsString, example: PathBuf) -> Result<Self, Problem> {
        // Not resolved: an environment's Python knows by its own path where its packages are.
        let python = std::path::absolute(python)?;
        let name = format!("retrain-loop-{}", std::process::id());
        let work = std::env::temp_dir().join(name);
        fs::create_dir_all(&work)?;
        Ok(Self {
            python,
            example,
            work,
        })
    }

    /// A file of the example.
    pub(super) fn read(&self, path: &str) -> Result<String, Problem> {
        Ok(fs::read_to_string(self.example.join(path))?)
    }

    /// What runs the containers of the pipeline's jobs.
    pub(super) fn containers(&self, endpoint_url: &str) -> LocalProcesses {
        let processes = LocalProcesses::new(&self.example, ROOT_VARIABLE)
            .program("python3", &self.python)
            // As the Dockerfile has it.
            .entry_point("train", &["python3", "-m", "fraud.train"])
            .variable("AWS_ENDPOINT_URL", endpoint_url);
        ENVIRONMENT
            .iter()
            .fold(processes, |processes, (name, value)| {
                processes.variable(name, value)
            })
    }

    /// Runs a module with nothing in its folder, and returns the folder with what it has left.
    pub(super) async fn run(
        &self,
        endpoint_url: &str,
        module: &str,
        arguments: &[String],
    ) -> Result<&Path, Problem> {
        self.said(endpoint_url, module, arguments).await?;
        Ok(&self.work)
    }

    /// Runs a module with nothing in its folder, and returns what it has said. The sandbox goes
    /// on answering meanwhile.
    pub(super) async fn said(
        &self,
        endpoint_url: &str,
        module: &str,
        arguments: &[String],
    ) -> Result<String, Problem> {
        fs::remove_dir_all(&self.work)?;
        fs::create_dir_all(&self.work)?;
        let mut command = Command::new(&self.python);
        command
            .args(["-m", module])
            .args(arguments)
            .current_dir(&self.example)
            .envs(ENVIRONMENT)
            .env("AWS_ENDPOINT_URL", endpoint_url)
            .env(ROOT_VARIABLE, &self.work);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{module} has failed: {}", said.trim()).into())
    }

    /// The folder in which a script may leave files.
    pub(super) fn work(&self) -> &Path {
        &self.work
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        // What is left in the folder for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.work);
    }
}

/// Reads a document that a script has left.
pub(super) fn read_json(path: &Path) -> Result<Value, Problem> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}
