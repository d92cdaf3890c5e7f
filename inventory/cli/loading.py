"""Commands by name, each imported when it is asked for: what the others need, it need not wait for.

Knows click and importing; where the commands are, it is told.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib import import_module

import click


class LoadedWhenAsked(MutableMapping[str, click.Command]):
    """Commands, imported from `places`, which says of each `module:name`.

    `prepare` sees each of them once, before anybody else does.
    """

    def __init__(
        self, places: Mapping[str, str], prepare: Callable[[click.Command], object]
    ) -> None:
        self._places = places
        self._prepare = prepare
        self._loaded: dict[str, click.Command | None] = dict.fromkeys(places)

    def __getitem__(self, name: str) -> click.Command:
        """Return the command of that name."""
        command = self._loaded[name]
        if command is None:
            module, _, attribute = self._places[name].partition(":")
            self[name] = command = getattr(import_module(module), attribute)
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        """Let a command have that name."""
        self._prepare(command)
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        """Leave a command out."""
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        """Tell all names, and import nothing."""
        return iter(self._loaded)

    def __len__(self) -> int:
        """Tell how many there are."""
        return len(self._loaded)
