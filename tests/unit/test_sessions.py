"""What a session's token looks like, and what follows from it."""

import re

import pytest

from inventory.domain.keys import is_well_formed
from inventory.domain.sessions import csrf_token_of, is_csrf_token_of, is_token, new_token


def test_a_token_can_be_recognised() -> None:
    """A scanner finds it by its prefix; it is 256 random bits, and no key."""
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == len({token[7:23] for token in tokens}) == 1_000
    for token in tokens:
        assert re.fullmatch(r"inv_ss_[0-9a-f]{64}", token)
        assert is_token(token)
        assert not is_well_formed(token)


@pytest.mark.parametrize("change", [str.upper, lambda t: t[:-1], lambda t: t + "0", lambda _: ""])
def test_what_is_no_token_is_not_looked_for(change: object) -> None:
    """Nobody asks the database of what cannot be one."""
    assert callable(change)
    assert not is_token(change(new_token()))


def test_a_csrf_token_is_of_one_session() -> None:
    """It follows from the token of its session, tells nothing of it, and fits no other."""
    one, other = new_token(), new_token()
    said = csrf_token_of(one)
    assert said == csrf_token_of(one) != csrf_token_of(other)
    assert is_csrf_token_of(one, said)
    for wrong in ("", "é", "\ud800", one, said[:-1], said.upper(), csrf_token_of(other)):
        assert not is_csrf_token_of(one, wrong)
