"""The jobs, one after the other, in a folder of their own."""

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from fraud import (
    baselines,
    evaluate,
    job,
    model,
    newest,
    process,
    registry,
    rehearsal,
    store,
    train,
)
from fraud.model import Hyperparameters
from fraud.schema import rows, select, write


def run(main, *arguments):
    sys.argv = ["job", *arguments]
    main()


@pytest.fixture
def processed(root, calm, schema):
    data = job.INPUT / "data" / "2026-01.csv"
    data.parent.mkdir(parents=True)
    data.write_text(write(calm, schema), encoding="utf-8")
    run(process.main, "--controller-token", "0f1e", "--window-start", "2026-01-04T00:00:00Z")
    return root


@pytest.fixture
def trained(processed):
    shutil.copytree(job.OUTPUT / "train", processed / "input" / "data" / "train")
    config = {"max_iterations": "40", "seed": "7", "controller_token": "0f1e"}
    job.write_json(processed / "input" / "config" / "hyperparameters.json", config)
    run(train.main)
    shutil.copytree(processed / "model", job.INPUT / "model")
    shutil.copytree(job.OUTPUT / "test", job.INPUT / "test")
    return processed


def test_the_test_data_is_newer_than_what_is_trained_on(processed):
    read = {
        name: (job.OUTPUT / name / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]
        for name in ("train", "test")
    }
    newest, oldest = read["train"][-1].split(",")[1], read["test"][0].split(",")[1]
    assert "2026-01-04" <= read["train"][0].split(",")[1] <= newest <= oldest
    assert len(read["test"]) == int((len(read["train"]) + len(read["test"])) * 0.3)
    assert job.read_json(job.OUTPUT / "train" / "provenance.json")["controller_token"] == "0f1e"


def test_the_statistics_are_those_of_the_newest_data(processed):
    found = job.read_json(job.OUTPUT / "data_quality" / "statistics.json")
    lines = (job.OUTPUT / "test" / "test.csv").read_text(encoding="utf-8").splitlines()
    assert found["dataset"]["item_count"] == len(lines) - 1
    amount = next(one for one in found["features"] if one["name"] == "amount")
    buckets = amount["numerical_statistics"]["distribution"]["kll"]["buckets"]
    assert sum(bucket["count"] for bucket in buckets) == len(lines) - 1
    assert len(buckets) == 20
    captured = ["is_fraud", "amount", "hour", "distance_km", "merchant_risk", "account_age_days"]
    captured.append("customer_age_group")
    limits = job.read_json(job.OUTPUT / "data_quality" / "constraints.json")
    for document in (found, limits):
        # What is answered, what is asked: so Model Monitor reads the captured calls.
        assert [one["name"] for one in document["features"]] == captured
    group = found["features"][-1]["string_statistics"]
    told = group["distribution"]["categorical"]["buckets"]
    assert [one["value"] for one in told] == limits["features"][-1]["string_constraints"]["domains"]
    assert sum(one["count"] for one in told) == group["common"]["num_present"]


class Bucket:
    """Objects in versions, asked as S3 is."""

    def __init__(self, objects):
        self.objects = objects

    def get_object(self, Bucket, Key, VersionId=None):  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Bucket, Key, VersionId].encode())}


def test_exactly_what_the_manifest_lists_is_taken_in_its_version(root, calm, schema, monkeypatch):
    halves = [write(select(calm, np.arange(*part)), schema) for part in ((0, 1500), (1500, 3000))]
    entries = [
        {"bucket": "data", "key": "training/a.csv", "version_id": "v1"},
        {"bucket": "data", "key": "training/b.csv"},
    ]
    objects = {
        ("data", "training/a.csv", "v1"): halves[0],
        ("data", "training/a.csv", None): "written,anew\n",
        ("data", "training/b.csv", None): halves[1],
        ("manifests", "retrain/m/t.json", None): json.dumps({"entries": entries}),
    }
    monkeypatch.setattr(store, "client", lambda *_: Bucket(objects))
    (job.INPUT / "data").mkdir(parents=True)
    (job.INPUT / "data" / "unlisted.csv").write_text("of,another,start\n", encoding="utf-8")
    run(process.main, "--manifest-uri", "s3://manifests/retrain/m/t.json")
    provenance = job.read_json(job.OUTPUT / "train" / "provenance.json")
    assert provenance["rows"] == 3000
    assert provenance["manifest_uri"] == "s3://manifests/retrain/m/t.json"
    entries.append({"bucket": "data", "key": "../../out.csv"})
    with pytest.raises(ValueError, match="leads elsewhere"):
        store.listed(Bucket(objects), {"entries": entries}, root / "again")


def test_the_newest_data_is_found_on_whatever_page_and_where_there_is_none():
    def page(*listed):
        return {"Contents": [{"Key": key, "LastModified": at} for key, at in listed]}

    assert newest.newest([]) is None
    assert newest.newest([{}]) is None
    pages = [page(("a.csv", 1), ("b.csv", 3)), {}, page(("c.txt", 9), ("d.csv", 2))]
    assert newest.newest(pages) == "b.csv"


