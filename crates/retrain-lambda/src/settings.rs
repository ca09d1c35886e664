//! What the environment tells a function, read once in the init phase.

use retrain_core::facts::{InvalidTiming, Timing};
use retrain_core::names::InvalidText;
use retrain_core::package::PackageRegistry;
use retrain_core::period::{InvalidPeriod, Period};
use retrain_policies::{InvalidPlace, PolicyPlace};
use thiserror::Error;

/// The settings that all functions share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `RETRAIN_TABLE`: the name of the table.
    pub table: String,
    /// `RETRAIN_POLICY_BUNDLE`: the object of S3 that holds all policies,
    /// `s3://BUCKET/KEY`; without it, `RETRAIN_POLICY_PATH`: the Parameter Store path under
    /// which every model has its policy.
    pub policies: PolicyPlace,
    /// `RETRAIN_POLICY_TTL`: how long policies and parameters are used before they
    /// are read again (`60s`).
    pub policy_ttl: Period,
    /// `RETRAIN_FUNCTION_TIMEOUT` (`30s`), `RETRAIN_MAX_SKEW` (`5s`),
    /// `RETRAIN_SETTLE` (`60s`) and `RETRAIN_DESCRIBE_EVERY` (`15m`).
    pub timing: Timing,
    /// `RETRAIN_MAX_STARTS`: how many models one run of the reconciler starts at most
    /// (`10`); after a pause of the whole controller they follow each other.
    pub max_starts: usize,
    /// `RETRAIN_MODEL_PACKAGES`: the controller's own part of the model registry,
    /// `arn:PARTITION:sagemaker:REGION:ACCOUNT:model-package`.
    pub registry: PackageRegistry,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidSetting {
    /// It is needed and not there.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It names no place of policies.
    #[error("the environment variable RETRAIN_POLICY_BUNDLE or RETRAIN_POLICY_PATH")]
    Place(#[from] InvalidPlace),
    /// It is no name.
    #[error("the environment variable {name}")]
    Text {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: InvalidText,
    },
    /// It is no length of time.
    #[error("the environment variable {name}")]
    Period {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: InvalidPeriod,
    },
    /// It is no number.
    #[error("the environment variable {name}: {text:?} is no number from 1 to 1000")]
    Count {
        /// The variable.
        name: &'static str,
        /// What it holds.
        text: String,
    },
    /// The lengths of time do not keep the promises.
    #[error("the timing settings")]
    Timing(#[from] InvalidTiming),
}

impl Settings {
    /// Every variable that is read, for tests of templates and documents.
    pub const VARIABLES: [&'static str; 10] = [
        "RETRAIN_TABLE",
        "RETRAIN_POLICY_PATH",
        "RETRAIN_POLICY_BUNDLE",
        "RETRAIN_POLICY_TTL",
        "RETRAIN_FUNCTION_TIMEOUT",
        "RETRAIN_MAX_SKEW",
        "RETRAIN_SETTLE",
        "RETRAIN_DESCRIBE_EVERY",
        "RETRAIN_MAX_STARTS",
        "RETRAIN_MODEL_PACKAGES",
    ];

    /// Reads the settings through a look-up such as the process's environment.
    pub fn read(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let needed = |name| {
            lookup(name)
                .filter(|value| !value.is_empty())
                .ok_or(InvalidSetting::Missing(name))
        };
        let period = |name, default| match lookup(name) {
            Some(text) => {
                Period::parse(&text).map_err(|source| InvalidSetting::Period { name, source })
            }
            None => Ok(default),
        };
        let count = |name, default| match lookup(name) {
            Some(text) => text
                .parse()
                .ok()
                .filter(|count| (1..=1_000).contains(count))
                .ok_or(InvalidSetting::Count { name, text }),
            None => Ok(default),
        };
        let path = "RETRAIN_POLICY_PATH";
        let place = PolicyPlace::of(lookup(path), lookup("RETRAIN_POLICY_BUNDLE"))?;
        let registry = "RETRAIN_MODEL_PACKAGES";
        let timing = Timing::new(
            period("RETRAIN_FUNCTION_TIMEOUT", Period::from_secs(30))?.duration(),
            period("RETRAIN_MAX_SKEW", Period::from_secs(5))?.duration(),
            period("RETRAIN_SETTLE", Period::from_secs(60))?.duration(),
            period("RETRAIN_DESCRIBE_EVERY", Period::from_mins(15))?.duration(),
        )?;
        Ok(Self {
            table: needed("RETRAIN_TABLE")?,
            policies: place.ok_or(InvalidSetting::Missing(path))?,
            policy_ttl: period("RETRAIN_POLICY_TTL", Period::from_secs(60))?,
            timing,
            max_starts: count("RETRAIN_MAX_STARTS", 10)?,
            registry: PackageRegistry::parse(&needed(registry)?).map_err(|source| {
                InvalidSetting::Text {
                    name: registry,
                    source,
                }
            })?,
        })
    }

    /// Reads the settings of this process.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Self::read(|name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::error::Error;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, InvalidSetting> {
        Settings::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    const NEEDED: [(&str, &str); 3] = [
        ("RETRAIN_TABLE", "t"),
        ("RETRAIN_POLICY_PATH", "/retrain/policies"),
        (
            "RETRAIN_MODEL_PACKAGES",
            "arn:aws:sagemaker:us-east-1:111122223333:model-package",
        ),
    ];

    /// The needed variables, with one more or another value for one of them.
    fn with(name: &'static str, value: &'static str) -> Result<Settings, InvalidSetting> {
        let mut variables = vec![(name, value)];
        variables.extend(NEEDED.iter().filter(|(known, _)| *known != name));
        read(&variables)
    }

    #[test]
    fn three_variables_are_needed_and_the_rest_has_defaults() {
        let settings = read(&NEEDED).unwrap();
        assert_eq!(settings.timing, Timing::default());
        assert_eq!(settings.policy_ttl, Period::from_secs(60));
        assert_eq!(settings.max_starts, 10);
        assert_eq!(
            settings.registry,
            PackageRegistry::parse(NEEDED[2].1).unwrap()
        );
        for bad in ["0", "1001", "ten", "-1"] {
            let error = with("RETRAIN_MAX_STARTS", bad).unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
        for (name, _) in NEEDED {
            let missing = InvalidSetting::Missing(name);
            assert_eq!(with(name, "").unwrap_err(), missing);
            let others: Vec<_> = NEEDED.into_iter().filter(|(one, _)| *one != name).collect();
            assert_eq!(read(&others).unwrap_err(), missing);
        }
    }

    #[test]
    fn a_bundle_takes_the_place_of_the_path() {
        let bundle = "RETRAIN_POLICY_BUNDLE";
        let place = |value| with(bundle, value).map(|settings| settings.policies.to_string());
        assert_eq!(place("").unwrap(), "/retrain/policies");
        let uri = "s3://policies/all.jsonl.gz";
        assert_eq!(place(uri).unwrap(), uri);
        let alone = read(&[NEEDED[0], (bundle, uri), NEEDED[2]]).unwrap();
        assert_eq!(alone.policies.to_string(), uri);
        let error = place("policies/all").unwrap_err();
        let told = format!("{error}: {}", error.source().unwrap());
        assert!(
            told.contains(bundle) && told.contains("\"policies/all\""),
            "{told}"
        );
    }

    #[test]
    fn an_error_names_the_variable_and_the_reason() {
        for (name, bad, reason) in [
            ("RETRAIN_SETTLE", "1 minute", "1 minute"),
            ("RETRAIN_POLICY_PATH", "no-slash", "no-slash"),
            (
                "RETRAIN_MODEL_PACKAGES",
                "arn:aws:s3:::models",
                "arn:aws:s3:::models",
            ),
        ] {
            let error = with(name, bad).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            let source = error.source().unwrap().to_string();
            assert!(source.contains(reason), "{source}");
        }
        let error = with("RETRAIN_FUNCTION_TIMEOUT", "16m").unwrap_err();
        assert!(
            error.source().unwrap().to_string().contains("15 min"),
            "{error:?}"
        );
    }

    #[test]
    fn the_list_of_variables_is_what_is_read() {
        let asked = RefCell::new(BTreeSet::new());
        let _ = Settings::read(|name| {
            asked.borrow_mut().insert(name);
            NEEDED
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(asked.into_inner(), BTreeSet::from(Settings::VARIABLES));
    }
}
