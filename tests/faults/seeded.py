"""All seeded defects, and the table of them: `python -m tests.faults.seeded` prints it."""

import sys

from tests.faults.other_defects import OTHER_DEFECTS
from tests.faults.posting_defects import POSTING_DEFECTS
from tests.faults.protocol_defects import PROTOCOL_DEFECTS

DEFECTS = (*PROTOCOL_DEFECTS, *POSTING_DEFECTS, *OTHER_DEFECTS)


def table() -> str:
    """Return the table as the page has it."""
    head = ["| defect | what it breaks | what caught it |", "|---|---|---|"]
    rows = [f"| {one.name} | {one.breaks} | {one.caught_by.told} |" for one in DEFECTS]
    return "\n".join([*head, *rows])


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
