"""The documents are true and whole."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from andgate.plan.kinds import KINDS as DEVICE_KINDS
from andgate.plan.parse import parse_plan
from andgate.plan.tables import Table
from andgate.wire.messages import FeedSignal, NodeSignal
from andgate.wire.topics import KINDS as TOPIC_KINDS
from cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FOLDERS = ["andgate", "bench", "cli", "docs", "edge", "firmware_config", "hub", "scripts", "systemd", "tests", "twin"]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```|<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_key_of_a_plan_is_documented(monkeypatch: pytest.MonkeyPatch, airport_toml: str) -> None:
    asked: set[str] = set()
    close = Table.close

    def watch(table: Table) -> None:
        if "devices" not in table.path and table.path[-1:] not in {("holds",), ("signals",)}:
            asked.update(table.asked)
        close(table)

    monkeypatch.setattr(Table, "close", watch)
    parse_plan(airport_toml)
    documented = set(re.findall(r"^\| `(\w+)`", text("docs/reference/plan.md"), flags=re.MULTILINE))
    headings = set(
        re.findall(r"[\w-]+", " ".join(re.findall(r"^#+ .*$", text("docs/reference/plan.md"), re.MULTILINE)))
    )
    assert asked - documented - headings == set()


@pytest.mark.parametrize("kind", DEVICE_KINDS)
def test_every_kind_of_device_is_documented(kind: str) -> None:
    assert f"\n### {kind}\n" in text("docs/reference/plan.md")


@pytest.mark.parametrize("kind", TOPIC_KINDS)
def test_every_topic_is_documented(kind: str) -> None:
    owner, slash, said = kind.partition("/")
    assert re.search(rf"^\| `{owner}(/[A-Z]+)?{slash}{said}`", text("docs/reference/mqtt.md"), flags=re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"\n## andgate {name}\n" in text("docs/reference/commands.md")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_is_on_the_map(folder: str) -> None:
    assert f"`{folder}/`" in text("docs/developing.md")


def test_the_map_has_every_folder() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    tops = {name.partition("/")[0] for name in listed if "/" in name and not name.startswith(".")}
    assert tops - set(FOLDERS) == set()


def test_the_map_has_every_room_of_the_hub() -> None:
    rooms = {file.parent.name for file in ROOT.glob("hub/*/__init__.py")}
    assert set(re.findall(r"^\| `hub/(\w+)/` \|", text("docs/developing.md"), flags=re.MULTILINE)) == rooms


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), flags=re.MULTILINE))
    named = {
        word
        for page in PAGES
        for line in re.findall(r"(?:^ {4}|`)make ([^\n`#]*)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for word in re.split(r"\s+", re.sub(r'\w+=("[^"]*"|\S*)', "", line).strip())
        if word
    }
    assert named - targets == set()
    assert {"demo", "test", "install"} <= named


def test_make_help_lists_every_target() -> None:
    targets = set(re.search(r"^\.PHONY: (.*)$", text("Makefile"), flags=re.MULTILINE)[1].split())  # type: ignore[index]
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets == set(re.findall(r"^  ([a-z-]+) ", listed, flags=re.MULTILINE))


def test_the_generated_files_are_up_to_date() -> None:
    subprocess.run([sys.executable, "-m", "scripts.reference", "--check"], cwd=ROOT, check=True)


def test_every_extra_that_the_command_names_exists() -> None:
    extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
    assert {command.extra for command in COMMANDS.values()} - {""} <= set(extras)


def test_constraints_name_no_registry() -> None:
    lines = [line for line in text("constraints.txt").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.]+", line) for line in lines)


def test_the_examples_of_signals_are_right() -> None:
    shown = [
        *re.findall(r"feed/\w+/signal \\\n\s+-m '(.*)'", text("docs/reference/mqtt.md")),
        *re.findall(r"/signals .*\\\n\s+-d '(.*)'", text("docs/reference/http.md")),
    ]
    assert len(shown) == 3
    for example in shown:
        msgspec.json.decode(example, type=FeedSignal)
    (pressed,) = re.findall(r"node/[\w-]+/signal \\\n\s+-m '(.*)'", text("docs/reference/mqtt.md"))
    msgspec.json.decode(pressed, type=NodeSignal)
