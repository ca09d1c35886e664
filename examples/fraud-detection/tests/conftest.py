"""What the tests have in common: a schema, a calm month, and the job's folders."""

from datetime import UTC, datetime

import pytest

from fraud import job, model, synthetic
from fraud.model import Hyperparameters
from fraud.schema import Schema

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def schema():
    return Schema.load()


@pytest.fixture(scope="session")
def calm():
    return synthetic.transactions(3000, 1, START, 30)


@pytest.fixture(scope="session")
def shifted():
    return synthetic.transactions(3000, 2, START, 30, price_level=2)


@pytest.fixture(scope="session")
def fitted(calm, schema):
    return model.train(calm, schema, Hyperparameters(max_iterations=60, seed=7))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A job's folder instead of SageMaker's."""
    monkeypatch.setattr(job, "ROOT", tmp_path)
    monkeypatch.setattr(job, "INPUT", tmp_path / "processing" / "input")
    monkeypatch.setattr(job, "OUTPUT", tmp_path / "processing" / "output")
    return tmp_path
