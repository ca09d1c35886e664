//! The fields of a request, read strictly.

use jiff::Timestamp;
use retrain_core::names::{EnvironmentName, ModelName, ModelPackageArn};
use retrain_core::order::{Order, OrderKind};

use super::PackageRef;
use crate::error::{InvalidEvent, quoted};
use crate::instant::instant;
use crate::node::Node;

/// The longest key or schedule ARN. It is kept in the slot.
const LONGEST_KEY: usize = 300;

/// The longest name of a person, as sign-offs hold it.
const LONGEST_NAME: usize = 256;

/// The longest reason of a person.
const LONGEST_REASON: usize = 500;

/// The greatest `ModelPackageVersion`: the API holds it in 32 bits.
const LAST_VERSION: u64 = i32::MAX as u64;

/// What the word at this place stands for.
pub(super) fn choice<T: Copy>(node: &Node<'_>, known: &[(&str, T)]) -> Result<T, InvalidEvent> {
    let word = node.text()?;
    let found = known.iter().find(|(name, _)| *name == word);
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|&(name, _)| name).collect();
        node.invalid(format!(
            "is {}; there are: {}",
            quoted(word),
            names.join(", ")
        ))
    })
}

/// Refuses what is none of these fields: a misspelt one must not be ignored.
pub(super) fn only(root: &Node<'_>, allowed: &[&str]) -> Result<(), InvalidEvent> {
    for (name, field) in root.entries()? {
        if !allowed.contains(&name) {
            return Err(field.invalid(format!(
                "is no field of this request; there are: {}",
                allowed.join(", ")
            )));
        }
    }
    Ok(())
}

/// The model that a request is about.
pub(super) fn model(root: &Node<'_>) -> Result<ModelName, InvalidEvent> {
    root.required("model")?.named(ModelName::parse)
}

/// The environment that a request is about.
pub(super) fn environment(root: &Node<'_>) -> Result<EnvironmentName, InvalidEvent> {
    root.required("environment")?.named(EnvironmentName::parse)
}

/// The package that a request is about: by version in the model's group, or by ARN.
pub(super) fn package(root: &Node<'_>) -> Result<PackageRef, InvalidEvent> {
    const VERSION: &str = "package_version";
    match (root.optional(VERSION)?, root.optional("package")?) {
        (Some(_), Some(arn)) => Err(arn.invalid(format!("is there besides `{VERSION}`"))),
        (None, Some(arn)) => arn.named(ModelPackageArn::parse).map(PackageRef::Arn),
        (_, None) => {
            let version = root.required(VERSION)?;
            let number = version.value().as_u64();
            number
                .filter(|number| (1..=LAST_VERSION).contains(number))
                .map(PackageRef::Version)
                .ok_or_else(|| {
                    version.invalid(format!(
                        "is {}, not a number from 1 to {LAST_VERSION}",
                        version.described()
                    ))
                })
        }
    }
}

/// By what asking twice is known to be asking once.
pub(super) fn key(root: &Node<'_>) -> Result<String, InvalidEvent> {
    filled(&root.required("key")?, LONGEST_KEY)
}

/// An order, for which a key is optional.
pub(super) fn order(root: &Node<'_>, kind: OrderKind) -> Result<Order, InvalidEvent> {
    let key = root.optional("key")?;
    Ok(Order {
        kind,
        key: key.map(|key| filled(&key, LONGEST_KEY)).transpose()?,
        by: by(root)?,
        why: why(root)?,
    })
}

/// The schedule that asks.
pub(super) fn schedule(node: &Node<'_>) -> Result<String, InvalidEvent> {
    filled(node, LONGEST_KEY)
}

/// The person who asks.
pub(super) fn by(root: &Node<'_>) -> Result<String, InvalidEvent> {
    filled(&root.required("by")?, LONGEST_NAME)
}

/// Why the person asks.
pub(super) fn why(root: &Node<'_>) -> Result<String, InvalidEvent> {
    filled(&root.required("why")?, LONGEST_REASON)
}

/// Whether the person asks to pass over what keeps others waiting.
pub(super) fn force(root: &Node<'_>) -> Result<bool, InvalidEvent> {
    root.optional("force")?.map_or(Ok(false), |force| {
        force
            .value()
            .as_bool()
            .ok_or_else(|| force.invalid("is neither true nor false".to_owned()))
    })
}

/// The moment at this place.
pub(super) fn moment(node: &Node<'_>) -> Result<Timestamp, InvalidEvent> {
    instant(node.value()).ok_or_else(|| node.invalid("is no moment".to_owned()))
}

fn filled(node: &Node<'_>, max_chars: usize) -> Result<String, InvalidEvent> {
    let text = node.text_up_to(max_chars)?;
    if text.trim().is_empty() {
        return Err(node.invalid("is empty".to_owned()));
    }
    Ok(text.to_owned())
}
