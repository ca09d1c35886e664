"""The first job: checks the data, takes the training window, and splits it by time.

It writes `train/train.csv` and `test/test.csv`, and for the monitoring of data quality
`data_quality/statistics.json` and `constraints.json` of the newest data.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from fraud import job, statistics, store
from fraud.schema import Schema, SchemaError, Table, read, rows, select, write

# The newest part of the window is kept for the test: a model has to do on days that it has
# not seen. What comes before is trained on.
TEST_SHARE = 0.3


def window(table: Table, schema: Schema, start: str, end: str) -> Table:
    """The rows from `start` up to and without `end`, in the order of their time."""
    times = table[schema.one("time")]
    chosen = np.ones(rows(table), dtype=bool)
    if start:
        chosen &= times >= start
    if end:
        chosen &= times < end
    inside = select(table, chosen)
    return select(inside, np.argsort(inside[schema.one("time")], kind="stable"))


def split(table: Table, share: float = TEST_SHARE) -> tuple[Table, Table]:
    """The older part and the newer one, which is this share."""
    total = rows(table)
    cut = total - int(total * share)
    return select(table, np.arange(cut)), select(table, np.arange(cut, total))


def fetch(manifest_uri: str) -> Path:
    """The folder with the data: what the manifest lists, or else what SageMaker has put there.

    An object may have been written anew since the controller counted it. What it counted is
    what is trained on, and what the package's pin says later.
    """
    if manifest_uri == "none":
        return job.INPUT / "data"
    s3 = store.client("s3")
    bucket, key = store.place(manifest_uri)
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    store.listed(s3, manifest, job.ROOT / "listed")
    return job.ROOT / "listed"


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window-start", default="", help="such as 2026-01-05T06:00:00Z")
    parser.add_argument("--window-end", default="")
    # It changes what this job and what follows it are made of, so that SageMaker's cache
    # never takes the result of another start for this one's.
    parser.add_argument("--controller-token", default="none")
    parser.add_argument("--manifest-uri", default="none", help="the list of what is taken")
    given = parser.parse_args()
    span = (given.window_start, given.window_end)

    schema = Schema.load()
    table = window(read(fetch(given.manifest_uri), schema, *span), schema, *span)
    if rows(table) < 100:
        raise SchemaError(f"the training window has {rows(table)} rows, which is too few")
    train, test = split(table)
    for name, part in (("train", train), ("test", test)):
        path = job.OUTPUT / name / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(part, schema), encoding="utf-8")
    quality = job.OUTPUT / "data_quality"
    job.write_json(quality / "statistics.json", statistics.statistics(test, schema))
    job.write_json(quality / "constraints.json", statistics.constraints(test, schema))
    provenance = vars(given) | {"schema_version": schema.version, "rows": rows(table)}
    job.write_json(job.OUTPUT / "train" / "provenance.json", provenance)
    print(f"{rows(train)} rows to train on, {rows(test)} to test with")


if __name__ == "__main__":
    job.run(main)
