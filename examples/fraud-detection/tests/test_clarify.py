"""Clarify looks at the columns that are captured, and compares with baselines of its own form."""

import math
import shutil
import sys

import numpy as np
import pytest

from fraud import attribution, baselines, capture, clarify, evaluate, inference, job, model
from fraud.schema import cells, groups, select, write


def test_a_call_has_the_columns_that_clarify_is_told(calm, schema, tmp_path):
    row = cells(select(calm, [0]), schema)[0].split(",")
    assert len(row) == len(schema.asked)
    assert row[-1] in schema.group_names
    headers = clarify.explainability(schema)["headers"]
    assert headers == list(schema.asked)
    # The truth is merged behind what was asked.
    assert clarify.bias(schema)["headers"] == [*headers, "is_fraud"]


def test_the_bias_that_is_monitored_is_that_of_the_baseline(calm, schema, fitted):
    config = clarify.bias(schema)
    (facet,) = config["facet"]
    # One group for each value, if none is named.
    assert set(facet) == {"name_or_index"}
    assert facet["name_or_index"] in config["headers"]
    accepted = baselines.monitored(fitted.scores(calm, schema))
    document = baselines.bias(accepted, calm, schema)
    for stage in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        assert document[stage]["label"] == config["label"]
        assert [document[stage]["label_value_or_threshold"]] == ["0"]
        rows_of = document[stage]["facets"][facet["name_or_index"]]
        assert [row["value_or_threshold"] for row in rows_of] == list(schema.group_names)
    assert config["label_values_or_threshold"] == [0]


def test_who_is_declined_is_told_by_the_same_threshold_as_in_the_endpoint():
    scores = np.array([0.1, clarify.DECLINED_ABOVE, 0.51, 0.9])
    assert baselines.monitored(scores).tolist() == [True, True, False, False]


def test_the_group_is_nobodys_if_the_age_is_not_known(calm, schema):
    table = select(calm, np.arange(4)) | {"customer_age": np.array([18, 29.9, math.nan, 60])}
    assert groups(table, schema) == ["18-29", "18-29", "", "60-120"]


def test_the_group_changes_no_answer_and_may_be_left_out(fitted, schema):
    row = "12.5,14,2,0.05,2400"
    answers = {
        inference.predict(fitted, schema, f"{row}{group}\n")
        for group in ("", ",18-29", ",60-120", ",")
    }
    assert len(answers) == 1
    with pytest.raises(ValueError, match="row 1 has 7 values"):
        inference.predict(fitted, schema, f"{row},18-29,1\n")


def test_a_captured_call_is_read_with_its_group_and_without(schema, tmp_path):
    lines = [
        capture.record(name, f"1,2,3,0.4,5{group}", 0.5)
        for name, group in (("a", ""), ("b", ",18-29"), ("c", ",18-29,7"))
    ]
    (tmp_path / "hour.jsonl").write_text("\n".join(lines), encoding="utf-8")
    captured = capture.read(tmp_path, schema)
    assert [answer.features for answer in captured.answers] == [[1, 2, 3, 0.4, 5]] * 2
    assert captured.incomplete == 1


class Sum:
    """A model whose Shapley values are known: it adds two features and multiplies two others."""

    def predict_proba(self, rows):
        score = rows[:, 0] / 1000 + rows[:, 1] * rows[:, 3] / 100
        return np.column_stack([1 - score, score])


def test_the_attributions_are_shapley_values(calm, schema):
    known = model.Model(schema.features, schema.version, Sum())
    table = attribution.sample(calm, 50)
    found, expected = attribution.mean_abs(known, table, schema)
    amount, hour, _, risk, _ = schema.typical
    assert expected == pytest.approx(amount / 1000 + hour * risk / 100)
    assert found["amount"] == pytest.approx(np.abs(table["amount"] - amount).mean() / 1000)
    # Two that are multiplied share what they do together in halves.
    own = (table["hour"] - hour) * (table["merchant_risk"] + risk) / 200
    assert found["hour"] == pytest.approx(np.abs(own).mean())
    assert found["distance_km"] == found["account_age_days"] == 0


def test_a_model_of_many_features_is_not_asked_for_each_set(calm, schema, fitted, monkeypatch):
    monkeypatch.setattr(attribution, "MOST_FEATURES", 4)
    with pytest.raises(ValueError, match="5 features have too many sets"):
        attribution.mean_abs(fitted, calm, schema)


def test_attributions_start_from_the_transaction_that_clarify_starts_from(schema):
    (typical,) = clarify.explainability(schema)["methods"]["shap"]["baseline"]
    assert tuple(typical[:-1]) == schema.typical
    assert not any(map(math.isnan, schema.typical))
    assert typical[-1] in schema.group_names
    for column in schema.columns:
        if column.role == "feature":
            assert column.min <= column.typical <= column.max


def test_the_last_job_leaves_what_the_package_names(root, calm, schema, fitted):
    model.save(fitted, job.INPUT / "model")
    (job.INPUT / "test").mkdir(parents=True)
    (job.INPUT / "test" / "test.csv").write_text(write(calm, schema), encoding="utf-8")
    sys.argv = ["job"]
    evaluate.main()
    shutil.copytree(job.OUTPUT / "evaluation", job.INPUT / "evaluation")
    baselines.main()
    assert job.read_json(job.OUTPUT / "bias" / "config.json") == clarify.bias(schema)
    explained = job.OUTPUT / "explainability"
    assert job.read_json(explained / "config.json") == clarify.explainability(schema)
    shap = job.read_json(explained / "analysis.json")["explanations"]["kernel_shap"]["label0"]
    assert list(shap["global_shap_values"]) == clarify.explainability(schema)["headers"]
    assert shap["global_shap_values"][schema.group] == 0
    gate, monitor = (
        job.read_json(job.OUTPUT / "bias" / name) for name in ("analysis.json", "constraints.json")
    )
    # A gate looks at the worst twentieth, Clarify at a fixed threshold.
    assert gate["pre_training_bias_metrics"] == monitor["pre_training_bias_metrics"]
    assert gate["post_training_bias_metrics"] != monitor["post_training_bias_metrics"]
