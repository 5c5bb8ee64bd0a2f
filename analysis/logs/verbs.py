"""What researchers do to things: the verbs in which they order, report and find their work done."""

from __future__ import annotations

import re

# Those whose base form is nearly never a noun at the start of a bullet stand first.
_REGULAR = re.findall(
    r"\S+",
    """
    add adjust align analyse analyze annotate apply approve archive arrange ask assemble assess attach automate bake
    benchmark book bootstrap borrow bump cache calculate calibrate cancel cast change characterise characterize check
    clarify clean clear clone close collect combine compare compile complete compress compute configure confirm connect
    consider contact convert copy correct correlate create curate debug decide define delete deploy derive describe
    design develop disable discuss document double download downsample draft drop dump email embed enable encode
    estimate evaluate examine exclude expand explain explore export extend extract figure filter finalise finalize
    finish fix flag freeze generate grab group halve handle implement import improve include increase index
    initialise initialize insert inspect install integrate interpolate introduce invert investigate isolate join label
    launch learn load lock log loosen lower mail mask match measure merge migrate mock monitor move normalise normalize
    notice observe offload open optimise optimize order organise organize overlay package parallelise parallelize
    patch perform permute pin plot polish port prepare print probe process profile program propose prune publish pull
    push quantify quantise quantize raise randomise randomize reach reduce refactor refine regenerate register
    reimplement relabel release reload remove rename render reorganise repair repeat replace replicate replot report
    reproduce request resample rescale resize restart restore restructure resubmit retrain retry return review revisit
    rotate sample save scale scan schedule score scrape scrub search select separate share shift shorten shuffle
    simplify simulate skip smooth solder solve sort specify start steer stitch stop store strip study submit subtract
    summarise summarize swap switch tabulate talk test tidy time track train transcribe transfer translate trim
    try tune turn update upgrade upload use validate vary verify visit visualise visualize warm wash watch weigh wire
    wrap ablate attribute backport binarise binarize blacklist bisect cherry-pick cluster crop deduplicate
    fine-tune finetune flatten fold hook interview invite iterate lint lemmatise map
    outline parse post present re-solder record rephrase replay rework rinse scrap tag tokenise tokenize
    unify unpack unwrap vectorise whiten zoom reflux purify titrate pipette incubate centrifuge sequence
    inject mount wait avoid pass hide highlight shade restrict mention cite ensure allow swab
    prefill cross-check double-check hand-label spot-check re-plot re-check re-train
""",
)
_IRREGULAR = (
    "begin began begun|bring brought brought|build built built|buy bought bought|catch caught caught"
    "|choose chose chosen"
    "|cut cut cut|dig dug dug|do did done|draw drew drawn|drive drove driven|feed fed fed|find found found"
    "|get got gotten|give gave given|go went gone|hold held held|keep kept kept|lay laid laid|leave left left"
    "|lend lent lent|make made made|meet met met|pay paid paid|pick picked picked|plug plugged plugged|put put put"
    "|read read read|rebuild rebuilt rebuilt|redo redid redone|rerun reran rerun|re-run re-ran re-run"
    "|rewrite rewrote rewritten|run ran run|send sent sent|set set set|show showed shown|spend spent spent"
    "|spin spun spun|split split split|sweep swept swept|take took taken|teach taught taught|think thought thought"
    "|throw threw thrown|undo undid undone|write wrote written|refit refit refit|re-fit refitted refitted"
    "|plan planned planned"
    "|fit fitted fitted|get rid got rid|tell told told|grow grew grown|freeze froze frozen|speak spoke spoken"
)
# Of these the base form is a noun at the head of many a bullet: "results of the sweep", "time per step", "log book".
_NOUNS_TOO = frozenset(
    re.findall(
        r"\S+",
        """
    archive benchmark book cache change cluster crop design double draft drop dump figure filter flag group hook
    index label log map mask match measure order package patch pin plot post present probe process profile
    program record release report request return review sample scale scan schedule score search sequence share
    shift start stop store strip study swap switch tag talk test time track train transfer turn update upgrade
    use visit wash watch wire wrap zoom cut draw drive feed find hold lay leave read run set show spin split
    sweep take fit plan request reply do go get double patch wire mail email document outline scrap time
""",
    )
)
_ONE_BEAT = frozenset(
    re.findall(
        r"\S+",
        """
    ship drop map tag pin plot log trim wrap strip swap skip stop scan scrap rub dim plug plan fit hop clip grab
    bin zip flip chop prep crop dub flag hug submit permit refit debug wrap unwrap
""",
    )
)


