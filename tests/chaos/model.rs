//! The models: what their policies say, and what the world knows of each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use retrain_local::Deployment;
use retrain_sandbox::codepipeline::{self, ExecutionMode};
use retrain_sandbox::sagemaker;
use serde_json::json;

use crate::oracle::runs::Rules;

/// Where all training data arrives.
pub(crate) const DATA: &str = "chaos-data";

/// Where reports are.
pub(crate) const REPORTS: &str = "chaos-reports";

/// Data starts a run from here on.
pub(crate) const MIN_ROWS: u64 = 1_000;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A model, and what is true of it whatever the controller does.
pub(crate) struct Model {
    pub(crate) name: String,
    /// Whether its packages are judged and deployed.
    pub(crate) is_gated: bool,
    pub(crate) rules: Rules,
    /// Alarms in ALARM, since when.
    pub(crate) alarmed: BTreeMap<u64, Timestamp>,
    /// How many executions there were when a person retried one last.
    pub(crate) retried: BTreeMap<String, usize>,
    /// When each status of a package began, oldest first.
    pub(crate) approvals: BTreeMap<String, Vec<(Timestamp, String)>>,
    /// The versions that have run in staging.
    pub(crate) staged: BTreeSet<u64>,
}

impl Model {
    pub(crate) fn new(number: usize, is_gated: bool) -> Self {
        let (interval, budget) = match number % 3 {
            0 => (6, 12),
            1 => (6, 2),
            _ => (40, 12),
        };
        Self {
            name: format!("m{number:03}"),
            is_gated,
            rules: Rules {
                min_interval: HOUR * interval,
                budget,
                window: HOUR * 24 * 7,
            },
            alarmed: BTreeMap::new(),
            retried: BTreeMap::new(),
            approvals: BTreeMap::new(),
            staged: BTreeSet::new(),
        }
    }

    pub(crate) fn training(&self) -> String {
        format!("{}-training", self.name)
    }

    pub(crate) fn pipeline(&self, environment: &str) -> String {
        format!("{}-{environment}", self.name)
    }

    /// Puts it into the deployment.
    pub(crate) fn settle(&self, deployment: &Deployment) {
        let sandbox = &deployment.sandbox;
        let training = sagemaker::Pipeline::new(&self.training())
            .parameter_with_default("Rows", "0")
            .parameter("ControllerToken");
        sandbox.sagemaker().create_pipeline(training).unwrap();
        if self.is_gated {
            sandbox.sagemaker().create_package_group(&self.name);
            for environment in ["staging", "production"] {
                let pipeline = codepipeline::Pipeline::new(&self.pipeline(environment))
                    .mode(ExecutionMode::Queued)
                    .variable_with_default("RETRAIN_TOKEN", "none")
                    .variable_with_default("MODEL_PACKAGE_ARN", "none");
                sandbox.codepipeline().create_pipeline(pipeline).unwrap();
            }
        }
        deployment.put_policy(&self.name, &self.policy()).unwrap();
    }

    fn policy(&self) -> String {
        let name = &self.name;
        let mut policy = json!({
            "pipeline": {"name": self.training()},
            "parameters": {"Rows": "{data_rows}", "ControllerToken": "{token}"},
            "drift": {"alarms": [{"alarm_name": format!("{name}-*")}]},
            "data": {
                "objects": [{"bucket": DATA, "prefix": format!("{name}/")}],
                "trusted_row_count": "row-count",
                "min_rows": MIN_ROWS,
                "quiet_period": "30m",
            },
            "min_interval": format!("{}h", self.rules.min_interval.as_hours()),
            "budget": {"starts": self.rules.budget, "window": "7d"},
            "back_off": {"initial": "30m", "cap": "6h", "max_failures": 20},
            "breaker_after_failures": 100,
        });
        if self.is_gated {
            policy["model_package_group"] = json!(name);
            policy["gate"] = json!({
                "conditions": [{"metric": "auc", "at_least": 0.9, "borderline": 0.01}],
                "without_champion": "pass",
            });
            let environment = |environment: &str, promotion: &str| {
                json!({
                    "name": environment,
                    "pipeline": self.pipeline(environment),
                    "variables": {"MODEL_PACKAGE_ARN": "{model_package_arn}"},
                    "promotion": promotion,
                })
            };
            policy["environments"] = json!([
                environment("staging", "automatic"),
                environment("production", "person")
            ]);
        }
        policy.to_string()
    }
}
