"""The training job: `input/data/train` becomes `model`.

With the hyperparameter `validation_share` it also says how good a model of the older rows is on
the newer ones, which a tuning job compares. The test data is not for that: it judges afterwards.
"""

from fraud import job, metrics, model, process
from fraud.model import Hyperparameters
from fraud.schema import Schema, Table, read


def validate(table: Table, share: float, schema: Schema, chosen: Hyperparameters) -> float:
    """The AUC on the newest rows of a model that has not seen them."""
    older, newer = process.split(table, share)
    scores = model.train(older, schema, chosen).scores(newer, schema)
    return metrics.quality(newer[schema.one("label")], scores)["auc"]["value"]


def main() -> None:
    """Runs the job."""
    given = job.read_json(job.ROOT / "input" / "config" / "hyperparameters.json")
    chosen = Hyperparameters.read(given)
    schema = Schema.load()
    table = read(job.ROOT / "input" / "data" / "train", schema)
    share = float(given.get("validation_share", 0))
    if share:
        # A tuning job finds it by the regular expression of pipeline/tuning.json.
        print(f"validation:auc={validate(table, share, schema, chosen)};")
    model.save(model.train(table, schema, chosen), job.ROOT / "model")


if __name__ == "__main__":
    job.run(main)
