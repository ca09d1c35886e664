"""The world that nobody made is the same each time, and lives by the day."""

import numpy as np

from fraud import capture, synthetic, traffic
from fraud.schema import parse, rows
from tests.conftest import START


def test_the_same_seed_makes_the_same_world():
    first, again, other = (synthetic.transactions(200, seed, START, 2) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in ("amount", "is_fraud"))
    assert not np.array_equal(first["amount"], other["amount"])


def test_prices_shift_the_amount_and_nothing_else(calm, schema):
    dear = synthetic.transactions(3000, 1, START, 30, price_level=2)
    assert np.median(dear["amount"]) > 1.9 * np.median(calm["amount"])
    for name in schema.features[1:]:
        assert np.array_equal(dear[name], calm[name], equal_nan=True)
    assert 0.02 < calm["is_fraud"].mean() < 0.08


def test_each_day_has_its_file(schema, tmp_path):
    arguments = [str(tmp_path), "--rows=90", "--days=3", "--start=2026-01-05T00:00:00+00:00"]
    synthetic.main(arguments)
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["2026-01-05.csv", "2026-01-06.csv", "2026-01-07.csv"]
    tables = [parse(path.read_text(encoding="utf-8"), schema, path.name) for path in files]
    assert sum(map(rows, tables)) == 90
    synthetic.main([*arguments, "--rename=amount=amount_eur"])
    assert "amount_eur" in files[0].read_text(encoding="utf-8").splitlines()[0].split(",")


def test_the_traffic_is_captured_with_its_answers(fitted, schema, tmp_path):
    table = synthetic.transactions(50, 5, START, 1 / 24)
    (tmp_path / "calls.jsonl").write_text(traffic.lines(fitted, table, schema), encoding="utf-8")
    calls = capture.read(tmp_path, schema).answers
    assert [call.inference_id for call in calls] == table["transaction_id"].tolist()
    scores = fitted.scores(table, schema)
    assert np.allclose([call.score for call in calls], scores, atol=1e-6)
