"""The whole system: a thumbnail gives a grid; the grid and the photo give a better photo."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from fivefold.model.adaptation import Adaptation
from fivefold.model.excesses import few_pixels
from fivefold.model.fused_slicing import can_render, fused_render
from fivefold.model.fusion import Fusion
from fivefold.model.global_path import GlobalPath
from fivefold.model.grid import GridPrediction
from fivefold.model.guide import GuideMap
from fivefold.model.local_path import LocalPath
from fivefold.model.lowres import LowLevelFeatures
from fivefold.model.restraint import Restraint
from fivefold.model.slicing import apply_affine, slice_grid
from fivefold.model.white_point import WhitePoint

THUMBNAIL_SIZE_PX = 256


@dataclass(frozen=True)
class EnhancerNetConfig:
    """The size of every part (PAPER section 1; sections are Table 1's rows).

    Attributes:
        low_level: Widths of S, each layer halving the picture.
        local: Widths of L.
        global_convolutions: Widths of G's stride-2 convolutions.
        global_connected: Widths of G's fully connected layers.
        fusion: Width of F.
        depth: d, cells of the grid along the guide.
        uniform_knots: Guide thresholds stay at i/16 instead of being learned.
        styles: Names of the retouchers whose grids are predicted for each photo, in their order;
            empty for the paper's single one.
        restraint: The first style is held back on photos that look finished (see
            :mod:`fivefold.model.restraint`).
        adaptation: Photos are judged in usual light (see :mod:`fivefold.model.adaptation`).
        white_point: What is white stays white (see :mod:`fivefold.model.white_point`).
    """

    low_level: tuple[int, ...]
    local: tuple[int, ...]
    global_convolutions: tuple[int, ...]
    global_connected: tuple[int, ...]
    fusion: int = 64
    depth: int = 8
    uniform_knots: bool = False
    styles: tuple[str, ...] = ()
    restraint: bool = False
    adaptation: bool = False
    white_point: bool = False

    @property
    def grid_size(self) -> int:
        """Rows and columns of the grid: the size of S's last layer."""
        return THUMBNAIL_SIZE_PX >> len(self.low_level)

    @property
    def style_names(self) -> tuple[str, ...]:
        """A name for each grid that is predicted for a photo, also for a single, unnamed one."""
        return self.styles or ("the only one",)

    @property
    def grids(self) -> int:
        """Grids that are predicted for a photo."""
        return len(self.style_names)


PRESETS: dict[str, EnhancerNetConfig] = {
    "small": EnhancerNetConfig(
        low_level=(8, 16, 32, 64),
        local=(64, 64),
        global_convolutions=(64, 64),
        global_connected=(256, 128, 64),
    ),
    "paper": EnhancerNetConfig(
        low_level=(16, 32, 64, 128),
        local=(128, 128),
        global_convolutions=(128, 128),
        global_connected=(512, 256, 128),
    ),
}
"""``small`` is the original model, ``paper`` the enlarged one of the paper's second change."""


class EnhancerNet(nn.Module):
    """S, L, G, F, A, the guide, slicing and the affine output, composed (PAPER sections 1 and 2).

    Args:
        config: The sizes, or the name of a preset.
    """

    def __init__(self, config: EnhancerNetConfig | str = "paper") -> None:
        super().__init__()
        if isinstance(config, str):
            if config not in PRESETS:
                raise ValueError(f"preset must be one of {sorted(PRESETS)}, received {config!r}")
            config = PRESETS[config]
        self.config = config
        self.low_level = LowLevelFeatures(config.low_level)
        self.local_path = LocalPath(config.low_level[-1], config.local)
        self.global_path = GlobalPath(
            config.low_level[-1],
            config.grid_size,
            config.global_convolutions,
            config.global_connected,
        )
        self.fusion = Fusion(config.local[-1], config.global_connected[-1], config.fusion)
        self.prediction = GridPrediction(config.fusion, config.depth, config.grids)
        self.guide = GuideMap(uniform_knots=config.uniform_knots)
        self.adaptation = Adaptation(config.depth) if config.adaptation else None
        views = 2 if config.adaptation else 1
        self.restraint = Restraint(config.grids, views) if config.restraint else None
        self.white_point = WhitePoint(config.depth) if config.white_point else None
        for module in (self.low_level, self.local_path, self.global_path, self.fusion):
            module.apply(_start_rectified)

    def predict(self, thumbnail: Tensor) -> Tensor:
        """The grid for a photo, seen at low resolution.

        Args:
            thumbnail: Ĩ, ``(N, 3, 256, 256)`` sRGB in 0…1.

        Returns:
            A, ``(N·styles, 12, depth, 16, 16)``, the styles of a photo one after the other.
        """
        few = few_pixels(thumbnail)
        if self.adaptation is None:
            views, grid = [few], self._grid(thumbnail)
        else:
            light = self.adaptation.judge(few)
            seen = self.adaptation(thumbnail, light)
            views = [few_pixels(seen), self.adaptation.level(few, light)]
            grid = self.adaptation.undo(self._grid(seen), light)
        grid = grid if self.restraint is None else self.restraint(grid, *views)
        return grid if self.white_point is None else self.white_point(grid)

    def _grid(self, thumbnail: Tensor) -> Tensor:
        features = self.low_level(thumbnail)  # (N, S, 16, 16)
        local = self.local_path(features)  # (N, L, 16, 16)
        scene = self.global_path(features)  # (N, G)
        fused = self.fusion(local, scene)  # (N, F, 16, 16)
        grid: Tensor = self.prediction(fused)  # (N·styles, 12, depth, 16, 16)
        return grid

    def render(self, photo: Tensor, grid: Tensor) -> Tensor:
        """The full-resolution pass: guide, slice, apply.

        Args:
            photo: φ, ``(N, 3, H, W)`` sRGB in 0…1.
            grid: A, ``(N, 12, depth, rows, columns)``.

        Returns:
            O, ``(N, 3, H, W)`` sRGB, not clipped.
        """
        if can_render(photo, grid):  # the same, many times faster
            return fused_render(photo, grid, self.guide)
        guide = self.guide(photo)  # (N, H, W)
        transforms = slice_grid(grid, guide)  # (N, 12, H, W)
        return apply_affine(transforms, photo)

    def forward(self, thumbnail: Tensor, photo: Tensor, style: str = "") -> Tensor:
        """Enhance photos: ``(N, 3, 256, 256)`` and ``(N, 3, H, W)`` to ``(N, 3, H, W)``.

        Args:
            thumbnail: Ĩ, sRGB in 0…1.
            photo: φ, sRGB in 0…1.
            style: Whose, by name; the network's first where it has no such style.
        """
        grids = self.predict(thumbnail)
        grids = grids.reshape(-1, self.config.grids, *grids.shape[1:])
        return self.render(photo, grids[:, self.style_index(style)])

    def style_index(self, style: str) -> int:
        """Which of a photo's grids a style's is: the first where the network has no such style."""
        styles = self.config.styles
        return styles.index(style) if style in styles else 0


def grown(net: EnhancerNet, config: EnhancerNetConfig) -> EnhancerNet:
    """A larger network that, to begin with, does what ``net`` does, but for a fresh restraint.

    Args:
        net: What is there.
        config: The same sizes, with all of its styles and others, or with a restraint. New styles
            begin as the first one.

    Raises:
        ValueError: If ``config`` lacks something that ``net`` has, or has other sizes.
    """
    before = net.config
    larger = replace(
        before,
        styles=config.styles,
        restraint=config.restraint,
        adaptation=config.adaptation,
        white_point=config.white_point,
    )
    loses = (
        before.restraint > config.restraint
        or before.adaptation > config.adaptation
        or before.white_point > config.white_point
        or not set(before.styles) <= set(config.styles)
    )
    if larger != config or loses:
        raise ValueError(f"cannot grow from {before} to {config}")
    kept = (before.styles, before.adaptation) == (config.styles, config.adaptation)
    if before.restraint and not kept:
        raise ValueError("the restraint of a network is made for its styles and its adaptation")
    result = EnhancerNet(config)
    state = result.state_dict() | net.state_dict()
    copied = [net.style_index(style) for style in config.styles] or [0]
    for name in ("prediction.linear.weight", "prediction.linear.bias"):
        predictions = state[name].unflatten(0, (before.grids, -1))
        state[name] = predictions[copied].flatten(0, 1)
    result.load_state_dict(state)
    if result.adaptation is not None:
        result.adaptation.follow(result.guide)
    return result


def _start_rectified(module: nn.Module) -> None:
    """He's initialisation, made for layers that are followed by σ."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
