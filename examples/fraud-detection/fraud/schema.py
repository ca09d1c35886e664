"""What the columns of the training data are called and may hold: a versioned contract.

Whoever changes the data upstream changes the schema first, to a new version; days of the old
one are not read from then on, so they are rewritten or leave the training window. A column
that is renamed without that is caught here, before anything is trained.
"""

import csv
import io
import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
CURRENT = Path(__file__).resolve().parents[1] / "schema" / "transactions-v1.json"


class SchemaError(ValueError):
    """The data is not what the schema promises."""


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    role: str
    type: str
    min: float = -math.inf
    max: float = math.inf
    max_missing: float = 0.0
    # Whether its distribution is compared each hour. One that follows the clock is not.
    watched: bool = True
    # What an ordinary transaction has: from there attributions are measured.
    typical: float = math.nan


@dataclass(frozen=True)
class Schema:
    """All columns of one version."""

    version: int
    columns: tuple[Column, ...]
    facet_groups: tuple[tuple[float, float], ...]

    @classmethod
    def load(cls, path: Path = CURRENT) -> "Schema":
        """Reads a version of the schema."""
        document = json.loads(path.read_text(encoding="utf-8"))
        columns = tuple(Column(**column) for column in document["columns"])
        groups = tuple((low, high) for low, high in document["facet_groups"])
        return cls(document["version"], columns, groups)

    def named(self, role: str) -> tuple[str, ...]:
        """The names of the columns with a role, in their order."""
        return tuple(column.name for column in self.columns if column.role == role)

    def one(self, role: str) -> str:
        """The name of the only column with a role."""
        (name,) = self.named(role)
        return name

    @property
    def features(self) -> tuple[str, ...]:
        """What a model sees, in the order in which it sees it."""
        return self.named("feature")

    @property
    def watched(self) -> tuple[str, ...]:
        """The features whose drift is measured."""
        columns = [column for column in self.columns if column.role == "feature"]
        return tuple(column.name for column in columns if column.watched)

    @property
    def typical(self) -> tuple[float, ...]:
        """An ordinary transaction, as a model sees it."""
        return tuple(column.typical for column in self.columns if column.role == "feature")

    @property
    def group(self) -> str:
        """What the column with each customer's group is called."""
        return f"{self.one('facet')}_group"

    @property
    def group_names(self) -> tuple[str, ...]:
        """What the groups are called, such as `18-29`."""
        return tuple(f"{low:g}-{high - 1:g}" for low, high in self.facet_groups)

    @property
    def asked(self) -> tuple[str, ...]:
        """What an endpoint is asked with: what a model sees, and last the customer's group.

        No model sees the group. It is there for whoever looks at the captured calls.
        """
        return (*self.features, self.group)


# The values of each column: numbers with NaN for what is missing, or text.
Table = dict[str, np.ndarray]


def rows(table: Table) -> int:
    """How many rows a table has."""
    return len(next(iter(table.values())))


def select(table: Table, chosen: np.ndarray) -> Table:
    """The rows that a mask or a list of numbers chooses."""
    return {name: values[chosen] for name, values in table.items()}


def matrix(table: Table, schema: Schema) -> np.ndarray:
    """The features as a model takes them."""
    return np.column_stack([table[name] for name in schema.features])


def groups(table: Table, schema: Schema) -> list[str]:
    """The group of each row's customer, empty where nobody knows."""
    ages = table[schema.one("facet")]
    found = np.full(len(ages), "", dtype="U32")
    for name, (low, high) in zip(schema.group_names, schema.facet_groups, strict=True):
        found[(ages >= low) & (ages < high)] = name
    return found.tolist()


def cells(table: Table, schema: Schema) -> list[str]:
    """Each row as an endpoint is asked about it."""
    rows_of = zip(matrix(table, schema), groups(table, schema), strict=True)
    return [
        ",".join(["" if math.isnan(value) else f"{value:g}" for value in row] + [group])
        for row, group in rows_of
    ]


