"""Measures how far what an endpoint is asked has moved from what its model was made of.

Three metrics of each watched feature go to CloudWatch: `KolmogorovSmirnov`, `KullbackLeibler` and
`MissingRate`, with the dimensions `Endpoint` and `Feature`. The greatest of all features has
`any` as its `Feature`: the alarms look at that one, so that a new feature needs no new alarm.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from fraud import capture, job, metrics, store
from fraud.schema import Schema, Table
from fraud.statistics import histogram

NAMESPACE = "FraudDetection/Drift"
ANY = "any"
# Of fewer calls the distance is chance: two hundred of the same world differ by up to 0.1.
MIN_CALLS = 200


def measure(
    statistics: dict[str, Any], asked: Table, schema: Schema
) -> dict[str, dict[str, float]]:
    """The metrics of each feature, by its name, and the greatest ones as `any`."""
    found = {}
    for feature in statistics["features"]:
        if feature["name"] not in schema.watched:
            continue
        numbers = feature["numerical_statistics"]
        buckets = numbers["distribution"]["kll"]["buckets"]
        expected = np.array([bucket["count"] for bucket in buckets], dtype=float)
        values = asked[feature["name"]]
        present = values[~np.isnan(values)]
        edges = np.array([bucket["lower_bound"] for bucket in buckets[1:]])
        observed = histogram(present, edges)
        found[feature["name"]] = metrics.rounded(
            {
                "KolmogorovSmirnov": metrics.kolmogorov_smirnov(expected, observed),
                "KullbackLeibler": metrics.kullback_leibler(expected, observed),
                "MissingRate": 1 - present.size / values.size,
            }
        )
    names = next(iter(found.values()))
    found[ANY] = {name: max(one[name] for one in found.values()) for name in names}
    return found


def request(endpoint: str, found: dict[str, dict[str, float]], at: str) -> dict[str, Any]:
    """The request `PutMetricData`."""
    data = [
        {
            "MetricName": name,
            "Dimensions": [
                {"Name": "Endpoint", "Value": endpoint},
                {"Name": "Feature", "Value": feature},
            ],
            "Timestamp": at,
            "Value": value,
            "Unit": "None",
        }
        for feature, values in found.items()
        for name, value in values.items()
    ]
    return {"Namespace": NAMESPACE, "MetricData": data}


def fetch(client: Any, uri: str, folder: Path) -> None:
    """Copies what is below a URI, or the one object, into a folder."""
    bucket, prefix = store.place(uri)
    folder.mkdir(parents=True, exist_ok=True)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for listed in page.get("Contents", []):
            path = folder / listed["Key"].replace("/", "_")
            client.download_file(bucket, listed["Key"], str(path))


def main() -> None:
    """Runs the job: of one hour, the one before the scheduled time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--model-package-arn", required=True, help="what the endpoint serves")
    parser.add_argument("--captured-uri", required=True, help="up to the variant")
    parser.add_argument("--scheduled-time", required=True, help="such as 2026-01-05T06:00:00Z")
    parser.add_argument("--dry-run", action="store_true", help="write the request and send nothing")
    given = parser.parse_args()
    region = store.region(given.model_package_arn)
    sagemaker = store.client("sagemaker", region)
    package = sagemaker.describe_model_package(ModelPackageName=given.model_package_arn)
    baseline = package["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"]
    s3 = store.client("s3", region)
    scheduled = np.datetime64(given.scheduled_time.removesuffix("Z"), "h")
    hour = str(scheduled - np.timedelta64(1, "h")).replace("-", "/").replace("T", "/")
    fetch(s3, baseline, job.ROOT / "baseline")
    fetch(s3, f"{given.captured_uri}/{hour}/", job.INPUT / "captured")

    schema = Schema.load()
    captured = capture.read(job.INPUT / "captured", schema)
    print(f"{len(captured.answers)} calls, and {captured.incomplete} incomplete ones")
    if len(captured.answers) < MIN_CALLS:
        # A quiet hour has no metrics, and the alarms leave such hours out.
        print(f"too few to tell anything; {MIN_CALLS} would")
        return
    (statistics,) = (job.ROOT / "baseline").iterdir()
    found = measure(job.read_json(statistics), capture.table(captured.answers, schema), schema)
    metric_data = request(given.endpoint, found, given.scheduled_time)
    job.write_json(job.OUTPUT / "drift" / "metrics.json", metric_data)
    if not given.dry_run:
        store.client("cloudwatch", region).put_metric_data(**metric_data)


if __name__ == "__main__":
    job.run(main)
