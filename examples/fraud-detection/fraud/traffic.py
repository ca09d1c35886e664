"""Plays an endpoint where there is none: asks a registered model what synthetic customers ask,
and keeps calls and answers as SageMaker's data capture does."""

import argparse
from datetime import datetime, timedelta

from fraud import capture, inference, job, registry, store, synthetic
from fraud.model import Model
from fraud.schema import Schema, Table, cells


def lines(fitted: Model, table: Table, schema: Schema) -> str:
    """The capture of a call for each transaction."""
    rows = cells(table, schema)
    scores = inference.predict(fitted, schema, "\n".join(rows)).split()
    calls = zip(table[schema.one("id")].tolist(), rows, map(float, scores), strict=True)
    return "".join(f"{capture.record(*call)}\n" for call in calls)


def main() -> None:
    """Plays some hours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-package-arn", required=True)
    parser.add_argument("--captured-uri", required=True, help="up to the variant")
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--hours", type=int, default=1)
    parser.add_argument("--rows", type=int, default=200, help="in each hour")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--price-level", type=float, default=1.0)
    given = parser.parse_args()
    fitted = registry.fetch(given.model_package_arn, job.ROOT / "traffic")
    if fitted is None:
        raise ValueError("there is no model to ask")
    s3 = store.client("s3", store.region(given.model_package_arn))
    bucket, prefix = store.place(given.captured_uri)
    schema = Schema.load()
    for number in range(given.hours):
        hour = given.start + timedelta(hours=number)
        table = synthetic.transactions(
            given.rows, given.seed + number, hour, 1 / 24, given.price_level
        )
        key = f"{prefix}/{hour:%Y/%m/%d/%H}/calls.jsonl"
        s3.put_object(Bucket=bucket, Key=key, Body=lines(fitted, table, schema).encode())


if __name__ == "__main__":
    job.run(main)
