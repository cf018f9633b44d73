"""Quantizers: the reference library's values and gradients, and what must hold of each."""

import copy

import pytest
import torch
import torch.nn.functional as F
import vector_quantize_pytorch as peer

from mmcourse.vqvae import (
    FSQ,
    CosineQuantizer,
    EMAVectorQuantizer,
    SimVQ,
    VectorQuantizer,
    codebook_loss,
    commitment_loss,
    ema_update,
    fsq_round,
    nearest_codes,
    quantize,
    rotation_trick,
    straight_through,
    vq_loss,
)

K, D = 24, 8


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def quantizers() -> list:
    return [
        VectorQuantizer(K, D),
        VectorQuantizer(K, D, estimator="rotation"),
        EMAVectorQuantizer(K, D),
        CosineQuantizer(K, D),
        SimVQ(K, D),
        FSQ((5, 4, 3)),
    ]


def names(q) -> str:
    return f"{type(q).__name__}-{getattr(getattr(q, 'estimate', None), '__name__', '')}"


@pytest.mark.parametrize("n", [1, 7, 1024, 2500])
@pytest.mark.parametrize("k", [1, 5, 1024, 3000])
def test_the_nearest_code_is_the_nearest(n: int, k: int) -> None:
    vectors, codes = noise(n, D), noise(k, D, seed=1) + 0.3
    exact = torch.cdist(vectors.double(), codes.double())
    found = nearest_codes(vectors, codes)
    best = exact.min(1).values
    at = exact.gather(1, found[:, None])[:, 0]
    torch.testing.assert_close(at, best, rtol=1e-5, atol=1e-5)
    assert (found == exact.argmin(1)).float().mean() > 0.999


def test_far_from_the_origin_the_nearest_is_still_found() -> None:
    vectors, codes = noise(500, D) + 1e4, noise(K, D, seed=1) + 1e4
    exact = torch.cdist(vectors.double(), codes.double()).argmin(1)
    assert (nearest_codes(vectors, codes) == exact).float().mean() > 0.99


def test_of_two_equal_codes_the_first_is_taken() -> None:
    codes = noise(1500, D).repeat(2, 1)  # the twins stand in different tiles
    assert torch.equal(nearest_codes(codes[:1500], codes), torch.arange(1500))


@pytest.mark.parametrize("shape", [(2, D, 6, 4), (3, D, 9), (1, D, 2, 3, 4)])
def test_each_place_gets_the_code_nearest_to_it(shape: tuple) -> None:
    z, quantizer = noise(*shape), VectorQuantizer(K, D)
    found = quantizer(z)
    assert found.codes.shape == z.shape
    for place in torch.cartesian_prod(*(torch.arange(s) for s in (shape[0], *shape[2:]))):
        b, *rest = place.tolist()
        vector = z[(b, slice(None), *rest)]
        index = (quantizer.codebook - vector).square().sum(1).argmin()
        assert found.indices[(b, *rest)] == index
        torch.testing.assert_close(found.codes[(b, slice(None), *rest)], quantizer.codebook[index])


@pytest.mark.parametrize("quantizer", quantizers(), ids=names)
def test_indices_lead_back_to_the_codes(quantizer) -> None:
    quantizer.eval()
    z = noise(2, quantizer.dim, 5, 6)
    found = quantizer(z)
    torch.testing.assert_close(quantizer.lookup(found.indices), found.codes)
    again = quantizer(z)
    assert torch.equal(again.indices, found.indices)


@pytest.mark.parametrize("quantizer", quantizers(), ids=names)
def test_the_encoder_gets_a_gradient_and_stays_in_float32(quantizer) -> None:
    z = noise(2, quantizer.dim, 4, 4).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = quantizer(z)
    assert found.codes.dtype == torch.float32
    (found.codes.square().mean() + found.loss).backward()
    assert z.grad is not None
    assert z.grad.abs().sum() > 0


