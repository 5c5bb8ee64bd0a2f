"""How researchers tell what came out and what they did, without the words "found" and "I": as patterns.

"The run crashed after two hours." "Still no signal." "A test suite was added." "Loader written." A number alone is no
finding: it wants a metric and a comparison or an outcome, else it is a setting (`lr=0.01`).
"""

from __future__ import annotations

import re

from analysis.logs.verbs import BASES, PARTICIPLES, any_of


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


METRIC = _any(
    r"%|\bpercent\b|\b(?:loss(?:es)?|acc(?:uracy|uracies)?\.?|ppl|perplexity|fvu|auc|auroc|f1|l0|mse|mae|rmse"
    r"|errors?|variance"
    r"|cosine|similarity|scores?|r2|recall|precision|rates?|latency|throughput|runtime|memory|correlation|overlap"
    r"|entropy|kl"
    r"|bleu|rouge|map|iou|reward|gradients?|norms?|yield|accept\w*|dead|spread|std|median|mean|average|chance"
    r"|points?)\b"
    r"|\d\s?(?:ms|s|sec|seconds|minutes|min|hours|h|[kmg]i?b|x|db|ppm|mm|nm|mag|trains?|tokens/s|it/s)\b",
)
# what two things are held against each other by
COMPARED = _any(
    r"\bthan\b|\bvs?\b\.?|\bversus\b|\b(?:instead|out) of (?:the )?~?[.\d]|\bagainst\b"
    r"|\bfrom ~?[.\d][^ ]* ?\S* (?:down |up )?to\b"
    r"|\bcompared (?:to|with)\b|\b(?:up|down) (?:from|to|by)\b|\b(?:was|were) [.\d]\S*$|\bnot the\b"
    r"|\b\d[\d.]* of (?:the |our )?\d"
    r"|\b(?:above|below|under|over|within|beyond)\b.{0,24}\d|\b\d\S* of (?:the|all|them|those|which)\b"
    r"|\b(?:while|whereas)\b.*\d|\bonly (?:an? |about |some )?~?[.\d]|\d\S* ?(?:->|\u2192|=>) ?\d",
)
OUTCOMES: tuple[tuple[float, re.Pattern[str]], ...] = (
    (
        0.7,
        _any(
            r"^\W*(?:moral|verdict|upshot|tl;?dr|bottom line|result|conclusion|lesson)\b[^:]{0,20}:",
            r"\b(?:did it|did the trick|made (?:it|things|no) (?:much )?(?:better|worse|difference)"
            r"|got rid of (?:it|every|all|the)|was the culprit|were to blame|is to blame)\b",
            r"\b(?:loss|accuracy|acc|ppl|perplexity|auc|error|variance|norm|runtime|gap|curve"
            r"|curves)\b.{0,40}\b(?:comes?|goes"
            r"|went|drops?|dropped|falls?|fell|rises?|rose|looks?|ends?|sits?|explodes?|exploded|spikes?|plateaus?"
            r"|saturates?|flattens?|stays?|barely|differs?|improves?|doubles?|halves)\b",
        ),
    ),
    (
        0.62,
        _any(
            # something fails, dies or vanishes; not I, and not a plan
            r"\b(?:crash(?:ed|es)|died|dies|hangs|hung|stalls|stalled|froze|fails|failed|breaks|broke|explodes?"
            r"|exploded|blew up"
            r"|blows up|diverge[sd]|vanish(?:es|ed)|disappear(?:s|ed)|time[sd] out|nans?\b|ran out of|runs out of"
            r"|out of memory"
            r"|oom|segfault(?:s|ed)?|is broken|was broken|is dead|are dead|killed by|underflows?|overflows?|leaks?)\b",
            r"\bstill (?:no|not|nothing|cannot|can't|don't|doesn't|does not|won't|fails?|the same|there|wrong"
            r"|broken)\b",
            r"^\W*(?:but |and |still )?(?:no|zero) (?:\w+[ -]){0,4}(?:effects?|differences?|changes?|improvements?"
            r"|gains?"
            r"|signals?|signs?|winners?|trends?|correlation|nans?|spikes?|collapse|errors?|problems?|crash(?:es)?"
            r"|overfitting)\b",
            r"^\W*(?:nothing|none of|not a single|neither|hardly any|almost no|every last|all (?:but|of the)|nearly all"
            r"|almost all|most of|half of|(?:about |roughly |nearly )?(?:a|one) (?:quarter|third|half|fifth|tenth))\b",
            r"\b(?:without success|to no avail|no avail|cannot be|could not be|can't be) ?(?:reproduced|trusted"
            r"|seen|told)?\b",
            r"\bnever (?:fires?|fired|converges?|reach(?:es|ed)|exceed(?:s|ed)|gets?|goes|comes?|drops?|falls?"
            r"|works?)\b",
            r"\b(?:beats?|outperforms?|wins by|loses to|dominates?|is better|is worse|are better|are worse"
            r"|falls? (?:short|apart)"
            r"|replicates?|reproduces?|generali[sz]es?|transfers? (?:to|well)|overfits?|underfits?|correlates?"
            r"|coincides?)\b",
            r"\b(?:gone|the cause|the reason|the culprit|explained|due to|because of)\b.*\b(?:since|was|were|is"
            r"|all along)\b"
            r"|\ball along\b|\bnone since\b|\bno .{1,30} since\b|\bwithout (?:any )?(?:nans?|problems?|errors?)\b",
        ),
    ),
    (
        0.57,
        _any(
            r"\b(?:more|less|fewer) (?:\w+[ -]){0,3}than\b|\b(?:\w+er|better|worse) (?:\w+ ){0,2}than\b",
            r"\b(?:best|worst|highest|lowest|largest|smallest|first|biggest) (?:\w+ )?(?:so far|yet|number|result"
            r"|loss|run|score)\b",
            r"\b(?:twice|half|three times|four times|\d+ ?x|\d+ times|tenfold) (?:as|faster|slower|more|less|better"
            r"|worse|larger"
            r"|smaller|that|the|quicker|higher|lower)\b",
            r"\b(?:back to|close to|on par with|indistinguishable from|the same as|identical to|nothing like"
            r"|near[- ]duplicates?"
            r"|at chance|as expected|not as|than expected|than usual|unlike)\b",
            r"\b(?:works?|worked|helps?|helped|holds?|survives?|agrees?|matche[sd]|matters?|mattered|behaves?"
            r"|saturates?"
            r"|plateaus?|fires|absorbs?|separates?|cancels? out|disagrees?|overlaps?|fits|explains?|depends?|dominates?"
            r"|sits? (?:at|on|there|now)|lines? up|line up|wobbles?|drifts?|stands? out|picks? up"
            r"|confirms?)\b(?! (?:on|for) (?:us|me)\b)",
            r"(?:->|=>|\u2192|\u21d2) ?\S",
            r"\b(?:is|are|was|were) (?:\w+ )?(?:responsible|sensitive|robust|stable|unstable|linear|circular"
            r"|bimodal|monotone?|uneven"
            r"|flat|stale|sane|sharper|deeper|fragile|redundant|sparse|dense|correlated|independent|significant"
            r"|negligible"
            r"|constant|shifted|missing|duplicated?|saturated|the (?:best|worst|only|same|limit|bottleneck))\b",
            r"\b(?:too (?:small|large|big|weak|strong|slow|noisy|few|many|short|long|high|low|wide|narrow|formal"
            r"|coarse))\b",
            r"\bat (?:least|most) (?:early|late|up|down|at|for|in)\b|\bexactly (?:one|the|as)\b|\b(?:far"
            r"|way) (?:above|below|from)\b",
            r"^\W*(?:(?:inter|surpris|strang|odd|curious)\w+ly|apparently|in fact|as it happens|unfortunately|sadly"
            r"|funny)\b",
            r"\b(?:gives?|gave|reache[sd]|reach|ends? (?:up )?at|ended (?:up )?at|lands? at|landed at|comes? to"
            r"|came to|sits? at|stands? at"
            r"|(?:is|are|was|were) (?:now |back )?(?:at|down to|up to)) (?:about |only |just |roughly )?~?[\d.]+\d",
            r":\s*\d+\.\d+(?:\s*[/,|]\s*\d+\.\d+)+",
            r"^\W*so (?!i\b|we\b|far\b|that i\b|here\b|much\b|long\b|it goes\b|what\b|how\b"
            r"|now\b)(?:\w+ ){1,6}(?:is|are|do|does"
            r"|was|were|has|have|only|gets?|needs?|can|cannot|can't|trade|live)\b",
        ),
    ),
)
# How the thing that is measured stands: `is 0.93`, `sits at 12%`; `lr=0.01` has no verb.
MEASURED = _any(
    r"\b(?:is|are|was|were|has|had|gets?|got|falls?|fell|drops?|dropped|rises?|rose|gives?|gave|keeps?|kept"
    r"|reach(?:es|ed)?"
    r"|stays?|stayed|grows?|grew|goes|went|costs?|needs?|hurts?|shows?|came|comes|ended|ends|sits?|at|now|fires?"
    r"|takes|took"
    r"|uses|eats?|eat|removed|explained|explains|covers?|holds?|with|for)\b|[:=\u2248~<>]\s?[~<>]?[.\d]"
)
NUMBER = re.compile(r"(?<![\w.])[<>~=]?\s?(?:\d[\d.,]*|\.\d+)(?:[eE]-?\d+)?\s*(?:%|[a-zA-Z]{0,3}\b)")
_SETTING = r"[\w.\-/]+\s*[=:]\s*[\w.\-+/{}\[\]()\"']+"
SETTING = re.compile(
    rf"^\W*(?:{_SETTING}[\s,;|]*)+$"
    r"|^\W*(?:job|run|slurm|pid|commit|seed|seeds|host|branch|config|checkpoint|ckpt|version|gpu|node|port|login"
    r"|wandb|id|batch"
    r"|epoch|epochs|steps?|lr|learning rate|batch size|weight decay|wd|dropout|hidden|eta|etd|path|dir|cmd|command"
    r"|date|time"
    r"|cost|budget)s?\b(?: (?:id|dir|size|rate|name|number|no))?\s*[:=#]\s*\S+(?:\s+\S+){0,4}$",
    re.IGNORECASE,
)
"""A setting of a run, or its name: `lr=0.01`, `Job ID: 4411`."""
MACHINE = re.compile(
    r"^\W*(?:(?-i:INFO|DEBUG|WARNING|WARN|ERROR|CRITICAL|TRACE|FATAL)\b|(?:epoch|step|iter(?:ation)?|it)\W{0,2}\d+\b.*"
    r"(?:loss|acc|lr)\b|\d+%\|)",
    re.IGNORECASE,
)
"""What a program printed."""

