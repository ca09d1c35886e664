"""What one would write without the controller: an alarm starts the pipeline, at most once an
interval.

Only an ALARM counts. One conditional write is the debounce; if it fails, somebody else's start
is too recent, and nothing happens.
"""

import json
import os
import time

import boto3
from botocore.exceptions import ClientError

TABLE = os.environ["PEER_TABLE"]
PIPELINE = os.environ["PEER_PIPELINE"]
MIN_INTERVAL_SECONDS = 6 * 60 * 60

dynamodb = boto3.client("dynamodb")
sagemaker = boto3.client("sagemaker")


def handler(event, _context):
    """Handles an alarm as EventBridge delivers it."""
    detail = event["detail"]
    if detail["state"]["value"] != "ALARM":
        return "ignored"
    now = int(time.time())
    if not is_first(now):
        return "suppressed"
    answer = sagemaker.start_pipeline_execution(
        PipelineName=PIPELINE,
        PipelineExecutionDescription=f"because of {detail['alarmName']}"[:200],
        PipelineParameters=[
            {"Name": "InputDataUri", "Value": "s3://fraud-detection-data/transactions/"},
            {"Name": "AlarmName", "Value": detail["alarmName"]},
            {"Name": "ControllerToken", "Value": event["id"]},
        ],
        ClientRequestToken=event["id"],
    )
    print(json.dumps({"started": answer["PipelineExecutionArn"]}))
    return "started"


def is_first(now):
    """Whether nothing was started within the interval; from now on something was."""
    try:
        dynamodb.put_item(
            TableName=TABLE,
            Item={"pk": {"S": PIPELINE}, "expires_at": {"N": str(now + MIN_INTERVAL_SECONDS)}},
            ConditionExpression="attribute_not_exists(pk) OR expires_at < :now",
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True