def test_too_small_a_window_is_refused(processed):
    with pytest.raises(ValueError, match="0 rows, which is too few"):
        run(process.main, "--window-start", "2027-01-01T00:00:00Z")


def test_the_first_model_is_compared_with_no_skill(trained):
    run(evaluate.main, "--baseline-model-package-arn", "none")
    report = job.read_json(job.OUTPUT / "evaluation" / "evaluation.json")
    auc = report["binary_classification_metrics"]["auc"]
    assert auc["value"] > 0.75
    assert 0 < auc["standard_deviation"] < 0.1
    assert report["comparison"]["auc_improvement"]["value"] == round(auc["value"] - 0.5, 6)


def test_the_baseline_is_measured_on_the_same_data(trained, monkeypatch, fitted):
    monkeypatch.setattr(registry, "fetch", lambda arn, folder: fitted)
    run(evaluate.main, "--baseline-model-package-arn", "arn:aws:sagemaker:r:1:model-package/g/1")
    comparison = job.read_json(job.OUTPUT / "evaluation" / "evaluation.json")["comparison"]
    # It has seen the whole month, the newest days too.
    assert comparison["auc_improvement"]["value"] < 0


def test_the_baselines_have_the_forms_that_a_gate_reads(trained):
    run(evaluate.main)
    shutil.copytree(job.OUTPUT / "evaluation", job.INPUT / "evaluation")
    run(baselines.main)
    bias = job.read_json(job.OUTPUT / "bias" / "analysis.json")
    after = bias["post_training_bias_metrics"]["facets"]["customer_age_group"]
    assert [row["value_or_threshold"] for row in after] == ["18-29", "30-59", "60-120"]
    assert {metric["name"] for row in after for metric in row["metrics"]} == {"DPPL", "DI"}
    explained = job.read_json(job.OUTPUT / "explainability" / "analysis.json")
    method = explained["explanations"]["kernel_shap"]["label0"]
    shap = method["global_shap_values"]
    assert max(shap, key=shap.get) == "amount"
    assert 0 < method["expected_value"] < 1
    limits = job.read_json(job.OUTPUT / "model_quality" / "constraints.json")
    measured = job.read_json(job.OUTPUT / "model_quality" / "statistics.json")
    limit = limits["binary_classification_constraints"]["auc"]["threshold"]
    assert limit < measured["binary_classification_metrics"]["auc"]["value"]


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError])
def test_a_job_that_fails_says_why_where_sagemaker_looks(root, error):
    def fails():
        raise error("the amount is gone")

    with pytest.raises(SystemExit):
        job.run(fails)
    for name in ("message", "failure"):
        text = (root / "output" / name).read_text(encoding="utf-8")
        assert text.startswith(error.__name__) and "the amount is gone" in text


def test_of_a_group_without_anybody_nothing_is_said(calm, schema, fitted):
    def told_of(table):
        accepted = baselines.judged(fitted.scores(table, schema))
        after = baselines.bias(accepted, table, schema)["post_training_bias_metrics"]
        return [row["value_or_threshold"] for row in after["facets"][schema.group]]

    assert told_of(calm) == ["18-29", "30-59", "60-120"]
    assert told_of(select(calm, calm["customer_age"] < 60)) == ["18-29", "30-59"]
    assert told_of(select(calm, calm["customer_age"] < 30)) == []


def test_nothing_is_written_that_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        job.write_json(tmp_path / "report.json", {"auc": float("nan")})


def test_training_is_deterministic(calm, schema, fitted):
    again = model.train(calm, schema, Hyperparameters(max_iterations=60, seed=7))
    assert np.array_equal(again.scores(calm, schema), fitted.scores(calm, schema))
    assert rows(calm) == 3000


def test_a_model_of_other_features_is_refused(calm, schema, fitted):
    other = model.Model(("amount",), 1, fitted.trees)
    with pytest.raises(ValueError, match="was trained on"):
        other.scores(calm, schema)


def test_the_report_is_what_the_condition_reads(trained):
    run(evaluate.main)
    definition = job.read_json(Path(__file__).parents[1] / "pipeline" / "definition.json")
    (compare,) = (one for one in definition["Steps"] if one["Type"] == "Condition")
    path = compare["Arguments"]["Conditions"][0]["LeftValue"]["Std:JsonGet"]["Path"]
    value = json.loads((job.OUTPUT / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    for name in path.split("."):
        value = value[name]
    assert isinstance(value, float)


def test_the_rehearsal_of_a_release_succeeds():
    assert rehearsal.rehearse() >= rehearsal.LEAST_AUC


def test_a_model_without_skill_fails_the_rehearsal(monkeypatch):
    monkeypatch.setattr(rehearsal, "LEAST_AUC", 0.999)
    with pytest.raises(ValueError, match="the AUC of the rehearsal"):
        rehearsal.rehearse()
