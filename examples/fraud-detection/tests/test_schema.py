"""The contract of the columns is kept, and a breach is told before anything is trained."""

import pytest

from fraud.schema import SchemaError, check, parse, read, rows, write


def test_what_is_written_is_read(calm, schema, tmp_path):
    (tmp_path / "a.csv").write_text(write(calm, schema), encoding="utf-8")
    table = read(tmp_path, schema)
    assert rows(table) == rows(calm)
    assert (table["amount"] == calm["amount"]).all()


def test_a_renamed_column_is_named(calm, schema):
    text = write(calm, schema).replace("amount", "amount_eur", 1)
    with pytest.raises(SchemaError, match=r"lacks \['amount'\] and has \['amount_eur'\]"):
        parse(text, schema, "part.csv")


def test_a_column_that_stands_twice_is_refused(calm, schema):
    text = write(calm, schema).replace("hour", "amount", 1)
    with pytest.raises(SchemaError):
        parse(text, schema, "part.csv")


def test_the_order_of_the_columns_does_not_matter(schema):
    names = [column.name for column in schema.columns][::-1]
    values = {"transaction_id": "t", "event_time": "2026-01-01T00:00:00Z", "customer_age": "30"}
    line = ",".join(values.get(name, "0.5") for name in names)
    table = parse(f"{','.join(names)}\n{line}\n", schema, "part.csv")
    assert table["customer_age"][0] == 30
    assert table["amount"][0] == 0.5


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("cheap", "could not convert"),
        ("-1", "values from -1"),
        ("", "100.0% of the values are missing"),
    ],
)
def test_a_value_that_cannot_be_is_named(schema, cell, reason):
    names = [column.name for column in schema.columns]
    values = {
        "transaction_id": "t",
        "event_time": "2026-01-01T00:00:00Z",
        "customer_age": "30",
        "amount": cell,
    }
    line = ",".join(values.get(name, "0.5") for name in names)
    with pytest.raises(SchemaError, match=f"amount.*{reason}"):
        check(parse(f"{','.join(names)}\n{line}\n", schema, "part.csv"), schema)


def test_a_torn_line_is_refused(calm, schema):
    with pytest.raises(SchemaError, match="line 3001: 1 of 9 values"):
        parse(write(calm, schema).rstrip("\n").rsplit(",", 8)[0] + "\n", schema, "part.csv")


def test_no_file_and_no_row_are_refused(schema, tmp_path):
    with pytest.raises(SchemaError, match="no CSV file"):
        read(tmp_path, schema)
    header = ",".join(column.name for column in schema.columns)
    (tmp_path / "empty.csv").write_text(f"{header}\n", encoding="utf-8")
    with pytest.raises(SchemaError, match="no rows"):
        read(tmp_path, schema)


@pytest.mark.parametrize("time", ["", "2026-01-05", "2026-01-05 06:00:00", "2026-1-5T06:00:00Z"])
def test_a_time_that_does_not_sort_as_text_is_refused(calm, schema, time):
    table = calm | {"event_time": calm["event_time"].copy()}
    table["event_time"][7] = time
    with pytest.raises(SchemaError, match=f"event_time: '{time}' is no"):
        check(table, schema)


def test_a_day_outside_the_window_need_not_be_of_this_schema(calm, schema, tmp_path):
    old = write(calm, schema).replace("amount", "amount_eur", 1)
    (tmp_path / "2025-11-30.csv").write_text(old, encoding="utf-8")
    (tmp_path / "2026-02-01.csv").write_text(old, encoding="utf-8")
    (tmp_path / "2026-01-15.csv").write_text(write(calm, schema), encoding="utf-8")
    window = ("2026-01-10T06:00:00Z", "2026-01-31T00:00:00Z")
    assert rows(read(tmp_path, schema, *window)) == rows(calm)
    for start, end in (("", window[1]), (window[0], ""), ("", "")):
        with pytest.raises(SchemaError, match="amount_eur"):
            read(tmp_path, schema, start, end)
    with pytest.raises(SchemaError, match="no CSV file"):
        read(tmp_path, schema, "2027-01-01T00:00:00Z", "")