def test_each_loss_moves_its_own_side() -> None:
    z, q = noise(9, D).requires_grad_(), noise(9, D, seed=1).requires_grad_()
    codebook_loss(z, q).backward()
    assert z.grad is None
    torch.testing.assert_close(q.grad, 2 * (q - z).detach() / z.numel())
    z, q = noise(9, D).requires_grad_(), noise(9, D, seed=1).requires_grad_()
    commitment_loss(z, q).backward()
    assert q.grad is None
    torch.testing.assert_close(z.grad, 2 * (z - q).detach() / z.numel())


def test_both_losses_at_once_are_their_sum() -> None:
    z, q = noise(9, D).requires_grad_(), noise(9, D, seed=1).requires_grad_()
    both, apart = vq_loss(z, q, 0.4), codebook_loss(z, q) + 0.4 * commitment_loss(z, q)
    torch.testing.assert_close(both, apart)
    for mine, right in zip(torch.autograd.grad(both, (z, q)), torch.autograd.grad(apart, (z, q))):
        torch.testing.assert_close(mine, right)


def test_a_function_quantizes_as_the_module_does() -> None:
    module, told = VectorQuantizer(K, D), noise(2, D, 4, 5, seed=3)
    z = noise(2, D, 4, 5).requires_grad_()
    gradients = []
    for found in (module(z), quantize(z, module.codebook)):
        goal = (found.codes * told).sum() + found.loss
        gradients.append((*found, *torch.autograd.grad(goal, (z, module.codebook))))
    for mine, right in zip(*gradients):
        torch.testing.assert_close(mine, right)


def test_beta_weighs_the_encoders_side_and_nothing_else() -> None:
    z = noise(2, D, 4, 4)
    light, heavy = VectorQuantizer(K, D, beta=0.25), VectorQuantizer(K, D, beta=2.0)
    heavy.load_state_dict(light.state_dict())
    grads = []
    for quantizer in (light, heavy):
        x = z.clone().requires_grad_()
        quantizer(x).loss.backward()
        grads.append((x.grad, quantizer.codebook.grad))
    torch.testing.assert_close(grads[1][0], 8 * grads[0][0])
    torch.testing.assert_close(grads[1][1], grads[0][1])


def test_straight_through_has_the_value_of_one_and_the_gradient_of_the_other() -> None:
    z, q = noise(5, D).requires_grad_(), noise(5, D, seed=1).requires_grad_()
    out = straight_through(z, q)
    torch.testing.assert_close(out, q)
    out.backward(torch.arange(5.0)[:, None].expand(5, D))
    torch.testing.assert_close(z.grad, torch.arange(5.0)[:, None].expand(5, D))
    assert q.grad is None


def test_rotation_turns_and_stretches_the_gradient_as_it_did_the_vector() -> None:
    z, q = noise(6, D).requires_grad_(), noise(6, D, seed=1)
    out = rotation_trick(z, q)
    torch.testing.assert_close(out, q, rtol=1e-5, atol=1e-6)
    told = noise(6, D, seed=2)
    out.backward(told)
    ratio = q.norm(dim=1) / z.norm(dim=1)
    torch.testing.assert_close(z.grad.norm(dim=1), told.norm(dim=1) * ratio)
    torch.testing.assert_close(  # the angle between gradient and vector is kept
        F.cosine_similarity(z.grad, z.detach()), F.cosine_similarity(told, q), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("z", [-1.0, 0.0])
def test_where_there_is_no_rotation_the_gradient_goes_straight_through(z: float) -> None:
    q = noise(3, D, seed=1)
    x = (z * q).requires_grad_()
    out = rotation_trick(x, q)
    torch.testing.assert_close(out, q)
    out.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones(3, D))


