"""Asks a model, or the endpoint that serves it, for what is known about it.

`known`: a transaction that smells of fraud has a higher score than one that does not.
`integration`: a thousand synthetic rows are all answered, in order, with what is a probability.
"""

import argparse
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fraud import capture, inference, job, model, registry, store, synthetic
from fraud.schema import Schema, cells

# amount, hour, distance_km, merchant_risk, account_age_days, customer_age_group
HONEST = "12.50,14,2.0,0.05,2400,30-59"
SUSPECT = "195.00,3,140.0,0.70,20,30-59"

Ask = Callable[[str], str]


def known(ask: Ask) -> None:
    """Raises unless the suspect is suspected."""
    honest, suspect = map(float, ask(f"{HONEST}\n{SUSPECT}\n").split())
    if not 0 <= honest < suspect <= 1:
        raise ValueError(f"honest {honest}, suspect {suspect}")


def integration(ask: Ask, rows: int = 1000) -> None:
    """Raises unless each row has its probability, alone and among others."""
    schema = Schema.load()
    table = synthetic.transactions(rows, 11, datetime(2026, 1, 1, tzinfo=UTC), 1)
    lines = cells(table, schema)
    scores = ask("\n".join(lines)).split()
    if len(scores) != rows or not all(0 <= float(score) <= 1 for score in scores):
        raise ValueError(f"{len(scores)} answers to {rows} rows, or no probabilities")
    alone = ask(lines[17]).split()
    if alone != [scores[17]]:
        raise ValueError(f"row 17 alone has {alone}, among others {scores[17]}")


def of_endpoint(name: str) -> Ask:
    """Asks an endpoint. The captured calls are known as those of a test."""
    client = store.client("sagemaker-runtime")

    def ask(text: str) -> str:
        answer = client.invoke_endpoint(
            EndpointName=name,
            ContentType="text/csv",
            InferenceId=f"{capture.TEST}{uuid.uuid4()}",
            Body=text,
        )
        return answer["Body"].read().decode()

    return ask


def of_model(fitted: model.Model) -> Ask:
    """Asks a model, past any server."""
    schema = Schema.load()
    return lambda text: inference.predict(fitted, schema, text)


def main() -> None:
    """Asks an endpoint, a model package, or a folder with a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--endpoint")
    asked.add_argument("--model-package-arn")
    asked.add_argument("--model", type=Path)
    parser.add_argument("--serves", help="the package that is to be behind the endpoint")
    given = parser.parse_args()
    if given.serves:
        served = registry.served(store.client("sagemaker"), given.endpoint)
        if served != given.serves:
            raise ValueError(f"{given.endpoint} serves {served}, not {given.serves}")
    if given.endpoint:
        ask = of_endpoint(given.endpoint)
    elif given.model:
        ask = of_model(model.load(given.model))
    else:
        ask = of_model(registry.fetch(given.model_package_arn, job.ROOT / "smoke"))
    known(ask)
    integration(ask)
    print("the model answers as it should")


if __name__ == "__main__":
    job.run(main)
