//! What runs in the jobs of a pipeline.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where SageMaker puts everything in a container.
pub(super) const ROOT: &str = "/opt/ml";

/// A container of a job that is ready to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container<'a> {
    /// Its image.
    pub image: &'a str,
    /// Its entry point and arguments.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// The folder that is `/opt/ml` in it.
    pub root: &'a Path,
}

/// Runs containers.
pub trait Containers: fmt::Debug {
    /// Runs a container to its end, and returns what its program has printed. An error is a
    /// failure of the job, with what it has printed last.
    fn run(&self, container: &Container<'_>) -> Result<String, String>;
}

/// Runs the program of a container as a process of this machine, whatever its image.
#[derive(Clone, Debug)]
#[must_use = "it runs nothing by itself"]
pub struct LocalProcesses {
    folder: PathBuf,
    root_variable: String,
    programs: BTreeMap<String, PathBuf>,
    entry_points: BTreeMap<String, Vec<String>>,
    environment: BTreeMap<String, String>,
}

impl LocalProcesses {
    /// Runs programs in a folder. They learn from an environment variable which folder is
    /// `/opt/ml`, as a process cannot have one of its own.
    pub fn new(folder: impl Into<PathBuf>, root_variable: &str) -> Self {
        Self {
            folder: folder.into(),
            root_variable: root_variable.to_owned(),
            programs: BTreeMap::new(),
            entry_points: BTreeMap::new(),
            environment: BTreeMap::new(),
        }
    }

    /// Which program of this machine is meant by a name, such as `python3`.
    pub fn program(mut self, name: &str, path: impl Into<PathBuf>) -> Self {
        self.programs.insert(name.to_owned(), path.into());
        self
    }

    /// Which command a word stands for that the image would know, such as `train`.
    pub fn entry_point(mut self, word: &str, command: &[&str]) -> Self {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        self.entry_points.insert(word.to_owned(), command);
        self
    }

    /// A variable of every process.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Containers for LocalProcesses {
    fn run(&self, container: &Container<'_>) -> Result<String, String> {
        let (name, arguments) = container.command.split_first().ok_or("no entry point")?;
        let meant = self.entry_points.get(name);
        let (name, before) = match meant.and_then(|command| command.split_first()) {
            Some((name, before)) => (name, before),
            None => (name, &[][..]),
        };
        let program = self
            .programs
            .get(name)
            .cloned()
            .unwrap_or_else(|| name.into());
        let output = Command::new(&program)
            .args(before)
            .args(arguments)
            .current_dir(&self.folder)
            .env(&self.root_variable, container.root)
            .envs(&self.environment)
            .envs(&container.environment)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().next_back().unwrap_or_default();
        Err(format!("{last}, {}", output.status))
    }
}

/// A folder that is there as long as this value.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn create() -> io::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let name = format!("retrain-sandbox-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                // An earlier process of this number has left it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder or file that is at a place of `/opt/ml` in the container.
    pub(super) fn at(&self, local_path: &str) -> Option<PathBuf> {
        let inside = local_path.strip_prefix(ROOT)?;
        let is_place = inside.starts_with('/') && inside.split('/').all(|part| part != "..");
        is_place.then(|| self.0.join(inside.trim_matches('/')))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the folder for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files below a folder, by their paths in it.
pub(super) fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push((format!("{name}/"), entry.path()));
            } else {
                found.push((name, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Packs a folder as SageMaker packs a model.
pub(super) fn pack(folder: &Path, archive: &Path) -> io::Result<()> {
    let status = Command::new("tar")
        .arg("-czf")
        .arg(archive)
        .arg("-C")
        .arg(folder)
        .arg(".")
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("tar has failed: {status}")))
}
