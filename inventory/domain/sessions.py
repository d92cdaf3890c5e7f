"""Sessions of browsers: what one looks like, how long it lasts, and how its page proves itself."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

_MARK = "inv_ss_"
_RANDOM_BYTES = 32
_WRITTEN = re.compile(rf"{_MARK}[0-9a-f]{{{_RANDOM_BYTES * 2}}}")
# What the CSRF token says; what makes it one of this session is the key that it is made with.
_CSRF = b"inventory csrf"


@dataclass(frozen=True, slots=True)
class Session:
    """What is kept of a session: the digest of its token, and whose key it stands for.

    It holds no key, so it is worth nothing any more once its key has ended.
    """

    digest: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime


def new_token() -> str:
    """Return a new token: a prefix that scanners recognise, and 256 random bits."""
    return _MARK + secrets.token_hex(_RANDOM_BYTES)


def is_token(text: str) -> bool:
    """Tell whether this can be a token at all."""
    return _WRITTEN.fullmatch(text) is not None


def csrf_token_of(token: str) -> str:
    """Return what a page of ours has to say beside the cookie, which it cannot read itself."""
    return hmac.new(token.encode(), _CSRF, hashlib.sha256).hexdigest()


def is_csrf_token_of(token: str, said: str) -> bool:
    """Tell whether that was said; it takes as long whatever was said instead."""
    return hmac.compare_digest(csrf_token_of(token).encode(), said.encode(errors="replace"))
