//! What a person asks of the controller: the very requests that the reconciler takes.

use std::io::{self, Write};

use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_events::{Request, request};
use retrain_lambda::{InvalidSetting, Settings};
use serde_json::{Map, Value, json};

use super::place::{policy_place, table, told as told_of};
use super::{Surroundings, in_time};
use crate::cli::operate::{
    AskArgs, KeyArgs, LaneArgs, OperateCommand, PackageArgs, PauseArgs, RoleName,
};
use crate::exit::{Exit, Failure};
use crate::words::{self, one_line};

/// A request, and how to go about it.
pub(super) struct Asking<'a> {
    args: &'a AskArgs,
    request: Request,
    /// Whether it can be taken back by asking for the opposite.
    is_harmless: bool,
}

/// Outcomes by which a request is refused: it has not come to what was asked.
const REFUSALS: [&str; 6] = [
    "dropped",
    "stale",
    "not_taken",
    "not_approved",
    "not_written",
    "not_started",
];

impl<'a> Asking<'a> {
    /// The request of a command, if it is one that asks.
    pub(super) fn of(
        command: &'a OperateCommand,
        around: &Surroundings<'_, impl Clock>,
    ) -> Result<Option<Self>, Failure> {
        let (args, is_harmless, fields) = match command {
            OperateCommand::Status(_)
            | OperateCommand::History(_)
            | OperateCommand::Held(_)
            | OperateCommand::Due(_)
            | OperateCommand::Deployed(_)
            | OperateCommand::LeadTimes(_) => return Ok(None),
            OperateCommand::Pause(args) => (&args.ask, !args.everything, pause("pause", args)),
            OperateCommand::Resume(args) => (&args.ask, false, pause("resume", args)),
            OperateCommand::ResetBreaker(args) => {
                (&args.of.ask, false, lane("reset_breaker", args))
            }
            OperateCommand::Cancel(args) => (&args.of.ask, false, lane("abandon", args)),
            OperateCommand::Trigger(args) => {
                let mut fields = json!({"request": "retrain", "model": args.of.model});
                fields["force"] = json!(args.force);
                fields["key"] = json!(key(&args.key, around));
                (&args.of.ask, false, fields)
            }
            OperateCommand::SignOff(args) => {
                let mut fields = package("sign_off", &args.package);
                fields["role"] = json!(match args.role {
                    RoleName::Technical => "technical",
                    RoleName::Fairness => "fairness",
                    RoleName::Compliance => "compliance",
                });
                let opinion = if args.refuse { "rejects" } else { "approves" };
                fields["opinion"] = json!(opinion);
                (&args.package.of.ask, false, fields)
            }
            OperateCommand::Approve(args) => (&args.of.ask, false, package("approve", args)),
            OperateCommand::Reject(args) => (&args.of.ask, false, package("reject", args)),
            OperateCommand::Promote(args) => {
                let mut fields = package("deploy", &args.package);
                fields["environment"] = json!(args.to);
                fields["force"] = json!(args.force);
                fields["key"] = json!(key(&args.key, around));
                (&args.package.of.ask, false, fields)
            }
            OperateCommand::Rollback(args) => {
                let mut fields = json!({"request": "rollback", "model": args.of.model});
                fields["environment"] = json!(args.environment);
                fields["key"] = json!(key(&args.key, around));
                (&args.of.ask, false, fields)
            }
        };
        let mut fields = fields;
        fields["by"] = json!(by(args, around)?);
        fields["why"] = json!(args.why);
        let invalid = |error: retrain_events::InvalidEvent| Failure::Usage(error.to_string());
        Ok(request(&fields).map_err(invalid)?.map(|request| Self {
            args,
            request,
            is_harmless,
        }))
    }

