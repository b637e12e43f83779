"""YOLC's own experiment, by its public config: HRNet-W48, x4, VisDrone at the images' own size.

Source: github.com/dawn-ech/YOLC at 3b42257: configs/yolc.py, gen_crop.py, eval_yolc.py.
Data: hrhsco data convert visdrone FOLDER data/visdrone
    hrhsco data crops data/visdrone data/yolc --scale 1.5 --pad 1024x640 --all-rows
Command: hrhsco train yolc_published --data data/yolc --device cuda
    hrhsco evaluate runs/yolc_published --set cluster_crops.k=0 --json first_pass.json
    or crops, three seeds and k = 0 to 3: hrhsco ablate grid yolc_published --data data/visdrone
Cost: 48 epochs of 5 passes over about 13,000 images, batch 4 (on each of the config's GPUs, whose
    number is not told); not run by the authors of this tool.
Expect: what arXiv 2404.06180 reports, as far as what follows allows.

Not the same as there:
- mmdet 3's PhotoMetricDistortion clips the saturation at 1, mmdet 2's does not; random numbers come
  in another order; mmdet 2 makes batches of images of one orientation.
- Boxes are clipped to their image. Those of crops are floats, there cut to whole px; images are
  not compressed as JPEG once more. Windows of crops reach out to whole px, there they are cut to
  them; those of the second pass are cut from the network's input, not from the image, and scaled
  without rounding to 8 bits.
- Training crops of 1023 px are padded to 1024; there their targets are scaled by 256 / 255.75.
- The transposed convolutions' biases start at 0, there at random.
Known faults that are not copied: boxes are sampled by (y, x) as deformable convolution reads them,
there transposed (--set model.bbox_head.sample_order=xy).
"""

_base_ = [
    "_base_/datasets/yolc_published.py",
    "_base_/models/yolc_hrnet_w48.py",
    "_base_/schedules/yolc_48e.py",
    "_base_/runtime.py",
]

model = dict(
    bbox_head=dict(num_classes=10, init="yolc", focal_prior_bias=0.0),
    test_cfg=dict(pre_peak_blur=True, peak_window="cells"),
)
cluster_crops = dict(k=2)  # eval_yolc.py's; the README there has 0 to 3
