#!/usr/bin/env python3
"""Benchmarks of the whole program, against tcpdump reading the same file.

  scripts/bench.py mixed [long small many ot]   osect against tcpdump, and against tcpdump and a SHA-256 of
                                                the file at once (a capture is known by it): median ratios
  scripts/bench.py workers                      two workers against one, and what two processors are worth
  scripts/bench.py ab REV REV                   CPU time of two revisions on the mixed load
  scripts/bench.py detection                    CPU time with all detectors against none
  scripts/bench.py learning                     the same of 1,000 devices: learning 16 hours, detecting in the 8 that follow
  scripts/bench.py profile                      where the CPU time of the mixed load goes
  scripts/bench.py reference                    size and listings of a store with weeks of the reference load

Loads are made by plantgen once, in $OSECT_BENCH (default: osect-bench in the temporary
directory). A baseline is learned before from the same plant with another seed; timed is osect detect
with it, into a store on disk, from start to exit: opening, commits and closing included.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DIR = os.environ.get("OSECT_BENCH", os.path.join(tempfile.gettempdir(), "osect-bench"))

# name -> plantgen's flags, what it is, pairs
LOADS = {
    "mixed": (["--load"], "1,000,000 packets, 500 bytes, 20 minutes, 2,000 connections a minute, 20 % CC-Link", 5),
    "long": (["--load", "--packets", "10000000", "--minutes", "200"], "the mixed load, ten times as long", 3),
    "small": (["--load", "--mean-size", "64"], "1,000,000 packets of 64 bytes", 3),
    "many": (["--load", "--connections", "1000000", "--packets", "8400000", "--mean-size", "100"], "1,000,000 connections", 3),
    "ot": (["--ot-mix", "--packets", "1000000"], "1,000,000 packets, only Modbus, S7comm, SLMP and CIP", 3),
}
DEVICES = ["--devices", "1400"]


def run(cmd, env=None):
    """Runs cmd and gives wall s, user s, system s, peak MB."""
    start = time.monotonic()
    p = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
    err = p.stderr.read()
    _, status, used = os.wait4(p.pid, 0)
    if status:
        sys.exit(f"{cmd[0]}: {err.decode().strip()}")
    return time.monotonic() - start, used.ru_utime, used.ru_stime, used.ru_maxrss / 1024


def make(name, plantgen):
    """Makes a load and the capture before it, where they are not there yet."""
    os.makedirs(DIR, exist_ok=True)
    flags = LOADS[name][0] + (DEVICES if "--load" in LOADS[name][0] else [])
    load = os.path.join(DIR, name + ".pcap")
    if not os.path.exists(load):
        print(f"making {load}", file=sys.stderr)
        run([plantgen, *flags, "--out", load + ".part"])
        os.rename(load + ".part", load)
    learn = "ot" if name == "ot" else "mixed"  # the other loads have the mixed one's devices
    before = os.path.join(DIR, f"before-{learn}.pcap")
    if not os.path.exists(before):
        flags = LOADS[learn][0] + (DEVICES if learn == "mixed" else [])
        run([plantgen, *flags, "--seed", "2", "--start", "2026-03-01T00:00:00Z", "--out", before + ".part"])
        os.rename(before + ".part", before)
    return load, before


def learned(osect, before):
    """A store that has learned, of this binary."""
    db = os.path.join(DIR, "base.db")
    for end in ("", "-wal", "-shm", "-lock"):
        if os.path.exists(db + end):
            os.unlink(db + end)
    run([osect, "replay", "--learn", "--quiet", "--db", db, before])
    return db


def detect(osect, base, load, env=None):
    return replay(osect, base, load, ["--detect"], env)


def replay(osect, base, load, mode, env=None):
    """Reads a load into a copy of the store base (None: a new one)."""
    db = os.path.join(DIR, "run.db")
    for end in ("", "-wal", "-shm", "-lock"):
        if os.path.exists(db + end):
            os.unlink(db + end)
    if base:
        shutil.copyfile(base, db)
    return run([osect, "replay", *mode, "--quiet", "--db", db, load], env)


def median(rows):
    return [statistics.median(c) for c in zip(*rows)]


def packets(load):
    out = subprocess.run(["capinfos", "-c", "-M", "-T", "-r", load], capture_output=True, text=True) if shutil.which("capinfos") else None
    if out and out.returncode == 0:
        return int(out.stdout.split("\t")[1])
    n, size = 0, os.path.getsize(load)
    with open(load, "rb", buffering=1 << 20) as f:
        f.seek(24)
        while f.tell() < size:
            head = f.read(16)
            if len(head) < 16:
                break
            n += 1
            f.seek(int.from_bytes(head[8:12], "little"), 1)
    return n


def compare(names, osect, plantgen):
    print("| load | packets | tcpdump s | beside SHA-256 s | osect s | ratio to tcpdump | to both | packets/s | CPU ns/packet | Gbit/s | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name in names:
        load, before = make(name, plantgen)
        base = learned(osect, before)
        read = ["tcpdump", "-r", load, "-w", "/dev/null"]
        digest = [sys.executable, "-c", "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"]  # OpenSSL's
        run(read)  # warms the page cache
        rows = [(run(read), beside(read, digest + [load]), detect(osect, base, load)) for _ in range(LOADS[name][2])]
        t, o = median([r[0] for r in rows]), median([r[2] for r in rows])
        ratio = statistics.median(r[2][0] / r[0][0] for r in rows)
        both = statistics.median(r[2][0] / r[1] for r in rows)
        n = packets(load)
        print(f"| {name} | {n:,} | {t[0]:.2f} | {statistics.median(r[1] for r in rows):.2f} | {o[0]:.2f} | {ratio:.2f} | {both:.2f} | {n / o[0]:,.0f} | {(o[1] + o[2]) / n * 1e9:.0f} "
              f"| {os.path.getsize(load) * 8 / o[0] / 1e9:.1f} | {o[3]:.0f} |", flush=True)
    print()
    for name in names:
        print(f"{name}: {LOADS[name][1]}; medians of {LOADS[name][2]} interleaved runs.")


def beside(*commands):
    """Runs commands at once and gives the wall s until the last has ended."""
    start = time.monotonic()
    for p in [subprocess.Popen(c, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in commands]:
        if p.wait():
            sys.exit(f"{p.args[0]}: exit status {p.returncode}")
    return time.monotonic() - start


def workers(osect, plantgen):
    load, before = make("mixed", plantgen)
    base = learned(osect, before)
    rows = [(detect(osect, base, load, {"GOMAXPROCS": "1"}), detect(osect, base, load, {"GOMAXPROCS": "2"})) for _ in range(5)]
    one, two = median([r[0] for r in rows]), median([r[1] for r in rows])
    print(f"one worker {one[0]:.2f} s, two {two[0]:.2f} s: {statistics.median(r[0][0] / r[1][0] for r in rows):.2f} x", flush=True)
    # What two processors of this machine are worth: two processors of a virtual machine may be one core, or be shared.
    alone, both = [], []
    for _ in range(5):
        alone.append(spin(1))
        both.append(spin(2))
    print(f"the same work in one process {statistics.median(alone):.2f} s, in two at once {statistics.median(both):.2f} s: "
          f"two processors are worth {2 * statistics.median(a / b for a, b in zip(alone, both)):.2f} here")


def spin(n):
    """Counts in n processes at once, without memory or input, and gives the wall s."""
    start = time.monotonic()
    for p in [subprocess.Popen([sys.executable, "-c", "for i in range(12000000): pass"]) for _ in range(n)]:
        p.wait()
    return time.monotonic() - start


def ab(a, b, plantgen):
    load, before = make("mixed", plantgen)
    bins, bases = [], []
    for i, rev in enumerate((a, b)):
        tree = os.path.join(DIR, f"tree{i}")
        shutil.rmtree(tree, ignore_errors=True)
        os.makedirs(tree)
        archive = subprocess.run(["git", "-C", ROOT, "archive", rev], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)
        exe = os.path.join(DIR, f"osect{i}")
        subprocess.run([os.environ.get("GO", "go"), "build", "-o", exe, "./cmd/osect"], cwd=tree, check=True)
        bins.append(exe)
        bases.append(shutil.copyfile(learned(exe, before), os.path.join(DIR, f"base{i}.db")))
    rows = [[detect(x, base, load) for x, base in zip(bins, bases)] for _ in range(7)]
    cpu = [[r[i][1] + r[i][2] for r in rows] for i in (0, 1)]
    print(f"{a}: {statistics.median(cpu[0]):.2f} s CPU; {b}: {statistics.median(cpu[1]):.2f} s CPU; "
          f"median ratio {statistics.median(y / x for x, y in zip(*cpu)):.2f}")


def detection(osect, plantgen):
    load, before = make("mixed", plantgen)
    base = learned(osect, before)  # leaves all detectors off
    against("observation", "with detection", 9, lambda mode: replay(osect, base, load, mode), ["--detect"])


def against(one, other, times, replay, mode):
    """CPU time of a replay without and with a mode, in interleaved pairs."""
    cpu = []
    for _ in range(times):
        pair = [replay(m) for m in ([], mode)]
        cpu.append([user + system for _, user, system, _ in pair])
    print(f"{one} {statistics.median(c[0] for c in cpu):.2f} s CPU, {other} {statistics.median(c[1] for c in cpu):.2f} s: "
          f"median ratio {statistics.median(c[1] / c[0] for c in cpu):.2f} of {len(cpu)} interleaved pairs "
          f"({min(c[1] / c[0] for c in cpu):.2f} to {max(c[1] / c[0] for c in cpu):.2f})", flush=True)


def learning(osect, plantgen):
    os.makedirs(DIR, exist_ok=True)
    clean, attacked = (os.path.join(DIR, f"plant-{name}.pcap") for name in ("clean", "attacked"))
    if not os.path.exists(attacked):
        run([plantgen, "--devices", "1000", "--duration", "24h", "--attack-from", "16h", "--attacks", "all",
             "--out", clean, "--attacked", attacked + ".part"])
        os.rename(attacked + ".part", attacked)
    against("16 hours of 1,000 devices: observation", "with learning", 5, lambda mode: replay(osect, None, clean, mode), ["--learn"])
    base = learned(osect, clean)
    against("the 8 hours that follow: observation", "with detection", 5, lambda mode: replay(osect, base, attacked, mode), ["--detect"])


# What a share is of: the functions whose time, with all that they call, is counted.
SHARES = [
    ("reading", r"capture\.\(\*Set\)\.Read"),
    ("SHA-256 of the file", r"capture\.newHasher"),
    ("decoding and routing", r"decode\.\(\*Packet\)\.Decode|observe\.\(\*Router\)\.Shard"),
    ("OT protocols", r"observe\.\(\*Shard\)\.(stream|datagram|probe)$|ot\.\(\*Protocol\)\.Frame"),
    ("connections, streams, operations", r"observe\.\(\*Shard\)\.(Frame|Close)$"),
    ("merging minutes", r"pipeline\.\(\*crank\)\.settle"),
    ("detection", r"detect\.\(\*Engine\)\.Minute|pipeline\.\(\*committer\)\.load"),
    ("store", r"osect/store\."),
]


def profile(plantgen):
    load, before = make("mixed", plantgen)
    out = os.path.join(DIR, "cpu.out")
    test = os.path.join(DIR, "pipeline.test")
    go = os.environ.get("GO", "go")
    subprocess.run([go, "test", "-c", "-o", test, "./pipeline"], cwd=ROOT, check=True)
    subprocess.run([test, "-test.run", "^$", "-test.bench", "^BenchmarkReplay$", "-test.benchtime", "5x", "-test.cpuprofile", out],
                   cwd=os.path.join(ROOT, "pipeline"), check=True, env={**os.environ, "OSECT_LOAD": load, "OSECT_LOAD_BEFORE": before})
    traces = subprocess.run([go, "tool", "pprof", "-traces", test, out], capture_output=True, text=True, check=True).stdout
    import re
    shares, total = {}, 0.0
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    for block in traces.split("-----------+-------------------------------------------------------")[1:]:
        m = re.match(r"\s*([0-9.]+)(ns|us|ms|s)\s", block)
        if not m:
            continue
        t = float(m[1]) * units[m[2]]
        frames = [line.split()[-1].removesuffix(" (inline)") for line in block[m.end():].replace(" (inline)", "").splitlines() if line.strip()]
        total += t
        for name, pattern in SHARES:
            if any(re.search(pattern, f) for f in frames):
                shares[name] = shares.get(name, 0) + t
                break
        else:
            shares["the rest (scheduling, memory, start)"] = shares.get("the rest (scheduling, memory, start)", 0) + t
    print("| what | share |\n|---|---|")
    for name, t in sorted(shares.items(), key=lambda x: -x[1]):
        print(f"| {name} | {100 * t / total:.0f} % |")
    print(f"\n{out} is the profile: {go} tool pprof -http=: {test} {out}")


# What is asked of 30 days of 1,400 devices, and the seconds that it may take: 1 for a listing of all with its limit or of a day, 2 for
# what adds up 30 days, 5 for maps. Comparing two weeks: 5, which is ours.
# Exporting the 2.9 million connections of a day is no listing: it is only timed.
DAY, MONTH = "--from 24h-ago", "--from 30d-ago"
ASKED = (
    [(f"{what} {span}".strip(), 1) for what in (
        "flows list", "flows list --address 10.0.0.7", "flows list --subnet 10.0.1.0/24 --limit 100", "addresses list", "ot list", "ot list --class read", "devices list", "devices list --sort -bytes_sent --limit 20",
        "devices list --role plc", "devices matrix", "devices show 10.0.0.7", "alerts list", "alerts list --severity high --limit 20", "rank devices", "rank devices --by peers", "rank devices --by importance",
        "rank services", "rank services --by devices", "rank vendors", "traffic", "traffic --address 10.0.0.7", "traffic --address 10.0.0.7 --peer 10.0.0.49",
        "traffic --by device", "traffic --by pair", "traffic --by service", "map") for span in (("", DAY) if what not in ("devices matrix", "devices show 10.0.0.7") else ("",))]
    + [(f"flows list {DAY} --limit 20 --sort {order}", 1) for order in ("-bytes", "-bytes_in", "-bytes_out", "-packets", "-packets_in", "-packets_out", "-duration", "client_port", "first_seen", "-last_seen")]
    + [(what, 1) for what in ("sensors list", "log", "learn status", "services list", "ledger list")]
    + [(f"{what} {MONTH}", 2) for what in (
        "devices list", "addresses list", "ot list", "rank devices", "rank devices --by peers", "rank devices --by importance", "rank services", "rank services --by devices", "rank vendors",
        "traffic", "traffic --address 10.0.0.7", "traffic --address 10.0.0.7 --peer 10.0.0.49", "traffic --by device", "traffic --by pair", "traffic --by service")]
    + [(f"map {what} {MONTH}", 5) for what in ("--svg DIR/map.svg", "--services --svg DIR/services.svg", "--dot DIR/map.dot", "--graphml DIR/map.graphml", "--drawio DIR/map.drawio",
                                               "--json DIR/map.json", "--svg DIR/role.svg --group role")]
    + [("diff --a 14d-ago..7d-ago --b 7d-ago..", 5), (f"export --zeek DIR/zeek {DAY}", None), (f"export --ecs DIR/ecs.ndjson {DAY}", None)]
)


def reference(osect):
    os.makedirs(DIR, exist_ok=True)
    go = os.environ.get("GO", "go")
    test = [go, "test", "./store", "-count", "1", "-run", "^TestReferenceLoad$", "-v", "-timeout", "60m", "-args"]
    db = os.path.join(DIR, "reference.db")  # made once and left, as the loads are
    if not os.path.exists(db):
        subprocess.run(test + ["-days", "14"], cwd=ROOT, check=True)
    subprocess.run(test + ["-days", "30", "-devices", "1400", "-keep", db], cwd=ROOT, check=True)
    print("\n| command | s | CPU s | peak MB | allowed s |\n|---|---|---|---|---|")
    late = 0
    for asked, most in ASKED:
        cmd = [osect, *asked.replace("DIR", DIR).split(), "--db", db, "--lang", "en"]
        t = median([run(cmd) for _ in range(3 if most else 1)])
        over = most and min(t[0], t[1] + t[2]) > most  # on a machine that is busy with other work the CPU time counts
        late += bool(over)
        print(f"| `osect {asked.replace('DIR/', '')}` | {t[0]:.2f} | {t[1] + t[2]:.2f} | {t[3]:.0f} | {most or '–'} |{' LATE' if over else ''}", flush=True)
    with open(os.path.join(DIR, "map.json")) as f:
        drawn = json.load(f)
    print(f"\nmap: {len(drawn['nodes']):,} nodes, {len(drawn['edges']):,} edges; {db} is left")
    if len(drawn["nodes"]) < 1400 or len(drawn["edges"]) < 10000:
        sys.exit("bench: want a map of 1,400 nodes and 10,000 edges")
    if late:
        sys.exit(f"bench: {late} of {len(ASKED)} took longer than allowed")


def main():
    osect, plantgen = os.path.join(ROOT, "osect"), os.path.join(ROOT, "plantgen")
    args = sys.argv[1:]
    if not args:
        sys.exit(__doc__)
    if not shutil.which("tcpdump") and args[0] not in ("ab", "profile", "workers", "reference", "detection", "learning"):
        sys.exit("bench: tcpdump is not installed: apt install tcpdump")
    if args[0] == "ab" and len(args) == 3:
        ab(args[1], args[2], plantgen)
    elif args == ["profile"]:
        profile(plantgen)
    elif args == ["reference"]:
        reference(osect)
    elif args == ["detection"]:
        detection(osect, plantgen)
    elif args == ["learning"]:
        learning(osect, plantgen)
    elif args == ["workers"]:
        workers(osect, plantgen)
    elif all(a in LOADS for a in args):
        compare(args, osect, plantgen)
    else:
        sys.exit(__doc__)


main()
