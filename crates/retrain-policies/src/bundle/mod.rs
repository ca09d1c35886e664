//! All policies in one object: JSON Lines, compressed with gzip.
//!
//! The first line says what it is:
//! `{"retrain_policies": 1, "revision": 17, "models": 2, "note": "ana: calmer nights"}`, and each
//! other one is a model: `{"model": "fraud-detection", "version": 12, "policy": "{...}"}`. The
//! policy is the text as it was given, valid or not: what is wrong with it is its own model's
//! affair alone.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::set::Document;

/// The form that this code reads and writes.
const FORM: u32 = 1;

/// The longest text of a bundle: more would not fit into a function's memory. Ten thousand
/// policies of 8 KB, the most that Parameter Store takes, are 80 MB.
const MAX_TEXT: u64 = 128 << 20;

/// How every gzip stream begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// All policies, as one object holds them.
///
/// Each write is a revision, and a policy's version is the revision in which it last changed:
/// versions rise with every change and never come again, also after a policy was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    revision: u64,
    note: String,
    models: BTreeMap<String, Stored>,
}

/// A policy in a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    version: u64,
    text: String,
}

/// What shall become of the policies of some models: a text each, or nothing where it is
/// removed.
pub type Changes = BTreeMap<String, Option<String>>;

/// An object that is no bundle.
#[derive(Debug, Error)]
pub enum InvalidBundle {
    /// It cannot be decompressed.
    #[error("it cannot be decompressed, or is no text")]
    Unreadable(#[from] io::Error),
    /// Its text is too long.
    #[error("its text is longer than {} MB", MAX_TEXT >> 20)]
    TooLong,
    /// Its first line says something else.
    #[error("its first line is not that of a bundle of form {FORM}")]
    NoBundle(#[source] Option<serde_json::Error>),
    /// A line is no model's.
    #[error("line {line} is no model with its version and its policy")]
    Line {
        /// Which one, the first being 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A model is in it twice.
    #[error("line {line}: the model is in it already")]
    Twice {
        /// Which one.
        line: usize,
    },
    /// A version is 0 or higher than the revision.
    #[error("line {line}: there is no version {version} in revision {revision}")]
    Version {
        /// Which one.
        line: usize,
        /// The version.
        version: u64,
        /// The bundle's revision.
        revision: u64,
    },
    /// It was cut off, or put together by hand.
    #[error("it has {found} models, and says that it has {said}")]
    Count {
        /// How many it has.
        found: usize,
        /// How many it says.
        said: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct Head {
    retrain_policies: u32,
    revision: u64,
    models: usize,
    #[serde(default)]
    note: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    model: String,
    version: u64,
    policy: String,
}

impl Bundle {
    /// Policies that come from elsewhere and keep their versions. Later ones will be higher.
    fn of(documents: impl IntoIterator<Item = Document>, note: &str) -> Self {
        let models: BTreeMap<String, Stored> = documents
            .into_iter()
            .map(|document| {
                let Document {
                    name,
                    version,
                    text,
                } = document;
                let version = version.max(1);
                (name, Stored { version, text })
            })
            .collect();
        Self {
            revision: { models.values() }.map(|of| of.version).max().unwrap_or(1),
            note: note.to_owned(),
            models,
        }
    }

    /// How often it was written.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Who wrote it last, and why.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// How many models it has.
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// The version of a model's policy.
    pub fn version_of(&self, model: &str) -> Option<u64> {
        self.models.get(model).map(|of| of.version)
    }

    /// The policies, by model.
    pub fn into_documents(self) -> impl Iterator<Item = Document> {
        self.models.into_iter().map(|(name, of)| Document {
            name,
            version: of.version,
            text: of.text,
        })
    }

    /// The next revision with policies that come from elsewhere, or nothing if that would be
    /// the same. Into a bundle that was never written they come with their versions.
    pub fn taking(&self, documents: Vec<Document>, note: &str) -> Option<Self> {
        if self.revision == 0 {
            return Some(Self::of(documents, note));
        }
        let highest = documents.iter().map(|document| document.version).max();
        let changes = documents.into_iter().map(|of| (of.name, Some(of.text)));
        self.changed(changes.collect(), highest.unwrap_or_default(), note)
    }

    /// The next revision, or nothing if that would be the same.
    pub fn with(&self, changes: Changes, note: &str) -> Option<Self> {
        self.changed(changes, 0, note)
    }

    fn changed(&self, changes: Changes, least: u64, note: &str) -> Option<Self> {
        let revision = (self.revision + 1).max(least);
        let mut models = self.models.clone();
        let mut is_same = true;
        for (name, text) in changes {
            is_same &= match text {
                None => models.remove(&name).is_none(),
                Some(text) if models.get(&name).is_some_and(|of| of.text == text) => true,
                Some(text) => {
                    let version = revision;
                    models.insert(name, Stored { version, text });
                    false
                }
            };
        }
        (!is_same).then(|| Self {
            revision,
            note: note.to_owned(),
            models,
        })
    }

    /// Reads a bundle, compressed or not.
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidBundle> {
        Self::read_within(bytes, MAX_TEXT)
    }

    fn read_within(bytes: &[u8], max_text: u64) -> Result<Self, InvalidBundle> {
        if bytes.starts_with(&GZIP) {
            Self::lines(BufReader::new(MultiGzDecoder::new(bytes)), max_text)
        } else {
            Self::lines(bytes, max_text)
        }
    }

    fn lines(text: impl BufRead, max: u64) -> Result<Self, InvalidBundle> {
        let mut text = text.take(max + 1);
        let mut line = String::new();
        text.read_line(&mut line)?;
        let head: Head =
            serde_json::from_str(&line).map_err(|error| InvalidBundle::NoBundle(Some(error)))?;
        if head.retrain_policies != FORM {
            return Err(InvalidBundle::NoBundle(None));
        }
        let mut bundle = Self {
            revision: head.revision,
            note: head.note,
            models: BTreeMap::new(),
        };
        for number in 2.. {
            line.clear();
            if text.read_line(&mut line)? == 0 {
                break;
            }
            if text.limit() == 0 {
                return Err(InvalidBundle::TooLong);
            }
            bundle.take(number, &line)?;
        }
        let (found, said) = (bundle.len(), head.models);
        if found != said {
            return Err(InvalidBundle::Count { found, said });
        }
        Ok(bundle)
    }

    fn take(&mut self, line: usize, text: &str) -> Result<(), InvalidBundle> {
        let Line {
            model,
            version,
            policy: text,
        } = serde_json::from_str(text).map_err(|source| InvalidBundle::Line { line, source })?;
        let revision = self.revision;
        if !(1..=revision).contains(&version) {
            return Err(InvalidBundle::Version {
                line,
                version,
                revision,
            });
        }
        match self.models.insert(model, Stored { version, text }) {
            None => Ok(()),
            Some(_) => Err(InvalidBundle::Twice { line }),
        }
    }

    /// Writes it, if it can be read. The same bundle has always the same bytes.
    pub fn write(&self) -> io::Result<Vec<u8>> {
        self.write_within(MAX_TEXT)
    }

    fn write_within(&self, max: u64) -> io::Result<Vec<u8>> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        let mut left = max;
        let mut write = |line: String| {
            let line = line + "\n";
            let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
            left = left
                .checked_sub(length)
                .ok_or_else(|| io::Error::other(InvalidBundle::TooLong))?;
            out.write_all(line.as_bytes())
        };
        let head = Head {
            retrain_policies: FORM,
            revision: self.revision,
            models: self.len(),
            note: self.note.clone(),
        };
        write(serde_json::to_string(&head)?)?;
        for (model, of) in &self.models {
            let line = Line {
                model: model.clone(),
                version: of.version,
                policy: of.text.clone(),
            };
            write(serde_json::to_string(&line)?)?;
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests;
