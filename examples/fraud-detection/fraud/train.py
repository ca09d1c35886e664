"""The training job: `input/data/train` becomes `model`."""

from fraud import job, model
from fraud.schema import Schema, read


def main() -> None:
    """Runs the job."""
    given = job.read_json(job.ROOT / "input" / "config" / "hyperparameters.json")
    schema = Schema.load()
    table = read(job.ROOT / "input" / "data" / "train", schema)
    trained = model.train(table, schema, int(given["max_iterations"]), int(given["seed"]))
    model.save(trained, job.ROOT / "model")


if __name__ == "__main__":
    job.run(main)
