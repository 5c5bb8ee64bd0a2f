"""The explorer's data: one JSON a depth, fetched when needed, and the sheets of pictures. Free of torch.

It shows a set of examples for every experiment whose latents were looked at, whatever its examples are: images of any
size, grey or in colour, or what the data set's `show` makes of them; with classes or without. The page's own part
(`{{< part explorer >}}`) names the sets; what is said of one stands in its folder's `index.json`.

Numbers are rounded to what a screen shows, and written as whole numbers (`thousandths`): a depth of 512 latents
stays below 200 KB gzipped. A latent that never fires is left out; one without a number has null in its place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.figures.explorer_links import OWN
from analysis.pages.explorer_map import map_of
from analysis.pages.explorer_plain import plain_level, plain_levels
from analysis.pages.explorer_sets import PART, copy_pictures, page_part, sets_of, shown_cells, write_shown
from analysis.pages.latent_rows import write_rows
from analysis.plan.paths import Paths
from analysis.results import detectors as selective
from analysis.results import latents
from analysis.results.tables import SHEETS, Results
from analysis.system.stamps import remove
from sae.errors import NumericError

VIEWS = ("optimised", "mean", "ablation")
# Pixels of a side above which a browser should smooth what it shows smaller.
FINE = 64
FIRST = 1
"""The depth that is shown to who asks for none."""
CHILDREN = 6
BANDS = 5
RANDOM = "random_host"
"""The tower on the network that was never trained; it has examples of its own where single latents were looked at."""
FITS = {"": None, "yes": 0, "no": 1, "unclear": 2}
# Of numbers below a tenth that the explorer shows as percentages it shows the thousandths; of these it never does.
HUNDREDTHS = {"detection", "class_detection", "detection_null", "f1", "f1_null", "selectivity"}
# As in analysis/run/interpret/explain.py, which cannot be loaded here: it needs torch.
DETECTION = 0.75


def write_all(main: Results, paths: Paths, write: Callable[[Path, str], None]) -> None:
    """The images of the site's own experiment, which all pages show, the data of every set, and the explorer's part."""
    base, found = paths.built_assets / "explorer", sets_of(main, paths)
    for stray in set(base.glob("*")) - {base / name for name in (OWN, *(one.folder for one in found))}:
        remove(stray)  # of an experiment that is there no longer: the site would carry it on
    if main.looked or main.pinned.has("sprite.json"):
        copy_pictures(main, base / OWN)
    else:  # tracked tables of what nobody looked at: a figure that shows images is refused where a page asks for it
        remove(base / OWN)
    for one in found:
        if one.plain:
            write_plain(one.results, main, base / one.folder, write)
            continue
        if one.folder != OWN:
            copy_pictures(one.results, base / one.folder)
            write_shown(one.results, one.folder, paths, shown_cells(one.folder, paths))
        write_explorer(one.results, base / one.folder, write)
        write_rows(one.results, base / one.folder, write)
    write(paths.generated / f"{PART}.md", page_part(found))


def write_explorer(results: Results, folder: Path, write: Callable[[Path, str], None]) -> None:
    """What the explorer fetches for one experiment: a file a depth, and `index.json`."""
    levels = []
    for kind, depth in latents.places(results):
        name = f"{kind}-{depth}.json"
        try:
            found = level(results, kind, depth)
            text = _compact({"depth": depth, "kind": kind, "latents": found})
        except NumericError as error:
            place = f"{results.experiment}, {kind} at depth {depth}"
            raise NumericError(f"{place}: {error}; the tables of its run are damaged: run it again") from None
        there, pictures = len(latents.names(results, kind, depth)), results.pictures()
        if not there:  # neurons at which nobody looked
            continue
        write(folder / name, text)
        levels.append(
            {
                "depth": depth, "kind": kind, "file": name, "live": len(found), "all": there,
                "named": sum(latent["m"] for latent in found), "map": _map(results, kind, depth, folder, write),
                "views": [view for view in VIEWS if f"{SHEETS}/{view}-{kind}-{depth}-none.webp" in pictures],
            }
        )  # fmt: skip
    depths = [one["depth"] for one in levels]
    start = FIRST if FIRST in depths else min(depths, default=0)
    write(folder / "index.json", _compact({**index(results), "start": start, "levels": levels}))


def write_plain(results: Results, main: Results, folder: Path, write: Callable[[Path, str], None]) -> None:
    """The same of an experiment at whose latents nobody looked: `from` says whose images are shown."""
    folder.mkdir(parents=True, exist_ok=True)  # no pictures of its own are copied there
    levels = plain_levels(results)
    for one in levels:
        one["map"] = _map(results, one["kind"], one["depth"], folder, write)
        found = plain_level(results, main, one["depth"], thousandths)
        write(folder / one["file"], _compact({"depth": one["depth"], "kind": one["kind"], "latents": found}))
    about = {"experiment": results.experiment, "title": results.manifest["title"], "from": OWN}
    start = levels[0]["depth"] if levels else 0
    write(folder / "index.json", _compact({**index(main), **about, "start": start, "levels": levels}))


def _map(results: Results, kind: str, depth: int, folder: Path, write: Callable[[Path, str], None]) -> str:
    """The file of a depth's map of directions; empty where there is none."""
    found, name = map_of(results, kind, depth), f"{kind}-{depth}-map.json"
    if found is None:
        return ""
    write(folder / name, _compact(found))
    return name


