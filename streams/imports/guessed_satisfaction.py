"""Words for how satisfied somebody is, from 1 to 5, as reviews and help desks export them."""

from typing import Final

_SCALE: Final = {
    5: "five great excellent awesome good positive promoter love very_good very_satisfied extremely_happy very_happy "
       "happy satisfied sehr_gut sehr_zufrieden zufrieden tres_bien tres_satisfait satisfait muy_bueno muy_satisfecho "
       "ottimo uitstekend",
    4: "four somewhat_satisfied gut bien bueno buono goed rather_satisfied rather_happy",
    3: "three okay ok neutral average passive fair befriedigend neutro moyen regular normal",
    2: "two somewhat_dissatisfied poor not_great rather_unhappy ausreichend",
    1: "one bad not_good terrible awful negative detractor very_bad unhappy very_unhappy extremely_unhappy "
       "dissatisfied very_dissatisfied schlecht unzufrieden sehr_unzufrieden mauvais "
       "insatisfait malo insatisfecho pessimo slecht",
}  # fmt: skip
WORDS: Final = {word: score for score, words in _SCALE.items() for word in words.split()}


def score_of(text: str) -> int | None:
    """The score, from 1 to 5, that a word stands for."""
    return WORDS.get("_".join(text.lower().replace("-", " ").split()))
