"""Which AWS calls the functions can make, and what they must be allowed for each; and which
calls only the operator's command line makes.

The calls are found in the source, so that a new one cannot be forgotten here: every call
on an SDK client that a deployed crate makes, or retrainctl, has a line below.
"""

import re
import tomllib
from dataclasses import dataclass

from deployed import ROOT

DRIFT, DATA, STATUS, RECONCILER = "DriftAlarm", "DataArrival", "ExecutionStatus", "Reconciler"
APPROVAL = "ModelApproval"
EVERY = frozenset({DRIFT, DATA, STATUS, APPROVAL, RECONCILER})
# A status never retrains: what it sets free is the reconciler's. Neither does an approval.
STARTERS = EVERY - {STATUS, APPROVAL}
# Who decides about packages, or tells it to the slots that deploy them.
APPROVERS = frozenset({STATUS, APPROVAL, RECONCILER})

# The crates that no function contains.
NOT_DEPLOYED = {"retrain-local", "retrain-sandbox"}
OPERATOR = "retrainctl"

REGIONAL = "us-east-1:111122223333"
TABLE = "<Table.Arn>"
PIPELINES = f"arn:aws:sagemaker:{REGIONAL}:pipeline/fraud-detection-*"
CODEPIPELINES = f"arn:aws:codepipeline:{REGIONAL}:fraud-detection-retraining"
POLICIES = f"arn:aws:ssm:{REGIONAL}:parameter/retrain/policies"
BUNDLE = "arn:aws:s3:::fraud-detection-policies/retrain.jsonl.gz"
PACKAGES = f"arn:aws:sagemaker:{REGIONAL}:model-package/fraud-detection*/*"
SCHEDULES = f"arn:aws:sagemaker:{REGIONAL}:monitoring-schedule/fraud-detection-*"
DEFINITIONS = f"arn:aws:sagemaker:{REGIONAL}:*-job-definition/*"
OBJECTS = "arn:aws:s3:::fraud-detection-data/training/*"


@dataclass(frozen=True)
class Call:
    """A call, who can come to make it, and the grants that it takes."""

    functions: frozenset
    grants: frozenset


def call(functions, *grants):
    """A call of these functions. A grant is an action and the resource."""
    return Call(frozenset(functions), frozenset(grants))


def read_objects():
    """Reading an object, with or without its version, and seeing that it is gone."""
    return call(
        {DATA},
        ("s3:GetObject", OBJECTS),
        ("s3:GetObjectVersion", OBJECTS),
        ("s3:ListBucket", "arn:aws:s3:::fraud-detection-data"),
    )


def definitions():
    """The calls about job definitions of every type of monitoring."""
    kinds = ["DataQuality", "ModelBias", "ModelExplainability", "ModelQuality"]
    found = {}
    for kind in kinds:
        spelled = re.sub(r"\B([A-Z])", r"_\1", kind).lower()
        for verb in ("Create", "Delete", "Describe"):
            name = f"{verb.lower()}_{spelled}_job_definition"
            grant = (f"sagemaker:{verb}{kind}JobDefinition", DEFINITIONS)
            found["retrain-sagemaker/src/monitoring/definition.rs", name] = call(APPROVERS, grant)
    return found


