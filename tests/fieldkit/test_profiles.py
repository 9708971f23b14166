"""Every wiring profile is a part of a plan, on the pins that its table and its boot fragment say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from andgate.plan.kinds import KINDS
from andgate.plan.model import Device, Plan
from andgate.plan.parse import parse_plan
from scripts.reference.wiring import FOLDER, Profile, profiles

ROOT = Path(__file__).parents[2]
PROFILES = profiles()
SPI0 = {7, 8, 9, 10, 11}
SHARED = {0, 1, 2, 3, 14, 15}
SITE = """
[site]
id = "agx"
name = "Andgate International"
timezone = "Europe/Rome"
[channels.radio]
url = "mqtt://"
[groups.staff]
name = "Staff"
channels = ["radio"]
"""
OUTPUTS = {"lamp", "trigger", "beacon", "buzzer", "ptt"}


def fragment(name: str) -> str:
    return (FOLDER / f"{name}.plan.toml").read_text(encoding="utf-8")


def plan_of(name: str) -> Plan:
    """Return a plan of the profile's nodes and the least that they need around them."""
    text = fragment(name)
    places = sorted(set(re.findall(r'^touchpoint = "([\w-]+)"', text, flags=re.MULTILINE)))
    floor = "".join(f'[touchpoints.{place}]\nname = "{place}"\ngroup = "staff"\n' for place in places)
    return parse_plan(SITE + floor + text)


def devices(plan: Plan) -> dict[str, Device]:
    return {name: device for node in plan.nodes.values() for name, device in node.devices.items()}


def is_output(device: Device, key: str) -> bool:
    return key in OUTPUTS or device.kind in {"lamp", "buzzer"}


def boot_pins(text: str) -> dict[int, str]:
    """Return GPIO -> what config.txt sets it to, of every ``gpio=`` line."""
    pins: dict[int, str] = {}
    for numbers, said in re.findall(r"^gpio=([\d,]+)=(\w+,\w+)$", text, flags=re.MULTILINE):
        for number in numbers.split(","):
            assert int(number) not in pins, f"GPIO {number} is set twice"
            pins[int(number)] = said
    return pins


def test_there_is_a_profile_for_every_kind_of_place() -> None:
    assert set(PROFILES) == {
        "belt",
        "break-room",
        "check-in-desk",
        "kiosk-help",
        "mark-beam",
        "mark-distance",
        "pager-mast",
        "radio-voice",
    }
    assert {path.name.split(".", 1)[0] for path in FOLDER.iterdir()} == set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_it_is_one_node_of_a_valid_plan(name: str) -> None:
    plan = plan_of(name)
    assert len(plan.nodes) == 1
    assert devices(plan)


@pytest.mark.parametrize("name", PROFILES)
def test_the_wiring_names_every_pin_of_the_plan_and_no_other(name: str) -> None:
    planned = {
        (device.id, key, device.settings[key])
        for device in devices(plan_of(name)).values()
        for key, setting in KINDS[device.kind].settings.items()
        if setting.type == "pin" and device.settings.get(key) is not None
    }
    assert {(wire.device, wire.key, wire.gpio) for wire in PROFILES[name].wires if wire.key != "spi"} == planned


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_no_pin_is_taken_twice_or_shared_with_the_board(profile: Profile) -> None:
    taken = [wire.gpio for wire in profile.wires]
    assert len(set(taken)) == len(taken)
    assert not set(taken) & SHARED
    assert {wire.gpio for wire in profile.wires if wire.key == "spi"} <= SPI0
    if "andgate-sign.txt" in profile.extra:
        assert not {wire.gpio for wire in profile.wires if wire.key != "spi"} & SPI0


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_header_pins_are_where_the_board_has_them(profile: Profile) -> None:
    header = MockFactory(revision="c03111").board_info.headers["J8"].pins
    for wire in profile.wires:
        assert header[wire.header].name == f"GPIO{wire.gpio}"
        grounds = [int(pin) for pin in re.findall(r"ground, pin (\d+)", wire.note)]
        assert all(header[pin].name == "GND" for pin in grounds)
        assert all(header[int(pin)].name == "5V" for pin in re.findall(r"5 V, pin (\d+)", wire.note))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_no_two_things_are_screwed_to_one_pin(profile: Profile) -> None:
    """A technician clamps one wire to a pin: each ground in a profile is another one."""
    used = [int(pin) for wire in profile.wires for pin in re.findall(r"(?:ground|V|to), pin (\d+)", wire.note)]
    assert len(set(used)) == len(used)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_wires_of_a_profile_differ_by_colour(profile: Profile) -> None:
    colours = [wire.colour for wire in profile.wires]
    assert len(set(colours)) == len(colours)
    assert not {"red", "black"} & set(colours), "red and black are supply and ground"


@pytest.mark.parametrize("name", PROFILES)
def test_from_power_on_inputs_are_pulled_and_outputs_dark(name: str) -> None:
    said = boot_pins((FOLDER / f"{name}.config.txt").read_text(encoding="utf-8"))
    plan = devices(plan_of(name))
    wanted = {}
    for wire in PROFILES[name].wires:
        if wire.key == "spi":
            continue
        device = plan[wire.device]
        if is_output(device, wire.key):
            wanted[wire.gpio] = "op,dl"
            assert wire.gpio >= 9, "the chip itself pulls GPIO 0 to 8 up, before config.txt is read"
        elif wire.key == "echo" or device.settings.get("active") == "high":
            wanted[wire.gpio] = "ip,pd"
        else:
            wanted[wire.gpio] = "ip,pu"
    assert said == wanted


@pytest.mark.parametrize("name", PROFILES)
def test_a_sign_of_modules_brings_its_bus(name: str) -> None:
    modules = [d for d in devices(plan_of(name)).values() if d.settings.get("driver") == "max7219"]
    assert ("andgate-sign.txt" in PROFILES[name].extra) == bool(modules)
    for sign in modules:
        assert int(sign.settings["width"]) % 8 == 0
        assert int(sign.settings["height"]) % 8 == 0


def test_the_help_button_closes_what_it_opened() -> None:
    plan = parse_plan(
        SITE
        + '[touchpoints.kiosks]\nname = "Kiosks"\ngroup = "staff"\n'
        + fragment("kiosk-help")
        + '[expectations.help]\npromise = "I get help within two minutes."\ntouchpoints = ["kiosks"]\n'
        + 'opens = ["called"]\ncloses = ["helped", "withdrawn"]\nfails_after = "2m"\n'
        + '[[expectations.help.pages]]\nleft = "2m"\ngroup = "staff"\n'
    )
    reported = {signal for device in devices(plan).values() for signal in device.signals.values()}
    assert reported == {"called", "helped", "withdrawn"}


def test_boot_fragments_say_only_what_config_txt_knows() -> None:
    known = re.compile(
        r"(gpio|dtparam|dtoverlay|camera_auto_detect|enable_uart|boot_delay|disable_splash|max_framebuffers)="
    )
    for path in [*(ROOT / "firmware_config" / "boot").iterdir(), *FOLDER.glob("*.config.txt")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert len(line) < 98 or line.startswith("#"), "longer lines are cut off by older firmware"
            assert not line or line.startswith("#") or known.match(line), f"{path.name}: {line}"
