"""Namespaces of ids: the same text in two of them is two ids."""

from typing import Final

import numpy as np

from processors.compiled import compiled_inline
from processors.words import Int

NAMESPACE_KNOWN: Final = 0  # a customer who is known by name
NAMESPACE_ANONYMOUS: Final = 1  # a device or a visitor
NAMESPACE_ACCOUNT: Final = 2  # a company or another group of people, who are the customer together
# Of a row that was kept before rows said it. It stands for its text in every namespace, as it did then.
NAMESPACE_UNSTATED: Final = 3

NAMESPACES: Final = ("known", "anonymous", "account", "known")
"""By code, as tables, topics and commands call them."""

_SALT_ANONYMOUS: Final = np.uint64(0x9E3779B900000000)
_SALT_ACCOUNT: Final = np.uint64(0x85EBCA6B00000000)
_NO_SALT: Final = np.uint64(0)


@compiled_inline
def salt_of(namespace: Int) -> np.uint64:
    """What is XORed into the XXH64 of an id's text, so that ids of facts differ between namespaces.

    Only the upper half: where a hash index begins to look is the same for all. Known ids have the plain hash.
    """
    if namespace == NAMESPACE_ANONYMOUS:
        return _SALT_ANONYMOUS
    if namespace == NAMESPACE_ACCOUNT:
        return _SALT_ACCOUNT
    return _NO_SALT
