"""DOTA, horizontal boxes, on tiles of 1024x1024 (800x800 in the first papers), not resized.

Directory: train/ and val/ with images/ and labelTxt/ (v1.5, v2.0: labelTxt-v1.5/, labelTxt-v2.0/).
Data: hrhsco data convert dota DOTA data/dota (or dotav1.5, dotav2). Its images are of up to
20,000 px: training draws crops of 1024x1024 from them, but reads each whole, and scoring them whole
outgrows a GPU. So cut them into tiles, and name the folder of the tiles with --data; figures then
are of tiles: hrhsco data tiles data/dota data/dota_tiles --size 1024x1024 --overlap 200
Classes: plane, baseball-diamond, bridge, ground-track-field, small-vehicle, large-vehicle, ship,
tennis-court, basketball-court, storage-tank, soccer-ball-field, roundabout, harbor, swimming-pool,
helicopter; v1.5 adds container-crane, v2.0 airport and helipad. Difficult objects are excused.
"""

_base_ = ["crops.py"]

input_size = (1024, 1024)
data_root = "data/dota"

train_pipeline = _base_.train_pipeline
train_pipeline[2].crop_size = input_size
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root))
