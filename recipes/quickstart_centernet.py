"""mmdet's CenterNet with its offset head (stride 4, no upsampling), small, on rendered scenes.

Paper: arXiv 1904.07850.
Command: hrhsco train quickstart_centernet --data runs/scenes
Cost: about that of quickstart_baseline, a minute on 2 CPU cores.
Expect: close to the x4 baseline: the same method, an offset in the place of upsampling.
"""

_base_ = [
    "_base_/datasets/scenes.py",
    "_base_/models/centernet_hrnet_tiny.py",
    "_base_/schedules/adamw.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=3))  # training takes the number from the data
# The schedule's rates are tuned for YOLC's heads.
optim_wrapper = dict(paramwise_cfg=None, optimizer=dict(lr=2e-3))

# mmdet's head asks each image for the border that padding gave it.
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type="CenterPad"),
    dict(type="PackDetInputs", meta_keys=(*_base_.test_pipeline[-1]["meta_keys"], "border")),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
