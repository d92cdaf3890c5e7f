"""The README tells the truth about the settings."""

import re
from dataclasses import fields
from pathlib import Path

from inventory.settings import OUTSIDE_VARIABLES, Settings

README = (Path(__file__).parents[2] / "README.md").read_text()


def documented() -> dict[str, tuple[str, str]]:
    """Return default and meaning of every variable in the README's tables."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", README, re.MULTILINE)
    return {name: (default.strip("`"), meaning) for name, default, meaning in rows}


def test_every_setting_is_in_the_readme() -> None:
    """Name, default and meaning of each setting stand in the README as they are in the code."""
    expected = dict(OUTSIDE_VARIABLES)
    for option in fields(Settings):
        default = str(option.default)
        if isinstance(option.default, bool):
            default = "on" if option.default else "off"
        if option.default == () or isinstance(option.default, frozenset):
            default = ",".join(option.default) or "none"
        if option.name == "proxy_networks":
            default = "private networks"
        expected[option.metadata["variable"]] = (default, option.metadata["doc"])
    assert documented() == expected
