//! The controller's own table and functions.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError as NoConfiguration;
use aws_sdk_lambda::types::State as FunctionState;
use retrain_controller::chain;

use super::report::{Report, quoted};
use crate::arns::name_of;

/// The indexes that the functions read.
const INDEXES: [&str; 2] = ["due", "generation"];

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
    let again = "deploy the stack again: sam deploy";
    match described.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) if missing.is_empty() => {
            report.ok("table", table, "it is there, with its indexes");
        }
        Some(TableStatus::Active | TableStatus::Updating) => {
            let what = format!("it has no index {}", missing.join(" and no index "));
            report.fail("table", table, what, again);
        }
        status => {
            let status = status.map_or("of unknown state", TableStatus::as_str);
            report.fail("table", table, format!("it is {status}"), again);
        }
    }
}

/// Looks at the functions that the rules reach: whether they can run, and on which table
/// and policies.
pub(super) async fn functions(
    aws: &SdkConfig,
    arns: &BTreeSet<String>,
    table: &str,
    path: &str,
    report: &mut Report,
) {
    let client = aws_sdk_lambda::Client::new(aws);
    for arn in arns {
        function(&client, arn, table, path, report).await;
    }
}

async fn function(
    client: &aws_sdk_lambda::Client,
    arn: &str,
    table: &str,
    path: &str,
    report: &mut Report,
) {
    let name = name_of(arn);
    let again = "deploy the stack again: sam deploy";
    let asked = client.get_function_configuration().function_name(arn);
    let configured = match asked.send().await {
        Ok(configured) => configured,
        Err(error) => {
            let service = error.as_service_error();
            if service.is_some_and(NoConfiguration::is_resource_not_found_exception) {
                let what = "a rule tells it, and there is no such function or alias";
                report.fail("function", name, what, again);
            } else {
                report.unknown("function", name, chain(&error));
            }
            return;
        }
    };
    let state = configured.state();
    if let Some(state @ (FunctionState::Failed | FunctionState::Pending)) = state {
        let reason = configured.state_reason().unwrap_or("it does not say why");
        let what = format!("it is {}: {reason}", state.as_str());
        return report.fail("function", name, what, again);
    }
    let variables = configured.environment().and_then(|own| own.variables());
    for (variable, option, wanted) in [
        ("RETRAIN_TABLE", "--table", table),
        ("RETRAIN_POLICY_PATH", "--policy-path", path),
    ] {
        let own = variables.and_then(|own| own.get(variable));
        if own.is_none_or(|own| own != wanted) {
            let own = own.map_or("nothing", String::as_str);
            return report.fail(
                "function",
                name,
                format!("its {variable} is {own}, and here it is {wanted}"),
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
