"""How good predictions are, and how far two distributions are apart."""

import math

import numpy as np
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

# A difference in the seventh digit is noise of binary arithmetic and decides nothing.
DIGITS = 6
# As many transactions are declined as the worst twentieth, by whichever model.
DECLINED_SHARE = 0.05


def quality(labels: np.ndarray, scores: np.ndarray) -> dict[str, dict[str, float]]:
    """The metrics of a binary classifier, as SageMaker's evaluation reports have them."""
    auc = float(roc_auc_score(labels, scores))
    metrics = {
        "auc": {"value": auc, "standard_deviation": auc_deviation(auc, labels)},
        "average_precision": {"value": float(average_precision_score(labels, scores))},
        "log_loss": {"value": float(log_loss(labels, scores))},
        # A classifier that says the same of everything.
        "auc_best_constant_classifier": {"value": 0.5},
    }
    return {name: rounded(values) for name, values in metrics.items()}


def auc_deviation(auc: float, labels: np.ndarray) -> float:
    """The standard deviation of an AUC, by Hanley and McNeil."""
    fraud = float(labels.sum())
    honest = float(len(labels) - fraud)
    both_fraud = auc / (2 - auc)
    both_honest = 2 * auc**2 / (1 + auc)
    variance = (
        auc * (1 - auc)
        + (fraud - 1) * (both_fraud - auc**2)
        + (honest - 1) * (both_honest - auc**2)
    ) / (fraud * honest)
    return math.sqrt(max(variance, 0.0))


def rounded(values: dict[str, float]) -> dict[str, float]:
    """The values without what is only noise."""
    return {name: round(value, DIGITS) for name, value in values.items()}


def kolmogorov_smirnov(expected: np.ndarray, observed: np.ndarray) -> float:
    """The greatest distance of two cumulative distributions, given as counts of the same bins."""
    distances = np.abs(np.cumsum(_shares(expected)) - np.cumsum(_shares(observed)))
    return float(distances.max())


def kullback_leibler(expected: np.ndarray, observed: np.ndarray) -> float:
    """The divergence of what is observed from what is expected, in nats.

    Each bin has half a count more than it has, so that an empty one is no infinity.
    """
    left, right = _shares(observed + 0.5), _shares(expected + 0.5)
    return float(np.sum(left * np.log(left / right)))


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum()
    return counts / total if total else counts
