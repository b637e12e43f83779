"""AI-TOD and AI-TOD-v2: 800x800 aerial images, not resized.

Directory: annotations/aitod_{train,trainval,val,test}_v1.json (v2: aitodv2_*.json) and the images
in trainval/images/ and test/images/, or in images/trainval/ and images/test/.
Data: hrhsco data convert aitod AI-TOD data/aitod, or aitodv2 AI-TOD-v2 data/aitodv2; as papers do,
trains on trainval and scores on test (for val: hrhsco data convert aitod AI-TOD data/aitod/val.json
--split val).
Classes: airplane, bridge, storage-tank, ship, swimming-pool, vehicle, person, wind-mill.
Scored by protocol aitod: 1500 detections an image and class, its size bins.
"""

_base_ = ["scenes.py"]

input_size = (800, 800)
protocol = "aitod"
data_root = "data/aitod"

train_dataloader = dict(num_workers=4, dataset=dict(data_root=data_root))
test_dataloader = dict(batch_size=1, num_workers=2, dataset=dict(data_root=data_root))
