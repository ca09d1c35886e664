"""Serves the model as SageMaker asks for it: `GET /ping` and `POST /invocations`.

A request is CSV without a header: the features in the schema's order, and the customer's group,
which the model does not see and a caller may leave out. An answer has one score in each line.
"""

import csv
import io
import math
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from fraud import job, model
from fraud.model import Model
from fraud.schema import Schema

PORT = 8080
MAX_BYTES = 6 * 1024 * 1024


def predict(fitted: Model, schema: Schema, text: str) -> str:
    """The scores of the rows of a request."""
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if not rows:
        raise ValueError("the request has no rows")
    seen = len(schema.features)
    for number, row in enumerate(rows, start=1):
        if len(row) not in (seen, len(schema.asked)):
            raise ValueError(f"row {number} has {len(row)} values, of {seen} features")
    values = np.array([[float(cell) if cell else math.nan for cell in row[:seen]] for row in rows])
    table = dict(zip(schema.features, values.T, strict=True))
    return "".join(f"{score:.6f}\n" for score in fitted.scores(table, schema))


def server(fitted: Model, schema: Schema, address: tuple[str, int]) -> ThreadingHTTPServer:
    """A server that answers with a model."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200 if self.path == "/ping" else 404, "")

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            if self.path != "/invocations" or size > MAX_BYTES:
                self._answer(404 if self.path != "/invocations" else 413, "")
                return
            try:
                self._answer(200, predict(fitted, schema, self.rfile.read(size).decode()))
            except ValueError as error:
                self._answer(400, f"{error}\n")

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/csv" if status == 200 else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing of each request: they are what the data capture keeps."""

    return ThreadingHTTPServer(address, Handler)


def main() -> None:
    """Serves the model that SageMaker has put there."""
    # Every interface of the container: SageMaker asks from outside it.
    server(model.load(job.ROOT / "model"), Schema.load(), ("", PORT)).serve_forever()


if __name__ == "__main__":
    main()
