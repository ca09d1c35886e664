"""The evaluation job: the new model and the approved one, on the same newest data.

What the approved model's own report says was measured on data of its time. After a drift
that is no limit for anybody: both are measured here, and `comparison` tells the difference.
"""

import argparse
from typing import Any

from fraud import job, metrics, model, registry
from fraud.model import Model
from fraud.schema import Schema, Table, read, rows

# What a model has to beat that is the first one: a classifier that says the same of all.
NO_SKILL = 0.5


def evaluation(
    candidate: Model, baseline: Model | None, test: Table, schema: Schema
) -> dict[str, Any]:
    """The report that pipeline and gate read."""
    labels = test[schema.one("label")]
    found = metrics.quality(labels, candidate.scores(test, schema))
    before = NO_SKILL
    if baseline is not None:
        before = metrics.quality(labels, baseline.scores(test, schema))["auc"]["value"]
    auc = found["auc"]["value"]
    comparison = {
        "baseline_auc": {"value": before},
        "auc_improvement": {"value": round(auc - before, metrics.DIGITS)},
    }
    return {
        "dataset": {"item_count": rows(test)},
        "binary_classification_metrics": found,
        "comparison": comparison,
    }


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline-model-package-arn", default=registry.NONE)
    given = parser.parse_args()
    schema = Schema.load()
    test = read(job.INPUT / "test", schema)
    candidate = model.load(job.INPUT / "model")
    baseline = registry.fetch(given.baseline_model_package_arn, job.ROOT / "baseline")
    report = evaluation(candidate, baseline, test, schema)
    job.write_json(job.OUTPUT / "evaluation" / "evaluation.json", report)
    auc = report["binary_classification_metrics"]["auc"]["value"]
    print(f"AUC {auc:.4f}, before {report['comparison']['baseline_auc']['value']:.4f}")


if __name__ == "__main__":
    job.run(main)
