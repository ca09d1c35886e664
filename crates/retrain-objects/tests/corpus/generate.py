"""Writes the corpus of data objects, and how many rows each has.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate.py

Every file is written by pyarrow, pandas or zstandard. The expected number of rows is what
pyarrow or pandas read back from the finished file, never what was meant to be written. CSV
files are read by both, and both have to agree.
"""

import base64
import gzip
import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import zstandard

HERE = Path(__file__).parent
FILES = HERE / "files"
EXPECTED = {}


def expect(name, kind, rows):
    EXPECTED[name] = {"format": kind, "rows": rows}


def plain(rows):
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "price": pa.array([i * 0.5 for i in range(rows)], pa.float64()),
            "name": pa.array([f"customer {i % 17}" for i in range(rows)], pa.string()),
            "churned": pa.array([i % 3 == 0 for i in range(rows)], pa.bool_()),
        }
    )


def nested(rows):
    item = pa.struct([("sku", pa.string()), ("tags", pa.list_(pa.string()))])
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "items": pa.array(
                [[{"sku": str(i), "tags": ["a", "b"]}] * (i % 3) for i in range(rows)],
                pa.list_(item),
            ),
            "features": pa.array(
                [[("age", float(i)), ("income", None)] for i in range(rows)],
                pa.map_(pa.string(), pa.float64()),
            ),
        }
    )


def wide(columns, rows, name="feature"):
    return pa.table({f"{name}_{i:04}": pa.array([i] * rows, pa.int32()) for i in range(columns)})


def parquet(name, table, **options):
    path = FILES / f"{name}.parquet"
    pq.write_table(table, path, **options)
    expect(path.name, "parquet", pq.read_table(path).num_rows)


def parquets():
    for version in ["1.0", "2.4", "2.6"]:
        for page in ["1.0", "2.0"]:
            parquet(f"version-{version}-pages-{page}", plain(100), version=version, data_page_version=page)
    for compression in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
        parquet(f"compression-{compression}", plain(333), compression=compression)
    numbers = plain(500).select(["id", "price"])
    parquet("encoding-plain", numbers, use_dictionary=False)
    parquet("encoding-delta", numbers, use_dictionary=False, column_encoding={"id": "DELTA_BINARY_PACKED", "price": "PLAIN"})
    parquet("encoding-byte-stream-split", numbers, use_dictionary=False, column_encoding={"id": "BYTE_STREAM_SPLIT", "price": "BYTE_STREAM_SPLIT"})
    parquet("empty", plain(0))
    parquet("no-columns", pa.table({}))
    parquet("one-row", plain(1))
    parquet("nested", nested(64))
    parquet("row-groups", plain(1_000), row_group_size=37)
    parquet("page-index", plain(200), write_page_index=True, write_page_checksum=True)
    parquet("metadata", plain(5).replace_schema_metadata({"team": "x" * 5_000}))
    # Its footer is longer than what is read at first.
    parquet("wide", wide(600, 3))
    frame = FILES / "pandas.parquet"
    plain(42).to_pandas().set_index("name").to_parquet(frame)
    expect(frame.name, "parquet", len(pd.read_parquet(frame)))


class Kms(pe.KmsClient):
    """Wraps keys by writing them down: nothing here is a secret."""

    def __init__(self, _configuration):
        super().__init__()

    def wrap_key(self, key_bytes, _master_key):
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key, _master_key):
        return base64.b64decode(wrapped_key)


def encrypted():
    factory = pe.CryptoFactory(Kms)
    connection = pe.KmsConnectionConfig()
    for name, plaintext_footer in [("encrypted-footer", False), ("encrypted-columns", True)]:
        path = FILES / f"{name}.parquet"
        properties = factory.file_encryption_properties(
            connection,
            pe.EncryptionConfiguration(
                footer_key="footer", column_keys={"price": ["price"]}, plaintext_footer=plaintext_footer
            ),
        )
        table = plain(21)
        with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
            writer.write_table(table)
        if plaintext_footer:
            expect(path.name, "parquet", pq.read_metadata(path).num_rows)
        else:
            EXPECTED[path.name] = {"format": "parquet", "uncounted": "EncryptedFooter"}


def orc(name, table, **options):
    path = FILES / f"{name}.orc"
    pa.orc.write_table(table, path, **options)
    expect(path.name, "orc", pa.orc.read_table(path).num_rows)


