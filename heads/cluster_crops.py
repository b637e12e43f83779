"""The second pass: any detector of this project, looked through again where objects crowd."""

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, OptSampleList, SampleList
from mmdet.structures.bbox import get_box_tensor
from mmdet.utils import ConfigType, InstanceList
from mmengine.structures import InstanceData
from torch import Tensor

from heads.borders import map_to_image, pad_side
from heads.clusters import CropOptions, find_clusters
from heads.fusion import Crop, fuse
from heads.peaks import blur


@MODELS.register_module()
class ClusterCropDetector(BaseDetector):
    """A detector that crops its input where its heatmap is dense, scales it up and detects again.

    Source: YOLC (arXiv 2404.06180), local scale module; METHOD.md section 6. Training and plain
    forward passes are the detector's own; ``predict`` alone differs.

    Crops are cut from the network's input, so what a test pipeline's resizing took away is gone
    for the second pass too: to see more in crops, test images at their own size.

    Args:
        detector: a single-stage detector with a ``YOLCHead``, built or its config.
        options: of ``CropOptions``, ``k`` at least 1.

    Raises:
        ValueError: an option has an impossible value, or the detector has no ``YOLCHead``.
    """

    def __init__(self, detector: ConfigType | BaseDetector, **options: Any) -> None:
        inner = detector if isinstance(detector, BaseDetector) else MODELS.build(detector)
        super().__init__(data_preprocessor=inner.data_preprocessor)
        self.detector = inner
        self.options = CropOptions(**options)
        if self.options.k < 1:
            raise ValueError("cluster crops with k=0 are no second pass; take the detector itself")
        head = getattr(inner, "bbox_head", None)
        if not hasattr(head, "predict_with_heatmap"):
            raise ValueError(
                f"cluster crops read the heatmap of a YOLCHead, and this detector has a "
                f"{type(head).__name__}; set cluster_crops.k=0"
            )

    @property
    def bbox_head(self) -> Any:
        """The detector's head."""
        return self.detector.bbox_head

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """The detector's features."""
        features: tuple[Tensor, ...] = self.detector.extract_feat(batch_inputs)
        return features

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> Any:
        """The detector's losses."""
        return self.detector.loss(batch_inputs, batch_data_samples)

    def _forward(self, batch_inputs: Tensor, batch_data_samples: OptSampleList = None) -> Any:
        return self.detector._forward(batch_inputs, batch_data_samples)

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: SampleList, rescale: bool = True
    ) -> SampleList:
        """Detect, detect again in crops, and merge.

        Args:
            batch_inputs: ``(B, 3, H, W)``, preprocessed.
            batch_data_samples: with ``img_shape`` (height, width without the padding of the batch)
                and, to ``rescale``, ``scale_factor``; where the image was padded on all sides,
                ``border``, and ``center_pad``, by which its crops are padded alike (``borders``).
            rescale: give boxes in the original image instead of the network's input.

        Returns:
            The samples with ``pred_instances``, and in their meta information ``crop_windows``
            (x1, y1, x2, y2 of each crop in px of the network's input) and ``crop_pixels`` (input
            pixels of the crops, padding included, over those of the first pass).
        """
        first, windows = self._first_pass(batch_inputs, batch_data_samples)
        results = []
        for image, sample in enumerate(batch_data_samples):
            crops, found, pixels = [], [], 0
            for window in windows[image].tolist():
                crop, padded = self._cut(batch_inputs[image], window, sample.get("center_pad"))
                (seen,), _ = self._detect(padded, [_make_sample(crop, padded, sample)])
                crops.append(crop)
                found.append(seen)
                pixels += padded[0, 0].numel()
            merged = fuse(
                first[image],
                crops,
                found,
                nms_iou=self.options.nms_iou,
                max_per_img=self.options.max_per_img,
            )
            if rescale:
                merged.bboxes = map_to_image(merged.bboxes, sample.metainfo)
            results.append(merged)
            sample.set_metainfo(
                {
                    "crop_windows": [crop.window for crop in crops],
                    "crop_pixels": pixels / batch_inputs[image, 0].numel(),
                }
            )
        samples: SampleList = self.add_pred_to_datasample(batch_data_samples, results)
        return samples

    def find_windows(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> list[Tensor]:
        """Find the windows of each image that a second pass would look at (``find_clusters``).

        Args:
            batch_inputs: ``(B, 3, H, W)``, preprocessed.
            batch_data_samples: as in ``predict``.

        Returns:
            ``(N, 4)`` x1, y1, x2, y2 in px of the network's input for each image.
        """
        return self._first_pass(batch_inputs, batch_data_samples)[1]

    def _first_pass(
        self, batch_inputs: Tensor, batch_data_samples: SampleList
    ) -> tuple[InstanceList, list[Tensor]]:
        found, logits = self._detect(batch_inputs, batch_data_samples)
        stride = self.bbox_head.heatmap_stride
        windows = []
        for sample, each in zip(batch_data_samples, logits, strict=True):
            height, width = sample.img_shape[:2]
            clusters = find_clusters(
                self._compute_scores(each), stride, (width, height), self.options
            )
            windows.append(_clip_windows(clusters, sample.get("border")))
        return found, windows

    def _detect(
        self, batch_inputs: Tensor, batch_data_samples: SampleList
    ) -> tuple[InstanceList, Tensor]:
        """Detect in pixels of the input, and keep the heatmap logits ``(B, K, H, W)``."""
        features = self.extract_feat(batch_inputs)
        found, logits = self.bbox_head.predict_with_heatmap(features, batch_data_samples)
        return found, logits

    def _compute_scores(self, logits: Tensor) -> Tensor:
        """Compute the scores that peaks are searched in; clusters need only the highest."""
        if self.bbox_head.test_cfg.pre_peak_blur:
            return blur(logits.float().sigmoid())
        return logits.amax(dim=0, keepdim=True).float().sigmoid()

    def _cut(
        self, image: Tensor, window: list[int], center_pad: dict[str, int] | None
    ) -> tuple[Crop, Tensor]:
        """Cut a window from ``image`` ``(3, H, W)``, scale and pad it: ``(1, 3, H', W')``."""
        x1, y1, x2, y2 = window
        width, height = (max(1, round(side * self.options.scale)) for side in (x2 - x1, y2 - y1))
        scaled = F.interpolate(
            image[None, :, y1:y2, x1:x2],
            size=(height, width),
            mode="bilinear",
            align_corners=False,  # pixels cover [i, i + 1): corners stay corners
            antialias=self.options.scale < 1,
        )
        if center_pad is not None:
            return self._pad_like_image(Crop((x1, y1, x2, y2), (width, height)), scaled, center_pad)
        divisor = getattr(self.data_preprocessor, "pad_size_divisor", 1)
        value = float(getattr(self.data_preprocessor, "pad_value", 0))
        padded = F.pad(scaled, (0, -width % divisor, 0, -height % divisor), value=value)
        return Crop((x1, y1, x2, y2), (width, height)), padded

    def _pad_like_image(
        self, crop: Crop, scaled: Tensor, center_pad: dict[str, int]
    ) -> tuple[Crop, Tensor]:
        """Put a scaled window into the middle of raw black, as ``center_pad`` pads images."""
        width, left = pad_side(crop.size[0], **center_pad)
        height, top = pad_side(crop.size[1], **center_pad)
        mean, std = (getattr(self.data_preprocessor, each, None) for each in ("mean", "std"))
        black = scaled.new_zeros(3, 1, 1) if mean is None else -mean / std
        padded = black.to(scaled).expand(1, 3, height, width).clone()
        padded[:, :, top : top + crop.size[1], left : left + crop.size[0]] = scaled
        return replace(crop, start=(left, top)), padded


def _clip_windows(windows: Tensor, border: Any) -> Tensor:
    """Clip windows ``(N, 4)`` to the image without its padding; drop those of padding alone."""
    if border is None:
        return windows
    top, bottom, left, right = (int(each) for each in border)
    limits = windows.new_tensor([[left, top, left, top], [right, bottom, right, bottom]])
    clipped = windows.clamp(limits[0], limits[1])
    return clipped[(clipped[:, 2:] > clipped[:, :2]).all(dim=1)]


def _make_sample(crop: Crop, padded: Tensor, sample: DetDataSample) -> DetDataSample:
    """Make a crop's sample for the head, with the truth where branch oracles brought it."""
    shape = (padded.shape[2], padded.shape[3])
    made = DetDataSample(
        metainfo={
            "img_shape": (crop.size[1], crop.size[0]),
            "batch_input_shape": shape,
            "pad_shape": shape,
            "scale_factor": (1.0, 1.0),
        }
    )
    truth = sample.get("gt_instances", InstanceData())
    if "bboxes" in truth:  # a pipeline that loads no annotations packs an empty one
        made.gt_instances = InstanceData(
            bboxes=crop.map_to_crop(get_box_tensor(truth.bboxes).to(padded.device, torch.float32)),
            labels=truth.labels,
        )
    return made
