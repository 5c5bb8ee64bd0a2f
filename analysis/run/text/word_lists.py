"""Lists of English words that tell kinds of words, where endings alone do not."""

from __future__ import annotations


def listed(text: str, between: str | None = None) -> frozenset[str]:
    """The words of a text, or what stands between marks in it."""
    return frozenset(word.strip() for word in text.split(between))


# Those of former times included. The United States are left out: the addresses name them so often that a question about
# countries would be one about them.
COUNTRIES = listed(
    """Afghanistan, Albania, Algeria, Angola, Argentina, Australia, Austria, Bangladesh, Belgium, Bolivia, Bosnia,
    Brazil, Britain, Bulgaria, Burma, Cambodia, Canada, Chile, China, Colombia, Congo, Costa Rica, Croatia, Cuba,
    Cyprus, Czechoslovakia, Denmark, Dominican Republic, Ecuador, Egypt, El Salvador, England, Ethiopia, Finland,
    France, Georgia, Germany, Ghana, Greece, Grenada, Guatemala, Haiti, Hawaii, Honduras, Hungary, Iceland, India,
    Indonesia, Iran, Iraq, Ireland, Israel, Italy, Jamaica, Japan, Jordan, Kenya, Korea, Kosovo, Kuwait, Laos, Lebanon,
    Liberia, Libya, Lithuania, Luxembourg, Madagascar, Malaysia, Mexico, Morocco, Namibia, Netherlands, New Zealand,
    Nicaragua, Nigeria, Norway, Pakistan, Panama, Paraguay, Persia, Peru, Philippines, Poland, Portugal, Prussia,
    Romania, Russia, Rwanda, Salvador, Samoa, Saudi Arabia, Scotland, Serbia, Siam, Singapore, Somalia, South Africa,
    Soviet Union, Spain, Sudan, Sweden, Switzerland, Syria, Taiwan, Texas, Thailand, Tunisia, Turkey, Uganda, Ukraine,
    Uruguay, Venezuela, Vietnam, Viet Nam, Wales, Yemen, Yugoslavia, Zimbabwe""",
    ",",
)
# Names that are those of states of the union, or of a part of one, too.
DOUBTFUL = listed("Georgia Hawaii Texas Mexico Samoa")
ABBREVIATIONS = listed("Mr Mrs Ms Dr St No Nos Gen Hon Col Capt Lieut Sen Rep Jr Sr vs viz Messrs")
# Words in -ed that are no past tense, and common past tenses without it.
NO_PAST = listed(
    """need indeed hundred proceed succeed exceed speed feed seed deed breed greed bleed heed weed kindred sacred hatred
    naked wicked instead unprecedented"""
)
IRREGULAR_PAST = listed(
    """made gave took came went became began found brought thought sent kept held felt left paid said stood told
    understood wrote grew knew fell drew rose spoke chose broke built lost fought sought taught"""
)
# Words in -s that are no plural, and in -ly that are no adverb.
NO_PLURAL = listed(
    """always perhaps besides whereas towards afterwards hers ours yours theirs does goes series species means news lens
    sometimes canvas chaos politics economics"""
)
NO_ADVERB = listed(
    """family supply apply reply rely ally assembly multiply comply imply bully holy ugly only friendly costly deadly
    homely lonely lively orderly elderly monopoly anomaly"""
)
