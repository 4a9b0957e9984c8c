"""Every function code of every protocol, in frames made here, held against tshark.

    sweep.py [--keep DIR] [--osect ./osect] [PROTOCOL ...]

Each case is a conversation of its own between two addresses of its own, so that a difference
names its case. What must be in the captures is told by the shared make_expected.py (tshark)
and held by compare.py, as in variants.py. Needs tshark; OSECT_SHARED as for `make test`.
Printed is a line for each case that differs, then a line for each protocol. The status is
0 when nothing differs; which differences are tshark's stands in docs/reliability.md.
"""
import argparse
import collections
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile


class Capture:
    """A pcap of small conversations. Case n is between 10.0.n.n and 10.1.n.n, or two MACs."""

    def __init__(self):
        self.frames, self.names, self.time = [], [], 0

    def add(self, data):
        self.time += 1
        self.frames.append((1700000000 + self.time // 1000, self.time % 1000 * 1000, data))

    def case(self, name):
        self.names.append(name)
        return len(self.names) - 1

    def ends(self, n, back=False, multicast=None):
        a, b = (bytes([10, i]) + struct.pack(">H", n) for i in (0, 1))
        m, k = (bytes([2, 0, 0, i]) + struct.pack(">H", n) for i in (0, 1))
        if multicast:
            b, k = multicast, b"\x01\0\x5e" + multicast[1:]
        return (b, a, k, m) if back else (a, b, m, k)

    def ip(self, n, proto, body, back=False):
        src, dst, smac, dmac = self.ends(n, back)
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), self.time & 0xFFFF, 0, 64, proto, 0, src, dst)
        self.add(dmac + smac + b"\x08\0" + head + body)

    def udp(self, name, port, *payloads, client=40000):
        """payloads: bytes from the client, or (bytes,) from the server."""
        n = self.case(name)
        for p in payloads:
            back = isinstance(p, tuple)
            p = p[0] if back else p
            ports = (port, client) if back else (client, port)
            self.ip(n, 17, struct.pack(">HHHH", *ports, 8 + len(p), 0) + p, back)

    def tcp(self, name, port, *payloads, client=40000, syn=True):
        n = self.case(name)
        seq = [1000, 5000]
        if syn:
            self.segment(n, client, port, 999, 0, 2, b"")
            self.segment(n, port, client, 4999, 1000, 18, b"", True)
            self.segment(n, client, port, 1000, 5000, 16, b"")
        for p in payloads:
            back = isinstance(p, tuple)
            p = p[0] if back else p
            ports = (port, client) if back else (client, port)
            self.segment(n, *ports, seq[back], seq[1 - back], 24, p, back)
            seq[back] += len(p)

    def segment(self, n, sport, dport, seq, ack, flags, data, back=False):
        self.ip(n, 6, struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 8192, 0, 0) + data, back)

    def ether(self, name, kind, *payloads):
        n = self.case(name)
        for p in payloads:
            back = isinstance(p, tuple)
            _, _, smac, dmac = self.ends(n, back)
            frame = dmac + smac + struct.pack(">H", kind) + (p[0] if back else p)
            self.add(frame + bytes(max(0, 60 - len(frame))))

    def write(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
            for sec, usec, data in self.frames:
                f.write(struct.pack("<IIII", sec, usec, len(data), len(data)) + data)


def be16(n):
    return struct.pack(">H", n)


def le16(n):
    return struct.pack("<H", n)


def le32(n):
    return struct.pack("<I", n)


# ---------------------------------------------------------------- protocols

def modbus(c):
    def adu(fn, body, unit=1, number=7):
        return struct.pack(">HHHBB", number, 0, 2 + len(body), unit, fn) + body
    good = {1: (b"\0\0\0\x08", b"\x01\xff"), 2: (b"\0\0\0\x08", b"\x01\xff"), 3: (b"\0\0\0\x01", b"\x02\0\1"),
            4: (b"\0\0\0\x01", b"\x02\0\1"), 5: (b"\0\1\xff\0", b"\0\1\xff\0"), 6: (b"\0\1\0\1", b"\0\1\0\1"),
            7: (b"", b"\x55"), 8: (b"\0\0\x12\x34", b"\0\0\x12\x34"), 11: (b"", b"\0\0\0\1"),
            12: (b"", b"\x08\0\0\0\1\0\1\0\0"), 15: (b"\0\0\0\1\1\1", b"\0\0\0\1"), 16: (b"\0\0\0\1\2\0\1", b"\0\0\0\1"),
            17: (b"", b"\x02\x11\xff"), 20: (b"\x07\6\0\1\0\0\0\1", b"\x05\4\6\0\0\1"), 21: (b"\x09\6\0\1\0\0\0\1\0\1",) * 2,
            22: (b"\0\1\0\1\0\1",) * 2, 23: (b"\0\0\0\1\0\0\0\1\2\0\1", b"\x02\0\1"), 24: (b"\0\1", b"\0\4\0\1\0\1"),
            43: (b"\x0e\1\0", b"\x0e\1\1\0\0\1\0\3abc")}
    for fn in range(1, 128):
        q, a = good.get(fn, (b"\0\1\2\3", b"\0\1\2\3"))
        c.tcp("request+answer %02x" % fn, 502, adu(fn, q), (adu(fn, a),))
        c.tcp("request+exception %02x" % fn, 502, adu(fn, q), (adu(fn | 128, b"\2"),))
        c.tcp("answer alone, mid-stream %02x" % fn, 502, (adu(fn, a),), syn=False)
        c.udp("udp %02x" % fn, 502, adu(fn, q), (adu(fn, a),))
    for n in (0, 1, 2, 10, 120, 246, 252):
        c.tcp("length %d" % n, 502, adu(3, bytes(n)), (adu(3, bytes(n)),))
    for code in range(0, 16):
        c.tcp("exception code %d" % code, 502, adu(3, b"\0\0\0\1"), (adu(0x83, bytes([code])),))
    c.tcp("two in a segment", 502, adu(3, b"\0\0\0\1") + adu(6, b"\0\0\0\1", number=8), (adu(3, b"\2\0\1") + adu(6, b"\0\0\0\1", number=8),))
    c.tcp("in halves", 502, adu(3, b"\0\0\0\1")[:5], adu(3, b"\0\0\0\1")[5:], (adu(3, b"\2\0\1")[:9],), (adu(3, b"\2\0\1")[9:],))
    for unit in (0, 255, 254):
        c.tcp("unit %d" % unit, 502, adu(3, b"\0\0\0\1", unit), (adu(3, b"\2\0\1", unit),))


def tpkt(data, last=True):
    return b"\x03\0" + be16(7 + len(data)) + b"\x02\xf0" + (b"\x80" if last else b"\0") + data


CR = b"\x03\0\0\x16\x11\xe0\0\0\0\1\0\xc0\1\x0a\xc1\2\1\0\xc2\2\1\2"
CC = b"\x03\0\0\x16\x11\xd0\0\1\0\2\0\xc0\1\x0a\xc1\2\1\0\xc2\2\1\2"


def s7comm(c):
    def pdu(rosctr, param, data=b"", error=None):
        return struct.pack(">BBHHHH", 0x32, rosctr, 0, 1, len(param), len(data)) + (error or b"") + param + data
    setup = (CR, (CC,), tpkt(pdu(1, b"\xf0\0\0\1\0\1\1\xe0")), (tpkt(pdu(3, b"\xf0\0\0\1\0\1\1\xe0", error=b"\0\0")),))
    for fn in range(256):
        c.tcp("job %02x" % fn, 102, *setup, tpkt(pdu(1, bytes([fn, 0]))), (tpkt(pdu(3, bytes([fn, 0]), error=b"\0\0")),))
    for fn in (4, 5, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x28, 0x29, 0xf0):
        c.tcp("mid-stream %02x" % fn, 102, tpkt(pdu(1, bytes([fn, 0]))), (tpkt(pdu(3, bytes([fn, 0]), error=b"\0\0")),), syn=False)
        c.tcp("error %02x" % fn, 102, *setup, tpkt(pdu(1, bytes([fn, 0]))), (tpkt(pdu(3, bytes([fn]), error=b"\x81\4")),))
        c.tcp("rosctr 2 %02x" % fn, 102, *setup, tpkt(pdu(1, bytes([fn, 0]))), (tpkt(pdu(2, b"", error=b"\0\0")),))
    for kind in (0, 4, 8):
        for group in range(16):
            for sub in range(0, 24):
                head = bytes([0, 1, 0x12, 4 if kind == 4 else 8, 0x11, kind << 4 | group, sub, 1]) + (b"" if kind == 4 else b"\0\0\0\0")
                m = tpkt(pdu(7, head, b"\xff\x09\0\4\1\x31\0\1"))
                c.tcp("userdata %d %x:%02x" % (kind, group, sub), 102, *setup, m if kind == 4 else (m,))
    long = pdu(1, b"\x04\1" + bytes(30))
    c.tcp("COTP parts", 102, *setup, tpkt(long[:12], False), tpkt(long[12:]))
    c.tcp("COTP parts in one segment", 102, *setup, tpkt(long[:12], False) + tpkt(long[12:]))
    c.tcp("COTP empty part", 102, *setup, tpkt(b"", False), tpkt(long))
    c.tcp("two in a segment", 102, *setup, tpkt(long) + tpkt(long))
    c.tcp("keep-alive", 102, *setup, tpkt(b""), tpkt(long))
    c.tcp("data before the lengths' end", 102, *setup, tpkt(long + b"\0\0\0"))
    c.tcp("other port", 10102, *setup, tpkt(long), (tpkt(pdu(3, b"\x04\1", error=b"\0\0")),))


def enip(c):
    def encap(command, data=b"", session=1, status=0):
        return struct.pack("<HHIIQI", command, len(data), session, status, 0x1122, 0) + data

    def items(*pairs):
        return le16(len(pairs)) + b"".join(le16(t) + le16(len(d)) + d for t, d in pairs)

    def ucmm(cip, answer=False):
        return encap(0x6F, bytes(6) + items((0, b""), (0xB2, cip)))

    def connected(cip, n=1):
        return encap(0x70, bytes(6) + items((0xA1, le32(0x1234)), (0xB1, le16(n) + cip)))
    reg = (encap(0x65, b"\1\0\0\0", 0), (encap(0x65, b"\1\0\0\0"),))
    for command in list(range(0, 0x110)) + [0xFFFF]:
        if command in (0x6F, 0x70):
            continue
        c.tcp("command %04x" % command, 44818, *reg, encap(command, b""), (encap(command, b"\0\0"),))
    for command in (4, 0x63, 0x64):
        for session in (0, 1, 0x12345678):
            c.tcp("first %04x session %x" % (command, session), 44818, encap(command, session=session), (encap(command, b"\0\0", session=session),))
            c.udp("udp %04x session %x" % (command, session), 44818, encap(command, session=session), (encap(command, b"\0\0", session=session),))
    path = b"\x02\x20\x8e\x24\x01"
    for service in range(0, 128):
        c.tcp("ucmm %02x" % service, 44818, *reg, ucmm(bytes([service]) + path + b"\1\0"), (ucmm(bytes([service | 128, 0, 0, 0, 1, 0])),))
        c.tcp("connected %02x" % service, 44818, *reg, connected(bytes([service]) + path + b"\1\0"), (connected(bytes([service | 128, 0, 0, 0, 1, 0])),))
        c.tcp("ucmm error %02x" % service, 44818, *reg, ucmm(bytes([service]) + b"\x02\x20\x01\x24\x01"), (ucmm(bytes([service | 128, 0, 8, 0])),))
        for cls in (0x02, 0x06, 0x37, 0x64, 0x68, 0x6b, 0x6c, 0xac, 0xf5):
            c.tcp("class %02x service %02x" % (cls, service), 44818, *reg, ucmm(bytes([service, 2, 0x20, cls, 0x24, 1]) + b"\1\0"),
                  (ucmm(bytes([service | 128, 0, 0, 0, 1, 0])),))
    inner = b"\x0e\x03\x20\x01\x24\x01\x30\x07"
    send = b"\x52\x02\x20\x06\x24\x01\x05\x99" + le16(len(inner)) + inner + b"\x01\0\1\0"
    c.tcp("unconnected send", 44818, *reg, ucmm(send), (ucmm(b"\x8e\0\0\0AB"),))
    c.tcp("unconnected send, error", 44818, *reg, ucmm(send), (ucmm(b"\xd2\0\1\1\4\3\1"),))
    member = b"\x4c\x02\x20\x6b\x24\x01\1\0"
    multi = b"\x0a\x02\x20\x02\x24\x01" + le16(2) + le16(6) + le16(6 + len(member)) + member + member
    reply = b"\x8a\0\0\0" + le16(2) + le16(6) + le16(12) + b"\xcc\0\0\0\1\0" * 2
    c.tcp("multiple", 44818, *reg, connected(multi), (connected(reply),))
    c.tcp("multiple in unconnected send", 44818, *reg, ucmm(b"\x52\x02\x20\x06\x24\x01\x05\x99" + le16(len(multi)) + multi + b"\x01\0\1\0"), (ucmm(reply),))
    c.tcp("forward open", 44818, *reg, ucmm(b"\x54\x02\x20\x06\x24\x01" + bytes(36) + b"\3\1\0\x20\2\x24\1"), (ucmm(b"\xd4\0\0\0" + bytes(26)),))
    c.tcp("large forward open", 44818, *reg, ucmm(b"\x5b\x02\x20\x06\x24\x01" + bytes(40) + b"\3\1\0\x20\2\x24\1"), (ucmm(b"\xdb\0\0\0" + bytes(26)),))
    c.tcp("two in a segment", 44818, *reg, connected(member) + connected(member, 2), (connected(b"\xcc\0\0\0\1\0") + connected(b"\xcc\0\0\0\1\0", 2),))
    c.tcp("mid-stream", 44818, connected(member), (connected(b"\xcc\0\0\0\1\0"),), syn=False)
    c.tcp("status", 44818, *reg, encap(0x70, b"", status=0x64))
    c.udp("udp explicit", 44818, ucmm(b"\x0e\x03\x20\x01\x24\x01\x30\x07"))
    c.udp("io", 2222, items((0x8002, le32(1) + le32(1)), (0xB1, le16(1) + bytes(8))), client=2222)


def bacnet(c):
    def bvlc(body, fn=0x0A):
        return bytes([0x81, fn]) + be16(4 + len(body)) + body
    for s in range(0, 48):
        q = b"\1\4\0\5\1" + bytes([s]) + b"\x0c\x02\0\0\1\x19\x4d"
        c.udp("confirmed %d" % s, 47808, bvlc(q), (bvlc(b"\1\0\x30\1" + bytes([s]) + b"\x0c\x02\0\0\1"),), client=47808)
        c.udp("confirmed %d, simple ack" % s, 47808, bvlc(q), (bvlc(b"\1\0\x20\1" + bytes([s])),), client=47808)
        c.udp("confirmed %d, error" % s, 47808, bvlc(q), (bvlc(b"\1\0\x50\1" + bytes([s]) + b"\x91\1\x91\1"),), client=47808)
        c.udp("segmented %d" % s, 47808, bvlc(b"\1\4\x0c\5\1\0\4" + bytes([s]) + b"\x0c\x02\0\0\1"), bvlc(b"\1\4\x08\5\1\1\4" + bytes([s]) + b"\x19\x4d"), client=47808)
        c.udp("segmented answer %d" % s, 47808, bvlc(q), (bvlc(b"\1\0\x3c\1\0\4" + bytes([s]) + b"\x0c\x02\0\0\1"),), bvlc(b"\1\0\x40\1\0\4"), (bvlc(b"\1\0\x38\1\1\4" + bytes([s]) + b"\x19\x4d"),), client=47808)
        c.udp("unconfirmed %d" % s, 47808, bvlc(b"\1\0\x10" + bytes([s]) + b"\x09\1\x19\2"), client=47808)
        c.udp("unconfirmed, broadcast %d" % s, 47808, bvlc(b"\1\x20\xff\xff\0\xff\x10" + bytes([s]), 0x0B), client=47808)
    for m in list(range(0, 0x20)) + [0x80, 0x90, 0xff]:
        c.udp("network message %02x" % m, 47808, bvlc(b"\1\x80" + bytes([m]) + b"\0\1\0\0"), client=47808)
    for fn in range(0, 0x10):
        c.udp("bvlc %02x" % fn, 47808, bvlc(b"\0\0" if fn not in (4, 9, 10, 11) else b"\1\0\x10\x08", fn), client=47808)
    c.udp("forwarded", 47808, bvlc(b"\x0a\0\0\1\xba\xc0\1\x20\xff\xff\0\xff\x10\x08", 4), client=47808)
    c.udp("foreign device's broadcast", 47808, bvlc(b"\1\x20\xff\xff\0\xff\x10\x08", 9))
    c.udp("register foreign device", 47808, bvlc(b"\0\x3c", 5), (bvlc(b"\0\0", 0),))
    c.udp("reject", 47808, bvlc(b"\1\0\x60\1\4"), client=47808)
    c.udp("abort", 47808, bvlc(b"\1\0\x71\1\4"), client=47808)
    c.udp("other port", 50000, bvlc(b"\1\4\0\5\1\x0c\x0c\x02\0\0\1\x19\x4d"), client=50001)
    c.udp("source route", 47808, bvlc(b"\1\x2c\0\1\1\5\0\2\1\7\xff\0\5\1\x0c\x0c\x02\0\0\1\x19\x4d"), client=47808)


def crc(p):
    r = 0
    for b in p:
        r ^= b
        for _ in range(8):
            r = r >> 1 ^ (0xA6BC if r & 1 else 0)
    return le16(~r & 0xFFFF)


def dnp3(c):
    def link(data, control=0xC4, dst=10, src=1):
        head = b"\x05\x64" + bytes([5 + len(data), control]) + le16(dst) + le16(src)
        return head + crc(head) + b"".join(data[i:i + 16] + crc(data[i:i + 16]) for i in range(0, len(data), 16))

    def message(fn, body=b"", seq=0, transport=0xC0):
        return bytes([transport | seq, 0xC0 | seq, fn]) + body
    for fn in range(0, 256):
        answer = b"\0\0" if fn in (129, 130, 131) else b""
        for body in (b"", b"\x3c\2\6"):
            m = link(message(fn, answer + body), 0x44 if answer else 0xC4)
            c.tcp("function %d%s" % (fn, " with objects" if body else ""), 20000, link(message(1, b"\x3c\1\6")), (m,) if answer else m)
            c.udp("udp function %d%s" % (fn, " with objects" if body else ""), 20000, (m,) if answer else m, client=20000)
    big = message(129, b"\0\0" + b"\x1e\2\0\0\x63" + bytes(300))
    parts = [big[1:][i:i + 249] for i in range(0, len(big) - 1, 249)]
    segs = [link(bytes([(0x40 if i == 0 else 0) | (0x80 if i == len(parts) - 1 else 0) | i]) + p, 0x44) for i, p in enumerate(parts)]
    c.tcp("segments", 20000, link(message(1, b"\x3c\1\6")), *[(s,) for s in segs])
    c.tcp("segments in one", 20000, link(message(1, b"\x3c\1\6")), (b"".join(segs),))
    c.udp("udp segments", 20000, *[(s,) for s in segs])
    c.tcp("two frames in one", 20000, link(message(1, b"\x3c\1\6")) + link(message(1, b"\x3c\2\6", 1)))
    c.tcp("link status", 20000, link(b"", 0xC9), (link(b"", 0x0B),), link(message(1, b"\x3c\1\6")))
    c.tcp("reset link", 20000, link(b"", 0xC0), (link(b"", 0),), link(message(1, b"\x3c\1\6")))
    c.tcp("confirmed user data", 20000, link(message(1, b"\x3c\1\6"), 0xF3), (link(b"", 0),))
    c.tcp("broadcast", 20000, link(message(1, b"\x3c\1\6"), dst=0xFFFF))
    c.tcp("self address", 20000, link(message(1, b"\x3c\1\6"), dst=0xFFFC))
    c.tcp("other port", 20500, link(message(1, b"\x3c\1\6")), (link(message(129, b"\0\0"), 0x44),))
    c.tcp("wrong checksum", 20000, link(message(1, b"\x3c\1\6"))[:-1] + b"\0", link(message(1, b"\x3c\2\6", 1)))
    c.tcp("byte by byte", 20000, *[bytes([x]) for x in link(message(1, b"\x3c\1\6"))])


def iec104(c):
    def i(asdu, n=0):
        return b"\x68" + bytes([4 + len(asdu)]) + le16(n * 2) + b"\0\0" + asdu

    def u(x):
        return b"\x68\4" + bytes([x]) + b"\0\0\0"
    for t in range(1, 128):
        for cause in (3, 6, 7, 10, 45, 47):
            asdu = bytes([t, 1, cause, 0]) + b"\1\0\1\0\0" + bytes(12)
            c.tcp("type %d cause %d" % (t, cause), 2404, u(7), (u(11),), i(asdu))
    for x in range(3, 256, 4):
        c.tcp("u %02x" % x, 2404, u(7), (u(11),), u(x))
    asdu = bytes([100, 1, 6, 0]) + b"\1\0\0\0\0\x14"
    c.tcp("several", 2404, u(7), (u(11),), i(asdu) + i(asdu, 1) + b"\x68\4\1\0\2\0" + u(0x43))
    c.tcp("mid-stream", 2404, i(asdu, 4), (i(asdu, 5),), syn=False)
    c.tcp("sequence of elements", 2404, u(7), (u(11),), (i(bytes([13, 0x83, 3, 0]) + b"\1\0\1\0\0" + bytes(15)),))
    c.tcp("cause with the test bit", 2404, u(7), (u(11),), i(bytes([45, 1, 0x86, 0]) + b"\1\0\1\0\0\1"))
    c.tcp("negative", 2404, u(7), (u(11),), (i(bytes([45, 1, 0x47, 0]) + b"\1\0\1\0\0\1"),))
    c.tcp("in pieces", 2404, u(7), (u(11),), i(asdu)[:3], i(asdu)[3:9], i(asdu)[9:])


def opcua(c):
    def chunk(kind, body, final=b"F"):
        return kind + final + le32(8 + len(body)) + body

    def node(n, form=1):
        return {0: bytes([0, n & 255]), 1: b"\1\0" + le16(n), 2: b"\2\0\0" + le32(n)}[form]
    url = b"opc.tcp://h:4840"
    hel = chunk(b"HEL", le32(0) + le32(65535) * 2 + le32(0) * 2 + le32(len(url)) + url)
    ack = chunk(b"ACK", le32(0) + le32(65535) * 2 + le32(0) * 2)
    none = b"http://opcfoundation.org/UA/SecurityPolicy#None"

    def opn(n, policy=none, body=None):
        return chunk(b"OPN", le32(1) + le32(len(policy)) + policy + b"\xff" * 8 + le32(51) + le32(1) + (body or node(n) + bytes(60)))

    def msg(n, form=1, seq=52, final=b"F", kind=b"MSG", body=bytes(40), request=2):
        return chunk(kind, le32(1) + le32(1) + le32(seq) + le32(request) + (node(n, form) if n else b"") + body, final)
    start = (hel, (ack,), opn(446), (opn(449),))
    for n in range(380, 900):
        c.tcp("service %d" % n, 4840, *start, msg(n), (msg(n),))
    for form in (0, 2):
        c.tcp("node form %d" % form, 4840, *start, msg(631 if form else 200, form))
    half = msg(631, final=b"C") + msg(0, seq=53)
    c.tcp("chunks in one segment", 4840, *start, half)
    c.tcp("chunks", 4840, *start, msg(631, final=b"C"), msg(0, seq=53, final=b"C"), msg(0, seq=54))
    c.tcp("chunks, aborted", 4840, *start, msg(631, final=b"C"), msg(0, seq=53, final=b"A"), msg(631, seq=54, request=3))
    c.tcp("interleaved chunks", 4840, *start, msg(631, final=b"C"), (msg(634, final=b"C"),), msg(0, seq=53), (msg(0, seq=53),))
    c.tcp("close", 4840, *start, msg(452, kind=b"CLO"))
    c.tcp("error", 4840, hel, (chunk(b"ERR", le32(0x80010000) + le32(0xFFFFFFFF)),))
    c.tcp("reverse hello", 4840, (chunk(b"RHE", le32(len(url)) + url + le32(len(url)) + url),), hel, (ack,))
    c.tcp("mid-stream", 4840, msg(631), (msg(634),), syn=False)
    c.tcp("two in a segment", 4840, *start, msg(631) + msg(673, seq=53, request=3))
    policy = b"http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256"
    secret = bytes(i * 37 + 11 & 255 for i in range(256))
    c.tcp("encrypted", 4840, hel, (ack,), opn(0, policy, secret), (opn(0, policy, secret),), msg(0, body=secret), (msg(0, body=secret),))
    c.tcp("other port", 48010, *start, msg(631), (msg(634),))


def mms(c):
    def ber(tag, body):
        n = len(body)
        return tag + (bytes([n]) if n < 128 else b"\x82" + be16(n)) + body
    oid = bytes.fromhex("28ca220201")
    context = bytes.fromhex("020103") + b"\x06\5" + oid + ber(b"\x30", b"\x06\2\x51\1")
    contexts = ber(b"\xa4", ber(b"\x30", b"\2\1\1\6\4\x52\1\0\1" + ber(b"\x30", b"\6\2\x51\1")) + ber(b"\x30", context))
    initiate = ber(b"\xa8", b"\x80\3\0\xfd\xe8\x81\1\5\x82\1\5\x83\1\5" + ber(b"\xa4", b"\x80\1\1\x81\3\5\xf1\0\x82\x0c\3\xee\x1c\0\0\4\x08\0\0\x79\xef\x18"))
    initiated = b"\xa9" + initiate[1:]

    def user(pdu, tag=1):
        return ber(b"\x61", ber(b"\x30", b"\2\1" + bytes([tag]) + ber(b"\xa0", pdu)))

    def connect(pdu, accept=False):
        aare = ber(b"\x61" if accept else b"\x60", ber(b"\xa1", b"\6\5" + oid) + (b"\xa2\3\2\1\0\xa3\5\xa1\3\2\1\0" if accept else b"") +
                   ber(b"\xbe", ber(b"\x28", b"\2\1\3" + ber(b"\xa0", pdu))))
        inner = contexts if not accept else ber(b"\xa5", ber(b"\x30", b"\x80\1\0\x81\2\x51\1") * 2)
        data = ber(b"\x61", ber(b"\x30", b"\2\1\1" + ber(b"\xa0", aare)))
        pres = ber(b"\x31", b"\xa0\3\x80\1\1" + ber(b"\xa2", (b"\x81\4\0\0\0\1\x82\4\0\0\0\1" if not accept else b"\x83\4\0\0\0\1") + inner + data))
        body = b"\5\6\x13\1\0\x16\1\2\x14\2\0\2" + (b"\x33\2\0\1\x34\2\0\1" if not accept else b"\x34\2\0\1") + b"\xc1" + (bytes([len(pres)]) if len(pres) < 255 else b"\xff" + be16(len(pres))) + pres
        return tpkt((b"\x0e" if accept else b"\x0d") + (bytes([len(body)]) if len(body) < 255 else b"\xff" + be16(len(body))) + body)

    def data(pdu):
        return tpkt(b"\1\0\1\0" + user(pdu, 3))
    start = (CR, (CC,), connect(initiate), (connect(initiated, True),))

    def service(n, body=b"", constructed=True):
        t = (0xA0 if constructed else 0x80)
        tag = bytes([t | n]) if n < 31 else bytes([t | 31, n]) if n < 128 else bytes([t | 31, 0x80 | n >> 7, n & 127])
        return ber(tag, body)
    for n in range(0, 86):
        for constructed in (True, False):
            c.tcp("service %d %s" % (n, "constructed" if constructed else "primitive"), 102, *start,
                  data(ber(b"\xa0", b"\2\1\1" + service(n, b"", constructed))), (data(ber(b"\xa1", b"\2\1\1" + service(n, b"", constructed))),))
    c.tcp("read", 102, *start, data(bytes.fromhex("a01c020101a417a115a0133011a00fa10d1a024c4e1a074d4f442453545a")))
    c.tcp("error", 102, *start, data(ber(b"\xa0", b"\2\1\1" + service(4))), (data(ber(b"\xa2", b"\x80\1\1" + ber(b"\xa2", ber(b"\xa0", b"\x87\1\1")))),))
    c.tcp("reject", 102, *start, data(ber(b"\xa0", b"\2\1\1" + service(4))), (data(ber(b"\xa4", b"\x80\1\1\x81\1\1")),))
    c.tcp("report", 102, *start, (data(ber(b"\xa3", ber(b"\xa0", b"\xa1\5\x80\3RPT" + ber(b"\xa0", b"\x80\1\1")))),))
    c.tcp("conclude", 102, *start, data(b"\x8b\0"), (data(b"\x8c\0"),))
    c.tcp("cancel", 102, *start, data(b"\x85\1\1"), (data(b"\x86\1\1"),))
    whole = b"\1\0\1\0" + user(ber(b"\xa1", b"\2\1\1" + service(4, b"\xa1\x82\1\x2c" + b"\x89\x82\1\x28" + bytes(296))), 3)
    c.tcp("parts", 102, *start, data(ber(b"\xa0", b"\2\1\1" + service(4))), (tpkt(whole[:100], False),), (tpkt(whole[100:200], False),), (tpkt(whole[200:]),))
    c.tcp("parts in one segment", 102, *start, data(ber(b"\xa0", b"\2\1\1" + service(4))), (tpkt(whole[:100], False) + tpkt(whole[100:200], False) + tpkt(whole[200:]),))
    c.tcp("two in one", 102, *start, data(ber(b"\xa0", b"\2\1\1" + service(4))) + data(ber(b"\xa0", b"\2\1\2" + service(5))))


def goose(c):
    def ber(tag, body):
        n = len(body)
        return bytes([tag]) + (bytes([n]) if n < 128 else b"\x81" + bytes([n]) if n < 256 else b"\x82" + be16(n)) + body
    fields = (b"\x80\5CB$GO" + b"\x81\2\7\xd0" + b"\x82\3DS1" + b"\x83\2ID" + b"\x84\x08" + bytes(8) + b"\x85\1\1\x86\1\1\x87\1\0\x88\1\1\x89\1\0\x8a\1\1" + ber(0xAB, b"\x83\1\1"))
    for appid in (0, 1, 0x3fff, 0x4000, 0xbfff, 0xc000, 0xffff):
        for simulate in (0, 0x8000):
            a = ber(0x61, fields)
            c.ether("goose %04x %04x" % (appid, simulate), 0x88B8, struct.pack(">HHHH", appid, 8 + len(a), simulate, 0) + a)
            asdu = ber(0x30, b"\x80\4MU01\x82\2\0\1\x83\4\0\0\0\1\x85\1\0\x87\x40" + bytes(64))
            s = ber(0x60, b"\x80\1\1" + ber(0xA2, asdu))
            c.ether("sv %04x %04x" % (appid, simulate), 0x88BA, struct.pack(">HHHH", appid, 8 + len(s), simulate, 0) + s)
            s = ber(0x60, b"\x80\1\2" + ber(0xA2, asdu + asdu))
            c.ether("sv of two %04x %04x" % (appid, simulate), 0x88BA, struct.pack(">HHHH", appid, 8 + len(s), simulate, 0) + s)
    a = ber(0x62, b"\2\1\1" + b"\xa0\0")
    c.ether("gse management", 0x88B9, struct.pack(">HHHH", 1, 8 + len(a), 0, 0) + a)


def profinet(c):
    for service in range(0, 8):
        for kind in (0, 1, 2, 5):
            block = b"\xff\xff\0\0"
            c.ether("dcp %d type %d" % (service, kind), 0x8892,
                    be16(0xFEFE if service == 5 else 0xFEFD) + bytes([service, kind]) + b"\0\0\0\1\0\0" + be16(len(block)) + block)
    name = b"\2\2\0\6\0\0plc1"
    c.ether("dcp identify answer", 0x8892, b"\xfe\xff\5\1\0\0\0\1\0\0" + be16(len(name)) + name)
    c.ether("dcp hello", 0x8892, b"\xfe\xfc\6\0\0\0\0\1\0\0" + be16(len(name)) + name)
    for frame in (0, 1, 0x20, 0x21, 0x7f, 0x80, 0x81, 0xfe, 0x100, 0x6ff, 0x700, 0xfff, 0x1000, 0x7fff, 0x8000, 0xbbff, 0xbc00, 0xbfff, 0xc000, 0xf7ff, 0xf800, 0xfbff,
                  0xfc00, 0xfc01, 0xfc41, 0xfcff, 0xfd00, 0xfdff, 0xfe00, 0xfe01, 0xfe02, 0xfe41, 0xfe42, 0xfef0, 0xfefb, 0xff00, 0xff01, 0xff20, 0xff21, 0xff22, 0xff40,
                  0xff43, 0xff44, 0xff8f, 0xff90, 0xffff):
        c.ether("rt %04x" % frame, 0x8892, be16(frame) + bytes(40) + b"\0\1\x35\0")

    def rpc(kind, op, body, flags=0x20, little=True, frag=0, serial=0, part=0):
        e = "<" if little else ">"
        uuid = bytes.fromhex("01006cde" if little else "de00006c"[0:8]) + bytes(12)
        iface = struct.pack(e + "IHH", 0xDEA00001, 0x6C97, 0x11D1) + bytes.fromhex("827100a02442df7d")
        obj = struct.pack(e + "IHH", 0xDEA00000, 0x6C97, 0x11D1) + bytes.fromhex("8271000100020003")
        return (bytes([4, kind, flags, 0, 0x10 if little else 0, 0, 0, 0]) + obj + iface + uuid[:16] +
                struct.pack(e + "IIIHHHHHBB", 0, 1, serial, op, 0xFFFF, 0xFFFF, len(body), part, 0, 0) + body)
    args = le32(512) + le32(0) + le32(512) + le32(0) + le32(0)
    for op in range(0, 8):
        for little in (True, False):
            c.udp("rpc operation %d %s" % (op, "little" if little else "big"), 34964, rpc(0, op, args, little=little), (rpc(2, op, args, little=little),))
    for kind in range(1, 12):
        c.udp("rpc type %d" % kind, 34964, rpc(0, 2, args), (rpc(kind, 2, args),))
    c.udp("fragments", 34964, rpc(0, 3, args + bytes(200), 0x24, part=0), rpc(0, 3, bytes(100), 0x26, part=1))
    c.udp("other ports", 49152, rpc(0, 2, args), (rpc(2, 2, args),), client=49153)


def ethercat(c):
    def datagram(cmd, data, more=False, index=0):
        return bytes([cmd, index]) + le16(1) + le16(0x130) + le16(len(data) | (0x8000 if more else 0)) + b"\0\0" + data + b"\1\0"

    def frame(*d):
        body = b"".join(d)
        return le16(len(body) | 0x1000) + body
    for cmd in range(0, 20):
        c.ether("command %d" % cmd, 0x88A4, frame(datagram(cmd, bytes(8))))
        c.udp("udp command %d" % cmd, 34980, frame(datagram(cmd, bytes(8))), client=34980)
    c.ether("three", 0x88A4, frame(datagram(7, bytes(8), True), datagram(12, bytes(4), True), datagram(10, bytes(4))))
    for kind in (2, 3, 4, 5, 15):
        c.ether("type %d" % kind, 0x88A4, le16(20 | kind << 12) + bytes(40))
    c.ether("mailbox", 0x88A4, frame(datagram(5, b"\x0a\0\1\0\0\3\0\x20\x40\x18\x10\1\0\0\0\0")))


def powerlink(c):
    for t in range(0, 20):
        c.ether("type %02x" % t, 0x88AB, bytes([t, 1, 240]) + bytes(43))
    for service in list(range(0, 8)) + [0x20, 0x9f, 0xa0, 0xff]:
        c.ether("asnd %d" % service, 0x88AB, bytes([6, 240, 1, service]) + bytes(42))


def fins(c):
    def frame(cmd, body=b"", answer=False, icf=None):
        return bytes([icf if icf is not None else 0xC0 if answer else 0x80, 0, 2, 0, 1, 0, 0, 2, 0, 9]) + be16(cmd) + (b"\0\0" if answer else b"") + body

    def tcp(body, command=2, error=0):
        return b"FINS" + struct.pack(">III", 8 + len(body), command, error) + body
    hello = (tcp(bytes(4), 0), (tcp(bytes(8), 1),))
    codes = [m << 8 | s for m in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0C, 0x21, 0x22, 0x23, 0x26, 0x27, 0x28) for s in list(range(0, 0x18)) + [0x20, 0x21, 0x30, 0x40, 0x41, 0x50, 0x57, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x67]]
    for code in codes:
        c.udp("udp %04x" % code, 9600, frame(code, b"\x82\0\1\0\0\1"), (frame(code, b"\0\1", True),))
        c.tcp("tcp %04x" % code, 9600, *hello, tcp(frame(code, b"\x82\0\1\0\0\1")), (tcp(frame(code, b"\0\1", True)),))
    for icf in (0x80, 0x81, 0xC0, 0xC1, 0, 1, 0x40, 0x41):
        c.udp("icf %02x" % icf, 9600, frame(0x0101, bytes(6), icf=icf), client=9600)
        c.tcp("tcp icf %02x" % icf, 9600, *hello, tcp(frame(0x0101, bytes(6), icf=icf)))
    for k in range(0, 8):
        c.tcp("envelope %d" % k, 9600, *hello, tcp(bytes(8), k) if k != 2 else tcp(frame(0x0501), 2))
        c.tcp("envelope %d error" % k, 9600, *hello, (tcp(b"", k, 0x23),))
    c.tcp("two in one", 9600, *hello, tcp(frame(0x0101, bytes(6))) + tcp(frame(0x0501, b"\0")))
    c.tcp("mid-stream", 9600, tcp(frame(0x0101, bytes(6))), (tcp(frame(0x0101, b"\0\1", True)),), syn=False)
    c.udp("unknown code first", 9600, frame(0x7501, b"\0\0"), client=9600)


