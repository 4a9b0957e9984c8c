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
decoded = set(json.loads(subprocess.check_output(["./osect", "version", "--format", "json"]))["protocols"])
total = int(re.search(r"^compare: (\d+) captures", open(log, encoding="utf-8").read(), re.M).group(1))

wrong, later = {}, collections.Counter()
for d in json.load(open(differences, encoding="utf-8")):
    examples = d["examples"]
    if d["topic"] == "ot" and d["class"] != "failure":
        missing = [e for e in examples if e.split(" ")[0] not in decoded and not e.startswith(("0x890f", "cclink"))]
        for e in missing:
            later[e.split(" ")[0]] += 1
        examples = [e for e in examples if e not in missing]
    if examples:
        wrong.setdefault(d["capture"], []).append((d["topic"], d["class"], examples))

for capture, found in sorted(wrong.items()):
    for topic, kind, examples in found:
        print("%s: %s: %s (%d): %s" % (capture, topic, kind, len(examples), "; ".join(examples[:3])))
if later:
    print("not decoded yet: " + ", ".join("%s (%d keys)" % kv for kv in sorted(later.items())))
print("oracle: %d captures compared, %d equal, 0 skipped" % (total, total - len(wrong)))
sys.exit(1 if wrong else 0)
