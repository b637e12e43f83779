"""The network that is exported: raw pixels in, detections of fixed number out."""

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.ops import DeformConv2d
from torch import Tensor, nn

from heads.box_branch import BoxBranch
from heads.centers import find_center_source
from heads.decoding import decode, find_feature_cells
from heads.heatmap_branch import HRHHeatmapBranch
from heads.operators import deform_conv2d
from heads.peak_windows import gather_logit_windows
from heads.peaks import kernel_in_cells
from heads.targets import FEATURE_STRIDE
from heads.yolc_head import YOLCHead
from hrhsco_cli.export.offsets import compute_offsets, count_patch_macs
from hrhsco_cli.export.peaks import FixedPeaks, exact_sigmoid, find_peaks
from hrhsco_cli.export.suppression import order_kept_first, read_nms, suppress
from hrhsco_cli.export.windows import gather_batch_cells
from reports.errors import InputError

OUTPUTS = {
    "boxes": "(B, N, 4) x1, y1, x2, y2 in pixels of the input, not clipped to it",
    "scores": "(B, N) float32, highest first; 0 from count on",
    "labels": "(B, N) index into classes; -1 from count on",
    "count": "(B,) detections of each image",
}
"""The outputs of the network by name."""


_PATCH_MAC_TIME = 1.3
"""Time of a multiply-add in patches, a whole map's being 1 (onnxruntime, CPU, n = 1 to 3)."""


class ExportableDetector(nn.Module):
    """Preprocessing, network and decoding of a detector with a ``YOLCHead``, for ``torch.export``.

    Args:
        model: the detector in evaluation mode, on the CPU; its parameters are shared.
        sparse_offsets: compute offsets at peaks (``compute_offsets``) rather than on the whole map.

    Raises:
        InputError: its decoding needs what a graph doesn't have: true boxes, or another NMS.
    """

    def __init__(self, model: Any, sparse_offsets: bool) -> None:
        super().__init__()
        head: YOLCHead = model.bbox_head
        self.options = head.test_cfg
        if self.options.oracle:
            raise InputError("test_cfg.oracle needs true boxes, which a graph lacks; set it to []")
        self.nms = read_nms(self.options.nms)
        self.source = find_center_source(self.options.center_source)
        self.sparse_offsets = sparse_offsets
        self.upsample_ratio = head.upsample_ratio
        self.kernel = kernel_in_cells(
            self.options.local_maximum_kernel, head.heatmap_stride, self.options.peak_window
        )
        self.pixels = _Pixels(model.data_preprocessor)
        self.features = _Features(model)
        self.heatmap_branch = _make_plain_heatmap(head.heatmap_branch)
        self.box_branch = _make_plain_boxes(head.box_branch)
        self.gaussian_radius_px = head.gaussian_radius_px
        self.offset_branch = head.offset_branch if self.source.needs_offset else None

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Detect on raw images ``(B, 3, H, W)``, 0 to 255; the outputs are ``OUTPUTS``."""
        feature = self.features(self.pixels(image))
        logits = self.heatmap_branch(feature)
        peaks = find_peaks(
            logits,
            self.kernel,
            self.options.topk,
            self.options.score_thr,
            blurred=self.options.pre_peak_blur,
        )
        boxes, score, label, found = self._suppress(self._decode(feature, logits, peaks), peaks)
        return (
            torch.where(found[:, :, None], boxes, 0.0),
            torch.where(found, score, 0.0),
            torch.where(found, label, -1),
            found.long().sum(dim=1),
        )

    def _decode(self, feature: Tensor, logits: Tensor, peaks: FixedPeaks) -> Tensor:
        """Decode boxes ``(B, N, 4)``, as ``YOLCHead`` does."""
        _, refined = self.box_branch(feature)
        decoded = decode(
            peaks.cell.flatten(0, 1),
            gather_batch_cells(refined, find_feature_cells(peaks.cell, self.upsample_ratio)),
            self.upsample_ratio,
            self.source.name,
            offset=self._read_offsets(feature, peaks.cell),
            window=self._gather_windows(logits, peaks),
            gaussian_radius_px=self.gaussian_radius_px,
        )
        return decoded.boxes.view(*peaks.score.shape, 4)

    def _read_offsets(self, feature: Tensor, cell: Tensor) -> Tensor | None:
        if self.offset_branch is None:
            return None
        if self.sparse_offsets:
            return compute_offsets(self.offset_branch, feature, cell)
        return gather_batch_cells(self.offset_branch(feature), cell)

    def _gather_windows(self, logits: Tensor, peaks: FixedPeaks) -> Tensor | None:
        if self.source.window_reach is None:
            return None
        planes = logits.float().flatten(0, 1)
        first = torch.arange(logits.shape[0])[:, None] * logits.shape[1]
        reach = self.source.window_reach(self.kernel // 2)
        plane, cell = (first + peaks.label).flatten(), peaks.cell.flatten(0, 1)
        return exact_sigmoid(gather_logit_windows(planes, plane, cell, reach))

    def _suppress(self, boxes: Tensor, peaks: FixedPeaks) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Put what NMS keeps first, and tell which are detections at all."""
        score, label, found = peaks.score, peaks.label, peaks.found
        if self.nms is None:
            return boxes, score, label, found
        found = suppress(boxes, score, label, found, self.nms)
        order = order_kept_first(found)
        boxes = boxes.gather(1, order[:, :, None].expand(-1, -1, 4))
        return boxes, score.gather(1, order), label.gather(1, order), found.gather(1, order)


