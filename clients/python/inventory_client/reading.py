"""How JSON becomes the records that are asked for, by their types. Knows no record by name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any], Any]


class Unreadable(ValueError):
    """This is not what was expected; the message says where."""


def parse(body: bytes) -> Any:
    """Return what a JSON text says; numbers with a point stay exact."""
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError as error:
        raise Unreadable(f"no JSON ({error})") from None


def read(kind: type[T], found: Any) -> T:
    """Return `found` as a `kind`; raise `Unreadable`."""
    hint: Any = kind
    result: T = reader_of(hint)(found)
    return result


@cache
def reader_of(hint: Any) -> Reader:
    """Return what turns JSON into a value of this type."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if is_dataclass(hint) and isinstance(hint, type):
        return _record(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _either(arguments)
    if origin is tuple:
        return _many(reader_of(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _named(reader_of(arguments[1]))
    raise TypeError(f"{hint} cannot be read from JSON.")


def _exactly(kind: type) -> Reader:
    def read_scalar(found: Any) -> Any:
        # By type and not by instance: true is no number.
        if type(found) is not kind:
            raise Unreadable(f"{found!r:.60} is no {kind.__name__}")
        return found

    return read_scalar


def _amount(found: Any) -> Decimal:
    try:
        return Decimal(found if isinstance(found, str) else "none")
    except ArithmeticError:
        raise Unreadable(f"{found!r:.60} is no amount") from None


def _number(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | Decimal):
        raise Unreadable(f"{found!r:.60} is no number")
    return float(found)


def _moment(found: Any) -> datetime:
    try:
        read_time = datetime.fromisoformat(found)
    except (TypeError, ValueError):
        raise Unreadable(f"{found!r:.60} is no time") from None
    if read_time.utcoffset() is None:
        raise Unreadable(f"{found!r:.60} has no time zone")
    return read_time


_SCALARS: dict[Any, Reader] = {
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    float: _number,
    Decimal: _amount,
    datetime: _moment,
    Any: lambda found: found,
}


def _record(kind: type) -> Reader:
    hints = get_type_hints(kind)
    readers = {field.name: reader_of(hints[field.name]) for field in fields(kind)}

    def read_record(found: Any) -> Any:
        return kind(**read_members(kind.__name__, readers, found))

    return read_record


def read_members(whose: str, readers: Mapping[str, Reader], found: Any) -> dict[str, Any]:
    """Return the members of an object that there are readers for; others are passed over."""
    if not isinstance(found, dict):
        raise Unreadable(f"{whose} is no object")
    members = {}
    for name, reader in readers.items():
        if name not in found:
            raise Unreadable(f"{whose} has no {name}")
        try:
            members[name] = reader(found[name])
        except Unreadable as error:
            raise Unreadable(f"{whose}.{name}: {error}") from None
    return members


def _either(kinds: tuple[Any, ...]) -> Reader:
    """Return a reader of null or one kind, of the first kind that fits, or of several scalars."""
    others = tuple(kind for kind in kinds if kind is not NoneType)
    if len(others) == 1:
        reader = reader_of(others[0])
        return lambda found: None if found is None else reader(found)
    if not _SCALARS.keys() >= set(others):
        return _first(tuple(map(reader_of, others)))

    def read_as_it_is(found: Any) -> Any:
        if type(found) not in kinds:
            raise Unreadable(f"{found!r:.60} is not what was expected")
        return found

    return read_as_it_is


def _first(readers: tuple[Reader, ...]) -> Reader:
    def read_first(found: Any) -> Any:
        for reader in readers:
            try:
                return reader(found)
            except Unreadable:
                continue
        raise Unreadable("nothing that was expected")

    return read_first


def _many(reader: Reader) -> Reader:
    def read_list(found: Any) -> tuple[Any, ...]:
        if not isinstance(found, list):
            raise Unreadable("no list")
        return tuple(map(reader, found))

    return read_list


def _named(reader: Reader) -> Reader:
    def read_mapping(found: Any) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise Unreadable("no object")
        return {name: reader(value) for name, value in found.items()}

    return read_mapping
