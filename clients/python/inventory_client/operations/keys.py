"""API keys: who may do what."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from inventory_client.answers import ApiKey, NewApiKey, Session
from inventory_client.inputs import given
from inventory_client.operations.base import Room, segment

_PATH = "/api/keys"


class Keys(Room):
    """Operations on keys."""

    def make_key(
        self,
        client: str,
        scopes: Sequence[str],
        *,
        publishable: bool = False,
        expires_at: datetime | None = None,
    ) -> NewApiKey:
        """Make a key for a client. The key itself is shown now and never again.

        Without an answer (`may_have_happened`) there may be a key that nobody knows: revoke it.
        """
        body = given(
            client=client, scopes=list(scopes), publishable=publishable, expires_at=expires_at
        )
        return self._changed(NewApiKey, "POST", _PATH, body)

    def list_keys(self, *, page_size: int = 100) -> Iterator[ApiKey]:
        """Yield keys, the newest first, those that open nothing any more as well."""
        return self._pages(ApiKey, _PATH, page_size)

    def get_key(self, key_id: str) -> ApiKey:
        """Read what is kept of a key: everything but the key itself."""
        return self._read(ApiKey, f"{_PATH}/{segment(key_id)}")

    def get_session(self) -> Session:
        """Tell whose key the client has, and what may be done with it."""
        return self._read(Session, "/api/session")

    def revoke_key(self, key_id: str) -> None:
        """Let a key open nothing any more, in every process within a second."""
        self._removed(f"{_PATH}/{segment(key_id)}")
