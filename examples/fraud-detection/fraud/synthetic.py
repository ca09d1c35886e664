"""Card transactions that nobody made: a world with fraud in it, the same for the same seed.

Fraudsters stay just below the amount at which somebody looks closer. That amount follows the
price level. When prices rise, the feature `amount` shifts, and a model that has learned where
fraud hides looks in the wrong place.
"""

import argparse
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from fraud.schema import Schema, Table, select, write

# The amount at which somebody looks closer, at a price level of 1.
REVIEWED_FROM = 250.0


def transactions(
    rows: int, seed: int, start: datetime, days: float, price_level: float = 1.0
) -> Table:
    """Transactions of some days, in the order of their time."""
    dice = np.random.default_rng(seed)
    offsets = np.sort(dice.uniform(0, days * 86400, rows))
    times = [start + timedelta(seconds=int(offset)) for offset in offsets]
    amount = price_level * dice.lognormal(np.log(60), 1.1, rows)
    distance = dice.gamma(1.2, 25, rows)
    risk = dice.beta(2, 6, rows)
    account_age = dice.gamma(1.5, 400, rows)
    hour = np.array([time.hour for time in times], dtype=float)

    below = np.log(amount / (price_level * REVIEWED_FROM))
    hides = np.exp(-((below + 0.25) ** 2) / (2 * 0.3**2))
    night = ((hour < 6) | (hour == 23)).astype(float)
    score = (
        -6.6
        + 3.4 * hides
        + 1.1 * night
        + 2.6 * np.log1p(distance / 60)
        + 5.0 * risk
        - 1.3 * np.log1p(account_age / 300)
    )
    fraud = dice.uniform(size=rows) < 1 / (1 + np.exp(-score))

    distance[dice.uniform(size=rows) < 0.01] = np.nan
    return {
        "transaction_id": np.array([f"t-{seed}-{number}" for number in range(rows)]),
        "event_time": np.array([time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in times]),
        "amount": np.round(amount, 2),
        "hour": hour,
        "distance_km": np.round(distance, 1),
        "merchant_risk": np.round(risk, 4),
        "account_age_days": np.round(account_age),
        "customer_age": np.floor(dice.uniform(18, 90, rows)),
        "is_fraud": fraud.astype(float),
    }


def by_day(table: Table) -> Iterator[tuple[str, Table]]:
    """The transactions of each day, with the day such as `2026-01-05`."""
    days = np.array([time[:10] for time in table["event_time"]])
    for day in sorted(set(days.tolist())):
        yield day, select(table, days == day)


def renamed(text: str, old: str, new: str) -> str:
    """The CSV with a column under another name, as somebody upstream may call it."""
    header, body = text.split("\n", 1)
    names = [new if name == old else name for name in header.split(",")]
    return f"{','.join(names)}\n{body}"


def main(arguments: list[str] | None = None) -> None:
    """Writes transactions into a folder, a CSV file for each day."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=datetime.fromisoformat, default="2026-01-01T00:00:00+00:00")
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--price-level", type=float, default=1.0)
    parser.add_argument("--rename", default="", metavar="OLD=NEW", help="call a column otherwise")
    given = parser.parse_args(arguments)
    table = transactions(given.rows, given.seed, given.start, given.days, given.price_level)
    given.folder.mkdir(parents=True, exist_ok=True)
    for day, part in by_day(table):
        text = write(part, Schema.load())
        if given.rename:
            text = renamed(text, *given.rename.split("="))
        (given.folder / f"{day}.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
