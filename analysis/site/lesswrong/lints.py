"""What would break in a paste, one function a hazard: each says for an exported post what is wrong with it, and why.

They read the finished HTML and Markdown, not the nodes, so that a fault of the writers is found as well.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from analysis.site.lesswrong import widgets
from analysis.site.lesswrong.markup import Element, flat, names, parse
from analysis.site.lesswrong.pictures import MAX_BYTES, MIN_WIDTH
from analysis.site.lesswrong.tables import MAX_ROWS

ELEMENTS = names(
    "p h2 h3 h4 ul ol li blockquote pre code figure img figcaption table thead tbody tr th td details summary div span "
    "a em strong sup sub s u br hr iframe"
)
DIVS = frozenset(
    ("math-tex", "detailsBlockContent", "llm-content-block", "llm-content-block-content", "footnote-content")
)
SPANS = frozenset(("math-tex", "footnote-reference", "footnote-back-link"))
_REFERENCE = re.compile(r"\?*@(?:fig|tbl|eq|sec|lst|thm|lem|cor|prp|cnj|def|exm|exr|nte|tip|wrn|imp|cau)-[\w-]+")


@dataclass(frozen=True)
class Export:
    """A post as it was written, and the address of the site that its pictures lie on."""

    html: str
    base: str

    @property
    def tree(self) -> Element:
        """Its elements."""
        return parse(self.html)


Lint = Callable[[Export], Iterator[str]]


def _prose(element: Element) -> str:
    """The words, code and formulas left out."""
    if element.name in ("pre", "code") or element.has("math-tex"):
        return " "
    return "".join(child if isinstance(child, str) else _prose(child) for child in element.children)


def _absolute(address: str) -> bool:
    return address.startswith(("https://", "http://", "mailto:"))


def relative_address(post: Export) -> Iterator[str]:
    """A post stands on another host."""
    for element in post.tree.walk():
        for name in ("href", "src"):
            address = element.attributes.get(name)
            note = element.name == "a" and re.fullmatch(r"#fn(?:ref)?\w+", address or "") and _in_note(element)
            if address is not None and not _absolute(address) and not note:
                yield f"the relative address {address!r}: on another host it leads nowhere"


def _in_note(element: Element) -> bool:
    around = element.parent
    while around is not None:
        if around.has("footnote-reference") or around.has("footnote-back-link"):
            return True
        around = around.parent
    return False


def missing_alt(post: Export) -> Iterator[str]:
    """A picture says in words what it shows."""
    for image in post.tree.all("img"):
        if not image.attributes.get("alt", "").strip():
            yield f"the picture {image.attributes.get('src', '')} has no alternative text"


def lost_formula(post: Export) -> Iterator[str]:
    """Formulas survive in `math-tex` only."""
    tree = post.tree
    if tree.all("math"):
        yield "MathML: a paste drops it; write math-tex"
    for found in re.findall(r".{0,20}\$.{0,20}", flat(_prose(tree))):
        yield f"a bare $ in the text ({found.strip()}): it is shown as a sign, or eats what follows"
    for element in tree.of_class("math-tex"):
        ends = (r"\(", r"\)") if element.name == "span" else (r"\[", r"\]")
        if not (element.text().startswith(ends[0]) and element.text().endswith(ends[1])):
            yield f"a formula without {ends[0]} and {ends[1]}: {element.text()[:40]}"


def table_caption(post: Export) -> Iterator[str]:
    """A caption and alignment inside a table are lost."""
    for table in post.tree.all("table"):
        if table.all("caption"):
            yield "a <caption>: a paste drops it; a bold paragraph above the table stays"
        for cell in table.all("td", "th", "tr"):
            if {"style", "align", "colspan", "rowspan"} & set(cell.attributes):
                yield "alignment or a joined cell in a table: a paste drops it"
                break


def long_table(post: Export) -> Iterator[str]:
    """A long table is cut, and says where the rest is."""
    tree = post.tree
    for table in tree.all("table"):
        rows = sum(not row.within("thead") for row in table.all("tr"))
        around = table.parent or tree
        after = around.elements[around.elements.index(table) + 1 :][:1]
        linked = any(link.attributes.get("href", "").startswith(post.base) for one in after for link in one.all("a"))
        if rows > MAX_ROWS and not linked:
            yield f"a table of {rows} rows without a link to the site: more than {MAX_ROWS} cannot be read in a post"


def unrounded_number(post: Export) -> Iterator[str]:
    """Nobody formats a number after the paste."""
    for cell in post.tree.all("td", "th"):
        if found := re.search(r"\d\.\d{6,}", cell.text()):
            yield f"the number {found[0]} in a table is not rounded"


def crowded_figure(post: Export) -> Iterator[str]:
    """A figure holds one picture, and a picture stands in a figure."""
    tree = post.tree
    for figure in tree.all("figure"):
        count = len(figure.all("img"))
        if count != 1:
            yield f"a figure with {count} images: the editor splits it into several, and one keeps the caption"
        if not figure.has("image") or not re.fullmatch(r"width:\d+%", figure.attributes.get("style", "")):
            yield 'a figure that is not `<figure class="image" style="width:N%">`: its width is lost'
    for image in tree.all("img"):
        if not image.within("figure"):
            yield f"the picture {image.attributes.get('src', '')} stands in no figure"
        if image.within("a"):
            yield "a link around a picture: it costs the picture its caption"
        if {"width", "height"} & set(image.attributes):
            yield "width or height on a picture: the editor strips them"


def foreign_image(post: Export) -> Iterator[str]:
    """Pictures come from the site itself."""
    for image in post.tree.all("img"):
        src = image.attributes.get("src", "")
        if not src.startswith(post.base + "/"):
            yield f"the picture {src} lies outside {post.base}: it may not be there when the post is saved"


def vector_picture(post: Export) -> Iterator[str]:
    """SVG is dropped."""
    if post.tree.all("svg") or re.search(r'src="[^"]*\.svg', post.html):
        yield "<svg>: a paste drops it; show a PNG with a link"


def plain_details(post: Export) -> Iterator[str]:
    """What opens and closes has classes of the editor's own."""
    for element in post.tree.all("details"):
        names = [child.name for child in element.elements]
        ok = element.has("detailsBlock") and names == ["summary", "div"]
        if not ok or not element.elements[0].has("detailsBlockTitle") or not element.elements[1].has(
            "detailsBlockContent"
        ):  # fmt: skip
            yield "a <details> without the editor's classes: it is flattened"
    if any(not summary.within("details") for summary in post.tree.all("summary")):
        yield "a <summary> outside a <details>"


