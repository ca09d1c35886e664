"""The last job: bias, explainability and quality of the new model, as monitoring reads them.

Own containers write them, so that nothing here needs Clarify or Model Monitor. The files have
their form, and with them are the files that tell Clarify what to look at once the model serves.
"""

from typing import Any

import numpy as np

from fraud import attribution, clarify, job, metrics, model
from fraud.model import Model
from fraud.schema import Schema, Table, groups, read

# Of so many rows the attributions are the mean.
EXPLAINED = 300


def bias(accepted: np.ndarray, table: Table, schema: Schema) -> dict[str, Any]:
    """`analysis.json` of Clarify: each group of customers against all others.

    The outcome that counts is not to be declined, as it counts for the customer.
    """
    honest = table[schema.one("label")] == 0
    found = np.array(groups(table, schema))
    before, after = [], []
    for name in schema.group_names:
        group = found == name
        size = int(group.sum())
        if size in (0, len(group)):
            # Of nobody, and compared with nobody, nothing can be said.
            continue
        imbalance = (len(group) - 2 * size) / len(group)
        before.append(
            _row(
                name,
                [
                    ("CI", "Class Imbalance (CI)", imbalance),
                    (
                        "DPL",
                        "Difference in Positive Proportions in Labels (DPL)",
                        _difference(honest, group),
                    ),
                ],
            )
        )
        after.append(
            _row(
                name,
                [
                    (
                        "DPPL",
                        "Difference in Positive Proportions in Predicted Labels (DPPL)",
                        _difference(accepted, group),
                    ),
                    *_impact(accepted, group),
                ],
            )
        )
    label = {"label": schema.one("label"), "label_value_or_threshold": "0"}
    return {
        "version": "1.0",
        "pre_training_bias_metrics": label | {"facets": {schema.group: before}},
        "post_training_bias_metrics": label | {"facets": {schema.group: after}},
    }


def judged(scores: np.ndarray) -> np.ndarray:
    """Whose transaction is accepted, as the gate is told: all but the worst twentieth."""
    return scores < np.quantile(scores, 1 - metrics.DECLINED_SHARE)


def monitored(scores: np.ndarray) -> np.ndarray:
    """Whose transaction is accepted as Clarify sees it, which knows a fixed threshold only."""
    return scores <= clarify.DECLINED_ABOVE


def _row(name: str, found: list[tuple[str, str, float]]) -> dict[str, Any]:
    values = [
        {"name": short, "description": text, "value": round(float(value), metrics.DIGITS)}
        for short, text, value in found
    ]
    return {"value_or_threshold": name, "metrics": values}


def _impact(outcome: np.ndarray, group: np.ndarray) -> list[tuple[str, str, float]]:
    others = _share(outcome, ~group)
    if others == 0:
        return []
    return [("DI", "Disparate Impact (DI)", _share(outcome, group) / others)]


def _share(outcome: np.ndarray, group: np.ndarray) -> float:
    return float(outcome[group].mean())


def _difference(outcome: np.ndarray, group: np.ndarray) -> float:
    return _share(outcome, ~group) - _share(outcome, group)


def explainability(fitted: Model, table: Table, schema: Schema) -> dict[str, Any]:
    """`analysis.json` of Clarify: how much each column moves the answer.

    The values are exact; Clarify's Kernel SHAP estimates them, from the same typical
    transaction. The customer's group moves nothing, because no model sees it.
    """
    values, expected = attribution.mean_abs(fitted, attribution.sample(table, EXPLAINED), schema)
    rounded = metrics.rounded({**values, schema.group: 0.0})
    method = {"global_shap_values": rounded, "expected_value": round(expected, metrics.DIGITS)}
    return {"version": "1.0", "explanations": {"kernel_shap": {"label0": method}}}


def quality_constraints(statistics: dict[str, Any]) -> dict[str, Any]:
    """`constraints.json` of model quality: three deviations below what was measured."""
    auc = statistics["binary_classification_metrics"]["auc"]
    threshold = round(auc["value"] - 3 * auc["standard_deviation"], metrics.DIGITS)
    worse = {"threshold": threshold, "comparison_operator": "LessThanThreshold"}
    return {"version": 0.0, "binary_classification_constraints": {"auc": worse}}


def main() -> None:
    """Runs the job."""
    schema = Schema.load()
    test = read(job.INPUT / "test", schema)
    fitted = model.load(job.INPUT / "model")
    report = job.read_json(job.INPUT / "evaluation" / "evaluation.json")
    report.pop("comparison")
    scores = fitted.scores(test, schema)
    fair = job.OUTPUT / "bias"
    job.write_json(fair / "analysis.json", bias(judged(scores), test, schema))
    job.write_json(fair / "constraints.json", bias(monitored(scores), test, schema))
    job.write_json(fair / "config.json", clarify.bias(schema))
    explained = job.OUTPUT / "explainability"
    job.write_json(explained / "analysis.json", explainability(fitted, test, schema))
    job.write_json(explained / "config.json", clarify.explainability(schema))
    quality = job.OUTPUT / "model_quality"
    job.write_json(quality / "statistics.json", {"version": 0.0} | report)
    job.write_json(quality / "constraints.json", quality_constraints(report))


if __name__ == "__main__":
    job.run(main)
