"""Models that are registered already."""

from pathlib import Path
from typing import Any

from fraud import model, store
from fraud.model import Model

NONE = "none"


def fetch(package_arn: str, folder: Path) -> Model | None:
    """The model of a package; none if the start knew no package to compare with."""
    if package_arn == NONE:
        return None
    region = store.region(package_arn)
    sagemaker = store.client("sagemaker", region)
    package = sagemaker.describe_model_package(ModelPackageName=package_arn)
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, key = store.place(container["ModelDataUrl"])
    folder.mkdir(parents=True, exist_ok=True)
    store.client("s3", region).download_file(bucket, key, str(folder / "model.tar.gz"))
    return model.load(folder)


def served(sagemaker: Any, endpoint: str) -> str:
    """The package that an endpoint's first variant serves."""
    name = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    variant = config["ProductionVariants"][0]
    described = sagemaker.describe_model(ModelName=variant["ModelName"])
    (container,) = described.get("Containers") or [described["PrimaryContainer"]]
    return container["ModelPackageName"]
