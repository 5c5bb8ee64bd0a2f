"""What crawlers read: `sitemap.xml` with every page that a reader is led to, and `robots.txt`, as Quarto writes them.

No `lastmod`: Quarto takes it from a file's time, and two builds would differ.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.sax.saxutils import escape

from analysis.site.project import Project

ROBOTS = "robots.txt"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'


def write(project: Project, out: Path) -> None:
    """Write both where `site-url` is known; the project's own robots.txt comes first."""
    own = project.root / ROBOTS
    if own.is_file():
        shutil.copyfile(own, out / ROBOTS)
    if not project.url:
        return
    places = [escape(f"{project.url}/{project.html_of(page)}") for page in project.listed]
    rows = "".join(f"  <url><loc>{place}</loc></url>\n" for place in places)
    (out / "sitemap.xml").write_text(f"{HEAD}{rows}</urlset>\n", encoding="utf-8")
    if not own.is_file():
        (out / ROBOTS).write_text(f"Sitemap: {project.url}/sitemap.xml\n", encoding="utf-8")
