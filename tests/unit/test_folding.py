"""Words as they are searched: folded character by character, to what they are folded to whole."""

import sys
import unicodedata

import pytest

from inventory.domain.products import fold


def whole(text: str) -> str:
    """Fold a text as Unicode describes it, decomposed as a whole."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def test_every_character() -> None:
    """Each character there is folds to the same as ever, between others."""
    for code in range(sys.maxunicode + 1):
        text = f"a\u0315{chr(code)}\u0300b"
        assert fold(text) == whole(text), hex(code)


@pytest.mark.parametrize("text", [
    "", "Air Runner", "caf\u00e9 cafe\u0301", "\u1112\u1161\u11ab", "\ufdfa", "\u0f73\u0f75" * 9,
    "Z\u0300\u0315" * 20, "\u03a3\u03c2\u0130", "\u1e9e\ufb01", "\u00e9" * 100,
])  # fmt: skip
def test_texts(text: str) -> None:
    """Texts fold to the same as ever, also where marks would change places."""
    assert fold(text) == whole(text)
