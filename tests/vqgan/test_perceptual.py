"""The perceptual loss: what it measures, and that nothing moves the network it looks through."""

import socket

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.training import EMA
from mmcourse.vqgan.perceptual import (
    PerceptualLoss,
    VGG16Features,
    lpips_weights,
    vgg16_features,
)


class Small(nn.Module):
    """Two maps, with all that could go wrong: dropout, and statistics that move."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.norm, self.drop = nn.BatchNorm2d(4), nn.Dropout(0.5)
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a = self.drop(self.norm(self.first(x))).relu()
        return a, self.second(a)


@pytest.fixture
def loss() -> PerceptualLoss:
    torch.manual_seed(0)
    return PerceptualLoss(Small())


def pictures(seed: int = 0, side: int = 8) -> torch.Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def by_hand(network: nn.Module, a: torch.Tensor, b: torch.Tensor, weights=None) -> float:
    total = 0.0
    for i, (p, q) in enumerate(zip(network(a), network(b))):
        for y in range(p.shape[2]):
            for x in range(p.shape[3]):
                left, right = p[:, :, y, x].double(), q[:, :, y, x].double()
                error = (F.normalize(left, dim=1) - F.normalize(right, dim=1)).square()
                error = error if weights is None else error * weights[i].double()
                total += float(error.sum(1).mean()) / (p.shape[2] * p.shape[3])
    return total


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_formula(loss: PerceptualLoss, weighted: bool) -> None:
    weights = [torch.rand(4), torch.rand(6)] if weighted else None
    loss = PerceptualLoss(loss.network, weights)
    with torch.no_grad():
        a, b = pictures(0), pictures(1)
        assert loss(a, b).item() == pytest.approx(by_hand(loss.network, a, b, weights), rel=1e-4)
        assert loss(a, a).item() == 0


def test_the_gradient_goes_to_the_drawn_picture_alone(loss: PerceptualLoss) -> None:
    a, b = pictures(0).requires_grad_(), pictures(1).requires_grad_()
    loss(a, b).backward()
    assert a.grad.abs().sum() > 0
    assert b.grad is None
    assert all(p.grad is None and not p.requires_grad for p in loss.network.parameters())


def test_a_place_where_nothing_is_seen_makes_no_gradient_explode() -> None:
    class Blind(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
            return (x * 0,)

    a = pictures(0).requires_grad_()
    PerceptualLoss(Blind())(a, pictures(1)).backward()
    assert a.grad.isfinite().all()


class Parent(nn.Module):
    """What trains, with the loss in it."""

    def __init__(self, loss: PerceptualLoss) -> None:
        super().__init__()
        self.layer, self.loss = nn.Conv2d(3, 3, 1), loss


def test_a_parent_neither_wakes_nor_saves_nor_trains_it(loss: PerceptualLoss) -> None:
    parent = Parent(loss)
    before = loss.network.norm.running_mean.clone()
    parent.train()
    assert not any(m.training for m in loss.network.modules())
    assert loss(pictures(0), pictures(1)) == loss(pictures(0), pictures(1))  # no dropout
    assert torch.equal(loss.network.norm.running_mean, before)
    assert set(parent.state_dict()) == {"layer.weight", "layer.bias"}
    parent.load_state_dict(parent.state_dict())
    assert len(list(parent.parameters())) == 2
    assert set(EMA(parent).average) == {"layer.weight", "layer.bias"}
    parent.requires_grad_(True)
    assert not any(p.requires_grad for p in loss.network.parameters())


def test_it_moves_with_its_parent(loss: PerceptualLoss) -> None:
    loss.weights = [torch.rand(4), torch.rand(6)]
    Parent(loss).to(torch.float64)
    assert {p.dtype for p in loss.network.parameters()} == {torch.float64}
    assert {w.dtype for w in loss.weights} == {torch.float64}


def test_what_does_not_fit_is_named(loss: PerceptualLoss) -> None:
    with pytest.raises(ValueError, match="one shape"):
        loss(pictures(), pictures()[:1])
    with pytest.raises(ValueError, match="1 lists of weights for a network of 2 maps"):
        PerceptualLoss(loss.network, [torch.rand(4)])(pictures(), pictures())


@pytest.fixture(scope="module")
def vgg() -> VGG16Features:
    from torchvision.models.vgg import cfgs, make_layers

    torch.manual_seed(0)
    return VGG16Features(make_layers(cfgs["D"])).eval()


def test_vgg_is_fed_as_torchvision_feeds_it(vgg: VGG16Features) -> None:
    from torchvision.models import VGG16_Weights

    seen: list[torch.Tensor] = []
    hook = vgg.layers[0].register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    x = pictures(side=32)
    with torch.no_grad():
        maps = vgg(x)
    hook.remove()
    transform = VGG16_Weights.IMAGENET1K_V1.transforms(crop_size=32, resize_size=32)
    torch.testing.assert_close(seen[0], transform((x + 1) / 2), atol=1e-5, rtol=1e-5)
    assert [m.shape[1:] for m in maps] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2),
    ]  # fmt: skip
    assert all((m >= 0).all() for m in maps)  # after the ReLU


def test_vgg_comes_from_a_file_and_a_wrong_one_is_named(vgg, tmp_path) -> None:
    state = {f"features.{k}": v for k, v in vgg.layers.state_dict().items()}
    torch.save({**state, "classifier.0.bias": torch.zeros(3)}, tmp_path / "vgg.pth")
    loaded = vgg16_features(tmp_path / "vgg.pth")
    assert torch.equal(loaded.layers[28].weight, vgg.layers[28].weight)
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("nothing")
    for name in ("other.pth", "text.pth", "missing.pth"):
        with pytest.raises(ValueError, match=r"offline, give a file .* or use `features`") as told:
            vgg16_features(tmp_path / name)
        assert "\n" not in str(told.value)


def test_without_a_network_vgg_says_so_in_one_line(monkeypatch, tmp_path) -> None:
    def refuse(*given, **options):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="offline, give a file") as told:
        vgg16_features()
    assert "\n" not in str(told.value)


def test_weights_of_lpips_are_read(tmp_path) -> None:
    sizes = (64, 128, 256, 512, 512)
    file = {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(sizes)}
    torch.save(file, tmp_path / "vgg.pth")
    weights = lpips_weights(tmp_path / "vgg.pth")
    assert [w.shape for w in weights] == [(c,) for c in sizes]
    assert torch.equal(weights[2], file["lin2.model.1.weight"].flatten())
    torch.save({"lin0": 1}, tmp_path / "other.pth")
    for name in ("other.pth", "missing.pth"):
        with pytest.raises(ValueError, match="holds no weights of LPIPS"):
            lpips_weights(tmp_path / name)


@pytest.mark.parametrize("read", [lpips_weights, vgg16_features])
def test_an_empty_file_is_one_line_and_a_home_is_a_home(read, tmp_path, monkeypatch) -> None:
    (tmp_path / "a.pth").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"EOF|Ran out of input") as error:
        read("~/a.pth")
    assert "\n" not in str(error.value)
