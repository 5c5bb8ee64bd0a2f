"""The runs behind the site: seed, config, commit, machine, seconds."""

from __future__ import annotations

from html import escape

from analysis.figures.drawing import Drawing
from analysis.results.tables import Results


def runs(results: Results) -> Drawing:
    """One row a chain: a run on the trained host or on its random twin."""
    table = results.runs.sort_values(["seed", "control"])
    body = "".join(
        f'<tr><th scope="row"><code>{row["run"]}</code></th><td>{row["seed"]}</td>'
        f"<td>{'trained' if row['control'] == 'none' else 'random'}</td><td>{escape(row['dataset'])}</td>"
        f"<td>{escape(row['host'])}, {escape(row['hook'])}</td><td><code>{escape(row['commit'])}</code></td>"
        f"<td>{escape(row['date'])}</td><td>{row['seconds']:.0f}</td></tr>"
        for _, row in table.iterrows()
    )
    heads = ("run", "seed", "host weights", "data", "host, hook", "commit", "date", "seconds")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    total = float(table["seconds"].sum())
    return Drawing(
        kind="tbl",
        title=f"{len(table)} {'chain' if len(table) == 1 else 'chains'}, {total:.0f} seconds of work",
        caption=(
            "Every chain of stages behind this site. A run's id is a hash of its whole config; `+` behind a commit "
            "says that files differed from it. Machine: "
            + "; ".join(sorted({str(machine) for machine in table["machine"]}))
            + ". Seconds are the sum over a chain's stages, on one core each."
        ),
        alt="Table of runs with seed, host, commit, date and seconds.",
        data=table.drop(columns=["config"]),
        html=(
            '<div class="table-scroll" tabindex="0" role="region" aria-label="Runs">'
            '<table data-quarto-disable-processing="true" class="runs-table">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        ),
    )
