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
    rf"{_LEAD}(?:should|would|could|can|must)\s+(?:\w+\s+){{1,3}}be\s+\w+",
)
# Without a question mark only an inverted clause asks: "why does it", not "what I did".
ASKS_UNMARKED = _any(
    rf"{_LEAD}(?:why|how|what|which|where|when|who)\s+(?:{_AUX}|to)\b",
    rf"{_LEAD}(?:what if|how (?:much|many|often|come|well)|why not)\b",
    rf"{_LEAD}(?:is|are|does|do|did|should|would)\s+(?:it|this|that|there|we|i|they|the)\b",
    rf"{_LEAD}(?:are|does|did)\s+\w+",
    rf"{_LEAD}(?:would|could|can|should|will)\s+(?:an?|any|these|those|one|more|fewer)\s+\w+",
    rf"{_LEAD}(?:should|would|could|can|must)\s+(?:\w+\s+){{1,3}}be\s+\w+",
    r"^\W*(?:but |and |so )?why (?!(?:i|we|this is|it is|that is)\b)\w+",
)
INSIDE = _any(
    rf"[,:;]\s*(?:but |so |and |then )?(?:{WH}\s+{_AUX}|{_AUX}\s+(?:it|we|i|this|that|there|they))\b",
)
INDIRECT = re.compile(
    r"\b(?:wonder(?:ing)?|curious|unclear|not (?:\w+ )?(?:sure|clear|certain|obvious)|unsure|no idea|no clue"
    r"|(?:don't|do not|dont|can't|cannot) (?:\w+ )?(?:know|understand|see|get|tell|explain|figure out)"
    r"|confused (?:about|by|as to)|puzzled|(?:want|like|love) to (?:know|understand)"
    r"|(?:open|big|main|next|real) question)\b"
    r"(?=.*\b(?:why|how|what|whether|if|which|where|when|who|that|about|by|is)\b)",
    re.IGNORECASE,
)
# Words with which other languages ask, at the start; where nothing is spaced, anywhere.
FOREIGN_ASKS = _any(
    r"^\W*(?:und |aber |et |mais |y |pero |e |ma |mas |en |maar )?(?:warum|wieso|weshalb|weswegen|wie (?:viele?"
    r"|gro\u00df|lange|oft|kann"
    r"|soll|macht|geht|w\u00e4re)|wie|woran|woher|wohin|wozu|womit|welche[rsnm]?|was (?:ist|sind|passiert|bedeutet"
    r"|macht|w\u00e4re)"
    r"|(?:ist|sind|kann|k\u00f6nnen|soll|sollte|sollten|braucht|brauchen|lohnt|hilft|gibt|liegt|hat|haben"
    r"|reicht)\b.{3,}\?"
    r"|pourquoi|comment|combien|est-ce|qu'est-ce|quel(?:le)?s?|quand|faut-il|peut-on|y a-t-il|o\u00f9"
    r"|\u00bf|por qu\u00e9|c\u00f3mo|cu\u00e1l(?:es)?|cu\u00e1nt[oa]s?|cu\u00e1ndo|qu\u00e9"
    r"|perch\u00e9|come mai|quant[oiae]|quale|quali|por que|porque \w+.*\?|quais|qual|quant[oa]s"
    r"|waarom|hoeveel|hoe|welke?|waar|wanneer|varf\u00f6r|hur|vilken|dlaczego|czemu|jak|czy|ile|kt\u00f3r\w+"
    r"|\u043f\u043e\u0447\u0435\u043c\u0443|\u0437\u0430\u0447\u0435\u043c|\u043a\u0430\u043a"
    r"|\u0441\u043a\u043e\u043b\u044c\u043a\u043e|\u043a\u0430\u043a\u043e[\u0439\u0435]"
    r"|\u043a\u0430\u043a\u0430\u044f|neden|nas\u0131l)\b",
    r"^.{0,60}(?:\u4e3a\u4ec0\u4e48|\u70ba\u4ec0\u9ebc|\u600e\u4e48|\u600e\u9ebc|\u5982\u4f55|\u662f\u5426"
    r"|\u662f\u4e0d\u662f|\u591a\u5c11|\u4ec0\u4e48|\u54ea"
    r"|\u306a\u305c|\u3069\u3046|\u3069\u306e|\u3067\u3059\u304b|\u307e\u3059\u304b|\u3060\u308d\u3046\u304b|\uc65c"
    r"|\uc5b4\ub5bb\uac8c|\ubb34\uc5c7|\uc778\uac00|\uc77c\uae4c)",
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
    r"\bwho (?:needs?|wants?|thought|would want|asked for|ever)\b",
    r"\bwh(?:o|at|y|ere|en) (?:on earth|in the world|the hell|the heck|the f\w*)\b",
    r"\bwhat (?:did|do|was|were) (?:i|we) (?:\w+ )?(?:expect|thinking)\b",
    r"\b(?:why|when|what|how) (?:do|did|does|am|can) i (?:\w+ )?(?:ever|never|always|even)\b",
    r"\b(?:anyway|anyways|again|at last|finally|of course)\W*\?",
    r"\bis (?:this|that|it) (?:what|how) \w+ (?:feels?|looks?|is) like\b|\bis it \w+ yet\b",
    r"\bwhy (?:is|are) (?:everything|everyone|nothing|life)\b",
    r",\s*(?:right|no|huh|eh|yes|ok|okay|doesn't it|don't they|won't it)\W*$",
    r"\?\?\?|\?!|!\?",
)
RHETORICAL_SURE = re.compile(
    r"(?:^|[.!?]\s)[^.!?]*\b(?:to what end|who (?:cares|needs|wants|thought|asked for)"
    r"|what could (?:possibly )?go wrong|how hard can"
    r"|what(?:'s| is) the point|anyway|on earth|the hell|the heck|did i expect)\b[^.?!]*\?\W*$",
    re.IGNORECASE,
)
"""Those that want no answer even below "Questions": the last thing said."""
SPEECH = _any(r"[:,]\s*\"[^\"]*\?\"\W*$", r"^\s*[\"'].*[\"']\W*$", r"\b(?:asked|said|says|like),?\s*[\"]")
NO_STEP = _any(
    r"\bwon't\b|\bwill not\b|\bnot going to\b",
    r"\b(?:don't|do not|doesn't|didn't|no) (?:\w+ )?(?:need|want|have to)",
    r"\b(?:was|were) going to\b",
    r"\bmakes? (?:\w+ )?sense (?:that|because|now|since|given|as|why|of|to me)\b",
    r"\bnext (?:steps?|thing|task|experiment) (?:\w+ )?(?:was|were|happened|i (?:knew|noticed|saw))\b",
    r"\b(?:i|we|it|that|this|they|which|he|she|you) (?:should|could|might|may|can"
    r"|would) (?:\w+ )?(?:be\b(?!\s+(?:good|nice"
    r"|interesting|great|useful|worth|fun|better|\w+(?:ed|n) ))|have\b|not\b|live\b|mean|matter|only|explain|work\b"
    r"|imagine|tell\b|see\b"
    r"|hardly|never)",
    r"\b(?:i|we)(?: will|'ll) (?:never|always|probably never|miss|be (?:back|away|out|late|honest))\b|\bpretend\b",
    r"\bwants? to know\b|\b(?:i|we)(?:'d| would) (?:like|love) to know\b|\bwant to (?:know|understand)\b",
    r"\bhad (?:planned|wanted|hoped|meant)\b|\b(?:originally|wanted to)\b|\b(?:should|could|would) have \w+",
)
_MINE = r"(?:\b(?:i|we|and|then|so|but)\s+|^\W*|[,;:.]\s*)"
# what `orders` does not know by its first word
_ORDERS = (
    "figure out|find out|look (?:at|into|for|over)|remember to|think about|do a|do the|get rid|switch to"
    "|run (?:a|the|it|on|with|more)|learn (?:to|how|about)"
)
STEPS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (
        0.9,
        _any(
            r"(?-i:\bTODO\b|\bFIXME\b|\bTo-?do\b:)|^\W*todos?\b\s*:?|#todo\b|^\W*(?:ideas?|need(?:ed)?|missing"
            r"|wanted|wish)\s*:"
        ),
    ),
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
            r"^\W*(?:to be|still to be) \w+(?:ed|n|t)\b|^\W*(?:also |still |must |but )*(?:need|must"
            r"|have) (?:also )?(?:to )?\w+",
            r"^\W*(?:tomorrow|tonight|later|monday|tuesday|wednesday|thursday|friday|next week|this week"
            r"|weekend)\b[^:]{0,20}:",
            r"\b(?:someone|somebody|one of us|you|he|she|they|(?-i:[A-Z]\w+)) (?:should|needs to|has to) \w+",
            r"^\W*(?:will|(?:i|we)?\s*can do|if there is time|if time|before (?:that|anything|the \w+))\b",
            r"\bbefore (?:anything else|the next \w+|i forget)\b|\bby (?:mon|tues|wednes|thurs|fri)day\b",
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
            r"\b(?:tomorrow|tmrw|tmr)\b.*\b(?:will|try|run|train|start|continue|we|i)\b|\b(?:try|run"
            r"|train)\b.*\b(?:tomorrow|tmrw|tmr)\b",
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
            r"\b(?:shows|showed|(?<=\w )show|suggest(?:s|ed)?|implie[sd]|indicates?|means|proves|demonstrates?) \w+",
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
OF_ME = re.compile(r"^\W*(?:\w+\s){0,3}?(?:i|we|my|you)\b", re.IGNORECASE)
AIM = _any(
    r"^\W*(?:in this \w+,? |here )?(?:i|we) (?:try|aim|attempt|set out) to\b|^\W*(?:the |our "
    r"|their )?claim\b[^:]{0,20}:",
    r"\b(?:goal|aim|objective|hypothesis|motivation|hunch|bet|guess|point|theory|idea) (?:\w+ ){0,4}(?:is|was)\b",
    r"\bwants? to (?:know|see|find out|understand|show|learn) (?:if|whether|at which|how|why|which|what|that)\b",
    r"^\W*(?:my |our |the |working )*(?:goal|aim|guess|bet|hypothesis|hunch|context)\b[^:]{0,30}:",
)
_PAST = (
    "ran|wrote|built|made|took|put|redid|cut|drew|began|spent|split|swept|set up|re-?ran|rebuilt|rewrote|sent|read"
    "|trained|retrained|\\w{2,}(?<!ne)(?<!xci)(?<!onfus)(?<!ire)ed"
)
NO_DEED = re.compile(
    r"^(?:wanted|hoped|planned|needed|liked|loved|expected|wondered|supposed|missed|seemed|started|turned|based"
    r"|tired|bored"
    r"|compared to|excited|called|allowed|happened|agreed|failed|closed|indeed|speed|need|feed|seed|red|bed|shed)$",
    re.IGNORECASE,
)
DEEDS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (
        0.64,
        re.compile(rf"\b(?:i|we)(?:'ve| have)? (?:(?:just|finally|also|then|now|already|even)\s)?({_PAST})\b", re.I),
    ),
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
