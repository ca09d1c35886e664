"""The model answers: past a server, through one, and beside another."""

import threading
import urllib.error
import urllib.request

import numpy as np
import pytest

from fraud import capture, inference, registry, shadow, smoke, store
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


def test_a_shadow_is_compared_by_ids_that_are_there_and_are_one_calls(tmp_path):
    def capture_of(*names):
        lines = [capture.record(name, "1,2,3,0.4,5", 0.5) for name in names]
        (tmp_path / "hour.jsonl").write_text("\n".join(lines), encoding="utf-8")

    capture_of("a", "b")
    assert shadow.scores(tmp_path) == {"a": 0.5, "b": 0.5}
    capture_of("a", "")
    with pytest.raises(ValueError, match="without an InferenceId"):
        shadow.scores(tmp_path)
    capture_of("a", "b", "a")
    with pytest.raises(ValueError, match="two calls were made as a"):
        shadow.scores(tmp_path)


class Endpoint:
    """An endpoint behind which is a package."""

    def __init__(self, package):
        self.package = package
        self.asked = []

    def describe_endpoint(self, EndpointName):  # noqa: N803
        return {"EndpointConfigName": f"{EndpointName}-config"}

    def describe_endpoint_config(self, EndpointConfigName):  # noqa: N803
        return {"ProductionVariants": [{"ModelName": f"{EndpointConfigName}-model"}]}

    def describe_model(self, ModelName):  # noqa: N803
        assert ModelName == "e-config-model"
        return {"Containers": [{"ModelPackageName": self.package}]}

    def invoke_endpoint(self, **request):
        self.asked.append(request["InferenceId"])
        raise InterruptedError


def test_an_endpoint_that_serves_another_package_is_caught_before_it_is_asked(monkeypatch):
    endpoint = Endpoint("package/1")
    assert registry.served(endpoint, "e") == "package/1"
    monkeypatch.setattr(store, "client", lambda *_: endpoint)
    monkeypatch.setattr("sys.argv", ["smoke", "--endpoint=e", "--serves=package/2"])
    with pytest.raises(ValueError, match="e serves package/1, not package/2"):
        smoke.main()
    assert not endpoint.asked
    monkeypatch.setattr("sys.argv", ["smoke", "--endpoint=e", "--serves=package/1"])
    with pytest.raises(InterruptedError):
        smoke.main()
    assert endpoint.asked[0].startswith(capture.TEST)