def as_peer(ours: VectorQuantizer, **options) -> peer.VectorQuantize:
    """The reference library's quantizer with the same codebook."""
    theirs = peer.VectorQuantize(D, K, commitment_weight=0.25, kmeans_init=False, **options)
    theirs._codebook.embed.data.copy_(ours.codebook.detach()[None])
    if hasattr(theirs._codebook, "embed_avg"):
        theirs._codebook.embed_avg.data.copy_(ours.codebook.detach()[None])
    return theirs


@pytest.mark.parametrize("rotation", [False, True])
def test_values_and_gradients_are_the_reference_librarys(rotation: bool) -> None:
    ours = VectorQuantizer(K, D, estimator="rotation" if rotation else "straight-through")
    theirs = as_peer(ours, learnable_codebook=True, ema_update=False, rotation_trick=rotation)
    z = noise(4, D, 5, 5)
    told = noise(4, D, 5, 5, seed=3)
    mine, other = z.clone().requires_grad_(), z.movedim(1, -1).flatten(1, 2).requires_grad_()
    found = ours(mine)
    codes, indices, _ = theirs(other)
    assert torch.equal(found.indices.flatten(1), indices)
    torch.testing.assert_close(found.codes.movedim(1, -1).flatten(1, 2), codes)
    (found.codes * told).sum().backward()
    (codes * told.movedim(1, -1).flatten(1, 2)).sum().backward()
    torch.testing.assert_close(mine.grad.movedim(1, -1).flatten(1, 2), other.grad)


@pytest.mark.parametrize("epsilon", [1e-5, 0.3])
def test_the_running_means_are_the_reference_librarys(epsilon: float) -> None:
    ours = EMAVectorQuantizer(K, D, decay=0.9, restart_below=0, epsilon=epsilon).train()
    options = {"decay": 0.9, "threshold_ema_dead_code": 0, "rotation_trick": False}
    theirs = as_peer(ours, eps=epsilon, **options).train()
    theirs._codebook.cluster_size.data.copy_(ours.counts[None])
    for step in range(5):
        z = noise(8, D, 4, 4, seed=step)
        found = ours(z)
        codes, indices, loss = theirs(z.movedim(1, -1).flatten(1, 2))
        assert torch.equal(found.indices.flatten(1), indices)
        torch.testing.assert_close(found.codes.movedim(1, -1).flatten(1, 2), codes)
        torch.testing.assert_close(found.loss, loss.squeeze())
    torch.testing.assert_close(ours.codebook, theirs._codebook.embed[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.counts, theirs._codebook.cluster_size[0])


def test_one_update_as_a_function_is_the_modules_and_leaves_its_inputs() -> None:
    quantizer, z = EMAVectorQuantizer(K, D, decay=0.9, restart_below=0).train(), noise(2, D, 4, 4)
    before = quantizer.counts.clone(), quantizer.sums.clone()
    kept = [x.clone() for x in before]
    index = quantizer(z).indices.flatten()
    after = ema_update(*before, z.movedim(1, -1).reshape(-1, D), index, decay=0.9)
    for mine, right in zip(after, (quantizer.counts, quantizer.sums, quantizer.codebook)):
        torch.testing.assert_close(mine, right)
    assert all(torch.equal(x, y) for x, y in zip(before, kept))


def test_rounding_keeps_the_numbers_type_and_reaches_all_levels() -> None:
    z = torch.linspace(-8, 8, 400)[:, None].expand(400, 3)
    levels = torch.tensor([3, 4, 8])
    for dtype in (torch.float32, torch.float64):
        rounded = fsq_round(z.to(dtype), levels)
        assert rounded.dtype == dtype
        assert [len(column.unique()) for column in rounded.T] == levels.tolist()


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (3,), (7, 6, 4)])
def test_rounding_is_the_reference_librarys(levels: tuple) -> None:
    ours, theirs = FSQ(levels), peer.FSQ(list(levels))
    z = 2 * noise(3, len(levels), 6, 7)
    mine, other = z.clone().requires_grad_(), z.movedim(1, -1).flatten(1, 2).requires_grad_()
    found, (codes, indices) = ours(mine), theirs(other)
    torch.testing.assert_close(found.codes.movedim(1, -1).flatten(1, 2), codes)
    assert torch.equal(found.indices.flatten(1), indices.long())
    found.codes.square().sum().backward()
    codes.square().sum().backward()
    torch.testing.assert_close(mine.grad.movedim(1, -1).flatten(1, 2), other.grad)


