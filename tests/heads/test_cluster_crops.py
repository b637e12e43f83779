"""The second pass around a real detector: what it does is what its parts do by hand."""

import heads.registered  # noqa: F401, I001 - mmdet imports over the bridge alone
import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn

from heads.cluster_crops import ClusterCropDetector
from heads.clusters import CropOptions, find_clusters

CROWD = [(40.3 + 13 * column, 30.9 + 11 * row, 6, 5) for column in range(8) for row in range(7)]
LONE = [(290.2, 180.7, 7, 8)]
"""Centers and sizes; the crowd covers about 100 x 70 px of 320 x 224."""


@MODELS.register_module()
class OneConvolution(nn.Module):
    """The least backbone: stride 4, so that the head has its features and tests take no time."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 7, stride=4, padding=2)

    def forward(self, x):
        return (self.layer(x),)


@pytest.fixture(scope="module")
def detector():
    init_default_scope("mmdet")
    torch.manual_seed(0)
    model = MODELS.build(
        {
            "type": "SingleStageDetector",
            "data_preprocessor": {"type": "DetDataPreprocessor", "pad_size_divisor": 32},
            "backbone": {"type": "OneConvolution"},
            "bbox_head": {
                "type": "YOLCHead",
                "in_channels": 8,
                "feat_channels": 8,
                "num_classes": 2,
                "use_hrh_sco": True,
            },
            "test_cfg": {"center_source": "sco"},
        }
    )
    model.bbox_head.init_weights()
    return model.eval()


def wrap(detector, k=2, min_side=40, **options):
    return ClusterCropDetector(detector, k=k, min_side=min_side, **options).eval()


def make_sample(boxes=(), size=(320, 224), scale=(1.0, 1.0)):
    made = DetDataSample(metainfo={"img_shape": size[::-1], "scale_factor": scale})
    corners = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in boxes]
    made.gt_instances = InstanceData(
        bboxes=torch.tensor(corners).view(-1, 4), labels=torch.arange(len(boxes)) % 2
    )
    return made


@pytest.fixture
def true_detector(detector):
    """The detector with every branch true: it finds what there is, and where, in any image."""
    options = detector.bbox_head.test_cfg
    before = dict(options)
    options.update(oracle=("heatmap", "size", "center"), score_thr=0.9)
    yield detector
    options.update(before)


def detect(model, samples, images=None, **options):
    images = torch.zeros(len(samples), 3, 224, 320) if images is None else images
    with torch.no_grad():
        return model.predict(images, samples, **options)


def find_centers(found):
    boxes = found.pred_instances.bboxes
    return ((boxes[:, :2] + boxes[:, 2:]) / 2).double()


def test_a_crowd_is_looked_at_again_and_every_object_found_where_it_is(true_detector):
    truth = CROWD + LONE
    (found,) = detect(wrap(true_detector, densest=40), [make_sample(truth)])
    (window,) = found.crop_windows
    for x, y, *_ in CROWD:
        assert window[0] <= x <= window[2] and window[1] <= y <= window[3]
    assert not window[0] <= LONE[0][0] <= window[2]
    wanted = torch.tensor([each[:2] for each in truth], dtype=torch.float64)
    distance = torch.cdist(wanted, find_centers(found))
    assert len(found.pred_instances) == len(truth)
    assert distance.amin(dim=1).max() < 1e-3


@pytest.mark.parametrize("crowd", [[], LONE, CROWD[:3]], ids=["none", "lone", "small"])
def test_without_a_crowd_there_is_one_pass(true_detector, crowd):
    """Three objects under 96 x 96 px at YOLC's own least size."""
    (found,) = detect(wrap(true_detector, min_side=96), [make_sample(crowd)])
    assert (found.crop_windows, found.crop_pixels) == ([], 0)
    assert len(found.pred_instances) == len(crowd)


def test_no_more_than_k_crowds_are_looked_at_again(true_detector):
    moved = [(x + 170, y + 110, w, h) for x, y, w, h in CROWD[:40]]
    fine_grid = {"columns": 32, "rows": 20, "densest": 300}
    for k in (1, 2, 3):
        (found,) = detect(wrap(true_detector, k=k, **fine_grid), [make_sample(CROWD + moved)])
        assert len(found.crop_windows) == min(k, 2)
        assert len(found.pred_instances) == len(CROWD + moved)


