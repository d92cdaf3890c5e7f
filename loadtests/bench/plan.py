"""What is measured: the variants, their order, and what is divided by what. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

BARE, PLAIN, TRANSACTION, OURS = "bare", "plain", "transaction", "ours"
# The service once more, where every request needs an API key and counts against limits.
GUARDED = "guarded"
DESIGNS = (BARE, PLAIN, TRANSACTION, OURS, GUARDED)
# The service once more, behind the proxy that it is deployed with.
NGINX = "nginx"


class PlanError(Exception):
    """Something was asked for that cannot be measured; the message says what can."""


class Kind(StrEnum):
    """What the requests of a variant do."""

    PURCHASE = "purchase"
    KEYED = "keyed purchase"
    SPREAD = "spread purchase"
    READ = "read"
    UNCHANGED = "304"
    PAGE = "list of 20"


SELLING = frozenset({Kind.PURCHASE, Kind.KEYED, Kind.SPREAD})


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the results: a design, and what is asked of it."""

    design: str
    kind: Kind

    @property
    def name(self) -> str:
        """Return how people call it."""
        return f"{self.design} {self.kind}"

    @property
    def keeps_stock(self) -> bool:
        """Tell whether what is bought is gone afterwards."""
        return self.kind in SELLING and self.design != BARE


VARIANTS = (
    Variant(BARE, Kind.PURCHASE),
    Variant(PLAIN, Kind.PURCHASE),
    Variant(TRANSACTION, Kind.PURCHASE),
    Variant(OURS, Kind.PURCHASE),
    Variant(GUARDED, Kind.PURCHASE),
    Variant(OURS, Kind.KEYED),
    Variant(PLAIN, Kind.SPREAD),
    Variant(OURS, Kind.SPREAD),
    Variant(BARE, Kind.READ),
    Variant(OURS, Kind.READ),
    Variant(OURS, Kind.UNCHANGED),
    Variant(BARE, Kind.PAGE),
    Variant(OURS, Kind.PAGE),
    Variant(NGINX, Kind.READ),
    Variant(NGINX, Kind.PURCHASE),
)

# Names of variants: the first is divided by the second, round by round.
PAIRS = (
    ("ours purchase", "plain purchase"),
    ("ours purchase", "transaction purchase"),
    ("ours purchase", "bare purchase"),
    ("guarded purchase", "ours purchase"),
    ("ours keyed purchase", "plain purchase"),
    ("ours keyed purchase", "ours purchase"),
    ("ours spread purchase", "plain spread purchase"),
    ("ours purchase", "ours spread purchase"),
    ("ours read", "bare read"),
    ("ours 304", "bare read"),
    ("ours list of 20", "bare list of 20"),
    ("nginx read", "ours read"),
    ("nginx purchase", "ours purchase"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; `seconds` is the length of one turn."""

    rounds: int
    seconds: int
    connections: int
    variants: Sequence[Variant]

    @property
    def is_whole(self) -> bool:
        """Tell whether every variant takes part."""
        return set(VARIANTS) == set(self.variants)

    def turns(self) -> Iterator[tuple[int, Variant]]:
        """Yield the number of the round and the variant of each turn.

        Every round begins with another variant, and the others follow in an order of its own:
        what one leaves to be done in the background must not always fall on the same next one.
        """
        for number in range(self.rounds):
            others = list(self.variants)
            yield number, others.pop(number % len(others))
            random.Random(number).shuffle(others)  # nosec B311 # an order, not a secret
            yield from ((number, variant) for variant in others)


def chosen(names: str | None) -> Sequence[Variant]:
    """Return the variants with these names, separated by commas; all if there are none.

    Raises `PlanError` for a name that is not known.
    """
    if not names:
        return VARIANTS
    known = {variant.name: variant for variant in VARIANTS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise PlanError(f"No such variant: {', '.join(unknown)}. There are: {', '.join(known)}.")
    return tuple(known[name] for name in known if name in wanted)
