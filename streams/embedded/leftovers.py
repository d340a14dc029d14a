"""What imports that were cut off have left in a data directory."""

import shutil
from pathlib import Path
from typing import Final

# Folders of imports at work, and standard inputs on their way to a process that runs.
IMPORT_FOLDERS: Final = "import-*"
SPOOLED: Final = "received-"


def leftovers(directory: Path) -> list[Path]:
    """Files and folders that are nobody's, where nobody else uses the directory."""
    return [*directory.glob(IMPORT_FOLDERS), *directory.glob(SPOOLED + "*")]


def clear(directory: Path) -> None:
    """Delete them; nobody else uses the directory now."""
    for path in leftovers(directory):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
