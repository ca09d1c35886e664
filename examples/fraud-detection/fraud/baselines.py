"""The last job: bias, explainability and quality of the new model, as monitoring reads them.

Own containers write them, so that nothing here needs Clarify or Model Monitor. The files have
their form where they have one.
"""

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from fraud import job, metrics, model
from fraud.model import Model
from fraud.schema import Schema, Table, read

SEED = 7
REPEATS = 3


def bias(fitted: Model, table: Table, schema: Schema) -> dict[str, Any]:
    """`analysis.json` of Clarify: each age group against all others.

    The outcome that counts is not to be declined, as it counts for the customer.
    """
    scores = fitted.scores(table, schema)
    accepted = scores < np.quantile(scores, 1 - metrics.DECLINED_SHARE)
    honest = table[schema.one("label")] == 0
    facet = schema.one("facet")
    ages = table[facet]
    before, after = [], []
    for low, high in schema.facet_groups:
        group = (ages >= low) & (ages < high)
        interval = f"[{low:g}, {high:g})"
        size = int(group.sum())
        if size in (0, len(group)):
            # Of nobody, and compared with nobody, nothing can be said.
            continue
        imbalance = (len(group) - 2 * size) / len(group)
        before.append(
            _row(
                interval,
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
                interval,
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
        "pre_training_bias_metrics": label | {"facets": {facet: before}},
        "post_training_bias_metrics": label | {"facets": {facet: after}},
    }


def _row(interval: str, found: list[tuple[str, str, float]]) -> dict[str, Any]:
    values = [
        {"name": name, "description": text, "value": round(float(value), metrics.DIGITS)}
        for name, text, value in found
    ]
    return {"value_or_threshold": interval, "metrics": values}


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
    """How much AUC is lost when one feature is shuffled.

    Clarify's reports have SHAP values; this one says what it is. A gate reads either by a
    JSON pointer.
    """
    dice = np.random.default_rng(SEED)
    labels = table[schema.one("label")]
    whole = roc_auc_score(labels, fitted.scores(table, schema))
    importance = {}
    for name in schema.features:
        lost = []
        for _ in range(REPEATS):
            shuffled = table | {name: dice.permutation(table[name])}
            lost.append(whole - roc_auc_score(labels, fitted.scores(shuffled, schema)))
        importance[name] = round(float(np.mean(lost)), metrics.DIGITS)
    method = {"label0": {"global_importance": importance}}
    return {"version": "1.0", "explanations": {"permutation": method}}


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
    job.write_json(job.OUTPUT / "bias" / "analysis.json", bias(fitted, test, schema))
    explained = explainability(fitted, test, schema)
    job.write_json(job.OUTPUT / "explainability" / "analysis.json", explained)
    quality = job.OUTPUT / "model_quality"
    job.write_json(quality / "statistics.json", {"version": 0.0} | report)
    job.write_json(quality / "constraints.json", quality_constraints(report))


if __name__ == "__main__":
    job.run(main)
