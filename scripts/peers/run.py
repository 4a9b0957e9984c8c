#!/usr/bin/env python3
"""Captures of real protocol stacks, held against tshark as the shared captures are (make peers).

Two ends talk over a veth pair between two network namespaces: stacks from npm and Debian's packages that are not ours
(S7 by snap7, OPC UA by node-opcua, MQTT by mosquitto and mqtt.js, Modbus by pymodbus and modbus-serial, BACnet, FINS, ADS,
KNXnet/IP by knxd). tcpdump listens; the captures' own make_expected.py says with tshark what is in them, and their
compare.py holds ./osect against that. Then copies in which TCP frames are doubled and all change places by up to three, 25 of
each capture, must tell the same operations as the capture itself.

Needs root, node, npm, tshark, tcpdump, iproute2, mosquitto, knxd, python3-pymodbus, python3-serial-asyncio and the shared
captures' scripts. Not part of make test.
"""
import collections
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OSECT = os.path.join(os.path.dirname(os.path.dirname(HERE)), "osect")
SHARED = os.path.join(os.environ.get("OSECT_SHARED") or os.path.join(os.path.dirname(OSECT), "..", "shared"), "captures")
PACKAGES = ["node-snap7@1.0.9", "node-opcua@2.186.4", "mqtt@5.16.0", "modbus-serial@8.0.25", "node-bacnet@0.2.4", "omron-fins@0.5.0", "ads-client@2.1.0", "knx@2.5.4"]
# name, folder of compare.py, server, client, seconds until the server is up
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's pymodbus
TALKS = [
    ("s7", "s7comm", ["node", "peers.js", "s7", "server"], ["node", "peers.js", "s7", "client"], 2),
    ("opcua", "opcua", ["node", "peers.js", "opcua", "server"], ["node", "peers.js", "opcua", "client"], 15),
    ("mqtt", "iiot", ["mosquitto", "-c", "mosquitto.conf"], ["node", "peers.js", "mqtt", "client"], 2),
    ("pymodbus", "modbus", [PYTHON, "modbus.py", "server"], [PYTHON, "modbus.py", "client"], 4),
    ("modbus", "modbus", ["node", "peers.js", "modbus", "server"], ["node", "peers.js", "modbus", "client"], 2),
    ("bacnet", "bacnet", ["node", "peers.js", "bacnet", "server"], ["node", "peers.js", "bacnet", "client"], 2),
    ("fins", "fins", ["node", "peers.js", "fins", "server"], ["node", "peers.js", "fins", "client"], 2),
    ("ads", "ads", ["node", "peers.js", "ads", "server"], ["node", "peers.js", "ads", "client"], 2),
    ("knx", "knx", ["knxd", "-e", "1.1.1", "-E", "1.1.10:8", "-n", "gw", "-D", "-T", "-R", "-S", "-b", "dummy:"], ["node", "peers.js", "knx", "client"], 2),
]
COPIES = 25


def sh(*cmd, **kw):
    return subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL, **kw)


def network():
    for ns in ("osect-srv", "osect-cli"):
        subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL)
        sh("ip", "netns", "add", ns)
    sh("ip", "link", "add", "ov0", "netns", "osect-srv", "type", "veth", "peer", "name", "ov1", "netns", "osect-cli")
    for ns, link, address in (("osect-srv", "ov0", "10.77.0.1"), ("osect-cli", "ov1", "10.77.0.2")):
        sh("ip", "-n", ns, "addr", "add", address + "/24", "dev", link)
        for dev in ("lo", link):
            sh("ip", "-n", ns, "link", "set", dev, "up")
        sh("ip", "-n", ns, "route", "add", "224.0.0.0/4", "dev", link)


