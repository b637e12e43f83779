"""KIT AIS vehicles: 33 + 10 real nadir frames of up to 1764 px, trained on 160x160 crops.

Images: KIT AIS Data Set, CC BY 3.0. Boxes: jekhor/aerial-cars-dataset. Val frames are scored
whole, padded to the network's stride, not resized.
"""

_base_ = ["scenes.py"]

input_size = (1284, 377)  # the val frames
data_root = "data/kit_ais_vehicles"

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandomCrop", crop_size=(160, 160), allow_negative_crop=True),
    dict(
        type="RandomFlip", prob=[0.25, 0.25, 0.25], direction=["horizontal", "vertical", "diagonal"]
    ),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(batch_size=4, dataset=dict(data_root=data_root, pipeline=train_pipeline))
test_dataloader = dict(batch_size=1, dataset=dict(data_root=data_root))
