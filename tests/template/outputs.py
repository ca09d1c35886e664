"""What the stack tells to other stacks."""

OUTPUTS = {
    "TableName": "<Table>",
    "TableStreamArn": "<Table.StreamArn>",
    "PolicyPath": "/retrain/policies",
    "DriftAlarmArn": "<DriftAlarmAliaslive>",
    "DataArrivalArn": "<DataArrivalAliaslive>",
    "ExecutionStatusArn": "<ExecutionStatusAliaslive>",
    "ModelApprovalArn": "<ModelApprovalAliaslive>",
    "ReconcilerArn": "<ReconcilerAliaslive>",
    "ApproverRoleArns": "<ExecutionStatusRole.Arn>,<ModelApprovalRole.Arn>,<ReconcilerRole.Arn>",
    "AlarmRuleName": "retrain-alarms",
    "SageMakerRuleName": "retrain-sagemaker",
    "CodePipelineRuleName": "retrain-codepipeline",
    "PackageRuleName": "retrain-packages",
    "EndpointRuleName": "retrain-endpoints",
    "ReconcileRuleName": "retrain-reconcile",
    "DataRuleName": "retrain-data",
    "DataQueueUrl": "<DataQueue>",
    "DataDeadLettersUrl": "<DataDeadLetters>",
    "DeadLettersUrl": "<DeadLetters>",
    "DeadLettersArn": "<DeadLetters.Arn>",
    "NoticesArn": "<Notices>",
}


def problems(stack):
    """Outputs that are missing, or that are not exported under their name."""
    found = {name: stack.resolve(output) for name, output in stack.outputs.items()}
    for name in sorted(set(found) ^ set(OUTPUTS)):
        yield f"the output {name} is missing, or is not expected"
    for name in sorted(set(found) & set(OUTPUTS)):
        if found[name]["Value"] != OUTPUTS[name]:
            yield f"{name} is {found[name]['Value']}"
        if found[name]["Export"] != {"Name": f"retrain-{name}"}:
            yield f"{name} is exported as {found[name]['Export']}"
