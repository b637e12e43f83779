"""The head against numbers that the public code of YOLC and HRH-SCO computed itself.

``public_values/SOURCE.md`` says where they come from and what is in the files.
"""

import copy
from pathlib import Path

import heads.registered  # noqa: F401  # isort: skip - mmdet imports over the bridge alone
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.structures import InstanceData
from scipy.spatial.distance import cdist

from heads.box_branch import read_boxes
from heads.targets import encode
from hrhsco_cli.runs.weights.layouts import PUBLIC, rename_tensors

FOLDER = Path(__file__).parent / "public_values"
OPTIONS = {
    "yolc": {"sample_order": "xy"},
    "hrh_sco_n1": {
        "use_hrh_sco": True,
        "heatmap_upsample_num": 1,
        "deformable_refine": False,
        "sparse_offsets": False,
    },
    "hrh_sco_n2": {
        "use_hrh_sco": True,
        "heatmap_upsample_num": 2,
        "deformable_refine": False,
        "sparse_offsets": False,
    },
}
UNREAD = "bbox_head.bbox_offset."
"""The public HRH-SCO head has these, and does nothing with them."""


class PublicValues:
    """One file, and our head with its weights."""

    def __init__(self, name):
        self.name = name
        with np.load(FOLDER / f"{name}.npz") as values:
            self.values = {key: torch.from_numpy(values[key]) for key in values.files}
        options = OPTIONS[name]
        self.head = MODELS.build(
            {
                "type": "YOLCHead",
                "in_channels": 24,
                "feat_channels": 12,
                "num_classes": 3,
                **options,
            }
        )
        state = self.under("state/")
        if not options.get("deformable_refine", True):
            state = {key: each for key, each in state.items() if not key.startswith(UNREAD)}
        ours = rename_tensors(state, PUBLIC)
        self.head.load_state_dict({n.removeprefix("bbox_head."): v for n, v in ours.items()})
        self.our_name = dict(zip(state, ours, strict=True))
        self.boxes = [self.values[f"boxes/{image}"] for image in (0, 1)]
        self.labels = [self.values[f"labels/{image}"] for image in (0, 1)]

    def under(self, prefix):
        return {k.removeprefix(prefix): v for k, v in self.values.items() if k.startswith(prefix)}

    def dense(self, targets, shape):
        """Targets at cells as a map ``(B, H, W, C)`` and where there is one."""
        found, there = torch.zeros(shape), torch.zeros(shape[:3])
        found[targets.batch, targets.y, targets.x] = targets.value.float()
        there[targets.batch, targets.y, targets.x] = 1
        return found, there


@pytest.fixture(scope="module", params=OPTIONS)
def public(request):
    return PublicValues(request.param)


def assert_near(found, expected, atol):
    torch.testing.assert_close(found.float(), expected.float(), rtol=0, atol=atol)


def test_maps_equal_the_public_ones(public):
    with torch.no_grad():
        heatmap, offset, coarse, refined = (
            each[0] for each in public.head.eval()((public.values["feature"],))
        )
    assert_near(heatmap.sigmoid(), public.values["maps/heatmap"], 1e-5)
    assert_near(coarse, public.values["maps/coarse"], 1e-5)
    expected = public.values["maps/refined"]
    batch, _, height, width = expected.shape
    cells = torch.cartesian_prod(*map(torch.arange, (batch, height, width)))
    assert_near(read_boxes(refined, cells), expected.permute(0, 2, 3, 1).flatten(0, 2), 1e-5)
    assert (offset is None) == ("maps/offset" not in public.values)
    if offset is not None:
        assert_near(offset, public.values["maps/offset"], 1e-5)


