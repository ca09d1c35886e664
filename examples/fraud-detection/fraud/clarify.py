"""What Clarify is told to look at in the captured calls, by its own configuration files.

They depend on nothing but the schema, so a schedule that was made with those of one package
looks at the right columns of the next one, too. What it compares with is of each package.
"""

from typing import Any

from fraud.schema import Schema

# Above this score Clarify takes a transaction for declined. It knows no share of the worst.
# As `ProbabilityThresholdAttribute` in templates/endpoint.yaml.
DECLINED_ABOVE = 0.5


def bias(schema: Schema) -> dict[str, Any]:
    """Each group of customers against all others; not to be fraud is what counts for them.

    The truth, which comes later, is the last column.
    """
    label = schema.one("label")
    return {
        "version": "1.0",
        "headers": [*schema.asked, label],
        "label": label,
        "label_values_or_threshold": [0],
        "facet": [{"name_or_index": schema.group}],
    }


def explainability(schema: Schema) -> dict[str, Any]:
    """Shapley values from the same typical transaction as the baseline's.

    As many samples as there are sets of columns: more would tell nothing further.
    """
    shap = {
        "baseline": [[*schema.typical, schema.group_names[0]]],
        "num_samples": 2 ** len(schema.asked),
        "agg_method": "mean_abs",
    }
    return {"version": "1.0", "headers": list(schema.asked), "methods": {"shap": shap}}
