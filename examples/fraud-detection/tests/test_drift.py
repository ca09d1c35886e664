"""A feature that has shifted is seen, and one that has not is left in peace."""

import numpy as np
import pytest

from fraud import capture, drift, metrics, statistics, synthetic
from fraud.schema import matrix
from tests.conftest import START


@pytest.fixture(scope="module")
def baseline(calm, schema):
    return statistics.statistics(calm, schema)


def captured(table, schema, folder):
    folder.mkdir(exist_ok=True)
    lines = [
        capture.record(
            f"t-{number}", ",".join(f"{value:g}".replace("nan", "") for value in row), 0.5
        )
        for number, row in enumerate(matrix(table, schema))
    ]
    (folder / "hour.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return capture.table(capture.answers(folder, schema), schema)


def test_the_same_world_has_not_drifted(baseline, schema, tmp_path):
    same = captured(synthetic.transactions(800, 9, START, 1), schema, tmp_path)
    found = drift.measure(baseline, same, schema)
    assert found["amount"]["KolmogorovSmirnov"] < 0.1
    assert found["amount"]["KullbackLeibler"] < 0.1
    assert found["distance_km"]["MissingRate"] < 0.05
    assert found[drift.ANY]["KolmogorovSmirnov"] < 0.1


def test_the_hour_of_the_day_is_no_drift(baseline, schema, tmp_path):
    at_noon = synthetic.transactions(800, 9, START.replace(hour=12), 1 / 24)
    found = drift.measure(baseline, captured(at_noon, schema, tmp_path), schema)
    assert "hour" not in found
    assert found[drift.ANY]["KolmogorovSmirnov"] < 0.1


def test_a_shifted_feature_is_found_and_named(baseline, schema, tmp_path):
    table = synthetic.transactions(800, 9, START, 1, price_level=2)
    found = drift.measure(baseline, captured(table, schema, tmp_path), schema)
    assert found["amount"]["KolmogorovSmirnov"] > 0.2
    assert found["amount"]["KullbackLeibler"] > 0.15
    assert found[drift.ANY]["KolmogorovSmirnov"] == found["amount"]["KolmogorovSmirnov"]
    assert found["merchant_risk"]["KolmogorovSmirnov"] < 0.1


def test_missing_values_are_counted_and_no_part_of_the_distribution(baseline, schema, tmp_path):
    table = synthetic.transactions(800, 9, START, 1)
    table["distance_km"][:400] = np.nan
    found = drift.measure(baseline, captured(table, schema, tmp_path), schema)
    assert found["distance_km"]["MissingRate"] > 0.5
    assert found["distance_km"]["KolmogorovSmirnov"] < 0.1


def test_the_request_is_one_of_cloudwatch(baseline, schema, tmp_path):
    same = captured(synthetic.transactions(200, 9, START, 1), schema, tmp_path)
    request = drift.request("prod", drift.measure(baseline, same, schema), "2026-01-05T06:00:00Z")
    assert request["Namespace"] == "FraudDetection/Drift"
    assert len(request["MetricData"]) == 3 * (len(schema.watched) + 1) < 1000
    series = {
        (one["MetricName"], *(dimension["Value"] for dimension in one["Dimensions"]))
        for one in request["MetricData"]
    }
    assert ("KolmogorovSmirnov", "prod", "any") in series
    assert len(series) == len(request["MetricData"])


def test_the_distances_are_the_known_ones():
    same, other = np.array([10.0, 10.0]), np.array([20.0, 0.0])
    assert metrics.kolmogorov_smirnov(same, same) == 0
    assert metrics.kolmogorov_smirnov(same, other) == 0.5
    assert metrics.kullback_leibler(same, same) == 0
    assert 0.5 < metrics.kullback_leibler(same, other) < 0.7


def test_a_call_with_too_few_features_is_refused(schema, tmp_path):
    (tmp_path / "hour.jsonl").write_text(capture.record("t", "1,2", 0.5), encoding="utf-8")
    with pytest.raises(ValueError, match="2 of 5 features"):
        list(capture.answers(tmp_path, schema))