# those that are the base form as well ("put", "run") prove nothing
_SAME = PARTICIPLES & BASES
_DONE_TO = any_of(
    PARTICIPLES
    - _SAME
    - {"found", "learned", "noticed", "observed", "considered", "correlated", "gone", "gotten", "thought", "meant"}
)
_ADVERBS = (
    r"(?:(?:just|finally|also|then|now|already|even|successfully|both|all|manually|again"
    r"|been|since|fully|partly|newly)\s+)*"
)
PERFECT = re.compile(
    rf"\b(?:i|we)(?:'ve| have)\s+{_ADVERBS}(?!been\b|seen\b|found\b|noticed\b|learned\b|got to\b|to\b)"
    rf"({_DONE_TO}|\w{{3,}}ed|written|done|run)\b",
    re.IGNORECASE,
)
"""I have written the loader."""
PASSIVE = re.compile(
    rf"\b(?:(?:was|were|is now|are now|got|is being)\s+{_ADVERBS}({_DONE_TO})|(?:has|have) (?:finally |now "
    rf"|also )?been\s+{_ADVERBS}\w{{3,}}ed)\b"
    r"(?! (?:by (?:somebody|someone|accident)|in the paper))",
    re.IGNORECASE,
)
"""A test suite was added."""
FINISHED = re.compile(
    r"\b(?:is|are|all|now|both) (?:now |all |finally |both )*(?:done|finished|complete|completed|merged|in place|up"
    r"|online|uploaded"
    r"|committed|pushed|live|ready|submitted|cached|through|on (?:the )?\w+ (?:branch|drive|server))\W*$"
    r"|\b(?:is|are) (?:up|finished|done|ready|in place|on my branch)\b",
    re.IGNORECASE,
)
"""The histograms are up."""
TELEGRAPHIC = re.compile(
    rf"^\W*(?!(?:no|not|nothing|none|it|this|that|i|we|still|if|when|as|to be|need)\b|.*\b(?:could|should|would|can"
    rf"|will|to|may|must|is|are|was|were)\b)(?:[\w./()%-]+\s+){{1,6}}({_DONE_TO})"
    rf"(?:\s+(?:and|&|\+|,)\s+(?:{_DONE_TO}))?(?:\s+(?:from|to|in|on|for|with|by|at|into|through|again|too|as well"
    rf"|up|down|out)\b.*)?\W*$",
    re.IGNORECASE,
)
"""Loader written and tested."""
DID = re.compile(
    r"^\W*(?:(?:i|we)\s+)?(?:also |then |only )?did (?!not\b|n't|i\b|we\b|you\b|it\b|he\b|she\b|they\b|this\b"
    r"|that work|nothing\b)\w+",
    re.I,
)
"""Did about 40 runs."""
NOT_DONE = _any(
    r"\b(?:was|were) (?:going|supposed|meant|asked|told|planned|expected) to\b",
    r"\b(?:not|never|n't|nobody|no one|nothing|hardly) (?:\w+ )?(?:been |yet )?(?:\w+ed|written|done|run)\b",
    r"\b(?:must|should|could|would|might|may|can|will|to) (?:have |be )?(?:been )?\w+\b.{0,12}$",
    r"^\W*(?:if|when|unless|once|until|whether|to be)\b",
    r"\bdrawn by\b|\bwritten by\b|\bmade by\b",
)
"""What only looks like work done."""
BEGUN = re.compile(
    r"^\W*(?:(?:i|we)(?:'ve| have)?\s+)?(?:just |also )?(?:started|began|kicked off|launched) (?:the|a|an|my|our|on"
    r"|with|\w+ing)\b",
    re.I,
)
"""Started on the write-up."""
PRIVATE = _any(
    r"(?<!before )(?<!after )(?<!over )(?<!during )(?<!until )\b(?:lunch|dinner|breakfast|brunch|coffee|tea break"
    r"|cake|wine|beers?|pub|dentist|doctor's|gym|yoga|haircut|birthday|weekend"
    r"|holidays?|vacation|my (?:mum|mom|dad|wife|husband|flatmate|cat|dog|kids?|desk|hands|back|bike|head)"
    r"|the (?:dog|cat|kids)|soup"
    r"|dumplings|pizza|biscuits?|hungry|sleepy|tired|exhausted|asleep|hungover|weather|rain(?:ed|ing)?|sunny"
    r"|snow(?:ed|ing)?"
    r"|train to catch|bus home|go home|going home|went home|go to bed|slept|sick (?:day|leave|today)|fire drill"
    r"|wish me luck"
    r"|groceries|laundry|rent|landlord|hungry|parking|took the \w+ off|heron|happy (?:birthday|friday))\b",
)
"""What concerns nobody but the author."""
GUESS = _any(
    r"^\W*(?:so |and |but |or )?(?:maybe|perhaps|probably|presumably|possibly)\b(?! (?:try|use|add|run|do|we should"
    r"|i should|i could"
    r"|look|also))",
    r"(?<!before )\b(?:i|we) (?:\w+ )?(?:suspect|guess|think|believe|assume|bet|reckon|imagine)\b",
    r"^\W*(?:so |and |but )?(?:my|our|his|her|one|another|the (?:only|best|obvious)) (?:\w+ )?(?:guess|hunch"
    r"|suspicion|bet|theory"
    r"|hypothesis|explanation)\b|^\W*(?:guess|hunch|hypothesis|theory)\s*:",
    r"^\W*(?:it |this |that )?(?:could|may|might|must) (?:well |just |also )?be\b|\bthat'd be\b",
)
"""A guess: it is told, and nothing is known by it yet."""
GUESS_WITHIN = _any(r"\bprobably\b(?!.*\bshould\b)|\bwould explain\b|\bmay matter\b|\bi think\b|\bor so i think\b")
"""A statement that is half a guess."""
