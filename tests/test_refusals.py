"""What a model of any chapter says when it is given what it cannot compute with: one line."""

import functools

import pytest
import torch
from torch import nn

from mmcourse.diffusion import PixelUNet, TextUNet
from mmcourse.diffusion.text import Words
from mmcourse.dit import DiT, IdentityEncoder
from mmcourse.dit.class_dit import ClassDiT
from mmcourse.hub import Pretrained
from mmcourse.joint import JointModel
from mmcourse.refusals import explained
from mmcourse.vqgan import VQGAN, PatchDiscriminator, ResidualPrior
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqvae import VQVAE, CodePrior

PICTURE = (1, 3, 16, 16)
TIME = torch.tensor([500.0])
CODES = {"num_codes": 8, "dim": 4}
MODELS = {
    "joint": (lambda: JointModel(20, 16, 32, 1, 1, 16), "encode_image", PICTURE),
    "vqvae": (lambda: VQVAE("vq", CODES, width=8, depth=1), "encode", PICTURE),
    "fsq": (lambda: VQVAE("fsq", {"levels": [3, 3]}, width=8, depth=1), "encode", PICTURE),
    "vqgan": (lambda: VQGAN(2, options=CODES, widths=(8, 8), half_width=8), "encode", PICTURE),
    "latents": (lambda: LatentAutoencoder(4, (8, 8), (1, 1), 8), "encode", PICTURE),
    "critic": (lambda: PatchDiscriminator(4), "forward", PICTURE),
    "features": (lambda: Features((8, 8, 8, 8)), "forward", PICTURE),
    "unet": (lambda: PixelUNet(16, widths=(8, 32), looking=(1,)), "forward", PICTURE),
    "text-unet": (lambda: TextUNet((4, 4, 4), (32, 32), looking=(1,)), "forward", (1, 4, 4, 4)),
    "dit": (lambda: DiT((4, 4, 4), dim=32, depth=1, heads=1), "forward", (1, 4, 4, 4)),
    "identity": (lambda: IdentityEncoder((8, 8, 8, 8), 16), "forward", (1, 3, 64, 64)),
    "class-dit": (
        lambda: ClassDiT((4, 4, 4), dim=32, depth=1, heads=1, classes=3),
        "forward",
        (1, 4, 4, 4),
    ),
}
TIMED = ("unet", "text-unet", "dit", "class-dit")


@functools.cache
def model(name):
    return MODELS[name][0]().eval()


def ask(name, x, **named):
    given = (TIME.expand(len(x) if isinstance(x, torch.Tensor) else 1),) if name in TIMED else ()
    with torch.no_grad():
        return getattr(model(name), MODELS[name][1])(x, *given, **named)


def refusal(run, words):
    with pytest.raises(ValueError, match=words) as error:
        run()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", MODELS)
def test_an_empty_batch_is_nothing_or_refused(name):
    x = torch.empty(0, *MODELS[name][2][1:])
    if name in ("vqvae", "fsq", "vqgan", "latents"):  # torch cannot cut nothing into tiles
        refusal(lambda: ask(name, x), r"x is \(0, 3, 16, 16\), so there is nothing in it")
        return
    found = ask(name, x)
    assert all(len(part) == 0 for part in (found if isinstance(found, tuple) else (found,)))


@pytest.mark.parametrize("name", MODELS)
def test_numbers_of_another_type_are_named_with_the_remedy(name):
    x = torch.rand(MODELS[name][2])
    refusal(
        lambda: ask(name, x.half()), r"float16, the model's weights are torch.float32: .*\.to\("
    )
    refusal(lambda: ask(name, x.to(torch.uint8)), "uint8, the bytes of a picture.*from_bytes")


@pytest.mark.parametrize(
    "name", [name for name in MODELS if name != "critic"]
)  # which asks nothing of its numbers
def test_another_device_is_named(name):
    refusal(
        lambda: ask(name, torch.rand(MODELS[name][2], device="meta")), "on meta, the model on cpu"
    )


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("given", ["a.png", [[0.0]]])
def test_what_is_no_tensor_is_named(name, given):
    refusal(lambda: ask(name, given), f"a {type(given).__name__}, expected a tensor")


@pytest.mark.parametrize("name", MODELS)
def test_a_layout_does_not_matter(name):
    x = torch.rand(MODELS[name][2], generator=torch.Generator().manual_seed(0))
    turned = x.movedim(1, -1).contiguous().movedim(-1, 1)  # the same numbers, channels last
    assert not turned.is_contiguous()
    one, other = ask(name, x), ask(name, turned)
    for a, b in zip(*(y if isinstance(y, tuple) else (y,) for y in (one, other))):
        assert torch.allclose(a.float(), b.float(), atol=1e-5)


def test_ids_are_whole_numbers_in_range():
    prior = ResidualPrior(20, 8, 2, dim=4, grid=(2, 2), width=64, depth=1).eval()
    codes = torch.zeros(1, 2, 2, 2, dtype=torch.int64)
    refusal(lambda: prior(torch.ones(1, 3), codes), "whole numbers, got floats as ids")
    refusal(lambda: prior(torch.tensor([[1, 50, 2]]), codes), "ids holds 1 to 50")
    refusal(lambda: prior(torch.tensor([[1, 5, 2]] * 2), codes), "2 of ids, 1 of codes")
    text = CodePrior(20, 8, cells=4, longest=8, dim=16, depth=1, heads=2)
    refusal(lambda: text(torch.tensor([[40]]), torch.tensor([[0]])), "tokens holds 40 to 40")


def test_parts_of_a_condition_are_looked_at():
    unet = model("text-unet")
    words = Words(torch.rand(1, 3, 128), torch.ones(1, 3, dtype=torch.bool))
    with torch.no_grad():
        cond = unet.read(words)
        x = torch.rand(1, 4, 4, 4)
        refusal(lambda: unet(x, TIME, cond.to("meta")), "cond.text is on meta")
        narrow = Words(torch.rand(1, 3, 64), words.mask)
        refusal(lambda: unet.read(narrow), r"other shapes than words.features \(1, 3, 64\)")


def test_a_model_that_cannot_be_cast_says_so():
    cast = VQVAE("vq", CODES, width=8, depth=1).bfloat16()
    x = torch.rand(PICTURE).bfloat16()
    refusal(lambda: cast.encode(x), "cast to torch.bfloat16.*model.float()")


@pytest.mark.parametrize(
    ("name", "x"), [("joint", torch.rand(PICTURE)), ("latents", torch.rand(1, 3, 8, 8))]
)
def test_one_value_cannot_be_standardised(name, x):
    learning = MODELS[name][0]().train()
    run = learning.encode_image if name == "joint" else learning
    refusal(lambda: run(x), "in training each number is standardised")


class Broken(Pretrained):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x).no_such_thing

    def fill(self, x):
        raise torch.OutOfMemoryError("no room")


def test_errors_of_the_program_and_of_the_machine_pass():
    with pytest.raises(AttributeError, match="no_such_thing"):
        Broken()(torch.rand(1, 2))
    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        Broken().fill(torch.empty(0))
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Broken()()


def test_the_method_stays_what_it_was():
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Double."""
        return 2 * x

    assert explained(forward).__doc__ == "Double."
    assert explained(forward).__wrapped__ is forward


def test_a_compiled_model_is_traced_through():
    found = []

    def look(graph, inputs):
        found.append(graph)
        return graph.forward

    with torch.no_grad():
        compiled = torch.compile(model("critic"), backend=look, fullgraph=True)
        x = torch.rand(PICTURE)
        assert torch.equal(compiled(x), model("critic")(x))
    assert len(found) == 1
