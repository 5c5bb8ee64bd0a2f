"""Folders of logs to one compilation: read each, correct, join what several say, follow up what became of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from analysis.logs.cache import Cache
from analysis.logs.fates import Order, follow_up
from analysis.logs.files import dated, files_in, read_bytes, shown
from analysis.logs.items import Compilation, Log, Problem, State, natural
from analysis.logs.join import join
from analysis.logs.likeness import COMPARED
from analysis.logs.settings import load_settings, unused
from analysis.plan import paths as project
from analysis.system import git
from sae.errors import ConfigError, DataError

_COPIED_WORDS = 5
"""Logs of fewer words can be alike by chance."""


def compile_logs(
    folders_or_files: Sequence[Path],
    since: date | None = None,
    answered: Mapping[str, str] | None = None,
    cache_folder: Path | None = None,
) -> Compilation:
    """Compile all logs in the folders (subfolders too) and files.

    A folder's `logs.toml` corrects what was read and sets thresholds. `answered` gives for the ids of answered
    questions the log by which they were, or nothing. With a `cache_folder` only logs that changed are read again. With
    `since`, items last seen before that day are left out; items without a date stay, as nobody knows.
    A file that cannot be read is a problem of the result, not an error. Raises DataError when a path does not exist,
    ConfigError for a `logs.toml` that cannot be obeyed.
    """
    settings = load_settings([path for path in folders_or_files if path.is_dir()])
    cache = Cache(cache_folder, folders_or_files)
    logs, problems, unread = _read(folders_or_files, cache)
    problems += cache.problems
    logs, copies = _without_copies(logs)
    told = (Problem(file=copy, line=1, message=f"a copy of {of}, which is counted once") for copy, of in copies)
    problems = [*(problem for problem in problems if problem.file not in dict(copies)), *told]
    logs.sort(key=lambda log: (log.date or date.min, natural(log.file)))
    items, ids = join((item for log in logs for item in log.items), settings.matching.returns)
    if (count := len({item.id for log in logs for item in log.items})) > COMPARED:
        message = f"{count:,} items in all the logs: only the newest {COMPARED:,} are compared with each other"
        problems.append(Problem(file=logs[-1].file, line=1, message=message))
    problems += unused(settings, ids, {log.file for log in logs})
    items = settings.corrected(items, ids)
    items = follow_up(items, Order.of(logs), settings.matching, answered or {})
    if since:
        items = [item for item in items if any(seen.date is None or seen.date >= since for seen in item.seen)]
    problems.sort(key=lambda problem: (natural(problem.file), problem.line, problem.message))
    return Compilation(
        items=tuple(items), logs=tuple(logs), problems=tuple(problems), unread=tuple(unread), copies=tuple(copies)
    )


def _read(folders_or_files: Sequence[Path], cache: Cache) -> tuple[list[Log], list[Problem], list[str]]:
    logs: list[Log] = []
    unread: list[str] = []
    problems: list[Problem] = []
    visited: set[tuple[int, int]] = set()
    folders = [given.absolute() for given in folders_or_files if given.is_dir()]
    # in several folders files may have one name: then they are told apart by their folders
    common = Path(os.path.commonpath(folders)) if len(folders) > 1 else None
    for given in folders_or_files:
        if not os.path.lexists(given):
            raise DataError(f"no folder or file {str(given)!r} to compile logs from")
        folder = common or (given if given.is_dir() else given.parent)
        found = (
            files_in(given, visited, problems, common, unread)
            if given.is_dir()
            else iter([(given, shown(given, given.parent))])
        )
        days: dict[str, date] | None = None
        for path, name in found:
            try:
                status = path.stat()
                if (status.st_dev, status.st_ino) in visited:
                    continue
                visited.add((status.st_dev, status.st_ino))
                log = cache.parse(read_bytes(path), name)
            except DataError as error:
                problems.append(Problem(file=name, line=1, message=str(error), skipped=True))
                continue
            except OSError as error:
                why = f"cannot be read: {error.strerror or error}"
                problems.append(Problem(file=name, line=1, message=why, skipped=True))
                continue
            if log.date is None:
                days = _committed(folder) if days is None else days
                log = dated(log, days.get(name))
            logs.append(log)
            problems += [*log.problems, *_dead_links(log, folder), *_said_twice(log)]
    cache.save()
    return logs, problems, unread


def _without_copies(logs: Sequence[Log]) -> tuple[list[Log], list[tuple[str, str]]]:
    """The logs that say something of their own, and for each of the others its name and that of the log it copies.

    A copy says the same things in the same order, and no other day: who writes "nothing new" every day copies nothing.
    Of those that are alike the dated one with the shortest name is the original ("log.md", not "log (1).md").
    """
    alike: dict[tuple[tuple[str, State | None, int], ...], list[Log]] = {}
    for log in sorted(logs, key=lambda log: (log.date is None, len(log.file), natural(log.file))):
        said = tuple((item.id, item.state, item.depth) for item in log.items)
        alike.setdefault(said, []).append(log)
    copies: dict[str, str] = {}
    for same in alike.values():
        originals: list[Log] = []
        long = sum(len(item.text.split()) for item in same[0].items) >= _COPIED_WORDS
        for log in same if long else ():
            found = next((one for one in originals if log.date in (None, one.date)), None)
            if found is None:
                originals.append(log)
            else:
                copies[log.file] = found.file
    kept = [log for log in logs if log.file not in copies]
    return kept, [(log.file, copies[log.file]) for log in logs if log.file in copies]


def _committed(folder: Path) -> dict[str, date]:
    """The day of each file's first commit in the project. Git is never called in a folder that lies elsewhere."""
    try:
        return git.first_days(project.find().root, folder)
    except ConfigError:
        return {}


def _dead_links(log: Log, folder: Path) -> list[Problem]:
    """A problem for each relative link or picture whose file is not there."""
    found: dict[tuple[int, str], Problem] = {}
    for item in log.items:
        for target in dict.fromkeys((*item.links, *item.images)):
            path = unquote(target.partition("#")[0])
            if not path or "://" in target or target.startswith("mailto:"):
                continue
            if not os.path.lexists((folder / log.file).parent / path):
                message = f"links to {path!r}, which is not there"
                found[item.line, path] = Problem(file=log.file, line=item.line, message=message)
    return list(found.values())


def _said_twice(log: Log) -> list[Problem]:
    """A problem for each item whose id another line of the log has already: both are shown as one."""
    first: dict[tuple[str, date | None], int] = {}
    found = []
    for item in log.items:
        line = first.setdefault((item.id, item.date), item.line)
        if line != item.line and item.kind != "unsorted":
            message = f"says the same as line {line} and has its id, {item.id}; the two are shown as one"
            found.append(Problem(file=log.file, line=item.line, message=message))
    return found