CALLS = {
    ("retrain-aws/src/manifests.rs", "put_object"): call(
        STARTERS, ("s3:PutObject", "arn:aws:s3:::fraud-detection-manifests/*")
    ),
    ("retrain-cloudwatch/src/alarms.rs", "describe_alarms"): call(
        EVERY, ("cloudwatch:DescribeAlarms", "*")
    ),
    ("retrain-codepipeline/src/executions.rs", "get_pipeline_execution"): call(
        EVERY, ("codepipeline:GetPipelineExecution", CODEPIPELINES)
    ),
    ("retrain-codepipeline/src/executions.rs", "list_pipeline_executions"): call(
        STARTERS | APPROVERS, ("codepipeline:ListPipelineExecutions", CODEPIPELINES)
    ),
    ("retrain-codepipeline/src/jobs.rs", "put_job_failure_result"): call(
        {RECONCILER}, ("codepipeline:PutJobFailureResult", "*")
    ),
    ("retrain-codepipeline/src/jobs.rs", "put_job_success_result"): call(
        {RECONCILER}, ("codepipeline:PutJobSuccessResult", "*")
    ),
    ("retrain-codepipeline/src/start.rs", "start_pipeline_execution"): call(
        STARTERS | APPROVERS, ("codepipeline:StartPipelineExecution", CODEPIPELINES)
    ),
    # Every transaction of theirs is made of puts; the test looks.
    ("retrain-debounce/src/commit.rs", "transact_write_items"): call(
        EVERY, ("dynamodb:PutItem", TABLE)
    ),
    ("retrain-debounce/src/switch.rs", "transact_write_items"): call(
        {RECONCILER}, ("dynamodb:PutItem", TABLE)
    ),
    ("retrain-debounce/src/due.rs", "query"): call(
        {RECONCILER}, ("dynamodb:Query", f"{TABLE}/index/due")
    ),
    ("retrain-debounce/src/due.rs", "update_item"): call(
        {RECONCILER}, ("dynamodb:UpdateItem", TABLE)
    ),
    ("retrain-debounce/src/load.rs", "batch_get_item"): call(
        EVERY, ("dynamodb:BatchGetItem", TABLE)
    ),
    ("retrain-debounce/src/load.rs", "put_item"): call(EVERY, ("dynamodb:PutItem", TABLE)),
    # The file also lists decisions, which no function does.
    ("retrain-debounce/src/load.rs", "query"): call(
        STARTERS, ("dynamodb:Query", f"{TABLE}/index/generation")
    ),
    # The reports of packages are read in the same way, without a version.
    ("retrain-objects/src/s3.rs", "get_object"): [
        read_objects(),
        call(APPROVERS, ("s3:GetObject", "arn:aws:s3:::fraud-detection-reports/*")),
    ],
    ("retrain-objects/src/s3.rs", "head_object"): read_objects(),
    ("retrain-policies/src/bucket.rs", "get_object"): call(EVERY, ("s3:GetObject", BUNDLE)),
    # The operator also reads a policy by it.
    ("retrain-policies/src/store.rs", "get_parameter"): call(
        STARTERS,
        ("ssm:GetParameter", f"arn:aws:ssm:{REGIONAL}:parameter/fraud-detection/training-data-uri"),
    ),
    ("retrain-policies/src/path.rs", "get_parameters_by_path"): call(
        EVERY,
        ("ssm:GetParametersByPath", POLICIES),
        ("ssm:GetParametersByPath", f"{POLICIES}/*"),
    ),
    ("retrain-sagemaker/src/executions.rs", "describe_pipeline_execution"): call(
        EVERY, ("sagemaker:DescribePipelineExecution", f"{PIPELINES}/execution/*")
    ),
    ("retrain-sagemaker/src/executions.rs", "list_pipeline_execution_steps"): call(
        EVERY, ("sagemaker:ListPipelineExecutionSteps", f"{PIPELINES}/execution/*")
    ),
    ("retrain-sagemaker/src/executions.rs", "list_pipeline_executions"): call(
        STARTERS, ("sagemaker:ListPipelineExecutions", PIPELINES)
    ),
    ("retrain-sagemaker/src/registry.rs", "list_model_packages"): call(
        STARTERS | APPROVERS, ("sagemaker:ListModelPackages", "*")
    ),
    ("retrain-sagemaker/src/start.rs", "start_pipeline_execution"): call(
        STARTERS, ("sagemaker:StartPipelineExecution", PIPELINES)
    ),
    ("retrain-sagemaker/src/packages.rs", "describe_model_package"): call(
        APPROVERS, ("sagemaker:DescribeModelPackage", PACKAGES)
    ),
    ("retrain-sagemaker/src/packages.rs", "update_model_package"): call(
        APPROVERS, ("sagemaker:UpdateModelPackage", PACKAGES)
    ),
    ("retrain-sagemaker/src/packages.rs", "list_pipeline_parameters_for_execution"): call(
        APPROVERS, ("sagemaker:ListPipelineParametersForExecution", f"{PIPELINES}/execution/*")
    ),
    **definitions(),
    ("retrain-sagemaker/src/monitoring/mod.rs", "describe_monitoring_schedule"): call(
        APPROVERS, ("sagemaker:DescribeMonitoringSchedule", SCHEDULES)
    ),
    ("retrain-sagemaker/src/monitoring/mod.rs", "update_monitoring_schedule"): call(
        APPROVERS, ("sagemaker:UpdateMonitoringSchedule", SCHEDULES)
    ),
    ("retrain-sagemaker/src/monitoring/mod.rs", "list_monitoring_schedules"): call(
        APPROVERS, ("sagemaker:ListMonitoringSchedules", "*")
    ),
    ("retrain-sagemaker/src/monitoring/mod.rs", "list_tags"): call(
        APPROVERS, ("sagemaker:ListTags", DEFINITIONS)
    ),
    # For sandboxes and tests: the template makes the table.
    ("retrain-debounce/src/table.rs", "create_table"): call(()),
    ("retrain-debounce/src/table.rs", "update_time_to_live"): call(()),
    # No function asks for it.
    ("retrain-sagemaker/src/executions.rs", "stop_pipeline_execution"): call(()),
}


