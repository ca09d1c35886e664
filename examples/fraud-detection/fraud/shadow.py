"""Compares what a shadow variant answered with production's answers and with the truth.

Production and shadow see the same calls, and the data capture of each keeps its answers; the
truth comes later, as CSV with `inference_id` and `is_fraud`.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from fraud import capture, job, metrics
from fraud.schema import Schema


def compare(
    production: dict[str, float], shadow: dict[str, float], truth: dict[str, float]
) -> dict[str, Any]:
    """What both have answered: how far apart they are, and which of them is right."""
    both = sorted(production.keys() & shadow.keys())
    if not both:
        raise ValueError("production and shadow have no call in common")
    ours = np.array([production[name] for name in both])
    theirs = np.array([shadow[name] for name in both])
    declined = [
        scores >= np.quantile(scores, 1 - metrics.DECLINED_SHARE) for scores in (ours, theirs)
    ]
    report: dict[str, Any] = {
        "calls": {"both": len(both), "production": len(production), "shadow": len(shadow)},
        "mean_absolute_difference": round(float(np.abs(ours - theirs).mean()), metrics.DIGITS),
        "decided_otherwise": round(float((declined[0] != declined[1]).mean()), metrics.DIGITS),
    }
    known = [place for place, name in enumerate(both) if name in truth]
    labels = np.array([truth[both[place]] for place in known])
    if 0 < labels.sum() < len(labels):
        aucs = [float(roc_auc_score(labels, scores[known])) for scores in (ours, theirs)]
        report["truth"] = {
            "calls": len(known),
            "production_auc": round(aucs[0], metrics.DIGITS),
            "shadow_auc": round(aucs[1], metrics.DIGITS),
            "shadow_is_better_by": round(aucs[1] - aucs[0], metrics.DIGITS),
        }
    return report


def scores(folder: Path) -> dict[str, float]:
    """The scores that were captured, by the call's id, which each call has to have."""
    found: dict[str, float] = {}
    for call in capture.read(folder, Schema.load()).answers:
        if not call.inference_id:
            raise ValueError("a call was made without an InferenceId, so nothing compares with it")
        if call.inference_id in found:
            raise ValueError(f"two calls were made as {call.inference_id}")
        found[call.inference_id] = call.score
    return found


def truths(path: Path) -> dict[str, float]:
    """What turned out to be fraud, by the call's id."""
    with path.open(encoding="utf-8", newline="") as text:
        return {row["inference_id"]: float(row["is_fraud"]) for row in csv.DictReader(text)}


def main() -> None:
    """Writes the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--production", type=Path, required=True, help="the capture of production")
    parser.add_argument("--shadow", type=Path, required=True, help="the capture of the shadow")
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    given = parser.parse_args()
    report = compare(scores(given.production), scores(given.shadow), truths(given.truth))
    job.write_json(given.report, report)


if __name__ == "__main__":
    job.run(main)
