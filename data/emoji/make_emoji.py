"""Make `emoji.npz`, colour pictures of emoji by two artists, from two packages of npm. Needs npm and Strata with its
extra `train` (pillow); a minute, and 136 MB are fetched; run from anywhere:

    python data/emoji/make_emoji.py

Each picture is a cell of 32 x 32 pixels of the artist's sheet, laid on white and rounded to 64 levels a channel.
Rows are ordered as Unicode orders emoji, one artist after the other, so the number of a row is its example id. What is
no emoji by itself (skin tones as swatches) is left out, and so is a picture that the same artist has drawn once before.
A group is what shows the same: an emoji with its variants of gender, age, skin tone and direction, and whatever looks
the same. Groups are held out as a whole, with the pictures of both artists.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HERE = Path(__file__).parent
VERSION = "16.0.0"
SIDE, RIM = 32, 1  # pixels of a cell, and of the transparent rim around it
WHITE = 255
LEVELS = 64  # a channel: moves a value by at most 2 of 255, and takes a third off the file
SAME = 4.0  # pictures whose values differ by less (root mean square, of 255) look the same
HELD_OUT = 0.2
NO_EMOJI = "Component"

GENDERS = {"2640", "2642"}  # the signs that make an emoji female or male
LEFT_OUT = {"200D", "FE0F", "27A1", "2194", "2195", *GENDERS, *(f"1F3F{tone:X}" for tone in range(0xB, 0x10))}
PEOPLE = {
    **dict.fromkeys(("1F468", "1F469", "1F9D1"), "adult"),
    **dict.fromkeys(("1F466", "1F467", "1F9D2"), "child"),
    **dict.fromkeys(("1F474", "1F475", "1F9D3"), "old"),
}
# Code points of their own that differ from another emoji in gender alone.
PAIRS = {
    "1F385": "adult 1F384", "1F936": "adult 1F384", "1F934": "royal", "1F478": "royal", "1FAC5": "royal",
    "1F930": "pregnant", "1FAC3": "pregnant", "1FAC4": "pregnant", "1F57A": "dancing", "1F483": "dancing",
    "1F46B": "adult 1F91D adult", "1F46C": "adult 1F91D adult", "1F46D": "adult 1F91D adult",
    "1F470": "1F935", "1F931": "adult 1F37C",
    "1F48F": "adult 2764 1F48B adult", "1F491": "adult 2764 adult",
}  # fmt: skip


@dataclass(frozen=True)
class Artist:
    """Who drew a sheet, and the package that has it."""

    name: str
    sha256: str

    @property
    def package(self) -> str:
        """Its name and version."""
        return f"emoji-datasource-{self.name}@{VERSION}"

    @property
    def sheet(self) -> str:
        """Where the sheet without pictures of others lies in it."""
        return f"package/img/{self.name}/sheets-clean/{SIDE}.png"


ARTISTS = (Artist("google", "fb5fd131b362aab7"), Artist("twitter", "f64a530c63bca463"))


def fetched(artist: Artist, folder: Path) -> dict[str, bytes]:
    """The files of a package that are read, by name. Raises SystemExit for another package than the tracked file was
    made from."""
    said = subprocess.run(["npm", "pack", "--silent", artist.package], cwd=folder, check=True, stdout=subprocess.PIPE)
    path = folder / said.stdout.decode().split()[-1]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(artist.sha256):
        raise SystemExit(
            f"{artist.package} has sha256 {found[:16]}, expected {artist.sha256}: another package; look at its "
            "pictures and licences before its hash is changed here"
        )
    with tarfile.open(path) as archive:
        names = ("package/emoji.json", "package/LICENSE", "package/README.md", artist.sheet)
        return {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]  # all are files


def sheet_of(raw: bytes, name: str) -> NDArray[np.uint8]:
    """(height, width, 4) uint8. Raises SystemExit for a sheet of palette, of 16 bits or without transparency: laid on
    white it would be another picture."""
    with Image.open(io.BytesIO(raw)) as image:
        if image.mode != "RGBA":
            raise SystemExit(f"{name} is a {image.format} of mode {image.mode}; expected RGBA, eight bits a channel")
        return np.asarray(image)


def cell(sheet: NDArray[np.uint8], column: int, row: int, name: str) -> NDArray[np.uint8]:
    """(32, 32, 3) uint8: one picture on white. Raises SystemExit for a cell that is not there, or empty."""
    left, top = (RIM + place * (SIDE + 2 * RIM) for place in (column, row))
    cut = sheet[top : top + SIDE, left : left + SIDE].astype(np.float64)
    if cut.shape != (SIDE, SIDE, 4):
        raise SystemExit(f"{name}: no cell of {SIDE} x {SIDE} in column {column}, row {row} of a sheet {sheet.shape}")
    if not cut[..., 3].any():
        raise SystemExit(f"{name}: the cell in column {column}, row {row} is empty")
    cover = cut[..., 3:] / 255
    steps = np.rint((cut[..., :3] * cover + WHITE * (1 - cover)) / 255 * (LEVELS - 1))
    return np.rint(steps * 255 / (LEVELS - 1)).astype(np.uint8)


def shows(unified: str) -> str:
    """What an emoji shows, whoever does it: its code points without gender, age, skin tone and direction, which stand
    behind another (the sign of a gender alone is an emoji, too)."""
    first, *others = unified.split("-")
    kept = (first, *(code for code in others if code not in LEFT_OUT))
    return " ".join(PEOPLE.get(code, PAIRS.get(code, code)) for code in kept)


def grouped(keys: list[str], pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(emoji,) the first emoji that each belongs to: by what it shows, or since one artist's pictures look the same.
    `pictures`: (emoji, artists, ...)."""
    first = np.arange(len(keys))

    def top(one: int) -> int:
        while first[one] != one:
            one = int(first[one])
        return one

    def join(one: int, other: int) -> None:
        low, high = sorted((top(one), top(other)))
        first[high] = low

    seen: dict[str, int] = {}
    for number, key in enumerate(keys):
        join(number, seen.setdefault(key, number))
    for drawn in np.moveaxis(pictures.reshape(*pictures.shape[:2], -1), 1, 0).astype(np.float32):
        squares = np.square(drawn).sum(1)
        apart = squares[:, None] + squares - 2 * drawn @ drawn.T
        for one, other in np.argwhere(np.triu(apart < SAME**2 * drawn.shape[1], 1)):
            join(int(one), int(other))
    return np.array([top(number) for number in range(len(keys))])


