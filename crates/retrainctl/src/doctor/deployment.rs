//! The controller's own table and functions.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use aws_sdk_lambda::operation::get_function_configuration::{
    GetFunctionConfigurationError as NoConfiguration, GetFunctionConfigurationOutput,
};
use aws_sdk_lambda::types::State as FunctionState;
use retrain_controller::chain;
use retrain_policies::PolicyPlace;

use super::report::{Report, quoted};
use crate::arns::name_of;

/// The indexes that the functions read.
const INDEXES: [&str; 2] = ["due", "generation"];

/// Where functions find a bundle of policies, if they do.
const BUNDLE: &str = "RETRAIN_POLICY_BUNDLE";

/// What mends what the template makes.
const AGAIN: &str = "deploy the stack again: sam deploy";

/// Looks at the table.
pub(super) async fn table(aws: &SdkConfig, table: &str, report: &mut Report) {
    let client = aws_sdk_dynamodb::Client::new(aws);
    let described = match client.describe_table().table_name(table).send().await {
        Ok(described) => described
            .table
            .unwrap_or_else(|| TableDescription::builder().build()),
        Err(error) => {
            let service = error.as_service_error();
            if service.is_some_and(DescribeTableError::is_resource_not_found_exception) {
                let fix = "give --table or RETRAIN_TABLE the output TableName of the stack";
                report.fail("table", table, "there is no such table", fix);
            } else {
                report.unknown("table", table, chain(&error));
            }
            return;
        }
    };
    let indexes = described.global_secondary_indexes();
    let has = |name: &&str| {
        indexes
            .iter()
            .any(|index| index.index_name() == Some(*name))
    };
    let missing: Vec<&str> = INDEXES.into_iter().filter(|name| !has(name)).collect();
    match described.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) if missing.is_empty() => {
            report.ok("table", table, "it is there, with its indexes");
        }
        Some(TableStatus::Active | TableStatus::Updating) => {
            let what = format!("it has no index {}", missing.join(" and no index "));
            report.fail("table", table, what, AGAIN);
        }
        status => {
            let status = status.map_or("of unknown state", TableStatus::as_str);
            report.fail("table", table, format!("it is {status}"), AGAIN);
        }
    }
}

/// How a function is configured; nothing if there is none of its ARN; or why that is not
/// known.
pub(super) type Configured = Result<Option<GetFunctionConfigurationOutput>, String>;

/// Asks how a function is configured.
pub(super) async fn configured(client: &aws_sdk_lambda::Client, arn: &str) -> Configured {
    let asked = client.get_function_configuration().function_name(arn);
    match asked.send().await {
        Ok(configured) => Ok(Some(configured)),
        Err(error) => {
            let service = error.as_service_error();
            if service.is_some_and(NoConfiguration::is_resource_not_found_exception) {
                Ok(None)
            } else {
                Err(chain(&error))
            }
        }
    }
}

/// A variable of a function's environment.
pub(super) fn variable<'a>(of: &'a GetFunctionConfigurationOutput, name: &str) -> Option<&'a str> {
    let variables = of.environment()?.variables()?;
    variables.get(name).map(String::as_str)
}

/// Tells of the functions that the rules reach: whether they can run, and on which table
/// and policies.
pub(super) fn functions(
    reached: &BTreeMap<String, Configured>,
    table: &str,
    policies: &PolicyPlace,
    report: &mut Report,
) {
    for (arn, configured) in reached {
        let name = name_of(arn);
        match configured {
            Ok(Some(configured)) => function(name, configured, table, policies, report),
            Ok(None) => {
                let what = "a rule tells it, and there is no such function or alias";
                report.fail("function", name, what, AGAIN);
            }
            Err(why) => report.unknown("function", name, why),
        }
    }
}

fn function(
    name: &str,
    configured: &GetFunctionConfigurationOutput,
    table: &str,
    policies: &PolicyPlace,
    report: &mut Report,
) {
    let state = configured.state();
    if let Some(state @ (FunctionState::Failed | FunctionState::Pending)) = state {
        let reason = configured.state_reason().unwrap_or("it does not say why");
        let what = format!("it is {}: {reason}", state.as_str());
        return report.fail("function", name, what, AGAIN);
    }
    let place = policies.to_string();
    let bundle = variable(configured, BUNDLE).filter(|uri| !uri.is_empty());
    let of_policies = match (policies, bundle) {
        // Whose bundle is set reads no path.
        (PolicyPlace::Path(_), None) => ("RETRAIN_POLICY_PATH", "--policy-path", place.as_str()),
        (PolicyPlace::Path(_), Some(_)) => (BUNDLE, "--policy-bundle", ""),
        (PolicyPlace::Bundle(_), _) => (BUNDLE, "--policy-bundle", place.as_str()),
    };
    for (name_of_it, option, wanted) in [("RETRAIN_TABLE", "--table", table), of_policies] {
        let own = variable(configured, name_of_it);
        let own = own.filter(|own| !own.is_empty());
        if own != Some(wanted) {
            let own = own.unwrap_or("nothing");
            let wanted = if wanted.is_empty() { "nothing" } else { wanted };
            return report.fail(
                "function",
                name,
                format!("its {name_of_it} is {own}, and here it is {wanted}"),
                format!("look where it looks: {option} {}", quoted(own)),
            );
        }
    }
    report.ok(
        "function",
        name,
        "it can run, on this table and these policies",
    );
}