def test_targets_equal_the_public_ones(public):
    found = encode(public.boxes, public.labels, 3, (16, 24), public.head.upsample_ratio)
    wanted = public.under("targets/")
    assert_near(found.heatmap, wanted["center_heatmap_target"], 1e-6)
    assert found.num_positives.item() == public.values["avg_factor"].item()
    boxes, there = public.dense(found.xywh, wanted["xywh_target"].shape)
    assert_near(boxes, wanted["xywh_target"], 1e-6)
    assert_near(there, wanted["xywh_target_weight"], 0)
    assert_near(
        there[..., None] * torch.tensor([1, 1, 0.2, 0.2]), wanted["xywh_l1target_weight"], 0
    )
    if public.head.use_hrh_sco:
        batch, _, rows, columns = wanted["center_offset_target"].shape
        offset, there = public.dense(found.offset, (batch, rows, columns, 2))
        assert_near(offset.permute(0, 3, 1, 2), wanted["center_offset_target"], 1e-5)
        assert_near(there[:, None].expand(-1, 2, -1, -1), wanted["center_offset_target_weight"], 0)


def compute_losses(public):
    feature = public.values["feature"].clone().requires_grad_()
    head = copy.deepcopy(public.head).train()  # BatchNorm's running statistics move
    outputs = head((feature,))
    truths = [
        InstanceData(bboxes=boxes, labels=labels)
        for boxes, labels in zip(public.boxes, public.labels, strict=True)
    ]
    return head, feature, head.loss_by_feat(*outputs, truths, [{}] * 2)


def test_losses_equal_the_public_ones(public):
    *_, found = compute_losses(public)
    wanted = public.under("losses/")
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].item() == pytest.approx(value.item(), rel=1e-5), name


def test_gradients_of_each_loss_equal_the_public_ones(public):
    """By every parameter and by the feature; a gradient that the public code lacks is none here."""
    head, feature, found = compute_losses(public)
    parameters = {f"bbox_head.{n}": each for n, each in head.named_parameters()}
    wanted = public.under("grad_norm/")
    compared = 0
    for loss, value in found.items():
        gradients = torch.autograd.grad(
            value, [feature, *parameters.values()], allow_unused=True, retain_graph=True
        )
        by_name = dict(zip(["feature", *parameters], gradients, strict=True))
        public_names = {ours: theirs for theirs, ours in public.our_name.items()}
        for name, gradient in by_name.items():
            key = f"{loss}/{public_names.get(name, name)}"
            norm = 0.0 if gradient is None else gradient.double().norm().item()
            expected = wanted.pop(key).item() if key in wanted else 0.0
            assert norm == pytest.approx(expected, rel=2e-4, abs=1e-6), key
            compared += expected > 0
    assert not wanted
    assert compared >= 25


@pytest.mark.parametrize("blurred", [False, True])
def test_decoded_boxes_equal_the_public_ones(public, blurred):
    """Every row of the public code is met, and there are no others.

    Where the list is cut off at 1,000, rows whose score equals the last to rounding may be others.
    """
    source = "sco" if public.head.use_hrh_sco else "regression"
    cfg = {"center_source": source, "peak_window": "cells", "pre_peak_blur": blurred}
    with torch.no_grad():
        outputs = public.head.eval()((public.values["feature"],))
        found = public.head.predict_by_feat(*outputs, [{}] * 2, cfg=cfg)
    for image, each in enumerate(found):
        wanted = public.values[f"decoded_{'blurred' if blurred else 'plain'}/{image}"]
        ours = torch.cat(
            [each.bboxes, 1e3 * each.scores[:, None], 1e3 * each.labels[:, None]], dim=1
        )
        theirs = wanted * torch.tensor([1, 1, 1, 1, 1e3, 1e3])
        distances = cdist(ours.numpy(), theirs.numpy(), "chebyshev")
        for score, distance in ((theirs[:, 4], distances.min(0)), (ours[:, 4], distances.min(1))):
            certain = score > theirs[:, 4].min() + 1e-2 if len(theirs) == 1000 else score > 0
            assert distance[certain.numpy()].max() < 1e-2
        assert len(ours) == len(theirs)
