#!/usr/bin/env python3
"""What osect report takes on a year of a large plant (make report-load): time, CPU time and memory of all outputs at once.

The plant is synthetic: 1,400 devices, two hours, the last half hour attacked. These hours are read by osect itself; the
8,758 hours before them are made of their sums, as retention leaves a year: rows of hours, totals, and the rows of minutes
that are kept for a year. As in the reference load of docs/store.md at 1,400 devices, an hour has 4,480 edges: the 2,380 strongest always, the
others in turn; each kind of message stands in every second hour, each address in every third. Alerts are copied to 5,000.

usage: report_load.py [FOLDER]     FOLDER (with load.db, about 4 GB) is kept and used again; else a temporary one is removed
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HOURS, DEVICES, ALERTS = 365 * 24, 1400, 5000
STEADY, AN_HOUR = 2380, 4480  # edges
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def osect(*args, **kw):
    return subprocess.run([os.path.join(HERE, "osect"), *args], check=True, **kw)


def build(folder):
    """Makes load.db in folder."""
    path = os.path.join(folder, "load.db")
    at = lambda name: os.path.join(folder, name)
    subprocess.run([os.path.join(HERE, "plantgen"), "--devices", str(DEVICES), "--seed", "7", "--duration", "2h", "--attack-from", "90m",
                    "--attacks", "all", "--out", at("clean.pcap"), "--attacked", at("attacked.pcap"), "--truth", at("truth.json")], check=True, stderr=subprocess.DEVNULL)
    osect("learn", at("clean.pcap"), "--db", path, "--quiet", stdout=subprocess.DEVNULL)
    osect("detect", at("attacked.pcap"), "--db", path, "--quiet", stdout=subprocess.DEVNULL)
    for name in ("clean.pcap", "attacked.pcap", "truth.json"):
        os.remove(at(name))
    # An entry of the ledger for each device, in four zones.
    osect("ledger", "fill", "--db", path, "--quiet", stdout=subprocess.DEVNULL)
    db = sqlite3.connect(path, isolation_level=None)
    x = db.execute
    if "edge" not in [r[1] for r in x("PRAGMA table_info(edge_hour)")]:
        sys.exit("report_load.py: makes hours as rows; this store keeps them as blocks (schema 6), which it cannot make yet")
    x("PRAGMA synchronous=OFF")
    x("PRAGMA cache_size=-200000")
    x("UPDATE ledger SET zone=CASE n%5 WHEN 0 THEN '' ELSE 'zone ' || n%5 END, state='confirmed'")
    (end,) = x("SELECT min(minute)/60 FROM minute").fetchone()  # the first hour that osect read
    begin = end - HOURS + 2
    hour = 3600 * 10**9
    grains = [
        ("edge", 1, ["packets_out", "bytes_out", "packets_in", "bytes_in", "opened", "failed"], ["answered"]),
        ("operation", 2, ["count"], []),
        ("address", 3, ["packets_sent", "bytes_sent", "packets_received", "bytes_received"], ["evidence", "ends", "ttl"]),
    ]
    for name, slots, sums, others in grains:
        order = [r[1] for r in x(f"PRAGMA table_info({name}_hour)")]
        value = {c: f"max(1,sum({c})/2)" for c in sums} | {c: f"max({c})" for c in others} | {"first": str(10**9), "last": str(hour - 10**9), "sensor": "sensor", name: name}
        columns = [c for c in order if c != "hour"]
        x(f"CREATE TEMP TABLE base_{name} AS SELECT row_number() OVER (ORDER BY {name})%{slots} AS slot, " +
          ", ".join(f"{value[c]} AS {c}" for c in columns) + f" FROM {name}_minute GROUP BY sensor, {name}")
        if name == "edge":
            slots = x("SELECT count(*) FROM base_edge").fetchone()[0] // (AN_HOUR - STEADY)
            x(f"UPDATE base_edge SET slot=edge%{slots}")
            x(f"UPDATE base_edge SET slot=-1 WHERE edge IN (SELECT edge FROM base_edge ORDER BY bytes_out+bytes_in DESC, edge LIMIT {STEADY})")
        x(f"CREATE INDEX temp.base_{name}_slot ON base_{name}(slot)")
        x("BEGIN")
        for h in range(begin, end):
            x(f"INSERT INTO {name}_hour SELECT ?, {', '.join(columns)} FROM base_{name} WHERE slot=? OR slot=-1", (h, h % slots))
            if h % 500 == 0:
                x("COMMIT")
                x("BEGIN")
        x("COMMIT")
        times = (end - begin) // slots
        if name == "address":
            x(f"UPDATE address SET first=first-?, " + ", ".join(f"{c}={c}*{times}" for c in sums), ((end - begin) * hour,))
        else:
            by = f"CASE slot WHEN -1 THEN {end - begin} ELSE {times} END"
            scaled = ", ".join({"first": str(begin * hour), "last": str(end * hour - 10**9)}.get(c, f"{c}*{by}" if c in sums else c)
                               for c in [r[1] for r in x(f"PRAGMA table_info({name}_total)")])
            x(f"INSERT INTO {name}_total SELECT {scaled} FROM base_{name}")
    x("BEGIN")
    for table in ("minute", "minute_counter"):
        columns = [r[1] for r in x(f"PRAGMA table_info({table})") if r[1] != "minute"]
        row = x(f"SELECT {', '.join(columns)} FROM {table} ORDER BY minute LIMIT 1").fetchone()
        db.executemany(f"INSERT INTO {table} (minute, {', '.join(columns)}) VALUES (?{', ?' * len(columns)})", ((m, *row) for m in range(begin * 60, end * 60)))
    x("UPDATE fact SET first=first-?", ((end - begin) * hour,))
    x("INSERT INTO kept (grain, hour) VALUES ('minute', ?)", (end,))
    names = [r[1] for r in x("PRAGMA table_info(alert)")]
    alerts = x("SELECT * FROM alert").fetchall()
    pick = random.Random(1)
    for i in range(ALERTS - len(alerts)):
        a = dict(zip(names, alerts[i % len(alerts)]))
        a["id"], a["key"], a["first"] = f"{i:012x}", f"{a['key']} {i}", pick.randrange(begin, end) * hour
        a["last"] = a["first"] + 60 * 10**9
        x(f"INSERT INTO alert VALUES (?{', ?' * (len(names) - 1)})", list(a.values()))
    x("COMMIT")
    x("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"{DEVICES} devices, {HOURS // 24} days: {os.path.getsize(path) / 1e9:.1f} GB, " + ", ".join(
        f"{x(f'SELECT count(*) FROM {t}').fetchone()[0]:,} {t}" for t in ("edge", "edge_hour", "operation_hour", "address_hour", "minute", "alert")), flush=True)
    db.close()


def measure(title, folder, *args):
    """Runs osect report with all outputs and prints a row."""
    out = {f: os.path.join(folder, "report." + e) for f, e in (("--pptx", "pptx"), ("--html", "html"), ("--xlsx", "xlsx"), ("--csv-zip", "zip"))}
    begun = time.monotonic()
    p = subprocess.Popen([os.path.join(HERE, "osect"), "report", "--db", os.path.join(folder, "load.db"), "--quiet", *args, *sum(map(list, out.items()), [])])
    _, status, usage = os.wait4(p.pid, 0)
    took = time.monotonic() - begun
    if status:
        sys.exit("osect report failed")
    sizes = ", ".join(f"{os.path.getsize(f) / 1e6:.1f}" for f in out.values())
    print(f"| {title} | {took:.1f} s | {usage.ru_utime + usage.ru_stime:.1f} s | {usage.ru_maxrss * 1024 / 1e6:.0f} MB | {sizes} MB |", flush=True)


folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="osect-load-")
os.makedirs(folder, exist_ok=True)
try:
    if not os.path.exists(os.path.join(folder, "load.db")):
        build(folder)
    print("| report | time | CPU | most memory | deck, page, workbook, CSV-ZIP |\n|---|---|---|---|---|")
    measure("of everything", folder)
    measure("of everything, once more", folder)
    measure("of a month, beside the one before", folder, "--month", "2026-02", "--tz", "UTC")
finally:
    if len(sys.argv) < 2:
        shutil.rmtree(folder)
