"""Captures that nobody has seen: changed copies of the shared ones, held the same way.

    variants.py [-n N] [--seed S] [--kinds K,...] [--keep DIR] [TOPIC or CAPTURE ...]

Kinds: frames left out (skip third drop oneway nosyn), in another order or twice (swap dup), cut or
put together otherwise (split join fragment snap), carried otherwise (vlan qinq gre ipip vxlan pppoe
mpls ip6 sll raw null), other addresses (readdress), other files (ng be merge); and only when asked
for, since messages broken so are nobody's to decide: one byte of some messages another one (byte),
of one in each of many copies of a conversation (mutants), datagrams that end early (short), and
conversations moved to control protocols' ports (ports).

Each of N pairs (capture, kind of change), drawn by the seed, is written to a folder that is
deleted afterwards (--keep: stays). What must be in it is told by the captures' own
make_expected.py (tshark), and osect is held against that with compare.py. Printed is a line
for each difference and at the end a table by kind. The status is 0 when nothing
differs; differences are to be judged: tshark is wrong in some (docs/reliability.md).
Needs tshark and editcap; OSECT_SHARED as for `make test`. The captures are only read.
"""
import argparse
import collections
import glob
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

ETHERNET = 1


def read(path, work):
    """-> (link type, [(seconds, nanoseconds, bytes, length on the wire)]), or None: a capture
    that has no single link type or that editcap does not turn into a pcap."""
    flat = os.path.join(work, "flat.pcap")
    p = subprocess.run(["editcap", "-F", "nsecpcap", path, flat], capture_output=True, check=False)
    if p.returncode or not os.path.exists(flat):
        return None
    with open(flat, "rb") as f:
        data = f.read()
    os.unlink(flat)
    if len(data) < 24 or struct.unpack_from("<I", data)[0] != 0xA1B23C4D:
        return None
    link, frames, at = struct.unpack_from("<I", data, 20)[0], [], 24
    while at + 16 <= len(data):
        sec, nsec, have, wire = struct.unpack_from("<IIII", data, at)
        frames.append((sec, nsec, data[at + 16:at + 16 + have], wire))
        at += 16 + have
    return link, frames


