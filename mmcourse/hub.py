"""Save and load models: a folder with config.json and model.safetensors, nothing pickled.

A model that inherits from `Pretrained` gets

    model.save_pretrained("my-model")
    model = JointModel.from_pretrained("joint")            # shipped with the package
    model = JointModel.from_pretrained("./my-model")       # a folder
    model = JointModel.from_pretrained("somebody/model")   # the Hugging Face hub

`huggingface_hub.PyTorchModelHubMixin` offers the same, but leaves out of the config what it cannot
write as JSON without a word, and loads weights that do not fit.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from mmcourse.cards import check_card, file_hash, load_card, read_json, write_card
from mmcourse.checkpoints import describe_mismatch, write_atomically
from mmcourse.paths import user_path
from mmcourse.refusals import check_saveable, explained
from mmcourse.rows import pack, unpack

__all__ = [
    "Pretrained",
    "check_card",
    "find_folder",
    "read_card",
    "shipped",
    "weights_hash",
    "write_card",
]

WEIGHTS = Path(__file__).parent / "weights"
STORED = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8)
"""What parameters can be stored in."""


class Pretrained(nn.Module):
    """A module that remembers how it was constructed, and so can be saved and loaded.

    Its constructor takes plain keyword arguments that can be written as JSON; a tuple comes back
    as a list. Where a method fails inside torch because of what it was given, that is said in one
    line (`mmcourse.refusals`).
    """

    _arguments: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, method in list(vars(cls).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(cls, name, explained(method))

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        module = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind_partial(module, *args, **kwargs)
        bound.apply_defaults()
        given = list(bound.arguments.items())[1:]  # all but self
        starred = {"args", "kwargs"}  # what nn.Module's own constructor takes: nothing
        arguments = {name: value for name, value in given if name not in starred or value}
        object.__setattr__(module, "_arguments", arguments)
        return module

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype | None = None) -> None:
        """Write config.json and model.safetensors into the folder, which is made if need be.

        Args:
            folder: where to. Files of an earlier save are replaced by whole new ones only.
            dtype: store the parameters in this type, say `torch.float16`, which halves the file,
                or `torch.int8`, with a scale for each row of a matrix (`mmcourse.rows`), a quarter
                of it; they load back as float32. Buffers, where a schedule may need its digits,
                keep their type.

        Raises:
            ValueError: if a constructor's argument cannot be written as JSON, a parameter
                overflows the dtype or holds NaN, the dtype is none to store numbers in, or the
                model has adapters or packed layers: an earlier save is not worth less than that.
            OSError: if the disk is full; what was saved before is unharmed.
        """
        config = {"class": type(self).__name__, "arguments": self._json_arguments()}
        check_saveable(self)
        if dtype is not None and dtype not in STORED:
            kinds = ", ".join(map(str, STORED))
            raise ValueError(f"dtype is {dtype!r}, expected None or one of {kinds}")
        tensors: dict[str, Tensor] = {}
        for name, value in _unique_state(self).items():
            stored = value.detach().to("cpu", copy=True).contiguous()
            if stored.isnan().any():
                raise ValueError(f"{name} holds NaN, so nothing was saved: look at the training")
            kept = {name: stored}
            if dtype is not None and isinstance(value, nn.Parameter) and value.is_floating_point():
                if dtype == torch.int8 and not stored.isfinite().all():
                    raise ValueError(f"{name} holds infinity, which {dtype} has no code for")
                kept = pack(name, stored) if dtype == torch.int8 else {name: stored.to(dtype)}
                if value.isfinite().all() and not all(x.isfinite().all() for x in kept.values()):
                    raise ValueError(f"{name} overflows {dtype}: save it without dtype")
            tensors |= kept
        data = save(tensors, metadata={"format": "pt", "digest": _digest(config, tensors)})
        text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
        folder = user_path(folder)
        write_atomically(
            {folder / "model.safetensors": data, folder / "config.json": text.encode()}
        )

    @classmethod
    def from_pretrained(
        cls, name: str | Path, device: str | torch.device = "cpu", revision: str | None = None
    ) -> Self:
        """Load a model, in eval mode, without touching the global random state.

        Args:
            name: a shipped name, a folder, or a hub id "organisation/name". A shipped name comes
                first: write "./joint" for a folder called joint.
            device: where to put it.
            revision: for a hub id, the commit, branch or tag.

        Raises:
            ValueError: in one line, if the name is unknown, the hub unreachable, a file missing or
                damaged, the weights those of another class or architecture, of whole numbers or
                with NaN among them, or the device not there.
        """
        folder = find_folder(name, revision)
        config = read_json(folder / "config.json")
        if config.get("class") != cls.__name__:
            raise ValueError(
                f"{folder} holds a {config.get('class', 'model of an unnamed class')}, "
                f"expected a {cls.__name__}: load it with its own class"
            )
        if not isinstance(config.get("arguments"), dict):
            raise ValueError(f"{folder}/config.json has no arguments by name: save the model again")
        tensors = unpack(_read_tensors(folder, config))
        try:
            with torch.random.fork_rng():
                model = cls(**config["arguments"])
        except (TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"{folder}/config.json does not build a {cls.__name__}: {reason}"
            ) from error
        difference = describe_mismatch(_unique_state(model), tensors)
        if difference:
            raise ValueError(
                f"{folder}/model.safetensors is of another architecture than this "
                f"{cls.__name__}: {difference}"
            )
        _check_numbers(folder, _unique_state(model), tensors)
        names = {id(value): name for name, value in _unique_state(model).items()}
        state = model.state_dict(keep_vars=True)
        model.load_state_dict({name: tensors[names[id(value)]] for name, value in state.items()})
        try:
            return model.to(device).eval()
        except (RuntimeError, AssertionError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"device is {str(device)!r}, which is not here ({reason})") from None

    def _json_arguments(self) -> dict[str, Any]:
        """The constructor's arguments, checked to survive being written and read."""
        for name, value in self._arguments.items():
            try:
                same = json.loads(json.dumps(value, allow_nan=False)) == _as_lists(value)
            except (TypeError, ValueError):
                same = False
            if not same:
                raise ValueError(
                    f"argument {name} of {type(self).__name__} is a {type(value).__name__}, which "
                    "JSON cannot hold: pass numbers, strings, or lists and dicts of them"
                )
        return self._arguments