# The calls that no function can come to make: who makes them, and the action that it takes.
OPERATOR_CALLS = {
    ("retrain-cloudwatch/src/described.rs", "describe_alarms"): (
        "doctor", "cloudwatch:DescribeAlarms"
    ),
    ("retrain-cloudwatch/src/described.rs", "list_metrics"): ("doctor", "cloudwatch:ListMetrics"),
    ("retrain-codepipeline/src/declared.rs", "get_pipeline"): (
        "doctor", "codepipeline:GetPipeline"
    ),
    ("retrain-sagemaker/src/declared.rs", "describe_model_package_group"): (
        "doctor", "sagemaker:DescribeModelPackageGroup"
    ),
    ("retrain-sagemaker/src/declared.rs", "describe_pipeline"): (
        "doctor", "sagemaker:DescribePipeline"
    ),
    ("retrainctl/src/doctor/data.rs", "get_bucket_notification_configuration"): (
        "doctor", "s3:GetBucketNotification"
    ),
    ("retrainctl/src/doctor/deployment.rs", "describe_table"): (
        "doctor", "dynamodb:DescribeTable"
    ),
    ("retrainctl/src/doctor/deployment.rs", "get_function_configuration"): (
        "doctor", "lambda:GetFunctionConfiguration"
    ),
    ("retrainctl/src/doctor/post.rs", "list_event_source_mappings"): (
        "doctor", "lambda:ListEventSourceMappings"
    ),
    ("retrainctl/src/doctor/post.rs", "list_rules"): ("doctor", "events:ListRules"),
    ("retrainctl/src/doctor/post.rs", "list_targets_by_rule"): (
        "doctor", "events:ListTargetsByRule"
    ),
    ("retrainctl/src/doctor/rules.rs", "test_event_pattern"): (
        "doctor", "events:TestEventPattern"
    ),
    ("retrainctl/src/redrive/invoke.rs", "invoke"): ("redrive", "lambda:InvokeFunction"),
    # The action is that of the call for one message.
    ("retrainctl/src/redrive/queue.rs", "change_message_visibility_batch"): (
        "redrive", "sqs:ChangeMessageVisibility"
    ),
    ("retrainctl/src/redrive/queue.rs", "delete_message"): ("redrive", "sqs:DeleteMessage"),
    ("retrainctl/src/redrive/queue.rs", "get_queue_url"): ("redrive", "sqs:GetQueueUrl"),
    ("retrainctl/src/redrive/queue.rs", "receive_message"): ("redrive", "sqs:ReceiveMessage"),
    ("retrainctl/src/redrive/queue.rs", "send_message"): ("redrive", "sqs:SendMessage"),
    ("retrain-policies/src/bucket.rs", "put_object"): ("policy bundle", "s3:PutObject"),
    ("retrain-policies/src/path.rs", "put_parameter"): ("policy apply", "ssm:PutParameter"),
    ("retrain-policies/src/path.rs", "delete_parameter"): (
        "policy remove", "ssm:DeleteParameter"
    ),
}
# What the commands call besides, as functions do, too.
SHARED = {
    "doctor": {"s3:GetObject", "ssm:GetParameter", "ssm:GetParametersByPath"},
    "redrive": {"s3:GetObject", "ssm:GetParametersByPath"},
    "policy apply": {
        "cloudwatch:DescribeAlarms", "dynamodb:BatchGetItem", "s3:GetObject", "s3:PutObject",
        "ssm:GetParameter", "ssm:GetParametersByPath",
    },
    "policy bundle": {"s3:GetObject", "ssm:GetParametersByPath"},
    "policy export": {"s3:GetObject", "ssm:GetParametersByPath"},
    "policy remove": {
        "dynamodb:BatchGetItem", "dynamodb:Query", "s3:GetObject", "s3:PutObject",
        "ssm:GetParameter", "ssm:GetParametersByPath",
    },
    "status": {
        "dynamodb:BatchGetItem", "dynamodb:Query", "s3:GetObject", "ssm:GetParametersByPath",
    },
}