def orcs():
    for compression in ["uncompressed", "zlib", "snappy", "lz4", "zstd"]:
        orc(f"compression-{compression}", plain(333), compression=compression)
        orc(f"wide-{compression}", wide(150, 2), compression=compression, compression_block_size=65_536)
    orc("empty", plain(0))
    orc("one-row", plain(1))
    orc("nested", nested(64), compression="zlib")
    orc("version-0.11", plain(50), file_version="0.11")
    orc("stripes", plain(20_000).select(["id"]), stripe_size=1_024, compression="zstd")
    # Their footers have several blocks.
    for compression in ["zlib", "snappy", "lz4", "zstd"]:
        table = wide(300, 1, "feature" * 40)
        orc(f"blocks-{compression}", table, compression=compression, compression_block_size=65_536)


TEXTS = pd.DataFrame(
    {
        "id": range(6),
        "comment": ["plain", "two\nlines", 'a "quoted" word', "a, comma", "\n\n", '"\r\n"'],
        "score": [0.5, None, 1.5, 2.5, 3.5, 4.5],
    }
)


def csv(name, text, header=True):
    path = FILES / name
    path.write_bytes(text)
    with_pandas = len(pd.read_csv(path, header=0 if header else None))
    options = pa.csv.ReadOptions(autogenerate_column_names=not header)
    parsing = pa.csv.ParseOptions(newlines_in_values=True)
    with_pyarrow = pa.csv.read_csv(path, read_options=options, parse_options=parsing).num_rows
    assert with_pandas == with_pyarrow, (name, with_pandas, with_pyarrow)
    expect(name, "csv-with-header" if header else "csv", with_pandas)


def zst(text):
    return zstandard.ZstdCompressor(level=3).compress(text)


def gz(text):
    return gzip.compress(text, mtime=0)


def csvs():
    text = TEXTS.to_csv(index=False).encode()
    crlf = TEXTS.to_csv(index=False, lineterminator="\r\n").encode()
    bare = TEXTS.to_csv(index=False, header=False).encode()
    csv("quoted-newlines.csv", text)
    csv("crlf.csv", crlf)
    csv("no-header.csv", bare, header=False)
    csv("byte-order-mark.csv", b"\xef\xbb\xbf" + text)
    quoted_header = b'\xef\xbb\xbf"a\nb",c\n1,2\n3,4\n'
    csv("byte-order-mark-and-quote.csv", quoted_header)
    csv("no-newline-at-the-end.csv", text.rstrip(b"\n"))
    csv("blank-lines.csv", b"a,b\n\n1,2\n\n\n3,4\n\n")
    csv("only-a-header.csv", b"a,b\n")
    csv("all-quoted.csv", TEXTS.to_csv(index=False, quoting=1).encode())
    csv("empty-values.csv", b'a,b\n,\n"",""\n')
    csv("wide.csv", wide(1_000, 3).to_pandas().to_csv(index=False).encode())
    long = pd.DataFrame({"text": ["word " * 20_000, "short"]}).to_csv(index=False).encode()
    csv("long-value.csv.gz", gz(long))
    csv("gzip.csv.gz", gz(text))
    csv("many-members.csv.gz", b"".join(gz(text[i : i + 7]) for i in range(0, len(text), 7)))
    csv("zstd.csv.zst", zst(text))
    csv("many-frames.csv.zst", b"".join(zst(text[i : i + 7]) for i in range(0, len(text), 7)))
    skippable = b"\x53\x2a\x4d\x18\x04\x00\x00\x00skip"
    csv("skippable-frames.csv.zst", zst(text[:9]) + skippable + zst(text[9:]))
    path = FILES / "pandas.csv.gz"
    TEXTS.to_csv(path, index=False, compression={"method": "gzip", "mtime": 0})
    expect(path.name, "csv-with-header", len(pd.read_csv(path)))
    # Compressed whatever the name says, and the other way round.
    csv_of_another_name("gzip-without-suffix.csv", gz(text), "gzip")
    csv_of_another_name("plain-with-suffix.csv.gz", text, None)


def csv_of_another_name(name, text, compression):
    path = FILES / name
    path.write_bytes(text)
    expect(name, "csv-with-header", len(pd.read_csv(path, compression=compression)))


def json_lines(name, text):
    path = FILES / name
    path.write_bytes(text)
    expect(name, "json-lines", len(pd.read_json(path, lines=True)))


def jsons():
    text = TEXTS.to_json(orient="records", lines=True).encode()
    json_lines("lines.jsonl", text)
    json_lines("crlf.jsonl", text.replace(b"\n", b"\r\n"))
    json_lines("no-newline-at-the-end.ndjson", text.rstrip(b"\n"))
    json_lines("blank-lines.jsonl", text.replace(b"\n", b"\n\n  \n"))
    json_lines("lines.jsonl.gz", gz(text) + gz(text))
    json_lines("lines.jsonl.zst", zst(text) + zst(text))


if __name__ == "__main__":
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    parquets()
    encrypted()
    orcs()
    csvs()
    jsons()
    (HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=2, sort_keys=True) + "\n")
    print(f"{len(EXPECTED)} files")
