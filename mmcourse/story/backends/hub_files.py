"""Where a model's files are: in a folder, in the cache, and only then on the hub.

Without a network the hub's client tries for minutes. So the cache is asked first, and where a file
has to come from the hub, one short look says whether the hub can be reached at all. A repository
often holds the same weights five times over. Of these one is fetched.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from mmcourse.paths import user_path

OFFLINE = "offline, use a folder that holds the model, or the backends `world` and `tiny`"
LOOK_SECONDS = 2.0
HUB = "https://huggingface.co"
WORDS = (".json", ".txt", ".model", ".jinja")
"""Endings of what a model needs beside its weights."""
SHARD = r"(?:-\d+-of-\d+)?"
WEIGHTS = re.compile(
    rf"(?:diffusion_pytorch_model|pytorch_model|model){SHARD}(?:\.(?P<variant>[A-Za-z]\w*))?{SHARD}"
    r"\.(?P<kind>safetensors|bin)"
)


def reachable(seconds: float = LOOK_SECONDS) -> bool:
    """Whether the hub, or the proxy before it, answers at all."""
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "TRUE", "YES", "ON"):
        return False
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    address = urlsplit(proxy or endpoint())
    try:
        port = address.port or (80 if address.scheme == "http" else 443)
        with socket.create_connection((address.hostname or "", port), timeout=seconds):
            return True
    except (OSError, ValueError):  # a port that is no number is a ValueError
        return False


def endpoint() -> str:
    """The hub's address."""
    return os.environ.get("HF_ENDPOINT") or HUB


def find_model(name: str, revision: str | None = None) -> Path:
    """The folder of a model. In the cache it is named after its commit.

    Args:
        name: a folder, or a hub id "organisation/name".
        revision: for a hub id, the commit, branch or tag.

    Raises:
        ValueError: in one line, if it is neither here nor to be had.
    """
    folder = user_path(name)
    if name and folder.is_dir():
        return folder
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ValueError(f"there is no folder {name!r}, and it is no hub id like 'owner/model'")
    kept = cached(name, revision)
    lost = lacking(kept) if kept else ""
    if kept and not lost:
        return kept
    if not reachable():
        here = f"in the cache without {lost}" if kept else "not in the cache"
        raise ValueError(f"{name!r} is {here}, and the hub cannot be reached; {OFFLINE}")
    return fetched(name, revision)


def cached(name: str, revision: str | None = None) -> Path | None:
    """The folder of a hub id in the cache, whole or not.

    Raises:
        ValueError: a name that no model can have.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [
            try_to_load_from_cache(name, file, revision=revision)
            for file in ("model_index.json", "config.json")
        ]
    except HFValidationError as error:
        raise ValueError(f"{name!r} is no hub id: {str(error).splitlines()[0]}") from None
    return next((Path(f).parent for f in found if isinstance(f, str)), None)


def fetched(name: str, revision: str | None = None) -> Path:
    """A model from the hub, in the cache.

    Raises:
        ValueError: the hub has no such model or revision, does not give it to this reader, or the
            way there breaks off.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        listed = HfApi(endpoint=endpoint()).model_info(name, revision=revision).siblings or []
        files = chosen([file.rfilename for file in listed])
        if not any(map(is_weights, files)):
            raise ValueError("it has no weights of transformers or diffusers")
        words = [file for file in files if not is_weights(file)]
        for wanted in (words, files):  # weights last: where they are, nothing else is missing
            folder = snapshot_download(
                name, revision=revision, allow_patterns=wanted, endpoint=endpoint()
            )
        return Path(folder)
    except GatedRepoError:
        raise ValueError(
            f"{name!r} is gated: accept its licence at {HUB}/{name}, then log in with "
            "`hf auth login` or set HF_TOKEN"
        ) from None
    except RevisionNotFoundError:
        raise ValueError(f"{name!r} has no revision {revision!r}; look at {HUB}/{name}") from None
    except RepositoryNotFoundError:
        raise ValueError(
            f"the hub has no model {name!r}, or a private one; look at its spelling"
        ) from None
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{name!r} did not come from the hub ({reason}); {OFFLINE}") from None


def is_weights(file: str) -> bool:
    """Whether a file of this name holds weights."""
    return WEIGHTS.fullmatch(PurePosixPath(file).name) is not None


def chosen(names: Iterable[str]) -> list[str]:
    """Of all files of a repository those that one load needs.

    Of the weights of each part: safetensors before pickles, and of a pipeline the half-precision
    variant, which is half as much to fetch. Checkpoints in one file, and whatever is meant for
    other frameworks, stay where they are.

    Args:
        names: paths within the repository.
    """
    paths = [PurePosixPath(name) for name in names]
    pipeline = PurePosixPath("model_index.json") in paths
    depth = (1, 2) if pipeline else (1,)
    paths = [p for p in paths if len(p.parts) in depth]
    out = [p for p in paths if p.suffix in WORDS]
    for folder in dict.fromkeys(p.parent for p in paths):
        if not (pipeline and folder == PurePosixPath()):
            out += best_weights([p for p in paths if p.parent == folder], pipeline)
    return sorted(map(str, out))


def best_weights(paths: list[PurePosixPath], pipeline: bool) -> list[PurePosixPath]:
    """The weights of one part that are to be loaded, out of its files."""
    found = [(p, m) for p in paths if (m := WEIGHTS.fullmatch(p.name))]
    for kind in ("safetensors", "bin"):
        for variant in ("fp16", None) if pipeline else (None,):
            best = [p for p, m in found if m["kind"] == kind and m["variant"] == variant]
            if best:
                return best
    return []


def weight_files(folder: Path) -> list[Path]:
    """The files with weights that a load of this folder opens."""
    names = [f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()]
    return [folder / name for name in chosen(names) if is_weights(name)]


def lacking(folder: Path) -> str:
    """What a folder of the cache still lacks, such as "unet" after a download that broke off; ""
    for nothing."""
    index = folder / "model_index.json"
    if not index.is_file():
        return _lacks(folder) if (folder / "config.json").is_file() else "config.json"
    for part, kind in json.loads(index.read_text("utf-8")).items():
        if isinstance(kind, list) and kind[0] is not None:
            if not (folder / part).is_dir():
                return part
            lost = _lacks(folder / part) if (folder / part / "config.json").is_file() else ""
            if lost:
                return f"{part}/{lost}"
    return ""


def _lacks(part: Path) -> str:
    """The first file of weights that a part lacks."""
    return next(_lost_shards(part), "" if any(map(is_weights, os.listdir(part))) else "weights")


def _lost_shards(part: Path) -> Iterator[str]:
    kept = [f for f in os.listdir(part) if is_weights(f)]
    for index in part.glob("*.index*.json"):
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        begun = not kept or shards & set(kept)  # else it is of a variant that nobody wanted
        yield from sorted(shards - set(kept)) if begun else ()
