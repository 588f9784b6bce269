"""Files inside installed packages, found without importing them; it knows no one's use of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def packaged_path(name: str) -> Path | None:
    """The file `package/path` of an installed package; None when either is not there."""
    package, _, rest = name.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / rest
    return path if path.is_file() else None