def hartip(c):
    def message(kind, number, body=b"", status=0, version=1):
        return bytes([version, kind, number, status, 0, 1]) + be16(8 + len(body)) + body

    def hart(command, data=b"", answer=False, long=True):
        if command > 255:
            data, command = be16(command) + data, 31
        m = (bytes([0x86 if answer else 0x82]) + b"\x26\x95\xeb\x27\xb8" if long else bytes([6 if answer else 2]) + b"\x80") + bytes([command])
        m += bytes([len(data) + (2 if answer else 0)]) + (b"\0\0" if answer else b"") + data
        x = 0
        for b in m:
            x ^= b
        return m + bytes([x])
    start = (message(0, 0, b"\1\0\0\xea\x60"), (message(1, 0, b"\1\0\0\xea\x60"),))
    for number in range(0, 16):
        for kind in (0, 1, 2, 15):
            body = hart(3) if number == 3 else b""
            m = message(kind, number, body)
            c.udp("message %d type %d" % (number, kind), 5094, *start, m if kind == 0 else (m,))
            c.tcp("tcp message %d type %d" % (number, kind), 5094, *start, m if kind == 0 else (m,))
    for command in list(range(0, 256)) + [512, 768, 1024, 64512]:
        for long in (True, False):
            c.udp("command %d %s" % (command, "long" if long else "short"), 5094, *start, message(0, 3, hart(command, b"\1", long=long)), (message(1, 3, hart(command, b"\1\2", True, long)),))
    for command in (0, 3, 6, 38, 48):
        c.tcp("tcp command %d" % command, 5094, *start, message(0, 3, hart(command)), (message(1, 3, hart(command, bytes(12), True)),))
    c.tcp("tcp two in one", 5094, *start, message(0, 3, hart(0)) + message(0, 3, hart(3)))
    c.tcp("tcp in pieces", 5094, *start, message(0, 3, hart(0))[:5], message(0, 3, hart(0))[5:])
    c.udp("burst", 5094, *start, (message(2, 3, bytes([0x81]) + hart(3, bytes(8), True)[1:]),))
    c.udp("version 2", 5094, message(0, 0, b"\1\0\0\xea\x60", version=2), (message(1, 0, b"\1\0\0\xea\x60", version=2),))


