"""Every operation of the service, as methods with its name in the OpenAPI document.

Left out are the document itself and its pages, and `/metrics`, which is Prometheus' to read.
"""

from inventory_client.operations.books import Books
from inventory_client.operations.events import Events
from inventory_client.operations.keys import Keys
from inventory_client.operations.products import Products
from inventory_client.operations.purchases import Purchases
from inventory_client.operations.rehearsals import Rehearsals
from inventory_client.operations.reservations import Reservations
from inventory_client.operations.stock import Stocks
from inventory_client.operations.transfers import Transfers
from inventory_client.operations.webhooks import Webhooks


class Operations(
    Products,
    Transfers,
    Stocks,
    Purchases,
    Reservations,
    Events,
    Webhooks,
    Rehearsals,
    Books,
    Keys,
):
    """All of them together."""
