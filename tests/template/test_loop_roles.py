"""What a release can change at most, and what its roles may be given at most."""

import json

import botocore.session
import pytest

import access
import loop

# The stacks that CloudFormation changes for a release.
CHANGED = ["training", "deployment", "endpoint"]
# What making a resource takes first.
CREATES = {
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CodeBuild::Project": "codebuild:CreateProject",
    "AWS::CodePipeline::Pipeline": "codepipeline:CreatePipeline",
    "AWS::ECR::Repository": "ecr:CreateRepository",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::KMS::Alias": "kms:CreateAlias",
    "AWS::KMS::Key": "kms:CreateKey",
    "AWS::RAM::ResourceShare": "ram:CreateResourceShare",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::SSM::Parameter": "ssm:PutParameter",
    "AWS::Scheduler::Schedule": "scheduler:CreateSchedule",
}
BOUNDARY = "arn:aws:iam::111122223333:policy/fraud-detection-boundary"


@pytest.fixture(scope="module")
def own():
    return loop.stack("cloudformation-role")


@pytest.fixture(scope="module")
def grants(own):
    (role,) = own.of_type("AWS::IAM::Role").values()
    return access.of_role(own, role)


def stacks():
    """The stacks, with everything that can be switched on."""
    yield from map(loop.stack, CHANGED)
    yield loop.stack("endpoint", Monitoring="model-monitor")


def test_all_that_is_in_the_stacks_can_be_made(grants):
    actions = {action for action, _, _ in grants}
    for stack in stacks():
        for resource in stack.resources.values():
            kind = resource["Type"]
            create = CREATES.get(kind) or f"sagemaker:Create{kind.rpartition('::')[2]}"
            assert create in actions, kind


def test_every_action_is_one_of_aws(grants):
    session = botocore.session.get_session()
    for action, _, _ in grants:
        service, name = action.split(":")
        if service == "s3" or action == "iam:PassRole":
            # They are not called after their operations.
            continue
        assert name in session.get_service_model(service).operation_names, action


def test_the_role_fits_into_what_iam_takes(own):
    (role,) = own.of_type("AWS::IAM::Role").values()
    written = json.dumps(role["Policies"][0]["PolicyDocument"], separators=(",", ":"))
    # The longest name, region and partition are longer.
    assert len(written) < 10240 * 0.9
    (boundary,) = own.of_type("AWS::IAM::ManagedPolicy").values()
    assert len(json.dumps(boundary["PolicyDocument"], separators=(",", ":"))) < 6144 * 0.9


def test_no_release_makes_a_role_that_may_more_than_the_boundary(own, grants):
    (boundary,) = own.of_type("AWS::IAM::ManagedPolicy").values()
    assert boundary["ManagedPolicyName"] == BOUNDARY.rpartition("/")[2]
    most = access.grants(boundary["PolicyDocument"])
    limit = {action for action, _, _ in most}
    assert {action for action in limit if action.startswith("iam:")} == {"iam:PassRole"}
    assert not [action for action in limit if "*" in action]
    used = set()
    for stack in stacks():
        for name, role in stack.of_type("AWS::IAM::Role").items():
            assert role["PermissionsBoundary"] == BOUNDARY, name
            used |= {action for action, _, _ in access.of_role(stack, role)}
    assert used == limit
    within = json.dumps({"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}})
    for action, resource, condition in grants:
        if action.startswith("iam:"):
            # The stack of this role is called otherwise, so no release changes it.
            kinds = tuple(f"arn:aws:iam::111122223333:role/fraud-detection-{name}-" for name in CHANGED)
            assert resource.startswith(kinds)
        if action in {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}:
            assert condition == within, action
    named = {action for action, _, _ in grants}
    assert not named & {
        "iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:DeleteRolePermissionsBoundary",
        "iam:SetDefaultPolicyVersion",
    }


def test_the_controller_of_another_account_can_read_what_the_gate_looks_at():
    with_other = loop.stack("training", SharedWithAccountIds="")
    key = with_other.of_type("AWS::KMS::Key")["Key"]["KeyPolicy"]["Statement"]
    (statement,) = [one for one in key if one["Sid"] == "TheControllerReadsReports"]
    assert statement["Principal"] == {"AWS": [loop.ROLE]}
    assert "kms:Decrypt" in statement["Action"]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    alone = loop.stack("training", ControllerRoleArns="")
    key = alone.of_type("AWS::KMS::Key")["Key"]["KeyPolicy"]["Statement"]
    assert "TheControllerReadsReports" not in [one["Sid"] for one in key]


def test_accounts_that_deploy_get_the_image_too():
    shared = loop.stack("training").of_type("AWS::ECR::Repository")["Images"]
    (statement,) = shared["RepositoryPolicyText"]["Statement"]
    assert statement["Principal"] == {"AWS": ["444455556666"]}
    assert "ecr:BatchGetImage" in statement["Action"]
    alone = loop.stack("training", SharedWithAccountIds="").of_type("AWS::ECR::Repository")["Images"]
    assert "RepositoryPolicyText" not in alone


def test_jobs_only_read_captured_calls_and_these_alone_expire():
    stack = loop.stack("training")
    role = stack.of_type("AWS::IAM::Role")["JobRole"]
    captured = {action for action, resource, _ in access.of_role(stack, role) if "captured" in resource}
    assert captured == {"s3:GetObject"}
    buckets = stack.of_type("AWS::S3::Bucket")
    (rule,) = buckets["Artifacts"]["LifecycleConfiguration"]["Rules"]
    assert (rule["Prefix"], rule["ExpirationInDays"]) == ("captured/", "90")
    assert [name for name, one in buckets.items() if "LifecycleConfiguration" in one] == ["Artifacts"]


@pytest.mark.parametrize("name", ["training", "pipeline"])
def test_every_bucket_is_asked_over_tls_only(name):
    stack = loop.stack(name)
    policies = stack.of_type("AWS::S3::BucketPolicy").values()
    denied = {
        policy["Bucket"] for policy in policies
        if policy["PolicyDocument"]["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and policy["PolicyDocument"]["Statement"][0]["Effect"] == "Deny"
    }
    assert denied == {bucket["BucketName"] for bucket in stack.of_type("AWS::S3::Bucket").values()}