def ads(c):
    def ams(cmd, data=b"", answer=False, flags=None, error=0):
        head = b"\5\x0d\x75\x60\1\1" + le16(851) + b"\xc0\xa8\1\x63\1\1" + le16(32784) + le16(cmd) + le16(flags if flags is not None else 5 if answer else 4)
        head += le32(len(data)) + le32(error) + le32(9)
        return b"\0\0" + le32(len(head) + len(data)) + head + data
    good = {1: (b"", bytes(24)), 2: (le32(0xF020) + le32(0) + le32(4), bytes(12)), 3: (le32(0xF020) + le32(0) + le32(4) + bytes(4), bytes(4)), 4: (b"", bytes(8)),
            5: (le16(5) + le16(0) + le32(0), bytes(4)), 6: (bytes(40), bytes(8)), 7: (bytes(4), bytes(4)), 8: (le32(28) + le32(1) + bytes(8) + le32(1) + le32(1) + le32(4) + bytes(4), b""),
            9: (le32(0xF003) + le32(0) + le32(4) + le32(4) + b"abcd", le32(0) + le32(4) + bytes(4))}
    for cmd in range(0, 32):
        q, a = good.get(cmd, (bytes(4), bytes(4)))
        c.tcp("command %d" % cmd, 48898, ams(cmd, q), (ams(cmd, a, True),))
        c.tcp("command %d, error" % cmd, 48898, ams(4), ams(cmd, q), (ams(cmd, a, True, error=0x701),))
    for flags in (4, 5, 6, 7, 0x0C, 0x44, 0x45, 0x14, 0x104):
        c.tcp("flags %x" % flags, 48898, ams(4), (ams(4, bytes(8), True),), ams(4, flags=flags))
    c.tcp("two in one", 48898, ams(4) + ams(1))
    c.tcp("mid-stream", 48898, ams(4), (ams(4, bytes(8), True),), syn=False)


