"""A feature that has shifted is seen, and one that has not is left in peace."""

import json
import sys

import numpy as np
import pytest

from fraud import capture, drift, job, metrics, statistics, store, synthetic
from fraud.schema import cells
from tests.conftest import START


@pytest.fixture(scope="module")
def baseline(calm, schema):
    return statistics.statistics(calm, schema)


def captured(table, schema, folder):
    folder.mkdir(exist_ok=True)
    lines = [
        capture.record(f"t-{number}", row, 0.5) for number, row in enumerate(cells(table, schema))
    ]
    (folder / "hour.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return capture.table(capture.read(folder, schema).answers, schema)


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


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("endpointOutput"),
        lambda data: data["endpointInput"].update(data="1,2"),
        lambda data: data["endpointOutput"].update(data="Internal Server Error"),
        lambda data: data["endpointOutput"].update(data="0.5 0.6"),
        lambda data: data["endpointInput"].update(data=""),
    ],
)
def test_an_incomplete_call_is_counted_and_takes_no_other_with_it(schema, tmp_path, change):
    whole = capture.record("t-1", "1,2,3,0.4,5", 0.5)
    broken = json.loads(capture.record("t-2", "1,2,3,0.4,5", 0.5))
    change(broken["captureData"])
    (tmp_path / "hour.jsonl").write_text(f"{json.dumps(broken)}\n{whole}\n", encoding="utf-8")
    captured = capture.read(tmp_path, schema)
    assert [answer.inference_id for answer in captured.answers] == ["t-1"]
    assert captured.incomplete == 1


def test_what_a_smoke_test_asks_is_no_customers_call(schema, tmp_path):
    lines = [capture.record(name, "1,2,3,0.4,5", 0.5) for name in ("smoke-1", "t-1")]
    (tmp_path / "hour.jsonl").write_text("\n".join(lines), encoding="utf-8")
    captured = capture.read(tmp_path, schema)
    assert [answer.inference_id for answer in captured.answers] == ["t-1"]
    assert captured.incomplete == 0


@pytest.mark.parametrize("calls", [0, drift.MIN_CALLS - 1, drift.MIN_CALLS])
def test_few_calls_are_no_measurement(baseline, schema, root, monkeypatch, calls):
    def fetched(_, uri, folder):
        if uri.startswith("s3://baseline/"):
            job.write_json(folder / "statistics.json", baseline)
        else:
            assert uri == "s3://bucket/captured/2026/01/05/05/"
            captured(synthetic.transactions(max(calls, 1), 9, START, 1), schema, folder)
            if not calls:
                (folder / "hour.jsonl").unlink()

    sent = []

    class Aws:
        def describe_model_package(self, **_):
            uri = {"Statistics": {"S3Uri": "s3://baseline/statistics.json"}}
            return {"DriftCheckBaselines": {"ModelDataQuality": uri}}

        def put_metric_data(self, **request):
            sent.append(request)

    (job.INPUT / "captured").mkdir(parents=True)
    monkeypatch.setattr(store, "client", lambda *_: Aws())
    monkeypatch.setattr(drift, "fetch", fetched)
    arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/1"
    sys.argv = ["drift", "--endpoint=e", f"--model-package-arn={arn}"]
    sys.argv += ["--captured-uri=s3://bucket/captured", "--scheduled-time=2026-01-05T06:15:00Z"]
    drift.main()
    assert len(sent) == (calls >= drift.MIN_CALLS)
