"""The heatmap's two upsampling stacks, and how layers start.

Source: the extension's own page for HRH; arXiv 2404.06180 for the x4 baseline.
"""

from torch import nn

HEATMAP_CHANNELS_PER_CLASS = 8
BASELINE_UPSAMPLE_STAGES = 2
FOCAL_PRIOR_BIAS = -2.19
"""logit of about 0.1: the score of every cell before training (arXiv 1708.02002)."""


def doubling(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Doubles a map, its pixel corners aligned: a cell becomes two over the same ground."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)


def baseline_heatmap_branch(in_channels: int, num_classes: int) -> nn.Sequential:
    """YOLC's fixed x4 heatmap branch: ``(B, C, H, W)`` to logits ``(B, K, 4H, 4W)``."""
    wide = num_classes * HEATMAP_CHANNELS_PER_CLASS
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 1),
        nn.BatchNorm2d(in_channels, momentum=0.01),
        nn.ReLU(inplace=True),
        doubling(in_channels, wide),
        nn.ReLU(inplace=True),
        doubling(wide, wide),  # no ReLU behind it, as in the original
        nn.Conv2d(wide, num_classes, 1, groups=num_classes),
    )


def hrh_heatmap_branch(in_channels: int, num_classes: int, stages: int) -> nn.Sequential:
    """The high-resolution heatmap branch: ``(B, C, H, W)`` to ``(B, K, 2**n H, 2**n W)``.

    Args:
        in_channels: C.
        num_classes: K. With no stage the last 1x1 convolution reads C channels in K groups.
        stages: n, the number of x2 stages.

    Raises:
        ValueError: ``stages`` is 0 and C is no multiple of K.
    """
    if stages == 0 and in_channels % num_classes:
        raise ValueError(
            f"heatmap_upsample_num=0 splits in_channels={in_channels} into "
            f"num_classes={num_classes} groups, which does not come out even; "
            "choose in_channels as a multiple of num_classes"
        )
    layers: list[nn.Module] = [nn.Conv2d(in_channels, in_channels, 3, padding=1), nn.ReLU(True)]
    channels = in_channels
    for _ in range(stages):
        wide = num_classes * HEATMAP_CHANNELS_PER_CLASS
        layers += [doubling(channels, wide), nn.ReLU(inplace=True)]
        channels = wide
    layers.append(nn.Conv2d(channels, num_classes, 1, groups=num_classes))
    return nn.Sequential(*layers)


def init_branch(branch: nn.Module) -> None:
    """YOLC's start: convolutions normal 0.001, transposed ones normal 0.02, norms 1 and 0."""
    for module in branch.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.001)
        elif isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
