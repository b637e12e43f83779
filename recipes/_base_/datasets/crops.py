"""Images of any size, not resized: trained on random crops of 640x640, scored whole.

Data: hrhsco data convert yolo FOLDER data/mine (or coco); any folder with train.json, val.json and
images/ will do. Classes come from there.
"""

_base_ = ["kit_ais.py"]

input_size = (640, 640)
data_root = "data/mine"

train_pipeline = _base_.train_pipeline
train_pipeline[2].crop_size = input_size  # RandomCrop: width, height
train_dataloader = dict(num_workers=4, dataset=dict(data_root=data_root, pipeline=train_pipeline))
test_dataloader = dict(num_workers=2, dataset=dict(data_root=data_root))
