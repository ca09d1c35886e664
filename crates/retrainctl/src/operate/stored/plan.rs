//! What is to be put: the given policies among the stored ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use retrain_core::names::ModelName;
use retrain_core::policy::PolicyInForce;
use retrain_policies::{Document, PolicySet};

use crate::exit::Failure;
use crate::policies::PolicyFile;
use crate::policy::diff::{self, Changes, compared};

/// The given policies among the stored ones.
pub(super) struct Plan {
    pub(super) files: Vec<PolicyFile>,
    /// The versions that are stored.
    pub(super) stored: BTreeMap<String, u64>,
    pub(super) changes: Changes,
    pub(super) mended: Vec<String>,
    pub(super) unchanged: Vec<String>,
    /// What will be in force of the models that change; each has the version that it
    /// will have.
    pub(super) policies: Vec<PolicyInForce>,
    /// What is in force of the other models of which a file is given.
    pub(super) same: Vec<PolicyInForce>,
}

impl Plan {
    pub(super) fn of(files: Vec<PolicyFile>, documents: Vec<Document>) -> Result<Self, Failure> {
        let stored: BTreeMap<String, u64> = documents
            .iter()
            .map(|of| (of.name.clone(), of.version))
            .collect();
        let before = PolicySet::parse(documents.iter().cloned());
        let after = together(&files, documents, &before)?;
        let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
        let mut mended = Vec::new();
        for file in &files {
            let Some(policy) = policy_of(&after, &file.model) else {
                continue;
            };
            match policy_of(&before, &file.model) {
                None if stored.contains_key(&file.model) => mended.push(file.model.clone()),
                known => {
                    if let Some(known) = known {
                        old.insert(file.model.clone(), diff::value(&known.policy)?);
                    }
                    new.insert(file.model.clone(), diff::value(&policy.policy)?);
                }
            }
        }
        let changes = compared(&old, &new);
        let changing: BTreeSet<&String> = { changes.added.iter() }
            .chain(changes.changed.keys())
            .chain(&mended)
            .collect();
        let policies = changing.iter().filter_map(|model| policy_of(&after, model));
        let policies = policies.cloned().collect();
        let same = files.iter().filter(|file| !changing.contains(&file.model));
        let unchanged: Vec<String> = same.map(|file| file.model.clone()).collect();
        let same = unchanged
            .iter()
            .filter_map(|model| policy_of(&before, model));
        let same = same.cloned().collect();
        Ok(Self {
            files,
            stored,
            changes,
            mended,
            unchanged,
            policies,
            same,
        })
    }

    /// What is given for a model.
    pub(super) fn text_of(&self, model: &ModelName) -> &str {
        let mut files = self.files.iter();
        let file = files.find(|file| file.model == model.as_str());
        file.map_or("", |file| file.text.trim_end())
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        diff::print(&self.changes, out)?;
        for model in &self.mended {
            writeln!(out, "{model}: replaces a policy that is invalid")?;
        }
        Ok(())
    }
}

/// The policies that will be in force. No model may lose its policy by what another one
/// is given.
fn together(
    files: &[PolicyFile],
    documents: Vec<Document>,
    before: &PolicySet,
) -> Result<PolicySet, Failure> {
    let mut all: BTreeMap<String, Document> = documents
        .into_iter()
        .map(|of| (of.name.clone(), of))
        .collect();
    for file in files {
        let version = all.get(&file.model).map_or(0, |known| known.version);
        let document = Document {
            name: file.model.clone(),
            version: version + 1,
            text: file.text.clone(),
        };
        all.insert(file.model.clone(), document);
    }
    let after = PolicySet::parse(all.into_values());
    let known = |name: &str| before.invalid().iter().any(|of| of.name == name);
    let given = |name: &str| files.iter().any(|file| file.model == name);
    let broken = after.invalid().iter();
    let mut broken = broken.filter(|of| given(&of.name) || !known(&of.name));
    match broken.next() {
        None => Ok(after),
        Some(broken) => Err(Failure::Invalid(format!(
            "nothing was applied: together with what is stored, the policy of {} is invalid: {}",
            broken.name, broken.error
        ))),
    }
}

fn policy_of<'a>(set: &'a PolicySet, model: &str) -> Option<&'a PolicyInForce> {
    set.of(&ModelName::parse(model).ok()?)
}
