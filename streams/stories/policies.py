"""The policy that a story names: one that comes with Relasi, or a file beside the story."""

from functools import lru_cache
from pathlib import Path

from processors.policy.policy import Policy, PolicyError, read_policy
from streams.policies import PRESETS, preset_text
from streams.stories.story import Problem, StoryError
from streams.texts import read_text

# Stories share a few policies; a text is checked and compiled once.
_compiled = lru_cache(maxsize=64)(read_policy)


@lru_cache(maxsize=1)
def presets() -> dict[str, str]:
    """The texts of the policies that come with Relasi, by name."""
    return {name: preset_text(name) for name in sorted(PRESETS)}


def policy_named(name: str, folder: Path) -> Policy:
    """The policy of that name, else of the file with that path from ``folder``. Raises StoryError."""
    known = presets()
    if name in known:
        return _compiled(known[name])
    path = folder / name
    try:
        return _compiled(read_text(path))
    except OSError as error:
        presets_there = ", ".join(known)
        told = [f'= "{name}" is no preset ({presets_there}) and no file that can be read ({path}: {error.strerror})']
    except UnicodeDecodeError as error:
        told = [f"can't be used: {path} isn't UTF-8 text ({error})"]
    except PolicyError as error:
        told = [f"can't be used: {path}:{problem.at}: {problem.message}" for problem in error.problems]
    raise StoryError([Problem("policy", message) for message in told])
