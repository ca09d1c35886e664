"""What an endpoint has been asked and has answered, as SageMaker's data capture keeps it."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fraud.schema import Schema, Table


@dataclass(frozen=True)
class Answer:
    """One captured call: its id, the features and the score."""

    inference_id: str
    features: list[float]
    score: float


def answers(folder: Path, schema: Schema) -> Iterator[Answer]:
    """The calls in the JSON Lines below a folder, in the order of the files' names.

    A call with several rows has one id: its rows are told apart by a number after it.
    """
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            inference_id = record["eventMetadata"].get("inferenceId", "")
            data = record["captureData"]
            asked = list(csv.reader(io.StringIO(data["endpointInput"]["data"])))
            told = data["endpointOutput"]["data"].split()
            for number, (row, score) in enumerate(zip(asked, told, strict=True)):
                if len(row) != len(schema.features):
                    raise ValueError(f"{path.name}: {len(row)} of {len(schema.features)} features")
                values = [float(text) if text else math.nan for text in row]
                own = f"{inference_id}-{number}" if len(asked) > 1 else inference_id
                yield Answer(own, values, float(score))


def table(calls: Iterable[Answer], schema: Schema) -> Table:
    """The features of calls, of which there is one at least."""
    values = np.array([call.features for call in calls], dtype=float)
    return dict(zip(schema.features, values.T, strict=True))


def record(inference_id: str, features: str, score: float) -> str:
    """A line as SageMaker writes it, for tests and for what has no endpoint."""
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {"data": features, "encoding": "CSV"},
                "endpointOutput": {"data": f"{score:.6f}", "encoding": "CSV"},
            },
            "eventMetadata": {"inferenceId": inference_id},
            "eventVersion": "0",
        }
    )
