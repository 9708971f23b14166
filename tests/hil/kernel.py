"""Debian's own kernel for the machine, the one module it lacks, and what carries them into memory; kept in build/hil.

Nothing is installed and nothing needs root: the packages are downloaded and unpacked. gpio-sim and the simulated
interrupts it needs are not in Debian 12's kernel, so they are taken out of its source (GPL, therefore never committed)
and built against its headers, as one module. A kernel that has gpio-sim of its own is used as it is.
"""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "hil"
MODULES = (
    *("virtio", "virtio_ring", "virtio_pci", "9pnet", "9pnet_virtio", "9p", "overlay", "configfs"),
    *("virtio_blk", "crc32c_generic", "ext4", "gpio-sim"),
)
"""What the machine is made of; what these need themselves is found in them."""
SOURCES = ("drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c")
OURS = "gpio-sim-and-irq"


class MissingError(Exception):
    """Something that the machine needs is not here; the message names it."""


def run(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a command; what it says, or MissingError with the last it said."""
    try:
        done = subprocess.run(
            [str(word) for word in words], cwd=cwd, check=True, text=True, stdout=-1, stderr=-2, stdin=-3
        )
    except FileNotFoundError:
        raise MissingError(f"the command {words[0]} is not here") from None
    except subprocess.CalledProcessError as failed:
        last = (failed.stdout.strip().splitlines() or ["nothing"])[-1]
        raise MissingError(f"`{' '.join(str(word) for word in words[:3])} ...` failed: {last}") from None
    return done.stdout


class Kernel:
    """A kernel in the cache: `image`, `busybox`, and `modules` in an order in which each finds what it needs."""

    def __init__(self) -> None:
        """Fetch, unpack and build what is not in the cache yet; MissingError if that cannot be done."""
        self.release = _release()
        self._base = CACHE / self.release
        self.image = self._base / "vmlinuz"
        self.busybox = self._base / "busybox"
        if not (self._base / "ready").exists():
            shutil.rmtree(self._base, ignore_errors=True)
            self._make(self._base / "workshop")
            shutil.rmtree(self._base / "workshop")
            (self._base / "ready").touch()
        self.modules = sorted((self._base / "modules").iterdir())

    def _make(self, tree: Path) -> None:
        """Keep of half a gigabyte of packages the few files that are needed."""
        _fetch(tree, "busybox-static", f"linux-image-{self.release}")
        shutil.copy(tree / "boot" / f"vmlinuz-{self.release}", self.image)
        shutil.copy(tree / "bin" / "busybox", self.busybox)
        found = {_plain(file.name.partition(".ko")[0]): file for file in (tree / "lib" / "modules").rglob("*.ko*")}
        if "gpio_sim" not in found:
            found["gpio_sim"] = _gpio_sim(tree, self.release)
        kept = self._base / "modules"
        kept.mkdir()
        for number, module in enumerate(_needed(found)):
            (kept / f"{number:02}-{module.name.partition('.ko')[0]}.ko").write_bytes(_plainly(module))

    def initramfs(self, init: str, file: Path) -> None:
        """Write what the kernel starts with: busybox, the modules, and a script that is its init."""
        folders = ("bin", "dev", "proc", "sys", "modules", "lower", "upper", "new")
        with file.open("wb") as out:
            out.write(b"".join(_entry(name, b"", stat.S_IFDIR | 0o755) for name in folders))
            # The console, before there is anything in /dev, so that init can complain.
            out.write(_entry("dev/console", b"", stat.S_IFCHR | 0o600, device=(5, 1)))
            out.write(_entry("bin/busybox", self.busybox.read_bytes(), stat.S_IFREG | 0o755))
            for module in self.modules:
                out.write(_entry(f"modules/{module.name}", module.read_bytes(), stat.S_IFREG | 0o644))
            out.write(_entry("init", f"#!/bin/busybox sh\n{init}".encode(), stat.S_IFREG | 0o755))
            out.write(_entry("TRAILER!!!", b"", 0))


def _release() -> str:
    """Return the release that Debian has now, or if it names none, one that is in the cache already."""
    found = re.search(r"Depends: linux-image-(\S+)", run("apt-cache", "depends", "linux-image-amd64"))
    if found is not None:
        return found[1]
    kept = sorted(path.parent.name for path in CACHE.glob("*/ready") if path.parent.name[0].isdigit())
    if not kept:
        raise MissingError("apt knows no package linux-image-amd64 (not Debian, or `apt-get update` never ran)")
    return kept[-1]


def _fetch(tree: Path, *packages: str) -> None:
    """Download packages and unpack them."""
    folder = tree / "packages"
    folder.mkdir(parents=True)
    run("apt-get", "download", "--quiet", *packages, cwd=folder)
    for package in folder.glob("*.deb"):
        run("dpkg-deb", "--extract", package, tree)
    shutil.rmtree(folder)


def _gpio_sim(tree: Path, release: str) -> Path:
    """Build gpio-sim for a kernel that has none."""
    version = release[: release.index(".", release.index(".") + 1)]
    common = release.replace("-amd64", "-common")
    _fetch(tree, f"linux-headers-{release}", f"linux-headers-{common}", f"linux-kbuild-{version}")
    _fetch(tree, f"linux-source-{version}")
    sources = tree / "usr" / "src"
    headers = sources / f"linux-headers-{release}"
    makefile = headers / "Makefile"  # it names its other half as if it were installed
    makefile.write_text(makefile.read_text().replace(" /usr/src/", f" {sources}/"))
    folder = tree / "module"
    folder.mkdir()
    archive = f"linux-source-{version}"
    inside = [f"{archive}/{name}" for name in SOURCES]
    packed = sources / f"{archive}.tar.xz"
    run("tar", "--extract", "--xz", "--transform", "s,.*/,,", "--file", packed, *inside, cwd=folder)
    # The one thing that modules may not call; what they may call instead does the same.
    sim = folder / "irq_sim.c"
    sim.write_text(re.sub(r"handle_simple_irq\(irq_to_desc\((\w+)\)\)", r"generic_handle_irq(\1)", sim.read_text()))
    (folder / "Kbuild").write_text(f"obj-m := {OURS}.o\n{OURS}-objs := gpio-sim.o irq_sim.o\n")
    run("make", "-C", headers, f"M={folder}", "CC=gcc", "modules")
    return folder / f"{OURS}.ko"


def _needed(found: dict[str, Path]) -> list[Path]:
    """Return the modules in an order in which each finds what it needs. One built into the kernel is left out."""
    order: dict[str, Path] = {}

    def add(name: str, ways: tuple[str, ...]) -> None:
        path = found.get(name)
        if path is not None and name not in order and name not in ways:
            for other in _depends(_plainly(path)):
                add(other, (*ways, name))
            order[name] = path

    for name in MODULES:
        add(_plain(name), ())
    return list(order.values())


def lgpio() -> Path:
    """Return a folder with lgpio from PyPI, which no PC needs but this one; MissingError if there is none."""
    folder = CACHE / f"lgpio-{sys.version_info[0]}.{sys.version_info[1]}"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        # The 0.0.0.2 that pip would take where there is no wheel is an empty placeholder.
        words = (*("install", "--quiet", "--only-binary", ":all:"), "--target", str(folder), "lgpio>=0.2.2")
        run(sys.executable, "-m", "pip", *words)
        (folder / "ready").touch()
    return folder


def _plain(name: str) -> str:
    """Return a module's name as the kernel compares it."""
    return name.replace("-", "_")


def _plainly(module: Path) -> bytes:
    """Return a module's bytes, whatever it is packed with."""
    if module.suffix == ".ko":
        return module.read_bytes()
    tool = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}[module.suffix]
    return subprocess.run([tool, "--decompress", "--stdout", module], check=True, stdout=-1).stdout


def _depends(module: bytes) -> Iterable[str]:
    """Return what a module says it needs."""
    said = re.search(rb"\0depends=([^\0]*)\0", module)
    return [] if said is None else [_plain(name) for name in said[1].decode().split(",") if name]


def _entry(name: str, body: bytes, mode: int, *, device: tuple[int, int] = (0, 0)) -> bytes:
    """Return one file as a cpio archive has it (format newc)."""
    fields = (0, mode, 0, 0, 1, 0, len(body), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + body + bytes(-len(body) % 4)
