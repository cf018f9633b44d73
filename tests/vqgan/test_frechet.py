"""The Fréchet distance beside SciPy's matrix root, and where it is known."""

import numpy as np
import pytest
import scipy.linalg
import torch

from mmcourse.vqgan.frechet import frechet_distance, root


def crowd(n: int, width: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    dice = torch.Generator().manual_seed(seed)
    mix = torch.randn(width, width, generator=dice, dtype=torch.float64)
    return torch.randn(n, width, generator=dice, dtype=torch.float64) @ mix + shift


def by_scipy(a: torch.Tensor, b: torch.Tensor) -> float:
    s, t = np.cov(a.numpy().T), np.cov(b.numpy().T)
    both = scipy.linalg.sqrtm(s @ t).real
    shift = a.numpy().mean(0) - b.numpy().mean(0)
    return float(shift @ shift + np.trace(s + t - 2 * both))


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_it_is_scipys(shift: float) -> None:
    a, b = crowd(300, 6, 0), crowd(200, 6, 1, shift)
    assert frechet_distance(a, b) == pytest.approx(by_scipy(a, b), rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b))


def test_a_crowd_is_at_no_distance_from_itself_and_a_shift_counts_squared() -> None:
    a = crowd(100, 5, 0)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(a, a + 2.0) == pytest.approx(5 * 4.0)
    one = crowd(100, 1, 0)
    spread = one.std().item()
    assert frechet_distance(one, 3 * (one - one.mean()) + one.mean()) == pytest.approx(
        4 * spread**2
    )


def test_fewer_rows_than_columns_will_do() -> None:
    a, b = crowd(4, 20, 0).float(), crowd(4, 20, 1).float()
    assert np.isfinite(frechet_distance(a, b))
    s = torch.cov(a.double().T)
    torch.testing.assert_close(root(s) @ root(s), s)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="one width"):
        frechet_distance(crowd(9, 3, 0), crowd(9, 4, 0))
    with pytest.raises(ValueError, match="N of 2 or more"):
        frechet_distance(crowd(1, 3, 0), crowd(9, 3, 0))
    with pytest.raises(ValueError, match="NaN"):
        frechet_distance(torch.full((4, 3), torch.nan), crowd(9, 3, 0))
