"""The public heads of YOLC and HRH-SCO in plain torch, with the public names of their layers.

Written from METHOD.md section 2 and the extension's page, not from the code under test: boxes are
sampled point by point.
"""

import torch
from torch import nn


class PublicHead(nn.Module):
    """``stages`` None is YOLC; a number is the extension at that depth.

    ``plain``: the extension's public code refines boxes by a convolution that samples no box.
    """

    def __init__(self, channels, width, classes, stages=None, plain=False):
        super().__init__()
        wide, self.stages = 8 * classes, stages
        if stages is None:
            self.local_head = nn.Sequential(
                nn.Conv2d(channels, channels, 1),
                nn.BatchNorm2d(channels, momentum=0.01),
                nn.ReLU(),
                nn.ConvTranspose2d(channels, wide, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(wide, wide, 4, stride=2, padding=1),
                nn.Conv2d(wide, classes, 1, groups=classes),
            )
        else:
            self.local_head = self.stack(channels, [wide] * stages, classes, classes)
            halved = [channels >> stage for stage in range(1, stages + 1)]
            self.offset_head = self.stack(channels, halved, 2, 1)
        self.reg_conv = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.xywh_init = nn.Conv2d(width, 4, 1)
        self.bbox_offset = nn.Conv2d(width, 18, 1)
        self.plain = plain
        self.xywh_refine = nn.Conv2d(width, 4, 3, padding=1, bias=plain)

    @staticmethod
    def stack(channels, widths, out, groups):
        layers = [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
        for wide in widths:
            layers += [nn.ConvTranspose2d(channels, wide, 4, stride=2, padding=1), nn.ReLU()]
            channels = wide
        return nn.Sequential(*layers, nn.Conv2d(channels, out, 1, groups=groups))

    def forward(self, feature):
        """Heatmap, offsets or None, coarse and refined boxes relative to their cells."""
        offsets = None if self.stages is None else self.offset_head(feature)
        features = self.reg_conv(feature)
        coarse = self.xywh_init(features)
        if self.plain:
            refined = self.xywh_refine(features)
        else:
            refined = self.refine(features, coarse, self.bbox_offset(features).sigmoid())
        return self.local_head(feature).sigmoid(), offsets, coarse, refined

    def refine(self, features, coarse, fractions):
        """As the public code does it: the first of each pair of channels is x, and is read as y."""
        *_, rows, columns = features.shape
        refined = torch.zeros(1, 4, rows, columns)
        for row in range(rows):
            for column in range(columns):
                dx, dy, half_w, half_h = coarse[0, :, row, column]
                left, top = column + dx - half_w, row + dy - half_h
                for tap in range(9):
                    first, second = fractions[0, 2 * tap : 2 * tap + 2, row, column]
                    at_x, at_y = left + 2 * half_w * first, top + 2 * half_h * second
                    # An offset from the cell and the tap, which the convolution adds again; but to
                    # the other axis: x, measured from the column, is taken from the row.
                    down = row + (at_x - column)
                    right = column + (at_y - row)
                    value = bilinear(features[0], down, right)
                    weight = self.xywh_refine.weight[:, :, tap // 3, tap % 3]
                    refined[0, :, row, column] += weight @ value
        return refined

    def boxes(self, feature, count):
        """The ``count`` best peaks decoded on a stride-4 map: x1, y1, x2, y2, score, label."""
        heat, offsets, _, refined = self(feature)
        ratio = heat.shape[2] // feature.shape[2]
        peaks = heat * (heat == nn.functional.max_pool2d(heat, 3, stride=1, padding=1))
        scores, places = peaks.flatten().topk(count)
        found = []
        for score, place in zip(scores.tolist(), places, strict=True):
            _, label, row, column = (each.item() for each in torch.unravel_index(place, heat.shape))
            cell = column // ratio, row // ratio
            dx, dy, half_w, half_h = refined[0, :, cell[1], cell[0]].tolist()
            x, y = cell[0] + dx, cell[1] + dy
            if offsets is not None:
                fraction = offsets[0, :, row, column].tolist()
                x, y = (column + fraction[0]) / ratio, (row + fraction[1]) / ratio
            box = x - half_w, y - half_h, x + half_w, y + half_h
            found.append([*(4 * side for side in box), score, label])
        return torch.tensor(found)


def bilinear(features, row, column):
    """Features between cells; outside of the map they are 0."""
    _, rows, columns = features.shape
    top, left = int(row.floor()), int(column.floor())
    value = torch.zeros(features.shape[0])
    for y in (top, top + 1):
        for x in (left, left + 1):
            if 0 <= y < rows and 0 <= x < columns:
                share = (1 - (row - y).abs()) * (1 - (column - x).abs())
                value = value + share * features[:, y, x]
    return value


class PublicDetector(nn.Module):
    """Backbone and neck are mmdet's in both, at the quickstart's size; the head is the reference's.

    ``classes``, ``stages`` and ``plain``: see ``PublicHead``.
    """

    def __init__(self, classes, stages, plain):
        super().__init__()
        from mmdet.registry import MODELS

        from hrhsco_cli.runs import recipe

        config = recipe.load(recipe.find("quickstart_baseline")).model
        self.backbone, self.neck = MODELS.build(config.backbone), MODELS.build(config.neck)
        self.bbox_head = PublicHead(32, 32, classes, stages, plain)


def spread(module):
    """Weights, and BatchNorm's statistics, large enough that every one of them matters."""
    for name, each in module.state_dict().items():
        if each.is_floating_point():
            each.normal_(std=0.2)
            if name.endswith("running_var"):
                each.abs_().add_(0.5)


def public_detector(classes=3, stages=None, plain=False):
    """A public detector with weights that differ; ``stages`` None is YOLC."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = PublicDetector(classes, stages, plain)
        spread(made.bbox_head)
        with torch.no_grad():
            made.bbox_head.local_head[-1].weight *= 0.1  # scores apart from each other and from 1
    return made.eval()


def publish(path):
    """YOLC's checkpoint as mmdet 2.x writes it."""
    meta = {"epoch": 48, "CLASSES": ("disk", "square", "star"), "mmdet_version": "2.26.0"}
    optimizer = {"state": {}, "param_groups": []}
    state = public_detector().state_dict()
    torch.save({"meta": meta, "state_dict": state, "optimizer": optimizer}, path)
