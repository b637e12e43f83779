"""mmdet's CenterNet with its offset head: HRNet-W48 on VisDrone.

Paper: arXiv 1904.07850.
Command: hrhsco train visdrone_w48_centernet --data data/visdrone --device cuda
Cost: 305 G MACs and 67.6 M parameters (visdrone_w48_baseline 323 and 68.1); 48 epochs of 5
    passes, not run by the authors of this tool.
Expect: unknown; data, epochs and optimizer are visdrone_w48_baseline's.
"""

_base_ = [
    "_base_/datasets/visdrone.py",
    "_base_/models/centernet_hrnet_w48.py",
    "_base_/schedules/yolc_48e.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=10))  # training takes the number from the data

# mmdet's head asks each image for the border that padding gave it.
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type="CenterPad"),
    dict(type="PackDetInputs", meta_keys=(*_base_.test_pipeline[-1]["meta_keys"], "border")),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
