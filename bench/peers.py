"""The same question, asked of others: peers.py PEER FILE prints the totals, one a line.

One thread each. Exact where the peer can be exact; where it reads binary floating point, every value
is rounded to thousandths, which gives them back."""

import sys

EPOCH = "DATE '1970-01-01'"
COLUMNS = {"time": "TIMESTAMP", "cluster": "VARCHAR", "metric": "VARCHAR", "value": "DECIMAL(18,3)"}


def show(rows):
    for cluster, metric, day, total, count, peak in rows:
        print(cluster, metric, int(day), int(total), int(count), int(peak), sep="\t")


def duckdb(path):
    import duckdb as db

    names = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    if ".jsonl" in path:
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
                "time[:10]", "time" if ".csv" not in path else "time[:10]"
            )
        ).fetchall()
    )


def polars(path):
    import os

    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    schema = {"time": pl.String, "cluster": pl.String, "metric": pl.String, "value": pl.Float64}
    if ".jsonl" in path:
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
    table = f"file('{path}', '{form}', '{columns}')"
    answer = ch.query(
        f"""SELECT cluster, metric, toInt32(toDate(substring(time, 1, 10))) AS day, toInt64(sum(value) * 1000), count(),
        toInt64(max(value) * 1000) FROM {table} GROUP BY cluster, metric, day ORDER BY cluster, metric, day
        SETTINGS max_threads = 1, input_format_parallel_parsing = 0, input_format_skip_unknown_fields = 1""",
        "TabSeparatedRaw",
    )
    sys.stdout.write(str(answer))


def orjson(path):
    import datetime

    import orjson as reader

    totals = {}
    with open(path, "rb") as lines:
        for line in lines:
            record = reader.loads(line)
            key = (record["cluster"], record["metric"], record["time"][:10])
            value = round(record["value"] * 1000)
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
    peers = {"duckdb": duckdb, "polars": polars, "chdb": chdb, "orjson": orjson, "zlib_ng": zlib_ng, "isal": isal}
    peers[sys.argv[1]](sys.argv[2])
