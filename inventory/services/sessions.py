"""Sessions of browsers: begun with an API key, asked for at every request, ended.

A session stands for its key and holds none: it may do what the key may at that moment, and is over
when the key is.
"""

from datetime import timedelta

from inventory import limits
from inventory.domain.keys import Principal, digest_of
from inventory.domain.sessions import Session, is_token, new_token
from inventory.errors import InvalidApiKey, SecretKeyRequired, SessionExpired
from inventory.repository.mongo import DatabaseClock
from inventory.repository.sessions import SessionRepository
from inventory.services.keys import Keyring
from inventory.services.remembering import Memory


class Sessions:
    """The sessions that there are."""

    def __init__(self, sessions: SessionRepository, keyring: Keyring, clock: DatabaseClock) -> None:
        self._sessions = sessions
        self._keyring = keyring
        self._clock = clock
        self._memory: Memory[bytes, Session | None] = Memory(sessions.find)

    def begin(self, principal: Principal) -> tuple[Session, str]:
        """Begin a session for whoever has shown a key; return it, and its token, which is not kept.

        It ends after `limits.SESSION_SECONDS`, however much it is used, or with the key if that
        comes first. Raises `SecretKeyRequired` for a publishable key: that one has no secret that
        a session could keep.
        """
        if principal.publishable or principal.key_id is None:
            raise SecretKeyRequired
        now = self._clock.now()
        key = self._keyring.get(principal.key_id)
        end = now + timedelta(seconds=limits.SESSION_SECONDS)
        token = new_token()
        session = Session(
            digest=digest_of(token),
            key_id=key.id,
            created_at=now,
            expires_at=end if key.expires_at is None else min(end, key.expires_at),
        )
        self._sessions.add(session)
        return session, token

    def has_met(self, token: str) -> bool:
        """Tell whether a token is no guess: it was seen here before, or cannot be one at all."""
        return not is_token(token) or self._memory.has_met(digest_of(token))

    def authenticate(self, token: str) -> tuple[Session, Principal]:
        """Return a session and on whose behalf it speaks; raise `SessionExpired`.

        Raises `StorageUnavailable` if the database cannot say, as `Keyring.authenticate` does.
        """
        session = self._memory.recall(digest_of(token)) if is_token(token) else None
        if session is None or self._clock.now() >= session.expires_at:
            raise SessionExpired
        try:
            return session, self._keyring.holder_of(session.key_id)
        except InvalidApiKey as error:
            raise SessionExpired from error

    def end(self, token: str) -> None:
        """Forget a session, if there is one: here at once, elsewhere within a second."""
        if not is_token(token):
            return
        digest = digest_of(token)
        self._sessions.remove(digest)
        self._memory.correct(lambda one: None if one and one.digest == digest else one)