def index(results: Results) -> dict[str, Any]:
    """What is common to all depths: what examples and classes are called, how sprite and sheets are cut, the labels of
    the sprite's cells; for examples that are no images their HTML, where there is some."""
    sprite = results.sprite
    return {
        "experiment": results.experiment, "title": results.manifest["title"], "classes": sprite["class_names"],
        "examples": "images" if sprite["width"] else "examples",
        "sprite": {name: sprite[name] for name in ("labels", "ids", "html") if name in sprite} | _cut(sprite),
        "sheets": _cut(results.sheets) if results.pictures() else {},
    }  # fmt: skip


def _cut(shape: dict[str, Any]) -> dict[str, Any]:
    """How a picture of many is cut; `fine`: whether its parts are shown smaller than they are."""
    fine = max(shape["width"], shape["height"]) > FINE
    return {**{name: shape[name] for name in ("columns", "width", "height")}, "fine": fine}


def level(results: Results, kind: str, depth: int) -> list[dict[str, Any]]:
    """One object per latent of a depth that fires on the images that are shown."""
    table = latents.wide(results, kind, depth)
    rows: dict[Any, dict[str, float]] = table.to_dict("index")  # type: ignore[assignment]  # columns are measures
    classes = range(len(results.sprite["class_names"]))
    cell = {example: number for number, example in enumerate(results.sprite["ids"])}
    names = latents.names(results, kind, depth)
    called = dict(zip(names.index, zip(names["name"], names["named"], names["classes"], strict=True), strict=True))
    bands = bands_of(results, kind, depth)
    bars = latents.pairs(_ordered(results, "histograms", kind, depth, "bin"), ["latent"], ("count", "bin"))
    beside = _beside(results, kind, depth)
    twins = _twins(results, kind, depth, beside, cell)
    found = []
    for number, row in rows.items():
        # a latent that fires on few images has empty bands; one that is silent is left out
        shown = [bands.get((number, band), []) for band in range(BANDS)]
        if not any(shown):
            continue

        def several(measure: str, scale: int = 1000, row: dict[str, float] = row) -> list[int | None]:
            return [whole(row.get(f"{measure}_{c}"), scale) for c in classes]

        def some(*measures: str, row: dict[str, float] = row) -> list[int | None]:
            return [thousandths(row.get(measure), measure in HUNDREDTHS) for measure in measures]

        largest = row.get("largest", max(drive for part in shown for _, drive in part))
        found.append(
            {
                "i": number, "n": str(called[number][0]), "m": int(called[number][1]),
                "d": some("detection", "class_detection", "detection_null", "name_q"),
                "r": some("name_precision", "name_recall", "rule_precision", "rule_recall"),
                "c": whole(row.get("detector_class"), 1),
                "f": some("f1", "f1_null", "detector_precision", "detector_recall", "class_q"),
                "s": some("selectivity", "top_class_share", "share_null", "firing_rate", "l0_share"),
                "a": float(f"{largest:.3g}"),
                "h": [count for count, _ in bars.get((number,), [])],
                "b": [[cell[example] for example, _ in part] for part in shown],
                "v": [[whole(drive / largest, 100) for _, drive in part] for part in shown],
                "k": [thousandths(row.get(f"class_share_{c}")) for c in classes],
                "ab": several("ablation"), "ah": several("ablation_half"),
                "st": several("steering"), "sh": several("steering_half"), "at": several("attribution", 100),
                "e": whole(row.get("effect_class"), 1), "x": fits(row, called[number][2]), "q": gate(row),
                "o": [*some("optimised_enters"), whole(row.get("optimised_activation", math.nan) / largest, 100),
                      whole(row.get("read_optimised"), 1), *some("read_optimised_certainty")],
                "t": [whole(row.get("read_top"), 1), *some("read_top_share")],
                **beside.get(number, NOTHING_BESIDE), "rn": twins.get(number),
            }
        )  # fmt: skip
    return found