def operator_actions():
    """What an operator has to be allowed for each command."""
    found = {command: set(actions) for command, actions in SHARED.items()}
    for command, action in OPERATOR_CALLS.values():
        found[command].add(action)
    return found


def sources(crate):
    """The files of a crate that are no tests, with their text."""
    for path in sorted((ROOT / "crates" / crate / "src").glob("**/*.rs")):
        file = path.relative_to(ROOT / "crates")
        if "tests" not in (file.stem, *file.parts):
            yield str(file), path.read_text(encoding="utf-8").split("#[cfg(test)]\nmod tests")[0]


def deployed_crates():
    """The crates of which functions are made."""
    folders = (ROOT / "crates").glob("*/Cargo.toml")
    return sorted({path.parent.name for path in folders} - NOT_DEPLOYED - {OPERATOR})


def dependencies(crate):
    """The crates that a crate is made of, its tests apart."""
    text = (ROOT / "crates" / crate / "Cargo.toml").read_text(encoding="utf-8")
    return set(tomllib.loads(text)["dependencies"])


def calls_in_source():
    """Every call on an SDK client that a function or the operator may make, by file."""
    found = set()
    for crate in [*deployed_crates(), OPERATOR]:
        for file, text in sources(crate):
            names = re.findall(r"\bclient\s*\.\s*([a-z_]+)\(\)", text)
            found |= {(file, name) for name in names if name != "clone"}
    return found


def methods_around(file, call):
    """The methods of a file that make this call."""
    text = (ROOT / "crates" / file).read_text(encoding="utf-8")
    found = set()
    for made in re.finditer(rf"\bclient\s*\.\s*{call}\(\)", text):
        found.add(re.findall(r"\bfn (\w+)", text[: made.start()])[-1])
    return found


def used_by_functions(adapter, method):
    """Where the crates of functions that know an adapter call a method of this name. What is
    called so may be another's, but then it is better to give one of the two another name."""
    found = []
    for crate in deployed_crates():
        if crate == adapter:
            called = rf"\bself\s*\.\s*{method}\("
        elif adapter in dependencies(crate):
            called = rf"\.\s*{method}\("
        else:
            continue
        found += [file for file, text in sources(crate) if re.search(called, text)]
    return found
