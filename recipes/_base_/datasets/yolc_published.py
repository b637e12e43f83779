"""VisDrone2019-DET as YOLC's public config reads it: originals and one cluster crop of each.

Data: hrhsco data convert visdrone FOLDER data/visdrone
hrhsco data crops data/visdrone data/yolc --scale 1.5 --pad 1024x640 --all-rows
Rows of score 0 are learned and scored as any object, boxes that a crop cuts are not there, and
images without objects are left out. Scored by protocol yolc.
"""

_base_ = ["visdrone.py"]

protocol = "yolc"
data_root = "data/yolc"

train_pipeline = _base_.train_pipeline
# The config says (1024, 640), and mmdet 2 reads that as height and width.
train_pipeline[3].crop_size = (640, 1024)  # width, height
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale_factor=1.0),  # not resized; notes the scale for decoding
    dict(type="CenterPad", divisor=32, least=1),  # (side | 31) + 1 there
    dict(
        type="PackDetInputs",
        meta_keys=(
            "img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "border", "center_pad",
        ),
    ),
]  # fmt: skip
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_root=data_root,
            all_rows=True,
            filter_cfg=dict(filter_empty_gt=True),
            pipeline=train_pipeline,
        )
    )
)
test_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
