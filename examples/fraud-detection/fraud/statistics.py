"""What data looked like when the model was made: the baseline that drift is measured against.

The files have the form of Model Monitor's, so that either it or the own metrics can use them.
Their columns are in its order: it puts what an endpoint has answered before what it was asked.
"""

from typing import Any

import numpy as np

from fraud.schema import Schema, Table, groups, rows

# As many bins, each with as much of the baseline's data as the others.
BINS = 20


def statistics(table: Table, schema: Schema) -> dict[str, Any]:
    """`statistics.json`: the distribution of each column that is captured."""
    features = [_feature(name, table[name]) for name in _numbers(schema)]
    features.append(_groups(schema.group, groups(table, schema)))
    return {"version": 0.0, "dataset": {"item_count": rows(table)}, "features": features}


def _numbers(schema: Schema) -> tuple[str, ...]:
    # The label stands for the answer, which is about it.
    return (schema.one("label"), *schema.features)


def _groups(name: str, values: list[str]) -> dict[str, Any]:
    present = [value for value in values if value]
    buckets = [{"value": value, "count": present.count(value)} for value in sorted(set(present))]
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": len(present), "num_missing": len(values) - len(present)},
            "distinct_count": len(buckets),
            "distribution": {"categorical": {"buckets": buckets}},
        },
    }


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
    for name in _numbers(schema):
        lowest = float(np.nanmin(table[name]))
        features.append(
            {
                "name": name,
                "inferred_type": "Fractional",
                "completeness": 1.0 - by_name[name].max_missing,
                "num_constraints": {"is_non_negative": lowest >= 0},
            }
        )
    group = {
        "name": schema.group,
        "inferred_type": "String",
        "completeness": 1.0 - by_name[schema.one("facet")].max_missing,
        "string_constraints": {"domains": list(schema.group_names)},
    }
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
    return {"version": 0.0, "features": [*features, group], "monitoring_config": monitoring}
