"""The model: gradient boosted trees, trained, kept and asked."""

import tarfile
from dataclasses import dataclass, fields
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from fraud.schema import Schema, Table, matrix

FILE = "model.joblib"


@dataclass(frozen=True)
class Hyperparameters:
    """What is chosen before a training."""

    max_iterations: int
    seed: int
    learning_rate: float = 0.06
    max_leaf_nodes: int = 8

    @classmethod
    def read(cls, given: dict[str, str]) -> "Hyperparameters":
        """Those of a job. SageMaker gives all as text, and more than these."""
        own = {one.name: one.type for one in fields(cls) if one.name in given}
        return cls(**{name: kind(given[name]) for name, kind in own.items()})


@dataclass(frozen=True)
class Model:
    """A trained model, and which columns it was trained on."""

    features: tuple[str, ...]
    schema_version: int
    trees: HistGradientBoostingClassifier

    def scores(self, table: Table, schema: Schema) -> np.ndarray:
        """How likely each row is fraud."""
        if self.features != schema.features:
            raise ValueError(f"the model was trained on {self.features}")
        return self.trees.predict_proba(matrix(table, schema))[:, 1]


def train(table: Table, schema: Schema, chosen: Hyperparameters) -> Model:
    """Trains a model. The same data and hyperparameters give the same one."""
    trees = HistGradientBoostingClassifier(
        max_iter=chosen.max_iterations,
        learning_rate=chosen.learning_rate,
        max_leaf_nodes=chosen.max_leaf_nodes,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=chosen.seed,
    )
    trees.fit(matrix(table, schema), table[schema.one("label")])
    return Model(schema.features, schema.version, trees)


def save(model: Model, folder: Path) -> None:
    """Keeps a model in the folder that becomes `model.tar.gz`."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / FILE)


def load(folder: Path) -> Model:
    """Reads a model from a folder with it or with `model.tar.gz`.

    The file can run code when it is read: read only what the own registry names.
    """
    archive = folder / "model.tar.gz"
    if archive.exists():
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    return joblib.load(folder / FILE)
