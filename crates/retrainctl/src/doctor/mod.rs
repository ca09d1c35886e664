//! `retrainctl doctor`: whether everything is there that a policy needs.

mod alarms;
mod data;
mod deployment;
mod needs;
mod pipelines;
mod post;
mod report;
mod rules;

use std::io::Write;

use retrain_controller::Clock;
use retrain_core::policy::{Mode, PolicyInForce};

use self::needs::Needs;
use self::report::{Report, quoted};
use crate::cli::doctor::DoctorArgs;
use crate::exit::{Exit, Failure};
use crate::operate::Surroundings;
use crate::operate::place::{self, StoredPolicies};
use crate::words;

/// Does what the command line asks.
pub(crate) async fn run(
    args: &DoctorArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let table = place::table(&args.place, around)?;
    let stored = StoredPolicies::of(&args.place, around)?;
    let place = stored.place.to_string();

    let mut report = Report::of(args.model.as_str());
    deployment::table(around.aws, &table, &mut report).await;
    let looked = stored.policies().await;
    let policies = report.known("policy", &place, looked);
    let name = stored.name_of(&args.model);
    if let Some(policies) = policies {
        if let Some(policy) = policies.of(&args.model) {
            valid(policy, &name, &mut report);
            let mut needs = Needs::default();
            alarms::look(around.aws, policy, &mut needs, &mut report).await;
            data::look(around.aws, policy, &mut needs, &mut report).await;
            pipelines::look(around, policy, &mut needs, &mut report).await;
            let reached = rules::look(around.aws, &table, &needs, &mut report).await;
            deployment::functions(&reached, &table, &stored.place, &mut report);
        } else if let Some(invalid) = policies.broken_of(&args.model) {
            let what = format!("version {} is invalid: {}", invalid.version, invalid.error);
            let file = quoted(&format!("{}.json", args.model));
            report.fail(
                "policy",
                &name,
                what,
                format!("change the policy, and try it: retrainctl policy check {file}"),
            );
        } else {
            let model = quoted(args.model.as_str());
            report.fail(
                "policy",
                &name,
                "there is none",
                format!("write one: retrainctl policy new {model} > {model}.json"),
            );
        }
    }
    if args.json {
        words::json(&report, out)?;
    } else {
        write!(out, "{}", report.text())?;
    }
    Ok(report.exit())
}

fn valid(policy: &PolicyInForce, name: &str, report: &mut Report) {
    report.ok(
        "policy",
        name,
        format!("version {} is valid", policy.version),
    );
    if policy.policy.mode == Mode::Observe {
        report.warn(
            "policy-mode",
            name,
            "it only observes: nothing is started",
            "take \"mode\": \"observe\" out of the policy when its decisions are right",
        );
    }
}
