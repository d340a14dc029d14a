"""Which encoding a text is in, where nobody said it: UTF-8, UTF-16, or the Western single-byte ones.

A text that is not UTF-8 throughout is Windows-1252 or Latin-1 where it has no sequence that is UTF-8 beyond ASCII, and
every other byte is a letter or a sign that Western texts have, and most such letters stand among those of ASCII (in
Cyrillic or Greek texts they stand together). Otherwise it is UTF-8 with damaged rows.
"""

import codecs
import re
from collections.abc import Iterable
from typing import Final

import numpy as np

_SEQUENCE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LETTERS: Final = [byte for byte in range(0xC0, 0xFF) if byte not in (0xD7, 0xF7)]
_SIGNS: Final = [0x80, 0x84, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0xA0, 0xA1, 0xA3, 0xA7, 0xA9, 0xAA,
                 0xAB, 0xAD, 0xAE, 0xB0, 0xB2, 0xB4, 0xB7, 0xB9, 0xBA, 0xBB, 0xBF]  # fmt: skip
_WESTERN: Final = np.zeros(256, np.bool_)
_WESTERN[[*_LETTERS, *_SIGNS]] = True
_FIRST_LETTER: Final = 0xC0
_WINDOWS: Final = slice(0x80, 0xA0)
_BETWEEN_WORDS: Final = "\u00b0\u00ba\u2116\u3000\u30fb\uff08\uff09\u30fc"
_FEW: Final = 64
"""Bytes by which UTF-16 without a mark is told."""


_OTHERS: Final = {
    "shift_jis": "Japanese", "euc_jp": "Japanese", "gb18030": "Chinese", "big5": "Chinese", "euc_kr": "Korean",
    "windows-1250": "Central Europe", "windows-1251": "Cyrillic", "windows-1253": "Greek", "windows-1254": "Turkish",
}  # fmt: skip
"""Encodings that no text says, and that many programs write."""


def likely_of(names: bytes) -> list[str]:
    """Encodings, with where they are used, in which names of columns that are not UTF-8 are words."""
    found = []
    few = sum(byte > 0x7F for byte in names) * 3 < len(names)
    for encoding, where in _OTHERS.items():
        # Words of letters that are mostly Latin are not written in two bytes each.
        if few and not encoding.startswith("windows"):
            continue
        try:
            text = names.decode(encoding)
        except UnicodeDecodeError:
            continue
        if all(sign.isalpha() or sign in _BETWEEN_WORDS for sign in text if not sign.isascii()):
            found.append(f"{encoding} ({where})")
    return found


def of_head(head: bytes) -> str | None:
    """UTF-16 where the first bytes are of it, with its mark or without; None: nothing that they tell."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    few = head[:_FEW] if len(head) >= 2 else b""
    few = few[: len(few) // 2 * 2]
    zeros = np.frombuffer(few, np.uint8) == 0
    if len(few) >= 8 and zeros[1::2].all() and not zeros[0::2].any():
        return "utf-16-le"
    if len(few) >= 8 and zeros[0::2].all() and not zeros[1::2].any():
        return "utf-16-be"
    return None


def of_text(pieces: Iterable[bytes]) -> str | None:
    """``cp1252`` or ``latin-1`` where a text in pieces is of these; None: it is UTF-8, damaged or not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    counts = np.zeros(256, np.int64)
    whole, sequences, together = True, 0, 0
    for piece in pieces:
        if piece.isascii() and whole:
            decoder.reset()
            continue
        signs = np.frombuffer(piece, np.uint8)
        counts += np.bincount(signs, minlength=256)
        letters = signs >= _FIRST_LETTER
        together += int(np.count_nonzero(letters[1:] & letters[:-1]))
        sequences += sum(1 for _ in _SEQUENCE.finditer(piece))
        if whole:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                whole = False
    high = counts[128:]
    if whole or sequences or not high.any() or np.any(high[~_WESTERN[128:]]):
        return None
    if 2 * together > counts[_FIRST_LETTER:].sum():
        return None
    return "cp1252" if counts[_WINDOWS].any() else "latin-1"
