"""The same question, asked of others: peers.py PEER FILE prints the totals, one a line.

One thread each. Exact where the peer can be exact; where it reads binary floating point, every value
is rounded to thousandths, which gives them back."""

import sys

EPOCH = "DATE '1970-01-01'"
COLUMNS = {"time": "TIMESTAMP", "cluster": "VARCHAR", "metric": "VARCHAR", "value": "DECIMAL(18,3)"}


# What takes a line of the log apart: the pattern of sources/log.yaml.
LINE = (
    r"^(?P<time>\S+) (?P<cluster>\S+) (?P<host>\S+) \[(?P<team>[a-z-]+)\] metric=(?P<metric>\w+)"
    r" value=(?P<value>[0-9.]+) region=(?P<region>\S+)$"
)


def show(rows):
    for cluster, metric, day, total, count, peak in rows:
        print(cluster, metric, int(day), int(total), int(count), int(peak), sep="\t")


def duckdb(path):
    import duckdb as db

    names = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    if ".nested" in path:
        kinds = "{time: 'TIMESTAMP', cluster: 'VARCHAR', readings: 'STRUCT(metric VARCHAR, value DECIMAL(18,3))[]'}"
        rows = f"read_json('{path}', format='newline_delimited', columns={kinds})"
        parts = f"(SELECT time, cluster, unnest(readings) AS r FROM {rows})"
        table = f"(SELECT time, cluster, r.metric AS metric, r.value AS value FROM {parts})"
    elif ".log" in path:
        lines = f"read_csv('{path}', header=false, columns={{line: 'VARCHAR'}}, delim='\x01', quote='', escape='')"
        groups = ["time", "cluster", "host", "team", "metric", "value", "region"]
        cut = f"(SELECT regexp_extract(line, '{LINE}', {groups}) AS r FROM {lines})"
        table = f"(SELECT r.time AS time, r.cluster AS cluster, r.metric AS metric, CAST(r.value AS DECIMAL(18,3)) AS value FROM {cut})"
    elif ".jsonl" in path:
        table = f"read_json('{path}', format='newline_delimited', columns={{{names}}})"
    elif ".csv" in path:
        names = names.replace("TIMESTAMP", "VARCHAR")
        table = f"read_csv('{path}', header=true, types={{{names}}})"
    else:
        table = f"read_parquet('{path}')"
    connection = db.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET TimeZone = 'UTC'")
    show(
        connection.execute(
            f"""SELECT cluster, metric, CAST(time[:10] AS DATE) - {EPOCH}, sum(value) * 1000, count(*), max(value) * 1000
            FROM {table} GROUP BY ALL ORDER BY ALL""".replace(
                "time[:10]", "time[:10]" if ".csv" in path or ".log" in path else "time"
            )
        ).fetchall()
    )


def polars(path):
    import os

    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    schema = {"time": pl.String, "cluster": pl.String, "metric": pl.String, "value": pl.Float64}
    if ".nested" in path:
        reading = pl.List(pl.Struct({"metric": pl.String, "value": pl.Float64}))
        frame = pl.scan_ndjson(path, schema={"time": pl.String, "cluster": pl.String, "readings": reading})
        frame = frame.explode("readings").unnest("readings")
    elif ".log" in path:
        lines = pl.scan_csv(path, has_header=False, separator="\x01", quote_char=None, new_columns=["line"])
        frame = lines.select(pl.col("line").str.extract_groups(LINE)).unnest("line")
    elif ".jsonl" in path:
        frame = pl.scan_ndjson(path, schema=schema)
    elif ".csv" in path:
        frame = pl.scan_csv(path, schema_overrides=schema)
    else:
        frame = pl.scan_parquet(path)
    value = (pl.col("value").cast(pl.Float64) * 1000).round().cast(pl.Int64)
    day = pl.col("time").cast(pl.String).str.slice(0, 10).str.to_date().cast(pl.Int32)
    rows = (
        frame.select("cluster", "metric", day.alias("day"), value.alias("value"))
        .group_by("cluster", "metric", "day")
        .agg(pl.col("value").sum(), pl.len(), pl.col("value").max().alias("peak"))
        .sort("cluster", "metric", "day")
        .collect(engine="streaming")
    )
    show(rows.iter_rows())


