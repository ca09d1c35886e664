"""The pipeline with a tuning job instead of one training, made of the same definition.

The step `Training` becomes one of the type `Tuning`, with what `pipeline/tuning.json` adds to it,
and whoever took its model takes that of the best training job. Everything else is the same.
`pipeline/definition-tuning.json` is what comes out, and a test compares them.
"""

import json
from pathlib import Path
from typing import Any

from fraud import definition, job

PIPELINE = Path(__file__).resolve().parents[1] / "pipeline"
VARIANT = PIPELINE / "definition-tuning.json"


def tuned(pipeline: dict[str, Any], tuning: dict[str, Any]) -> dict[str, Any]:
    """A definition that tunes what this one trains."""
    (training,) = (one for one in definition.steps(pipeline["Steps"]) if one["Type"] == "Training")
    given = training["Arguments"]
    of_step = f"Steps.{tuning['Name']}"
    model = {
        "Std:Join": {
            "On": "/",
            "Values": [
                # Where the job has written. If the cache has it, that is not where this execution
                # would have.
                {"Get": f"{of_step}.TrainingJobDefinition.OutputDataConfig.S3OutputPath"},
                {"Get": f"{of_step}.BestTrainingJob.TrainingJobName"},
                "output/model.tar.gz",
            ],
        }
    }
    step = training | {
        "Name": tuning["Name"],
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": tuning["HyperParameterTuningJobConfig"],
            "TrainingJobDefinition": _job(given, tuning),
        },
    }
    replaced = {f"Steps.{training['Name']}.ModelArtifacts.S3ModelArtifacts": model}
    steps = [step if one is training else one for one in pipeline["Steps"]]
    return pipeline | {"Steps": _replace(steps, replaced)}


def _job(given: dict[str, Any], tuning: dict[str, Any]) -> dict[str, Any]:
    algorithm = given["AlgorithmSpecification"] | {"MetricDefinitions": tuning["MetricDefinitions"]}
    # A tuning job starts the image without one, with the argument `train`.
    del algorithm["ContainerEntrypoint"]
    kept = {name: value for name, value in given.items() if name != "HyperParameters"}
    static = given["HyperParameters"] | tuning["StaticHyperParameters"]
    return kept | {"AlgorithmSpecification": algorithm, "StaticHyperParameters": static}


def _replace(value: Any, replaced: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Get"} and value["Get"] in replaced:
            return replaced[value["Get"]]
        return {name: _replace(one, replaced) for name, one in value.items()}
    if isinstance(value, list):
        return [_replace(one, replaced) for one in value]
    return value


def text() -> str:
    """The tuning variant of the example's definition."""
    pipeline, tuning = (
        job.read_json(PIPELINE / name) for name in ("definition.json", "tuning.json")
    )
    return f"{json.dumps(tuned(pipeline, tuning), indent=2)}\n"


def main() -> None:
    """Writes it anew."""
    VARIANT.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