def nested_code(post: Export) -> Iterator[str]:
    """Code stands in `<pre>` alone."""
    for element in post.tree.all("pre"):
        if element.elements:
            yield f"<pre><{element.elements[0].name}: it becomes blocks within blocks"


def unresolved_reference(post: Export) -> Iterator[str]:
    """Every cross-reference is a link by now."""
    for found in _REFERENCE.findall(_prose(post.tree)):
        yield f"the unresolved reference {found}"


def live_widget(post: Export) -> Iterator[str]:
    """A frame is the editor's own, small, and keeps nothing in the reader's browser."""
    for frame in post.tree.all("iframe"):
        document = frame.attributes.get("srcdoc", "")
        if frame.attributes.get("data-lexical-iframe-widget") != "true" or not frame.attributes.get("data-widget-id"):
            yield "a foreign <iframe>: a paste drops it"
            continue
        if frame.attributes.get("sandbox") != "allow-scripts":
            yield "a widget whose sandbox is not `allow-scripts`"
        size = len(document.encode())
        if not 0 < size <= widgets.MAX_BYTES:
            yield f"a widget of {size} bytes: at most {widgets.MAX_BYTES} are kept"
        if re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie", document):
            yield "a widget that stores something in the browser: the sandbox forbids it"
        for address in re.findall(r'(?:src|href)="([^"]*)"', document):
            if not _absolute(address) and not address.startswith("data:image/"):
                yield f"a widget with the relative address {address!r}"
        least, largest = (re.search(rf"{end}-width:(\d+)px", document) for end in ("min", "max"))
        if not least or not largest or int(least[1]) < widgets.LEAST or int(largest[1]) > widgets.LARGEST:
            yield f"a widget that is not {widgets.LEAST} to {widgets.LARGEST} pixels wide"


def broken_footnote(post: Export) -> Iterator[str]:
    """Marks and notes find each other by id, in the editor's form."""
    tree = post.tree
    marks = [mark.attributes.get("data-footnote-id", "") for mark in tree.of_class("footnote-reference")]
    notes = [note.attributes.get("data-footnote-id", "") for note in tree.of_class("footnote-item")]
    for mark in sorted(set(marks) - set(notes)):
        yield f"a footnote is called ({mark or 'without an id'}) and is not there"
    for note in sorted(set(notes) - set(marks)):
        yield f"a footnote ({note or 'without an id'}) is never called"
    for one in (*tree.of_class("footnote-ref"), *tree.of_class("footnotes")):
        if "data-footnote-section" not in one.attributes:
            yield "a footnote in pandoc's form: a paste kills it"
    for item in tree.of_class("footnote-item"):
        if not item.of_class("footnote-content") or not item.of_class("footnote-back-link"):
            yield "a footnote without its content or its way back"


