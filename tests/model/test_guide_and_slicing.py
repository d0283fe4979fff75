"""The guide starts as the identity, and slicing is the paper's triple sum."""

import math

import numpy as np
import pytest
import torch

from fivefold.model.enhancer_net import EnhancerNet
from fivefold.model.grid import GridPrediction
from fivefold.model.guide import GuideMap
from fivefold.model.slicing import apply_affine, slice_grid


def tent(u: float) -> float:
    """τ(u) = max(1 − |u|, 0)."""
    return max(1 - abs(u), 0.0)


def naive_slice(grid: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Ā by the paper's triple sum, cells beyond the edge taken from the edge."""
    channels, depth, rows, columns = grid.shape
    height, width = guide.shape
    out = np.zeros((channels, height, width))
    for y in range(height):
        for x in range(width):
            at_x = (x + 0.5) * columns / width - 0.5
            at_y = (y + 0.5) * rows / height - 0.5
            at_z = depth * guide[y, x] - 0.5
            for i in (math.floor(at_x), math.floor(at_x) + 1):
                for j in (math.floor(at_y), math.floor(at_y) + 1):
                    for k in (math.floor(at_z), math.floor(at_z) + 1):
                        weight = tent(at_x - i) * tent(at_y - j) * tent(at_z - k)
                        cell = grid[
                            :,
                            min(max(k, 0), depth - 1),
                            min(max(j, 0), rows - 1),
                            min(max(i, 0), columns - 1),
                        ]
                        out[:, y, x] += weight * cell
    return out


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 40), (40, 1), (3, 5), (16, 16), (31, 47)]
)
@pytest.mark.parametrize("extreme", [False, True])
def test_slicing_is_the_triple_sum(height: int, width: int, *, extreme: bool) -> None:
    """Slicing equals a naive float64 triple loop, from 1 pixel on, at g = 0 and 1 too."""
    random = np.random.default_rng(height * 100 + width)
    grid = random.normal(size=(12, 8, 16, 16))
    guide = random.uniform(size=(height, width))
    if extreme:
        guide = np.round(guide)
    sliced = slice_grid(torch.from_numpy(grid)[None], torch.from_numpy(guide)[None])[0]
    np.testing.assert_allclose(sliced.numpy(), naive_slice(grid, guide), atol=1e-12)


def test_guide_of_a_grey_ramp_is_the_ramp() -> None:
    """Before training g of grey is grey, over the whole of 0…1."""
    ramp = torch.linspace(0, 1, 1001)
    g = GuideMap()(ramp.expand(1, 3, 1, -1))
    torch.testing.assert_close(g[0, 0], ramp, atol=1e-6, rtol=0)


def test_guide_is_the_papers_formula() -> None:
    """With arbitrary parameters g is the stated sum, mixed by 1/3 and clipped to 0…1."""
    torch.manual_seed(5)
    guide = GuideMap().double()
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter.copy_(parameter + 0.3 * torch.randn_like(parameter))
        guide.bias.fill_(0.1)
    photo = torch.rand(1, 3, 6, 7, dtype=torch.float64)
    expected = np.zeros((6, 7))
    p = {name: value.detach().numpy() for name, value in guide.named_parameters()}
    for y in range(6):
        for x in range(7):
            phi = photo[0, :, y, x].numpy()
            curves = 0.0
            for c in range(3):
                u = p["matrix"][c] @ phi + p["matrix_bias"][c]
                curves += sum(
                    a * max(u - t, 0)
                    for a, t in zip(p["slopes"][c], p["thresholds"][c], strict=True)
                )
            expected[y, x] = min(max(0.1 + curves / 3, 0.0), 1.0)
    assert np.count_nonzero((expected > 0) & (expected < 1)) > 0
    np.testing.assert_allclose(guide(photo)[0].detach().numpy(), expected, atol=1e-12)


def test_uniform_knots_stay() -> None:
    """With uniform knots the thresholds are no parameters to learn, and the plain guide says so."""
    free, uniform = GuideMap(), GuideMap(uniform_knots=True)
    assert free.thresholds.requires_grad
    assert not uniform.thresholds.requires_grad
    assert uniform.as_plain().has_uniform_knots


def test_output_is_the_affine_transform() -> None:
    """O_c = Ā_{4c+3} + Σ Ā_{4c+c′} φ_c′, each pixel by its own matrix."""
    random = np.random.default_rng(0)
    transforms, photo = random.normal(size=(1, 12, 4, 5)), random.uniform(size=(1, 3, 4, 5))
    output = apply_affine(torch.from_numpy(transforms), torch.from_numpy(photo)).numpy()
    for y in range(4):
        for x in range(5):
            matrix = transforms[0, :, y, x].reshape(3, 4)
            expected = matrix[:, :3] @ photo[0, :, y, x] + matrix[:, 3]
            np.testing.assert_allclose(output[0, :, y, x], expected, atol=1e-12)


def test_training_starts_near_the_identity() -> None:
    """A new network leaves a photo nearly as it is, and exactly so with the weights at zero."""
    net = EnhancerNet("small").eval()
    thumbnail, photo = torch.rand(1, 3, 256, 256), torch.rand(1, 3, 20, 30)
    assert (net(thumbnail, photo) - photo).abs().max() < 0.2
    prediction = GridPrediction(4, 8)
    torch.nn.init.zeros_(prediction.linear.weight)
    grid = prediction(torch.rand(1, 4, 16, 16))
    torch.testing.assert_close(net.render(photo, grid), photo)


def test_photos_of_a_batch_do_not_mix() -> None:
    """Rendering a batch equals rendering its photos one by one."""
    net = EnhancerNet("small").eval()
    thumbnails, photos = torch.rand(3, 3, 256, 256), torch.rand(3, 3, 9, 14)
    together = net(thumbnails, photos)
    alone = torch.cat([net(t[None], p[None]) for t, p in zip(thumbnails, photos, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
