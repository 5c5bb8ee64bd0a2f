"""`answers.toml`: what the author answers to questions of the logs, with links to the results that say so.

    [[answer]]
    id = "3f2a90c1de"
    question = "Does the loss fall because anything is learned?"     # found again by these words when the id is gone
    sentence = "No: {{< num collapse/as-published-ten-depths:l0/latents/2 >}} latents are active at depth 2."
    links = ["fig-collapse-loss", "towers:l0/latents/2", "report/answers.qmd#why-do-activations-vanish-with-depth"]
    log = "2026-11-22-c-verdict.md"                                  # the log by which it was answered, if one was

A link is a figure's id, a number's name, or a page with a section; words for it may stand before: "share of the rise ->
towers:sparsity_share_4/pct".
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from analysis.logs.compile import compile_logs
from analysis.logs.items import Compilation, Item, normalise
from analysis.logs.toml import read_beside
from sae.errors import ConfigError, DataError
from sae.temporary import replacing

FILE = "answers.toml"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of the author's."""

    id: str
    """Of the question, as `strata questions` shows it; its first digits are enough in `strata answer`."""
    question: str = ""
    """The question's words, to find it again by when it is reworded."""
    sentence: str
    """The answer, as Markdown; numbers in it are looked up, not typed."""
    links: tuple[str, ...]
    """Figure ids, names of numbers, pages with a section; at least one."""
    log: str = ""
    """The log by which it was answered; empty: by the last one."""

    def __post_init__(self) -> None:
        if not self.sentence.strip():
            raise ConfigError(f"the answer to {self.id} says nothing")
        if not self.links:
            raise ConfigError(f"the answer to {self.id} links to no result")


@dataclass(frozen=True)
class Answers:
    """The content of an `answers.toml`."""

    answers: tuple[Answer, ...]
    lines: dict[str, int]
    """The line on which each answer's id stands."""

    def closings(self) -> dict[str, str]:
        """For each answered question the log by which it was, or nothing."""
        return {answer.id: answer.log for answer in self.answers}


def read_answers(folder: Path) -> Answers:
    """The answers that lie beside the logs; none without a file. Raises ConfigError with the file's name."""
    file = read_beside(folder, FILE)
    if file is None:
        return Answers((), {})
    if unknown := set(file.table) - {"answer"}:
        name = sorted(unknown)[0]
        raise file.error(file.line(rf"^\s*\[*\s*[\"']?{re.escape(name)}"), f"unknown table {name!r}; known: answer")
    given = file.table.get("answer", [])
    if not isinstance(given, list):
        raise file.error(file.line(r"^\s*\[?\s*answer\b"), "answer: must be tables [[answer]]")
    answers: list[Answer] = []
    lines: dict[str, int] = {}
    start = 1
    for number, one in enumerate(given, 1):
        start = file.line(r"^\s*\[\[\s*answer\s*\]\]", start)
        answer = file.record(Answer, one, f"answer {number}", start)
        at = file.line(r"^\s*id\b", start)
        if answer.id in lines:
            raise file.error(at, f"two answers to {answer.id}, the first on line {lines[answer.id]}; keep one of them")
        answers.append(answer)
        lines[answer.id] = at
        start += 1
    return Answers(tuple(answers), lines)


def matched(answers: Answers, compilation: Compilation) -> Answers:
    """The answers with the ids that their questions have now.

    Raises DataError with the line of an answer whose question is nowhere, or whose log is none of those compiled.
    """
    questions = [item for item in compilation.items if item.kind == "question"]
    ids = {item.id for item in questions}
    by_words = {normalise(seen.text): item.id for item in questions for seen in item.seen}
    files = [log.file for log in compilation.logs]
    found = []
    lines: dict[str, int] = {}
    for answer in answers.answers:
        line = answers.lines[answer.id]
        now = answer.id if answer.id in ids else by_words.get(normalise(answer.question), "")
        if not now:
            near = get_close_matches(answer.question, [item.text for item in questions], n=1, cutoff=0)
            raise DataError(
                f"{FILE}:{line}: no question of the logs has the id {answer.id!r} or the words {answer.question!r}; "
                f"nearest: {near[0] if near else 'none'!r}"
            )
        if now in lines:
            raise ConfigError(
                f"{FILE}: lines {lines[now]} and {line} hold two answers to one question, {now}; keep one of them"
            )
        if answer.log and answer.log not in files:
            raise DataError(f"{FILE}:{line}: no log is called {answer.log!r}; found: {', '.join(files)}")
        found.append(replace(answer, id=now))
        lines[now] = line
    return Answers(tuple(found), lines)


def find_question(items: Sequence[Item], start: str) -> Item:
    """The question whose id begins with `start`. Raises DataError for none and for several."""
    found = [item for item in items if item.kind == "question" and item.id.startswith(start)]
    if len(found) != 1:
        count = "no question's" if not found else f"{len(found)} questions'"
        raise DataError(f"{count} id begins with {start!r}; `strata questions` lists them")
    return found[0]


def as_toml(answer: Answer) -> str:
    """An answer as it stands in the file."""
    # strings of JSON are strings of TOML
    said = {"id": answer.id, "question": answer.question, "sentence": answer.sentence, "links": list(answer.links)}
    if answer.log:
        said["log"] = answer.log
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in said.items())
    return "[[answer]]\n" + "".join(lines).replace("\x7f", "\\u007f")  # which JSON lets stand, and TOML does not


def append(folder: Path, answer: Answer) -> None:
    """Add an answer at the file's end. Raises ConfigError when the question has one already, and DataError
    where the file cannot be written."""
    if answer.id in read_answers(folder).lines:
        raise ConfigError(f"{FILE}: {answer.id} is answered already; edit it there")
    path = folder / FILE
    before = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n" if path.is_file() else ""
    with replacing(path) as draft:  # the file is the old one or the new one, never half
        draft.write_text(before + as_toml(answer), encoding="utf-8")
        if before:
            draft.chmod(path.stat().st_mode & 0o777)


def compile_with_answers(
    folders_or_files: Sequence[Path], since: date | None = None, cache_folder: Path | None = None
) -> tuple[Compilation, Answers]:
    """Logs, with the questions answered that the folders' `answers.toml` answer.

    Raises DataError and ConfigError as `matched` and `compile_logs` do.
    """
    parts = [read_answers(folder) for folder in folders_or_files if folder.is_dir()]
    answers = Answers(
        tuple(a for part in parts for a in part.answers), {k: v for p in parts for k, v in p.lines.items()}
    )
    # an item's state hangs on all logs: what is to be left out is left out at the end
    compilation = compile_logs(folders_or_files, answered=answers.closings(), cache_folder=cache_folder)
    now = matched(answers, compilation)
    if since or now.closings() != answers.closings():  # the latter: a question was reworded, and found by its words
        compilation = compile_logs(folders_or_files, since, now.closings(), cache_folder)
    return compilation, now
