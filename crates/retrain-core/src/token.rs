//! Tokens that are derived, never drawn: a retry of the same intent carries the
//! same token, and AWS then starts one execution instead of two.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::lane::{Lane, Target};
use crate::names::ModelName;

/// Marks one life of one table.
///
/// It is made together with the table and rotated after a restore, so that a
/// restored table or a second stack never adopts the runs of the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(String);

impl Epoch {
    /// Derives an epoch from whatever makes this table's creation unique (its
    /// name, the moment, the id of the request that found no epoch).
    pub fn derive(parts: &[&str]) -> Self {
        Self(hex(parts.iter().map(|part| part.as_bytes()), 16))
    }

    /// The epoch as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The token of one claim, sent as AWS's `ClientRequestToken`.
///
/// 32 lower-case hexadecimal characters satisfy every AWS service's rule at once:
/// SageMaker wants 32 to 128 characters, CodePipeline letters, digits and
/// hyphens, EventBridge Scheduler at most 64 and DynamoDB at most 36.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientRequestToken(String);

/// A text that is not one of our tokens.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a controller token is 32 lower-case hexadecimal characters")]
pub struct InvalidToken;

const TOKEN_CHARS: usize = 32;
const DISPLAY_NAME_PREFIX: &str = "retrain-";

impl ClientRequestToken {
    /// The token of claim `number` of a slot.
    pub fn derive(
        epoch: &Epoch,
        model: &ModelName,
        lane: &Lane,
        target: &Target,
        number: u64,
    ) -> Self {
        let lane = alloc::format!("{lane}");
        let target = alloc::format!("{target}");
        let number = number.to_be_bytes();
        let parts: [&[u8]; 5] = [
            epoch.as_str().as_bytes(),
            model.as_str().as_bytes(),
            lane.as_bytes(),
            target.as_bytes(),
            &number,
        ];
        Self(hex(parts.into_iter(), TOKEN_CHARS))
    }

    /// The token as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a display name is one that a claim of this controller gave.
    pub fn is_display_name(name: &str) -> bool {
        Self::of_display_name(name).is_some()
    }

    /// The token in a display name that a claim of this controller gave.
    pub fn of_display_name(name: &str) -> Option<Self> {
        let token = name.strip_prefix(DISPLAY_NAME_PREFIX)?;
        Self::try_from(String::from(token)).ok()
    }

    /// The `PipelineExecutionDisplayName` by which the execution of this claim is
    /// found again: neither events nor lists carry the token itself.
    pub fn display_name(&self) -> String {
        alloc::format!("{DISPLAY_NAME_PREFIX}{}", self.0)
    }
}

impl fmt::Display for ClientRequestToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ClientRequestToken {
    type Error = InvalidToken;

    fn try_from(value: String) -> Result<Self, InvalidToken> {
        let fits = value.len() == TOKEN_CHARS
            && value
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits {
            Ok(Self(value))
        } else {
            Err(InvalidToken)
        }
    }
}

impl From<ClientRequestToken> for String {
    fn from(token: ClientRequestToken) -> Self {
        token.0
    }
}

/// A short stable digest for keys that must have a bounded length.
pub fn digest(text: &str) -> String {
    hex(core::iter::once(text.as_bytes()), TOKEN_CHARS)
}

/// A digest of several texts that keeps them apart, 64 hexadecimal digits.
pub(crate) fn digest_of(parts: &[&str]) -> String {
    hex(parts.iter().map(|part| part.as_bytes()), 64)
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The first characters of SHA-256 over length-prefixed parts, in hexadecimal.
///
/// The prefix keeps `("ab", "c")` and `("a", "bc")` apart.
fn hex<'a>(parts: impl Iterator<Item = &'a [u8]>, chars: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    // Digests name objects and triggers, so they are made for every event: one allocation.
    let mut text = String::with_capacity(chars);
    for byte in hash.iter().take(chars / 2) {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(
        epoch: &str,
        model: &str,
        lane: &Lane,
        pipeline: &str,
        number: u64,
    ) -> ClientRequestToken {
        ClientRequestToken::derive(
            &Epoch::derive(&[epoch]),
            &ModelName::parse(model).unwrap(),
            lane,
            &Target::sagemaker_pipeline(pipeline, None).unwrap(),
            number,
        )
    }

    #[test]
    fn a_token_depends_on_every_part() {
        let base = token("e", "ab", &Lane::Retrain, "c", 1);
        assert_eq!(base, token("e", "ab", &Lane::Retrain, "c", 1));
        for other in [
            token("f", "ab", &Lane::Retrain, "c", 1),
            token("e", "a", &Lane::Retrain, "bc", 1),
            token("e", "ab", &Lane::Retrain, "d", 1),
            token("e", "ab", &Lane::Retrain, "c", 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_token_and_its_display_name_fit_the_limits_of_aws() {
        let token = token("e", "m", &Lane::Retrain, "p", u64::MAX);
        assert_eq!(token.as_str().len(), 32);
        assert!(ClientRequestToken::try_from(String::from(token.as_str())).is_ok());
        let name = token.display_name();
        assert!(name.len() <= 82 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    }
}
