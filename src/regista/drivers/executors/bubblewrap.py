"""Confinement by bubblewrap (https://github.com/containers/bubblewrap): what a job may see of the machine.

    /usr /bin /lib* /sbin   the operating system, read-only      /proc /dev   new ones: no other process is visible
    /etc                    names, certificates, linker cache    /tmp         the attempt's own
                            (files that stay as they are: copies)
    the attempt's paths     at their own places, the shorter first, so that a folder inside another wins

The order matters: what is bound later covers what was bound before, so /tmp comes before paths that lie under it.
"""

import functools
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from regista.interfaces.executors import Attempt

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (  # folders, and what a network's set-up writes anew in its place
    *("alternatives", "crypto-policies", "hosts", "OpenCL"),
    *("pki/ca-trust", "pki/tls/certs", "resolv.conf", "ssl/certs"),
)
_ETC_COPIED = (
    *("group", "ld.so.cache", "localtime", "mime.types"),
    *("nsswitch.conf", "passwd", "services", "ssl/openssl.cnf"),
)
_PROC_CONTROLS = ("acpi", "bus", "fs", "irq", "mtrr", "scsi", "sys", "sysrq-trigger")
_HARDWARE = ("/sys/devices/system/cpu", "/sys/devices/system/node")
_ACCELERATORS = ("nvidia*", "dri", "kfd")


@functools.cache
def problem() -> str:
    """Why jobs cannot be confined here, "" when they can. Tried out once per process, with everything a job gets."""
    program = path()
    if program is None:
        return "bwrap is not installed"
    try:
        trial = [program, *_frame(network=False), "--", "/bin/true"]
        done = subprocess.run(trial, capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not run: {error}"
    said = done.stderr.decode(errors="replace").strip()
    return "" if done.returncode == 0 else f"bwrap does not work: {said or done.returncode}"


@functools.cache
def path() -> str | None:
    """Where bwrap is."""
    return shutil.which("bwrap")


@functools.cache
def copies() -> tuple[str, ...]:
    """Files that a job finds copies of at their own places: a mount costs 0.15 ms of every job, and these are small. Their
    modes are lost; nothing there can be written to."""
    return tuple(place for place in (f"/etc/{name}" for name in _ETC_COPIED) if Path(place).is_file())


def options(attempt: Attempt, *, temporary: Path, own: Iterable[Path]) -> list[str]:
    """Options of bwrap for *attempt*: *temporary* becomes its /tmp, *own* are writable besides what it asks for."""
    bound = [*_frame(network=attempt.network), "--bind", str(temporary), "/tmp", "--symlink", "../tmp", "/var/tmp"]  # noqa: S108 (the sandbox's own)
    modes = dict.fromkeys(attempt.read_only, "--ro-bind") | dict.fromkeys((*own, *attempt.writable), "--bind")
    for place in sorted(modes, key=lambda place: (len(place.parts), place)):
        bound += [modes[place], str(place), str(place)]
    return [*bound, "--remount-ro", "/"]


@functools.cache
def _frame(*, network: bool) -> tuple[str, ...]:
    frame = [
        "--die-with-parent",
        "--new-session",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--cap-drop",
        "ALL",
    ]
    if not network:
        frame.append("--unshare-net")
    for folder in map(Path, _SYSTEM):
        if folder.is_symlink():
            frame += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            frame += ["--ro-bind", str(folder), str(folder)]
    for place in (*(f"/etc/{name}" for name in _ETC), *_HARDWARE):
        if Path(place).exists():
            frame += ["--ro-bind-try", place, place]
    frame += ["--proc", "/proc", "--dev", "/dev"]
    for control in (f"/proc/{name}" for name in _PROC_CONTROLS):  # user 0 may write to these even without capabilities
        if Path(control).exists():
            frame += ["--ro-bind", control, control]
    for device in (str(device) for pattern in _ACCELERATORS for device in sorted(Path("/dev").glob(pattern))):
        frame += ["--dev-bind-try", device, device]
    return tuple(frame)