def synchrophasor(c):
    def table(p):
        r = 0xFFFF
        for b in p:
            r ^= b << 8
            for _ in range(8):
                r = (r << 1 ^ (0x1021 if r & 0x8000 else 0)) & 0xFFFF
        return be16(r)

    def frame(kind, body, version=1, number=7):
        p = bytes([0xAA, kind << 4 | version]) + be16(16 + len(body)) + be16(number) + be16(25000)[:2] * 2 + bytes(4) + body
        return p + table(p)
    config = le32(0)[::-1][:0] + struct.pack(">I", 1000000) + be16(1) + b"STATION 1".ljust(16) + be16(7) + be16(0) + be16(1) + be16(0) + be16(0) + b"VA".ljust(16) + struct.pack(">I", 1) + be16(0) + be16(1) + be16(50)
    for version in (1, 2):
        for kind in range(0, 8):
            body = {0: bytes(10), 1: b"hello", 2: config, 3: config, 4: be16(5), 5: b"\0\0" + config}.get(kind, bytes(8))
            m = frame(kind, body, version)
            c.tcp("tcp type %d version %d" % (kind, version), 4712, frame(4, be16(5), version), m if kind == 4 else (m,))
            c.udp("udp type %d version %d" % (kind, version), 4713, frame(4, be16(5), version), m if kind == 4 else (m,))
    for command in range(0, 10):
        c.tcp("command %d" % command, 4712, frame(4, be16(command)))
    c.tcp("extended command", 4712, frame(4, be16(8) + bytes(30)))
    c.tcp("two in one", 4712, frame(4, be16(5)), (frame(3, config) + frame(0, bytes(10)),))
    c.udp("other port", 4722, frame(4, be16(5)), (frame(3, config),), (frame(0, bytes(10)),))


