"""The dense head: YOLC's x4 baseline and HRH-SCO at any depth, one class, told apart by config."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from mmcv.ops import batched_nms
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from mmdet.utils import ConfigType, InstanceList, OptConfigType, OptInstanceList
from mmengine.config import ConfigDict
from mmengine.dist import all_reduce, get_world_size
from mmengine.structures import InstanceData
from torch import Tensor, nn

from heads import branch_oracle
from heads.borders import map_to_image
from heads.box_branch import BoxBranch, BoxReader, read_boxes
from heads.centers import find_center_source
from heads.decoding import decode, find_feature_cells
from heads.decoding_options import complete_options
from heads.heatmap_branch import BaselineHeatmapBranch, HRHHeatmapBranch
from heads.layers import (
    BASELINE_UPSAMPLE_STAGES,
    FOCAL_PRIOR_BIAS,
    INITS,
    init_branch,
)
from heads.offset_branch import OffsetBranch, OffsetReader, read_offsets
from heads.peak_windows import gather_score_windows
from heads.peaks import Peaks, find_peaks, kernel_in_cells
from heads.targets import FEATURE_STRIDE, Targets, encode

Offsets = OffsetReader | Tensor | None
Boxes = BoxReader | Tensor

_L1_WEIGHTS = (1.0, 1.0, 0.2, 0.2)
"""Weights of x, y, w/2 and h/2 in the boxes' L1 loss."""