def _past(base: str) -> str:
    if base in _ONE_BEAT:
        return f"{base}{base[-1]}ed"
    if base.endswith("e"):
        return f"{base}d"
    if re.search(r"[^aeiou]y$", base):
        return f"{base[:-1]}ied"
    return f"{base}ed"


_PARTS = [tuple(line.split()) for line in _IRREGULAR.split("|")]
_THREE = [parts for parts in _PARTS if len(parts) == 3]
PARTICIPLES: frozenset[str] = frozenset([*map(_past, _REGULAR), *(parts[2] for parts in _THREE)])
"""Third forms: "was added", "loader written"."""
PAST: frozenset[str] = frozenset([*map(_past, _REGULAR), *(parts[1] for parts in _THREE)])
"""Second forms: "added", "wrote"."""
BASES: frozenset[str] = frozenset([*_REGULAR, *(parts[0] for parts in _THREE)])
_FIRST = re.compile(
    r"^\W*(?:(?:then|also|or|maybe|perhaps|first|finally|and|please|just|again|later|possibly|definitely|eventually"
    r"|really|actually|still|next|must|need to|needs? to"
    r"|have to)\s+)*(?:re-?)?([a-z]+(?:-[a-z]+)?)\b(?!\s*[:=(])(?!'s\b)",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"\s+(?:the|a|an|this|that|these|those|my|our|your|their|his|her|its|it|them|all|each|every|both|more|another"
    r"|up|out"
    r"|down|away|back|through|over|into|rid|how|what|why|whether|k|seeds?|\d+)\b",
    re.IGNORECASE,
)
# what follows a noun: "test of the loader", "plot is wrong", "batch size 64", "run 3"
_NOUN_BEFORE = re.compile(
    r"\W*$|\s+(?:of|for|in|at|from|by|and|or|to|is|are|was|were|has|had|size|set|sets|loss|acc\w*|rate|time|times"
    r"|error|errors|results?|efficiency|note|notes|data|steps?|\w+ed|done|finished|running|\d\S*)\b"
    r"|\s*[-\u2013:=(/,.&+]",
    re.IGNORECASE,
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|had|does|did|drops?|gives?|gets?|looks?|seems?|works?|fails?|goes|went|falls?|helps?"
    r"|shows?"
    r"|crash\w*|stays?|differs?|matters?|agree|overlap)\b|[=:]\s*\d",
    re.IGNORECASE,
)


_SAYING = re.compile(
    r"^\W*(?:take (?:a look|care|note)|go figure|stay tuned|read on|guess|see you|rest in|think of|do not ask)\b", re.I
)


def orders(text: str) -> float:
    """How surely the text is an order: it begins with what is to be done ("Remove the grid"). 0 where it is none."""
    match = None if _SAYING.match(text) else _FIRST.match(text)
    if not match or match.group(1).casefold() not in BASES:
        return 0
    rest = text[match.end() :]
    if match.group(1).casefold() not in _NOUNS_TOO or _OBJECT.match(rest):
        return 0.64
    return 0 if _NOUN_BEFORE.match(rest) or _FINITE.search(rest) else 0.55


def any_of(words: frozenset[str]) -> str:
    """A pattern of the words, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=lambda word: (-len(word), word)))
