"""A small training from end to end, before anything is released: synthetic rows are processed,
trained on, evaluated, and the model is asked as an endpoint is. It takes seconds."""

from datetime import UTC, datetime

from fraud import evaluate, model, process, smoke, synthetic
from fraud.model import Hyperparameters
from fraud.schema import Schema, check, parse, write

ROWS = 1000
# Far below what a real training reaches, far above chance.
LEAST_AUC = 0.65


def rehearse(rows: int = ROWS) -> float:
    """Plays it, and returns the model's AUC."""
    schema = Schema.load()
    made = synthetic.transactions(rows, 5, datetime(2026, 1, 1, tzinfo=UTC), 14)
    table = parse(write(made, schema), schema, "synthetic.csv")
    check(table, schema)
    train, test = process.split(process.window(table, schema, "", ""))
    fitted = model.train(train, schema, Hyperparameters(max_iterations=30, seed=7))
    report = evaluate.evaluation(fitted, None, test, schema)
    auc = report["binary_classification_metrics"]["auc"]["value"]
    if auc < LEAST_AUC:
        raise ValueError(f"the AUC of the rehearsal is {auc}")
    ask = smoke.of_model(fitted)
    smoke.known(ask)
    smoke.integration(ask)
    return auc


if __name__ == "__main__":
    print(f"rehearsed, AUC {rehearse():.3f}")