def test_every_code_of_a_grid_is_reached_and_found_again() -> None:
    fsq = FSQ((4, 3, 5))
    z = 3 * noise(40, 3, 30, 30)
    assert fsq(z).indices.unique().numel() == fsq.num_codes == 60
    every = fsq.lookup(torch.arange(60)[None])
    assert every.movedim(1, -1).reshape(60, 3).unique(dim=0).shape == (60, 3)
    assert every.abs().max() <= 1


def test_running_means_become_the_means_of_those_who_chose() -> None:
    centres = 10 * torch.eye(D)[:4]
    points = centres.repeat(50, 1) + 0.1 * noise(200, D)
    quantizer = EMAVectorQuantizer(4, D, decay=0.5, restart_below=0).train()
    quantizer.codebook.copy_(centres + noise(4, D, seed=2))
    quantizer.sums.copy_(quantizer.codebook)
    for _ in range(40):
        quantizer(points.T[None])
    expected = torch.stack([points[i::4].mean(0) for i in range(4)])
    torch.testing.assert_close(quantizer.codebook, expected, rtol=1e-3, atol=1e-3)


def test_a_code_that_nobody_ever_chose_stays_finite() -> None:
    quantizer = EMAVectorQuantizer(3, D, decay=0.0, restart_below=0).train()
    quantizer(torch.zeros(1, D, 4))
    assert (quantizer.counts == 0).sum() == 2
    assert quantizer.codebook.isfinite().all()


def test_dead_codes_wake_on_vectors_of_the_batch() -> None:
    quantizer = EMAVectorQuantizer(64, D, restart_below=0.5).train()
    quantizer.codebook.copy_(100 + noise(64, D))  # nobody is near any of them but one
    quantizer.sums.copy_(quantizer.codebook)
    z = noise(4, D, 8, 8)
    for _ in range(200):
        quantizer(z)
    assert quantizer.eval()(z).indices.unique().numel() > 48
    asleep = EMAVectorQuantizer(64, D, restart_below=0).train()
    asleep.codebook.copy_(100 + noise(64, D))
    asleep.sums.copy_(asleep.codebook)
    for _ in range(200):
        asleep(z)
    assert asleep.eval()(z).indices.unique().numel() <= 4


def test_statistics_move_in_training_only_and_are_saved() -> None:
    quantizer = EMAVectorQuantizer(K, D)
    before = copy.deepcopy(quantizer.state_dict())
    quantizer.eval()(noise(2, D, 4, 4))
    assert all(torch.equal(v, before[k]) for k, v in quantizer.state_dict().items())
    quantizer.train()(noise(2, D, 4, 4))
    after = quantizer.state_dict()
    assert set(after) == {"codebook", "counts", "sums", "updates"}
    assert all(not torch.equal(v, before[k]) for k, v in after.items())
    assert not list(quantizer.parameters())


def test_a_killed_run_goes_on_as_if_nothing_had_happened() -> None:
    whole = EMAVectorQuantizer(K, D).train()
    first = copy.deepcopy(whole)
    batches = [noise(2, D, 6, 6, seed=i) for i in range(6)]
    for z in batches:
        whole(z)
    for z in batches[:3]:
        first(z)
    second = EMAVectorQuantizer(K, D).train()
    second.load_state_dict(first.state_dict())
    for z in batches[3:]:
        second(z)
    assert torch.equal(whole.codebook, second.codebook)


