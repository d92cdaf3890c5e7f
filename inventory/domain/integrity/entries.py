"""What one entry may say by its kind: which way it moves the stock, and which way what is held."""

from collections.abc import Callable

from inventory.domain.movements import Entry, Kind, Reason

# In terms of delta and held_delta.
_Rule = Callable[[int, int], bool]


def _gives_back(delta: int, held: int) -> bool:
    return delta > 0 and held == -delta


_RULES: dict[Kind, tuple[_Rule, str]] = {
    Kind.PURCHASE: (lambda delta, held: delta < 0 and not held, "takes units that are on sale"),
    Kind.HOLD: (lambda delta, held: delta < 0 and held == -delta, "sets aside what it takes"),
    Kind.COMMIT: (lambda delta, held: not delta and held < 0, "takes held units and no others"),
    Kind.RELEASE: (_gives_back, "puts held units on sale again"),
    Kind.EXPIRY: (_gives_back, "puts held units on sale again"),
    Kind.RETURN: (lambda delta, held: delta > 0 and not held, "adds units"),
    Kind.STOCKTAKE: (lambda delta, held: delta != 0 and not held, "changes the stock"),
    Kind.OPENING: (lambda delta, held: delta >= 0 and not held, "begins with what there is"),
}


def contradiction(entry: Entry) -> str | None:
    """Return why an entry cannot be of its kind, None if it can."""
    delta, held = entry.delta, entry.held_delta
    if entry.kind is Kind.ADJUSTMENT:
        if held or entry.reason not in list(Reason) or not Reason(entry.reason).allows(delta):
            return f"an adjustment by {delta} cannot have the reason {entry.reason}"
        return None
    rule, meaning = _RULES[entry.kind]
    if rule(delta, held):
        return None
    return f"{entry.kind} {meaning}, but this moves stock by {delta} and what is held by {held}"