def held_out(groups: NDArray[np.int64], fine: NDArray[np.uint8], names: list[str]) -> NDArray[np.bool_]:
    """(emoji,) True for about a fifth of each subcategory: the groups whose names have the smallest sha256. One group
    of each is left to train on."""
    marks = np.zeros(len(groups), bool)
    for kind in np.unique(fine):
        own = [int(group) for group in np.unique(groups) if fine[group] == kind]
        own.sort(key=lambda group: hashlib.sha256(names[group].encode()).digest())
        size, taken = sum(int((groups == group).sum()) for group in own), 0
        for group in own[:-1]:
            members = groups == group
            if taken + members.sum() / 2 > HELD_OUT * size:
                continue  # a large family does not fit, the next one may
            marks |= members
            taken += int(members.sum())
    return marks


def made(table: list[dict[str, Any]], sheets: list[NDArray[np.uint8]]) -> dict[str, NDArray[Any]]:
    """The arrays of the file."""
    emoji = sorted((one for one in table if one["category"] != NO_EMOJI), key=lambda one: one["sort_order"])
    coarse, fine = (list(dict.fromkeys(one[key] for one in emoji)) for key in ("category", "subcategory"))
    names = [one["short_name"] for one in emoji]
    drawn = np.stack(
        [[cell(sheet, one["sheet_x"], one["sheet_y"], one["short_name"]) for sheet in sheets] for one in emoji]
    )
    kinds = np.array([fine.index(one["subcategory"]) for one in emoji], np.uint8)
    groups = grouped([shows(one["unified"]) for one in emoji], drawn)
    marks = held_out(groups, kinds, names)
    rows: list[tuple[int, int]] = []
    for artist in range(len(sheets)):
        seen: set[bytes] = set()
        for number, picture in enumerate(drawn[:, artist]):
            if (content := picture.tobytes()) not in seen:
                rows.append((number, artist))
                seen.add(content)
    number, artist = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "images": drawn[number, artist],
        "coarse": np.array([coarse.index(one["category"]) for one in emoji], np.uint8)[number],
        "fine": kinds[number],
        "held_out": marks[number],
        "emoji": number.astype(np.uint16),
        "group": groups[number].astype(np.uint16),
        "artist": artist.astype(np.uint8),
        "coarse_names": np.array(coarse),
        "fine_names": np.array(fine),
        "emoji_names": np.array(names),
        "artist_names": np.array([one.name for one in ARTISTS]),
    }


def notices(files: dict[str, bytes]) -> str:
    """What a package says of its own licence and of that of the pictures."""
    readme = files["package/README.md"].decode()
    sources = readme.partition("## Image Sources")[2].partition("\n## ")[0].strip()
    if "Apache License 2.0" not in sources or "Creative Commons Attribution 4.0" not in sources:
        raise SystemExit("README.md of the package does not say the licences of the pictures as it did; look at it")
    return f"{files['package/LICENSE'].decode().strip()}\n\n\nFrom README.md, Image Sources:\n\n{sources}\n"


def main() -> None:
    """Fetch, cut, write, and say what was written."""
    with tempfile.TemporaryDirectory() as folder:
        packages = [fetched(artist, Path(folder)) for artist in ARTISTS]
    sheets = [sheet_of(files[artist.sheet], artist.sheet) for artist, files in zip(ARTISTS, packages, strict=True)]
    arrays = made(json.loads(packages[0]["package/emoji.json"]), sheets)
    (HERE / "licences").mkdir(exist_ok=True)
    (HERE / "licences" / "emoji-datasource.txt").write_text(notices(packages[0]), encoding="utf-8")
    target = HERE / "emoji.npz"
    np.savez_compressed(target, **arrays)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    (HERE / "emoji.sha256").write_text(f"{digest}  emoji.npz\n")
    rows, out = len(arrays["images"]), int(arrays["held_out"].sum())
    print(f"{target}: {rows} images, {out} held out, {target.stat().st_size / 1e6:.2f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
