"""A card is prepared and a node made of it, in a folder: nothing here touches this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware_config"
BROKER = "mqtts://desk-a1:s3cret%40@hub.example:8883"


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """Return a copy of what the scripts need, with a wheel that is none."""
    kit = tmp_path / "kit"
    shutil.copytree(FIRMWARE, kit / "firmware_config")
    shutil.copytree(ROOT / "systemd", kit / "systemd")
    (kit / "dist").mkdir()
    (kit / "dist" / "andgate-0.0.0-py3-none-any.whl").touch()
    return kit


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """Return a card's boot partition as it is freshly written."""
    boot = tmp_path / "boot"
    boot.mkdir()
    (boot / "config.txt").write_text("dtparam=audio=on\n[cm4]\notg_mode=1\n", encoding="utf-8")
    return boot


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    """Return the root of a Pi's system."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 raspberrypi\n", encoding="utf-8")
    (root / "etc" / "fstab").write_text(
        "proc /proc proc defaults 0 0\n"
        "PARTUUID=1-01 /boot/firmware vfat defaults 0 2\n"
        "PARTUUID=1-02 / ext4 defaults 0 1\n",
        encoding="utf-8",
    )
    return root


def prepare(kit: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(kit / "firmware_config" / "prepare-card"), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def first_boot(boot: Path, pi: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run it as on a Pi whose packages are there; python3 and dpkg only write down what they are told."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    log = tmp_path / "log"
    (tools / "dpkg").write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    (tools / "python3").write_text(
        f'#!/bin/sh\necho "python3 $*" >>{log}\nfor last; do :; done\nmkdir -p "$last/bin"\n'
        f'printf \'#!/bin/sh\\necho "pip $*" >>{log}\\n\' >"$last/bin/python"\nchmod +x "$last/bin/python"\n',
        encoding="utf-8",
    )
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return subprocess.run(
        ["sh", str(boot / "andgate" / "first-boot")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": f"{tools}:/usr/bin:/bin", "ANDGATE_ROOT": str(pi)},
    )


def test_a_prepared_card_becomes_a_node(kit: Path, boot: Path, pi: Path, tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text("authority", encoding="utf-8")
    prepared = prepare(kit, boot, "desk-a1", "check-in-desk", BROKER, ca)
    assert (prepared.returncode, prepared.stderr) == (0, "")

    made = first_boot(boot, pi, tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    etc = pi / "etc"
    assert (etc / "hostname").read_text(encoding="utf-8") == "desk-a1\n"
    assert "127.0.1.1 desk-a1" in (etc / "hosts").read_text(encoding="utf-8")
    assert "raspberrypi" not in (etc / "hosts").read_text(encoding="utf-8")
    settings = (etc / "andgate" / "edge.env").read_text(encoding="utf-8").splitlines()
    assert settings[1:] == [
        "ANDGATE_NODE=desk-a1",
        f"ANDGATE_BROKER={BROKER}",
        "ANDGATE_OPTIONS=--ca /etc/andgate/ca.crt",
    ]
    assert (etc / "andgate" / "edge.env").stat().st_mode & 0o777 == 0o600
    assert (etc / "andgate" / "ca.crt").read_text(encoding="utf-8") == "authority"
    fstab = (etc / "fstab").read_text(encoding="utf-8").splitlines()
    assert fstab[2].split()[3] == "defaults,noatime,commit=60"
    assert fstab[1] == "PARTUUID=1-01 /boot/firmware vfat defaults 0 2"
    for folder in ("journald.conf.d", "timesyncd.conf.d", "system.conf.d"):
        assert (etc / "systemd" / folder / "andgate.conf").exists()
    wanted = etc / "systemd" / "system" / "multi-user.target.wants" / "andgate-edge.service"
    assert wanted.resolve() == (etc / "systemd" / "system" / "andgate-edge.service").resolve()
    told = (tmp_path / "log").read_text(encoding="utf-8")
    assert f"python3 -m venv --system-site-packages {pi}/opt/andgate" in told
    assert "andgate-0.0.0-py3-none-any.whl[edge]" in told


def test_no_password_stays_on_the_boot_partition(kit: Path, boot: Path, pi: Path, tmp_path: Path) -> None:
    prepare(kit, boot, "desk-a1", "check-in-desk", "mqtt://desk-a1:s3cret@hub.example")
    assert first_boot(boot, pi, tmp_path).returncode == 0
    left = b"".join(path.read_bytes() for path in boot.rglob("*") if path.is_file())
    assert b"s3cret" not in left


def test_both_scripts_can_be_run_again(kit: Path, boot: Path, pi: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert prepare(kit, boot, "belt-3", "belt", "mqtt://belt-3:s3cret@hub.example").returncode == 0
    config = (boot / "config.txt").read_text(encoding="utf-8")
    for name in ("andgate-node.txt", "andgate-pins.txt", "andgate-sign.txt"):
        assert config.count(f"[all]\ninclude {name}\n") == 1, (
            "under [all]: an open [cm4] would hide it from other boards"
        )
        assert (boot / name).exists()
    assert first_boot(boot, pi, tmp_path).returncode == 0
    before = {path: path.read_bytes() for path in (pi / "etc").rglob("*") if path.is_file()}
    assert first_boot(boot, pi, tmp_path).returncode == 0, "the settings are on the Pi by now"
    assert {path: path.read_bytes() for path in (pi / "etc").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Desk A1", "belt", "mqtt://h"], "is no node id"),
        (
            ["desk-a1", "toaster", "mqtt://h"],
            "there are: belt break-room check-in-desk kiosk-help mark-beam mark-distance pager-mast radio-voice",
        ),
        (["desk-a1", "belt", "https://h"], "is no broker"),
        (["desk-a1", "belt", "mqtts://h"], "ca.crt"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(kit: Path, boot: Path, words: list[str], said: str) -> None:
    refused = prepare(kit, boot, *words)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "include" not in (boot / "config.txt").read_text(encoding="utf-8")


def test_a_folder_that_is_no_boot_partition_is_left_alone(kit: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert "is it the card's boot partition?" in prepare(kit, elsewhere, "desk-a1", "belt", "mqtt://h").stderr
    assert list(elsewhere.iterdir()) == []


def test_a_pi_without_settings_is_told_what_is_missing(kit: Path, boot: Path, pi: Path, tmp_path: Path) -> None:
    prepare(kit, boot, "desk-a1", "belt", "mqtt://h")
    (boot / "andgate" / "node.env").unlink()
    missing = first_boot(boot, pi, tmp_path)
    assert missing.returncode == 1
    assert "prepare the card with prepare-card" in missing.stderr