def test_a_window_ends_where_the_image_does_whatever_its_padding(true_detector):
    """The window ends where the image does, whatever it is padded to."""
    corner = [(x + 115, y + 100, w, h) for x, y, w, h in CROWD]
    small = make_sample(corner, size=(256, 201))
    alone = detect(wrap(true_detector), [small], torch.zeros(1, 3, 224, 256))[0]
    beside = make_sample(corner, size=(256, 201))
    detect(wrap(true_detector), [make_sample(LONE), beside])
    assert alone.crop_windows == beside.crop_windows
    assert alone.crop_windows[0][2:] == (256, 201)
    assert len(find_centers(alone)) == len(find_centers(beside)) == len(corner)


def test_boxes_come_back_in_the_original_image(true_detector):
    plain, scaled = (
        detect(wrap(true_detector), [make_sample(CROWD, scale=scale)])[0]
        for scale in ((1.0, 1.0), (0.5, 0.8))
    )
    expected = plain.pred_instances.bboxes / torch.tensor([0.5, 0.8, 0.5, 0.8])
    torch.testing.assert_close(scaled.pred_instances.bboxes, expected)


@pytest.fixture
def contrasted_detector(detector):
    """The untrained network with a heatmap of high contrast, so that it sees crowds in noise."""
    last = detector.bbox_head.heatmap_branch[-1]
    before = last.weight.clone()
    with torch.no_grad():
        last.weight *= 1e5  # as initialized, logits differ by less than their bias is rounded by
        last.weight *= 0.6 / detector(torch.randn(1, 3, 224, 320))[0][0].std()
    yield detector
    with torch.no_grad():
        last.weight.copy_(before)


