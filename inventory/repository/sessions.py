"""Sessions of browsers, by the digests of their tokens. The tokens themselves are kept nowhere."""

from bson import Binary, ObjectId
from pymongo.database import Database

from inventory.domain.sessions import Session
from inventory.repository.mongo import DURABLE, MAJORITY, Document, reading, writing


class SessionRepository:
    """Sessions by digest. MongoDB forgets those that are over, in its own time."""

    def __init__(self, database: Database[Document]) -> None:
        self._sessions = database.get_collection(
            "sessions", read_concern=MAJORITY, write_concern=DURABLE
        )

    def add(self, session: Session) -> None:
        """Keep a new session."""
        document = {
            "_id": Binary(session.digest),
            "key_id": ObjectId(session.key_id),
            "created_at": session.created_at,
            "expires_at": session.expires_at,
        }
        with writing():
            self._sessions.insert_one(document)

    def find(self, digest: bytes) -> Session | None:
        """Return the session with this digest, be it over or not."""
        with reading():
            document = self._sessions.find_one({"_id": Binary(digest)})
        if document is None:
            return None
        return Session(
            digest=digest,
            key_id=str(document["key_id"]),
            created_at=document["created_at"],
            expires_at=document["expires_at"],
        )

    def remove(self, digest: bytes) -> None:
        """Forget a session, if there is one."""
        with writing():
            self._sessions.delete_one({"_id": Binary(digest)})