    /// Does what is asked, or says what would come of it.
    pub(super) async fn run(
        self,
        around: &Surroundings<'_, impl Clock>,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        let args = self.args;
        let settings = settings(args, around)?;
        let controller = AwsController::new(&settings, around.aws);
        if args.dry_run || !(args.yes || self.is_harmless) {
            let would = controller.would(self.request.clone(), around.clock);
            let would = Box::pin(would).await?;
            if args.dry_run {
                return told(&would, true, args.json, out);
            }
            writeln!(err, "{}", sentence(&would, true))?;
            if !around.goes_on("Go on?", out, err)? {
                writeln!(err, "nothing was done")?;
                return Ok(Exit::No);
            }
        }
        let asked = controller.ask(self.request, around.clock);
        let answer = Box::pin(in_time(settings.timing, asked)).await?;
        told(&answer, false, args.json, out)
    }
}

/// Shows what came of a request, or would.
fn told(answer: &Answer, would: bool, json: bool, out: &mut dyn Write) -> Result<Exit, Failure> {
    if json {
        let mut answer = serde_json::to_value(answer).map_err(io::Error::from)?;
        answer["dry_run"] = Value::Bool(would);
        words::json(&answer, out)?;
    } else {
        writeln!(out, "{}", sentence(answer, would))?;
        for then in &answer.then {
            writeln!(out, "  then {}: {}", then.outcome, one_line(&then.reason))?;
        }
    }
    Ok(if REFUSALS.contains(&answer.outcome.as_str()) {
        Exit::No
    } else {
        Exit::Done
    })
}

pub(super) fn sentence(answer: &Answer, would: bool) -> String {
    let of = answer.model.as_ref().map_or("", |model| model.as_str());
    let about = if of.is_empty() { &answer.subject } else { of };
    let would = if would { "would be " } else { "" };
    format!(
        "{about}: {would}{}: {}",
        answer.outcome,
        one_line(&answer.reason)
    )
}

fn pause(order: &str, args: &PauseArgs) -> Value {
    match &args.model {
        None => json!({"request": format!("{order}_controller")}),
        Some(model) => of_lane(order, model, args.environment.as_ref()),
    }
}

fn lane(order: &str, args: &LaneArgs) -> Value {
    of_lane(order, &args.of.model, args.environment.as_ref())
}

fn of_lane(order: &str, model: &str, environment: Option<&String>) -> Value {
    let mut fields = Map::new();
    fields.insert("request".to_owned(), json!(order));
    fields.insert("model".to_owned(), json!(model));
    if let Some(environment) = environment {
        fields.insert("environment".to_owned(), json!(environment));
    }
    Value::Object(fields)
}

fn package(order: &str, args: &PackageArgs) -> Value {
    let package = &args.package;
    match package.parse::<u64>() {
        Ok(version) => {
            json!({"request": order, "model": args.of.model, "package_version": version})
        }
        Err(_) => json!({"request": order, "model": args.of.model, "package": package}),
    }
}

fn key(args: &KeyArgs, around: &Surroundings<'_, impl Clock>) -> String {
    let now = around.clock.now();
    args.key
        .as_ref()
        .map_or_else(|| format!("retrainctl {now}"), Clone::clone)
}

/// Who asks: as the caller says, or as the system knows them.
pub(super) fn by(args: &AskArgs, around: &Surroundings<'_, impl Clock>) -> Result<String, Failure> {
    let known = ["RETRAIN_BY", "USER", "LOGNAME", "USERNAME"];
    let known = known.iter().filter_map(|name| (around.variable)(name));
    let mut names = args.by.clone().into_iter().chain(known);
    names.find(|name| !name.trim().is_empty()).ok_or_else(|| {
        Failure::Usage("nobody says who asks: give --by NAME, or set RETRAIN_BY".to_owned())
    })
}

/// The functions' settings, as the arguments have them.
pub(super) fn settings(
    args: &AskArgs,
    around: &Surroundings<'_, impl Clock>,
) -> Result<Settings, Failure> {
    table(&args.place, around)?;
    policy_place(&args.place.policies, around)?;
    let lookup = |name: &'static str| match name {
        "RETRAIN_MODEL_PACKAGES" => {
            let given = args.model_packages.clone();
            given.or_else(|| (around.variable)(name))
        }
        _ => told_of(&args.place, name, around),
    };
    let unusable = |error: InvalidSetting| Failure::Usage(retrain_controller::chain(&error));
    Settings::read(lookup).map_err(unusable)
}
