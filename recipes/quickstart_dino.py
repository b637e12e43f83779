"""mmdet's DINO, small, on rendered scenes: queries over strides 4 to 32.

Paper: arXiv 2203.03605.
Command: hrhsco train quickstart_dino --data runs/scenes
Cost: several times quickstart_baseline's, some minutes on 2 CPU cores.
Expect: next to nothing: transformers converge late, and 500 steps are no fair trial of one.
"""

_base_ = [
    "_base_/datasets/scenes.py",
    "_base_/models/dino_hrnet_tiny.py",
    "_base_/schedules/adamw.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=3))  # training takes the number from the data
# The schedule's rates are tuned for YOLC's heads.
optim_wrapper = dict(paramwise_cfg=None, optimizer=dict(lr=2e-3))
