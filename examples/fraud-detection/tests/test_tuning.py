"""The variant that tunes is the same pipeline, but for how its model is made."""

import json
import re
import shutil
import sys
from dataclasses import fields

import numpy as np
import pytest

from fraud import definition, job, metrics, model, process, train, tuning
from fraud.model import Hyperparameters
from fraud.schema import write


@pytest.fixture(scope="module")
def variant():
    return json.loads(tuning.VARIANT.read_text(encoding="utf-8"))


def test_what_is_committed_is_what_comes_out():
    assert tuning.VARIANT.read_text(encoding="utf-8") == tuning.text()


def test_only_the_training_step_and_who_takes_its_model_are_others(variant):
    plain = job.read_json(tuning.PIPELINE / "definition.json")
    assert variant["Parameters"] == plain["Parameters"]
    mine, theirs = (
        {one["Name"]: one for one in definition.steps(of["Steps"])} for of in (variant, plain)
    )
    assert mine.keys() - theirs.keys() == {"TuneModel"}
    assert theirs.keys() - mine.keys() == {"TrainModel"}
    assert mine["ProcessData"] == theirs["ProcessData"]
    assert "TrainModel" not in json.dumps(variant)
    for name in ("EvaluateModel", "WriteBaselines", "RegisterModel"):
        taken = json.dumps(mine[name]).count("Steps.TuneModel.BestTrainingJob.TrainingJobName")
        assert taken == json.dumps(theirs[name]).count("Steps.TrainModel.") == 1
    assert mine["TuneModel"]["CacheConfig"] == theirs["TrainModel"]["CacheConfig"]


def test_the_model_is_where_the_best_job_leaves_it(variant):
    steps = {one["Name"]: one for one in definition.steps(variant["Steps"])}
    (container,) = steps["RegisterModel"]["Arguments"]["InferenceSpecification"]["Containers"]
    place = container["ModelDataUrl"]["Std:Join"]
    assert place["On"] == "/"
    job_of, best, file = place["Values"]
    # Not where this execution would have written: the cache may have taken another's.
    assert job_of["Get"] == "Steps.TuneModel.TrainingJobDefinition.OutputDataConfig.S3OutputPath"
    assert best["Get"] == "Steps.TuneModel.BestTrainingJob.TrainingJobName"
    assert file == "output/model.tar.gz"
    written = steps["TuneModel"]["Arguments"]["TrainingJobDefinition"]["OutputDataConfig"]
    assert {"Get": "Execution.PipelineExecutionId"} in written["S3OutputPath"]["Std:Join"]["Values"]


def test_what_is_tuned_is_a_hyperparameter_that_nothing_else_sets(variant):
    steps = {one["Name"]: one for one in definition.steps(variant["Steps"])}
    asked = steps["TuneModel"]["Arguments"]
    static = asked["TrainingJobDefinition"]["StaticHyperParameters"]
    (ranges,) = asked["HyperParameterTuningJobConfig"]["ParameterRanges"].values()
    tuned = {one["Name"] for one in ranges}
    assert tuned < {one.name for one in fields(Hyperparameters)}
    assert not tuned & static.keys()
    assert {"max_iterations", "seed", "controller_token", "manifest_uri"} <= static.keys()
    # The values of a grid count: each of them is a training.
    assert np.prod([len(one["Values"]) for one in ranges]) <= 6


@pytest.fixture
def asked(root, calm, schema):
    data = root / "input" / "data" / "train" / "train.csv"
    data.parent.mkdir(parents=True)
    data.write_text(write(calm, schema), encoding="utf-8")

    def run(**given):
        shutil.rmtree(root / "model", ignore_errors=True)
        job.write_json(
            root / "input" / "config" / "hyperparameters.json",
            {"max_iterations": "20", "seed": "7"} | given,
        )
        sys.argv = ["train"]
        train.main()
        return model.load(root / "model")

    return run


def test_a_training_says_what_the_tuning_job_reads(asked, calm, schema, capsys):
    (wanted,) = job.read_json(tuning.PIPELINE / "tuning.json")["MetricDefinitions"]
    fitted = asked(validation_share="0.3", learning_rate="0.2", max_leaf_nodes="4")
    (told,) = re.findall(wanted["Regex"], capsys.readouterr().out)
    older, newer = process.split(calm, 0.3)
    chosen = Hyperparameters(20, 7, learning_rate=0.2, max_leaf_nodes=4)
    scores = model.train(older, schema, chosen).scores(newer, schema)
    assert float(told) == metrics.quality(newer["is_fraud"], scores)["auc"]["value"]
    # The model itself is trained on all rows.
    whole = model.train(calm, schema, chosen)
    assert np.array_equal(fitted.scores(calm, schema), whole.scores(calm, schema))


def test_a_training_without_a_tuning_job_says_nothing_of_it(asked, calm, schema, capsys):
    fitted = asked(controller_token="0f1e")
    assert "validation" not in capsys.readouterr().out
    plain = model.train(calm, schema, Hyperparameters(max_iterations=20, seed=7))
    assert np.array_equal(fitted.scores(calm, schema), plain.scores(calm, schema))


def test_a_hyperparameter_moves_the_model(asked, calm, schema):
    slow, fast = (asked(learning_rate=rate).scores(calm, schema) for rate in ("0.03", "0.2"))
    assert not np.array_equal(slow, fast)
