"""Small trees in the exact layout in which each data set is published, and what they hold.

Each writer takes the folder and gives, for our train and val, the boxes that count and those that
are excused: rows (image's file name, class, x, y, w, h) with the class by name.
"""

import json

from PIL import Image


def write_image(path, size=(100, 80), shade=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (8 * shade, 0, 0)).save(path)  # JPEG takes 0 and 1 for the same


def text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def coco(path, images, annotations, categories, size=(100, 80), **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": number, "file_name": name, "width": size[0], "height": size[1], **more}
        for number, name in images.items()
    ]
    path.write_text(
        json.dumps(
            {
                "info": "",
                "images": rows,
                "annotations": [
                    {"id": i, "area": 1.0 * a["bbox"][2] * a["bbox"][3], "iscrowd": 0, **a}
                    for i, a in enumerate(annotations)
                ],
                "categories": [{"id": i, "name": name} for i, name in categories.items()],
            }
        )
    )


def visdrone(root):
    for shade, split in enumerate(("train", "val", "test-dev")):
        folder = root / f"VisDrone2019-DET-{split}"
        write_image(folder / "images/0000002_00005_d_0000014.jpg", shade=shade)
        text(
            folder / "annotations/0000002_00005_d_0000014.txt",
            "1,2,3,4,1,4,0,1,",
            "5,5,10,10,0,0,0,0",
            "5,5,2,2,0,11,0,0",
            "7,7,9,3,0,10,0,0",
        )
    name = "VisDrone2019-DET-{}/images/0000002_00005_d_0000014.jpg"
    return {
        split: (
            [(name.format(split), "car", 1, 2, 3, 4)],
            [(name.format(split), "motor", 7, 7, 9, 3)],
        )
        for split in ("train", "val")
    }


def uavdt(root, attributes=True):
    truth = root / "UAV-benchmark-MOTD_v1.0/GT"
    for shade, (sequence, split) in enumerate({"M0101": "train", "M0203": "test"}.items()):
        for frame in (1, 2):
            write_image(
                root / f"UAV-benchmark-M/{sequence}/img{frame:06d}.jpg", shade=9 * shade + frame
            )
        text(truth / f"{sequence}_gt.txt", "1,5,10,20,30,15,1,-1,-1")
        text(truth / f"{sequence}_gt_whole.txt", "1,5,10,20,30,15,1,1,2", "2,5,95,20,30,15,1,1,3")
        text(truth / f"{sequence}_gt_ignore.txt", "1,-1,0,0,9,8,1,-1,-1")
        if attributes:
            text(root / f"M_attr/{split}/{sequence}_attr.txt", "1,0,0,1,0,0,0,0")
    return {
        ours: (
            [
                (f"{sequence}/img000001.jpg", "truck", 10, 20, 30, 15),
                (f"{sequence}/img000002.jpg", "bus", 95, 20, 5, 15),
            ],
            [],
        )
        for ours, sequence in (("train", "M0101"), ("val", "M0203"))
    }


AITOD = ["airplane", "bridge", "storage-tank", "ship", "swimming-pool", "vehicle", "person",
         "wind-mill"]  # fmt: skip


def aitod(root, names="annotations/aitod_{}_v1.json", images="{}/images"):
    """Category ids in another order than the published one, as some copies have them."""
    ids = {9 - place: name for place, name in enumerate(AITOD, start=1)}
    for shade, split in enumerate(("train", "trainval", "val", "test")):
        folder = images.format(split)
        write_image(root / folder / f"P{shade}.png", (80, 80), shade)
        rows = [{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3.5, 4], "segmentation": []}]
        coco(root / names.format(split), {7: f"P{shade}.png"}, rows, ids, size=(80, 80))
    return {
        ours: ([(f"{images.format(split)}/P{n}.png", "vehicle", 1, 2, 3.5, 4)], [])
        for ours, split, n in (("train", "trainval", 1), ("val", "test", 3))
    }


def aitodv2(root):
    found = aitod(root, "annotations/aitodv2_{}.json", "images/{}")
    # The link leads to images/, where the images of all splits lie.
    return {
        split: ([(row[0].removeprefix("images/"), *row[1:]) for row in rows], excused)
        for split, (rows, excused) in found.items()
    }