def mqtt(c):
    def packet(kind, body=b"", flags=0):
        n, head = len(body), b""
        while True:
            head += bytes([n % 128 | (128 if n > 127 else 0)])
            n //= 128
            if n == 0:
                return bytes([kind << 4 | flags]) + head + body

    def text(s):
        return be16(len(s)) + s
    for level in (3, 4, 5):
        name = b"MQIsdp" if level == 3 else b"MQTT"
        prop = b"\0" if level == 5 else b""
        start = (packet(1, text(name) + bytes([level, 2, 0, 60]) + prop + text(b"id")), (packet(2, b"\0\0" + prop),))
        more = {3: (packet(3, text(b"a/b") + prop + b"x"), packet(3, text(b"a/b") + b"\0\1" + prop + b"x", 2), packet(3, text(b"a/b") + b"\0\1" + prop + b"x", 5)),
                4: (packet(4, b"\0\1"),), 5: (packet(5, b"\0\1"),), 6: (packet(6, b"\0\1", 2),), 7: (packet(7, b"\0\1"),),
                8: (packet(8, b"\0\1" + prop + text(b"a/#") + b"\1", 2),), 9: (packet(9, b"\0\1" + prop + b"\1"),), 10: (packet(10, b"\0\1" + prop + text(b"a/#"), 2),),
                11: (packet(11, b"\0\1" + prop + (b"\0" if prop else b"")),), 12: (packet(12),), 13: (packet(13),), 14: (packet(14),), 15: (packet(15, b"\0\0" if prop else b""),)}
        for kind, packets in more.items():
            for i, p in enumerate(packets):
                c.tcp("level %d type %d form %d" % (level, kind, i), 1883, *start, p if kind not in (9, 11, 13) else (p,))
        c.tcp("level %d will" % level, 1883, packet(1, text(name) + bytes([level, 0xC6, 0, 60]) + prop + text(b"id") + prop + text(b"w") + text(b"m") + text(b"u") + text(b"p")), start[1])
        c.tcp("level %d many" % level, 1883, *start, packet(12) + more[3][0] + packet(12))
        c.tcp("level %d long" % level, 1883, *start, packet(3, text(b"a") + prop + bytes(300))[:50], packet(3, text(b"a") + prop + bytes(300))[50:])
        c.tcp("level %d, other port" % level, 18830, *start, more[3][0])
    c.tcp("mid-stream", 1883, packet(3, text(b"a/b") + b"x"), packet(12), (packet(13),), syn=False)