def is_sparse_faster(model: Any, size: tuple[int, int]) -> bool:
    """Tell whether offsets at ``topk`` peaks take less time than on the whole map.

    Args:
        model: the detector.
        size: (W, H) of the image in px.
    """
    head: YOLCHead = model.bbox_head
    if head.offset_branch is None:
        return False
    width, height = (math.ceil(side / FEATURE_STRIDE) for side in size)
    at_peaks: int = head.test_cfg.topk * count_patch_macs(head.offset_branch)
    return at_peaks * _PATCH_MAC_TIME < head.offset_branch.count_dense_macs(width * height)


class _Pixels(nn.Module):
    """mmdet's ``DetDataPreprocessor``: channel order, normalization, padding."""

    def __init__(self, preprocessor: Any) -> None:
        super().__init__()
        self.preprocessor = preprocessor

    def forward(self, image: Tensor) -> Tensor:
        does = self.preprocessor
        if does._channel_conversion:
            image = image.flip(1)
        image = image.float()
        if does._enable_normalize:
            image = (image - does.mean) / does.std
        step = does.pad_size_divisor
        # Torch exports a division of sizes as one that rounds to zero: none of negative numbers.
        down, across = ((side + step - 1) // step * step - side for side in image.shape[2:])
        return F.pad(image, (0, across, 0, down), value=does.pad_value)


class _Features(nn.Module):
    """Backbone and neck, to the one feature map."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.neck = model.neck if model.with_neck else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        feature: Tensor
        (feature,) = self.neck(self.backbone(image))
        return feature


def _make_plain_heatmap(branch: nn.Module) -> nn.Module:
    """Run the layers in turn: bands of rows and memory layouts mean nothing in a graph."""
    return nn.Sequential(*branch) if isinstance(branch, HRHHeatmapBranch) else branch


def _make_plain_boxes(branch: BoxBranch) -> BoxBranch:
    """The box branch with its deformable convolution, if it is one, in operators that ONNX has."""
    if not isinstance(branch.refine, DeformConv2d):
        return branch
    plain = copy.copy(branch)
    plain.sparse = False
    plain._modules = {**branch._modules, "refine": _PlainDeformConv2d(branch.refine)}
    return plain


class _PlainDeformConv2d(nn.Module):
    """mmcv's layer on ``heads.operators``, which becomes ``GridSample`` in the graph.

    onnxruntime has had that for long, and ONNX's own ``DeformConv`` on the CPU only recently.
    """

    def __init__(self, layer: DeformConv2d) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        layer = self.layer
        return deform_conv2d(
            x,
            offset,
            layer.weight,
            stride=layer.stride,
            padding=layer.padding,
            dilation=layer.dilation,
        )
