"""Phrases by which researchers ask, plan, find and report, as patterns; where there are several, with how sure each is.

They were chosen by reading logs. `tests/gold` says how well they do, on logs that they were tuned on and on others.
"""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_LEAD = r"^[\W_]*(?:(?:but|so|and|or|also|ok|okay|hmm+|well|then|now|wait|still|thus|btw)\b[\s,.:-]*)*"
_SUBJECT = (
    r"(?:i|we|you|they|it|he|she|one|there|this|that|these|those|the|a|an|any|my|our|its|their|each|all|some|more"
    r"|every|both|other|most|(?-i:[A-Z]\w*)|\w+ing)"
)
_AUX = r"(?:is|are|was|were|am|do|does|did|can|could|should|would|will|has|have|had|might|may)(?:n't)?"
WH = r"(?:what(?:'s)?|why|how|which|where|when|whose|who)"
ASKS = _any(
    rf"{_LEAD}{WH}\b",
    rf"{_LEAD}(?:in what way|to what (?:extent|degree)|for wh\w+)\b",
    rf"{_LEAD}{_AUX}\s+{_SUBJECT}\b",
)
# Without a question mark only an inverted clause asks: "why does it", not "what I did".
ASKS_UNMARKED = _any(
    rf"{_LEAD}(?:why|how|what|which|where|when|who)\s+(?:{_AUX}|to)\b",
    rf"{_LEAD}(?:what if|how (?:much|many|often|come|well)|why not)\b",
    rf"{_LEAD}(?:is|are|does|do|did|should|would)\s+(?:it|this|that|there|we|i|they|the)\b",
    rf"{_LEAD}(?:are|does|did)\s+\w+",
)
INSIDE = _any(
    rf"[,:;]\s*(?:but |so |and |then )?(?:{WH}\s+{_AUX}|{_AUX}\s+(?:it|we|i|this|that|there|they))\b",
)
INDIRECT = re.compile(
    r"\b(?:wonder(?:ing)?|curious|unclear|not (?:\w+ )?(?:sure|clear|certain|obvious)|unsure|no idea|no clue"
    r"|(?:don't|do not|dont|can't|cannot) (?:\w+ )?(?:know|understand|see|get|tell|figure out)"
    r"|confused (?:about|by|as to)|puzzled|want to (?:know|understand)"
    r"|(?:open|big|main|next|real) question)\b"
    r"(?=.*\b(?:why|how|what|whether|if|which|where|when|who|that|about|by|is)\b)",
    re.IGNORECASE,
)
RHETORICAL = _any(
    r"\bto what end\b",
    r"\bwho (?:knows|cares|am i kidding|would have thought|would ever)\b",
    r"\bwhy (?:do|does|did|is|am) .{0,40}\b(?:always|never)\b",
    r"\bwhat could (?:possibly )?go wrong\b",
    r"\bhow hard can\b",
    r"\bwhat kind of \w+ would\b",
    r"\bwhy (?:not|bother|even)\b",
    r"\bwhat(?:'s| is) (?:the point|not to)\b",
    r"\b(?:can|could) you (?:imagine|believe)\b",
    r"\b(?:isn't (?:it|that|this)|don't (?:you|we)|am i right)\b",
    r",\s*(?:right|no|huh|eh|yes|ok|okay|doesn't it|don't they|won't it)\W*$",
    r"\?\?\?|\?!|!\?",
)
SPEECH = _any(r"^\s*[\"'].*[\"']\W*$", r"\b(?:asked|said|says|like),?\s*[\"]")
NO_STEP = _any(
    r"\bwon't\b|\bwill not\b|\bnot going to\b",
    r"\b(?:don't|do not|doesn't|didn't|no) (?:\w+ )?(?:need|want|have to)",
    r"\b(?:was|were) going to\b",
    r"\bhad (?:planned|wanted|hoped|meant)\b|\b(?:originally|wanted to)\b|\b(?:should|could|would) have \w+",
)
_MINE = r"(?:\b(?:i|we|and|then|so|but)\s+|^\W*|[,;:.]\s*)"
_ORDERS = (
    "try|train|check|fix|plot|implement|compare|add|make|build|test|learn (?:to|how|about)|figure out|find out"
    "|look (?:at|into|for|over)|investigate|measure|rerun|re-run|retrain|replicate|reproduce|visuali[sz]e"
    "|write (?:up|a|the|this|it)|clean|refactor|sweep|ask|remember to|think about|pull|redo|repeat|order|buy|send"
    "|mail|swap|keep|collect|record|prepare|finish|decide|randomi[sz]e|repair|port|switch to|split|label|watch"
    "|email|search|download|warm|redesign|get rid|do a|do the|run (?:a|the|it|on|with|more)"
)
STEPS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (0.9, _any(r"(?-i:\bTODO\b|\bFIXME\b|\bTo-?do\b:)")),
    (
        0.85,
        _any(
            r"\b(?:the |my |our )?next (?:steps?|thing|task|experiment|up)\b",
            r"^\W*next\s*[:,]",
            r"\bplan (?:is|for|now)\b",
            r"\bplanning (?:to|on)\b",
        ),
    ),
    (0.8, _any(r"\b(?:i|we)(?:'ll| will| plan to|(?:'m| am|'re| are) going to)\b")),
    (
        0.7,
        _any(
            r"\b(?:i|we)(?:'d like| (?:\w+ )?(?:need|want|intend|hope|have|ought|would like)) to\b",
            rf"{_MINE}(?:will|going to|gonna|need to|want to|have to|plan to)\s+\w",
            r"\bmakes? (?:\w+ )?sense to\b",
            r"\bworth (?:\w+ing|a try|a shot)\b",
        ),
    ),
    (
        0.65,
        _any(r"\b(?:i|we) (?:\w+ )?should\b", r"^\W*(?:maybe |perhaps |also )?should (?:also |probably )?\w+"),
    ),
    (
        0.6,
        _any(
            r"\blet(?:'s| us)\b",
            r"\b(?:tomorrow|tmrw|tmr)\b.*\b(?:will|try|run|train|start|continue|we|i)\b|\b(?:try|run|train)\b.*\b(?:tomorrow|tmrw|tmr)\b",
            r"\bon (?:mon|tues|wednes|thurs|fri|satur|sun)day (?:we|i) \w+",
            r"\bstill (?:have|need) to\b|\bremains to\b",
            r"\b(?:test|fix|experiment|check|control|way|thing) (?:\w+ )?is to\b",
            r"\b(?:i|we) want (?:\d+|two|three|more|another)\b",
        ),
    ),
    (
        0.55,
        _any(
            r"\b(?:needs?|has|have) to be \w+(?:ed|n|t)\b",
            r"\bneeds? (?:fixing|checking|testing|cleaning|more)\b",
            r"\bbe (?:good|nice|interesting|great|useful) to\b",
            r"^\W*(?:or |and |also |maybe |alternatively )*(?:(?:one|we|i|you) )?(?:could|can|might) "
            r"(?:also |just |maybe )?(?!have|not|be\b)\w+",
        ),
    ),
    (
        0.55,  # an order to oneself
        _any(
            r"^\W*need (?:a|an|to|more|some|the)\b",
            rf"^\W*(?:(?:then|also|or|maybe|first|finally|and|please|just|again|need)\s)?(?:{_ORDERS})\b",
        ),
    ),
)
_SELF = r"(?:i|we|just|have|also|and|then)"
_SAW = r"(?:found|learne?d|learnt|discovered|noticed|observed|confirmed|reali[sz]ed)"
FINDINGS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (
        0.8,
        _any(
            r"\bturn(?:s|ed) out\b",
            rf"\b{_SELF} (?:\w+ )?{_SAW}\b",
            r"\b(?:takeaways?|lessons?|conclusions?|findings?)\b",
        ),
    ),
    (0.75, _any(rf"^\W*(?:{_SAW}|figured out|interesting(?:ly)?)\b")),
    (0.7, _any(r"\bas (?:\w+ )?(?:important|good|bad|useful|strong|large|fast|hard|much|well) as\b")),
    (
        0.65,
        _any(
            r"\b(?:reason|cause|culprit|problem|bug|issue|trick) (?:is|was)\b",
            r"\bit was because\b|\bfigured out\b",
        ),
    ),
    (
        0.6,
        _any(
            r"\b(?:shows?|showed|suggest(?:s|ed)?|implie[sd]|indicates?|means|proves|demonstrates?) \w+",
            r"\b(?:better|worse|faster|slower|higher|lower|sparser|denser|larger|smaller) "
            r"(?:than|when|if|with|for|at)\b",
        ),
    ),
    (
        0.55,
        _any(
            r"\b(?:increase[sd]?|decrease[sd]?|improve[sd]?|dropp?(?:ed|s)|converge[sd]?|collapse[sd]?|diverge[sd]?)\b",
            r"\b(?:went|goes) (?:up|down)\b",
        ),
    ),
    (
        0.55,
        _any(
            r"\b(?:is|are|was|were|am|looks?|seems?) (?:now |all |mostly |simply |just |only |still |completely )*"
            r"(?:gone|garbage|useless|enough|noisy|broken|wrong|clean|dead|random|flat|identical|the same"
            r"|everywhere|thin|twice|half|far too|too (?:small|large|good|noisy))\b",
            r"\b(?:barely|hardly|nearly all|almost all|none of|all of the|most of the|twice (?:what|as))\b",
            r"\bso (?:it's|it is|both|the|a good part)\b|\bso i can't trust\b|\bwhich (?:would )?explains?\b",
            r"\bsays? that\b|\bunlocks?\b",
        ),
    ),
    (
        0.5,
        _any(
            r"\b(?:does|did|do)(?:n't| not) (?:seem|work|help|matter|change|make)\b",
            r"\bseems? (?:to|that|like)\b",
            r"\b(?:is|are|was) (?:very |really |quite |so )?(?:helpful|useful)\b",
        ),
    ),
)
REPORT = _any(
    r"\b(?:found|reali[sz]ed|learne?d|learnt|noticed|observed|discovered|confirmed|findings?|showed) that\b",
    r"\bturn(?:s|ed) out\b",
    r"^\W*(?:learne?d|learnt|reali[sz]ed)\b",
)
# A measured number and a verb that says how things are.
NUMBER = re.compile(r"(?<![\w.])(?:[<>~=]\s?)?\d[\d.,]*\s*(?:%|x\b|[a-zA-Z]{0,3}\b)")
STANDS = _any(
    r"\b(?:is|are|was|were|has|have|had|gets?|got|falls?|fell|drops?|dropped|rises?|rose|survives?|gives?|gave|keeps?|kept"
    r"|reach(?:es|ed)?|stays?|stayed|grows?|grew|goes|went|walks?|costs?|needs?|only|helps?|hurts?|shows?)\b|[:=]\s*[~<>]?\d"
)
OF_ME = re.compile(r"^\W*(?:\w+\s){0,3}?(?:i|we|my|you)\b", re.IGNORECASE)
AIM = _any(
    r"\b(?:goal|aim|objective|hypothesis|motivation|hunch|bet|guess|point|theory|idea) (?:\w+ ){0,4}(?:is|was)\b",
    r"^\W*(?:my |our |the |working )*(?:goal|aim|guess|bet|hypothesis|hunch|context)\b[^:]{0,30}:",
)
_PAST = (
    "ran|wrote|built|made|took|put|redid|cut|drew|began|spent|split|swept|set up|re-?ran|rebuilt|rewrote|sent|read"
    "|trained|retrained|\\w{2,}(?<!ne)(?<!xci)(?<!onfus)(?<!ire)ed"
)
NO_DEED = re.compile(
    r"^(?:wanted|hoped|planned|needed|liked|loved|expected|wondered|supposed|missed|seemed|started|turned|based|tired|bored"
    r"|compared to|excited|called|allowed|happened|agreed|failed|closed|indeed|speed|need|feed|seed|red|bed|shed)$",
    re.IGNORECASE,
)
DEEDS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (0.6, re.compile(rf"\b(?:i|we)(?:'ve| have)? (?:(?:just|finally|also|then|now|already|even)\s)?({_PAST})\b", re.I)),
    (0.55, re.compile(rf"{_LEAD}(?:(?:just|finally|also|already|then|today|yesterday)\s)*({_PAST})\b", re.I)),
    (
        0.55,
        re.compile(
            rf"{_LEAD}((?:working|reading|going) (?:through|on)|had a (?:\w+ )?(?:chat|call|discussion|meeting)"
            r"|filed? an)\b",
            re.I,
        ),
    ),
)
