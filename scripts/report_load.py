#!/usr/bin/env python3
"""What osect report takes on a year of a large plant (make report-load): time, CPU time and memory of all outputs at once.

The plant is synthetic: 1,400 devices, two hours, the last half hour attacked. These hours are read by osect itself; TestYear
of ./store makes the 8,758 hours before them of their sums, as retention leaves a year: blocks of hours, totals, and the rows of minutes
that are kept for a year. As in the reference load of docs/store.md at 1,400 devices, an hour has 4,480 edges: the 2,380 strongest always, the
others in turn; each kind of message stands in every second hour, each address in every third. Alerts are copied to 5,000.

usage: report_load.py [FOLDER]     FOLDER (with load.db) is kept and used again; else a temporary one is removed
"""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

DEVICES = 1400
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def osect(*args, **kw):
    return subprocess.run([os.path.join(HERE, "osect"), *args], check=True, **kw)


def build(folder):
    """Makes load.db in folder."""
    for end in ("", "-wal", "-shm", "-lock"):
        if os.path.exists(os.path.join(folder, "making.db" + end)):
            os.remove(os.path.join(folder, "making.db" + end))
    path = os.path.join(folder, "making.db")
    at = lambda name: os.path.join(folder, name)
    subprocess.run([os.path.join(HERE, "plantgen"), "--devices", str(DEVICES), "--seed", "7", "--duration", "2h", "--attack-from", "90m",
                    "--attacks", "all", "--out", at("clean.pcap"), "--attacked", at("attacked.pcap"), "--truth", at("truth.json")], check=True, stderr=subprocess.DEVNULL)
    osect("learn", at("clean.pcap"), "--db", path, "--quiet", stdout=subprocess.DEVNULL)
    osect("detect", at("attacked.pcap"), "--db", path, "--quiet", stdout=subprocess.DEVNULL)
    for name in ("clean.pcap", "attacked.pcap", "truth.json"):
        os.remove(at(name))
    # An entry of the ledger for each device, in four zones.
    osect("ledger", "fill", "--db", path, "--quiet", stdout=subprocess.DEVNULL)
    db = sqlite3.connect(path)
    db.execute("UPDATE ledger SET zone=CASE n%5 WHEN 0 THEN '' ELSE 'zone ' || (n%5) END, state='confirmed'")
    db.commit()
    db.close()
    subprocess.run([os.environ.get("GO", "go"), "test", "./store", "-count", "1", "-run", "^TestYear$", "-v", "-args", "-grow", os.path.abspath(path)], cwd=HERE, check=True)
    os.rename(path, os.path.join(folder, "load.db"))


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
