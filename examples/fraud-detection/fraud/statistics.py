"""What data looked like when the model was made: the baseline that drift is measured against.

The files have the form of Model Monitor's, so that either it or the own metrics can use them.
"""

from typing import Any

import numpy as np

from fraud.schema import Schema, Table, rows

# As many bins, each with as much of the baseline's data as the others.
BINS = 20


def statistics(table: Table, schema: Schema) -> dict[str, Any]:
    """`statistics.json`: the distribution of each feature."""
    features = [_feature(name, table[name]) for name in schema.features]
    return {"version": 0.0, "dataset": {"item_count": rows(table)}, "features": features}


def _feature(name: str, values: np.ndarray) -> dict[str, Any]:
    present = values[~np.isnan(values)]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)))
    counts = histogram(present, edges[1:-1])
    buckets = [
        {"lower_bound": low, "upper_bound": high, "count": count}
        for low, high, count in zip(
            edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True
        )
    ]
    return {
        "name": name,
        "inferred_type": "Fractional",
        "numerical_statistics": {
            "common": {
                "num_present": int(present.size),
                "num_missing": int(values.size - present.size),
            },
            "mean": float(present.mean()),
            "sum": float(present.sum()),
            "std_dev": float(present.std()),
            "min": float(present.min()),
            "max": float(present.max()),
            "distribution": {"kll": {"buckets": buckets}},
        },
    }


def histogram(values: np.ndarray, inner_edges: np.ndarray) -> np.ndarray:
    """How many values are in each bin; the first and the last have no end."""
    bins = np.searchsorted(inner_edges, values, side="right")
    return np.bincount(bins, minlength=len(inner_edges) + 1).astype(float)


def constraints(table: Table, schema: Schema) -> dict[str, Any]:
    """`constraints.json`: what Model Monitor reports a violation of."""
    by_name = {column.name: column for column in schema.columns}
    features = []
    for name in schema.features:
        lowest = float(np.nanmin(table[name]))
        features.append(
            {
                "name": name,
                "inferred_type": "Fractional",
                "completeness": 1.0 - by_name[name].max_missing,
                "num_constraints": {"is_non_negative": lowest >= 0},
            }
        )
    comparison = {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
    }
    monitoring = {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": comparison,
    }
    return {"version": 0.0, "features": features, "monitoring_config": monitoring}
