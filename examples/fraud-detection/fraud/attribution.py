"""How much each feature moves a model's answer: its Shapley value, measured from a typical row.

Every set of features is asked once, with the other features as they typically are. That is
exact, and short as long as there are few features; Kernel SHAP estimates it where there are many.
"""

import math
from itertools import combinations

import numpy as np

from fraud.model import Model
from fraud.schema import Schema, Table, matrix, rows, select

MOST_FEATURES = 10


def sample(table: Table, most: int) -> Table:
    """Some rows, evenly spread over all."""
    chosen = np.linspace(0, rows(table) - 1, min(most, rows(table))).astype(int)
    return select(table, chosen)


def mean_abs(fitted: Model, table: Table, schema: Schema) -> tuple[dict[str, float], float]:
    """The mean size of each feature's share in the answers, and the answer to a typical row."""
    total = len(schema.features)
    if total > MOST_FEATURES:
        raise ValueError(f"{total} features have too many sets to ask each")
    answers = _answers(fitted, table, schema)
    found = {}
    for place, name in enumerate(schema.features):
        others = [number for number in range(total) if number != place]
        share = np.zeros(rows(table))
        for size in range(total):
            weight = math.factorial(size) * math.factorial(total - size - 1)
            for members in combinations(others, size):
                without = frozenset(members)
                share += weight * (answers[without | {place}] - answers[without])
        found[name] = float(np.abs(share / math.factorial(total)).mean())
    return found, float(answers[frozenset()][0])


def _answers(fitted: Model, table: Table, schema: Schema) -> dict[frozenset[int], np.ndarray]:
    """The answers to all rows, of each set of features that are as they are."""
    own = matrix(table, schema)
    total = own.shape[1]
    sets = [
        frozenset(members)
        for size in range(total + 1)
        for members in combinations(range(total), size)
    ]
    asked = []
    for members in sets:
        values = np.tile(np.array(schema.typical), (len(own), 1))
        kept = sorted(members)
        values[:, kept] = own[:, kept]
        asked.append(values)
    stacked = dict(zip(schema.features, np.concatenate(asked).T, strict=True))
    answers = np.split(fitted.scores(stacked, schema), len(sets))
    return dict(zip(sets, answers, strict=True))
