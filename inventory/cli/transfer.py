"""The commands that take products from a file, and write them into one."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import click

from inventory import limits
from inventory.cli.output import Cannot, explained, many, report, wants_json
from inventory.cli.shop import open_transfers
from inventory.domain.claims import RequestKey
from inventory.domain.imports import Outcome, Policy, RowResult, Summary
from inventory.errors import MalformedTable
from inventory.services.carrying import Wish
from inventory.strict_json import NotJSON
from inventory.transfer.reading import Format, read_rows
from inventory.transfer.results import Results
from inventory.transfer.writing import written

_STANDARD = "-"
_CHUNK_BYTES = 1024 * 1024
# Nobody waits for an answer as long as a failover takes but a person.
_PATIENCE_SECONDS = 60.0
_formats = click.Choice([str(form) for form in Format])


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "form", type=_formats, help="How it is written.  [default: by its name]")
@click.option(
    "--on-error",
    type=click.Choice([str(policy) for policy in Policy]),
    default=str(Policy.REJECT_ALL),
    show_default=True,
    help="What becomes of the other rows where one cannot be done.",
)
@click.option("--dry-run", is_flag=True, help="Say what would become of the rows; write nothing.")
@click.option(
    "--idempotency-key",
    "key",
    help="Names this import: with the same key it goes on where it stopped.",
)
def import_(file: str, form: str | None, on_error: str, dry_run: bool, key: str | None) -> None:
    """Create and change products from FILE, or from the standard input (-).

    The service may go on meanwhile. Exit code 0 if all rows are done, 1 if some are not, 2 if the
    import came to no end.
    """
    named, wish = (
        _format_of(file, form),
        Wish(Policy(on_error), dry_run, patience_seconds=_PATIENCE_SECONDS),
    )
    with _told(), _seekable(file) as rows, Results() as results, open_transfers() as (importing, _):
        asked = None if key is None else _request_key(key, rows, [on_error, named])
        failed: list[str] = []

        def take(taken: Sequence[RowResult]) -> None:
            results.take(taken)
            lines = [_line(one) for one in taken if one.outcome is Outcome.FAILED]
            failed.extend(lines[: limits.PROBLEMS_KEPT_MAX - len(failed)])
            bar(len(taken))

        with _bar("Importing") as (bar, length):
            wish = replace(wish, counted=length)
            summary, _ = importing.run(lambda: read_rows(rows, named), wish, take, asked)
        _report(summary, failed, results)
    sys.exit(not summary.done)


def _report(summary: Summary, failed: Sequence[str], results: Results) -> None:
    """Say what became of the rows: all of it to programs, what was not done to people."""
    if wants_json():
        for part in results.document(summary)[1]:
            click.echo(part, nl=False)
        click.echo()
        return
    lines = list(failed)
    if (more := summary.counts[Outcome.FAILED] - len(lines)) > 0:
        lines.append(f"... and {more} more.")
    counts = ", ".join(f"{summary.counts[one]} {one}" for one in Outcome if summary.counts[one])
    tried = " Nothing was written: this was a trial." if summary.dry_run else ""
    report({}, *lines, f"{many(summary.rows, 'row')}: {counts or 'nothing to do'}.{tried}")


def _line(result: RowResult) -> str:
    told = "; ".join(f"{field}: {' '.join(said)}" for field, said in result.errors.items())
    return f"row {result.number}  {result.sku or '-'}  {result.code}  {told or result.detail}"


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default=_STANDARD)
@click.option("--format", "form", type=_formats, help="How to write it.  [default: by its name]")
def export(file: str, form: str | None) -> None:
    """Write all products with their stock to FILE, or to the standard output.

    `import` takes the file as it is, and changes nothing. Exit code 2 if not all could be written.
    """
    named = _format_of(file, form)
    if named is Format.JSON:
        raise click.UsageError("An export is csv or ndjson.")
    count = 0
    with _told(), open_transfers() as (_, exporting), _written_whole(file) as output:
        with _bar("Exporting") as (bar, length):
            length(exporting.count_products())
            for listing in exporting.batches():
                parts = written([listing], named, head=not count)
                output.writelines(parts)
                count += len(listing)
                bar(len(listing))
        if not count:
            output.writelines(written([], named))
    if file != _STANDARD:
        report({"file": file, "format": named, "products": count}, many(count, "product"))


@contextmanager
def _bar(label: str) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Yield what takes steps, and what takes their number once it is known."""
    hidden = wants_json() and not sys.stderr.isatty()
    with click.progressbar(length=0, label=label, file=sys.stderr, hidden=hidden) as bar:

        def length(steps: int) -> None:
            bar.length = steps

        yield bar.update, length


@contextmanager
def _told() -> Iterator[None]:
    with explained():
        try:
            yield
        except NotJSON as error:
            raise Cannot(str(error), "malformed_json") from error
        except MalformedTable as error:
            raise Cannot(error.message, error.code) from error
        except OSError as error:
            raise Cannot(str(error), "file") from error


def _format_of(file: str, form: str | None) -> Format:
    """Return the format that was named, or that the file's name ends with."""
    if form is not None:
        return Format(form)
    ending = Path(file).suffix.lower().lstrip(".")
    if ending == "jsonl":
        return Format.NDJSON
    try:
        return Format(ending or Format.CSV)
    except ValueError:
        endings = ", ".join(f".{one}" for one in Format)
        raise click.UsageError(f"Say --format, or name a file with {endings}.") from None


@contextmanager
def _seekable(file: str) -> Iterator[BinaryIO]:
    """Open a file that can be read several times; what comes by a pipe is kept on disk for that."""
    with tempfile.TemporaryFile() if file == _STANDARD else Path(file).open("rb") as opened_file:
        if file == _STANDARD:
            shutil.copyfileobj(sys.stdin.buffer, opened_file, _CHUNK_BYTES)
        yield opened_file


@contextmanager
def _written_whole(file: str) -> Iterator[BinaryIO]:
    """Open a file to be written, which has its name only once it is whole."""
    if file == _STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as output:
            yield output
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _request_key(key: str, file: BinaryIO, meaning: list[str]) -> RequestKey:
    """Return what identifies an import: its key, and what its file says."""
    file.seek(0)
    digest = hashlib.sha256("\n".join(meaning).encode())
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    id = hashlib.sha256(f"import\n{key}".encode()).hexdigest()
    return RequestKey(id, digest.hexdigest(), "import")