def talk(work, name, folder, server, client, up):
    """Lets the two ends talk and gives their capture."""
    path = os.path.join(work, "captures", folder, name + ".pcap")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    inside = lambda ns, cmd: ["ip", "netns", "exec", ns, *cmd]
    with open(os.path.join(work, name + ".log"), "w") as log:
        listen = subprocess.Popen(inside("osect-cli", ["tcpdump", "-i", "ov1", "-U", "-w", path]), stderr=subprocess.DEVNULL)
        time.sleep(1)
        serve = subprocess.Popen(inside("osect-srv", server), cwd=work, stdout=log, stderr=log, start_new_session=True)
        try:
            time.sleep(up)
            end = subprocess.run(inside("osect-cli", client), cwd=work, stdout=log, stderr=log, timeout=180).returncode
            time.sleep(1)
        finally:
            os.killpg(serve.pid, 9)
            serve.wait()
            listen.terminate()
            listen.wait()
    if end:
        with open(log.name) as f:
            sys.exit(f"{name}: the client ended with {end}: {f.read()[-2000:]}")
    return path


def operations(work, capture):
    db = os.path.join(work, "copy.db")
    for end in ("", "-wal", "-shm", "-lock"):
        if os.path.exists(db + end):
            os.unlink(db + end)
    sh(OSECT, "replay", "--quiet", "--db", db, capture)
    count = collections.Counter()
    for r in json.loads(subprocess.run([OSECT, "ot", "list", "--db", db, "--all", "--format", "json"], check=True, capture_output=True).stdout):
        count[r["protocol"], r["src"], r["function_code"], r["direction"], r["status"], r["unit"]] += r["count"]
    return count


def copies(work, capture):
    """Copies with frames doubled and in other places, a millisecond apart: how many tell other operations."""
    with open(capture, "rb") as f:
        data = f.read()
    frames, at = [], 24
    while at < len(data):
        n = 16 + struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 8:at + n])
        at += n
    (begin,) = struct.unpack_from("<I", data, 24)
    want, other = operations(work, capture), 0
    path = os.path.join(work, "copy.pcap")
    for seed in range(COPIES):
        r, copy, i = random.Random(seed), list(frames), 0
        while i < len(copy) - 4:
            x, by = r.random(), r.randint(1, 3)
            if x < 0.06:
                copy[i], copy[i + by] = copy[i + by], copy[i]
                i += by
            elif x < 0.10 and copy[i][8 + 14 + 9] == 6:  # TCP: a datagram that comes twice is two
                copy.insert(i + by, copy[i])
            i += 1
        with open(path, "wb") as f:
            f.write(data[:24] + b"".join(struct.pack("<II", begin + k // 1000, k % 1000 * 1000) + b for k, b in enumerate(copy)))
        got = operations(work, path)
        if got != want:
            other += 1
            print(f"{capture}, copy {seed}:", {k: (want[k], got[k]) for k in sorted(set(want) | set(got)) if want[k] != got[k]})
    return other


def main():
    missing = [p for p in ("node", "npm", "tshark", "tcpdump", "ip", "mosquitto", "knxd") if not shutil.which(p)]
    if missing or os.geteuid():
        sys.exit(f"peers: needs {', '.join(missing) or 'root'}")
    with tempfile.TemporaryDirectory() as work:
        for name in ("peers.js", "modbus.py"):
            shutil.copy(os.path.join(HERE, name), work)
        with open(os.path.join(work, "mosquitto.conf"), "w") as f:
            f.write("listener 1883 10.77.0.1\nallow_anonymous true\n")
        sh("npm", "init", "-y", cwd=work)
        sh("npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES, cwd=work)
        network()
        try:
            captures = [talk(work, *t) for t in TALKS]
        finally:
            for ns in ("osect-srv", "osect-cli"):
                subprocess.run(["ip", "netns", "del", ns])
        if len(sys.argv) > 1:
            shutil.copytree(os.path.join(work, "captures"), sys.argv[1], dirs_exist_ok=True)
        at, expected = os.path.join(work, "captures"), os.path.join(work, "expected")
        sh(sys.executable, os.path.join(SHARED, "make_expected.py"), "--captures", at, "--out", expected, *(os.path.relpath(c, at) for c in captures))
        bad = subprocess.run([sys.executable, os.path.join(SHARED, "compare.py"), "--osect", OSECT, "--captures", at, "--expected", expected]).returncode
        for c in captures:
            total = sum(operations(work, c).values())
            other = copies(work, c)
            bad += other
            print(f"{os.path.relpath(c, at)}: {total} operations; {COPIES} copies with frames in other places, {other} tell others", flush=True)
    sys.exit(1 if bad else 0)


main()
