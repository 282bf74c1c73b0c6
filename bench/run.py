"""Runs everybody in turn, checks that all say the same, prints the table. See `make bench`.

CPU time is what the system charged the process (user and system), median of the rounds; a ratio
is that of medians of one and the same run. MB are megabytes of text, also where the file is
compressed, so that the lines of all tables can be compared; of Parquet those of the JSON Lines with
the same records."""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BIN = HERE / "target" / "release"
PYTHON = HERE / ".venv" / "bin" / "python"


def ours(name, *arguments):
    return [str(BIN / name), *arguments]


def peer(name):
    return [str(PYTHON), str(HERE / "peers.py"), name]


def programs(kind):
    """By name: how to run it, and whether it answers the question (limits do not)."""
    if kind in ("jsonl.gz", "jsonl.zst"):
        table = {f"decompression alone ({'zlib-rs' if kind.endswith('gz') else 'zstd'})": (ours("bare", "zlib-rs" if kind.endswith("gz") else "zstd"), False)}
        if kind.endswith("gz"):
            table["decompression alone (zlib-ng)"] = (peer("zlib_ng"), False)
            table["decompression alone (ISA-L)"] = (peer("isal"), False)
        return {"farthing": (ours("ours"), True), **table, "DuckDB": (peer("duckdb"), True)}
    if kind == "xml":
        return {"farthing": (ours("ours"), True), "Python, lxml": (peer("lxml"), True)}
    table = {"farthing": (ours("ours"), True)}
    if kind in ("jsonl", "csv"):
        table["by hand"] = (ours("by_hand"), True)
    if kind == "jsonl":
        table["sonic-rs, typed"] = (ours("typed", "sonic"), True)
        table["serde_json, typed"] = (ours("typed", "serde"), True)
    table["DuckDB"] = (peer("duckdb"), True)
    table["Polars"] = (peer("polars"), True)
    table["ClickHouse (chdb)"] = (peer("chdb"), True)
    if kind in ("jsonl", "nested.jsonl"):
        table["Python, orjson"] = (peer("orjson"), True)
    if kind == "log":
        table["Python, re"] = (peer("re"), True)
    if kind in ("jsonl", "csv"):
        table["line ends alone"] = (ours("bare", "lines"), False)
    return table


def run(command, path):
    """CPU seconds, peak resident bytes, and the hash of what it said; `None` if it cannot run."""
    process = subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, complaint = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        print(f"  {' '.join(command[-2:])}: {complaint.decode(errors='replace').strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, hashlib.sha256(said).hexdigest()


def measure(path, text_bytes, rounds, only):
    table = programs("".join(path.suffixes)[1:])
    table = {name: entry for name, entry in table.items() if not only or any(word in name for word in only)}
    results = {name: [] for name in table}
    for _ in range(rounds):
        for name in list(table):
            result = run(table[name][0], path)
            if result is None:
                del table[name], results[name]
            else:
                results[name].append(result)
    answers = {results[name][0][2] for name, (_, answers) in table.items() if answers}
    same = all(len({r[2] for r in rs}) == 1 for rs in results.values()) and len(answers) == 1
    cpu = {name: statistics.median(r[0] for r in rs) for name, rs in results.items()}
    print(f"\n{path.name}: {path.stat().st_size / 1e6:,.0f} MB, {rounds} rounds; totals {'agree' if same else 'DIFFER'}")
    print(f"{'':32}{'CPU s':>8}{'MB per CPU s':>14}{'peak MB':>9}{'× farthing':>12}")
    for name in results:
        peak = max(r[1] for r in results[name]) / 1e6
        ratio = cpu[name] / cpu["farthing"]
        print(f"{name:32}{cpu[name]:8.2f}{text_bytes / 1e6 / cpu[name]:14,.0f}{peak:9.0f}{ratio:12.2f}")
    return same


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", nargs="*", default=[], help="parts of the names of programs")
    arguments.add_argument("files", nargs="+", type=Path)
    arguments = arguments.parse_args()
    texts = {}
    for path in arguments.files:
        packed = path.suffix in (".gz", ".zst", ".parquet")
        texts[path] = (path.with_name("readings.jsonl") if packed else path).stat().st_size
    agree = [measure(path, texts[path], arguments.rounds, arguments.only) for path in arguments.files]
    sys.exit(0 if all(agree) else 1)


if __name__ == "__main__":
    main()