def knx(c):
    hpai = b"\x08\1\x0a\0\0\1\x0e\x57"

    def frame(service, body):
        return b"\6\x10" + be16(service) + be16(6 + len(body)) + body
    cemi = b"\x29\0\xbc\xe0\x11\1\x08\1\1\0\x81"
    bodies = {0x0201: hpai, 0x0202: hpai + b"\x36\1\2\0\x11\1\0\0" + bytes(6) + b"\xe0\0\x17\x0c" + bytes(6) + b"router".ljust(30, b"\0") + b"\x04\2\2\1", 0x0203: hpai,
              0x0204: b"\x36\1\2\0\x11\1\0\0" + bytes(6) + b"\xe0\0\x17\x0c" + bytes(6) + b"router".ljust(30, b"\0") + b"\x04\2\2\1", 0x0205: hpai + hpai + b"\4\4\2\0",
              0x0206: b"\1\0" + hpai + b"\4\4\x11\1", 0x0207: b"\1\0" + hpai, 0x0208: b"\1\0", 0x0209: b"\1\0" + hpai, 0x020a: b"\1\0",
              0x020b: hpai, 0x020c: hpai, 0x0310: b"\4\1\0\0\xfc\0\1\1\x10\1", 0x0311: b"\4\1\0\0", 0x0420: b"\4\1\0\0" + cemi, 0x0421: b"\4\1\0\0",
              0x0530: cemi, 0x0531: b"\4\0\0\1", 0x0532: b"\6\0\0\x64\0\0"}
    for service in list(range(0x0200, 0x0212)) + list(range(0x0310, 0x0318)) + [0x0420, 0x0421, 0x0422, 0x0423, 0x0424, 0x0425, 0x0530, 0x0531, 0x0532, 0x0533] + \
            list(range(0x0740, 0x0745)) + list(range(0x0950, 0x0958)):
        c.udp("service %04x" % service, 3671, frame(service, bodies.get(service, b"\4\1\0\0")), client=3671)
        c.tcp("tcp service %04x" % service, 3671, frame(0x0205, hpai + hpai + b"\4\4\2\0"), frame(service, bodies.get(service, b"\4\1\0\0")))
    for code in (0x10, 0x11, 0x2b, 0x2d, 0x29, 0x2e, 0xfc, 0xfb, 0xf6, 0xf5, 0xf0, 0xf1):
        c.udp("cemi %02x" % code, 3671, frame(0x0420, b"\4\1\0\0" + bytes([code]) + cemi[1:]), client=3671)