def test_cosine_codes_hear_no_length() -> None:
    quantizer = CosineQuantizer(K, D).eval()
    z = noise(2, D, 4, 4)
    assert torch.equal(quantizer(z).indices, quantizer(37 * z).indices)
    torch.testing.assert_close(quantizer(z).codes.norm(dim=1), torch.ones(2, 4, 4))


@pytest.mark.parametrize("quantizer", quantizers(), ids=names)
def test_bad_input_is_named(quantizer) -> None:
    with pytest.raises(ValueError, match=rf"z must be \(B, {quantizer.dim}"):
        quantizer(noise(2, quantizer.dim + 1, 4, 4))
    broken = noise(1, quantizer.dim, 2, 2)
    broken[0, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        quantizer(broken)
    last = quantizer.num_codes - 1
    for wrong in (-1, last + 1):
        with pytest.raises(ValueError, match=f"0 to {last}.*another codebook"):
            quantizer.lookup(torch.tensor([[0, wrong]]))
    with pytest.raises(ValueError, match="int64"):
        quantizer.lookup(torch.zeros(1, 2))


def test_unknown_estimators_and_levels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'straight'.*rotation"):
        VectorQuantizer(K, D, estimator="straight")
    for levels in ((), (2, 4)):
        with pytest.raises(ValueError, match="3 levels"):
            FSQ(levels)


@pytest.mark.parametrize("rotation", [False, True])
def test_one_map_for_all_codes_is_the_reference_librarys(rotation: bool) -> None:
    ours = SimVQ(K, D, estimator="rotation" if rotation else "straight-through")
    theirs = peer.SimVQ(D, K, rotation_trick=rotation)
    theirs.frozen_codebook.copy_(ours.codebook)
    theirs.code_transform.weight.data.copy_(ours.turn.weight)
    z, told = noise(4, D, 5, 5), noise(4, D, 5, 5, seed=3)
    mine, other = z.clone().requires_grad_(), z.movedim(1, -1).flatten(1, 2).requires_grad_()
    found, (codes, indices, loss) = ours(mine), theirs(other)
    torch.testing.assert_close(found.codes.movedim(1, -1).flatten(1, 2), codes)
    assert torch.equal(found.indices.flatten(1), indices)
    torch.testing.assert_close(found.loss, loss)
    ((found.codes * told).sum() + found.loss).backward()
    ((codes * told.movedim(1, -1).flatten(1, 2)).sum() + loss).backward()
    torch.testing.assert_close(mine.grad.movedim(1, -1).flatten(1, 2), other.grad)
    torch.testing.assert_close(ours.turn.weight.grad, theirs.code_transform.weight.grad)


def test_one_chosen_code_moves_all_codes() -> None:
    q = SimVQ(K, D)
    before = q.codes().detach().clone()
    z = noise(1, D, 1, 1)
    q(z).loss.backward()
    assert q.codebook.requires_grad is False
    with torch.no_grad():
        q.turn.weight -= 0.5 * q.turn.weight.grad
    moved = (q.codes() - before).norm(dim=1)
    assert (moved > 0).all()


def test_the_map_starts_with_the_vectors_spread() -> None:
    q = SimVQ(4096, D)
    stretch = torch.diag(torch.linspace(0.1, 3, D)) @ noise(D, D, seed=5)
    z = (noise(4096, D, seed=6) @ stretch).T.reshape(1, D, 64, 64)
    q.start_from(z)
    rows = z.flatten(2)[0].T
    wanted, found = rows.T @ rows / 4096, q.codes().T @ q.codes() / 4096
    torch.testing.assert_close(found, wanted, atol=0.15 * wanted.abs().max().item(), rtol=0)


def test_a_batch_without_vectors_moves_nothing() -> None:
    quantizer = EMAVectorQuantizer(K, D).train()
    before = {name: value.clone() for name, value in quantizer.state_dict().items()}
    quantizer(torch.zeros(0, D, 4, 4))
    assert all(torch.equal(value, before[name]) for name, value in quantizer.state_dict().items())
