"""Checks the newest training data before a release, as the pipeline's first job would.

It stands for Great Expectations. Where there is no data yet, there is nothing to check.
"""

import argparse
from collections.abc import Iterable
from typing import Any

from fraud import job, store
from fraud.schema import Schema, check, parse


def newest(pages: Iterable[dict[str, Any]]) -> str | None:
    """The key of the CSV file that was written last, in a listing of any length."""
    listed = (
        one for page in pages for one in page.get("Contents", []) if one["Key"].endswith(".csv")
    )
    last = max(listed, key=lambda one: (one["LastModified"], one["Key"]), default=None)
    return last and last["Key"]


def main() -> None:
    """Checks it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri", help="where training data is, such as s3://bucket/training/")
    bucket, prefix = store.place(parser.parse_args().uri)
    client = store.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    key = newest(pages)
    if key is None:
        print("there is no training data yet")
        return
    text = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    schema = Schema.load()
    check(parse(text, schema, key), schema)
    print(f"{key} is of version {schema.version} of the schema")


if __name__ == "__main__":
    job.run(main)
