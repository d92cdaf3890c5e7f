"""Whether the books are right, and whether the service is well."""

from inventory_client.answers import Health, Integrity, Readiness
from inventory_client.inputs import parameters
from inventory_client.operations.base import Room, segment
from inventory_client.overview import Overview


class Books(Room):
    """Operations that check."""

    def check_product(self, product_id: str) -> Integrity:
        """Check everything on record about a product at one moment, while sales go on."""
        return self._read(Integrity, f"/api/products/{segment(product_id)}/integrity")

    def check_all(self, *, cursor: str | None = None) -> Integrity:
        """Check as many products as one second allows; go on with its `next_cursor`."""
        return self._read(Integrity, "/api/integrity", parameters(cursor=cursor))

    def get_overview(self) -> Overview:
        """See what an instance has counted and how the stores stand, a second or two ago."""
        return self._read(Overview, "/api/overview")

    def get_health(self) -> Health:
        """Ask whether the process is up."""
        return self._read(Health, "/healthz")

    def get_readiness(self) -> Readiness:
        """Ask whether the service can do its work; raise `Unavailable` if it cannot for long."""
        return self._read(Readiness, "/readyz")
