#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What xenvm says to wrong usage and to files of all kinds. Needs no KVM.

usage: command_test.py [XENVM]

Files are told apart by xenvm's own words: with a log that cannot be opened, it
gets exactly as far as a kernel in memory, whatever the machine has. Prints KTAP.
"""

import gzip
import lzma
import os
import struct
import subprocess
import sys
import tempfile

XENVM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else
                        os.path.join(os.path.dirname(__file__), "..", "xenvm"))
LOADED = "cannot open /nonexistent/log"
BASE = 0x1000000
NOTE_PHYS32_ENTRY = 18


def note(kind, desc, name=b"Xen\0"):
    """An ELF note."""
    pad = -len(desc) % 4
    return struct.pack("<III", len(name), len(desc), kind) + name + desc + bytes(pad)


def elf(notes=note(NOTE_PHYS32_ENTRY, struct.pack("<Q", BASE + 16)), text=bytes(range(256)) * 16,
        memsz=0x8000, bits=64, paddr=BASE, filesz=None):
    """A kernel of one segment, with notes."""
    size = len(text) if filesz is None else filesz
    if bits == 64:
        ehdr, phdr = 64, 56
        first = ehdr + 2 * phdr
        head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, BASE, ehdr, 0,
                           0, ehdr, phdr, 2, 0, 0, 0)
        for kind, offset, length, room, addr in ((1, first, size, memsz, paddr),
                                                 (4, first + len(text), len(notes), 0, 0)):
            head += struct.pack("<IIQQQQQQ", kind, 7, offset, addr, addr, length, room, 4)
    else:
        ehdr, phdr = 52, 32
        first = ehdr + 2 * phdr
        head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 3, 1, BASE, ehdr, 0,
                           0, ehdr, phdr, 2, 0, 0, 0)
        for kind, offset, length, room, addr in ((1, first, size, memsz, paddr),
                                                 (4, first + len(text), len(notes), 0, 0)):
            head += struct.pack("<IIIIIIII", kind, offset, addr, addr, length, room, 7, 4)
    return head + text + notes


def bzimage(payload, version=0x20f, length=None, setup_sects=4):
    """What Linux's build wraps around a compressed kernel."""
    head = bytearray(((setup_sects or 4) + 1) * 512)
    head[0x1f1] = setup_sects
    head[0x1fe:0x200] = b"\x55\xaa"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, version)
    struct.pack_into("<II", head, 0x248, 100, len(payload) if length is None else length)
    return bytes(head) + bytes(100) + payload + b"what comes after"


def sized(payload, data):
    """All but gzip get the size of the data appended."""
    return payload + struct.pack("<I", len(data))


def xz(data):
    """As Linux's build calls xz."""
    return lzma.compress(data, check=lzma.CHECK_CRC32,
                         filters=[{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2}])


def zstd(data):
    """A frame of one raw block."""
    return (b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data)) +
            struct.pack("<I", len(data) << 3 | 1)[:3] + data)