def read(folder: Path, schema: Schema, start: str = "", end: str = "") -> Table:
    """Reads and checks every CSV file below a folder, in the order of their names.

    A file that is named after its day, such as `2026-01-05.csv`, is left alone if the day is
    before `start` or after `end`: what nobody trains on need not be of this schema.
    """
    files = [path for path in sorted(folder.rglob("*.csv")) if _may_have(path.stem, start, end)]
    if not files:
        raise SchemaError(f"there is no CSV file below {folder.name}")
    parts = [parse(file.read_text(encoding="utf-8"), schema, file.name) for file in files]
    names = [column.name for column in schema.columns]
    table = {name: np.concatenate([part[name] for part in parts]) for name in names}
    check(table, schema)
    return table


def _may_have(stem: str, start: str, end: str) -> bool:
    if not DAY.fullmatch(stem):
        return True
    return stem >= start[:10] and (not end or stem <= end[:10])


def parse(text: str, schema: Schema, origin: str) -> Table:
    """Reads one CSV file whose header has exactly the schema's columns, in any order."""
    records = csv.reader(io.StringIO(text))
    header = next(records, [])
    wanted = [column.name for column in schema.columns]
    missing = [name for name in wanted if name not in header]
    unknown = [name for name in header if name not in wanted]
    if missing or unknown or len(header) != len(wanted):
        raise SchemaError(
            f"{origin} is not of version {schema.version} of the schema: "
            f"it lacks {missing or 'nothing'} and has {unknown or 'nothing'} besides"
        )
    values = list(records)
    for number, record in enumerate(values, start=2):
        if len(record) != len(header):
            raise SchemaError(f"{origin}, line {number}: {len(record)} of {len(header)} values")
    texts = dict(
        zip(header, zip(*values, strict=True) if values else [()] * len(header), strict=True)
    )
    return {column.name: _column(texts[column.name], column, origin) for column in schema.columns}


def _column(texts: tuple[str, ...], column: Column, origin: str) -> np.ndarray:
    if column.type == "text":
        return np.array(texts, dtype=str)
    try:
        return np.array([float(text) if text else math.nan for text in texts], dtype=float)
    except ValueError as error:
        raise SchemaError(f"{origin}, column {column.name}: {error}") from None


def check(table: Table, schema: Schema) -> None:
    """Raises if values are missing too often or are out of their range."""
    total = rows(table)
    if total == 0:
        raise SchemaError("there are no rows")
    for column in schema.columns:
        values = table[column.name]
        if column.role == "time":
            _check_times(values, column)
        if column.type == "text":
            continue
        absent = np.isnan(values)
        share = float(absent.mean())
        if share > column.max_missing:
            raise SchemaError(
                f"column {column.name}: {share:.1%} of the values are missing, "
                f"at most {column.max_missing:.1%} may be"
            )
        present = values[~absent]
        if present.size and not (column.min <= present.min() and present.max() <= column.max):
            raise SchemaError(
                f"column {column.name}: values from {present.min():g} to {present.max():g}, "
                f"allowed from {column.min:g} to {column.max:g}"
            )


def _check_times(values: np.ndarray, column: Column) -> None:
    for text in values.tolist():
        try:
            # As text they are in the order of time only if all are written like this.
            same = datetime.strptime(text, MOMENT).strftime(MOMENT) == text
        except ValueError:
            same = False
        if not same:
            raise SchemaError(f"column {column.name}: {text!r} is no 2026-01-05T06:00:00Z")


def write(table: Table, schema: Schema) -> str:
    """A table as CSV, as `parse` reads it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in schema.columns)
    columns = [_texts(table[column.name], column) for column in schema.columns]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _texts(values: np.ndarray, column: Column) -> list[str]:
    if column.type == "text":
        return values.tolist()
    return ["" if math.isnan(value) else f"{value:.10g}" for value in values.tolist()]
