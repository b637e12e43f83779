"""TinyPerson: images of up to 1920x1080, trained on random crops of 640x512, scored whole.

Directory: tiny_set/ with erase_with_uncertain_dataset/{annotations/task/tiny_set_train_all.json,
train/} (ignored and uncertain regions painted over), annotations/task/tiny_set_test_all.json and
test/. The official corner crops of 640x512 need not be: crops are drawn while training.
Data: hrhsco data convert tinyperson tiny_set data/tinyperson
Classes: person. Objects marked ignore, uncertain or logo are excused, dense images left out. The
figures are those of protocol tinyperson: 200 detections an image at IoU 0.25, 0.5 and 0.75, its own
size bins; protocol dense has all of COCO's thresholds.
"""

_base_ = ["crops.py"]

input_size = (640, 512)
protocol = "tinyperson"
data_root = "data/tinyperson"

train_pipeline = _base_.train_pipeline
train_pipeline[2].crop_size = input_size
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root))
