"""The technician's guide says what the programs say and do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.language import LAMP, SOUND
from scripts.reference.wiring import profiles, tables

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "technician.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def lamp_rows() -> dict[str, str]:
    """Return state -> what the buzzer does, of the table of the lamp."""
    rows = re.findall(
        r"^\| [^|]*\(`([\w-]+)`\) \|[^|]*\| ([^|]*) \|$", section("What the lamp says"), flags=re.MULTILINE
    )
    return dict(rows)


def test_every_word_of_the_lamp_is_in_the_table_and_no_other() -> None:
    assert set(lamp_rows()) == set(LAMP)


def test_the_buzzer_sounds_where_the_table_says() -> None:
    assert {name for name, sound in lamp_rows().items() if sound != "-"} == set(SOUND)


def test_the_wiring_is_that_of_the_profiles() -> None:
    assert tables() in GUIDE
    assert len(profiles()) == section("Wiring").count("\n### ")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("the broker refuses us", "edge/link.py"),
        ("cannot be reached", "edge/link.py"),
        ("chattering", "edge/devices/base.py"),
        ("stuck", "edge/devices/base.py"),
        ("no echo", "edge/devices/distance.py"),
        ("is in use by another program", "edge/devices/pins.py"),
        ("this machine has no pins through ", "edge/devices/pins.py"),
        ("never heard", "hub/web/pages/words/nodes.py"),
        ("old configuration", "hub/web/pages/words/nodes.py"),
        ("not synchronised", "hub/web/pages/words/nodes.py"),
        ("Blink it", "hub/web/pages/words/nodes.py"),
    ],
)
def test_what_the_guide_quotes_is_said_by_a_program(words: str, where: str) -> None:
    assert words in GUIDE
    assert words in (ROOT / where).read_text(encoding="utf-8")


def test_every_unit_and_script_it_names_exists() -> None:
    for unit in set(re.findall(r"andgate-[a-z]+\.service", GUIDE)):
        assert (ROOT / "systemd" / unit).exists()
    for example in set(re.findall(r"[a-z]+\.env\.example", GUIDE)):
        assert (ROOT / "systemd" / example).exists()
    assert {"prepare-card", "first-boot"} <= {path.name for path in (ROOT / "firmware_config").iterdir()}


@pytest.mark.parametrize("folder", ["systemd", "firmware_config", "firmware_config/mosquitto"])
def test_every_file_of_a_folder_is_explained_in_it(folder: str) -> None:
    said = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / folder).iterdir():
        if path.is_file() and path.name != "README.md":
            assert path.name in said or f"*{''.join(path.suffixes[-2:])}" in said, path.name


@pytest.mark.parametrize(
    "page", ["systemd/README.md", "firmware_config/README.md", "firmware_config/mosquitto/README.md"]
)
def test_every_link_of_a_folder_s_page_leads_somewhere(page: str) -> None:
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link