def test_a_crop_is_scaled_padded_and_detected_on_by_the_plain_detector(contrasted_detector):
    torch.manual_seed(1)
    images = torch.randn(1, 3, 224, 320)
    images[:, :, 60:130, 90:200] *= 6
    whole = wrap(contrasted_detector, k=1, min_side=15, nms_iou=1.0, max_per_img=5000)
    (found,) = detect(whole, [make_sample()], images)
    ((x1, y1, x2, y2),) = found.crop_windows
    width, height = round((x2 - x1) * 1.5), round((y2 - y1) * 1.5)
    crop = F.interpolate(images[:, :, y1:y2, x1:x2], (height, width), mode="bilinear")
    padded = torch.zeros(1, 3, -(-height // 32) * 32, -(-width // 32) * 32)
    padded[:, :, :height, :width] = crop
    assert found.crop_pixels == pytest.approx(padded[0, 0].numel() / (224 * 320))
    coarse, again = (
        detect(contrasted_detector, [make_sample()], each)[0].pred_instances
        for each in (images, padded)
    )
    zoom = torch.tensor([width / (x2 - x1), height / (y2 - y1)]).repeat(2)
    corner = torch.tensor([x1, y1, x1, y1])
    expected = [
        [*(box / zoom + corner).tolist(), score]
        for box, score in zip(again.bboxes, again.scores.tolist(), strict=True)
    ]
    expected = [
        row
        for row in expected
        if x1 <= find_middle(row)[0] <= x2 and y1 <= find_middle(row)[1] <= y2
    ]
    for box, score in zip(coarse.bboxes.tolist(), coarse.scores.tolist(), strict=True):
        if box[0] < x1 or box[1] < y1 or box[2] > x2 or box[3] > y2:
            expected.append([*box, score])
    mine = torch.cat([found.pred_instances.bboxes, found.pred_instances.scores[:, None]], dim=1)
    assert len(expected) > 100
    torch.testing.assert_close(
        torch.tensor(sorted(mine.tolist())), torch.tensor(sorted(expected)), atol=1e-3, rtol=1e-4
    )


def make_padded_sample(boxes, corner=(21, 13), size=(270, 190), scale=(1.0, 1.0)):
    """An image of ``size`` in the middle of 320x224, its boxes where they lie then."""
    x, y = corner
    made = make_sample([(a + x, b + y, w, h) for a, b, w, h in boxes], scale=scale)
    border = (y, y + size[1], x, x + size[0])
    made.set_metainfo({"border": border, "center_pad": {"divisor": 32, "least": 1}})
    return made


def test_crops_of_an_image_padded_on_all_sides_are_padded_alike(true_detector):
    """Its windows end where the image does, and boxes come back in the image's own pixels."""
    crowd = [(x + 130, y + 80, w, h) for x, y, w, h in CROWD]
    (found,) = detect(wrap(true_detector), [make_padded_sample(crowd, scale=(0.5, 0.8))])
    (window,) = found.crop_windows
    assert window[2:] == (291, 203)
    assert len(found.pred_instances) == len(crowd)
    wanted = torch.tensor([each[:2] for each in crowd], dtype=torch.float64)
    distance = torch.cdist(wanted / torch.tensor([0.5, 0.8]), find_centers(found))
    assert distance.amin(dim=1).max() < 1e-3


def test_what_lies_in_the_padding_alone_is_no_window(true_detector):
    outside = [(x - 180, y - 13, w, h) for x, y, w, h in CROWD]
    alone = make_padded_sample(outside, corner=(180, 13), size=(130, 200))
    assert detect(wrap(true_detector), [alone])[0].crop_windows == []


def test_a_crop_of_a_padded_image_lies_in_the_middle_of_raw_black(detector):
    mean, std = [10.0, 20.0, 30.0], [2.0, 4.0, 5.0]
    model = wrap(detector)
    model.data_preprocessor = MODELS.build(
        {"type": "DetDataPreprocessor", "mean": mean, "std": std}
    )
    image = torch.randn(3, 64, 96)
    crop, padded = model._cut(image, [10, 20, 50, 40], {"divisor": 32, "least": 1})
    assert (crop.size, crop.start, padded.shape[2:]) == ((60, 30), (2, 1), (32, 64))
    scaled = F.interpolate(image[None, :, 20:40, 10:50], size=(30, 60), mode="bilinear")
    torch.testing.assert_close(padded[:, :, 1:31, 2:62], scaled)
    around = torch.ones(32, 64, dtype=torch.bool)
    around[1:31, 2:62] = False
    black = torch.tensor([-5.0, -5.0, -6.0])
    torch.testing.assert_close(padded[0][:, around], black[:, None].expand(3, int(around.sum())))
    boxes = torch.tensor([[12.0, 22.0, 30.5, 39.0]])
    assert crop.map_to_crop(boxes).tolist() == [[5.0, 4.0, 32.75, 29.5]]
    torch.testing.assert_close(crop.map_to_image(crop.map_to_crop(boxes)), boxes)


def find_middle(box):
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def test_training_and_plain_forward_passes_are_the_detector_s(detector):
    images, truth = torch.randn(1, 3, 64, 64), [make_sample([(20, 20, 8, 8)], size=(64, 64))]
    both = wrap(detector)
    for mine, plain in zip(
        both.loss(images, truth).items(), detector.loss(images, truth).items(), strict=True
    ):
        assert mine == plain
    torch.testing.assert_close(both(images)[0][0], detector(images)[0][0])
    assert {name.removeprefix("detector.") for name in both.state_dict()} == set(
        detector.state_dict()
    )


@pytest.mark.parametrize("blurred", [False, True])
def test_clusters_are_seen_in_the_scores_that_peaks_are_searched_in(contrasted_detector, blurred):
    torch.manual_seed(2)
    images = torch.randn(1, 3, 224, 320)
    with torch.no_grad():
        score = contrasted_detector(images)[0][0].sigmoid()
    if blurred:
        away = torch.arange(-1.0, 2.0).square()
        kernel = torch.exp(-(away[:, None] + away) / 2)
        mirrored = F.pad(score, (1, 1, 1, 1), mode="reflect")
        score = F.conv2d(mirrored, (kernel / kernel.sum()).repeat(2, 1, 1, 1), groups=2)
    detector = wrap(contrasted_detector, densest=3, min_side=20)
    contrasted_detector.bbox_head.test_cfg.pre_peak_blur = blurred
    try:
        with torch.no_grad():
            (found,) = detector.find_windows(images, [make_sample()])
    finally:
        contrasted_detector.bbox_head.test_cfg.pre_peak_blur = False
    options = CropOptions(2, densest=3, min_side=20)
    assert len(found)
    assert torch.equal(found, find_clusters(score[0], 1.0, (320, 224), options))


def test_impossible_detectors_and_options_are_refused(detector):
    with pytest.raises(ValueError, match="k=0 are no second pass"):
        wrap(detector, k=0)
    with pytest.raises(TypeError, match="sclae"):
        wrap(detector, sclae=2)
    foreign = MODELS.build(
        {
            "type": "SingleStageDetector",
            "backbone": {"type": "OneConvolution"},
            "bbox_head": {
                "type": "CenterNetHead",
                "num_classes": 2,
                "in_channels": 8,
                "feat_channels": 8,
            },
        }
    )
    with pytest.raises(ValueError, match=r"CenterNetHead; set cluster_crops.k=0"):
        wrap(foreign)
