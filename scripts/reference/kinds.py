"""The kinds of device that a plan may name."""

from __future__ import annotations

from andgate.plan.kinds import KINDS, Kind, Setting
from scripts.reference.source import table


def kinds() -> str:
    """Return every kind with its keys and signals."""
    return "\n\n".join(_kind(name, kind) for name, kind in KINDS.items())


def _kind(name: str, kind: Kind) -> str:
    rows = [[f"`{key}`", _type(setting), _default(setting), setting.help] for key, setting in kind.settings.items()]
    says = ", ".join(f"`{signal}` ({occasion})" for occasion, signal in kind.signals.items()) or "nothing"
    return "\n\n".join(
        [
            f"### {name}",
            f"{kind.help[0].upper()}{kind.help[1:]}. Reports: {says}.",
            table(["key", "value", "if left out", ""], rows),
        ]
    )


def _type(setting: Setting) -> str:
    if setting.choices:
        return " or ".join(f'`"{choice}"`' for choice in setting.choices)
    return {
        "pin": "GPIO number (BCM)",
        "int": "whole number",
        "number": "number",
        "text": "text",
        "flag": "`true` or `false`",
        "words": "text",
        "hours": 'a daily span, as `"23:00-05:00"`',
        "group": "id of a group",
        "duration": 'duration, as `"4s"`',
    }[setting.type]


def _default(setting: Setting) -> str:
    if setting.required:
        return "required"
    if setting.default in {None, ""}:
        return "none"
    return f'`"{setting.default}"`' if isinstance(setting.default, str) else f"`{setting.default}`"