def _beside(results: Results, kind: str, depth: int) -> dict[int, dict[str, Any]]:
    """By latent: `p` parents, `u` the largest children and `w` how many there are, `y` active together one depth below,
    `g` close directions, `z` the most similar latent of every other tower."""
    found: dict[int, dict[str, Any]] = {}

    def place(latent: Any) -> dict[str, Any]:
        return found.setdefault(int(latent), {name: 0 if name == "w" else [] for name in NOTHING_BESIDE})

    if kind == latents.KIND:
        for (latent,), made in latents.pairs(_largest(results, depth), ["latent"], ("below", "weight")).items():
            place(latent)["p"] = _whole(made)
    for (latent,), uses in latents.pairs(_largest(results, depth + 1), ["below"], ("latent", "weight")).items():
        if depth:
            place(latent).update(u=_whole(uses[:CHILDREN]), w=len(uses))
    rows = _ordered(results, "relations", kind, depth, "rank").astype({"relation": str})
    for (latent, relation), others in latents.pairs(rows, ["latent", "relation"], ("other", "value")).items():
        if relation in ("coactive", "nearest"):
            place(latent)["y" if relation == "coactive" else "g"] = _whole(others)
        else:
            place(latent)["z"] += [[relation, *pair] for pair in _whole(others)]
    for here in found.values():
        here["z"].sort(key=lambda match: str(match[0]).replace(RANDOM, "~"))  # the floor stands last
    return found


def _twins(
    results: Results, kind: str, depth: int, beside: dict[int, dict[str, Any]], cell: dict[int, int]
) -> dict[int, list[Any]]:
    """By latent: the most similar one on the random network, as number, name, the largest share of its activation that
    is on one class, the cells of its strongest images. Those whose match never fires are not there."""
    other = {number: match[1] for number, here in beside.items() for match in here["z"] if match[0] == RANDOM}
    if not other:
        return {}
    bands = bands_of(results, kind, depth, RANDOM)
    table, names = latents.wide(results, kind, depth, RANDOM), latents.names(results, kind, depth, RANDOM)
    shares = table["top_class_share"] if "top_class_share" in table else pd.Series(dtype=float)
    return {
        number: [
            match, str(names["name"].get(match, "unnamed")), thousandths(shares.get(match)),
            [cell[example] for example, _ in bands[match, 0] if example in cell],
        ]
        for number, match in other.items()
        if (match, 0) in bands
    }  # fmt: skip


NOTHING_BESIDE: dict[str, Any] = {"p": [], "u": [], "w": 0, "y": [], "g": [], "z": []}


@latents.kept
def bands_of(results: Results, kind: str, depth: int, control: str = "none") -> dict[tuple[Any, ...], latents.Pairs]:
    """By latent and band: the examples with their activations, strongest first."""
    rows = _ordered(results, "bands", kind, depth, "rank", control)
    return latents.pairs(rows, ["latent", "band"], ("example", "activation"))


def fits(row: dict[str, float], classes: str) -> int | None:
    """0: the class that ablation lowers most is in the name; 1: surely another one; 2: another one, not surely. None
    where no class surely falls."""
    own = [int(one) for one in classes.split()]
    return FITS[selective.fits(row.get("effect_class", math.nan), own, row.get("disagrees") == 1)]


def gate(row: dict[str, float]) -> int:
    """Why a latent has no name, see analysis/run/interpret/explain.py: 0 nothing known, 1 no better than chance, 2
    predicts too little, 3 true of too many images on which the latent is silent."""
    if math.isnan(row.get("name_q", math.nan)):
        return 0
    return 1 if row["name_q"] > latents.SIGNIFICANT else 2 if row["detection"] < DETECTION else 3


def _ordered(results: Results, table: str, kind: str, depth: int, by: str, control: str = "none") -> pd.DataFrame:
    return latents.of(results, table, kind, depth, control).sort_values(["latent", by])


def _largest(results: Results, depth: int) -> pd.DataFrame:
    """Links of a depth, the largest first."""
    rows = latents.of(results, "links", latents.KIND, depth)
    # a dead latent's direction is that of the start: it is made of nothing
    live = {latent for latent, _ in bands_of(results, latents.KIND, depth)}
    return rows[rows["latent"].isin(live)].sort_values("weight", ascending=False, kind="stable")


def _whole(others: latents.Pairs) -> list[list[int | None]]:
    return [[other, thousandths(value, True)] for other, value in others]


def whole(value: Any, scale: int = 1000) -> int | None:
    """A number in parts of `scale`; None for one that is not there. Raises NumericError for infinity."""
    if value is None or pd.isna(value):
        return None
    if math.isinf(value):
        raise NumericError(f"a number of a latent is {value}, which the explorer cannot show")
    return round(float(value) * scale)


def thousandths(value: Any, to_hundredths: bool = False) -> int | None:
    """A number in thousandths that a screen rounds to the same hundredths as the number itself: .7549 is 754 and not
    755, which would be shown as .76 beside the .75 of every table. Below a tenth, where a percentage shows thousandths,
    only where it is shown in hundredths there, too."""
    found = whole(value)
    if found is None or found % 10 != 5 or (abs(found) < 100 and not to_hundredths):
        return found
    away = round(abs(float(f"{value:.2f}")) * 1000) > abs(found)
    return found + (1 if away == (found > 0) else -1)


def _compact(content: Any) -> str:
    try:
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        raise NumericError("a number of a latent is infinite or NaN, which the explorer cannot show") from None
