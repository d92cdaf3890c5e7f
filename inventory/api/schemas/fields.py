"""Fields that take exactly what they say: no text for numbers, no truth for ones."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from marshmallow.types import UnknownOption

from inventory import limits

_ATTRIBUTE_NAME = re.compile(
    rf"[A-Za-z][A-Za-z0-9_-]{{0,{limits.ATTRIBUTE_NAME_CHARACTERS_MAX - 1}}}"
)
_MONEY = re.compile(
    rf"[0-9]{{1,{limits.PRICE_DIGITS_MAX}}}(\.[0-9]{{1,{limits.DECIMAL_PLACES_MAX}}})?"
)
_DIGITS = re.compile(r"[0-9]{1,12}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
# Line breaks and tabs are text; the other control characters, and halves of a surrogate pair, are
# not, and a database or a terminal would choke on them.
_UNPRINTABLE = frozenset({"Cc", "Cs"})
# Ends of lines that are no control characters; in a single line they are as much out of place.
_BREAKS = frozenset({"Zl", "Zp"})
_LAYOUT = frozenset("\n\r\t")


class StrictSchema(Schema):
    """A schema that refuses fields it does not know."""

    class Meta:
        """Refuse, do not drop."""

        unknown: UnknownOption = "raise"


def whole_number(least: int, most: int, **options: Any) -> fields.Integer:
    """Return a field for whole numbers in a range; `true`, `1.0` and `"1"` are none."""
    return fields.Integer(strict=True, validate=validate.Range(min=least, max=most), **options)


class Text(fields.String):
    """Text of bounded length without control characters; a single line unless said otherwise."""

    def __init__(
        self, characters_max: int, *, characters_min: int = 1, lines: bool = False, **options: Any
    ) -> None:
        length = validate.Length(min=characters_min, max=characters_max)
        super().__init__(validate=length, **options)
        self.lines = lines

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        check_text(text, lines=self.lines)
        if not self.lines and text and not text.strip():
            raise ValidationError("Not blank.")
        return text


def check_text(text: str, *, lines: bool = False) -> None:
    """Raise `ValidationError` where `text` holds what cannot be shown."""
    refused = _UNPRINTABLE if lines else _UNPRINTABLE | _BREAKS
    for character in text:
        if unicodedata.category(character) in refused and not (lines and character in _LAYOUT):
            raise ValidationError("Control characters are not text.")


class Items(fields.List[Any]):
    """A list that is looked into only if it has as many items as it may have."""

    def __init__(
        self, item: Any, items_max: int, *, items_min: int | None = None, **options: Any
    ) -> None:
        self._length = validate.Length(min=items_min, max=items_max)
        rules = options.pop("validate", ())
        super().__init__(item, validate=[self._length, *rules], **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._length(value)
        return super()._deserialize(value, *args, **kwargs)


class Truth(fields.Field[bool]):
    """`true` or `false`, and nothing that might be taken for one of them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Say true or false.")
        return value


class Money(fields.Field[Decimal]):
    """An exact amount, as a JSON number or as text; never rounded."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        if isinstance(value, str) and _MONEY.fullmatch(value):
            return Decimal(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ValidationError("Not a valid amount.")
        amount = Decimal(value)
        exponent = amount.as_tuple().exponent
        if not 0 <= amount < limits.PRICE_MAX:
            raise ValidationError(f"An amount is at least 0 and less than {limits.PRICE_MAX}.")
        if not isinstance(exponent, int) or exponent < -limits.DECIMAL_PLACES_MAX:
            raise ValidationError("Too many decimal places.")
        # Nobody pays minus nothing.
        return amount.copy_abs()


class Share(fields.Field[float]):
    """A number from 0 to 1; text and truths are none."""

    def __init__(self, **options: Any) -> None:
        self._range = validate.Range(min=0, max=1)
        super().__init__(validate=self._range, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ValidationError("Not a valid number.")
        # Before it becomes a float, because not every number does.
        self._range(value)
        return abs(float(value))


class Attributes(fields.Field[Mapping[str, Any]]):
    """Names with a text, a number or a truth each; in a merge patch null takes a name away."""

    def __init__(self, *, removable: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.removable = removable

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        if len(value) > limits.ATTRIBUTES_MAX:
            raise ValidationError(f"At most {limits.ATTRIBUTES_MAX} attributes.")
        problems = {}
        for name, attribute in value.items():
            try:
                self._check(name, attribute)
            except ValidationError as problem:
                problems[name[: limits.ATTRIBUTE_NAME_CHARACTERS_MAX]] = problem.messages
        if problems:
            raise ValidationError(problems)
        return value

    def _check(self, name: str, value: Any) -> None:
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise ValidationError("A name is a letter, then letters, digits, - and _.")
        if value is None and self.removable:
            return
        if isinstance(value, str):
            check_text(value, lines=True)
            if len(value) > limits.ATTRIBUTE_TEXT_CHARACTERS_MAX:
                raise ValidationError(f"At most {limits.ATTRIBUTE_TEXT_CHARACTERS_MAX} characters.")
        elif isinstance(value, int | Decimal):
            _check_number(Decimal(value))
        else:
            raise ValidationError("A value is text, a number or a truth.")


def _check_number(number: Decimal) -> None:
    """Let pass what any client's JSON parser reads without loss."""
    _, digits, exponent = number.as_tuple()
    if (
        not isinstance(exponent, int)
        or len(digits) > limits.ATTRIBUTE_DIGITS_MAX
        or not -limits.DECIMAL_PLACES_MAX <= exponent <= 0
    ):
        raise ValidationError(f"A number has at most {limits.ATTRIBUTE_DIGITS_MAX} digits.")


class QueryNumber(fields.Field[int]):
    """A whole number in a query string: decimal digits and nothing else."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not _DIGITS.fullmatch(value):
            raise ValidationError("Not a whole number.")
        return int(value)


class QueryTruth(fields.Field[bool]):
    """`true` or `false` in a query string."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Say true or false.")
        return bool(value == "true")


class Moment(fields.Field[datetime]):
    """A time in RFC 3339, with its offset: a time without one means nothing."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            if not isinstance(value, str) or not _MOMENT.fullmatch(value.upper()):
                raise ValueError(value)
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("Not a time such as 2026-01-31T12:00:00Z.") from None
