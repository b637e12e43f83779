"""The way back from an image that was padded on all sides."""

import heads.registered  # noqa: F401, I001 - mmdet imports over the bridge alone
import pytest
import torch
from mmdet.registry import MODELS

from heads.borders import pad_side, find_image_start, map_to_image


@pytest.mark.parametrize("side", range(1, 70))
def test_the_middle_pixel_stays_the_middle_one(side):
    for least in (0, 1):
        padded, start = pad_side(side, 32, least)
        assert padded % 32 == 0 and side + least <= padded < side + least + 32
        assert start + side // 2 == padded // 2
        assert 0 <= start <= padded - side


def test_points_and_boxes_return_to_the_original_image():
    meta = {"border": (6, 27, 16, 48), "scale_factor": (2.0, 0.5)}
    assert find_image_start(meta) == (16.0, 6.0)
    assert find_image_start({}) == (0.0, 0.0)
    points = torch.tensor([[18.0, 7.0]])
    assert map_to_image(points, meta).tolist() == [[1.0, 2.0]]
    assert map_to_image(points.repeat(1, 2), meta).tolist() == [[1.0, 2.0, 1.0, 2.0]]


def test_decoding_takes_the_padding_away_before_the_scale():
    torch.manual_seed(0)
    head = MODELS.build(
        {"type": "YOLCHead", "in_channels": 8, "feat_channels": 8, "num_classes": 2}
    ).eval()
    with torch.no_grad():
        outputs = head((torch.randn(1, 8, 8, 12),))
    scale, border = (0.5, 0.25), (5, 30, 7, 40)
    (inside,) = head.predict_by_feat(*outputs, [{"scale_factor": (1.0, 1.0)}])
    (found,) = head.predict_by_feat(
        *outputs, [{"scale_factor": scale, "border": border}], rescale=True
    )
    moved = torch.tensor([7.0, 5.0])
    for name in ("bboxes", "peak_cells", "offset_origins"):
        pairs = inside[name].unflatten(1, (-1, 2))
        wanted = (pairs - moved) / torch.tensor(scale)
        torch.testing.assert_close(found[name], wanted.flatten(1))
    (kept,) = head.predict_by_feat(*outputs, [{"scale_factor": scale, "border": border}])
    torch.testing.assert_close(kept.bboxes, inside.bboxes)
