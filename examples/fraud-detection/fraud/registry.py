"""Models that are registered already."""

import os
from pathlib import Path

from fraud import model
from fraud.model import Model

NONE = "none"


def fetch(package_arn: str, folder: Path) -> Model | None:
    """The model of a package; none if the start knew no package to compare with."""
    if package_arn == NONE:
        return None
    # Only a job with a baseline needs an AWS client, which takes a while to be read.
    import boto3

    region = package_arn.split(":")[3]
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    options = {"region_name": region, "endpoint_url": endpoint}
    package = boto3.client("sagemaker", **options).describe_model_package(
        ModelPackageName=package_arn
    )
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, key = container["ModelDataUrl"].removeprefix("s3://").split("/", 1)
    folder.mkdir(parents=True, exist_ok=True)
    boto3.client("s3", **options).download_file(bucket, key, str(folder / "model.tar.gz"))
    return model.load(folder)