def lz4(data):
    """A legacy frame of one block of literals."""
    rest = len(data) - 15
    block = b"\xf0" + b"\xff" * (rest // 255) + bytes([rest % 255]) + data
    return b"\x02\x21\x4c\x18" + struct.pack("<I", len(block)) + block


def kernels():
    """Kernel files, and what xenvm says of each."""
    good = elf()
    damaged = "damaged"
    yield "ELF64", good, LOADED
    yield "ELF32", elf(bits=32), LOADED
    yield "gzip ELF", gzip.compress(good), LOADED
    yield "bzImage of nothing compressed", bzimage(sized(good, good)), LOADED
    yield "bzImage with gzip", bzimage(gzip.compress(good)), LOADED
    yield "bzImage with xz", bzimage(sized(xz(good), good)), LOADED
    yield "bzImage with zstd", bzimage(sized(zstd(good), good)), LOADED
    yield "bzImage with lz4", bzimage(sized(lz4(good), good)), LOADED
    yield "setup_sects 0 means 4", bzimage(gzip.compress(good), setup_sects=0), LOADED
    yield "entry of 4 bytes", elf(note(NOTE_PHYS32_ENTRY, struct.pack("<I", BASE))), LOADED
    yield "entry after other notes", elf(note(6, b"linux\0") + note(1, b"x", b"GNU\0") +
                                         note(NOTE_PHYS32_ENTRY, struct.pack("<I", BASE))), LOADED
    yield "empty", b"", "empty"
    yield "text", b"#!/bin/sh\n" * 1000, "neither a bzImage nor an ELF file"
    yield "one byte", b"\x7f", "neither"
    yield "big-endian ELF", good[:5] + b"\x02" + good[6:], "neither"
    yield "bzip2", bzimage(b"BZh9" + bytes(5000)), "use gzip, xz, zstd or lz4"
    yield "unknown payload", bzimage(bytes(5000)), "use gzip, xz, zstd or lz4"
    yield "old boot protocol", bzimage(gzip.compress(good), version=0x207), "too old"
    yield "payload past the end", bzimage(gzip.compress(good), length=1 << 30), damaged
    yield "payload of no length", bzimage(gzip.compress(good), length=0), damaged
    for name, pack in (("gzip", gzip.compress), ("xz", xz), ("zstd", zstd), ("lz4", lz4)):
        yield f"half of {name}", bzimage(pack(good)[:len(pack(good)) // 2]), damaged
    yield "a flipped bit in xz", bzimage(xz(good)[:60] + b"\xff" + xz(good)[61:]), damaged
    yield "no notes", elf(b""), "PHYS32_ENTRY"
    yield "another's note", elf(note(NOTE_PHYS32_ENTRY, bytes(8), b"Xon\0")), "PHYS32_ENTRY"
    yield "a note that lies", elf(struct.pack("<III", 4, 0xfffffff0, 18) + b"Xen\0"), "PHYS32_ENTRY"
    yield "a name that lies", elf(struct.pack("<III", 0xffffffff, 4, 18) + b"Xen\0"), "PHYS32_ENTRY"
    yield "entry elsewhere", elf(note(NOTE_PHYS32_ENTRY, struct.pack("<I", 64))), damaged
    yield "segment past the file", elf(filesz=1 << 20, memsz=1 << 20), damaged
    yield "more in the file than in memory", elf(memsz=16), damaged
    yield "segment past 4 GiB", elf(paddr=1 << 40), damaged
    yield "segment that wraps", elf(paddr=(1 << 64) - 4096), damaged
    yield "program headers past the end", good[:32] + struct.pack("<Q", 1 << 62) + good[40:], \
        "no program headers"
    yield "ELF header alone", good[:64], "no program headers"
    yield "too large for the guest", elf(memsz=600 << 20), "give more --memory"
    yield "too high for any guest", \
        elf(note(NOTE_PHYS32_ENTRY, struct.pack("<I", 0xc0000000)), paddr=0xc0000000), \
        "which no guest has"
    yield "a bomb", gzip.compress(bytes(1 << 21) * 600, 1), "larger than any kernel"


# Arguments after a good kernel, the status, and what is said.
USAGE = [
    (["--memory", "0"], 2, "at least 16M"),
    (["--memory", "15M"], 2, "at least 16M"),
    (["--memory", "100000K"], 2, "multiple of 1M"),
    (["--memory", "-1"], 2, "give a size"),
    (["--memory", "1X"], 2, "give a size"),
    (["--memory", "G"], 2, "give a size"),
    (["--memory", ""], 2, "give a size"),
    (["--memory", "18446744073709551617"], 2, "give a size"),
    (["--memory", "17179869185G"], 2, "give a size"),
    (["--memory", "64M"], 1, LOADED),
    (["--memory", "65536K"], 1, LOADED),
    (["--memory", "5G"], 1, LOADED),
    (["--cpus", "0"], 2, "1 to 128"),
    (["--cpus", "129"], 2, "1 to 128"),
    (["--cpus", "1x"], 2, "1 to 128"),
    (["--cpus", " 1"], 2, "1 to 128"),
    (["--cpus", "128"], 1, LOADED),
    (["--domid", "0"], 2, "1 to 32751"),
    (["--domid", "32752"], 2, "1 to 32751"),
    (["--name", ""], 2, "1 to 255"),
    (["--name", "a\nb"], 2, "control character"),
    (["--name", "x" * 256], 2, "1 to 255"),
    (["--uuid", "ec2"], 2, "--uuid"),
    (["--uuid", "ec2e1916-9099-7caf-fd21-01234567890x"], 2, "--uuid"),
    (["--uuid", "ec2e1916-9099-7caf-fd21-012345678901"], 1, LOADED),
    (["--cmdline", "x" * 2048], 2, "longer than"),
    (["--cmdline", "x" * 2047], 1, LOADED),
    (["--console", "vga"], 2, "stdio, pty or file"),
    (["--console", "file:"], 2, "stdio, pty or file"),
    (["--console", "file:/nonexistent/x"], 1, "cannot open /nonexistent/x"),
    (["--upcall", "gsi"], 2, "vector or percpu"),
    (["--reboot", "x"], 2, "exit or restart"),
    (["--disk", ""], 2, "path is missing"),
    (["--disk", ",ro"], 2, "path is missing"),
    (["--disk", "disk,wo"], 2, "neither"),
    (["--disk", "disk,dev=floppy"], 2, "no name of a disk"),
    (["--disk", "disk,dev="], 2, "no name of a disk"),
    (["--disk", "disk,dev=xvda", "--disk", "other,dev=xvda"], 2, "two disks"),
    (["--disk", "disk"] * 65, 2, "no more than 64"),
    (["--disk", "disk", "--disk", "disk,ro,dev=xvdb"], 1, LOADED),
    (["--disk", "disk"] * 64, 1, LOADED),
    (["--disk", "nonexistent"], 1, "cannot open the disk nonexistent"),
    (["--disk", "."], 1, "disk"),
    (["--disk", "/dev/null"], 1, "neither a file nor a block device"),
    (["--initrd", "nonexistent"], 1, "cannot open the initrd"),
    (["--initrd", "disk"], 1, LOADED),
    (["--initrd", "."], 1, "is not a file"),
    (["--kernel", "nonexistent"], 1, "cannot open the kernel"),
    (["--kernel", "."], 1, "is not a file"),
    (["--kernel"], 2, "needs a value"),
    (["--bogus"], 2, "no option --bogus"),
    (["--help=1"], 2, "--help=1"),
    (["-k"], 2, "no option -k"),
    (["word"], 2, "'word' is no option"),
]


def run(*argv):
    """Run xenvm; returns the status and what it said."""
    done = subprocess.run([XENVM, *argv], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check_said(result, status, said):
    """One line on standard error, with these words."""
    got, out, err = result
    if got != status or out or said not in err or err.count("\n") != 1:
        return f"status {got}, not {status}; said {out + err!r}, not {said!r}"
    return None


def tests():
    """All tests: name and what went wrong, or None."""
    status, out, err = run("--help")
    yield "help", None if (status, err) == (0, "") and "--kernel" in out else out + err
    status, out, err = run("--version")
    yield "version", None if (status, err) == (0, "") and out.startswith("xenvm ") else out + err
    yield "no kernel", check_said(run(), 2, "--kernel FILE")

    options = ("--hypervisor-log", "/nonexistent/log")
    for name, data, said in kernels():
        with open("kernel", "wb") as file:
            file.write(data)
        yield name, check_said(run("--kernel", "kernel", *options), 1, said)

    with open("kernel", "wb") as file:
        file.write(elf())
    for argv, status, said in USAGE:
        words = " ".join(argv[:4]).replace("\n", "\\n")
        yield words[:60].replace("#", ""), \
            check_said(run("--kernel", "kernel", *options, *argv), status, said)


def main():
    """Run the tests in a directory of their own."""
    failures = number = 0
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        with open("disk", "wb") as file:
            file.truncate(1 << 20)
        print("KTAP version 1")
        for number, (name, wrong) in enumerate(tests(), 1):
            if wrong:
                failures += 1
                print(f"# {wrong}")
            print(f"{'not ok' if wrong else 'ok'} {number} {name}")
        print(f"1..{number}")
        os.chdir("/")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
