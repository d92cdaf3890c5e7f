"""What an API key looks like, and what is kept of it."""

import re
import string

import pytest

from inventory.domain.keys import (
    ANYBODY,
    NOBODY,
    Principal,
    Scope,
    digest_of,
    hint_of,
    in_order,
    is_well_formed,
    new_secret,
)


@pytest.mark.parametrize("publishable,mark", [(False, "inv_sk_"), (True, "inv_pk_")])
def test_a_key_can_be_recognised(publishable: bool, mark: str) -> None:
    """A scanner finds keys by their prefix, and a double click takes all of one."""
    secret = new_secret(publishable=publishable)
    assert re.fullmatch(rf"{mark}[0-9A-Za-z]{{49}}", secret)
    assert is_well_formed(secret)


def test_no_two_keys_are_alike() -> None:
    """256 random bits: what is left after the prefix differs everywhere."""
    keys = {new_secret(publishable=False) for _ in range(1_000)}
    assert len(keys) == 1_000
    assert len({key[7:27] for key in keys}) == 1_000
    # Every place takes many digits but the first: 2**256 is no power of 62.
    assert all(len({key[place] for key in keys}) > 30 for place in range(8, 50))


def test_a_slip_is_noticed_without_the_database() -> None:
    """A checksum tells a key that was mistyped or cut off from one that is unknown."""
    secret = new_secret(publishable=False)
    for place, there in enumerate(secret):
        for digit in string.ascii_letters[:3] + string.digits[:3]:
            if digit != there:
                assert not is_well_formed(secret[:place] + digit + secret[place + 1 :])
    for wrong in ("", secret[:-1], secret + "a", secret.upper(), f" {secret}", "ü" * 56, "\0" * 56):
        assert not is_well_formed(wrong)


def test_what_is_kept_does_not_open_anything() -> None:
    """A digest and the beginning; neither is a key, and the beginning is mostly prefix."""
    secret = new_secret(publishable=False)
    assert len(digest_of(secret)) == 32
    assert secret.encode() not in digest_of(secret)
    assert len(hint_of(secret)) - len("inv_sk_") == 4


def test_admin_may_do_everything_and_others_what_they_name() -> None:
    """Scopes add up; nobody has none."""
    reader = Principal("x", frozenset({Scope.CATALOG_READ}), key_id="1")
    admin = Principal("y", frozenset({Scope.ADMIN}), key_id="2")
    assert [scope for scope in Scope if reader.may(scope)] == [Scope.CATALOG_READ]
    assert all(admin.may(scope) and ANYBODY.may(scope) for scope in Scope)
    assert not any(NOBODY.may(scope) for scope in Scope)
    assert in_order(["admin", "catalog:read", "admin"]) == (Scope.CATALOG_READ, Scope.ADMIN)


def test_nobody_is_taken_for_somebody_else() -> None:
    """A client may call itself anything; what tells principals apart stays different."""
    ids = {ANYBODY.id, NOBODY.id}
    ids |= {Principal(name, frozenset(), key_id="1").id for name in ("anybody", "nobody", "key:x")}
    assert len(ids) == 5