@MODELS.register_module()
class YOLCHead(BaseDenseHead):
    """Center heatmap, subpixel center offset and box regression on one stride-4 feature map.

    Source: YOLC (arXiv 2404.06180) and its extension HRH-SCO; METHOD.md sections 2 to 5.

    Args:
        in_channels: C of the feature map.
        feat_channels: F, width of the box branch.
        num_classes: K, the number of classes.
        use_hrh_sco: False is YOLC's fixed x4 heatmap; True upsamples by n stages of x2 and adds
            the offset branch.
        heatmap_upsample_num: n; read only with ``use_hrh_sco``.
        use_offset_branch: False leaves the offset branch out of the extension (HRH alone).
        sparse_offsets: run the offset branch at peaks and object cells only; False is the plain
            form, the whole map. Same parameters, same values.
        heatmap_target: ``integer`` or ``subpixel``, where a Gaussian sits (``targets.encode``).
        gaussian_radius_px: the same Gaussians in pixels at every depth (``targets.encode``).
        init: how the heatmap's and the offset's layers start, one of ``INITS`` (``init_branch``).
        focal_prior_bias: start of the heatmap's last bias; 0 is the original's.
        sample_order: ``yx``, or ``xy`` as the public YOLC code samples boxes.
        deformable_refine: False refines boxes by a plain convolution, as the public HRH-SCO code.
        sparse_boxes: sample boxes at peaks and object cells only; False is the plain form, the
            whole map. Same parameters, same values. A plain convolution always runs as a whole.
        loss_center_heatmap: on the sigmoid heatmap, in float32.
        loss_center_offset: on the offset at object cells.
        loss_xywh: on coarse and refined boxes each.
        loss_xywh_l1: on coarse and refined boxes each, weighted over (x, y, w/2, h/2).
        train_cfg: not used; mmdet's detectors pass it.
        test_cfg: overrides of ``DECODING_DEFAULTS``: ``center_source``, ``topk``,
            ``local_maximum_kernel``, ``peak_window``, ``pre_peak_blur``, ``score_thr``, ``nms``
            (mmcv's NMS config, such as ``dict(type="nms", iou_threshold=0.6)``), ``oracle``
            (branches that ``predict`` replaces by the truth, of ``branch_oracle``).
        init_cfg: mmengine's; None starts the layers as ``init`` says.

    Raises:
        ValueError: options don't go together, or one has an unknown value.
    """

    def __init__(
        self,
        in_channels: int,
        feat_channels: int,
        num_classes: int,
        use_hrh_sco: bool = False,
        heatmap_upsample_num: int = 2,
        use_offset_branch: bool = True,
        sparse_offsets: bool = True,
        heatmap_target: str = "integer",
        gaussian_radius_px: bool = False,
        init: str = "yolc",
        focal_prior_bias: float = FOCAL_PRIOR_BIAS,
        sample_order: str = "yx",
        deformable_refine: bool = True,
        sparse_boxes: bool = True,
        loss_center_heatmap: ConfigType = dict(type="GaussianFocalLoss", alpha=2.0, gamma=4.0),  # noqa: B006
        loss_center_offset: ConfigType = dict(type="L1Loss", loss_weight=1.0),  # noqa: B006
        loss_xywh: ConfigType = dict(type="GWDLoss", loss_weight=2.0),  # noqa: B006
        loss_xywh_l1: ConfigType = dict(type="L1Loss", loss_weight=0.5),  # noqa: B006
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        init_cfg: OptConfigType = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if init not in INITS:
            raise ValueError(f"init is {init!r}; choose one of {', '.join(INITS)}")
        if heatmap_upsample_num < 0:
            raise ValueError(f"heatmap_upsample_num is {heatmap_upsample_num}; choose 0 or more")
        self.num_classes = num_classes
        self.use_hrh_sco = use_hrh_sco
        self.stages = heatmap_upsample_num if use_hrh_sco else BASELINE_UPSAMPLE_STAGES
        self.heatmap_target = heatmap_target
        self.gaussian_radius_px = gaussian_radius_px
        self.init = init
        self.focal_prior_bias = focal_prior_bias
        self.sparse_offsets = sparse_offsets
        self.test_cfg = complete_options(test_cfg)

        self.heatmap_branch = (
            HRHHeatmapBranch(in_channels, num_classes, self.stages)
            if use_hrh_sco
            else BaselineHeatmapBranch(in_channels, num_classes)
        )
        self.offset_branch: OffsetBranch | None = None
        if use_hrh_sco and use_offset_branch:
            self.offset_branch = OffsetBranch(in_channels, self.stages)
        self.box_branch = BoxBranch(
            in_channels, feat_channels, sample_order, deformable_refine, sparse_boxes
        )
        source = find_center_source(self.test_cfg.center_source)
        if source.needs_offset and self.offset_branch is None:
            raise ValueError(
                f"center_source={source.name!r} reads the offset branch, which "
                "this head lacks; set use_hrh_sco=True and use_offset_branch=True"
            )

        self.loss_center_heatmap = MODELS.build(loss_center_heatmap)
        self.loss_center_offset = MODELS.build(loss_center_offset)
        self.loss_xywh = MODELS.build(loss_xywh)
        self.loss_xywh_l1 = MODELS.build(loss_xywh_l1)

    @property
    def upsample_ratio(self) -> int:
        """The ratio r, heatmap cells per stride-4 cell."""
        return 1 << self.stages

    @property
    def heatmap_stride(self) -> float:
        """The stride s of the heatmap, input pixels per heatmap cell."""
        return FEATURE_STRIDE / self.upsample_ratio

    def init_weights(self) -> None:
        """Start the upsampling branches as ``init`` says, boxes as YOLC, scores at the prior."""
        super().init_weights()
        init_branch(self.heatmap_branch, self.init)
        last_bias: Tensor = self.heatmap_branch[-1].bias  # type: ignore[assignment]
        nn.init.constant_(last_bias, self.focal_prior_bias)
        if self.offset_branch is not None:
            init_branch(self.offset_branch, self.init)
        self.box_branch.init_weights()

    def forward(
        self, feats: tuple[Tensor, ...]
    ) -> tuple[list[Tensor], list[Offsets], list[Tensor], list[Boxes]]:
        """Run the branches on the one feature map.

        Args:
            feats: one map ``(B, C, H, W)`` at stride 4.

        Returns:
            Lists of one element: heatmap logits ``(B, K, rH, rW)``; offsets in heatmap cells, an
            ``OffsetReader`` with ``sparse_offsets``, else ``(B, 2, rH, rW)``, None without the
            branch; coarse boxes ``(B, 4, H, W)``; refined ones, a ``BoxReader`` with
            ``sparse_boxes``, else ``(B, 4, H, W)``.
        """
        (feature,) = feats
        coarse, refined = self.box_branch(feature)
        return [self.heatmap_branch(feature)], [self._run_offsets(feature)], [coarse], [refined]

    def _run_offsets(self, feature: Tensor) -> Offsets:
        if self.offset_branch is None:
            return None
        if self.sparse_offsets:
            return OffsetReader(self.offset_branch, feature)
        dense: Tensor = self.offset_branch(feature)
        return dense

    def loss_by_feat(
        self,
        heatmap_logits: list[Tensor],
        offsets: list[Offsets],
        coarse: list[Tensor],
        refined: list[Boxes],
        batch_gt_instances: InstanceList,
        batch_img_metas: list[dict],
        batch_gt_instances_ignore: OptInstanceList = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of METHOD.md section 4 from what ``forward`` returned.

        Args:
            heatmap_logits: the list of heatmaps that ``forward`` returned.
            offsets: its list of offsets.
            coarse: its list of coarse boxes.
            refined: its list of refined boxes.
            batch_gt_instances: the true ``bboxes`` and ``labels`` of each image, in input pixels.
            batch_img_metas: not read.
            batch_gt_instances_ignore: not read.

        Returns:
            Scalars by name.
        """
        targets = encode(
            [get_box_tensor(each.bboxes).float() for each in batch_gt_instances],
            [each.labels for each in batch_gt_instances],
            self.num_classes,
            (coarse[0].shape[2], coarse[0].shape[3]),
            self.upsample_ratio,
            heatmap_target=self.heatmap_target,
            gaussian_radius_px=self.gaussian_radius_px,
        )
        avg_factor = _share_by_rank(targets.num_positives)
        losses = {
            # In half precision the focal loss's 1e-12 is 0 and a saturated score gives log(0).
            "loss_center_heatmap": self.loss_center_heatmap(
                heatmap_logits[0].float().sigmoid(), targets.heatmap, avg_factor=avg_factor
            )
        }
        if offsets[0] is not None:
            losses["loss_center_offset"] = self.loss_center_offset(
                read_offsets(offsets[0], targets.offset.cells).float(),
                targets.offset.value,
                avg_factor=avg_factor,
            )
        boxes = {"coarse": coarse[0], "refine": refined[0]}
        return losses | self._box_losses(boxes, targets, avg_factor)

    def _box_losses(
        self, predicted: dict[str, Boxes], targets: Targets, avg_factor: Tensor
    ) -> dict[str, Tensor]:
        wanted = targets.xywh
        cell = torch.stack([wanted.x, wanted.y], dim=1)
        losses = {}
        for name, boxes in predicted.items():
            relative = read_boxes(boxes, wanted.cells).float()
            absolute = torch.cat([relative[:, :2] + cell, relative[:, 2:]], dim=1)
            weight = absolute.new_tensor(_L1_WEIGHTS).expand_as(absolute)
            losses[f"loss_xywh_{name}"] = self.loss_xywh(
                absolute, wanted.value, avg_factor=avg_factor
            )
            losses[f"loss_xywh_{name}_l1"] = self.loss_xywh_l1(
                absolute, wanted.value, weight, avg_factor=avg_factor
            )
        return losses

    def predict(
        self, x: tuple[Tensor, ...], batch_data_samples: SampleList, rescale: bool = False
    ) -> InstanceList:
        """Detect on feature maps.

        Args:
            x: the one feature map, as in ``forward``.
            batch_data_samples: with the meta information that ``predict_by_feat`` reads; with
                ``test_cfg.oracle`` also with their ``gt_instances``, in input pixels.
            rescale: give boxes in the original image instead of the network's input.

        Returns:
            As ``predict_by_feat``.
        """
        return self.predict_with_heatmap(x, batch_data_samples, rescale)[0]

    def predict_with_heatmap(
        self, x: tuple[Tensor, ...], batch_data_samples: SampleList, rescale: bool = False
    ) -> tuple[InstanceList, Tensor]:
        """Detect as ``predict`` does, and keep the heatmap.

        Args:
            x: the one feature map, as in ``forward``.
            batch_data_samples: as in ``predict``.
            rescale: as in ``predict``.

        Returns:
            The detections, and the heatmap logits ``(B, K, rH, rW)`` that they were decoded from.
        """
        logits, offsets, coarse, refined = self(x)
        truths = None
        if self.test_cfg.oracle:
            truths = [each.gt_instances.to(x[0].device) for each in batch_data_samples]
            if "heatmap" in self.test_cfg.oracle:
                size = (x[0].shape[2], x[0].shape[3])
                true = branch_oracle.draw_true_logits(
                    truths,
                    self.num_classes,
                    size,
                    self.upsample_ratio,
                    heatmap_target=self.heatmap_target,
                    gaussian_radius_px=self.gaussian_radius_px,
                )
                logits = [true]
        found = self.predict_by_feat(
            logits,
            offsets,
            coarse,
            refined,
            batch_img_metas=[each.metainfo for each in batch_data_samples],
            rescale=rescale,
            batch_truths=truths,
        )
        return found, logits[0]

    def predict_by_feat(
        self,
        heatmap_logits: list[Tensor],
        offsets: list[Offsets],
        coarse: list[Tensor],
        refined: list[Boxes],
        batch_img_metas: list[dict],
        cfg: ConfigDict | None = None,
        rescale: bool = False,
        batch_truths: InstanceList | None = None,
    ) -> InstanceList:
        """Decode what ``forward`` returned.

        Args:
            heatmap_logits: the list of heatmaps that ``forward`` returned.
            offsets: its list of offsets.
            coarse: its list of coarse boxes; not read.
            refined: its list of refined boxes.
            batch_img_metas: one per image; ``scale_factor`` (w, h) undoes the resizing, ``border``,
                where there is one, the padding (``borders``).
            cfg: overrides of ``test_cfg``.
            rescale: give boxes in the original image instead of the network's input.
            batch_truths: for ``test_cfg.oracle``, the true boxes in the network's input.

        Returns:
            One ``InstanceData`` an image: ``bboxes`` ``(N, 4)`` x1, y1, x2, y2, whose middles are
            the decoded centers; ``scores``; ``labels``; ``peak_cells`` ``(N, 4)``, the heatmap
            cells of the peaks as boxes; ``offset_origins`` ``(N, 2)``, where the center source
            counts a center's fraction from; highest score first. Boxes are not clipped to the
            image, since clipping would move their centers.
        """
        options = self.test_cfg
        if cfg is not None:
            options = complete_options({**self.test_cfg, **cfg})
        results = []
        decoded = self._decode(heatmap_logits[0], offsets[0], refined[0], options)
        for index, (found, meta) in enumerate(zip(decoded, batch_img_metas, strict=True)):
            if batch_truths is not None:
                found.bboxes = branch_oracle.true_boxes(
                    found.bboxes, found.labels, batch_truths[index], options.oracle
                )
            found = _suppress(found, options.nms)
            if rescale:
                _map_all_to_image(found, meta)
            results.append(found)
        return results

    def _decode(
        self, logits: Tensor, offsets: Offsets, refined: Boxes, options: ConfigDict
    ) -> Iterator[InstanceData]:
        """Find each image's peaks and decode them, in the network's input pixels and before NMS."""
        kernel = kernel_in_cells(
            options.local_maximum_kernel, self.heatmap_stride, options.peak_window
        )
        peaks = [
            find_peaks(each, kernel, options.topk, options.score_thr, blurred=options.pre_peak_blur)
            for each in logits
        ]
        source = find_center_source(options.center_source)
        offset = self._read_offsets(offsets if source.needs_offset else None, peaks)
        box = self._read_boxes(refined, peaks)
        for index, found in enumerate(peaks):
            window = None
            if source.window_reach is not None:
                reach = source.window_reach(kernel // 2)
                window = gather_score_windows(logits[index], found.label, found.cell, reach)
            decoded = decode(
                found.cell,
                box[index],
                self.upsample_ratio,
                source.name,
                offset=offset[index],
                window=window,
                gaussian_radius_px=self.gaussian_radius_px,
            )
            yield InstanceData(
                bboxes=decoded.boxes,
                scores=found.score,
                labels=found.label,
                peak_cells=decoded.peak_cells,
                offset_origins=decoded.offset_origins,
            )

    @staticmethod
    def _read_offsets(offsets: Offsets, peaks: list[Peaks]) -> Sequence[Tensor | None]:
        """Read the offsets at each image's peaks, for the whole batch at once; None without any."""
        if offsets is None:
            return [None] * len(peaks)
        cells = _add_image_index([each.cell for each in peaks])
        read = read_offsets(offsets, cells).float()
        return torch.split(read, [len(each.cell) for each in peaks])

    def _read_boxes(self, refined: Boxes, peaks: list[Peaks]) -> Sequence[Tensor]:
        """Read the refined boxes at each image's peaks, for the whole batch at once."""
        cells = _add_image_index(
            [find_feature_cells(each.cell, self.upsample_ratio) for each in peaks]
        )
        return torch.split(read_boxes(refined, cells).float(), [len(each.cell) for each in peaks])


def _map_all_to_image(found: InstanceData, meta: dict) -> None:
    """Map all that is in pixels at once: a GPU starts as few steps for many columns as for two."""
    names = ("bboxes", "peak_cells", "offset_origins")
    widths = [found[name].shape[1] for name in names]
    mapped = map_to_image(torch.cat([found[name] for name in names], dim=1), meta)
    for name, part in zip(names, torch.split(mapped, widths, dim=1), strict=True):
        found[name] = part.contiguous()  # else saved with all its neighbors


def _add_image_index(cells: list[Tensor]) -> Tensor:
    """Make ``(P, 3)`` (image, row, column) of each image's cells ``(N, 2)`` (x, y)."""
    indexed = [F.pad(each.flip(1), (1, 0), value=image) for image, each in enumerate(cells)]
    return torch.cat(indexed) if len(indexed) > 1 else indexed[0]


def _suppress(found: InstanceData, nms: ConfigDict | None) -> InstanceData:
    if nms is None or len(found) == 0:
        return found
    _, keep = batched_nms(found.bboxes, found.scores, found.labels, nms)
    return found[keep]


def _share_by_rank(positives: Tensor) -> Tensor:
    """Share all ranks' positives, at least one, among them: a rank divides its losses by its share.

    Gradients are averaged over the ranks, so that several of them give the loss that one process
    with all their images would.
    """
    total = positives.clone()
    all_reduce(total)
    share: Tensor = total.clamp(min=1) / get_world_size()
    return share
