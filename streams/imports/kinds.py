"""Kinds of touchpoints are snake_case, whatever the tool that exported them likes."""


def kind_of(text: str) -> str:
    """``Order Completed``, ``orderCompleted``, ``order-completed`` and ``ORDER_COMPLETED`` as ``order_completed``.

    A word ends before a capital that follows a small letter or a digit, and before the last capital of several that a
    small letter follows (``HTTPRequest``: http_request). What is neither letter nor digit only separates. A kind stays
    as it is: a capital that has no small letter (𝖠) begins no word, and of a small letter's marks (i̇ of İ) none stays.
    May be empty: the caller decides what that means.
    """
    words: list[str] = []
    for i, sign in enumerate(text):
        if not sign.isalnum():
            words.append(" ")
            continue
        before = text[i - 1] if i else " "
        after = text[i + 1] if i + 1 < len(text) else " "
        capital = sign.isupper() and sign != sign.lower()
        if capital and (before.islower() or before.isdigit() or (before.isupper() and after.islower())):
            words.append(" ")
        words.extend(small for small in sign.lower() if small.isalnum())
    return "_".join("".join(words).split())
