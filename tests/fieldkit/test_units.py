"""The units say what the programs understand, and are as closed as they can be."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import parser

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
PROGRAMS = [path for path in SERVICES if path.stem != "andgate-backup"]
"""Those that run on; a backup has an end."""
SPECIFIERS = {"%S": "/var/lib", "%t": "/run", "%d": "/run/credentials/unit", "%l": "desk-a1"}
analyze = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(analyze is None, reason="systemd-analyze is not installed")


def settings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield every key and value of a unit, in order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield key, value


def values(path: Path, key: str) -> list[str]:
    return [value for name, value in settings(path) if name == key]


def environment(path: Path) -> dict[str, str]:
    """Return what the unit sets itself, and over it what its example file sets."""
    found = dict(word.partition("=")[::2] for value in values(path, "Environment") for word in value.split())
    for file in values(path, "EnvironmentFile"):
        example = UNITS / f"{Path(file).name}.example"
        found.update(settings(example))
    return found


def command_line(path: Path) -> list[str]:
    """Return the words of ExecStart as systemd would make them: ``${X}`` is one word, a ``$X`` alone is split."""
    (line,) = values(path, "ExecStart")
    known = environment(path)
    for specifier, value in SPECIFIERS.items():
        line = line.replace(specifier, value)
        known = {name: text.replace(specifier, value) for name, text in known.items()}
    words: list[str] = []
    for word in line.split():
        alone = re.fullmatch(r"\$(\w+)", word)
        words += shlex.split(known[alone[1]]) if alone else [re.sub(r"\$\{(\w+)\}", lambda m: known[m[1]], word)]
    return words


def test_there_is_a_unit_for_each_program_on_a_machine_of_its_own() -> None:
    assert [path.stem for path in PROGRAMS] == ["andgate-edge", "andgate-hub", "andgate-kiosk"]


@pytest.mark.parametrize("name", ["hub", "edge"])
def test_the_program_understands_the_unit_s_command_line(name: str) -> None:
    program, command, *words = command_line(UNITS / f"andgate-{name}.service")
    assert (program, command) == ("/opt/andgate/bin/andgate", name)
    understood = parser(name).parse_args(words)
    assert str(understood.data) == f"/var/lib/andgate-{name}"


def test_the_hub_s_command_line_makes_a_configuration_that_may_listen() -> None:
    hub = pytest.importorskip("hub.__main__")
    config = hub.config_of(parser("hub").parse_args(command_line(UNITS / "andgate-hub.service")[2:]))
    config.check()
    assert not config.listen.loopback
    assert config.broker.username == "andgate.hub"


def test_a_node_is_named_after_its_host_unless_told() -> None:
    unit = UNITS / "andgate-edge.service"
    understood = parser("edge").parse_args(command_line(unit)[2:])
    assert understood.node == "desk-a1"
    assert understood.ca == "/etc/andgate/ca.crt"
    assert understood.pins == "lgpio"


def test_the_screen_s_browser_gets_one_address() -> None:
    words = command_line(UNITS / "andgate-kiosk.service")
    assert words[:3] == ["/usr/bin/cage", "--", "/usr/bin/chromium"]
    assert [word for word in words if "://" in word] == words[-1:]


@pytest.mark.parametrize("unit", PROGRAMS, ids=lambda path: path.stem)
def test_it_comes_back_whatever_ends_it(unit: Path) -> None:
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    assert values(unit, "WantedBy") == ["multi-user.target"]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.stem)
def test_a_unit_promises_no_word_that_its_program_does_not_say(unit: Path) -> None:
    """Nothing here speaks to systemd: with Type=notify it would never be up, with a watchdog it would be killed."""
    sources = [path for folder in ("hub", "edge", "cli") for path in (ROOT / folder).rglob("*.py")]
    speaks = any("NOTIFY_SOCKET" in path.read_text(encoding="utf-8") for path in sources)
    if not speaks:
        assert values(unit, "Type") == ["exec" if unit in PROGRAMS else "oneshot"]
        assert values(unit, "WatchdogSec") == []


def test_the_nightly_backup_is_of_the_hub_s_data_and_by_the_hub_s_user() -> None:
    unit, hub = UNITS / "andgate-backup.service", UNITS / "andgate-hub.service"
    program, command, *words = command_line(unit)
    assert (program, command) == ("/opt/andgate/bin/andgate", "backup")
    understood = parser("backup").parse_args(words)
    (data,) = values(hub, "StateDirectory")
    assert str(understood.data) == f"/var/lib/{data}"
    assert [str(understood.data.name), understood.to.name] == values(unit, "StateDirectory")[0].split()
    # Two units share a dynamic user, and so the data, by its name; the hub's is its unit's.
    assert (values(unit, "DynamicUser"), values(unit, "User")) == (["yes"], [hub.stem])
    assert (values(hub, "DynamicUser"), values(hub, "User")) == (["yes"], [])
    (old,) = values(unit, "ExecStartPost")
    assert "-name andgate-*.andgate" in old, "nothing but backups goes"


def test_the_backup_s_timer_begins_it_every_night_and_makes_up_for_a_missed_one() -> None:
    timer = UNITS / "andgate-backup.timer"
    (at,) = values(timer, "OnCalendar")
    assert at.startswith("*-*-* 03:"), "the hour of the least passengers"
    assert values(timer, "Persistent") == ["yes"]
    assert values(timer, "WantedBy") == ["timers.target"]
    assert values(timer, "Unit") == [], "systemd begins the service of the same name"


@pytest.mark.parametrize("name", ["hub", "edge"])
def test_a_clean_stop_is_given_more_time_than_it_takes(name: str) -> None:
    from edge.app import STOP_S  # noqa: PLC0415 - one number

    (seconds,) = values(UNITS / f"andgate-{name}.service", "TimeoutStopSec")
    assert int(seconds) > STOP_S


def test_the_node_keeps_what_hardening_would_take_from_it() -> None:
    unit = UNITS / "andgate-edge.service"
    said = dict(settings(unit))
    assert "PrivateDevices" not in said, "it hides /dev/gpiochip*"
    assert "ProcSubset" not in said, "it hides /proc/sys/kernel/random/boot_id and /proc/device-tree"
    assert "ProtectClock" not in said, "it forbids adjtimex, by which the node asks whether its clock is right"
    allowed = [value for value in values(unit, "SystemCallFilter") if not value.startswith("~")][-1]
    assert "clock_adjtime" in allowed.split()
    assert all(value.startswith("char-") for value in values(unit, "DeviceAllow")), "paths know no wildcards"
    assert said["WorkingDirectory"] == "%t/andgate-edge", "lgpio makes a pipe there"
    assert "LG_WD=%t/andgate-edge" in said["Environment"]
    assert "network-online.target" not in unit.read_text(encoding="utf-8"), "a press does not wait for a network"


@pytest.mark.parametrize("path", sorted(UNITS.rglob("*.example")), ids=lambda path: path.name)
def test_an_example_has_no_password_that_works(path: Path) -> None:
    for key, value in settings(path):
        assert "@" not in value or ":CHANGE-ME@" in value, f"{path.name}: {key}"


@pytest.fixture
def runnable(tmp_path: Path) -> Path:
    """Return a folder with the units, their programs replaced by ones that are on every machine."""
    shutil.copy(UNITS / "andgate-backup.timer", tmp_path)
    for unit in SERVICES:
        text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    return tmp_path


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.stem)
def test_systemd_finds_nothing_wrong(unit: Path, runnable: Path) -> None:
    done = subprocess.run(
        [str(analyze), "verify", str(runnable / unit.name)], capture_output=True, text=True, timeout=60, check=False
    )
    # It ends with 0 also where it does not know a key: only its words tell.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_timer(runnable: Path) -> None:
    done = subprocess.run(
        [str(analyze), "verify", str(runnable / "andgate-backup.timer")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_broker_s_drop_in(tmp_path: Path) -> None:
    drop_in = tmp_path / "mosquitto.service.d"
    drop_in.mkdir()
    shutil.copy(UNITS / "mosquitto.service.d" / "andgate.conf", drop_in)
    unit = tmp_path / "mosquitto.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    done = subprocess.run(
        [str(analyze), "verify", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize(("name", "at_most"), [("hub", 15), ("edge", 25), ("backup", 10)])
def test_it_is_as_closed_as_it_was(name: str, at_most: int, runnable: Path) -> None:
    """Systemd's own measure of what a unit leaves open, in tenths: 15 is 1.5 of 10."""
    done = subprocess.run(
        [
            str(analyze),
            "security",
            "--offline=true",
            f"--threshold={at_most}",
            str(runnable / f"andgate-{name}.service"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": ""},
    )
    assert done.returncode == 0, done.stdout[-200:]