def tinyperson(root):
    names = {1: "labeled.jpg", 2: "dense.jpg"}
    erased = root / "erase_with_uncertain_dataset"
    flags = {"ignore": False, "uncertain": False, "logo": False, "in_dense_image": False}
    rows = [
        {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], **flags},
        {"image_id": 1, "category_id": 2, "bbox": [9, 9, 5, 5], **flags, "ignore": True},
        {"image_id": 1, "category_id": 2, "bbox": [20, 9, 5, 5], **flags, "uncertain": True},
        {"image_id": 2, "category_id": 1, "bbox": [30, 9, 5, 5], **flags, "in_dense_image": True},
    ]
    raw = {1: "sea_person", 2: "earth_person"}
    for shade, (folder, split) in enumerate([(erased, "train"), (root, "train"), (root, "test")]):
        for number, name in names.items():
            write_image(folder / split / name, shade=9 * shade + number)
        coco(folder / f"annotations/tiny_set_{split}.json", names, rows, raw)
    task = [row | {"category_id": 1} for row in rows[:3]]
    coco(root / "annotations/task/tiny_set_test_all.json", {1: names[1]}, task, {1: "person"})
    excused = [("person", 9, 9, 5, 5), ("person", 20, 9, 5, 5)]
    return {
        ours: (
            [(f"{folder}/labeled.jpg", "person", 1, 2, 3, 4)],
            [(f"{folder}/labeled.jpg", *row) for row in excused],
        )
        for ours, folder in (("train", "erase_with_uncertain_dataset/train"), ("val", "test"))
    }


def dota(root, labels="labelTxt"):
    for shade, split in enumerate(("train", "val")):
        write_image(root / split / "images/P0000.png", shade=shade)
        text(
            root / split / labels / "P0000.txt",
            "imagesource:GoogleEarth",
            "gsd:0.146343590398",
            "20 10 30 20 20 30 10 20 plane 0",
            "1.0 1.0 5.0 1.0 5.0 4.0 1.0 4.0 harbor 1",
        )
    return {
        split: (
            [(f"{split}/images/P0000.png", "plane", 10, 10, 20, 20)],
            [(f"{split}/images/P0000.png", "harbor", 1, 1, 4, 3)],
        )
        for split in ("train", "val")
    }


def yolo(root, described=True):
    for shade, split in enumerate(("train", "val")):
        write_image(root / f"images/{split}/a{shade}.jpg", shade=shade)
        write_image(root / f"images/{split}/empty.jpg", shade=10 + shade)
        text(root / f"labels/{split}/a{shade}.txt", "1 0.5 0.5 0.2 0.25")
    yaml = "path: .\ntrain: images/train\nval: images/val\n" if described else ""
    text(root / "data.yaml", f"{yaml}names: {{0: car, 1: bus}}")
    return {
        split: ([(f"{split}/a{n}.jpg", "bus", 40, 30, 20, 20)], [])
        for n, split in enumerate(("train", "val"))
    }


def coco2017(root):
    for shade, split in enumerate(("train", "val")):
        write_image(root / f"{split}2017/000000000139.jpg", shade=shade)
        rows = [
            {"image_id": 139, "category_id": 90, "bbox": [1.5, 2, 3, 4]},
            {"image_id": 139, "category_id": 1, "bbox": [9, 9, 8, 8], "iscrowd": 1},
        ]
        names = {90: "toothbrush", 1: "person"}
        coco(
            root / f"annotations/instances_{split}2017.json", {139: "000000000139.jpg"}, rows, names
        )
    return {
        split: (
            [(f"{split}2017/000000000139.jpg", "toothbrush", 1.5, 2, 3, 4)],
            [(f"{split}2017/000000000139.jpg", "person", 9, 9, 8, 8)],
        )
        for split in ("train", "val")
    }


TREES = {
    "visdrone": visdrone,
    "uavdt": uavdt,
    "aitod": aitod,
    "aitodv2": aitodv2,
    "tinyperson": tinyperson,
    "dota": dota,
    "yolo": yolo,
    "coco": coco2017,
}
"""By layout."""