def drafted_text(post: Export) -> Iterator[str]:
    """Text of a language model stands whole in its block."""
    for block in post.tree.of_class("llm-content-block"):
        if not block.attributes.get("data-model-name"):
            yield "a block of a language model's text without the model's name"
        if [child.has("llm-content-block-content") for child in block.elements] != [True]:
            yield "a block of a language model's text without its content"
        if block.of_class("footnote-reference"):
            yield "a footnote in a language model's text: it would stand outside the block; write it into the text"


def low_heading(post: Export) -> Iterator[str]:
    """The title has a field of its own."""
    if post.tree.all("h1"):
        yield "a heading of level 1: the title is a field of its own, headings start at 2"


def unknown_element(post: Export) -> Iterator[str]:
    """Whatever else there is."""
    for element in post.tree.walk():
        if element.name not in ELEMENTS and element.name not in ("h1", "svg", "math", "caption"):
            if not element.within("svg", "math"):
                yield f"<{element.name}>: a paste drops it"
        elif element.name == "div" and not DIVS & set(element.classes):
            yield f"a <div> of no known class {element.attributes.get('class', '')!r}: it becomes bare paragraphs"
        elif element.name == "span" and not SPANS & set(element.classes):
            yield f"a <span> of no known class {element.attributes.get('class', '')!r}: a paste drops it"


HAZARDS: tuple[Lint, ...] = (
    relative_address, missing_alt, lost_formula, table_caption, long_table, unrounded_number, crowded_figure,
    foreign_image, vector_picture, plain_details, nested_code, unresolved_reference, live_widget, broken_footnote,
    drafted_text, low_heading, unknown_element,
)  # fmt: skip


def rich_faults(html: str, base: str) -> list[str]:
    """What is wrong with the HTML of a post."""
    post = Export(html, base)
    return list(dict.fromkeys(fault for lint in HAZARDS for fault in lint(post)))


def picture_faults(files: dict[str, bytes]) -> list[str]:
    """What is wrong with picture files."""
    faults = []
    for name, data in files.items():
        if not name.endswith(".png"):
            continue
        with Image.open(io.BytesIO(data)) as image:
            if image.width < MIN_WIDTH:
                faults.append(f"{name} is {image.width} pixels wide: at least {MIN_WIDTH}")
        if len(data) > MAX_BYTES:
            faults.append(f"{name} has {len(data)} bytes: at most {MAX_BYTES}")
    return faults


def markdown_faults(text: str, base: str, github: bool) -> list[str]:
    """What is wrong with the Markdown of a post."""
    faults = []
    prose = re.sub(r"^( *)(`{3,})[^\n]*\n.*?^\1\2$|`+[^`\n]*`+", " ", text, flags=re.M | re.S)
    bare = re.sub(r"\\.|\$\$.*?\$\$|\$[^$\n]+\$", " ", prose, flags=re.S)
    tags = re.findall(r"<([a-z][a-z0-9]*)(?:\s[^<>]*)?/?>", bare)
    allowed = names("details summary sup sub") if github else frozenset()
    faults += [f"raw HTML <{tag}> in Markdown: it is shown as text" for tag in tags if tag not in allowed]
    faults += ["a bare $ in the Markdown: it eats what follows"] if "$" in bare else []
    for image, address in re.findall(r"(!?)\[(?:\\.|[^\]\\])*\]\(([^)\s]*)\)", bare):
        if not _absolute(address):
            faults.append(f"the relative address {address!r} in Markdown")
        elif image and not address.startswith(base + "/"):
            faults.append(f"the picture {address} lies outside {base}")
    faults += ["a picture without alternative text in Markdown"] if re.search(r"!\[\s*\]\(", bare) else []
    faults += [f"the unresolved reference {found} in Markdown" for found in _REFERENCE.findall(bare)]
    called, defined = set(re.findall(r"\[\^(\d+)\](?!:)", bare)), set(re.findall(r"^\[\^(\d+)\]:", bare, flags=re.M))
    faults += [f"footnote {note} of the Markdown is called or defined only" for note in sorted(called ^ defined)]
    return list(dict.fromkeys(faults))