def chdb(path):
    import chdb as ch

    form = "JSONEachRow" if ".jsonl" in path else "CSVWithNames" if ".csv" in path else "Parquet"
    columns = "time String, cluster LowCardinality(String), metric LowCardinality(String), value Decimal(18,3)"
    table, more = f"file('{path}', '{form}', '{columns}')", ""
    if ".nested" in path:
        columns = "time String, cluster LowCardinality(String), readings Array(Tuple(metric LowCardinality(String), value Decimal(18,3)))"
        rows = f"file('{path}', '{form}', '{columns}') ARRAY JOIN readings AS r"
        table = f"(SELECT time, cluster, r.metric AS metric, r.value AS value FROM {rows})"
    elif ".log" in path:
        columns = "time String, cluster String, host String, team String, metric String, value Decimal(18,3), region String"
        table = f"file('{path}', 'Regexp', '{columns}')"
        more = f", format_regexp = '{LINE}', format_regexp_escaping_rule = 'Raw'".replace("\\", "\\\\")
    elif ".parquet" in path:
        rows = f"file('{path}', '{form}')"
        table = f"(SELECT toString(time, 'UTC') AS time, cluster, metric, value FROM {rows})"
    answer = ch.query(
        f"""SELECT cluster, metric, toInt32(toDate(substring(time, 1, 10))) AS day, toInt64(sum(value) * 1000), count(),
        toInt64(max(value) * 1000) FROM {table} GROUP BY cluster, metric, day ORDER BY cluster, metric, day
        SETTINGS max_threads = 1, input_format_parallel_parsing = 0, input_format_skip_unknown_fields = 1{more}""",
        "TabSeparatedRaw",
    )
    sys.stdout.write(str(answer))


def add_up(readings):
    """Of clusters, metrics, times and values."""
    import datetime

    totals = {}
    for cluster, metric, time, value in readings:
        key, value = (cluster, metric, time[:10]), round(value * 1000)
        total = totals.get(key)
        if total is None:
            totals[key] = [value, 1, value]
        else:
            total[0] += value
            total[1] += 1
            total[2] = max(total[2], value)
    epoch = datetime.date(1970, 1, 1)
    day = lambda text: (datetime.date.fromisoformat(text) - epoch).days
    show((c, m, day(d), *total) for (c, m, d), total in sorted(totals.items()))


def orjson(path):
    import orjson as reader

    def readings():
        with open(path, "rb") as lines:
            for record in map(reader.loads, lines):
                for reading in record["readings"] if ".nested" in path else [record]:
                    yield record["cluster"], reading["metric"], record["time"], reading["value"]

    add_up(readings())


def re(path):
    import re as reader

    match = reader.compile(LINE).match
    with open(path) as lines:
        add_up((r["cluster"], r["metric"], r["time"], float(r["value"])) for r in map(match, lines))


def lxml(path):
    from lxml import etree

    def readings():
        for _, element in etree.iterparse(path, tag="reading"):
            text = element.findtext
            yield text("cluster"), text("metric"), element.get("time"), float(text("value"))
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]

    add_up(readings())


def to_parquet(path):
    """No peer: writes the records of a file of JSON Lines to the standard output."""
    import duckdb as db
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = "STRUCT(env VARCHAR, region VARCHAR, team VARCHAR, version VARCHAR, tier VARCHAR)"
    kinds = {"id": "VARCHAR", **COLUMNS, "host": "VARCHAR", "labels": labels}
    names = ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items())
    table = db.sql(f"SELECT * FROM read_json('{path}', format='newline_delimited', columns={{{names}}})").to_arrow_table()
    place = table.schema.get_field_index("time")
    table = table.set_column(place, "time", table["time"].cast(pa.timestamp("ms", "UTC")))
    pq.write_table(table, pa.PythonFile(sys.stdout.buffer), compression="snappy", row_group_size=122_880)


def inflate(opened):
    """Decompression alone: what the library takes; Python adds a loop turn for each megabyte."""
    while opened.read(1 << 20):
        pass


def zlib_ng(path):
    from zlib_ng import gzip_ng

    inflate(gzip_ng.open(path))


def isal(path):
    from isal import igzip

    inflate(igzip.open(path))


if __name__ == "__main__":
    peers = [duckdb, polars, chdb, orjson, re, lxml, zlib_ng, isal, to_parquet]
    next(peer for peer in peers if peer.__name__ == sys.argv[1])(sys.argv[2])
