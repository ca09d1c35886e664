"""What an endpoint has been asked and has answered, as SageMaker's data capture keeps it."""

import csv
import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fraud.schema import Schema, Table

# The ids of calls that are no customer's.
TEST = "smoke-"


@dataclass(frozen=True)
class Answer:
    """One captured row: its call's id, if the caller gave one, the features and the score."""

    inference_id: str
    features: list[float]
    score: float


@dataclass(frozen=True)
class Captured:
    """What was captured, without the calls of tests."""

    answers: list[Answer]
    # How many calls have no answer, or one that does not fit: the model had failed.
    incomplete: int


def read(folder: Path, schema: Schema) -> Captured:
    """The calls in the JSON Lines below a folder, in the order of the files' names.

    A call with several rows has one id: its rows are told apart by a number after it.
    """
    answers: list[Answer] = []
    incomplete = 0
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            inference_id = call["eventMetadata"].get("inferenceId", "")
            if inference_id.startswith(TEST):
                continue
            rows = _rows(call["captureData"], schema)
            if rows is None:
                incomplete += 1
                continue
            for number, (values, score) in enumerate(rows):
                several = inference_id and len(rows) > 1
                own = f"{inference_id}-{number}" if several else inference_id
                answers.append(Answer(own, values, score))
    return Captured(answers, incomplete)


def _rows(data: dict[str, Any], schema: Schema) -> list[tuple[list[float], float]] | None:
    try:
        asked = list(csv.reader(io.StringIO(data["endpointInput"]["data"])))
        told = [float(score) for score in data["endpointOutput"]["data"].split()]
        # Only the group of the customer comes after what the model sees.
        seen = len(schema.features)
        values = [[float(text) if text else math.nan for text in row[:seen]] for row in asked]
    except (KeyError, ValueError):
        return None
    fits = len(told) == len(values) > 0
    if not fits or any(len(row) not in (seen, len(schema.asked)) for row in asked):
        return None
    return list(zip(values, told, strict=True))


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
