"""x"""

_base_ = [
    "_base_/datasets/scenes.py",
    "_base_/models/fcos_hrnet_tiny.py",
    "_base_/schedules/adamw.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=3))  # training takes the number from the data
