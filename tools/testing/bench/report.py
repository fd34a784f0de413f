# SPDX-License-Identifier: GPL-2.0-only
"""Make tables of the benchmarks' lines, which are "PART NAME MEDIAN MEAN"."""

import sys

TITLES = {
    "read": "XS_READ",
    "write": "XS_WRITE",
    "directory": "XS_DIRECTORY, 10 names",
    "transaction": "transaction: start, write, end",
    "watch": "XS_WRITE until the watch's event",
    "getppid": "a system call that does nothing",
    "query": "an ioctl that does next to nothing",
    "hypercall-kvm": "hypercall answered by KVM",
    "hypercall-xenemu": "hypercall answered by xenemu",
    "event-unread": "event to a backend that does not read",
    "event-to-backend": "event from the guest until the backend has read it",
    "event-to-guest": "event from a backend until the guest's handler runs",
}

DIMENSIONS = {
    "nodes": "nodes elsewhere",
    "children": "children of its directory",
    "watches": "watches elsewhere",
    "watches_on_it": "watches on the node",
    "connections": "connections",
}

STORES = {
    "disk": "a guest with one disk",
    "full": "a domain with full quotas",
    "many": "1,000 guests",
}

FORMS = {
    "compact": "compact",
    "xen": "Xen's form",
    "difference": "one node",
}


def parse(lines):
    """The medians: {part: {name: median}}."""
    figures = {}
    for line in lines:
        words = line.split()
        if len(words) == 4 and words[2].isdigit():
            figures.setdefault(words[0], {})[words[1]] = int(words[2])
    return figures


def table(head, rows):
    """Print rows of strings, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    line = "  ".join("=" * width for width in widths)
    print("\n" + line)
    for row in [head, None, *rows]:
        print(line if row is None else "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths))).rstrip())
    print(line)


def title(name):
    """What a figure is of."""
    return TITLES.get(name, name)


def number(value):
    """With commas, or nothing."""
    return "" if value is None else f"{value:,}"


def compare(figures):
    """Guests of xenemu and of QEMU side by side."""
    ours, peers = figures.get("guest", {}), figures.get("qemu", {})
    rows = []
    for name in list(ours) or list(peers):
        our, peer = ours.get(name), peers.get(name)
        ratio = f"{our / peer:.2f}" if our and peer else ""
        rows.append([title(name), number(our), number(peer), ratio])
    if rows:
        table(["from a Linux guest", "xenemu", "QEMU", "ratio"], rows)


def host(figures):
    """Requests of a process of the host, by each way."""
    found = figures.get("host", {})
    names = list(dict.fromkeys(name.partition("-")[2] for name in found if "-" in name))
    if names:
        table(["from the host", "ioctl", "write and read"],
              [[title(name), number(found.get(f"ioctl-{name}")), number(found.get(f"fd-{name}"))]
               for name in names])


def scale(figures):
    """How the cost grows with what is in the store."""
    sizes, found = [], {}
    for name, value in figures.get("scale", {}).items():
        dimension, size, operation = name.rsplit("-", 2)
        found[dimension, operation, int(size)] = value
        if int(size) not in sizes:
            sizes.append(int(size))
    rows = [[f"{DIMENSIONS.get(dimension, dimension)}: {operation}",
             *(number(found.get((dimension, operation, size))) for size in sorted(sizes))]
            for dimension, operation in dict.fromkeys(key[:2] for key in found)]
    if rows:
        table(["from the host, by ioctl", *(number(size) for size in sorted(sizes))], rows)


def state(figures):
    """Bytes and instructions of a saved store."""
    found = {}
    for name, value in figures.get("state", {}).items():
        store, form, what = name.split("-")
        found.setdefault((store, form), {})[what] = value
    rows = [[f"{STORES.get(store, store)}: {FORMS.get(form, form)}",
             *(number(values.get(what)) for what in ("bytes", "save", "restore"))]
            for (store, form), values in found.items()]
    if rows:
        table(["saved and restored", "bytes", "to save", "to restore"], rows)


def single(part, head, figures):
    """What has nothing beside it."""
    rows = [[title(name), number(value)] for name, value in figures.get(part, {}).items()
            if name in TITLES]
    if rows:
        table([head, "xenemu"], rows)


def main():
    """Read the lines, print the tables."""
    figures = parse(sys.stdin)
    print("\nInstructions of the whole machine, medians:")
    compare(figures)
    single("events", "from a guest of a few instructions", figures)
    host(figures)
    single("host", "from the host, to compare with", figures)
    scale(figures)
    state(figures)


if __name__ == "__main__":
    main()
