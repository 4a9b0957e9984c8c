#!/bin/sh
# Holds identity facts against tshark: for each capture, the vendor of each MAC, JA3 of hellos, host names of DHCP and
# the CIFS browser, and pairs of MAC and address claimed by ARP. What only tshark has is printed; the sums at the end.
#
#   scripts/identity-oracle.sh OSECT CAPTURE…
#
# Vendors are compared by their first word: tshark's table abbreviates. EXIT STATUS: 0 all the same, 1 differences, 2 usage.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 OSECT CAPTURE..." >&2; exit 2; }
osect=$1; shift
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
exec python3 - "$osect" "$dir" "$@" <<'PY'
import json, os, re, subprocess, sys
osect, tmp, captures = sys.argv[1], sys.argv[2], sys.argv[3:]
sums, missing = {}, 0

def tshark(capture, flt, *fields):
    args = ["tshark", "-r", capture, "-Y", flt, "-T", "fields", "-E", "occurrence=f"]
    for f in fields: args += ["-e", f]
    out = subprocess.run(args, capture_output=True, text=True).stdout
    return {tuple(l.split("\t")) for l in out.splitlines() if l.strip() and all(l.split("\t"))}

def say(kind, ok, what):
    global missing
    n = sums.setdefault(kind, [0, 0]); n[1] += 1
    if ok: n[0] += 1
    else:
        missing += 1; print(f"  {kind}: {what}")

def word(s): return re.sub("[^a-z0-9]", "", (s.lower().split() or [""])[0])[:6]

for i, capture in enumerate(captures):
    db = os.path.join(tmp, f"{i}.db")
    if subprocess.run([osect, "replay", "-q", "--db", db, capture], stdout=subprocess.DEVNULL).returncode: continue
    def rows(*a): return json.loads(subprocess.run([osect, *a, "--db", db, "--format", "json", "--all"], capture_output=True, text=True).stdout or "[]")
    devices = rows("devices", "list", "--internet-each"); addresses = rows("addresses", "list")
    facts = {(f["kind"], f["value"]) for d in devices for f in
        json.loads(subprocess.run([osect, "devices", "show", d["mac"] or d["ips"][0], "--db", db, "--format", "json"], capture_output=True, text=True).stdout or '{"facts":[]}')["facts"]} if len(devices) < 80 else None
    print(capture)
    vendor = {d["mac"]: d["vendor"] for d in devices if d["mac"]}
    for mac, full in tshark(capture, "eth", "eth.src", "eth.src.oui_resolved"):
        if mac in vendor: say("vendor", word(full) == word(vendor[mac]), f"{mac}: tshark {full!r}, osect {vendor[mac]!r}")
    pairs = {(a["mac"], a["ip"]) for a in addresses if "arp" in a["evidence"]}
    for mac, ip in tshark(capture, "arp && !gre && !vxlan && arp.src.proto_ipv4 != 0.0.0.0", "arp.src.hw_mac", "arp.src.proto_ipv4"):
        say("MAC-IP by ARP", (mac, ip) in pairs, f"{mac} {ip}")
    if facts is None: continue
    for kind, flt, field, fact in (("JA3", "tls.handshake.type == 1 && !gre && !vxlan", "tls.handshake.ja3", "ja3"), ("DHCP host name", "dhcp.option.hostname && dhcp.type == 1", "dhcp.option.hostname", "hostname"),
            ("browser host name", "browser.command == 1 && udp", "browser.server", "hostname"), ("LLDP name", "lldp", "lldp.tlv.system.name", "hostname")):
        for (v,) in tshark(capture, flt, field): say(kind, (fact, v) in facts, v)
for k, (ok, n) in sorted(sums.items()): print(f"{k}: {ok} of {n}")
sys.exit(1 if missing else 0)
PY
