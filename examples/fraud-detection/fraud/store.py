"""AWS, where a job asks for more than SageMaker has put into its folders."""

import os
from pathlib import Path
from typing import Any


def client(service: str, region: str | None = None) -> Any:
    """A client; of the region in which the job runs, if none is named."""
    # Only jobs that ask need the library, which takes a while to be read.
    import boto3

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    # SageMaker tells it by a variable that the library itself does not read.
    region = region or os.environ.get("AWS_REGION")
    return boto3.client(service, region_name=region, endpoint_url=endpoint)


def region(arn: str) -> str:
    """The region in an ARN."""
    return arn.split(":")[3]


def place(uri: str) -> tuple[str, str]:
    """The bucket and the key, or prefix, of a URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def listed(s3: Any, manifest: dict[str, Any], folder: Path) -> None:
    """Copies exactly what a manifest of the controller's lists, each object in its version."""
    for entry in manifest["entries"]:
        path = folder / entry["bucket"] / entry["key"]
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"the manifest lists {entry['key']}, which leads elsewhere")
        path.parent.mkdir(parents=True, exist_ok=True)
        version = {"VersionId": entry["version_id"]} if entry.get("version_id") else {}
        answer = s3.get_object(Bucket=entry["bucket"], Key=entry["key"], **version)
        path.write_bytes(answer["Body"].read())
