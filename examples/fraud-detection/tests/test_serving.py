"""The model answers: past a server, through one, and beside another."""

import threading
import urllib.error
import urllib.request

import numpy as np
import pytest

from fraud import inference, shadow, smoke
from fraud.model import Model


@pytest.fixture
def url(fitted, schema):
    server = inference.server(fitted, schema, ("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(url, path="/invocations", text=None):
    request = urllib.request.Request(f"{url}{path}", data=text and text.encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def test_the_endpoint_answers_as_it_should(url):
    assert ask(url, "/ping") == ""
    smoke.known(lambda text: ask(url, text=text))
    smoke.integration(lambda text: ask(url, text=text))


@pytest.mark.parametrize("text", ["1,2\n", "a,b,c,d,e\n", "\n"])
def test_a_bad_request_is_the_callers_fault(url, text):
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(url, text=text)
    assert caught.value.code == 400
    caught.value.close()


def test_a_missing_value_is_none_of_its_faults(fitted, schema):
    assert 0 <= float(inference.predict(fitted, schema, "12.5,14,,0.05,2400\n")) <= 1


def test_a_model_that_suspects_the_wrong_one_is_caught(schema):
    class Upside:
        def predict_proba(self, rows):
            amount = rows[:, 0] / 1000
            return np.column_stack([amount, 1 - amount])

    wrong = smoke.of_model(Model(schema.features, schema.version, Upside()))
    with pytest.raises(ValueError, match="suspect"):
        smoke.known(wrong)


def test_a_server_that_loses_rows_is_caught():
    with pytest.raises(ValueError, match="999 answers"):
        smoke.integration(lambda text: "0.5\n" * (len(text.splitlines()) - 1))


def test_the_shadow_is_compared_with_production_and_truth():
    dice = np.random.default_rng(3)
    names = [f"t-{number}" for number in range(400)]
    truth = {name: float(number % 10 == 0) for number, name in enumerate(names)}
    blurred = {name: 0.3 * truth[name] + dice.uniform() for name in names}
    sharp = {name: 0.9 * truth[name] + 0.1 * dice.uniform() for name in names}
    del sharp["t-5"]
    report = shadow.compare(blurred, sharp, {name: truth[name] for name in names[:200]})
    assert report["calls"] == {"both": 399, "production": 400, "shadow": 399}
    assert report["truth"]["calls"] == 199
    assert report["truth"]["shadow_auc"] == 1
    assert report["truth"]["shadow_is_better_by"] > 0.1
    assert report["decided_otherwise"] > 0


def test_without_truth_there_is_no_verdict():
    report = shadow.compare({"a": 0.1, "b": 0.9}, {"a": 0.2, "b": 0.8}, {})
    assert "truth" not in report
    assert report["mean_absolute_difference"] == 0.1


def test_nothing_in_common_is_an_error():
    with pytest.raises(ValueError, match="no call in common"):
        shadow.compare({"a": 0.1}, {"b": 0.2}, {})