def ptp(c):
    def message(kind, version=2, sdo=0, n=None):
        body = bytes({0: 10, 1: 10, 2: 20, 3: 20, 8: 10, 9: 20, 10: 20, 11: 30, 12: 10, 13: 14}.get(kind, 10))
        return bytes([sdo << 4 | kind, version]) + be16(34 + len(body)) + bytes(4) + bytes(8) + bytes(4) + bytes(8) + b"\0\1" + be16(1) + b"\0\0" + body
    for kind in range(0, 16):
        for sdo in (0, 1, 2):
            c.ether("type %x sdo %d" % (kind, sdo), 0x88F7, message(kind, sdo=sdo))
        c.ether("type %x minor 1" % kind, 0x88F7, message(kind, 0x12))
        c.udp("udp type %x" % kind, 319 if kind < 8 else 320, message(kind), client=319 if kind < 8 else 320)


PROTOCOLS = {"modbus": modbus, "s7comm": s7comm, "enip": enip, "bacnet": bacnet, "dnp3": dnp3, "iec104": iec104, "opcua": opcua, "iec61850/mms": mms,
             "iec61850/goose": goose, "profinet": profinet, "ethercat": ethercat, "powerlink": powerlink, "fins": fins, "hart-ip": hartip, "ads": ads,
             "synchrophasor": synchrophasor, "mqtt": mqtt, "knx": knx, "ptp": ptp}


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("protocols", nargs="*", help=" ".join(PROTOCOLS))
    ap.add_argument("--keep")
    ap.add_argument("--osect", default="./osect")
    args = ap.parse_args()
    shared = os.path.join(os.environ.get("OSECT_SHARED", "../shared"), "captures")
    out = args.keep or tempfile.mkdtemp(prefix="sweep")
    captures = {}
    try:
        for name in args.protocols or PROTOCOLS:
            c = captures[name + ".pcap" if "/" in name else name + "/all.pcap"] = Capture()
            PROTOCOLS[name](c)
            c.write(os.path.join(out, name + ".pcap" if "/" in name else name + "/all.pcap"))
        expected, report = os.path.join(out, "expected"), os.path.join(out, "differences.json")
        subprocess.run([sys.executable, os.path.join(shared, "make_expected.py"), "--captures", out, "--out", expected, "--jobs", "1", *captures],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, os.path.join(shared, "compare.py"), "--osect", args.osect, "--captures", out, "--expected", expected,
                        "--jobs", "1", "--json", report, *captures], check=False, stdout=subprocess.DEVNULL)
        with open(report, encoding="utf-8") as f:
            found = json.load(f)
    finally:
        if not args.keep:
            shutil.rmtree(out, ignore_errors=True)
    wrong = collections.defaultdict(set)
    for d in found:
        for example in d["examples"]:
            c = captures[d["capture"]]
            m = re.search(r"\b10\.[01]\.(\d+)\.(\d+)\b", example)
            k = re.search(r"02:00:00:0[01]:(..):(..)", example)
            n = int(m[1]) << 8 | int(m[2]) if m else int(k[1], 16) << 8 | int(k[2], 16) if k else -1
            name = c.names[n] if 0 <= n < len(c.names) else "?"
            wrong[d["capture"]].add(n)
            if "directions" not in d["class"]:
                print("%s: %s: %s: %s" % (d["capture"].split(".")[0], name, d["class"], example))
    for path, c in captures.items():
        print("%-20s %5d cases %5d differ" % (path.replace("/all", "").split(".")[0], len(c.names), len(wrong[path])))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
