"""VisDrone2019-DET as HRH-SCO's public config reads it: resized to 640x384, every fourth image.

Data: hrhsco data convert visdrone FOLDER data/visdrone
The public list of a quarter of the images (train_25pct.json) is not in its repository: every
fourth one is taken here. Rows of score 0 are learned and scored as any object; images without
objects are left out. Scored by protocol yolc, on all of val; the public quarter of val is unknown.
"""

_base_ = ["visdrone.py"]

input_size = (640, 384)
protocol = "yolc"

train_pipeline = [
    dict(type="LoadImageFromFile", to_float32=True),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=input_size, keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="Pad", size_divisor=32),  # right and below, with raw black
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile", to_float32=True),
    dict(type="Resize", scale=input_size, keep_ratio=True),
    dict(type="Pad", size_divisor=32),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(
        times=1,
        dataset=dict(
            all_rows=True,
            every=4,
            filter_cfg=dict(filter_empty_gt=True),
            pipeline=train_pipeline,
        ),
    ),
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
