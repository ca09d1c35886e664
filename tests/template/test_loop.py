"""The reference loop's templates keep what docs/LOOP.md says."""

import json
import re

import botocore.session
import jsonschema
import pytest

import access
import deployed
import loop
from test_lint import passes

# Calls that AWS does not authorise by resource.
WITHOUT_RESOURCE = {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"}
WITHOUT_RESOURCE |= {
    "cloudwatch:DescribeAlarms", "kms:CreateKey", "kms:ListAliases", "ram:CreateResourceShare",
    "ram:GetResourceShareAssociations", "ram:GetResourceShares", "ssm:DescribeParameters",
}


@pytest.fixture(scope="module")
def policy():
    return loop.read_json("policy.json")


@pytest.mark.parametrize("name", loop.TEMPLATES)
def test_cfn_lint_finds_nothing(name):
    passes("cfn-lint", f"examples/fraud-detection/templates/{name}.yaml")


@pytest.mark.parametrize("name", loop.TEMPLATES)
def test_it_translates(name):
    translated = deployed.translate(loop.template(name), loop.GIVEN[name])
    assert set(translated["Resources"]) == set(loop.template(name)["Resources"])


@pytest.mark.parametrize("name", loop.TEMPLATES)
def test_no_grant_is_wider_than_it_has_to_be(name):
    stack = loop.stack(name)
    roles = stack.of_type("AWS::IAM::Role")
    assert roles
    for own, role in roles.items():
        for action, resource, _ in access.of_role(stack, role):
            assert "*" not in action, own
            assert resource != "*" or action in WITHOUT_RESOURCE, (own, action)
        for effect, principal, action, condition in access.trusted(role):
            assert (effect, action) == ("Allow", "sts:AssumeRole")
            assert set(principal) == {"Service"}
            assert condition == {"StringEquals": {"aws:SourceAccount": deployed.ACCOUNT}}
    written = json.dumps(loop.template(name))
    assert not re.search(r'"[a-z0-9-]+:\*"', written), "an action is a wildcard"


@pytest.mark.parametrize("name", ["training", "pipeline"])
def test_buckets_keep_versions_and_tell_of_objects(name):
    stack = loop.stack(name)
    buckets = stack.of_type("AWS::S3::Bucket")
    assert buckets
    for own, bucket in buckets.items():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, own
        events = bucket["NotificationConfiguration"]["EventBridgeConfiguration"]
        assert events == {"EventBridgeEnabled": True}, own
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, own
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms", own
        assert stack.resources[own]["DeletionPolicy"] == "Retain", own


# ------------------------------------------------------------------ policy and pipeline


def test_the_policy_is_the_one_that_is_deployed(policy):
    stack = loop.stack("training")
    written = stack.of_type("AWS::SSM::Parameter")["Policy"]
    assert json.loads(written["Value"]) == policy
    assert written["Name"] == "<retrain-PolicyPath>/fraud-detection"
    schema = (deployed.ROOT / "docs/policy.schema.json").read_bytes()
    jsonschema.validate(policy, json.loads(schema))


def test_the_policy_and_the_pipeline_fit(policy):
    definition = loop.definition()
    declared = {one["Name"]: one for one in definition["Parameters"]}
    assert set(policy["parameters"]) <= set(declared)
    required = {name for name, one in declared.items() if "DefaultValue" not in one}
    assert required <= set(policy["parameters"])
    fails = {one["Name"] for one in loop.steps(definition["Steps"]) if one["Type"] == "Fail"}
    assert set(policy["no_improvement"]["steps"]) == fails
    (pipeline,) = loop.stack("training").of_type("AWS::SageMaker::Pipeline").values()
    assert pipeline["PipelineName"] == policy["pipeline"]["name"]


@pytest.mark.parametrize("name", loop.DEFINITIONS)
def test_every_step_is_a_request_that_sagemaker_takes(name):
    service = botocore.session.get_session().get_service_model("sagemaker")
    operations = {
        "Processing": ("CreateProcessingJob", {"ProcessingJobName"}),
        "Training": ("CreateTrainingJob", {"TrainingJobName"}),
        "Tuning": ("CreateHyperParameterTuningJob", {"HyperParameterTuningJobName"}),
        "RegisterModel": ("CreateModelPackage", set()),
    }
    looked_at = 0
    for one in loop.steps(loop.definition(name)["Steps"]):
        if one["Type"] in operations:
            operation, named_by_the_pipeline = operations[one["Type"]]
            request = one["Arguments"] | dict.fromkeys(named_by_the_pipeline, "name")
            shape = service.operation_model(operation).input_shape
            assert list(loop.misfits(request, shape, one["Name"])) == []
            assert list(loop.misfits(request | {"Rolearn": "x"}, shape, one["Name"]))
            looked_at += 1
    assert looked_at == 5


def test_before_the_first_build_there_is_no_pipeline():
    stack = loop.stack("training", DefinitionBucket="", DefinitionKey="", DefinitionVersion="")
    assert not stack.of_type("AWS::SageMaker::Pipeline")
    assert stack.of_type("AWS::ECR::Repository")


def test_the_pipelines_role_may_make_the_jobs_of_its_steps_and_look_at_them():
    stack = loop.stack("training")
    may = {action for action, _, _ in access.of_role(stack, stack.of_type("AWS::IAM::Role")["PipelineRole"])}
    jobs = {"Processing": "ProcessingJob", "Training": "TrainingJob", "Tuning": "HyperParameterTuningJob"}
    types = {one["Type"] for name in loop.DEFINITIONS for one in loop.steps(loop.definition(name)["Steps"])}
    for job in {jobs[type_] for type_ in types & jobs.keys()}:
        assert {f"sagemaker:{verb}{job}" for verb in ("Create", "Describe", "Stop")} <= may
    assert "Tuning" in types
    # The best of a tuning job's trainings is known by the list of them.
    assert "sagemaker:ListTrainingJobsForHyperParameterTuningJob" in may


def test_a_release_takes_one_of_the_definitions():
    parameter = loop.template("pipeline")["Parameters"]["Definition"]
    assert tuple(parameter["AllowedValues"]) == loop.DEFINITIONS
    assert parameter["Default"] == loop.DEFINITIONS[0]
    commands = "\n".join(loop.buildspec("build.yml")[1]["build"])
    assert 'fraud.definition "pipeline/$DEFINITION"' in commands
    # A tuning job names no program: the image has one.
    for program in ("serve", "train"):
        assert f"/usr/local/bin/{program} " in (loop.EXAMPLE / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", loop.DEFINITIONS)
def test_every_cached_step_sees_the_start_that_asks_for_it(name):
    cached = [
        one
        for one in loop.steps(loop.definition(name)["Steps"])
        if one.get("CacheConfig", {}).get("Enabled")
    ]
    assert len(cached) == 2
    for one in cached:
        assert '"Parameters.ControllerToken"' in json.dumps(one["Arguments"]), one["Name"]


def test_the_feature_group_has_the_columns_of_the_schema():
    (group,) = loop.stack("training").of_type("AWS::SageMaker::FeatureGroup").values()
    types = {"text": "String", "number": "Fractional"}
    columns = loop.read_json("schema/transactions-v1.json")["columns"]
    assert group["FeatureDefinitions"] == [
        {"FeatureName": one["name"], "FeatureType": types[one["type"]]} for one in columns
    ]
    by_role = {one["role"]: one["name"] for one in columns}
    assert group["RecordIdentifierFeatureName"] == by_role["id"]
    assert group["EventTimeFeatureName"] == by_role["time"]


def test_the_registry_is_shared_only_when_it_is():
    shared = loop.stack("training")
    (group,) = shared.of_type("AWS::SageMaker::ModelPackageGroup").values()
    sids = [one["Sid"] for one in group["ModelPackageGroupPolicy"]["Statement"]]
    assert sids == ["RetrainingControllerDecides", "OtherAccountsDeploy"]
    (share,) = shared.of_type("AWS::RAM::ResourceShare").values()
    assert share["Principals"] == ["444455556666"]
    alone = loop.stack("training", ControllerRoleArns="", SharedWithAccountIds="")
    (group,) = alone.of_type("AWS::SageMaker::ModelPackageGroup").values()
    assert "ModelPackageGroupPolicy" not in group
    assert not alone.of_type("AWS::RAM::ResourceShare")
    assert "444455556666" not in json.dumps(alone.resolve(alone.template["Resources"]))


# ------------------------------------------------------------------ release


def test_a_release_trains_before_anybody_approves_it():
    stack = loop.stack("pipeline")
    assert list(loop.stages(stack)) == ["Source", "BuildAndTest", "Train", "Approval", "Deploy"]
    (pipeline,) = stack.of_type("AWS::CodePipeline::Pipeline").values()
    assert pipeline["PipelineType"] == "V2"


def test_the_controller_is_asked_and_codebuild_trains_nothing():
    stack = loop.stack("pipeline")
    train = loop.stages(stack)["Train"]
    assert [one["ActionTypeId"]["Provider"] for one in train.values()] == ["CloudFormation", "Lambda"]
    ask = train["AskForTraining"]["Configuration"]
    assert ask["FunctionName"] == "retrain-reconciler"
    sent = json.loads(ask["UserParameters"])
    assert sent == {
        "model": "fraud-detection",
        "key": "#{codepipeline.PipelineExecutionId}",
        "commit": "#{Source.CommitId}",
        "no_improvement": "succeed",
    }
    zipped = loop.stages(loop.stack("pipeline", SourceProvider="S3"))["Train"]["AskForTraining"]
    assert "#{Source.VersionId}" in zipped["Configuration"]["UserParameters"]
    for name in ("build.yml", "check.yml", "verify.yml"):
        _, phases = loop.buildspec(name)
        text = json.dumps(phases)
        assert "fraud.train" not in text
        assert "start-pipeline-execution" not in text


def test_nothing_polls():
    providers = {"CodeConnections": "CodeStarSourceConnection", "CodeCommit": "CodeCommit", "S3": "S3"}
    for given, provider in providers.items():
        (source,) = loop.stages(loop.stack("pipeline", SourceProvider=given))["Source"].values()
        assert source["ActionTypeId"]["Provider"] == provider
        looks = {"DetectChanges", "PollForSourceChanges"} & set(source["Configuration"])
        assert {source["Configuration"][name] for name in looks} == {False}
    (source,) = loop.stages(loop.stack("deployment"))["Source"].values()
    assert source["Configuration"]["PollForSourceChanges"] is False


def starters(stack):
    """The rules that start the release, by the source of their events."""
    return {rule["EventPattern"]["source"][0]: rule for rule in stack.of_type("AWS::Events::Rule").values()}


def test_each_provider_starts_the_release():
    connected = loop.stack("pipeline")
    (pipeline,) = connected.of_type("AWS::CodePipeline::Pipeline").values()
    (trigger,) = pipeline["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [{"Branches": {"Includes": ["main"]}}]
    assert not starters(connected) and "StartRole" not in connected.resources
    for provider, source in {"CodeCommit": "aws.codecommit", "S3": "aws.s3"}.items():
        stack = loop.stack("pipeline", SourceProvider=provider)
        (pipeline,) = stack.of_type("AWS::CodePipeline::Pipeline").values()
        assert "Triggers" not in pipeline
        assert set(starters(stack)) == {source}
        (target,) = starters(stack)[source]["Targets"]
        release = "arn:aws:codepipeline:us-east-1:111122223333:fraud-detection-release"
        assert (target["Arn"], target["RoleArn"]) == (release, "<StartRole.Arn>")
        role = stack.of_type("AWS::IAM::Role")["StartRole"]
        assert access.of_role(stack, role) == {("codepipeline:StartPipelineExecution", release, None)}
        (read,) = loop.stages(stack)["Source"].values()
        pattern, given = starters(stack)[source]["EventPattern"]["detail"], read["Configuration"]
        if provider == "S3":
            assert pattern["bucket"]["name"] == [given["S3Bucket"]]
            assert pattern["object"]["key"] == [given["S3ObjectKey"]]
        else:
            assert pattern["referenceName"] == [given["BranchName"]]


def test_nothing_is_published_before_the_approval():
    stack = loop.stack("pipeline")
    stages = loop.stages(stack)
    # A release without a new model deploys none, and has none to look for.
    assert "PACKAGE" not in json.dumps(list(stages["Deploy"].values()))
    publish = stages["Deploy"]["Publish"]
    assert publish["ActionTypeId"]["Provider"] == "S3"
    order = [one["RunOrder"] for one in stages["Deploy"].values()]
    assert order == sorted(set(order)) and list(stages["Deploy"])[0] == "Publish"
    assert publish["InputArtifacts"] == stages["BuildAndTest"]["Build"]["OutputArtifacts"]
    (source,) = loop.stages(loop.stack("deployment"))["Source"].values()
    assert publish["Configuration"]["ObjectKey"] == source["Configuration"]["S3ObjectKey"]
    assert publish["Configuration"]["Extract"] == "false"
    document, phases = loop.buildspec("build.yml")
    assert "release.zip" not in json.dumps(phases)
    guarded = stack.of_type("AWS::S3::BucketPolicy")["ReleasesPolicy"]["PolicyDocument"]["Statement"][1]
    assert guarded["Resource"] == "<Releases.Arn>/fraud-detection/release.zip"
    assert guarded["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": "<ReleaseRole.Arn>"}}


def test_people_are_told_what_is_changed_before_they_are_asked():
    stages = loop.stages(loop.stack("pipeline"))
    assert "runs it already" in stages["Approval"]["Approve"]["Configuration"]["CustomData"]


def test_people_are_asked_and_have_a_time_limit():
    for stack in (loop.stack("pipeline"), loop.stack("deployment")):
        asked = [one for one in loop.actions(stack) if one["ActionTypeId"]["Category"] == "Approval"]
        assert asked
        for one in asked:
            assert int(one["TimeoutInMinutes"]) == 4320
            assert one["Configuration"]["NotificationArn"]


# ------------------------------------------------------------------ deployment


def test_each_environment_has_its_pipeline_and_none_of_them_trains(policy):
    release = loop.stack("pipeline")
    for environment in policy["environments"]:
        made = loop.stages(release)["Deploy"][environment["name"].capitalize()]
        given = json.loads(made["Configuration"]["ParameterOverrides"])
        assert given["Environment"] == environment["name"]
        stack = loop.stack("deployment", **given)
        (pipeline,) = stack.of_type("AWS::CodePipeline::Pipeline").values()
        assert pipeline["Name"] == environment["pipeline"]
        assert pipeline["PipelineType"] == "V2"
        assert pipeline["ExecutionMode"] == "QUEUED"
        declared = {one["Name"]: one for one in pipeline["Variables"]}
        assert set(declared) == set(environment["variables"]) | {"RETRAIN_TOKEN"}
        providers = {one["ActionTypeId"]["Provider"] for one in loop.actions(stack)}
        assert providers <= {"S3", "CodeBuild", "Manual", "CloudFormation"}
        assert "Train" not in loop.stages(stack)
        assert "Triggers" not in pipeline


@pytest.mark.parametrize(("tiers", "people"), [("0", 0), ("1", 1), ("2", 2)])
def test_as_many_people_approve_as_there_are_tiers(tiers, people):
    stages = loop.stages(loop.stack("deployment", ApprovalTiers=tiers))
    asked = stages.get("Approval", {})
    assert sorted(one["RunOrder"] for one in asked.values()) == list(range(1, people + 1))
    order = list(stages)
    assert not asked or order.index("Check") < order.index("Approval") < order.index("Deploy")


def test_what_is_deployed_is_what_was_checked_and_approved():
    stages = loop.stages(loop.stack("deployment"))
    variable = "#{variables.MODEL_PACKAGE_ARN}"
    (deployed_,) = stages["Deploy"].values()
    assert json.loads(deployed_["Configuration"]["ParameterOverrides"])["ModelPackageArn"] == variable
    for stage in ("Check", "Verify"):
        (test,) = stages[stage].values()
        assert variable in test["Configuration"]["EnvironmentVariables"]
    for asked in stages["Approval"].values():
        assert variable in asked["Configuration"]["CustomData"]
    for name, parameter in loop.template("endpoint")["Parameters"].items():
        assert "SSM" not in parameter["Type"], name
    _, phases = loop.buildspec("check.yml")
    assert "put-" not in json.dumps(phases)
    _, phases = loop.buildspec("verify.yml")
    assert '--serves "$MODEL_PACKAGE_ARN"' in "\n".join(phases["build"])


def test_the_environments_options_are_the_repositorys(policy):
    parameters = loop.template("endpoint")["Parameters"]
    for environment in policy["environments"]:
        stack = loop.stack("deployment", Environment=environment["name"])
        (action,) = loop.stages(stack)["Deploy"].values()
        folder, _, path = action["Configuration"]["TemplateConfiguration"].partition("::")
        assert folder == action["InputArtifacts"][0]["Name"]
        given = loop.read_json(path)
        assert list(given) == ["Parameters"]
        assert set(given["Parameters"]) <= set(parameters)
        overridden = json.loads(action["Configuration"]["ParameterOverrides"])
        assert not set(given["Parameters"]) & set(overridden)
        served = loop.stack("endpoint", **given["Parameters"])
        assert served.of_type("AWS::SageMaker::Endpoint")


def test_another_model_is_another_set_of_stacks():
    def renamed(value):
        return str(value).replace("fraud-detection", "churn")

    for name in loop.TEMPLATES:
        given = {own: renamed(value) for own, value in loop.GIVEN[name].items()}
        given |= {"Name": "churn"}
        if name == "pipeline":
            given["SourceFolder"] = "models/churn"
        stack = loop.stack(name, **given)
        text = json.dumps([stack.resolve(one) for one in stack.resources.values()])
        assert "churn" in text
        assert "fraud-detection" not in text, name
    for name in ("build.yml", "check.yml", "verify.yml"):
        _, phases = loop.buildspec(name)
        assert "fraud-detection" not in json.dumps(phases), name


def test_what_a_pipeline_gives_a_template_is_what_the_template_wants():
    of_actions = [
        (loop.stages(loop.stack("pipeline"))["Deploy"]["Staging"], "deployment"),
        (loop.stages(loop.stack("pipeline"))["Deploy"]["Production"], "deployment"),
        (loop.stages(loop.stack("deployment"))["Deploy"]["Endpoint"], "endpoint"),
    ]
    for action, name in of_actions:
        assert action["Configuration"]["TemplatePath"].endswith(f"templates/{name}.yaml")
        given = json.loads(action["Configuration"]["ParameterOverrides"])
        assert len(action["Configuration"]["ParameterOverrides"]) <= 1000
        parameters = loop.template(name)["Parameters"]
        required = {own for own, one in parameters.items() if "Default" not in one}
        assert required <= set(given) <= set(parameters)
    _, phases = loop.buildspec("build.yml")
    added = re.findall(r"\b(Definition\w+)=", json.dumps(phases["post_build"]))
    given = {*loop.read_json("templates/training.json")["Parameters"], *added}
    assert given == set(loop.template("training")["Parameters"])
