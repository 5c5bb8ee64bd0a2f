"""What the pages were made from: the date of the newest results, the commits of results and pages.

Taken from the result tables and from git, never from a clock: the same results and commit give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from analysis.logs.items import Log
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.site.feed import Site
from analysis.system.git import commit_of

# Of a site with neither results nor dated logs: never a clock's, so that the same sources give the same bytes.
FIRST = date(2000, 1, 1)
NUMBER = "made"
"""The name by which the footer asks for date and commit: {{< num made >}}."""


@dataclass(frozen=True)
class Made:
    """Where the pages come from."""

    day: date
    """Of the newest run of the results, or else of the newest log."""
    experiment: str
    trained: tuple[str, ...]
    """The commits that the runs were made at, `+` behind one with uncommitted changes."""
    commit: str
    """The commit of the pages, likewise; empty outside git."""

    @classmethod
    def of(cls, results: Results | None, paths: Paths, logs: Sequence[Log] = ()) -> Made:
        """Read from the tables and from the checkout; without tables from the logs."""
        if results is None:
            days = [log.date for log in logs if log.date]
            return cls(max(days, default=FIRST), "", (), commit_of(paths.root))
        runs = results.runs
        newest = max(date.fromisoformat(str(day)) for day in runs["date"])
        commits = tuple(sorted({str(commit) for commit in runs["commit"]} - {"unknown"}))
        return cls(newest, results.experiment, commits, commit_of(paths.root))

    @property
    def short(self) -> str:
        """Date and commit in a few words."""
        day = self.day.isoformat() if self.dated else "no date yet"
        return f"{day}, pages of commit {self.commit}" if self.commit else day

    @property
    def dated(self) -> bool:
        """Whether there is anything that has a date: a site may have neither results nor dated logs."""
        return self.day != FIRST

    def number(self) -> dict[str, str]:
        """What the footer shows, with what it means as title."""
        title = f"the date of the newest {f'run of {self.experiment}' if self.experiment else 'log'}"
        return {"text": self.short, "title": title, "experiment": self.experiment}

    def fragment(self) -> str:
        """The same in sentences, for the page that says how to make everything again."""
        trained = ", ".join(f"`{commit}`" for commit in self.trained)
        newest = f"run of `{self.experiment}`" if self.experiment else "log"
        says = f"The newest {newest} is of {self.day.isoformat()}" if self.dated else "Nothing here has a date yet"
        says += f", trained at commit {trained}." if trained else "."
        if self.commit:
            says += f" These pages were made at commit `{self.commit}`."
        if any(name.endswith("+") for name in (*self.trained, self.commit)):
            says += " A `+` stands for changes that were not committed."
        return says + "\n"


def citation(made: Made, site: Site) -> str:
    """A BibTeX entry for the write-up, fenced."""
    year = str(made.day.year) if made.dated else ""
    fields = {
        "title": f"{{{_tex(site.headline)}}}",
        # braced twice, a name is not taken apart into a person's first and last
        "author": f"{{{' and '.join(map(_tex, site.authors)) or f'{{The {_tex(site.title)} authors}}'}}}",
        "year": f"{{{year}}}" if year else "",
        "url": f"{{{site.url}/}}" if site.url else "",
        "note": f"{{Results of {made.short}}}",
    }
    width = max(map(len, fields))
    rows = ",\n".join(f"  {name:<{width}} = {value}" for name, value in fields.items() if value)
    key = re.sub(r"[^a-z]", "", site.title.lower()) or "site"
    return f"```bibtex\n@misc{{{key}{year},\n{rows}\n}}\n```\n"


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
