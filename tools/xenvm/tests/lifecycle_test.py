#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How guests of xenvm start, live and end. Runs where KVM and xenemu are.

usage: lifecycle_test.py VMLINUZ MODULE...

VMLINUZ is a Linux kernel for the guest, each MODULE a module that the guest is
to load, in that order, xen-blkfront among them. The guest's user space is
busybox. Needs bed.py and console.py of tools/testing/lab beside it or in
PYTHONPATH, and xenstore-utils. Prints KTAP.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

from bed import XENVM
from console import PROMPT, Console, ConsoleError

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in /lib/*.ko; do insmod $module; done
[ -e /proc/cmdline ] && grep -q after=reboot /proc/cmdline && reboot -f
export PS1='root@guest:# ' HOME=/
while :; do setsid cttyhack sh; done
"""
# Loads and starts another kernel; the kernel's own calls, as busybox has none.
KEXEC = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int kernel = open(argv[1], O_RDONLY), initrd = open(argv[2], O_RDONLY);

	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1, argv[3], 0))
		perror("kexec_file_load");
	else
		syscall(SYS_reboot, 0xfee1dead, 672274793, 0x45584543, 0);
	return 1;
}
"""
BOOT = 400
SOCKET = "store.sock"
STOP = 120


def make_initrd(path, modules, files=()):
    """A busybox that gives a shell on the console."""
    root = tempfile.mkdtemp()
    for name in files:
        shutil.copy(name, root)
    for name in ("bin", "dev", "proc", "sys", "lib", "sbin"):
        os.mkdir(f"{root}/{name}")
    shutil.copy(shutil.which("busybox"), f"{root}/bin/busybox")
    # What the kernel calls for an orderly poweroff: init here is only a script.
    with open(f"{root}/sbin/poweroff", "w", encoding="ascii") as file:
        file.write("#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n")
    with open(f"{root}/init", "w", encoding="ascii") as file:
        file.write(INIT)
    os.chmod(f"{root}/init", 0o755)
    os.chmod(f"{root}/sbin/poweroff", 0o755)
    for number, module in enumerate(modules):
        data = open(module, "rb").read()
        if module.endswith(".xz"):
            data = subprocess.run(["xz", "-dc"], input=data, check=True,
                                  stdout=subprocess.PIPE).stdout
        with open(f"{root}/lib/{number}.ko", "wb") as file:
            file.write(data)
    subprocess.run(f"cd {root} && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1",
                   shell=True, check=True, stdout=open(path, "wb"))
    shutil.rmtree(root)


class Guest(Console):
    """A guest on a terminal of its own."""

    def __init__(self, *options, cmdline=""):
        # What xenvm itself says is wanted as well.
        super().__init__(["sh", "-c", 'exec "$0" "$@" 2>&1', *VMM, *options,
                          "--cmdline", f"console=hvc0 quiet {cmdline}"], echo=False)
        self.before = termios.tcgetattr(self.master)

    def up(self):
        """Wait for the shell."""
        self.wait_for(PROMPT, BOOT)

    def is_raw(self):
        """Is the terminal in raw mode?"""
        return not termios.tcgetattr(self.master)[3] & termios.ICANON

    def wait_raw(self, raw):
        """Wait until the terminal is, or is not, in raw mode."""
        for _ in range(300):
            if self.is_raw() == raw:
                return
            time.sleep(0.1)
        raise ConsoleError(f"the terminal is {'not ' if raw else ''}raw")

    def key(self, keys):
        """Press keys."""
        os.write(self.master, keys)

    def ends(self, status):
        """It ends with this status, and the terminal is what it was."""
        got = self.wait_end(STOP)
        if got != status:
            raise ConsoleError(f"status {got}, not {status}")
        if termios.tcgetattr(self.master)[:4] != self.before[:4]:
            raise ConsoleError("the terminal was not put back")


def expect(what, wanted):
    """Fail unless it is so."""
    if not wanted:
        raise ConsoleError(f"not so: {what}")


def store(*argv):
    """Run a XenStore client of the distribution's."""
    return subprocess.run(argv, check=True, text=True, timeout=60, stdout=subprocess.PIPE,
                          env=dict(os.environ, XENSTORED_PATH=SOCKET)).stdout


def shmem_kib():
    """Memory that memfds take."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Shmem:"))


def check_cpus(guest):
    """Eight vCPUs that all run, and what tells the guest that this is Xen."""
    expect("8 vCPUs", guest.run("nproc").strip() == "8")
    expect("it is Xen", guest.run("cat /sys/hypervisor/type").strip() == "xen")
    expect("the UUID given", guest.run("cat /sys/hypervisor/uuid").strip() == UUID)
    clocks = guest.run("cat /sys/devices/system/clocksource/clocksource0/available_clocksource")
    expect("Xen's clock", "xen" in clocks.split())
    for cpu in range(8):
        guest.run(f"taskset -c {cpu} true")


def check_memory(guest):
    """RAM below and above 4 GiB, all of which can be used."""
    kib = int(guest.run("grep MemTotal /proc/meminfo").split()[1])
    expect(f"{kib} KiB of RAM", 3800 << 10 < kib <= 4096 << 10)


def check_disk(guest):
    """What the guest writes is in the file, and the other way round."""
    data = os.urandom(1 << 20)
    with open("disk.img", "r+b") as file:
        file.seek(1 << 20)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    guest.run("dd if=/dev/xvda of=/dev/xvda bs=1M skip=1 seek=3 count=1 conv=fsync")
    with open("disk.img", "rb") as file:
        file.seek(3 << 20)
        expect("the same data", file.read(1 << 20) == data)
    expect("the second disk is read-only", guest.run("cat /sys/block/xvdf/ro").strip() == "1")


def check_store(_guest):
    """The tree as a toolstack of Xen's would have written it."""
    tree = store("xenstore-ls", "-fp")
    for line in ('/local/domain/1/name = "guest"   (n0,r1)',
                 '/local/domain/1/control/shutdown = ""   (n1)',
                 '/local/domain/1/device/vbd/51712/state = "4"   (n1,r0)',
                 '/local/domain/0/backend/vbd/1/51712/state = "4"   (n0,r1)',
                 f'/vm/{UUID}/name = "guest"   (n0,r1)',
                 '/local/domain/1/cpu/7/availability = "online"   (n0,r1)',
                 '/local/domain/1/store/ring-ref = "1044473"   (n0,r1)'):
        expect(line, line in tree)
    clients = [subprocess.Popen(["xenstore-watch", "/"], stdout=subprocess.DEVNULL,
                                env=dict(os.environ, XENSTORED_PATH=SOCKET))
               for _ in range(8)]
    expect("a node", store("xenstore-read", "/local/domain/1/domid").strip() == "1")
    for client in clients:
        client.kill()
        client.wait()
    expect("the socket is private", os.stat(SOCKET).st_mode & 0o777 == 0o600)


def check_balloon(guest):
    """Pages that the guest gives up are free, and it can have them back."""
    guest.run("dd if=/dev/zero of=/full bs=1M count=200")
    guest.run("rm /full")
    before = shmem_kib()
    store("xenstore-write", "/local/domain/1/memory/target", str(3500 << 10))
    for _ in range(60):
        if shmem_kib() < before - (50 << 10):
            break
        time.sleep(1)
    expect("memory was given up", shmem_kib() < before - (50 << 10))
    store("xenstore-write", "/local/domain/1/memory/target", str(4096 << 10))
    time.sleep(5)
    guest.run("dd if=/dev/zero of=/full bs=1M count=200 && rm /full")


def check_keys(guest):
    """Ctrl-A h helps, Ctrl-A Ctrl-A is Ctrl-A, other keys are the guest's."""
    guest.key(b"\x01h")
    guest.wait_for("Ctrl-A x ends the guest", 60)
    guest.wait_raw(True)
    # With Ctrl-A the shell goes to the start of the line.
    guest.key(b"start\x01\x01echo re-\r")
    guest.wait_for(r"re-start\n", 60)
    guest.wait_for(PROMPT, 60)
    # What says so is in the foreground by then: Ctrl-C is for it, not for the shell.
    guest.key(b"sh -c \"echo slee''ping; exec sleep 1000\"\r")
    guest.wait_for("sleeping", 60)
    guest.key(b"\x03")
    guest.wait_for(PROMPT, 60)


def check_stop(guest):
    """The terminal is the user's while xenvm is stopped."""
    os.kill(guest.process.pid, signal.SIGTSTP)
    guest.wait_raw(False)
    os.kill(guest.process.pid, signal.SIGCONT)
    guest.wait_raw(True)
    guest.run("true")


def check_sigterm(guest):
    """SIGTERM asks the guest to power off."""
    os.kill(guest.process.pid, signal.SIGTERM)
    guest.ends(0)
    expect("the socket is gone", not os.path.exists(SOCKET))


def check_restart(guest):
    """With --reboot restart it comes up again."""
    guest.up()
    guest.type("reboot -f")
    guest.wait_for("root@guest", BOOT)


def check_crash(guest):
    """A panic is told from a reboot."""
    guest.type("echo c > /proc/sysrq-trigger")
    guest.ends(11)


def check_kexec(guest):
    """Another kernel after a soft reset, with its disk and its console."""
    guest.up()
    guest.type(f"/kexec /{os.path.basename(VMLINUZ)} /initrd 'console=hvc0 quiet second'")
    guest.up()
    expect("the second kernel", "second" in guest.run("cat /proc/cmdline"))
    expect("the disk", "xvda" in guest.run("cat /proc/partitions"))
    guest.run("dd if=/dev/xvda of=/dev/null bs=1M")
    expect("its nodes", store("xenstore-read", "/local/domain/1/device/vbd/51712/state") == "4\n")


def check_poweroff(guest):
    """The guest powers off by itself."""
    guest.type("poweroff -f")
    guest.ends(0)


def check_second_signal(guest):
    """The second signal needs no guest that obeys."""
    guest.wait_raw(True)
    os.kill(guest.process.pid, signal.SIGINT)
    os.kill(guest.process.pid, signal.SIGHUP)
    guest.wait_for("was asked to power off", 60)
    guest.ends(13)


def check_quit(guest):
    """Ctrl-A x cuts the power."""
    guest.wait_raw(True)
    guest.key(b"\x01x")
    guest.ends(13)


def check_killed(guest):
    """The terminal is put back when xenvm crashes."""
    guest.wait_raw(True)
    os.kill(guest.process.pid, signal.SIGSEGV)
    guest.ends(-signal.SIGSEGV)


def check_file_console():
    """A console in a file, and a guest that reboots."""
    status = subprocess.run([*VMM, "--console", "file:console.txt", "--domid", "77",
                             "--cmdline", "console=hvc0 after=reboot"],
                            check=False, timeout=BOOT, stdin=subprocess.DEVNULL).returncode
    expect(f"status 10, not {status}", status == 10)
    with open("console.txt", encoding="ascii", errors="replace") as file:
        text = file.read()
    expect("the kernel's first words", "Linux version" in text)
    expect("and its last", "Restarting system" in text or "reboot:" in text)


def check_pty_console():
    """A console on a pseudo-terminal, which others may open and close."""
    process = subprocess.Popen([*VMM, "--console", "pty", "--xenstore-socket", SOCKET,
                                "--cmdline", "console=hvc0 quiet"],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        name = process.stderr.readline().split()[-1]
        expect("a terminal", name.startswith("/dev/pts/"))
        deadline = time.monotonic() + BOOT
        text = b""
        while b"root@guest" not in text:
            expect("a prompt in time", time.monotonic() < deadline)
            fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, b"\r")
            time.sleep(2)
            text += os.read(fd, 65536)
            os.close(fd)
        expect("its name in XenStore",
               store("xenstore-read", "/local/domain/1/console/tty").strip() == name)
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"poweroff -f\r")
        expect("status 0", process.wait(STOP) == 0)
        os.close(fd)
    finally:
        process.kill()


UUID = "ec2e1916-9099-7caf-fd21-012345678901"
BIG = ["--cpus", "8", "--memory", "4G", "--uuid", UUID,
       "--disk", "disk.img", "--disk", "other.img,ro,dev=xvdf", "--xenstore-socket", SOCKET]

# Each guest with what is done to it, in order. Without options: no guest yet.
SCRIPTS = [
    (BIG, [Guest.up, check_cpus, check_memory, check_disk, check_store, check_balloon,
           check_keys, check_stop, check_sigterm]),
    (["--reboot", "restart"], [check_restart, check_crash]),
    ([], [check_second_signal]),
    ([], [check_quit]),
    ([], [check_killed]),
    (None, [check_file_console]),
    (None, [check_pty_console]),
    (["--initrd", "initrd-kexec", "--disk", "disk.img", "--xenstore-socket", SOCKET],
     [check_kexec, check_poweroff]),
]


def run_script(options, steps, number):
    """Run one guest's steps; the rest of them fail after one has."""
    guest = None
    failed = 0
    for step in steps:
        name = step.__name__.removeprefix("check_")
        number += 1
        try:
            if failed:
                raise ConsoleError("an earlier step failed")
            if options is None:
                step()
            else:
                guest = guest or Guest(*options)
                step(guest)
            print(f"ok {number} {name}", flush=True)
        except (ConsoleError, OSError, subprocess.SubprocessError) as error:
            failed += 1
            print(f"# {error}")
            if guest:
                print("# " + guest.text[-2000:].replace("\n", "\n# "))
            print(f"not ok {number} {name}", flush=True)
    if guest:
        guest.kill()
    return number, failed


def main():
    """All, or those scripts whose numbers are in ONLY."""
    only = [int(word) for word in os.environ.get("ONLY", "").split()]
    scripts = [script for i, script in enumerate(SCRIPTS) if not only or i in only]
    make_initrd("initrd", sys.argv[2:])
    subprocess.run(["gcc", "-static", "-w", "-o", "kexec", "-x", "c", "-"], input=KEXEC,
                   text=True, check=True)
    make_initrd("initrd-kexec", sys.argv[2:], ["initrd", "kexec", VMLINUZ])
    for name in ("disk.img", "other.img"):
        with open(name, "wb") as file:
            file.truncate(16 << 20)
    print(f"KTAP version 1\n1..{sum(len(steps) for _, steps in scripts)}", flush=True)
    number = failures = 0
    for options, steps in scripts:
        number, failed = run_script(options, steps, number)
        failures += failed
    return 1 if failures else 0


if __name__ == "__main__":
    VMLINUZ = sys.argv[1]
    VMM = [*XENVM, "--kernel", VMLINUZ, "--initrd", "initrd"]
    sys.exit(main())