def shipped() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.parent.name for path in WEIGHTS.glob("*/config.json"))


def find_folder(name: str | Path, revision: str | None = None) -> Path:
    """The folder of a shipped name, of a path, or of a hub id, which is downloaded.

    Raises:
        ValueError: if there is no such model, or the hub cannot be reached.
    """
    if isinstance(name, str) and name in shipped():
        return WEIGHTS / name
    if not isinstance(name, (str, Path)):
        raise ValueError(f"a model's name is a string or a path, got a {type(name).__name__}")
    place = user_path(name)
    if place.is_dir():
        return place
    if place.is_file():
        raise ValueError(f"{place} is a file: give the folder that it lies in")
    if isinstance(name, str) and re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name):
        return _download(name, revision)
    raise ValueError(
        f"no model {str(name)!r}: the shipped ones are {', '.join(shipped()) or 'none yet'}; "
        'a folder or a hub id "organisation/name" is also accepted'
    )


def read_card(name: str | Path) -> dict[str, Any]:
    """The card of a shipped name or of a folder; see `mmcourse.cards`.

    Raises:
        ValueError: if there is none, or it is incomplete or of other weights.
    """
    return load_card(find_folder(name))


def weights_hash(name: str | Path, digits: int = 12) -> str:
    """The first digits of the sha256 of a model's weights, for a provenance footer.

    Raises:
        ValueError: if there is no such model.
    """
    return file_hash(find_folder(name) / "model.safetensors")[:digits]


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        files = ["config.json", "model.safetensors", "card.json"]
        return Path(snapshot_download(name, revision=revision, allow_patterns=files))
    except Exception as error:  # of the hub's client: also an ImportError for a SOCKS proxy
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{name!r} is no folder here and did not come from the hub ({reason}); offline, use a "
            f"folder or a shipped model: {', '.join(shipped()) or 'none yet'}"
        ) from None


def _read_tensors(folder: Path, config: dict[str, Any]) -> dict[str, Tensor]:
    path = folder / "model.safetensors"
    if not path.is_file():
        raise ValueError(f"{path} is missing: save the model again")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is damaged ({str(error).splitlines()[0]}): save or download it again"
        ) from None
    if metadata.get("digest", digest := _digest(config, tensors)) != digest:
        raise ValueError(
            f"{path} is damaged, or belongs to another config.json: save or download both again"
        )
    return tensors


def _check_numbers(folder: Path, expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Refuse what would load without a word and answer nonsense."""
    for name, value in found.items():
        if value.is_floating_point() != expected[name].is_floating_point():
            raise ValueError(
                f"{folder}/model.safetensors has {name} as {value.dtype}, expected "
                f"{expected[name].dtype}: save the model again"
            )
        if value.isnan().any():
            raise ValueError(
                f"{folder}/model.safetensors holds NaN in {name}: its training broke; take an "
                "earlier save, or train it again"
            )


def _unique_state(model: nn.Module) -> dict[str, Tensor]:
    """The state dict without the further names of tensors that layers share."""
    unique: dict[int, tuple[str, Tensor]] = {}
    for name, value in model.state_dict(keep_vars=True).items():
        unique.setdefault(id(value), (name, value))
    return dict(unique.values())


def _digest(config: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    """A sha256 over the config and all tensors, since the format itself has no checksum."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _as_lists(value: Any) -> Any:
    """The value with its tuples as lists, as JSON gives them back."""
    if isinstance(value, (list, tuple)):
        return [_as_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_lists(item) for key, item in value.items()}
    return value