def write(path, link, frames, order="<", nano=True):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for sec, nsec, data, wire in frames:
            f.write(struct.pack(order + "IIII", sec, nsec if nano else nsec // 1000, len(data), wire) + data)


def write_ng(path, link, frames):
    """Two interfaces, turn by turn, big-endian; the second counts nanoseconds."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack(">II", kind, len(body) + 12) + body + struct.pack(">I", len(body) + 12)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)))
        f.write(block(1, struct.pack(">HHI", link, 0, 0)))
        f.write(block(1, struct.pack(">HHI", link, 0, 0) + struct.pack(">HHBxxxHH", 9, 1, 9, 0, 0)))
        for i, (sec, nsec, data, wire) in enumerate(frames):
            t = sec * 10**9 + nsec if i % 2 else sec * 10**6 + nsec // 1000
            f.write(block(6, struct.pack(">IIIII", i % 2, t >> 32, t & 0xFFFFFFFF, len(data), wire) + data))


# ---------------------------------------------------------------- parts of a frame

def network(data):
    """-> (offset, EtherType) of what follows Ethernet and its tags, or None."""
    if len(data) < 14:
        return None
    at, kind = 14, data[12] << 8 | data[13]
    while kind in (0x8100, 0x88A8, 0x9100) and len(data) >= at + 4:
        at, kind = at + 4, data[at + 2] << 8 | data[at + 3]
    return at, kind


def ipv4(data):
    """-> (IP offset, transport offset, end, protocol) of a whole, unfragmented IPv4 packet, or None."""
    net = network(data)
    if not net or net[1] != 0x0800 or len(data) < net[0] + 20 or data[net[0]] >> 4 != 4:
        return None
    at = net[0]
    head, total = (data[at] & 15) * 4, data[at + 2] << 8 | data[at + 3]
    if head < 20 or total < head or at + total > len(data) or (data[at + 6] << 8 | data[at + 7]) & 0x3FFF:
        return None
    return at, at + head, at + total, data[at + 9]


def tcp(data):
    """-> (IP offset, TCP offset, payload offset, end), or None."""
    ip = ipv4(data)
    if not ip or ip[3] != 6 or ip[2] < ip[1] + 20:
        return None
    at, end = ip[1], ip[2]
    payload = at + (data[at + 12] >> 4) * 4
    if payload < at + 20 or payload > end:
        return None
    return ip[0], at, payload, end


def with_length(packet, ip):
    """The IPv4 total length put right; checksums are left (nobody checks them here)."""
    n = len(packet) - ip
    return packet[:ip + 2] + struct.pack(">H", n) + packet[ip + 4:]


# ---------------------------------------------------------------- changes: (random, frames) -> frames

def changed(f, data):
    """Frame f with other bytes; the length on the wire moves with them."""
    return f[0], f[1], data, f[3] + len(data) - len(f[2])


def k_skip(r, fs):
    return fs[r.randint(1, max(1, len(fs) // 3)):]


def k_third(r, fs):
    return fs[len(fs) // 3:2 * len(fs) // 3]


def k_drop(r, fs):
    return [f for f in fs if r.random() >= 0.03]


def k_oneway(r, fs):
    way = r.random() < 0.5

    def keep(d):
        net = network(d)
        if net and net[1] == 0x0800 and len(d) >= net[0] + 20:
            return (d[net[0] + 12:net[0] + 16] < d[net[0] + 16:net[0] + 20]) == way
        return (d[6:12] < d[:6]) == way
    return [f for f in fs if keep(f[2])]


def k_swap(r, fs):
    out, i = list(fs), 0
    while i + 1 < len(out):
        if r.random() < 0.05:
            a, b = out[i], out[i + 1]
            out[i], out[i + 1] = a[:2] + b[2:], b[:2] + a[2:]
            i += 1
        i += 1
    return out


def k_dup(r, fs):
    out = []
    for f in fs:
        out += [f, f] if r.random() < 0.05 else [f]
    return out


def k_nosyn(r, fs):
    def syn(d):
        t = tcp(d)
        return t is not None and d[t[1] + 13] & 2
    return [f for f in fs if not syn(f[2])]


def k_split(r, fs):
    """TCP payloads over two segments."""
    out = []
    for f in fs:
        d, t = f[2], tcp(f[2])
        if t and t[3] - t[2] > 1 and not d[t[1] + 13] & 7 and r.random() < 0.4:
            ip, at, payload, end = t
            k = payload + r.randint(1, end - payload - 1)
            seq = struct.unpack_from(">I", d, at + 4)[0]
            second = d[:at + 4] + struct.pack(">I", (seq + k - payload) & 0xFFFFFFFF) + d[at + 8:payload] + d[k:end]
            for part in (with_length(d[:k], ip), with_length(second, ip)):
                out.append((f[0], f[1], part, len(part)))
        else:
            out.append(f)
    return out


def k_join(r, fs):
    """Two neighbouring TCP segments of one direction in one."""
    out = []
    for f in fs:
        if out:
            a, b = out[-1][2], f[2]
            s, t = tcp(a), tcp(b)
            if s and t and s[3] > s[2] and t[3] > t[2] and a[s[0] + 12:s[0] + 20] == b[t[0] + 12:t[0] + 20] \
                    and a[s[1]:s[1] + 4] == b[t[1]:t[1] + 4] and not (a[s[1] + 13] | b[t[1] + 13]) & 7 \
                    and (struct.unpack_from(">I", a, s[1] + 4)[0] + s[3] - s[2]) & 0xFFFFFFFF \
                    == struct.unpack_from(">I", b, t[1] + 4)[0] and s[3] - s[0] + t[3] - t[2] < 60000:
                part = with_length(a[:s[3]] + b[t[2]:t[3]], s[0])
                out[-1] = (out[-1][0], out[-1][1], part, len(part))
                continue
        out.append(f)
    return out


def k_fragment(r, fs):
    """IPv4 packets in two fragments, each with an identification of its own."""
    out = []
    for number, f in enumerate(fs):
        d, ip = f[2], ipv4(f[2])
        if ip and ip[2] - ip[1] > 32 and r.random() < 0.3:
            at, head, end, _ = ip
            k = r.randrange(24, end - head, 8)
            d = d[:at + 4] + struct.pack(">H", number & 0xFFFF) + d[at + 6:]
            first = with_length(d[:at + 6] + b"\x20\0" + d[at + 8:head + k], at)
            second = with_length(d[:at + 6] + struct.pack(">H", k // 8) + d[at + 8:head] + d[head + k:end], at)
            out += [(f[0], f[1], first, len(first)), (f[0], f[1], second, len(second))]
        else:
            out.append(f)
    return out


def k_vlan(r, fs):
    tag = struct.pack(">HH", 0x8100, r.randint(1, 4094))
    return [changed(f, f[2][:12] + tag + f[2][12:]) if len(f[2]) >= 14 else f for f in fs]


def k_qinq(r, fs):
    # tshark gives the tag of 88A8 another field's name, so that its inner tag would be the outer one.
    tag = struct.pack(">HHHH", 0x8100, r.randint(1, 4094), 0x8100, r.randint(1, 4094))
    return [changed(f, f[2][:12] + tag + f[2][12:]) if len(f[2]) >= 14 else f for f in fs]


def k_readdress(r, fs):
    """Every IPv4 address and MAC another one."""
    step = r.randint(1, 100)

    def new(d):
        net = network(d)
        if not net:
            return d
        b = bytearray(d)
        for i in (0, 6):
            if not d[i] & 1:
                b[i + 3] = (d[i + 3] + step) & 255
        if net[1] == 0x0800 and len(d) >= net[0] + 20:
            for i in (net[0] + 12, net[0] + 16):
                if d[i] not in (0, 127) and d[i] < 224:
                    b[i] = 1 + (d[i] + step) % 120
        return bytes(b)
    return [(f[0], f[1], new(f[2]), f[3]) for f in fs]


def k_ip6(r, fs):
    """IPv4 packets as IPv6 ones."""
    out = []
    for f in fs:
        d, ip = f[2], ipv4(f[2])
        if ip:
            ends = b"".join(b"\xfd" + bytes(11) + d[at:at + 4] for at in (ip[0] + 12, ip[0] + 16))
            body = d[ip[1]:ip[2]]
            d = d[:ip[0] - 2] + b"\x86\xdd" + struct.pack(">IHBB", 0x60000000, len(body), ip[3], 64) + ends + body
            f = (f[0], f[1], d, len(d))
        out.append(f)
    return out


def k_pppoe(r, fs):
    out = []
    for f in fs:
        d, ip = f[2], ipv4(f[2])
        if ip:
            body = b"\0\x21" + d[ip[0]:ip[2]]
            d = d[:ip[0] - 2] + b"\x88\x64" + struct.pack(">BBHH", 0x11, 0, 7, len(body)) + body
            f = (f[0], f[1], d, len(d))
        out.append(f)
    return out


def k_mpls(r, fs):
    out = []
    for f in fs:
        d, ip = f[2], ipv4(f[2])
        if ip:
            d = d[:ip[0] - 2] + b"\x88\x47\x00\x01\x01\x40" + d[ip[0]:]
            f = changed(f, d)
        out.append(f)
    return out


def wrap(head):
    """A change that puts whole IPv4 packets behind an outer IPv4 header and head(data, ip)."""
    def change(r, fs):
        out = []
        for f in fs:
            d, ip = f[2], ipv4(f[2])
            if ip is None:
                out.append(f)
                continue
            proto, inner = head(d, ip)
            outer = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 7, 0, 64, proto, 0,
                                bytes([172, 31]) + d[ip[0] + 14:ip[0] + 16], bytes([172, 31]) + d[ip[0] + 18:ip[0] + 20])
            new = d[:12] + b"\x08\0" + outer + inner
            out.append((f[0], f[1], new, len(new)))
        return out
    return change


def h_gre(d, ip):
    return 47, struct.pack(">HH", 0, 0x0800) + d[ip[0]:ip[2]]


def h_ipip(d, ip):
    return 4, d[ip[0]:ip[2]]


def h_vxlan(d, ip):
    inner = struct.pack(">II", 0x08000000, 42 << 8) + d[:ip[2]]
    return 17, struct.pack(">HHHH", 50000, 4789, 8 + len(inner), 0) + inner


def payload(data):
    """-> (offset, end) of what TCP, UDP or, without IP, Ethernet carries, or None."""
    t = tcp(data)
    if t:
        return t[2], t[3]
    ip = ipv4(data)
    if ip:
        return (ip[1] + 8, ip[2]) if ip[3] == 17 else None
    net = network(data)
    return (net[0], len(data)) if net and net[1] not in (0x0800, 0x0806, 0x86DD) else None


def k_byte(r, fs):
    """One byte near the beginning of some messages is another one."""
    out = []
    for f in fs:
        p = payload(f[2])
        if p and p[1] > p[0] and r.random() < 0.1:
            at = p[0] + min(r.randrange(24), r.randrange(24), p[1] - p[0] - 1)
            new = r.choice((r.randrange(256), f[2][at] + 1, f[2][at] ^ 0x80, 0, 1)) & 255
            f = (f[0], f[1], f[2][:at] + bytes([new]) + f[2][at + 1:], f[3])
        out.append(f)
    return out


OT_PORTS = (102, 502, 1883, 2222, 2404, 3671, 4712, 4840, 5007, 5094, 9600, 11740, 18245, 20000, 34964, 44818, 45238, 47808, 48898, 55000, 61450)


def k_ports(r, fs):
    """Each conversation's lower port is one of a control protocol."""
    to, out = {}, []
    for f in fs:
        d, ip = f[2], ipv4(f[2])
        if ip and ip[3] in (6, 17) and ip[2] >= ip[1] + 8:
            ends = sorted((d[ip[1] + 2 * i:ip[1] + 2 + 2 * i], d[ip[0] + 12 + 4 * i:ip[0] + 16 + 4 * i]) for i in (0, 1))
            new = to.setdefault((ip[3], *ends), r.choice(OT_PORTS))
            at = ip[1] if d[ip[1]:ip[1] + 2] == ends[0][0] and d[ip[0] + 12:ip[0] + 16] == ends[0][1] else ip[1] + 2
            d = d[:at] + struct.pack(">H", new) + d[at + 2:]
        out.append((f[0], f[1], d, f[3]))
    return out


mutations = []  # of the capture being made: where, what, the message before


def k_mutants(r, fs):
    """The first frames of some conversations, again and again between other addresses, each time
    with another byte of one message changed."""
    talks = collections.defaultdict(list)
    for f in fs:
        d, net, ip = f[2], network(f[2]), ipv4(f[2])
        if ip and ip[3] in (6, 17) and ip[2] >= ip[1] + 8:
            a, b = d[ip[0] + 12:ip[0] + 16] + d[ip[1]:ip[1] + 2], d[ip[0] + 16:ip[0] + 20] + d[ip[1] + 2:ip[1] + 4]
            talks[ip[3], min(a, b), max(a, b)].append(f)
        elif net and net[1] not in (0x0800, 0x0806, 0x86DD):
            talks[net[1], min(d[:6], d[6:12]), max(d[:6], d[6:12])].append(f)
    usable = []
    for key in sorted(talks):
        part = talks[key][:24]
        full = [i for i, f in enumerate(part) for p in [payload(f[2])] if p and p[1] > p[0] + 1]
        if full:
            usable.append((part, full))
    out, number = [], 0
    for part, full in r.sample(usable, min(len(usable), 6)):
        for _ in range(120):
            number += 1
            which = r.choice(full)
            one, ends = [], {}
            for i, f in enumerate(part[:max(which + 4, full[min(len(full), 4) - 1] + 1)]):
                d, ip = bytearray(f[2]), ipv4(f[2])
                for at, n in ((ip[0] + 12, 4), (ip[0] + 16, 4)) if ip else ((6, 6), (0, 6)):
                    end = bytes(d[at:at + n])
                    if ip and end[0] < 224 or not ip and not end[0] & 1:
                        k = ends.setdefault(end, len(ends))
                        d[at:at + n] = (bytes([10, k]) if n == 4 else bytes([2, 0, 0, k])) + struct.pack(">H", number)
                if i == which:
                    p = payload(bytes(d))
                    at = p[0] + min(r.randrange(48), r.randrange(48), p[1] - p[0] - 1)
                    old = bytes(d[p[0]:p[1]])
                    d[at] = r.choice((r.randrange(256), d[at] + 1, d[at] - 1, d[at] ^ 0x80, 0, 1, 255)) & 255
                    mutations.append("%d.%d\t%d\t%02x>%02x\t%s" % (number >> 8, number & 255, at - p[0], old[at - p[0]], d[at], old[:80].hex()))
                one.append((f[0], f[1], bytes(d), f[3]))
            out += one
    return out


def k_short(r, fs):
    """Some UDP datagrams end early, by their own lengths."""
    out = []
    for f in fs:
        d, ip = f[2], ipv4(f[2])
        if ip and ip[3] == 17 and ip[2] - ip[1] > 9 and r.random() < 0.2:
            d = with_length(d[:ip[1] + r.randint(9, ip[2] - ip[1])], ip[0])
            d = d[:ip[1] + 4] + struct.pack(">H", len(d) - ip[1]) + d[ip[1] + 6:]
            f = (f[0], f[1], d, len(d))
        out.append(f)
    return out


def k_sll(r, fs):
    return [changed(f, struct.pack(">HHH", 4 if r.random() < .5 else 0, 1, 6) + f[2][6:12] + b"\0\0" + f[2][12:])
            for f in fs if len(f[2]) >= 14 and f[2][12] >= 6]


def k_raw(r, fs):
    return [changed(f, f[2][n[0]:]) for f in fs for n in [network(f[2])] if n and n[1] in (0x0800, 0x86DD)]


def k_null(r, fs):
    return [changed(f, struct.pack("<I", 2 if n[1] == 0x0800 else 24) + f[2][n[0]:])
            for f in fs for n in [network(f[2])] if n and n[1] in (0x0800, 0x86DD)]


def k_snap(r, fs):
    n = r.choice((60, 64, 68, 96, 128, 200))
    return [(f[0], f[1], f[2][:n], f[3]) for f in fs]


def same(r, fs):
    return fs


KINDS = {"skip": k_skip, "third": k_third, "drop": k_drop, "oneway": k_oneway, "swap": k_swap, "dup": k_dup,
         "nosyn": k_nosyn, "split": k_split, "join": k_join, "fragment": k_fragment, "vlan": k_vlan, "qinq": k_qinq,
         "readdress": k_readdress, "gre": wrap(h_gre), "ipip": wrap(h_ipip), "vxlan": wrap(h_vxlan),
         "pppoe": k_pppoe, "mpls": k_mpls, "ip6": k_ip6, "sll": k_sll, "raw": k_raw, "null": k_null, "snap": k_snap,
         "byte": k_byte, "mutants": k_mutants, "short": k_short, "ports": k_ports, "ng": same, "be": same, "merge": same}
BROKEN = {"byte", "mutants", "short", "ports"}  # only when asked for
LINK = {"sll": 113, "raw": 101, "null": 0}
# Changes that give other addresses.
MOVED = {"readdress", "ip6", "gre", "ipip", "vxlan", "ports"}
# Changes that need Ethernet frames.
NEEDS_ETHERNET = set(KINDS) - {"skip", "third", "drop", "swap", "dup", "snap", "byte", "ng", "be"}


def make(shared, topics, args, out):
    """Write the variants -> how many, by kind. What is excused in a capture (its keys, with any
    count) is excused in its variants."""
    excused = collections.defaultdict(list)
    with open(os.path.join(shared, "oracle-exceptions.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                cells = line.split("\t")
                excused[cells[0]].append(cells[1:3])
    exceptions = open(os.path.join(out, "exceptions.tsv"), "w", encoding="utf-8")
    names = sorted(os.path.relpath(p, shared) for ext in ("pcap", "pcapng", "cap")
                   for p in glob.glob(os.path.join(shared, "*", "**", "*." + ext), recursive=True)
                   if os.path.getsize(p) <= args.largest)
    if topics:
        names = [n for n in names if n in topics or n.split("/")[0] in topics]
    r = random.Random(args.seed)
    pairs = [(n, k) for n in names for k in args.kinds.split(",")]
    r.shuffle(pairs)
    made = collections.Counter()
    for name, kind in pairs:
        if sum(made.values()) >= args.n:
            break
        got = read(os.path.join(shared, name), out)
        if got is None or len(got[1]) < 2 or kind in NEEDS_ETHERNET and got[0] != ETHERNET:
            continue
        link, frames = got
        rr = random.Random("%s %s %s" % (args.seed, name, kind))
        if kind == "merge":
            other = read(os.path.join(shared, rr.choice([n for n in names if n.split("/")[0] == name.split("/")[0]])), out)
            if other is None or other[0] != link:
                continue
            frames = [x for pair in zip(frames, other[1]) for x in pair] + frames[len(other[1]):] + other[1][len(frames):]
        frames = KINDS[kind](rr, frames)
        if not frames:
            continue
        topic, rest = name.split("/", 1)
        target = os.path.join(out, topic, kind, rest.replace("/", "-"))
        if kind == "ng":
            write_ng(os.path.splitext(target)[0] + ".pcapng", link, frames)
        else:
            write(os.path.splitext(target)[0] + ".pcap", LINK.get(kind, link), frames,
                  ">" if kind == "be" else "<", nano=kind != "be")
        if mutations:
            with open(os.path.splitext(target)[0] + ".tsv", "w", encoding="utf-8") as f:
                f.write("\n".join(mutations) + "\n")
            mutations.clear()
        for keys in excused[name]:
            if kind in MOVED:  # the addresses are others
                keys = [keys[0], " ".join([keys[1].split(" ")[0]] + ["*"] * (len(keys[1].split(" ")) - 1))]
            print(os.path.relpath(os.path.splitext(target)[0], out) + (".pcapng" if kind == "ng" else ".pcap"), *keys,
                  "-", "-", "excused in the capture itself", sep="\t", file=exceptions)
        made[kind] += 1
    exceptions.close()
    return made


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("topics", nargs="*")
    ap.add_argument("-n", type=int, default=200)
    ap.add_argument("--seed", default="1")
    ap.add_argument("--kinds", default=",".join(k for k in KINDS if k not in BROKEN))
    ap.add_argument("--largest", type=int, default=3 << 20, help="captures of more bytes are left out")
    ap.add_argument("--keep")
    ap.add_argument("--osect", default="./osect")
    args = ap.parse_args()
    shared = os.path.join(os.environ.get("OSECT_SHARED", "../shared"), "captures")
    out = args.keep or tempfile.mkdtemp(prefix="variants")
    os.makedirs(out, exist_ok=True)
    try:
        made = make(shared, args.topics, args, out)
        expected = os.path.join(out, "expected")
        subprocess.run([sys.executable, os.path.join(shared, "make_expected.py"), "--captures", out,
                        "--out", expected, "--jobs", "1"], check=True, stdout=subprocess.DEVNULL)
        report = os.path.join(out, "differences.json")
        subprocess.run([sys.executable, os.path.join(shared, "compare.py"), "--osect", args.osect, "--captures", out,
                        "--expected", expected, "--exceptions", os.path.join(out, "exceptions.tsv"),
                        "--jobs", "1", "--json", report], check=False, stdout=subprocess.DEVNULL)
        with open(report, encoding="utf-8") as f:
            found = json.load(f)
    finally:
        if not args.keep:
            shutil.rmtree(out, ignore_errors=True)
    bad = collections.defaultdict(set)
    for d in sorted(found, key=lambda d: (d["capture"].split("/")[1], d["capture"])):
        kind = d["capture"].split("/")[1]
        bad[kind, d["topic"]].add(d["capture"])
        print("%s: %s %s (%d): %s" % (d["capture"], d["topic"], d["class"], len(d["examples"]), "; ".join(d["examples"][:3])))
    print("%-10s %8s %8s %8s %8s %8s" % ("kind", "made", "flows", "address", "ot", "summary"))
    for kind in KINDS:
        if made[kind]:
            print("%-10s %8d " % (kind, made[kind]) + " ".join(
                "%8d" % (made[kind] - len(bad[kind, t])) for t in ("flows", "addresses", "ot", "summary")))
    print("variants: %d captures, %d equal" % (sum(made.values()), sum(made.values()) - len(set().union(*bad.values(), set()))))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
