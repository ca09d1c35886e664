//! Tokens that are derived, never drawn: a retry of the same intent carries the
//! same token, and AWS then starts one execution instead of two.

use alloc::string::String;
use core::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
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
        Self(text(digits_of::<16>(parts)))
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientRequestToken(Digest);

const DIGEST_CHARS: usize = 32;
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
        let mut names = String::with_capacity(128);
        // A text takes everything.
        let _ = write!(names, "{lane}");
        let lane_ends = names.len();
        let _ = write!(names, "{target}");
        let (lane, target) = names.split_at(lane_ends);
        Self(Digest(digits_of(&[
            epoch.as_str().as_bytes(),
            model.as_str().as_bytes(),
            lane.as_bytes(),
            target.as_bytes(),
            &number.to_be_bytes(),
        ])))
    }

    /// The token as sent.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
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
        alloc::format!("{DISPLAY_NAME_PREFIX}{}", self.as_str())
    }
}

impl fmt::Display for ClientRequestToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for ClientRequestToken {
    type Error = InvalidDigest;

    fn try_from(value: String) -> Result<Self, InvalidDigest> {
        Digest::try_from(value).map(Self)
    }
}

/// A short stable digest of a text: 32 lower-case hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; DIGEST_CHARS]);

/// A text that is no digest, and so no token either.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("32 lower-case hexadecimal characters are wanted")]
pub struct InvalidDigest;

impl Digest {
    /// The digest of a text.
    pub fn of(text: &str) -> Self {
        Self(digits_of(&[text]))
    }

    /// The digest as stored.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(value: String) -> Result<Self, InvalidDigest> {
        let digits: [u8; DIGEST_CHARS] = value.as_bytes().try_into().map_err(|_| InvalidDigest)?;
        let fits = digits.iter().all(|b| DIGITS.contains(b));
        if fits {
            Ok(Self(digits))
        } else {
            Err(InvalidDigest)
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.as_str().into()
    }
}

/// A short stable digest for keys that must have a bounded length.
pub fn digest(text: &str) -> String {
    Digest::of(text).into()
}

/// A digest of several texts that keeps them apart, 64 hexadecimal digits.
pub(crate) fn digest_of(parts: &[&str]) -> String {
    text(digits_of::<64>(parts))
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The first `N` characters, an even number of at most 64, of SHA-256 over length-prefixed
/// parts, in hexadecimal.
///
/// The prefix keeps `("ab", "c")` and `("a", "bc")` apart.
fn digits_of<const N: usize>(parts: &[impl AsRef<[u8]>]) -> [u8; N] {
    let mut hash = Sha256::new();
    for part in parts.iter().map(AsRef::as_ref) {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    let mut digits = [0; N];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash.finalize()) {
        let two = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
        pair.copy_from_slice(&two);
    }
    digits
}

fn text<const N: usize>(digits: [u8; N]) -> String {
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::EnvironmentName;

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

    /// They are in the tables of those who run the controller, and at AWS: another value
    /// would make what is known new, and start again what was started.
    #[test]
    fn what_was_derived_once_is_derived_for_ever() {
        let token = token("e", "m", &Lane::Retrain, "p", 1);
        assert_eq!(token.as_str(), "90971c40233bdb8e4abf9da9fd3c266a");
        assert_eq!(Epoch::derive(&["a", "b"]).as_str(), "3c9d591045bc8876");
        assert_eq!(digest("a"), "3b196fd4907bedf51c3090e9835f2f7c");
        let long = digest_of(&["a", "b"]);
        assert_eq!(
            long,
            "3c9d591045bc8876f9d0399bbfb05c6a412096e906f73278f98406cd5dca86df"
        );
        // The lengths before the parts keep them apart.
        assert_ne!(long, digest_of(&["ab", ""]));
    }

    #[test]
    fn a_token_depends_on_every_part() {
        let base = token("e", "ab", &Lane::Retrain, "c", 1);
        let staging = Lane::Deploy(EnvironmentName::parse("staging").unwrap());
        assert_eq!(base, token("e", "ab", &Lane::Retrain, "c", 1));
        for other in [
            token("f", "ab", &Lane::Retrain, "c", 1),
            token("e", "a", &Lane::Retrain, "bc", 1),
            token("e", "ab", &Lane::Retrain, "d", 1),
            token("e", "ab", &Lane::Retrain, "c", 2),
            token("e", "ab", &staging, "c", 1),
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
